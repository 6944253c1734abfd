//! A tolerant reading of what Slack sends: only what is needed is looked at, and whatever is
//! missing, null, new or oddly shaped makes an envelope that is passed over, never an error.

use firstline_core::capabilities::SLACK;
use firstline_core::chat::RemoteFile;
use serde_json::Value;

/// What an event callback is about, as far as it concerns the bot.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Envelope {
    /// Slack checks that the address is ours.
    UrlVerification {
        challenge: String,
    },
    Said(Said),
    /// Somebody changed what they had said; it reads like this now.
    Edited(Said),
    Deleted(Deleted),
    Reacted(Reacted),
    /// Somebody looks at the app's Home tab.
    HomeOpened {
        team: String,
        user: String,
    },
    /// Somebody opened the assistant beside what they do.
    AssistantOpened {
        channel: String,
        thread: String,
    },
    /// Nothing for us; the kind is counted.
    PassedOver {
        kind: String,
    },
}

/// Somebody wrote something.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Said {
    /// The workspace it was sent to.
    pub(super) team: String,
    pub(super) channel: String,
    /// A direct message between one person and the bot.
    pub(super) direct: bool,
    pub(super) user: String,
    pub(super) text: String,
    /// The message's own stamp; with the channel it names the message.
    pub(super) ts: String,
    pub(super) thread_ts: Option<String>,
    /// The bot is named in it.
    pub(super) mention: bool,
    /// The channel is shared with other organisations.
    pub(super) outsiders: bool,
    pub(super) files: Vec<RemoteFile>,
}

/// A message is gone.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Deleted {
    pub(super) team: String,
    pub(super) channel: String,
    /// Who had written it, where Slack says.
    pub(super) user: Option<String>,
    pub(super) ts: String,
}

/// Somebody put an emoji under a message.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Reacted {
    pub(super) team: String,
    pub(super) channel: String,
    /// Who put it there.
    pub(super) user: String,
    /// Without colons.
    pub(super) emoji: String,
    /// Of the message.
    pub(super) ts: String,
    pub(super) outsiders: bool,
}

impl Said {
    /// Slack sends a mention twice, as itself and as a message: both bear this name.
    pub(super) fn event_id(&self) -> String {
        event_id(&self.channel, &self.ts)
    }

    /// The first message of its thread, which is itself when it begins one.
    pub(super) fn thread(&self) -> &str {
        self.thread_ts.as_deref().unwrap_or(&self.ts)
    }
}

/// The name of what was said there then.
pub(super) fn event_id(channel: &str, ts: &str) -> String {
    format!("{channel}:{ts}")
}

pub(super) fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value[name].as_str().filter(|text| !text.is_empty())
}

/// The workspace an envelope was sent to. An organisation-wide installation names none in some
/// places.
pub(super) fn team(value: &Value) -> String {
    let of = [
        text(value, "team_id"),
        text(&value["team"], "id"),
        text(&value["authorizations"][0], "team_id"),
        text(&value["user"], "team_id"),
        text(value, "enterprise_id"),
        text(&value["enterprise"], "id"),
    ];
    of.into_iter().flatten().next().unwrap_or("unknown").to_owned()
}

/// Subtypes in which a person says something; all others report what happened.
const SAYING: [&str; 3] = ["file_share", "thread_broadcast", "me_message"];

/// Where an event belongs: a message, its changes and what is said under it in one place.
pub(super) fn place(value: &Value) -> String {
    let event = &value["event"];
    let (now, before) = (&event["message"], &event["previous_message"]);
    let (item, opened) = (&event["item"], &event["assistant_thread"]);
    let channel = [
        text(event, "channel"),
        text(item, "channel"),
        text(opened, "channel_id"),
        text(event, "user"),
    ];
    let thread = [
        text(event, "thread_ts"),
        text(opened, "thread_ts"),
        text(now, "thread_ts"),
        text(before, "thread_ts"),
        text(now, "ts"),
        text(event, "deleted_ts"),
        text(item, "ts"),
        text(event, "ts"),
    ];
    let channel = channel.into_iter().flatten().next().unwrap_or_default();
    let thread = thread.into_iter().flatten().next().unwrap_or_default();
    format!("{channel}:{thread}")
}

/// Takes out what is never read: a secret, and the second form in which Slack sends every text.
pub(super) fn slim(value: &mut Value) {
    let mut take = |at: &str, name: &str| {
        if let Some(of) = value.pointer_mut(at).and_then(Value::as_object_mut) {
            of.remove(name);
        }
    };
    take("", "token");
    take("", "event_context");
    for at in ["/event", "/event/message", "/event/previous_message"] {
        take(at, "blocks");
    }
}

