//! Every event Slack documents is read for what it is or passed over by name, and no event that
//! lacks a member or bears it in another shape is taken for more than it says. The events are
//! those of <https://docs.slack.dev/reference/events>, shortened to what tells them apart.
#![allow(clippy::unwrap_used)]

mod passed_over;

use std::collections::BTreeSet;
use std::mem::discriminant;

use firstline_core::chat::RemoteFile;
use serde_json::{Deserializer, Value, json};

use super::envelope::{Deleted, Envelope, Reacted, Said, read};
use crate::platform::mutations::mutations;
use passed_over::PASSED_OVER;

/// A message's members, unless told otherwise; other events have those of their line alone.
fn message(more: &Value) -> Value {
    let mut event = json!({
        "type": "message", "channel": "C1", "channel_type": "channel", "user": "U1",
        "text": "hi", "ts": "1.2", "team": "T1",
    });
    for (name, value) in more.as_object().unwrap() {
        event[name] = value.clone();
    }
    event
}

/// As Slack wraps an event: <https://docs.slack.dev/apis/events-api>.
fn callback(event: &Value) -> Value {
    let mut event = event.clone();
    event["event_ts"] = json!("1.3");
    json!({
        "token": "x", "type": "event_callback", "team_id": "T1", "api_app_id": "A1",
        "event_id": "Ev1", "event_time": 1, "event_context": "4-x", "event": event,
        "is_ext_shared_channel": false,
        "authorizations": [{ "enterprise_id": null, "team_id": "T1", "user_id": "UBOT",
            "is_bot": true, "is_enterprise_install": false }],
    })
}

fn passed_over() -> Vec<Value> {
    let events = Deserializer::from_str(PASSED_OVER).into_iter::<Value>().map(Result::unwrap);
    let whole = |event: Value| match event["type"].as_str() {
        Some("app_mention") | None => message(&event),
        Some(_) => event,
    };
    events.map(|event| callback(&whole(event))).collect()
}

/// What Slack sends without a wrapper.
fn unwrapped() -> [Value; 2] {
    [
        json!({ "token": "x", "type": "app_rate_limited", "team_id": "T1",
            "minute_rate_limited": 1, "api_app_id": "A1" }),
        json!({ "token": "x", "type": "url_verification", "challenge": "abc" }),
    ]
}

