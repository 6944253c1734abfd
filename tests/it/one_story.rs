//! One story, told the same wherever people are: ask, follow up, a cited answer, not helpful, a
//! ticket by form, an owner's correction, resolved.

use std::sync::Mutex;

use acceptance::bot::TestBot;
use acceptance::db::on_both;
use firstline::accept;
use firstline::flows;
use firstline::ports::Store;
use firstline::store::records::{MessageRow, Ticket, TicketFilter, TicketPatch};
use firstline_core::chat::{TicketForm, Verdict};
use firstline_core::ticket::{Kind, Status, Urgency};
use serde_json::json;
use tempfile::TempDir;

use crate::pipeline::POST_INVOICE;
use crate::slack::QUESTION;
use crate::{discord, slack, teams};

const FOLLOW_UP: &str = "and if posting is refused with KS-1180?";
const SUMMARY: &str = "KS-1180 though the period is open";

/// What was said, without what differs by chance.
async fn transcript(bot: &TestBot) -> Vec<String> {
    let all = bot.app.store.conversations_of("ana@example.com", 9).await.unwrap();
    assert_eq!(all.len(), 1, "all of it is one conversation");
    let messages = bot.app.store.messages(&all[0].id, 0, 99).await.unwrap();
    let line = |m: &MessageRow| {
        let cited: Vec<_> = m.body.citations.iter().map(|c| (c.n, c.heading.clone())).collect();
        format!("{:?}: {} {cited:?} {:?}", m.author, m.body.text, m.body.buttons)
    };
    messages.iter().map(line).collect()
}

/// The one ticket, as it was filed.
async fn filed(bot: &TestBot) -> Ticket {
    let root = bot.viewer("root").await;
    let mut tickets = bot.app.store.tickets(&TicketFilter::default(), &root).await.unwrap().items;
    assert_eq!(tickets.len(), 1);
    let ticket = tickets.remove(0);
    let (kind, summary) = (ticket.kind, ticket.summary.as_str());
    assert_eq!((kind, summary, ticket.requester.as_str()), (Kind::Bug, SUMMARY, "ana@example.com"));
    ticket
}

/// What the owner's correction made of it, wherever they made it.
async fn corrected(bot: &TestBot, key: &str) {
    let ticket = bot.app.store.ticket(key).await.unwrap().unwrap();
    let by = ticket.reviewed_by.as_deref();
    assert_eq!((ticket.urgency, by), (Urgency::High, Some("olga@example.com")));
    let lessons = bot.app.store.corrections_of(key).await.unwrap();
    let taught: Vec<_> = lessons.iter().map(|it| (it.urgency, it.by_email.as_str())).collect();
    assert_eq!(taught, [(Urgency::High, "olga@example.com")]);
}

/// The owner's last act, which is the same for all.
async fn resolved(bot: &TestBot, key: &str) {
    let olga = bot.viewer("olga").await;
    let over = TicketPatch { status: Some(Status::Resolved), ..TicketPatch::default() };
    flows::ticket::patch(&bot.app, &olga, key, None, over).await.unwrap();
    bot.clock.advance(5_000);
}

/// Everybody was told.
async fn told(bot: &TestBot) {
    bot.run().await;
    bot.assert_quiet().await;
}

async fn on_the_web(store: Store) -> Vec<String> {
    let dir = TempDir::new().unwrap();
    let bot = TestBot::new(store, dir.path(), &[POST_INVOICE]).await;
    let ana = bot.viewer("ana").await;
    let asked = bot.say("ana", None, QUESTION).await;
    let here = asked.conversation_id.as_str();
    let follow_up = bot.say("ana", Some(here), FOLLOW_UP).await.request_id.unwrap();
    accept::feedback(&bot.app, &ana, &follow_up, Verdict::NotHelpful, bot.event_id())
        .await
        .unwrap();
    bot.run().await;
    let form =
        TicketForm { kind: Some(Kind::Bug), summary: SUMMARY.into(), ..TicketForm::default() };
    accept::file_ticket(&bot.app, &ana, here, Some(follow_up), form, bot.event_id()).await.unwrap();
    bot.run().await;
    let ticket = filed(&bot).await;
    let olga = bot.viewer("olga").await;
    let patch = TicketPatch { urgency: Some(Urgency::High), ..TicketPatch::default() };
    let (key, version) = (ticket.key.as_str(), ticket.version);
    flows::ticket::correct(&bot.app, &olga, key, version, patch).await.unwrap();
    corrected(&bot, key).await;
    resolved(&bot, key).await;
    told(&bot).await;
    transcript(&bot).await
}

async fn in_slack(store: Store) -> Vec<String> {
    let desk = slack::Desk::new(store, "").await;
    let asked = desk.says("D1", "UANA", QUESTION, None).await;
    desk.says("D1", "UANA", FOLLOW_UP, Some(&asked)).await;
    let answer = desk.replies("D1", &asked).pop().unwrap();
    desk.press("UANA", "D1", &answer, "firstline.not_helpful").await;
    desk.press("UANA", "D1", &answer, "firstline.file_ticket").await;
    let view = desk.slack.views().pop().unwrap();
    let values = json!({
        "kind": {"value": {"selected_option": {"value": "bug"}}},
        "summary": {"value": {"value": SUMMARY}},
    });
    let submission = desk.slack.submits("UANA", &view, values);
    assert_eq!(desk.slack.send_interaction(&desk.url, &submission).await.status(), 200);
    desk.bot.run().await;
    let ticket = filed(&desk.bot).await;
    let list = desk.reviews("DOLGA", "UOLGA").await;
    desk.press("UOLGA", "DOLGA", &list, "firstline.correct").await;
    let view = desk.slack.views().pop().unwrap();
    let mut values = crate::slack_acts::untouched(&view);
    crate::slack_acts::choose(&mut values, "urgency", "high");
    let submission = desk.slack.submits("UOLGA", &view, values);
    assert_eq!(desk.slack.send_interaction(&desk.url, &submission).await.status(), 200);
    corrected(&desk.bot, &ticket.key).await;
    resolved(&desk.bot, &ticket.key).await;
    told(&desk.bot).await;
    let told = transcript(&desk.bot).await;
    assert_eq!(desk.slack.messages("D1", Some(&asked)).len(), told.len(), "each shown once");
    told
}

