//! Buttons, shortcuts and forms. They want their answer in the same exchange: checked, looked up
//! in the database, accepted; no model is asked.

use firstline_core::chat::{Person, Verdict};
use serde_json::{Value, json};

use super::envelope::{team, text};
use super::inbound::{Inbound, pass_over};
use super::render;
use crate::accept::{self, AcceptError, Press};

/// What Slack gets back.
#[derive(Debug, PartialEq)]
pub(super) enum Reply {
    Done,
    With(Value),
}

const NOT_YOURS: &str = "Only the person who asked can use these buttons.";
pub(super) const NOT_SAVED: &str = "That could not be saved; please press it again.";

impl Inbound {
    /// Takes up what somebody pressed or sent; an error when it could not be kept.
    pub(super) async fn interaction(&self, value: &Value) -> anyhow::Result<Reply> {
        let kind = text(value, "type").unwrap_or("nameless");
        let Some(user) = text(&value["user"], "id") else {
            pass_over(kind);
            return Ok(Reply::Done);
        };
        let Some(from) = self.who(&team(value), user).await? else {
            pass_over(kind);
            return Ok(Reply::Done);
        };
        let called = text(value, "callback_id");
        match (kind, called.or_else(|| text(&value["view"], "callback_id"))) {
            ("block_actions", _) => self.actions(value, &from).await,
            ("view_submission", Some(render::FORM)) => self.form_sent(value, from).await,
            ("view_submission", Some(render::CORRECTION)) => {
                self.correction_sent(value, &from).await
            }
            ("shortcut", Some(render::FILE)) => {
                self.said_if_refused(value, self.open_empty_form(value).await).await
            }
            ("message_action", Some(render::FILE_FROM_MESSAGE)) => {
                self.said_if_refused(value, self.open_form_for_message(value).await).await
            }
            _ => {
                pass_over(kind);
                Ok(Reply::Done)
            }
        }
    }

    async fn actions(&self, value: &Value, from: &Person) -> anyhow::Result<Reply> {
        for action in value["actions"].as_array().into_iter().flatten() {
            let name = text(action, "action_id").unwrap_or_default();
            let of = text(action, "value").unwrap_or_default();
            let outcome = match name {
                "firstline.solved" => {
                    self.press(value, action, from, of, Press::Verdict(Verdict::Solved)).await
                }
                "firstline.not_helpful" => {
                    self.press(value, action, from, of, Press::Verdict(Verdict::NotHelpful)).await
                }
                "firstline.talk_to_person" => {
                    self.press(value, action, from, of, Press::TalkToPerson).await
                }
                "firstline.file_ticket" => self.open_form(value, from, of).await,
                "firstline.new_ticket" => self.open_empty_form(value).await,
                "firstline.review" => self.reviewed(value, from, of).await,
                "firstline.correct" => self.open_correction(value, from, of).await,
                _ if text(action, "block_id") == Some("kind")
                    && text(&value["view"], "callback_id") == Some(render::FORM) =>
                {
                    self.refresh_form(&value["view"]).await;
                    Ok(())
                }
                _ => {
                    pass_over("action");
                    Ok(())
                }
            };
            self.said_if_refused(value, outcome).await?;
        }
        Ok(Reply::Done)
    }

    /// Never a silent acknowledgement: whoever pressed hears why nothing was done.
    async fn said_if_refused(
        &self,
        value: &Value,
        outcome: Result<(), AcceptError>,
    ) -> anyhow::Result<Reply> {
        match outcome {
            Ok(()) => {}
            Err(AcceptError::NotFound) => self.whisper(value, NOT_YOURS).await,
            Err(AcceptError::Unavailable(error)) => {
                self.whisper(value, NOT_SAVED).await;
                return Err(error);
            }
            Err(refusal) => self.whisper(value, &refusal.to_string()).await,
        }
        Ok(Reply::Done)
    }