/// Events that the bot hears, and as what.
fn heard() -> Vec<(Value, Envelope)> {
    let said = || Said {
        team: "T1".into(),
        channel: "C1".into(),
        direct: false,
        user: "U1".into(),
        text: "hi".into(),
        ts: "1.2".into(),
        thread_ts: None,
        mention: false,
        outsiders: false,
        files: Vec::new(),
    };
    let direct = || Said { channel: "D1".into(), direct: true, ..said() };
    let told = |more: Value, said: Said| (callback(&message(&more)), Envelope::Said(said));
    let mut shared = callback(&message(&json!({})));
    shared["is_ext_shared_channel"] = json!(true);
    let file = json!({ "id": "F1", "name": "a.txt", "size": 3, "mode": "hosted",
        "url_private": "https://files.slack.com/F1",
        "url_private_download": "https://files.slack.com/F1/download" });
    let elsewhere =
        json!({ "id": "F2", "name": "b", "mode": "external", "url_private": "https://b" });
    let files = vec![RemoteFile {
        id: "F1".into(),
        name: "a.txt".into(),
        size: 3,
        url: "https://files.slack.com/F1/download".into(),
    }];
    vec![
        told(json!({}), said()),
        told(json!({ "channel_type": "group" }), said()),
        told(json!({ "channel_type": "mpim" }), said()),
        told(json!({ "channel": "D1", "channel_type": "im" }), direct()),
        told(json!({ "channel": "D1", "channel_type": "app_home" }), direct()),
        told(
            json!({ "type": "app_mention", "text": "<@UBOT> hi" }),
            Said { mention: true, ..said() },
        ),
        told(json!({ "text": "hi <@UBOT>" }), Said { mention: true, ..said() }),
        told(
            json!({ "thread_ts": "1.1", "parent_user_id": "U2" }),
            Said { thread_ts: Some("1.1".into()), ..said() },
        ),
        told(json!({ "subtype": "me_message" }), said()),
        told(
            json!({ "subtype": "thread_broadcast", "thread_ts": "1.1", "root": { "ts": "1.1" } }),
            Said { thread_ts: Some("1.1".into()), ..said() },
        ),
        told(
            json!({ "subtype": "file_share", "files": [file, elsewhere], "upload": true }),
            Said { files, ..said() },
        ),
        (shared, Envelope::Said(Said { outsiders: true, ..said() })),
        (
            callback(&json!({ "type": "message", "subtype": "message_changed", "hidden": true,
                "channel": "C1", "channel_type": "channel", "ts": "1.9",
                "message": { "user": "U1", "text": "hi", "ts": "1.2",
                    "edited": { "user": "U1", "ts": "1.9" } },
                "previous_message": { "user": "U1", "text": "ho", "ts": "1.2" } })),
            Envelope::Edited(said()),
        ),
        (
            callback(&json!({ "type": "message", "subtype": "message_deleted", "hidden": true,
                "channel": "C1", "channel_type": "channel", "ts": "1.9", "deleted_ts": "1.2",
                "previous_message": { "user": "U1", "text": "ho", "ts": "1.2" } })),
            gone(Some("U1")),
        ),
        (
            callback(&json!({ "type": "message", "subtype": "message_deleted", "hidden": true,
                "channel": "C1", "channel_type": "channel", "ts": "1.9", "deleted_ts": "1.2" })),
            gone(None),
        ),
        (
            callback(&json!({ "type": "message", "subtype": "message_changed", "hidden": true,
                "channel": "C1", "channel_type": "channel", "ts": "1.9",
                "message": { "subtype": "tombstone", "user": "USLACKBOT", "text": "deleted",
                    "ts": "1.2" },
                "previous_message": { "user": "U1", "text": "ho", "ts": "1.2" } })),
            gone(Some("U1")),
        ),
        (
            callback(&json!({ "type": "reaction_added", "user": "U1", "reaction": "ticket",
                "item_user": "U2", "item": { "type": "message", "channel": "C1", "ts": "1.2" } })),
            Envelope::Reacted(Reacted {
                team: "T1".into(),
                channel: "C1".into(),
                user: "U1".into(),
                emoji: "ticket".into(),
                ts: "1.2".into(),
                outsiders: false,
            }),
        ),
        (
            callback(&json!({ "type": "app_home_opened", "user": "U1", "channel": "D1",
                "tab": "home", "view": { "id": "V1", "type": "home" } })),
            Envelope::HomeOpened { team: "T1".into(), user: "U1".into() },
        ),
        (
            callback(&json!({ "type": "assistant_thread_started", "assistant_thread": {
                "user_id": "U1", "context": { "channel_id": "C9", "team_id": "T1" },
                "channel_id": "D1", "thread_ts": "1.2" } })),
            Envelope::AssistantOpened { channel: "D1".into(), thread: "1.2".into() },
        ),
    ]
}

fn gone(user: Option<&str>) -> Envelope {
    let user = user.map(str::to_owned);
    Envelope::Deleted(Deleted { team: "T1".into(), channel: "C1".into(), user, ts: "1.2".into() })
}

#[test]
fn every_documented_event_is_read_or_passed_over_by_name() {
    for (payload, envelope) in heard() {
        assert_eq!(read(&payload), envelope, "{payload}");
    }
    let mut seen = BTreeSet::new();
    for payload in passed_over() {
        let kind = payload["event"]["type"].as_str().unwrap().to_owned();
        assert_eq!(read(&payload), Envelope::PassedOver { kind }, "{payload}");
        assert!(seen.insert(payload.to_string()), "twice: {payload}");
    }
    let [limited, check] = unwrapped();
    assert_eq!(read(&limited), Envelope::PassedOver { kind: "app_rate_limited".into() });
    assert_eq!(read(&check), Envelope::UrlVerification { challenge: "abc".into() });
}

