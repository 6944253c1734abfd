//! Who people are in Slack and in Teams: tied to a colleague by a link where their profile does not
//! say it, and told times where they are.

use acceptance::bot::TestBot;
use acceptance::db::on_both;
use acceptance::slack::User as SlackUser;
use acceptance::teams::User as TeamsUser;
use firstline::console::session::hash_token;
use firstline_core::words::Told;

use crate::slack::QUESTION;
use crate::{slack, teams};

/// A console to be signed in to, and whose addresses are colleagues'.
const SETTINGS: &str = "
[server]
public_url = \"https://help.example\"

[people]
domains = [\"example.com\"]
";

/// Somebody signed in to the console follows the link and confirms.
async fn confirms(bot: &TestBot, who: &str, says: &str) {
    let token = says.split("https://help.example/link/").nth(1).unwrap_or_else(|| panic!("{says}"));
    let token = token.split(['|', '>', ')']).next().unwrap();
    let (hash, email) = (hash_token(token), format!("{who}@example.com"));
    let now = bot.app.clock.now();
    let used = bot.app.store.use_account_link(&hash, &email, now).await.unwrap();
    assert!(used.is_some(), "{token}");
}

#[tokio::test]
async fn whom_slack_does_not_name_says_who_they_are() {
    on_both(async |store| {
        let desk = slack::Desk::new(store, SETTINGS).await;
        let user = |id: &str, email: Option<&str>| SlackUser {
            id: id.into(),
            name: id.to_lowercase(),
            email: email.map(str::to_owned),
            ..SlackUser::default()
        };
        desk.slack.add_user(user("UNONE", None));
        desk.slack.add_user(user("UHOME", Some("ben@home.example")));
        desk.slack.add_user(SlackUser { restricted: true, ..user("UGUEST", None) });
        desk.slack.add_user(user("UNEW", Some("new@example.com")));
        let asks = async |who: &str, text: &str| {
            let channel = format!("D{who}");
            let asked = desk.says(&channel, who, text, None).await;
            let said = desk.replies(&channel, &asked);
            said.iter().map(|m| format!("{} {}", m.text, m.blocks)).collect::<String>()
        };
        let knows = |said: &str| said.contains("Purchasing");
        let hints = |said: &str| said.contains("/firstline link");
        for (who, known, hinted) in [
            ("UNONE", false, true),
            ("UHOME", false, true),
            ("UGUEST", false, false),
            ("UNEW", true, false),
        ] {
            let said = asks(who, QUESTION).await;
            assert_eq!((knows(&said), hints(&said)), (known, hinted), "{who}: {said}");
        }
        let refused = asks("UGUEST", "link").await;
        assert!(refused.contains("guests stay guests") && !refused.contains("/link/"), "{refused}");

        let typed = asks("UNONE", "link").await;
        let by_command =
            desk.slack.send_command(&desk.url, "UHOME", "C1", "/firstline", "link").await;
        let by_command = by_command.text().await.unwrap();
        assert!(by_command.contains("until today 12:15 UTC"), "{by_command}");
        for (who, says) in [("UNONE", typed), ("UHOME", by_command)] {
            confirms(&desk.bot, "ben", &says).await;
            assert!(knows(&asks(who, QUESTION).await), "{who} is a colleague at once");
        }
        desk.bot.files("ben", "It rejects my invoice").await;
        desk.bot.run().await;
        assert!(asks("UNONE", "status FL-1").await.contains("rejects my invoice"));
        assert!(asks("UNONE", "link").await.contains("ben@example.com already"));
        asks("UNONE", "unlink").await;
        desk.keep_up().await;
        let typed = asks("UNONE", "link").await;
        confirms(&desk.bot, "ben", &typed).await;
        desk.keep_up().await;
        assert!(knows(&asks("UNONE", QUESTION).await), "what was wished before is not done again");
        asks("UNONE", "unlink").await;
        assert!(!knows(&asks("UNONE", QUESTION).await), "a guest again");
        assert!(knows(&asks("UHOME", QUESTION).await));
        desk.bot.assert_quiet().await;
    })
    .await;
}

#[tokio::test]
async fn whom_teams_does_not_name_says_who_they_are() {
    on_both(async |store| {
        let desk = teams::Desk::with(store, SETTINGS).await;
        desk.teams.add_user(TeamsUser::new("Gus"));
        desk.teams.add_user(TeamsUser::guest("Gil", "gil@elsewhere.example"));
        let asks = async |who: &str, text: &str| {
            let chat = desk.teams.personal(who);
            desk.says(&chat, who, text, None).await;
            teams::shown(&desk.replies(&chat, None).pop().unwrap())
        };
        let knows = |said: &str| said.contains("Purchasing");
        let said = asks("29:gus", QUESTION).await;
        assert!(!knows(&said) && said.contains("Writing `link`"), "{said}");
        let refused = asks("29:gil", "link").await;
        assert!(refused.contains("guests stay guests"), "{refused}");
        let says = asks("29:gus", "link").await;
        confirms(&desk.bot, "ben", &says).await;
        assert!(knows(&asks("29:gus", QUESTION).await), "a colleague");
        assert!(asks("29:gus", "unlink").await.contains("Done"));
        assert!(!knows(&asks("29:gus", QUESTION).await), "a guest again");
        desk.bot.assert_quiet().await;
    })
    .await;
}

#[tokio::test]
async fn times_are_told_where_people_are() {
    on_both(async |store| {
        let desk = slack::Desk::new(store, "").await;
        desk.slack.add_user(SlackUser {
            id: "UANA".into(),
            name: "ana".into(),
            email: Some("ana@example.com".into()),
            tz: "America/New_York".into(),
            ..SlackUser::default()
        });
        desk.bot.files("ana", "It rejects my invoice").await;
        desk.bot.run().await;
        let asked = desk.says("D1", "UANA", "status FL-1", None).await;
        let said = desk.replies("D1", &asked).pop().unwrap();
        assert!(said.text.contains("Filed today 07:00"), "{said:?}");
        // What Slack told is known everywhere, until something else is told.
        let asked = desk.bot.say("ana", None, "my tickets").await;
        let said = desk.bot.transcript(&asked.conversation_id).await;
        assert!(said.contains("today 07:00)"), "{said}");
        let asked = desk.bot.say("ben", None, "status FL-1").await;
        let said = desk.bot.transcript(&asked.conversation_id).await;
        assert!(!said.contains("rejects my invoice"), "{said}");
    })
    .await;
    on_both(async |store| {
        let desk = teams::Desk::new(store).await;
        desk.bot.files("ana", "It rejects my invoice").await;
        desk.bot.run().await;
        let chat = desk.teams.personal("29:ana");
        desk.says(&chat, "29:ana", "status FL-1", None).await;
        let said = teams::shown(&desk.replies(&chat, None).pop().unwrap());
        let now = desk.bot.app.clock.now();
        let when = Told { now, zone: Some("Europe/Berlin") }.when(now, "en");
        assert!(said.contains(&format!("Filed {when}")), "{when}: {said}");
    })
    .await;
}
