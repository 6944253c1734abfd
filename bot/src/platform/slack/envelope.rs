//! A tolerant reading of what Slack sends: only what is needed is looked at, and whatever is
//! missing, null, new or oddly shaped makes an envelope that is passed over, never an error.

use serde_json::Value;

/// What an event callback is about, as far as it concerns the bot.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Envelope {
    /// Slack checks that the address is ours.
    UrlVerification {
        challenge: String,
    },
    Said(Said),
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
}

impl Said {
    /// Slack sends a mention twice, as itself and as a message: both bear this name.
    pub(super) fn event_id(&self) -> String {
        format!("{}:{}", self.channel, self.ts)
    }

    /// The first message of its thread, which is itself when it begins one.
    pub(super) fn thread(&self) -> &str {
        self.thread_ts.as_deref().unwrap_or(&self.ts)
    }
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
            match said(value, event, kind) {
                Some(said) => Envelope::Said(said),
                None => passed_over(kind),
            }
        }
        other => passed_over(other),
    }
}

fn said(value: &Value, event: &Value, kind: &str) -> Option<Said> {
    if !matches!(kind, "message" | "app_mention") {
        return None;
    }
    // Bots, this one above all, are not talked to.
    if text(event, "bot_id").is_some() || event["bot_profile"].is_object() {
        return None;
    }
    if text(event, "subtype").is_some_and(|subtype| !SAYING.contains(&subtype)) {
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
        outsiders: value["is_ext_shared_channel"] == true,
    })
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
