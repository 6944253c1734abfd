//! What was said in Teams while the service was away: read from Graph where an administrator
//! consented, over the wire, on both databases.

use acceptance::bot::{MockClock, START};
use acceptance::db::{TestDb, on_both};
use acceptance::teams::{Call, FakeTeams, Fault};
use firstline::config::Config;
use firstline::ports::Clock;
use firstline::store::Store;
use firstline::store::records::Place;
use firstline_core::chat::Platform;
use serde_json::Value;

use crate::teams::{Desk, HELP, QUESTION, shown};

const OTHER: &str = "19:other@thread.tacv2";
const CHAT: &str = "19:lunch@thread.v2";
const BUSY: &str = "19:busy@thread.v2";
const FOLLOW_UP: &str = "and if posting is refused with KS-1180?";

fn id(activity: &Value) -> &str {
    activity["id"].as_str().unwrap()
}

impl Desk {
    /// A desk that Teams has told of a message in a support channel, another channel and a chat;
    /// with the thread of the first.
    async fn known(store: Store) -> (Desk, String) {
        let desk = Desk::new(store).await;
        desk.teams.set_clock(desk.bot.clock.now());
        desk.teams.add_conversation(OTHER, &["29:ana", "29:ben"]);
        desk.teams.add_conversation(CHAT, &["29:ana", "29:ben"]);
        let begun = desk.says(HELP, "29:ana", QUESTION, None).await;
        assert_eq!(desk.send(&desk.teams.mentions(OTHER, "29:ana", "help", None)).await.0, 200);
        assert_eq!(desk.send(&desk.teams.mentions(CHAT, "29:ana", "help", None)).await.0, 200);
        desk.missed().await;
        (desk, begun)
    }

    /// The service begins to listen again, and catches up.
    async fn missed(&self) {
        self.connections.catch_up(&self.bot.app).await;
        self.bot.run().await;
    }

    fn count(&self, place: &str, thread: &Value) -> usize {
        self.replies(place, Some(id(thread))).len()
    }
}

#[tokio::test]
async fn what_was_said_while_nobody_listened_is_answered_once() {
    on_both(async |store| {
        let (desk, begun) = Desk::known(store).await;
        desk.teams.consent(FakeTeams::TEAM);
        desk.teams.set_page(2);
        let before = desk.replies(HELP, Some(&begun)).len();
        // Nobody tells the bot of these.
        let teams = &desk.teams;
        let missed = teams.says(HELP, "29:ana", QUESTION, None);
        teams.says(HELP, "29:ana", FOLLOW_UP, Some(&begun));
        let answered = teams.says(HELP, "29:ana", QUESTION, None);
        teams.says(HELP, "29:ben", "come over, I show you", Some(id(&answered)));
        let called = teams.mentions(OTHER, "29:ana", QUESTION, None);
        let unasked = teams.says(OTHER, "29:ana", QUESTION, None);
        let deleted = teams.says(HELP, "29:ana", QUESTION, None);
        teams.deletes(HELP, id(&deleted));
        teams.fail_next(Call::ChannelMessages, Fault::RateLimited { retry_after_s: 0 });
        for _ in 0..2 {
            desk.missed().await;
        }
        let counts = [
            desk.count(HELP, &missed),
            desk.replies(HELP, Some(&begun)).len() - before,
            desk.count(HELP, &answered),
            desk.count(OTHER, &called),
            desk.count(OTHER, &unasked),
            desk.count(HELP, &deleted),
        ];
        assert_eq!(counts, [1, 1, 0, 1, 0, 0]);
        let answer = &desk.replies(HELP, Some(id(&missed)))[0];
        assert!(shown(answer).contains("Purchasing"), "{}", answer.card);
        // Teams brings it after all.
        for late in [&missed, &called] {
            assert_eq!(desk.send(late).await.0, 200);
        }
        assert_eq!((desk.count(HELP, &missed), desk.count(OTHER, &called)), (1, 1));
        let follow_up = teams.says(HELP, "29:ana", FOLLOW_UP, Some(id(&missed)));
        assert_eq!(desk.send(&follow_up).await.0, 200);
        assert_eq!(desk.count(HELP, &missed), 2, "whoever asked is known as who they are");
        desk.missed().await;
        assert_eq!(desk.count(HELP, &missed), 2, "what came in time is not read again");
        desk.bot.assert_quiet().await;
    })
    .await;
}

#[tokio::test]
async fn a_chat_is_read_where_that_chat_consented() {
    on_both(async |store| {
        let (desk, _) = Desk::known(store).await;
        desk.teams.add_conversation(BUSY, &["29:ana", "29:ben"]);
        assert_eq!(desk.send(&desk.teams.installs(BUSY, "29:ana")).await.0, 200);
        let before = desk.replies(CHAT, None).len();
        for chat in [CHAT, BUSY] {
            desk.teams.consent(chat);
            let asked = desk.teams.mentions(chat, "29:ana", QUESTION, None);
            if chat == BUSY {
                desk.teams.quotes(chat, "29:ben", "that one I know", id(&asked));
            }
        }
        let elsewhere = desk.teams.says(HELP, "29:ana", QUESTION, None);
        desk.missed().await;
        let replies = desk.replies(CHAT, None);
        assert_eq!(replies.len() - before, 1, "{replies:?}");
        assert!(shown(replies.last().unwrap()).contains("Purchasing"));
        assert!(desk.replies(BUSY, None).is_empty(), "somebody else has answered");
        assert_eq!(desk.count(HELP, &elsewhere), 0, "its team did not consent");
        desk.bot.assert_quiet().await;
    })
    .await;
}

