//! What people do in Slack beside asking: change and take back what they said, send files, make
//! tickets of messages, look at Home, correct; and what was missed while nobody listened.

use acceptance::db::on_both;
use acceptance::slack::{Fault, Posted, User};
use firstline::store::records::{Ticket, TicketFilter};
use firstline_core::ticket::Kind;
use serde_json::{Value, json};

use crate::slack::{Desk, QUESTION};

const TROUBLE: &str = "Keystone rejects every vendor invoice with error KS-9911 since this morning";

/// What stands in a form that nobody has touched.
pub(crate) fn untouched(view: &Value) -> Value {
    let mut values = serde_json::Map::new();
    for block in view["blocks"].as_array().unwrap() {
        let element = &block["element"];
        let value = json!({
            "type": element["type"], "value": element["initial_value"],
            "selected_option": element["initial_option"],
        });
        if let Some(id) = block["block_id"].as_str().filter(|_| block["type"] == "input") {
            values.insert(id.to_owned(), json!({ "value": value }));
        }
    }
    Value::Object(values)
}

pub(crate) fn choose(values: &mut Value, block: &str, option: &str) {
    values[block]["value"]["selected_option"] = json!({ "value": option });
}

impl Desk {
    async fn interaction(&self, payload: &Value) -> String {
        let reply = self.slack.send_interaction(&self.url, payload).await;
        assert_eq!(reply.status(), 200);
        let body = reply.text().await.unwrap();
        self.bot.run().await;
        body
    }

    async fn ticket(&self) -> Ticket {
        let mut tickets = self.tickets().await;
        assert_eq!(tickets.len(), 1, "{tickets:?}");
        tickets.remove(0)
    }
}

#[tokio::test]
async fn a_changed_question_is_answered_anew_and_a_deleted_one_forgotten() {
    on_both(async |store| {
        let desk = Desk::new(store, "").await;
        let asked = desk.says("D1", "UANA", "how do I post it?", None).await;
        let before = desk.replies("D1", &asked).len();
        let edit = desk.slack.edits("D1", &asked, QUESTION);
        for _ in 0..2 {
            assert_eq!(desk.event(&edit).await, 200);
        }
        let replies = desk.replies("D1", &asked);
        assert_eq!(replies.len(), before + 1, "one change, one answer");
        assert!(replies.last().unwrap().text.contains("Purchasing"), "{replies:?}");
        // Slack tells of a preview as of a change; nothing was said anew.
        let mut preview = desk.slack.edits("D1", &asked, QUESTION);
        preview["event"]["message"]["attachments"] = json!([{ "title": "x" }]);
        assert_eq!(desk.event(&preview).await, 200);
        assert_eq!(desk.replies("D1", &asked).len(), before + 1);

        assert_eq!(desk.event(&desk.slack.deletes("D1", &asked)).await, 200);
        let all = desk.bot.app.store.conversations_of("ana@example.com", 9).await.unwrap();
        let left = desk.bot.app.store.messages(&all[0].id, 0, 99).await.unwrap();
        assert!(left.iter().all(|m| m.body.text != QUESTION), "{left:?}");
        desk.bot.assert_quiet().await;
    })
    .await;
}

#[tokio::test]
async fn a_ticket_hears_of_changes_to_what_it_was_made_of() {
    on_both(async |store| {
        let desk = Desk::new(store, "").await;
        let asked = desk.says("D1", "UANA", "talk to a person", None).await;
        let ticket = desk.ticket().await;
        let more = "talk to a person about KS-9911";
        desk.event(&desk.slack.edits("D1", &asked, more)).await;
        desk.event(&desk.slack.deletes("D1", &asked)).await;
        let events = desk.bot.app.store.ticket_events(&ticket.key, true).await.unwrap();
        let events = format!("{events:?}");
        assert!(events.contains(more) && events.contains("deleted"), "{events}");
        // Somebody else's event cannot change it.
        let mut forged =
            desk.slack.edits("D1", &desk.says("D1", "UANA", "thanks", None).await, "x");
        forged["event"]["message"]["user"] = json!("UBEN");
        assert_eq!(desk.event(&forged).await, 200);
        desk.bot.assert_quiet().await;
    })
    .await;
}

