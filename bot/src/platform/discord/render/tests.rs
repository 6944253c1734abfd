#![allow(clippy::unwrap_used)]

use firstline_core::chat::{TicketForm, Verdict};
use firstline_core::words;

use super::*;
use crate::store::document_id;

const PLACE: Place<'static> = Place {
    public_url: Some("https://desk.example/"),
    conversation_id: "c1",
    message_id: "0198c0de-0000-7000-8000-000000000002",
    reply_to: None,
    requester: None,
};
const BARE: Place<'static> = Place { public_url: None, ..PLACE };

fn citation(n: usize) -> Citation {
    Citation {
        n,
        source: "docs".to_owned(),
        path: "pocket/receipts.md".to_owned(),
        title: "Receipts".to_owned(),
        heading: "Receipts > Lost > By post".to_owned(),
        url: "https://wiki.example/receipts".to_owned(),
        quote: "Keep it.".to_owned(),
        passage_id: "p 1".to_owned(),
    }
}

fn answer(text: &str) -> Message {
    Message {
        text: text.to_owned(),
        citations: vec![citation(1)],
        buttons: words::ANSWER_BUTTONS.to_vec(),
        request_id: Some("r1".to_owned()),
        ..Message::default()
    }
}

pub(in super::super) fn within_limits(bodies: &[Value]) {
    assert!((1..=3).contains(&bodies.len()), "{} bodies", bodies.len());
    for body in bodies {
        let content = body["content"].as_str().unwrap_or_default();
        assert!((1..=2000).contains(&text::size(content)), "{}", text::size(content));
        assert_eq!(text::active(content), None, "{content}");
        assert_eq!(body["allowed_mentions"]["parse"], json!([]));
        assert_eq!(body["enforce_nonce"], true);
        assert!(text::size(body["nonce"].as_str().unwrap_or_default()) <= 25);
        let embeds = body["embeds"].as_array().cloned().unwrap_or_default();
        // Discord hides embeds under the flag, and unfolds addresses without it.
        assert_eq!(embeds.is_empty(), body["flags"] == SUPPRESS_EMBEDS);
        assert!(embeds.len() <= 1);
        for embed in embeds {
            let description = embed["description"].as_str().unwrap_or_default();
            assert!((1..=4096).contains(&text::size(description)));
            assert_eq!(text::active(description), None, "{description}");
        }
        let rows = body["components"].as_array().cloned().unwrap_or_default();
        assert!(rows.len() <= 1);
        for button in rows.iter().flat_map(|row| row["components"].as_array().into_iter().flatten())
        {
            let id = button["custom_id"].as_str().unwrap_or_default();
            assert!((1..=100).contains(&text::size(id)), "{id}");
        }
    }
}

#[test]
fn an_answer_with_its_sources_and_buttons() {
    let bodies = render(&answer("Keep **it** [1]."), &PLACE);
    within_limits(&bodies);
    let id = document_id("docs", "pocket/receipts.md");
    let button = |name: &str, label: &str, style: u8| json!({ "type": 2, "style": style, "label": label, "custom_id": format!("firstline.{name}:r1") });
    assert_eq!(
        bodies,
        [json!({
            "content": "Keep **it** [1].",
            "allowed_mentions": { "parse": [] },
            "nonce": nonce(PLACE.message_id, 0),
            "enforce_nonce": true,
            "embeds": [{
                "title": "Sources",
                "description": format!(
                    "[1] [Receipts › By post](<https://desk.example/articles/{id}?passage=p%201>)"
                ),
            }],
            "components": [{ "type": 1, "components": [
                button("solved", "That solved it", 1),
                button("not_helpful", "Not helpful", 2),
                button("file_ticket", "File a ticket", 2),
                button("talk_to_person", "Talk to a person", 2),
            ] }],
        })]
    );
}

#[test]
fn only_the_requester_can_be_alerted() {
    for (reply_to, requester, allowed) in [
        (None, None, json!({ "parse": [] })),
        (Some(5), None, json!({ "parse": [] })),
        (None, Some(7), json!({ "parse": [], "users": ["7"], "replied_user": false })),
        (Some(5), Some(7), json!({ "parse": [], "users": ["7"], "replied_user": true })),
    ] {
        let body = &render(&answer("x"), &Place { reply_to, requester, ..PLACE })[0];
        assert_eq!(body["allowed_mentions"], allowed);
        let reference = reply_to
            .map(|id: u64| json!({ "message_id": id.to_string(), "fail_if_not_exists": false }));
        assert_eq!(body.get("message_reference"), reference.as_ref());
    }
}

