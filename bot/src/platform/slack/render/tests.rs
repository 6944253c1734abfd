use firstline_core::chat::{Button, TicketForm};

use super::*;
use crate::store::document_id;

const PLACE: Place<'static> =
    Place { public_url: Some("https://desk.example/"), conversation_id: "c1" };
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
        buttons: firstline_core::words::ANSWER_BUTTONS.to_vec(),
        request_id: Some("r1".to_owned()),
        ..Message::default()
    }
}

fn blocks(part: &Part) -> Vec<Value> {
    part.blocks.as_array().cloned().unwrap_or_default()
}

/// Every text of every block.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Object(map) => {
            let own = map.get("text").and_then(Value::as_str).map(str::to_owned);
            own.into_iter().chain(map.values().flat_map(texts)).collect()
        }
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

fn within_limits(parts: &[Part]) {
    assert!((1..=3).contains(&parts.len()), "{} parts", parts.len());
    for part in parts {
        let blocks = blocks(part);
        assert!((1..=50).contains(&blocks.len()), "{} blocks", blocks.len());
        assert!(!part.text.is_empty() && part.text.chars().count() <= 3000);
        assert!(mrkdwn::size(&part.blocks.to_string()) <= 11_000);
        for text in texts(&part.blocks) {
            assert!(!text.is_empty() && text.chars().count() <= 3000);
        }
        for block in blocks {
            assert!(block["elements"].as_array().is_none_or(|e| (1..=10).contains(&e.len())));
        }
    }
}

#[test]
fn an_answer_with_its_sources_and_buttons() {
    let parts = render(&answer("Keep **it** [1]."), &PLACE);
    within_limits(&parts);
    assert_eq!(parts.len(), 1);
    assert_eq!(parts[0].text, "Keep *it* [1].");
    let id = document_id("docs", "pocket/receipts.md");
    assert_eq!(
        parts[0].blocks,
        json!([
            { "type": "section", "expand": true, "text": text("Keep *it* [1].") },
            { "type": "context", "elements": [text(&format!(
                "[1] <https://desk.example/articles/{id}?passage=p%201|Receipts › By post>"
            ))] },
            { "type": "actions", "elements": [
                { "type": "button", "action_id": "firstline.solved", "value": "r1", "text": plain("That solved it") },
                { "type": "button", "action_id": "firstline.not_helpful", "value": "r1", "text": plain("Not helpful") },
                { "type": "button", "action_id": "firstline.file_ticket", "value": "r1", "text": plain("File a ticket") },
                { "type": "button", "action_id": "firstline.talk_to_person", "value": "r1", "text": plain("Talk to a person") },
            ] },
        ])
    );
}

#[test]
fn documents_have_the_ids_the_store_gives_them() {
    // The layout of a hash that is stored: it may not change here alone.
    let id = document_id("docs", "a.md");
    assert_eq!((id.len(), id.get(14..15)), (36, Some("8")));
    assert_ne!(document_id("doc", "sa.md"), id);
}

#[test]
fn sources_lead_where_they_can() {
    let top = Citation { heading: "Receipts".to_owned(), ..citation(2) };
    let old = Citation { passage_id: String::new(), ..citation(3) };
    let file =
        Citation { url: "file:///a|<b>".to_owned(), title: "A <b>|*c*".to_owned(), ..top.clone() };
    for (citation, place, expected) in [
        (&top, &BARE, "[2] <https://wiki.example/receipts|Receipts>"),
        (&old, &PLACE, "[3] <https://wiki.example/receipts|Receipts › By post>"),
        (&file, &BARE, "[2] A &lt;b&gt;|*c* › Receipts"),
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
    let actions = |message: &Message, place: &Place<'_>| -> Vec<String> {
        let parts = render(message, place);
        let texts = texts(&parts[0].blocks);
        texts.into_iter().skip(1).collect()
    };
    assert_eq!(
        actions(&message, &PLACE),
        ["<https://desk.example/tickets/FL-1|FL-1>", "That solved it", "File a ticket"]
    );
    assert_eq!(actions(&message, &BARE), ["That solved it", "File a ticket"]);
    message.request_id = None;
    assert!(actions(&message, &BARE).is_empty());
}

#[test]
fn long_answers_go_on_in_further_parts_then_in_the_console() {
    let paragraph = format!("{}\n\n", "Words of an answer. ".repeat(60));
    let two = render(&answer(&paragraph.repeat(10)), &PLACE);
    within_limits(&two);
    assert_eq!(two.len(), 2);
    assert_eq!(two[0].blocks.to_string().matches("actions").count(), 0);
    assert_eq!(two[1].blocks.to_string().matches("\"actions\"").count(), 1);
    assert!(!two[1].blocks.to_string().contains("read on"));

    let note = "… read on: <https://desk.example/chat/c1|the whole message>";
    for (place, note) in [(PLACE, note), (BARE, "…")] {
        let parts = render(&answer(&paragraph.repeat(100)), &place);
        within_limits(&parts);
        assert_eq!(parts.len(), 3);
        let last = blocks(&parts[2]);
        let at = last.iter().position(|block| block["text"]["text"] == note);
        assert_eq!(at, Some(last.len() - 3), "{last:#?}");
        let before = last[last.len() - 4]["text"]["text"].as_str().unwrap_or_default();
        assert!(before.ends_with("answer."), "{before}");
    }
}

#[test]
fn whatever_is_said_limits_hold() {
    let mut crowd = answer("");
    crowd.citations = (1..=300).map(citation).collect();
    let mut shouting = answer("");
    shouting.citations = vec![
        Citation {
            title: "<&|*".repeat(900),
            url: "https://x/".to_owned() + &"&".repeat(9000),
            ..citation(1)
        };
        40
    ];
    for text in [
        String::new(),
        "\u{200b} ".to_owned(),
        "a".repeat(100_000),
        "\"\\".repeat(50_000),
        "**x** \"y\"\n\n".repeat(20_000),
        "- \"\n".repeat(20_000),
        "> 👩‍👩‍👧 שלום\n".repeat(9000),
        format!("```\n{}", "x\n".repeat(50_000)),
    ] {
        for (base, place) in [(&crowd, PLACE), (&shouting, PLACE), (&Message::default(), BARE)] {
            within_limits(&render(&Message { text: text.clone(), ..base.clone() }, &place));
        }
    }
}