#[tokio::test]
async fn files_go_into_the_ticket_and_what_does_not_come_is_named() {
    on_both(async |store| {
        let desk = Desk::new(store, "").await;
        let png = b"\x89PNG\r\n\x1a\n and so on";
        let sent = desk.slack.sends_file("D1", "UANA", "talk to a person", "shot.png", png);
        for _ in 0..2 {
            assert_eq!(desk.event(&sent).await, 200);
        }
        let ticket = desk.ticket().await;
        let files = desk.bot.app.store.attachments_of_ticket(&ticket.key).await.unwrap();
        let named: Vec<_> = files.iter().map(|f| (f.name.as_str(), f.mime.as_str())).collect();
        assert_eq!(named, [("shot.png", "image/png")]);

        let mut gone = desk.slack.sends_file("D2", "UANA", TROUBLE, "gone.log", b"x");
        gone["event"]["files"][0]["url_private_download"] =
            json!(format!("{}/files/none", desk.slack.api_url()));
        desk.event(&gone).await;
        let said = desk.replies("D2", gone["event"]["ts"].as_str().unwrap());
        assert!(said[0].text.contains("gone.log"), "{}", said[0].text);

        // The bot's token goes nowhere but to Slack.
        let mut foreign = desk.slack.sends_file("D3", "UANA", TROUBLE, "spy.log", b"x");
        foreign["event"]["files"][0]["url_private_download"] = json!(format!("{}/spy", desk.url));
        desk.event(&foreign).await;
        let said = desk.replies("D3", foreign["event"]["ts"].as_str().unwrap());
        assert!(said[0].text.contains("spy.log"), "{}", said[0].text);
        desk.bot.assert_quiet().await;
    })
    .await;
}