pub(super) fn read(value: &Value) -> Envelope {
    let outer = text(value, "type").unwrap_or("nameless");
    let passed_over = |kind: &str| Envelope::PassedOver { kind: kind.to_owned() };
    match outer {
        "url_verification" => match text(value, "challenge") {
            Some(challenge) => Envelope::UrlVerification { challenge: challenge.to_owned() },
            None => passed_over(outer),
        },
        "event_callback" => {
            let event = &value["event"];
            let kind = text(event, "type").unwrap_or("nameless");
            happened(value, event, kind).unwrap_or_else(|| passed_over(kind))
        }
        other => passed_over(other),
    }
}

fn happened(value: &Value, event: &Value, kind: &str) -> Option<Envelope> {
    let user = || text(event, "user").map(str::to_owned);
    match (kind, text(event, "subtype")) {
        // The first message of a thread leaves a stone behind.
        ("message", Some("message_changed")) if event["message"]["subtype"] == "tombstone" => {
            let ts = text(&event["message"], "ts")?;
            deleted(value, event, &event["previous_message"], ts)
        }
        ("message", Some("message_changed")) => edited(value, event).map(Envelope::Edited),
        ("message", Some("message_deleted")) => {
            let before = &event["previous_message"];
            let ts = text(event, "deleted_ts").or_else(|| text(before, "ts"))?;
            deleted(value, event, before, ts)
        }
        ("message" | "app_mention", _) => said(value, event, kind).map(Envelope::Said),
        ("reaction_added", _) if text(&event["item"], "type") == Some("message") => {
            Some(Envelope::Reacted(Reacted {
                team: team(value),
                channel: text(&event["item"], "channel")?.to_owned(),
                user: user()?,
                emoji: text(event, "reaction")?.to_owned(),
                ts: text(&event["item"], "ts")?.to_owned(),
                outsiders: outsiders(value),
            }))
        }
        ("app_home_opened", _) if text(event, "tab") == Some("home") => {
            Some(Envelope::HomeOpened { team: team(value), user: user()? })
        }
        ("assistant_thread_started", _) => {
            let thread = &event["assistant_thread"];
            Some(Envelope::AssistantOpened {
                channel: text(thread, "channel_id")?.to_owned(),
                thread: text(thread, "thread_ts")?.to_owned(),
            })
        }
        _ => None,
    }
}

fn deleted(value: &Value, event: &Value, before: &Value, ts: &str) -> Option<Envelope> {
    Some(Envelope::Deleted(Deleted {
        team: team(value),
        channel: text(event, "channel")?.to_owned(),
        user: text(before, "user").map(str::to_owned),
        ts: ts.to_owned(),
    }))
}

/// Whatever is neither missing nor false counts: rather too little is said than too much.
fn outsiders(value: &Value) -> bool {
    !matches!(value["is_ext_shared_channel"], Value::Null | Value::Bool(false))
}

/// What a message reads like now. Slack also tells of it when it only adds a link's preview.
fn edited(value: &Value, event: &Value) -> Option<Said> {
    let (now, before) = (&event["message"], &event["previous_message"]);
    if !now["text"].is_string() || now["text"] == before["text"] {
        return None;
    }
    let mut message = now.clone();
    for name in ["channel", "channel_type"] {
        message[name] = event[name].clone();
    }
    said(value, &message, "message")
}

fn said(value: &Value, event: &Value, kind: &str) -> Option<Said> {
    // Bots, this one above all, are not talked to.
    let empty = |name: &str| event[name].is_null() || event[name] == "";
    if !empty("bot_id") || event["bot_profile"].is_object() {
        return None;
    }
    if !empty("subtype") && text(event, "subtype").is_none_or(|kind| !SAYING.contains(&kind)) {
        return None;
    }
    let (user, channel, ts) = (text(event, "user")?, text(event, "channel")?, text(event, "ts")?);
    let words = event["text"].as_str().unwrap_or_default();
    let bot = value["authorizations"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|of| of["is_bot"] == true)
        .find_map(|of| text(of, "user_id"));
    if bot == Some(user) {
        return None;
    }
    let named = bot.is_some_and(|bot| words.contains(&format!("<@{bot}")));
    Some(Said {
        team: team(value),
        channel: channel.to_owned(),
        direct: text(event, "channel_type") == Some("im") || channel.starts_with('D'),
        user: user.to_owned(),
        text: match bot {
            Some(bot) => without_mention(words, bot),
            None if kind == "app_mention" => without_first_mention(words),
            None => words.to_owned(),
        },
        ts: ts.to_owned(),
        thread_ts: text(event, "thread_ts").filter(|thread| *thread != ts).map(str::to_owned),
        mention: named || kind == "app_mention",
        outsiders: outsiders(value),
        files: files(event),
    })
}

