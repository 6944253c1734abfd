//! Whatever comes in, nothing here panics, and whatever goes out keeps Discord's limits and
//! alerts nobody.

use firstline_core::chat::{Button, Citation, Message};
use proptest::prelude::*;
use serde_json::Value;

use super::render::{self, Opened, Place, Review};
use super::{commands, text};
use crate::accept::Press;

/// JSON of the shape Discord's has here and there, filled with anything.
fn payloads() -> impl Strategy<Value = Value> {
    let names = prop_oneof![
        Just("type"),
        Just("data"),
        Just("name"),
        Just("options"),
        Just("value"),
        Just("values"),
        Just("custom_id"),
        Just("components"),
        Just("component"),
        Just("target_id"),
        Just("resolved"),
        Just("messages"),
        Just("author"),
        Just("id"),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (0_u64..20).prop_map(Value::from),
        prop_oneof![
            Just("firstline".to_owned()),
            Just("ticket".to_owned()),
            Just("status".to_owned()),
            Just("File a ticket".to_owned()),
            Just("firstline.form:sent:bug::r".to_owned()),
            Just("summary".to_owned()),
            Just("50".to_owned()),
            any::<String>(),
        ]
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 64, 6, move |inner| {
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
    fn any_payload_is_read_or_passed_over(value in payloads(), id in any::<String>()) {
        let _ = commands::read(&value);
        let _ = commands::same(&value, &commands::definitions());
        let _ = render::form_of(&value, &[]);
        let _ = render::pressed(&value, &Press::TalkToPerson);
        let _ = render::button(&id);
        let _ = Review::read(&id);
        if let Some((step, opened)) = Opened::read(&id) {
            let _ = opened.chosen(step, &value);
        }
    }

    #[test]
    fn any_text_is_understood(words in any::<String>(), marks in "[<>|`*~&@#!:/t1\\\\ a\n-]{0,80}") {
        text::to_markdown(&words, &|_| None);
        text::to_markdown(&marks, &|_| Some("name".to_owned()));
    }

    #[test]
    fn any_message_keeps_the_limits_and_alerts_nobody(
        words in prop_oneof![
            any::<String>(),
            "[-|#>*_`~\\[\\]()<!@&:/t a1\n]{0,400}",
            "(<@[!&]?1>|@everyone|@here|<#1>|<t:1>|<:a:1>|</a:1>|`|```|\\*|_|\\||\n| |a){0,80}",
        ],
        title in any::<String>(),
        url in any::<String>(),
        public in any::<bool>(),
    ) {
        let citation = Citation {
            n: 1,
            source: "s".into(),
            path: title.clone(),
            title,
            heading: words.clone(),
            url: format!("https://{url}"),
            quote: String::new(),
            passage_id: url,
        };
        let message = Message {
            text: words.clone(),
            citations: vec![citation],
            buttons: vec![Button::Solved],
            request_id: Some("r".into()),
            ..Message::default()
        };
        let public_url = public.then_some("https://help.example.org");
        let place = Place { public_url, conversation_id: "c", message_id: "m", ..Place::default() };
        render::within_limits(&render::render(&message, &place));
        let private = render::privately(&words);
        let content = private["content"].as_str().unwrap_or_default();
        prop_assert!((1..=2000).contains(&text::size(content)));
        prop_assert_eq!(text::active(content), None);
        prop_assert_eq!(text::active(&text::escape(&words)), None);
    }
}