#[test]
fn each_part_of_each_message_has_its_own_nonce() {
    let names = [nonce("m1", 0), nonce("m1", 1), nonce("m1", 2), nonce("m2", 0), nonce("", 0)];
    for (at, name) in names.iter().enumerate() {
        assert!((1..=25).contains(&name.len()), "{name}");
        assert!(names.iter().skip(at + 1).all(|other| other != name));
    }
    assert_eq!(nonce("m1", 0), names[0]);
    // A message that was sent before an update of the bot is still known after it.
    assert_eq!(nonce("0198c0de-0000-7000-8000-000000000002", 1), "KoJ_oT3vzh12-ZBntdAgOw.1");
}

#[test]
fn sources_lead_where_they_can() {
    let top = Citation { heading: "Receipts".to_owned(), ..citation(2) };
    let old = Citation { passage_id: String::new(), ..citation(3) };
    let file =
        Citation { url: "file:///a|<b>".to_owned(), title: "A <@1>|*c*".to_owned(), ..top.clone() };
    for (citation, place, expected) in [
        (&top, &BARE, "[2] [Receipts](<https://wiki.example/receipts>)"),
        (&old, &PLACE, "[3] [Receipts › By post](<https://wiki.example/receipts>)"),
        (&file, &BARE, "[2] A \\<@\u{200b}1>\\|\\*c\\* › Receipts"),
    ] {
        assert_eq!(source(citation, place.base()), expected);
    }
}

#[test]
fn buttons_and_tickets() {
    let form = Some(TicketForm::default());
    let mut message = Message { form, ticket: Some("FL-1".to_owned()), ..answer("Hi") };
    message.buttons = vec![Button::Solved, Button::Solved];
    message.citations.clear();
    let ids = |body: &Value| -> Vec<Value> {
        let row = body["components"][0]["components"].as_array().cloned().unwrap_or_default();
        row.iter().map(|button| button["custom_id"].clone()).collect()
    };
    let body = &render(&message, &PLACE)[0];
    let link = json!([{ "description": "[FL-1](<https://desk.example/tickets/FL-1>)" }]);
    assert_eq!(body["embeds"], link);
    assert_eq!(ids(body), ["firstline.solved:r1", "firstline.file_ticket:r1"]);
    assert!(render(&message, &BARE)[0].get("embeds").is_none());
    for request in [None, Some(String::new()), Some("r".repeat(101))] {
        message.request_id = request;
        assert!(render(&message, &BARE)[0].get("components").is_none());
    }
    for (custom_id, read) in [
        ("firstline.solved:r1", Some((Button::Solved, "r1"))),
        ("firstline.talk_to_person:r:2", Some((Button::TalkToPerson, "r:2"))),
        ("firstline.solved:", None),
        ("firstline.solved", None),
        ("firstline.said", None),
        ("other.solved:r1", None),
    ] {
        assert_eq!(button(custom_id), read, "{custom_id}");
    }
}

#[test]
fn long_answers_go_on_in_further_messages_then_in_the_console() {
    let paragraph = format!("{}\n\n", "Words of an answer. ".repeat(20));
    let two = render(&answer(&paragraph.repeat(6)), &Place { reply_to: Some(5), ..PLACE });
    within_limits(&two);
    assert_eq!(two.len(), 2);
    assert!(two[0].get("components").is_none() && two[1].get("components").is_some());
    assert!(two[0].get("message_reference").is_some() && two[1].get("message_reference").is_none());
    assert!(!two[1].to_string().contains("read on"));

    let note = "\n\n… read on: [the whole message](<https://desk.example/chat/c1>)";
    for (place, note) in [(PLACE, note), (BARE, "\n\n…")] {
        let bodies = render(&answer(&paragraph.repeat(100)), &place);
        within_limits(&bodies);
        assert_eq!(bodies.len(), 3);
        let last = bodies[2]["content"].as_str().unwrap_or_default();
        let before = last.strip_suffix(note).unwrap_or_default();
        assert!(before.ends_with("answer."), "{last}");
    }
}

#[test]
fn whatever_is_said_limits_hold() {
    let mut crowd = answer("");
    crowd.citations = (1..=300).map(citation).collect();
    crowd.ticket = Some("FL-1".to_owned());
    let mut shouting = answer("");
    shouting.citations = vec![
        Citation {
            title: "<@1|*".repeat(900),
            url: "https://x/".to_owned() + &"|".repeat(9000),
            ..citation(1)
        };
        80
    ];
    for text in [
        String::new(),
        "\u{200b} ".to_owned(),
        "a".repeat(30_000),
        "*\\".repeat(20_000),
        "**x** \"y\"\n\n".repeat(9000),
        "> 👩‍👩‍👧 שלום\n".repeat(5000),
        format!("```rust\n{}", "x\n".repeat(9000)),
    ] {
        for (base, place) in [(&crowd, PLACE), (&shouting, BARE), (&Message::default(), BARE)] {
            within_limits(&render(&Message { text: text.clone(), ..base.clone() }, &place));
        }
    }
}

