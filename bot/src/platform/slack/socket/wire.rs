//! What travels over a Socket Mode connection, read tolerantly
//! (<https://docs.slack.dev/apis/events-api/using-socket-mode>): whatever is not understood is
//! passed over, and acknowledged where it has a name, so that Slack does not send it again.

use serde_json::{Value, json};

use super::Kind;

/// What Slack says in one text frame.
#[derive(Debug, PartialEq)]
pub(super) enum Frame {
    /// The connection is open. `connections`: how many Slack counts for the app, this one too.
    Hello {
        connections: Option<u64>,
    },
    Disconnect(Reason),
    Envelope(Envelope),
    /// Nothing that could be answered; what it is called is counted.
    PassedOver(String),
}

/// Why Slack is about to close a connection.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// `warning` (in about ten seconds), `refresh_requested` or a word not known yet: another
    /// connection is to take its place.
    Replace,
    /// `link_disabled`: somebody turned Socket Mode off.
    TurnedOff,
    /// `too_many_websockets`: the app has its ten connections already.
    TooMany,
}

/// Something Slack wants acknowledged.
#[derive(Debug, PartialEq)]
pub(super) struct Envelope {
    pub(super) id: String,
    /// The word of a kind that is not known is kept for the log.
    pub(super) kind: Result<Kind, String>,
    /// `Null` where it is missing.
    pub(super) payload: Value,
    /// The acknowledgement may say something.
    pub(super) answerable: bool,
}

pub(super) fn read(text: &str) -> Frame {
    let Ok(mut value) = serde_json::from_str::<Value>(text) else {
        return Frame::PassedOver("no JSON".to_owned());
    };
    let word = |name: &str| value[name].as_str().filter(|word| !word.is_empty());
    let kind = match word("type") {
        Some("hello") => {
            return Frame::Hello { connections: value["num_connections"].as_u64() };
        }
        Some("disconnect") => {
            return Frame::Disconnect(match word("reason") {
                Some("link_disabled") => Reason::TurnedOff,
                Some("too_many_websockets") => Reason::TooMany,
                _ => Reason::Replace,
            });
        }
        Some("events_api") => Ok(Kind::Event),
        Some("interactive") => Ok(Kind::Interaction),
        Some("slash_commands") => Ok(Kind::Command),
        other => Err(other.unwrap_or("nameless").to_owned()),
    };
    let Some(id) = word("envelope_id").map(str::to_owned) else {
        return Frame::PassedOver("an envelope without its id".to_owned());
    };
    let answerable = value["accepts_response_payload"] == true;
    let payload = value.get_mut("payload").map(Value::take).unwrap_or_default();
    Frame::Envelope(Envelope { id, kind, payload, answerable })
}

/// The frame that acknowledges an envelope.
pub(super) fn acknowledgement(id: &str, says: Option<Value>) -> String {
    match says {
        Some(says) => json!({ "envelope_id": id, "payload": says }),
        None => json!({ "envelope_id": id }),
    }
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_read_and_whatever_is_odd_is_passed_over() {
        let envelope = |kind, payload, answerable| {
            Frame::Envelope(Envelope { id: "e1".into(), kind, payload, answerable })
        };
        let passed_over = |kind: &str| Frame::PassedOver(kind.to_owned());
        for (text, expected) in [
            (
                r#"{"type":"hello","num_connections":2,"debug_info":{"host":"a"}}"#,
                Frame::Hello { connections: Some(2) },
            ),
            (r#"{"type":"hello","num_connections":-1}"#, Frame::Hello { connections: None }),
            (r#"{"type":"disconnect","reason":"warning"}"#, Frame::Disconnect(Reason::Replace)),
            (
                r#"{"type":"disconnect","reason":"refresh_requested","debug_info":{}}"#,
                Frame::Disconnect(Reason::Replace),
            ),
            (r#"{"type":"disconnect","reason":"future"}"#, Frame::Disconnect(Reason::Replace)),
            (r#"{"type":"disconnect","reason":null}"#, Frame::Disconnect(Reason::Replace)),
            (
                r#"{"type":"disconnect","reason":"link_disabled"}"#,
                Frame::Disconnect(Reason::TurnedOff),
            ),
            (
                r#"{"type":"disconnect","reason":"too_many_websockets"}"#,
                Frame::Disconnect(Reason::TooMany),
            ),
            (
                r#"{"type":"events_api","envelope_id":"e1","payload":{"team":null},
                    "accepts_response_payload":false,"retry_attempt":1,"retry_reason":"timeout"}"#,
                envelope(Ok(Kind::Event), json!({"team": null}), false),
            ),
            (
                r#"{"type":"interactive","envelope_id":"e1","payload":{},
                    "accepts_response_payload":true}"#,
                envelope(Ok(Kind::Interaction), json!({}), true),
            ),
            (
                r#"{"type":"slash_commands","envelope_id":"e1","accepts_response_payload":"yes"}"#,
                envelope(Ok(Kind::Command), Value::Null, false),
            ),
            (
                r#"{"type":"future","envelope_id":"e1","payload":3}"#,
                envelope(Err("future".into()), json!(3), false),
            ),
            (
                r#"{"type":[],"envelope_id":"e1"}"#,
                envelope(Err("nameless".into()), Value::Null, false),
            ),
            (r#"{"type":"events_api","payload":{}}"#, passed_over("an envelope without its id")),
            (
                r#"{"type":"events_api","envelope_id":""}"#,
                passed_over("an envelope without its id"),
            ),
            (r#"{"type":"events_api","envelope_id":7}"#, passed_over("an envelope without its id")),
            (r#"{"envelope":"e1"}"#, passed_over("an envelope without its id")),
            ("[]", passed_over("an envelope without its id")),
            ("null", passed_over("an envelope without its id")),
            ("", passed_over("no JSON")),
            (r#"{"type":"hello""#, passed_over("no JSON")),
            (&"[".repeat(10_000), passed_over("no JSON")),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn an_acknowledgement_has_a_payload_only_where_something_is_said() {
        assert_eq!(acknowledgement("e1", None), r#"{"envelope_id":"e1"}"#);
        let says = acknowledgement("e\"1", Some(json!({"text": "yes"})));
        assert_eq!(says, r#"{"envelope_id":"e\"1","payload":{"text":"yes"}}"#);
    }
}
