use firstline_core::chat::{Citation, TicketForm};

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

fn texts(activity: &Value) -> Vec<String> {
    let body = card_of(activity)["body"].as_array().into_iter().flatten();
    body.filter_map(|element| element["text"].as_str().map(str::to_owned)).collect()
}

fn titles(activity: &Value) -> Vec<String> {
    let actions = card_of(activity)["actions"].as_array().into_iter().flatten();
    actions.filter_map(|action| action["title"].as_str().map(str::to_owned)).collect()
}

fn within_limits(parts: &[Value]) {
    assert!((1..=3).contains(&parts.len()), "{} parts", parts.len());
    for part in parts {
        assert!(weigh(part) <= 28 * 1024 - 1000, "{}", weigh(part));
        assert_eq!(part["type"], "message");
        assert!(part["summary"].as_str().is_some_and(|summary| !summary.is_empty()));
        assert!(part.get("text").is_none(), "what stands in the card is not said twice");
        let card = card_of(part);
        assert_eq!((&card["version"], &card["type"]), (&json!("1.5"), &json!("AdaptiveCard")));
        assert!(card["body"].as_array().is_some_and(|body| !body.is_empty()));
        assert!(card.to_string().matches("\"mention\"").count() == 0);
        let claims = part["entities"][0]["citation"].as_array().cloned().unwrap_or_default();
        assert!(claims.len() <= 20);
        for claim in claims {
            let length = |name: &str| {
                claim["appearance"][name].as_str().map_or(0, |text| text.encode_utf16().count())
            };
            assert!((1..=80).contains(&length("name")) && length("abstract") <= 160, "{claim}");
        }
    }
}

#[test]
fn an_answer_with_its_sources_and_buttons() {
    let parts = render(&answer("Keep **it** [1]."), &PLACE);
    within_limits(&parts);
    assert_eq!(parts.len(), 1);
    let part = &parts[0];
    let id = document_id("docs", "pocket/receipts.md");
    let url = format!("https://desk.example/articles/{id}?passage=p%201");
    assert_eq!(part["summary"], "Keep it [1].");
    assert_eq!(texts(part), ["Keep **it** [1].", &format!("[1] [Receipts › By post]({url})")]);
    assert_eq!(
        part["entities"],
        json!([{
            "type": "https://schema.org/Message",
            "@type": "Message",
            "@context": "https://schema.org",
            "additionalType": ["AIGeneratedContent"],
            "citation": [{ "@type": "Claim", "position": 1, "appearance": {
                "@type": "DigitalDocument",
                "name": "Receipts › By post",
                "abstract": "Keep it.",
                "url": url,
            } }],
        }])
    );
    assert_eq!(part["channelData"]["feedbackLoop"]["type"], "default");
    let execute = |verb: &str, title: &str| {
        json!({
            "type": "Action.Execute", "verb": verb, "title": title, "data": { "request": "r1" },
            "fallback": {
                "type": "Action.Submit", "title": title, "data": { "verb": verb, "request": "r1" },
            },
        })
    };
    assert_eq!(
        card_of(part)["actions"],
        json!([
            execute("firstline.solved", "That solved it"),
            execute("firstline.not_helpful", "Not helpful"),
            { "type": "Action.Submit", "title": "File a ticket", "data": {
                "msteams": { "type": "task/fetch" },
                "verb": "firstline.file_ticket",
                "request": "r1",
            } },
            execute("firstline.talk_to_person", "Talk to a person"),
        ])
    );
}

#[test]
fn what_is_no_answer_bears_no_label() {
    let message = Message { text: "Hello".to_owned(), ..Message::default() };
    let parts = render(&message, &PLACE);
    within_limits(&parts);
    assert_eq!(texts(&parts[0]), ["Hello"]);
    assert!(parts[0].get("entities").is_none() && parts[0].get("channelData").is_none());
    let silent = Message { buttons: Vec::new(), ..answer("Hi") };
    let part = &render(&silent, &PLACE)[0];
    assert!(part.get("entities").is_some() && part.get("channelData").is_none());
}

#[test]
fn sources_lead_where_they_can() {
    let top = Citation { heading: "Receipts".to_owned(), ..citation(2) };
    let old = Citation { passage_id: String::new(), ..citation(3) };
    let file =
        Citation { url: "file:///a".to_owned(), title: "A <at>*c* *d*".to_owned(), ..top.clone() };
    for (citation, place, expected) in [
        (&top, &BARE, "[2] [Receipts](https://wiki.example/receipts)"),
        (&old, &PLACE, "[3] [Receipts › By post](https://wiki.example/receipts)"),
        (&file, &BARE, "[2] A <\u{200b}at>∗c∗ ∗d∗ › Receipts"),
    ] {
        assert_eq!(tail::source(citation, place.base()), expected);
    }
}