#[tokio::test]
async fn an_emoji_makes_one_ticket_of_a_message() {
    on_both(async |store| {
        let desk = Desk::new(store, "").await;
        desk.slack.add_user(User {
            id: "UGUEST".into(),
            name: "gus".into(),
            email: Some("gus@elsewhere.example".into()),
            restricted: true,
            ..User::default()
        });
        let said = desk.says("C1", "UANA", TROUBLE, None).await;
        for (who, emoji) in [("UBEN", "eyes"), ("UGUEST", "ticket")] {
            assert_eq!(desk.event(&desk.slack.reacts("C1", &said, who, emoji)).await, 200);
            assert_eq!(desk.tickets().await.len(), 0, "{who} {emoji}");
        }
        let whispered = desk.slack.calls("chat.postEphemeral");
        assert_eq!(whispered.last().unwrap()["user"], "UGUEST");
        for who in ["UBEN", "UOLGA", "UANA"] {
            assert_eq!(desk.event(&desk.slack.reacts("C1", &said, who, "ticket")).await, 200);
        }
        let ticket = desk.ticket().await;
        assert_eq!((ticket.requester.as_str(), ticket.text.as_str()), ("ana@example.com", TROUBLE));
        assert_eq!(ticket.system.as_deref(), Some("Keystone"));
        let told = desk.replies("C1", &said);
        assert!(told.len() == 1 && told[0].text.contains(&ticket.key), "{told:?}");
        // Our own words make no ticket.
        desk.event(&desk.slack.reacts("C1", &told[0].ts, "UBEN", "ticket")).await;
        assert_eq!(desk.tickets().await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn shortcuts_open_a_form_that_follows_its_kind() {
    on_both(async |store| {
        let desk = Desk::new(store, "").await;
        let said = desk.says("C1", "UANA", TROUBLE, None).await;
        let shortcut =
            desk.slack.uses_message_shortcut("UBEN", "C1", &said, "firstline.file_from_message");
        desk.interaction(&shortcut).await;
        let view = desk.slack.views().pop().unwrap();
        let mut values = untouched(&view);
        assert!(values["summary"]["value"]["value"].as_str().unwrap().contains("KS-9911"));
        choose(&mut values, "kind", "process");
        let action = json!({ "block_id": "kind", "action_id": "value" });
        desk.interaction(&desk.slack.chooses("UBEN", &view, action, values.clone())).await;
        let view = desk.slack.views().pop().unwrap();
        let asked = view["blocks"].as_array().unwrap().iter();
        let asked: Vec<_> = asked.map(|b| b["block_id"].as_str().unwrap()).collect();
        assert_eq!(asked, ["kind", "system", "summary", "process", "trouble", "parties"]);
        assert_eq!(
            desk.interaction(&desk.slack.submits("UBEN", &view, untouched(&view))).await,
            ""
        );
        let ticket = desk.ticket().await;
        assert_eq!((ticket.kind, ticket.requester.as_str()), (Kind::Process, "ana@example.com"));
        assert!(desk.replies("C1", &said)[0].text.contains(&ticket.key));

        desk.interaction(&desk.slack.uses_shortcut("UBEN", "firstline.file")).await;
        let view = desk.slack.views().pop().unwrap();
        let mut values = untouched(&view);
        values["summary"]["value"]["value"] = json!("A new laptop for Jo");
        let submission = desk.slack.submits("UBEN", &view, values);
        for _ in 0..2 {
            assert_eq!(desk.interaction(&submission).await, "");
        }
        let tickets = desk.tickets().await;
        assert_eq!(tickets.len(), 2, "{tickets:?}");
        let own = tickets.iter().find(|t| t.requester == "ben@example.com").unwrap();
        let headed = desk.slack.messages("DUBEN", None);
        assert!(headed.iter().any(|m| m.text.contains(&own.key)), "{headed:?}");
        desk.bot.assert_quiet().await;
    })
    .await;
}

#[tokio::test]
async fn whoever_gets_no_form_in_time_is_told_so() {
    on_both(async |store| {
        let desk = Desk::new(store, "").await;
        let said = desk.says("C1", "UANA", TROUBLE, None).await;
        let shortcut =
            || desk.slack.uses_message_shortcut("UBEN", "C1", &said, "firstline.file_from_message");
        let late = shortcut();
        desk.bot.clock.advance(3001);
        desk.interaction(&late).await;
        assert!(desk.slack.views().is_empty(), "{:?}", desk.slack.views());
        let told = desk.slack.calls("chat.postEphemeral").pop().unwrap();
        assert_eq!(told["user"], "UBEN");
        assert!(told["text"].as_str().unwrap().contains("try again"), "{told}");
        desk.interaction(&shortcut()).await;
        assert_eq!(desk.slack.views().len(), 1);
        desk.bot.assert_quiet().await;
    })
    .await;
}

#[tokio::test]
async fn home_shows_ones_tickets_and_lets_owners_correct_them() {
    on_both(async |store| {
        let desk = Desk::new(store, "").await;
        desk.says("D1", "UANA", "talk to a person, Keystone rejects my invoice", None).await;
        let asked = desk.says("D2", "UANA", TROUBLE, None).await;
        desk.event(&desk.slack.reacts("D2", &asked, "UANA", "ticket")).await;
        let filter = TicketFilter { system: Some("Keystone".into()), ..TicketFilter::default() };
        let root = desk.bot.viewer("root").await;
        let ticket = desk.bot.app.store.tickets(&filter, &root).await.unwrap().items.remove(0);

        for (who, own, owner) in
            [("UANA", true, false), ("UBEN", false, false), ("UOLGA", false, true)]
        {
            assert_eq!(desk.event(&desk.slack.opens_home(who)).await, 200);
            let home = desk.slack.home(who).to_string();
            assert_eq!(home.contains(&ticket.key), own || owner, "{who}: {home}");
            assert_eq!(home.contains("firstline.correct"), owner, "{who}: {home}");
        }
        let button =
            json!({ "type": "button", "action_id": "firstline.correct", "value": ticket.key });
        let home = desk.slack.home("UOLGA");
        for (who, opens) in [("UBEN", 0), ("UOLGA", 1)] {
            desk.interaction(&desk.slack.chooses(who, &home, button.clone(), json!({}))).await;
            assert_eq!(desk.slack.views().len(), opens, "{who}");
        }
        let view = desk.slack.views().pop().unwrap();
        let mut values = untouched(&view);
        choose(&mut values, "kind", "change");
        choose(&mut values, "urgency", "low");
        // Whoever may not correct gets no further by sending the form.
        let by_ben = desk.interaction(&desk.slack.submits("UBEN", &view, values.clone())).await;
        assert!(by_ben.contains("no such ticket"), "{by_ben}");
        assert_eq!(desk.interaction(&desk.slack.submits("UOLGA", &view, values.clone())).await, "");
        let now = desk.bot.app.store.ticket(&ticket.key).await.unwrap().unwrap();
        assert_eq!(
            (now.kind, now.reviewed_by.as_deref()),
            (Kind::Change, Some("olga@example.com"))
        );
        assert!(!desk.slack.home("UOLGA").to_string().contains(&ticket.key), "it left the queue");
        let late = desk.interaction(&desk.slack.submits("UOLGA", &view, values)).await;
        assert!(late.contains("just changed"), "{late}");
    })
    .await;
}

#[tokio::test]
async fn owners_review_in_a_message_and_others_are_told_no() {
    on_both(async |store| {
        let help = "\n[[channel]]\nplatform = \"slack\"\nid = \"CHELP\"\nmode = \"act\"\n";
        let desk = Desk::new(store, help).await;
        for summary in ["It rejects my invoice", "It prints no labels"] {
            desk.bot.files("ana", summary).await;
        }
        desk.bot.run().await;
        let refused = desk.reviews("D2", "UBEN").await;
        assert!(refused.text.contains("support owners"), "{refused:?}");
        let open = desk.reviews("CHELP", "UOLGA").await;
        assert!(open.text.contains("in private") && !open.blocks.to_string().contains("FL-"));
        let list = desk.reviews("D3", "UOLGA").await;
        let keys = |posted: &Posted| {
            let shown = posted.blocks.to_string();
            ["FL-1", "FL-2"].map(|key| shown.contains(&format!("\"value\":\"{key}\"")))
        };
        assert_eq!(keys(&list), [true, true], "{list:?}");
        desk.press("UBEN", "D3", &list, "firstline.review").await;
        assert_eq!(keys(&desk.shown("D3", &list)), [true, true], "nobody else's to say");
        desk.press("UOLGA", "D3", &list, "firstline.review").await;
        let then = desk.shown("D3", &list);
        assert!(then.text.contains("is right") && keys(&then) != keys(&list), "{then:?}");
        desk.press("UOLGA", "D3", &then, "firstline.review").await;
        let then = desk.shown("D3", &list);
        assert!(then.text.contains("Nothing waits") && keys(&then) == [false, false], "{then:?}");
        let root = desk.bot.viewer("root").await;
        let all = desk.bot.app.store.tickets(&TicketFilter::default(), &root).await.unwrap();
        let by = |t: &Ticket| t.reviewed_by.as_deref() == Some("olga@example.com");
        assert!(all.items.len() == 2 && all.items.iter().all(by), "{all:?}");
        desk.bot.assert_quiet().await;
    })
    .await;
}

#[tokio::test]
async fn the_assistant_offers_prompts_and_answers_in_its_thread() {
    on_both(async |store| {
        let desk = Desk::new(store, "").await;
        let opened = desk.slack.opens_assistant("UANA");
        desk.slack.fail_next("assistant.threads.setSuggestedPrompts", Fault::Status(500));
        assert_eq!(desk.event(&opened).await, 200, "a courtesy that fails is no error");
        assert_eq!(desk.event(&opened).await, 200);
        let offered = desk.slack.calls("assistant.threads.setSuggestedPrompts");
        assert_eq!(offered.last().unwrap()["prompts"].as_array().unwrap().len(), 4);
        let thread = opened["event"]["assistant_thread"]["thread_ts"].as_str().unwrap();
        desk.says("DUANA", "UANA", QUESTION, Some(thread)).await;
        let replies = desk.replies("DUANA", thread);
        assert!(replies.iter().any(|m| m.text.contains("Purchasing")), "{replies:?}");
        desk.says("DUANA", "UANA", "and if posting is refused with KS-1180?", Some(thread)).await;
        let titles = desk.slack.calls("assistant.threads.setTitle");
        assert_eq!(titles.len(), 1, "{titles:?}");
        assert_eq!(
            (&titles[0]["thread_ts"], &titles[0]["title"]),
            (&json!(thread), &json!(QUESTION))
        );
    })
    .await;
}

#[tokio::test]
async fn what_was_said_while_nobody_listened_is_answered_once() {
    on_both(async |store| {
        let help = "\n[[channel]]\nplatform = \"slack\"\nid = \"CHELP\"\nmode = \"act\"\n";
        let desk = Desk::new(store, help).await;
        let heard = desk.says("D1", "UANA", QUESTION, None).await;
        desk.keep_up().await;
        // Nobody tells the bot of these.
        let quiet = |channel: &str, user: &str, text: &str, thread: Option<&str>| {
            let kind = if channel.starts_with('D') { "im" } else { "channel" };
            let event = desk.slack.says(channel, kind, user, text, thread);
            event["event"]["ts"].as_str().unwrap().to_owned()
        };
        let direct = quiet("D2", "UBEN", QUESTION, None);
        let follow_up = "and if posting is refused with KS-1180?";
        quiet("D1", "UANA", follow_up, Some(&heard));
        let missed = quiet("CHELP", "UANA", QUESTION, None);
        let answered = quiet("CHELP", "UANA", QUESTION, None);
        quiet("CHELP", "UBEN", "come over, I show you", Some(&answered));
        let elsewhere = quiet("C9", "UANA", QUESTION, None);
        desk.slack.fail_next("conversations.history", Fault::RateLimited { retry_after_s: 0 });
        for _ in 0..2 {
            desk.keep_up().await;
            desk.bot.run().await;
        }
        for (channel, ts, replies) in [
            ("D2", &direct, 1),
            ("D1", &heard, 2),
            ("CHELP", &missed, 1),
            ("CHELP", &answered, 0),
            ("C9", &elsewhere, 0),
        ] {
            let said = desk.replies(channel, ts);
            assert_eq!(said.len(), replies, "{channel}: {said:?}");
        }
        desk.bot.assert_quiet().await;
    })
    .await;
}