async fn in_teams(store: Store) -> Vec<String> {
    let desk = teams::Desk::new(store).await;
    let chat = desk.teams.personal("29:ana");
    desk.says(&chat, "29:ana", QUESTION, None).await;
    desk.says(&chat, "29:ana", FOLLOW_UP, None).await;
    let answer = desk.replies(&chat, None).pop().unwrap();
    for title in ["Not helpful", "File a ticket"] {
        let action = answer.action(title).unwrap();
        let pressed = desk.teams.presses("29:ana", &chat, &answer.id, &action);
        let (status, reply) = desk.send(&pressed).await;
        assert_eq!(status, 200);
        if title == "File a ticket" {
            let inputs = json!({ "kind": "bug", "summary": SUMMARY });
            let mut data = teams::filled(&teams::dialog(&reply), "File the ticket", inputs);
            data.as_object_mut()
                .unwrap()
                .retain(|name, _| ["kind", "summary", "request", "step"].contains(&name.as_str()));
            desk.send(&desk.teams.dialog_submit("29:ana", &chat, &data)).await;
        }
    }
    let ticket = filed(&desk.bot).await;
    let hers = desk.teams.personal("29:olga");
    desk.says(&hers, "29:olga", "review", None).await;
    let list = desk.replies(&hers, None).pop().unwrap();
    let action = list.action("Correct").unwrap();
    let (_, opened) = desk.send(&desk.teams.presses("29:olga", &hers, &list.id, &action)).await;
    let data = teams::filled(&teams::dialog(&opened), "Correct it", json!({ "urgency": "high" }));
    let sent = desk.teams.dialog_submit("29:olga", &hers, &data);
    assert_eq!(desk.send(&sent).await, (200, json!({})));
    corrected(&desk.bot, &ticket.key).await;
    resolved(&desk.bot, &ticket.key).await;
    told(&desk.bot).await;
    let told = transcript(&desk.bot).await;
    assert_eq!(desk.teams.messages(&chat, None).len(), told.len(), "each shown once");
    told
}

async fn in_discord(store: Store) -> Vec<String> {
    let desk = discord::Desk::new(store).await;
    let dm = desk.discord.dm(discord::ANA);
    desk.discord.says(dm, discord::ANA, QUESTION);
    desk.replies(dm, 1).await;
    desk.discord.says(dm, discord::ANA, FOLLOW_UP);
    let answer = desk.replies(dm, 2).await.remove(1);
    let pressed = desk.presses(discord::ANA, &answer, "firstline.not_helpful").await;
    desk.answer(pressed).await;
    desk.replies(dm, 3).await;
    let answer = desk.discord.message(answer.id).unwrap();
    let opened = desk.presses(discord::ANA, &answer, "firstline.file_ticket").await;
    desk.files(discord::ANA, opened, "bug", SUMMARY).await;
    desk.replies(dm, 4).await;
    desk.settled().await;
    let ticket = filed(&desk.bot).await;
    let olga = discord::OLGA;
    let hers = desk.discord.dm(olga);
    desk.discord.says(hers, olga, "review");
    let list = desk.replies(hers, 1).await.remove(0);
    desk.answer(desk.presses(olga, &list, "firstline.correct").await).await;
    let form = desk.discord.message(list.id).unwrap();
    let urgency = discord::component(&form, "firstline.correction:urgency");
    desk.answer(desk.discord.selects(olga, form.id, &urgency, &["high"])).await;
    let form = desk.discord.message(list.id).unwrap();
    desk.answer(desk.presses(olga, &form, "firstline.correction:save").await).await;
    desk.settled().await;
    corrected(&desk.bot, &ticket.key).await;
    resolved(&desk.bot, &ticket.key).await;
    desk.settled_in_time().await;
    desk.replies(dm, 5).await;
    let told = transcript(&desk.bot).await;
    assert_eq!(desk.discord.messages(dm).len(), told.len(), "each shown once");
    desk.end().await;
    told
}

#[tokio::test]
async fn it_is_the_same_on_the_web_in_slack_in_teams_and_in_discord() {
    let told = Mutex::new(Vec::new());
    let keep = |transcript| told.lock().unwrap().push(transcript);
    on_both(async |store| keep(on_the_web(store).await)).await;
    on_both(async |store| keep(in_slack(store).await)).await;
    on_both(async |store| keep(in_teams(store).await)).await;
    on_both(async |store| keep(in_discord(store).await)).await;
    let told = told.into_inner().unwrap();
    let web = &told[0];
    assert_eq!(web.len(), 7, "{web:#?}");
    assert!(web[1].contains("[(1, ") && web[6].contains("FL-1"), "{web:#?}");
    for other in &told[1..] {
        assert_eq!(other, web);
    }
}