#[test]
fn buttons_and_tickets() {
    let form = Some(TicketForm::default());
    let mut message = Message { form, ticket: Some("FL-1".to_owned()), ..answer("Hi") };
    message.buttons = vec![Button::Solved, Button::Solved];
    message.citations.clear();
    for (place, shown) in
        [(PLACE, vec!["Hi", "[FL-1](https://desk.example/tickets/FL-1)"]), (BARE, vec!["Hi"])]
    {
        let part = &render(&message, &place)[0];
        assert_eq!(texts(part), shown);
        assert_eq!(titles(part), ["That solved it", "File a ticket"]);
    }
    for request in [None, Some(String::new()), Some("r".repeat(500))] {
        message.request_id = request;
        assert!(titles(&render(&message, &BARE)[0]).is_empty());
    }
}

#[test]
fn long_answers_go_on_in_further_parts_then_in_the_console() {
    let paragraph = format!("{}\n\n", "Words of an answer. ".repeat(60));
    let two = render(&answer(&paragraph.repeat(12)), &PLACE);
    within_limits(&two);
    assert_eq!(two.len(), 2);
    assert_eq!(titles(&two[0]).len() + titles(&two[1]).len(), 4);
    assert_eq!(two[1]["summary"], "Firstline (2/2)");
    assert_eq!(two[0]["entities"][0]["additionalType"], json!(["AIGeneratedContent"]));
    assert!(!two[1].to_string().contains("read on"));
    let words: usize = two.iter().flat_map(texts).map(|t| t.split_whitespace().count()).sum();
    assert_eq!(words, 12 * 60 * 4 + 5);

    let note = "… read on: [the whole message](https://desk.example/chat/c1)";
    for (place, note) in [(PLACE, note), (BARE, "…")] {
        let parts = render(&answer(&paragraph.repeat(100)), &place);
        within_limits(&parts);
        assert_eq!(parts.len(), 3);
        let last = texts(&parts[2]);
        let at = last.iter().position(|text| text == note).unwrap_or_default();
        assert_eq!(at, last.len() - 2, "the sources follow");
        assert!(last[at - 1].ends_with("answer."), "{}", last[at - 1]);
    }
}

#[test]
fn whatever_is_said_limits_hold() {
    let mut crowd = answer("");
    crowd.citations = (1..=300).map(citation).collect();
    let mut shouting = answer("");
    shouting.citations = vec![
        Citation {
            title: "<at>&|*\"".repeat(900),
            quote: "\"".repeat(9000),
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
        "**x** \"y\"\n\n".repeat(5000),
        "- \"\n".repeat(20_000),
        "> 👩‍👩‍👧 שלום\n".repeat(9000),
        "重要です。".repeat(9000),
        format!("```\n{}", "x\n".repeat(50_000)),
        format!("| a | b |\n|---|---|\n{}", "| one | \"two\" |\n".repeat(3000)),
    ] {
        for (base, place) in [(&crowd, PLACE), (&shouting, PLACE), (&Message::default(), BARE)] {
            within_limits(&render(&Message { text: text.clone(), ..base.clone() }, &place));
        }
    }
}

#[test]
fn pressed_buttons_go_and_the_rest_stays() {
    let activity = render(&answer("Hi"), &PLACE).remove(0);
    for (button, left, note) in [
        (Button::Solved, vec![], Some("You said that this solved it.")),
        (
            Button::NotHelpful,
            vec!["File a ticket", "Talk to a person"],
            Some("You said that this was not helpful."),
        ),
        (Button::TalkToPerson, vec![], Some("You asked for a person.")),
        (
            Button::FileTicket,
            vec!["That solved it", "Not helpful", "File a ticket", "Talk to a person"],
            None,
        ),
    ] {
        let after = pressed(&activity, button);
        assert_eq!(titles(&after), left, "{button:?}");
        let shown = texts(&after);
        assert_eq!(shown.first().map(String::as_str), Some("Hi"));
        assert_eq!(shown.len(), 2 + note.map_or(0, |_| 1));
        assert!(note.is_none_or(|note| shown.last().is_some_and(|last| last == note)));
        assert_eq!(after["entities"], activity["entities"]);
        within_limits(&[after]);
    }
    assert_eq!(pressed(&json!(null), Button::Solved), json!(null));
}

#[test]
fn answers_to_invokes() {
    let form = dialog(&TicketForm::default(), &[], None, &[]);
    let activity = render(&answer("Hi"), &PLACE).remove(0);
    for (answer, expected) in [
        (
            opened("File a ticket", &form),
            json!({ "task": { "type": "continue", "value": {
                "title": "File a ticket", "height": "large", "width": "medium",
                "card": { "contentType": "application/vnd.microsoft.card.adaptive", "content": form },
            } } }),
        ),
        (dialog_message("Done."), json!({ "task": { "type": "message", "value": "Done." } })),
        (
            card_answer(card_of(&activity)),
            json!({
                "statusCode": 200, "type": "application/vnd.microsoft.card.adaptive",
                "value": activity["attachments"][0]["content"],
            }),
        ),
        (
            message_answer("No."),
            json!({
                "statusCode": 200, "type": "application/vnd.microsoft.activity.message",
                "value": "No.",
            }),
        ),
        (
            error_answer(500, "Later."),
            json!({
                "statusCode": 500, "type": "application/vnd.microsoft.error",
                "value": { "code": "500", "message": "Later." },
            }),
        ),
        (closed(), json!({})),
    ] {
        assert_eq!(answer, expected);
    }
}