/// What a reading says is what stands in the payload, and nothing there forbids it.
fn sound(payload: &Value, envelope: &Envelope) -> bool {
    let event = &payload["event"];
    let is = |value: &Value, text: &str| !text.is_empty() && value == text;
    let names_the_bot = |message: &Value| message["text"].to_string().contains("<@UBOT>");
    let spoken = |message: &Value, said: &Said| {
        let told = ["file_share", "thread_broadcast", "me_message"];
        let bot = |mark: &Value| mark.as_str().is_some_and(|id| !id.is_empty());
        let kind = message["subtype"].as_str().filter(|kind| !kind.is_empty());
        let thread = said.thread_ts.as_deref();
        is(&message["user"], &said.user)
            && is(&event["channel"], &said.channel)
            && is(&message["ts"], &said.ts)
            && thread.is_none_or(|thread| is(&message["thread_ts"], thread))
            && (said.outsiders || payload["is_ext_shared_channel"] != true)
            && !bot(&message["bot_id"])
            && !message["bot_profile"].is_object()
            && kind.is_none_or(|kind| told.contains(&kind))
            && (!said.mention || event["type"] == "app_mention" || names_the_bot(message))
    };
    let wrapped = payload["type"] == "event_callback";
    let of = |kind: &str| wrapped && event["type"] == kind;
    match envelope {
        Envelope::Said(said) => (of("message") || of("app_mention")) && spoken(event, said),
        Envelope::Edited(said) => {
            of("message")
                && event["subtype"] == "message_changed"
                && spoken(&event["message"], said)
        }
        Envelope::Deleted(gone) => {
            let (before, left) = (&event["previous_message"], &event["message"]);
            of("message")
                && (event["subtype"] == "message_deleted" || left["subtype"] == "tombstone")
                && is(&event["channel"], &gone.channel)
                && gone.user.as_deref().is_none_or(|user| is(&before["user"], user))
                && [&event["deleted_ts"], &before["ts"], &left["ts"]]
                    .iter()
                    .any(|ts| is(ts, &gone.ts))
        }
        Envelope::Reacted(reacted) => {
            of("reaction_added")
                && event["item"]["type"] == "message"
                && is(&event["user"], &reacted.user)
                && is(&event["reaction"], &reacted.emoji)
                && is(&event["item"]["channel"], &reacted.channel)
                && is(&event["item"]["ts"], &reacted.ts)
        }
        Envelope::HomeOpened { user, .. } => {
            of("app_home_opened") && event["tab"] == "home" && is(&event["user"], user)
        }
        Envelope::AssistantOpened { channel, thread } => {
            let opened = &event["assistant_thread"];
            of("assistant_thread_started")
                && is(&opened["channel_id"], channel)
                && is(&opened["thread_ts"], thread)
        }
        Envelope::UrlVerification { challenge } => is(&payload["challenge"], challenge),
        Envelope::PassedOver { kind } => {
            let named = if wrapped { &event["type"] } else { &payload["type"] };
            is(named, kind) || kind == "nameless" && named.as_str().is_none_or(str::is_empty)
        }
    }
}

/// The marks that alone keep one of the events above from being heard: it is another event
/// without them.
const MARKS: [&str; 10] = [
    // Whose message it is: a bot's, or this bot's own.
    "/authorizations",
    "/authorizations/0",
    "/authorizations/0/is_bot",
    "/authorizations/0/user_id",
    "/event/bot_id",
    // That something happened, and nobody said it.
    "/event/message/subtype",
    "/event/subtype",
    // That a message reads as it did before.
    "/event/message/text",
    "/event/previous_message",
    "/event/previous_message/text",
];

#[test]
fn a_missing_or_odd_member_never_makes_more_of_an_event() {
    let mut let_in = BTreeSet::new();
    let heard = heard().into_iter().map(|(payload, _)| payload);
    for payload in heard.chain(passed_over()).chain(unwrapped()) {
        let whole = read(&payload);
        for (place, changed) in mutations(&payload) {
            let envelope = read(&changed);
            assert!(sound(&changed, &envelope), "{place}: {envelope:?} of {changed}");
            let nothing = matches!(envelope, Envelope::PassedOver { .. });
            if !nothing && discriminant(&envelope) != discriminant(&whole) {
                let_in.insert(place);
            }
        }
    }
    let known: BTreeSet<String> = MARKS.map(str::to_owned).into();
    assert_eq!(let_in, known);
}