    async fn press(
        &self,
        value: &Value,
        action: &Value,
        from: &Person,
        request: &str,
        press: Press,
    ) -> Result<(), AcceptError> {
        // A press has no name of its own; its stamp and who pressed tell it from all others.
        let event_id = format!(
            "press:{}:{}:{}:{request}",
            text(&value["user"], "id").unwrap_or_default(),
            text(action, "action_id").unwrap_or_default(),
            text(action, "action_ts").unwrap_or_default(),
        );
        let (gone, note) = afterwards(&press);
        accept::pressed(&self.app, from.clone(), request, press, event_id).await?;
        self.without_buttons(value, gone, note).await;
        Ok(())
    }

    /// What was pressed is shown where it stood, and what no longer makes sense is gone.
    async fn without_buttons(&self, value: &Value, gone: &[&str], note: &str) {
        let (container, message) = (&value["container"], &value["message"]);
        let (Some(channel), Some(ts)) = (text(container, "channel_id"), text(message, "ts")) else {
            return;
        };
        let blocks = remaining(&message["blocks"], gone, note);
        let words = text(message, "text").unwrap_or_default();
        if let Err(error) = self.slack.api.update(channel, ts, words, &blocks).await {
            tracing::warn!(%error, "pressed buttons still stand under a message");
        }
    }
}

/// The buttons that go when one was pressed, and what stands there instead.
fn afterwards(press: &Press) -> (&'static [&'static str], &'static str) {
    match press {
        Press::Verdict(Verdict::Solved) => (&["firstline."], "You said that this solved it."),
        Press::Verdict(Verdict::NotHelpful) => {
            (&["firstline.solved", "firstline.not_helpful"], "You said that this was not helpful.")
        }
        Press::TalkToPerson => (&["firstline."], "You asked for a person."),
        Press::FileTicket(_) => (&[], ""),
    }
}

/// A message's blocks without the buttons whose names begin with one of `gone`.
fn remaining(blocks: &Value, gone: &[&str], note: &str) -> Value {
    let goes = |button: &Value| {
        text(button, "action_id").is_some_and(|name| gone.iter().any(|gone| name.starts_with(gone)))
    };
    let mut left = Vec::new();
    for block in blocks.as_array().into_iter().flatten() {
        let mut block = block.clone();
        if block["type"] == "actions"
            && let Some(elements) = block["elements"].as_array_mut()
        {
            elements.retain(|button| !goes(button));
            if elements.is_empty() {
                continue;
            }
        }
        left.push(block);
    }
    let note = json!({
        "type": "context",
        "elements": [{ "type": "plain_text", "text": note }],
    });
    left.push(note);
    Value::Array(left)
}

/// The form stays open, with a sentence at each field.
pub(super) fn wrong_fields(wrong: Vec<(String, String)>) -> Reply {
    let errors: serde_json::Map<String, Value> =
        wrong.into_iter().map(|(field, why)| (field, Value::String(why))).collect();
    Reply::With(json!({ "response_action": "errors", "errors": errors }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pressed_buttons_go_and_the_rest_stays() {
        let button =
            |name: &str| json!({ "type": "button", "action_id": format!("firstline.{name}") });
        let blocks = json!([
            { "type": "section", "text": { "type": "mrkdwn", "text": "x" } },
            { "type": "actions", "elements": [
                button("solved"), button("not_helpful"), button("file_ticket"), button("talk_to_person"),
            ]},
            { "type": "future" },
        ]);
        for (press, left) in [
            (Press::Verdict(Verdict::Solved), vec![]),
            (
                Press::Verdict(Verdict::NotHelpful),
                vec!["firstline.file_ticket", "firstline.talk_to_person"],
            ),
            (Press::TalkToPerson, vec![]),
        ] {
            let (gone, note) = afterwards(&press);
            let shown = remaining(&blocks, gone, note);
            let shown = shown.as_array().cloned().unwrap_or_default();
            let actions = shown.iter().filter(|b| b["type"] == "actions");
            let names: Vec<&str> = actions
                .flat_map(|b| b["elements"].as_array().into_iter().flatten())
                .filter_map(|b| text(b, "action_id"))
                .collect();
            assert_eq!(names, left, "{press:?}");
            let kinds: Vec<&str> = shown.iter().filter_map(|b| text(b, "type")).collect();
            assert_eq!((kinds.first(), kinds.last()), (Some(&"section"), Some(&"context")));
        }
        assert_eq!(remaining(&Value::Null, &[], "n").as_array().map(Vec::len), Some(1));
    }
}