#[test]
fn pressed_buttons_go_and_the_rest_stays() {
    let message = &render(&answer("x"), &PLACE)[0];
    let foreign = json!({ "type": 17, "components": [{ "type": 10, "content": "x" }] });
    for (press, left) in [
        (Press::Verdict(Verdict::Solved), vec!["firstline.solved.said"]),
        (
            Press::Verdict(Verdict::NotHelpful),
            vec![
                "firstline.file_ticket:r1",
                "firstline.talk_to_person:r1",
                "firstline.not_helpful.said",
            ],
        ),
        (Press::TalkToPerson, vec!["firstline.talk_to_person.said"]),
    ] {
        let shown = pressed(message, &press).unwrap_or_default();
        assert_eq!(shown["components"].as_array().map(Vec::len), Some(1));
        let row = shown["components"][0]["components"].as_array().cloned().unwrap_or_default();
        let ids: Vec<&str> = row.iter().filter_map(|it| it["custom_id"].as_str()).collect();
        assert_eq!(ids, left, "{press:?}");
        let said = row.last().cloned().unwrap_or_default();
        assert_eq!(said["disabled"], true);
        assert!(text::size(said["label"].as_str().unwrap_or_default()) <= 80);

        let mut mixed = message.clone();
        mixed["components"] = json!([foreign]);
        let shown = pressed(&mixed, &press).unwrap_or_default();
        assert_eq!(shown["components"][0], foreign);
        assert_eq!(shown["components"].as_array().map(Vec::len), Some(2));
    }
    // One after the other, and once more: no two have the same name.
    let mut shown = message.clone();
    for press in [Press::Verdict(Verdict::NotHelpful), Press::TalkToPerson, Press::TalkToPerson] {
        shown = pressed(&shown, &press).unwrap_or_default();
    }
    let row = shown["components"][0]["components"].as_array().cloned().unwrap_or_default();
    let ids: Vec<&str> = row.iter().filter_map(|it| it["custom_id"].as_str()).collect();
    assert_eq!(ids, ["firstline.not_helpful.said", "firstline.talk_to_person.said"]);
    assert_eq!(pressed(message, &Press::FileTicket(TicketForm::default())), None);
    assert_eq!(pressed(message, &Press::Follow), None);
    assert!(pressed(&Value::Null, &Press::TalkToPerson).is_some());
}

/// The client reads a message and gives it on; nothing may be lost on the way.
#[test]
fn the_client_loses_no_button() {
    let mut message = render(&answer("x"), &PLACE).remove(0);
    let row = message["components"].clone();
    for (name, value) in [
        ("id", json!("5")),
        ("channel_id", json!("10")),
        ("author", json!({ "id": "1", "username": "b", "discriminator": "0", "avatar": null })),
        ("timestamp", json!("2026-01-01T00:00:00Z")),
        ("edited_timestamp", json!(null)),
        ("mentions", json!([])),
        ("mention_roles", json!([])),
        ("attachments", json!([])),
        ("embeds", json!([])),
        ("tts", json!(false)),
        ("mention_everyone", json!(false)),
        ("pinned", json!(false)),
        ("type", json!(0)),
    ] {
        message[name] = value;
    }
    let typed: serenity::model::channel::Message = serde_json::from_value(message).unwrap();
    let given_on = serde_json::to_value(&typed).unwrap();
    let ids = |rows: &Value| -> Vec<Value> {
        let row = rows[0]["components"].as_array().cloned().unwrap_or_default();
        row.iter().map(|button| button["custom_id"].clone()).collect()
    };
    assert_eq!(ids(&given_on["components"]), ids(&row));
    let shown = pressed(&given_on, &Press::Verdict(Verdict::NotHelpful)).unwrap();
    assert_eq!(ids(&shown["components"]).len(), 3);
}

#[test]
fn what_is_said_privately_is_seen_by_one_and_alerts_nobody() {
    let data = privately("**Hello** @everyone");
    assert_eq!(data["content"], "**Hello** @\u{200b}everyone");
    assert_eq!(data["flags"], 68);
    assert_eq!(data["allowed_mentions"], json!({ "parse": [] }));
    assert_eq!(privately("")["content"], "…");
}
