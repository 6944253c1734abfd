//! Whatever comes in, nothing here panics, and whatever goes out keeps Slack's limits.

use axum::body::Bytes;
use axum::http::HeaderMap;
use firstline_core::chat::{Button, Citation, Message};
use proptest::prelude::*;
use serde_json::Value;

use super::render::{self, Place};
use super::{envelope, verify};

/// JSON of the shape Slack's has here and there, filled with anything.
fn payloads() -> impl Strategy<Value = Value> {
    let names = prop_oneof![
        Just("type"),
        Just("event"),
        Just("user"),
        Just("channel"),
        Just("ts"),
        Just("text"),
        Just("thread_ts"),
        Just("authorizations"),
        Just("is_bot"),
        Just("user_id"),
        Just("team"),
        Just("state"),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        prop_oneof![
            Just("event_callback".to_owned()),
            Just("message".to_owned()),
            Just("app_mention".to_owned()),
            Just("<@UBOT".to_owned()),
            any::<String>(),
        ]
        .prop_map(Value::from),
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

proptest! {
    #[test]
    fn any_payload_is_read_or_passed_over(value in payloads()) {
        envelope::read(&value);
        envelope::team(&value);
        let _ = render::form_of(&value);
    }

    #[test]
    fn any_text_is_understood(text in any::<String>(), marks in "[<>|`*~&@#! a\n]{0,80}") {
        render::to_markdown(&text, &|_| None);
        render::to_markdown(&marks, &|id| Some(id.to_owned()));
    }

    #[test]
    fn no_guess_is_verified(signature in any::<String>(), at in any::<i64>(), body in any::<Vec<u8>>()) {
        let mut headers = HeaderMap::new();
        if let Ok(value) = signature.parse() {
            headers.insert("x-slack-signature", value);
        }
        if let Ok(value) = at.to_string().parse() {
            headers.insert("x-slack-request-timestamp", value);
        }
        let body = Bytes::from(body);
        prop_assert!(verify::verify(Some("s3cret"), &headers, &body).is_err());
        prop_assert!(verify::verify(None, &headers, &body).is_err());
    }

    #[test]
    fn any_message_keeps_the_limits(
        text in prop_oneof![any::<String>(), "[-|#>*_`~\\[\\]()<!@ a1\n]{0,400}"],
        title in any::<String>(),
        url in any::<String>(),
    ) {
        let citation = Citation {
            n: 1,
            source: "s".into(),
            path: title.clone(),
            title,
            heading: text.clone(),
            url: url.clone(),
            quote: String::new(),
            passage_id: url,
        };
        let message = Message {
            text,
            citations: vec![citation],
            buttons: vec![Button::Solved],
            request_id: Some("r".into()),
            ..Message::default()
        };
        let place = Place { public_url: Some("https://help.example.org"), conversation_id: "c" };
        let parts = render::render(&message, &place);
        prop_assert!((1..=3).contains(&parts.len()));
        for part in parts {
            prop_assert!(!part.text.is_empty() && part.text.chars().count() <= 3000);
            let blocks = part.blocks.as_array().cloned().unwrap_or_default();
            prop_assert!((1..=50).contains(&blocks.len()));
            for block in blocks.iter().filter(|b| b["type"] == "section") {
                let shown = block["text"]["text"].as_str().unwrap_or_default();
                prop_assert!((1..=3000).contains(&shown.chars().count()), "{shown}");
                prop_assert!(!shown.contains("<!") && !shown.contains("<@"), "{shown}");
            }
        }
    }
}