#[tokio::test]
async fn without_consent_nothing_is_read_and_after_a_day_nothing_is_answered() {
    on_both(async |store| {
        let (desk, _) = Desk::known(store).await;
        let missed = desk.teams.says(HELP, "29:ana", QUESTION, None);
        desk.missed().await;
        let asked = [Call::ChannelMessages, Call::ChatMessages].map(|c| desk.teams.calls(c).len());
        assert_eq!(asked, [2, 1], "one try each");
        assert_eq!(desk.count(HELP, &missed), 0);

        // It went on listening, so this was not missed but left out.
        desk.bot.clock.advance(60 * 60_000);
        desk.missed().await;
        desk.teams.consent(FakeTeams::TEAM);
        desk.missed().await;
        assert_eq!(desk.count(HELP, &missed), 0);

        desk.teams.set_clock(desk.bot.clock.now());
        let old = desk.teams.says(HELP, "29:ana", QUESTION, None);
        desk.bot.clock.advance(25 * 60 * 60_000);
        desk.teams.set_clock(desk.bot.clock.now());
        let new = desk.teams.says(HELP, "29:ana", QUESTION, None);
        desk.missed().await;
        assert_eq!((desk.count(HELP, &old), desk.count(HELP, &new)), (0, 1));
        desk.bot.assert_quiet().await;
    })
    .await;
}

#[tokio::test]
async fn while_graph_is_away_what_was_missed_stays_to_be_read() {
    on_both(async |store| {
        let (desk, _) = Desk::known(store).await;
        desk.teams.consent(FakeTeams::TEAM);
        let missed = desk.teams.says(HELP, "29:ana", QUESTION, None);
        for call in [Call::FetchTeamDetails, Call::ChannelMessages] {
            desk.teams.fail_next(call, Fault::Status(500));
            desk.missed().await;
            // Long enough for a note of now to have left it behind.
            desk.bot.clock.advance(60 * 60_000);
            assert_eq!(desk.count(HELP, &missed), 0, "{call:?}");
        }
        desk.teams.expire_tokens();
        desk.missed().await;
        assert_eq!(desk.count(HELP, &missed), 1);
        desk.bot.assert_quiet().await;
    })
    .await;
}

#[tokio::test]
async fn doctor_says_whether_what_was_missed_can_be_read_and_who_may_consent() {
    let db = TestDb::sqlite();
    let store = db.store().await;
    let teams = FakeTeams::start().await;
    teams.add_conversation(HELP, &["29:ana"]);
    teams.add_conversation(CHAT, &["29:ana"]);
    let service = format!("teams_service:{}", FakeTeams::TENANT);
    store.set_meta(&service, &teams.service_url()).await.unwrap();
    let examine = async |graph_url: &str| {
        let text = format!(
            "[server]\npublic_url = \"https://help.example.com\"\n[teams]\napp_id = \"{}\"\n\
             app_password = \"{}\"\ntenant_id = \"{}\"\nopenid_metadata_url = \"{}\"\n\
             token_url = \"{}\"\n{graph_url}",
            FakeTeams::APP_ID,
            FakeTeams::APP_PASSWORD,
            FakeTeams::TENANT,
            teams.metadata_url(),
            teams.token_url(),
        );
        let config = Config::from_text(&text, "test", db.dir.path(), []);
        let (url, clock) = (|_: &Config| db.url.clone(), MockClock::at(START));
        let all = firstline::doctor::examine(&config, db.dir.path(), url, clock).await;
        let found = all.into_iter().find(|finding| finding.check == "teams").unwrap();
        assert_eq!(found.state, firstline::doctor::State::Good, "{found:?}");
        (found.found, found.mend.unwrap_or_default())
    };
    let graph_url = format!("graph_url = \"{}\"", teams.graph_url());
    let (found, mend) = examine(&graph_url).await;
    assert!(found.contains("shows once Teams has told") && mend.is_empty(), "{found} {mend}");
    for (channel, team) in
        [(HELP, Some(FakeTeams::TEAM)), (OTHER, Some(FakeTeams::TEAM)), (CHAT, None)]
    {
        let place = Place {
            platform: Platform::Teams,
            tenant: FakeTeams::TENANT.into(),
            channel: channel.into(),
            team: team.map(str::to_owned),
            outsiders: false,
        };
        store.note_place(&place, 1).await.unwrap();
    }
    let (found, mend) = examine(&graph_url).await;
    assert!(found.contains("in 0 of 2 teams and chats"), "{found}");
    assert!(mend.contains("--hear-everything") && mend.contains("ChannelMessage.Read.All"));
    teams.consent(FakeTeams::TEAM);
    let (found, mend) = examine(&graph_url).await;
    assert!(found.contains("in 1 of 2 teams and chats") && !mend.is_empty(), "{found}");
    teams.consent(CHAT);
    let (found, mend) = examine(&graph_url).await;
    assert!(found.contains("in 2 of 2 teams and chats") && mend.is_empty(), "{found} {mend}");
    let (found, mend) = examine("").await;
    assert!(found.contains("is not read") && mend.contains("teams.graph_url"), "{found} {mend}");
    assert_eq!(teams.calls(Call::SendToConversation), Vec::<Value>::new());
    assert_eq!(teams.calls(Call::ChannelMessages).len(), 3, "one try for each team");
    store.close().await;
}
