//! Whatever comes in, nothing here panics, and whatever goes out keeps Teams' limits.

use firstline_core::chat::{Button, Citation, Message};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::card::{self, Place};
use super::{activity, text};

/// JSON of the shape activities have here and there, filled with anything.
fn payloads() -> impl Strategy<Value = Value> {
    let names = prop::sample::select(vec![
        "type",
        "name",
        "id",
        "value",
        "text",
        "content",
        "contentType",
        "attachments",
        "entities",
        "mentioned",
        "membersAdded",
        "messagePayload",
        "body",
        "action",
        "verb",
        "data",
        "request",
        "step",
        "kind",
        "ticket",
        "version",
        "summary",
        "actionValue",
        "reaction",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        prop::sample::select(vec!["mention", "text/html", "28:bot", "firstline.solved", "file"])
            .prop_map(Value::from),
        "[<>/&;a-z \"'=]{0,40}".prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 48, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((names.clone(), inner), 0..6).prop_map(|pairs| {
                Value::Object(pairs.into_iter().map(|(n, v)| (n.to_owned(), v)).collect())
            }),
        ]
    })
}

/// Kinds, so that more than the first question is asked of what surrounds them.
fn kinds() -> impl Strategy<Value = (&'static str, &'static str)> {
    prop::sample::select(vec![
        ("message", ""),
        ("messageUpdate", ""),
        ("messageReaction", ""),
        ("conversationUpdate", ""),
        ("invoke", "adaptiveCard/action"),
        ("invoke", "task/submit"),
        ("invoke", "composeExtension/fetchTask"),
        ("invoke", "composeExtension/submitAction"),
        ("invoke", "message/submitAction"),
        ("invoke", "future/thing"),
    ])
}

fn answer(text: String, title: String, url: String) -> Message {
    let citation = |n: usize| Citation {
        n,
        source: "s".into(),
        path: title.clone(),
        title: title.clone(),
        heading: text.clone(),
        url: url.clone(),
        quote: text.clone(),
        passage_id: url.clone(),
    };
    Message {
        citations: (1..30).map(citation).collect(),
        buttons: vec![Button::Solved, Button::TalkToPerson],
        request_id: Some("r".into()),
        text,
        ..Message::default()
    }
}

fn texts<'v>(value: &'v Value, out: &mut Vec<&'v str>) {
    match value {
        Value::Object(map) => {
            if map.get("type").is_some_and(|kind| kind == "TextBlock") {
                out.extend(map.get("text").and_then(Value::as_str));
            }
            map.values().for_each(|value| texts(value, out));
        }
        Value::Array(items) => items.iter().for_each(|value| texts(value, out)),
        _ => {}
    }
}

proptest! {
    #[test]
    fn any_activity_is_read_or_passed_over(
        value in payloads(),
        inner in payloads(),
        (kind, name) in kinds(),
    ) {
        activity::read(&value).event_id();
        let mut addressed = json!({
            "serviceUrl": "https://smba.example", "timestamp": "2026-01-01T00:00:00Z",
            "conversation": { "id": "a:1", "conversationType": "personal", "tenantId": "t" },
            "from": { "id": "29:1" }, "recipient": { "id": "28:bot" },
        });
        for (name, value) in value.as_object().into_iter().flatten() {
            addressed[name] = value.clone();
        }
        addressed["type"] = Value::from(kind);
        addressed["name"] = Value::from(name);
        addressed["value"] = inner;
        let read = activity::read(&addressed);
        // Teams waits for the answer to an invoke, whatever it is.
        prop_assert_eq!(read.wants_answer(), kind == "invoke");
    }

    #[test]
    fn any_form_is_read(data in payloads()) {
        card::opened_of(&data);
        card::correction_of(&data);
        let draft = card::draft_of(&data);
        let wrong = card::form_of(&data).err().unwrap_or_default();
        let form = card::dialog(&draft, &[], None, &wrong);
        prop_assert_eq!(&form["type"], "AdaptiveCard");
        card::pressed(&data, Button::Solved);
    }

    #[test]
    fn any_text_is_understood(
        words in any::<String>(),
        html in "(<(/?(b|i|s|a href=\"x\"|code|pre|ul|ol|li|blockquote|table|tr|td|p|br|at|div)>)?|[a &;#\n`|>]|&nbsp;|é){0,60}",
    ) {
        for text in [&words, &html] {
            text::to_markdown(text, &|name| name == "a");
            text::plain_to_markdown(text, &|name| name == "a");
        }
    }

    #[test]
    fn any_message_keeps_the_limits(
        text in prop_oneof![any::<String>(), "[-|#>*_`~\\[\\]()<!@&{\\\\ a1t\n]{0,400}"],
        times in prop_oneof![49 => Just(1_usize), 1 => 100..200_usize],
        title in any::<String>(),
        url in any::<String>(),
    ) {
        let message = answer(text.repeat(times), title, url);
        let place = Place { public_url: Some("https://help.example.org"), conversation_id: "c" };
        let parts = card::render(&message, &place);
        prop_assert!((1..=3).contains(&parts.len()));
        for part in parts {
            let size = text::weight(&part.to_string());
            prop_assert!(size <= 28 * 1024, "{size}");
            prop_assert!(part["summary"].as_str().is_some_and(|summary| !summary.is_empty()));
            let claims = part["entities"][0]["citation"].as_array().map_or(0, Vec::len);
            prop_assert!(claims <= 20);
            let mut shown = Vec::new();
            texts(&part, &mut shown);
            for shown in shown {
                let lower = shown.to_lowercase();
                prop_assert!(!lower.contains("<at") && !lower.contains("</"), "{shown}");
                prop_assert!(!shown.contains("{{"), "{shown}");
            }
        }
    }
}