/// What was sent along and can be fetched; files kept elsewhere are only links.
fn files(message: &Value) -> Vec<RemoteFile> {
    let all = message["files"].as_array().into_iter().flatten();
    let files = all.filter(|file| text(file, "mode") != Some("external"));
    files
        .filter_map(|file| {
            let url = text(file, "url_private_download").or_else(|| text(file, "url_private"))?;
            Some(RemoteFile {
                id: text(file, "id")?.to_owned(),
                name: text(file, "name").or_else(|| text(file, "title"))?.to_owned(),
                size: file["size"].as_u64().unwrap_or(0),
                url: url.to_owned(),
            })
        })
        .take(SLACK.uploads)
        .collect()
}

/// The text without the bot's own name, which only calls it.
fn without_mention(text: &str, bot: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    let mark = format!("<@{bot}");
    while let Some(at) = rest.find(&mark) {
        let after = &rest[at + mark.len()..];
        let ends = match after.find('>') {
            Some(end) if after.starts_with(['>', '|']) => end,
            _ => break,
        };
        out.push_str(&rest[..at]);
        rest = after[ends + 1..].trim_start();
    }
    out.push_str(rest);
    out.trim().to_owned()
}

fn without_first_mention(text: &str) -> String {
    let trimmed = text.trim_start();
    match trimmed.strip_prefix("<@").and_then(|rest| rest.split_once('>')) {
        Some((_, rest)) => rest.trim().to_owned(),
        None => text.trim().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    fn callback(event: Value) -> Value {
        json!({
            "type": "event_callback", "team_id": "T1", "event_id": "Ev1", "event": event,
            "authorizations": [{"team_id": "T1", "user_id": "UBOT", "is_bot": true}],
        })
    }

    #[test]
    fn people_are_heard_and_everything_else_is_passed_over() {
        let message = |more: Value| {
            let mut event = json!({"type": "message", "channel": "C1", "channel_type": "channel",
                "user": "U1", "ts": "1.2", "text": "hello"});
            for (name, value) in more.as_object().unwrap() {
                event[name] = value.clone();
            }
            callback(event)
        };
        for (more, heard) in [
            (json!({}), true),
            (json!({"subtype": null, "thread_ts": null, "blocks": [{"type": "future"}]}), true),
            (json!({"subtype": "file_share"}), true),
            (json!({"subtype": "message_changed"}), false),
            (json!({"subtype": "message_deleted", "previous_message": 3}), false),
            (json!({"subtype": "brand_new"}), false),
            (json!({"bot_id": "B9"}), false),
            (json!({"user": "UBOT"}), false),
            (json!({"user": null}), false),
            (json!({"ts": 7}), false),
            (json!({"type": "reaction_added"}), false),
            (json!({"type": null}), false),
        ] {
            let said = matches!(read(&message(more.clone())), Envelope::Said(_));
            assert_eq!(said, heard, "{more}");
        }
        for odd in [
            json!(null),
            json!([]),
            json!("x"),
            json!({"type": "event_callback"}),
            json!({"type": "event_callback", "event": 3}),
            json!({"type": "future_callback"}),
            json!({"type": "url_verification", "challenge": null}),
        ] {
            assert!(matches!(read(&odd), Envelope::PassedOver { .. }), "{odd}");
        }
    }

    #[test]
    fn a_mention_and_its_message_are_one() {
        let event = |kind: &str| {
            json!({"type": kind, "channel": "C1", "user": "U1", "ts": "1.2",
                "text": "<@UBOT> how do I <@UBOT|bot> log in?"})
        };
        let said = |value: Value| match read(&value) {
            Envelope::Said(said) => said,
            other => panic!("{other:?}"),
        };
        let (a, b) = (said(callback(event("app_mention"))), said(callback(event("message"))));
        assert_eq!((a.event_id(), &a.text, a.mention), (b.event_id(), &b.text, b.mention));
        assert_eq!(a.text, "how do I log in?");
        let mut organisation_wide = callback(event("app_mention"));
        organisation_wide["team_id"] = json!(null);
        organisation_wide["authorizations"] = json!([]);
        organisation_wide["enterprise_id"] = json!("E1");
        let said = said(organisation_wide);
        assert_eq!(
            (said.team.as_str(), said.text.as_str()),
            ("E1", "how do I <@UBOT|bot> log in?")
        );
    }
}
