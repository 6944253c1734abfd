//! Buttons, shortcuts and forms. They want their answer in the same exchange: checked, looked up
//! in the database, accepted; no model is asked.

use firstline_core::chat::{Button, Person};
use serde_json::{Value, json};

use super::envelope::{team, text};
use super::inbound::{Inbound, pass_over};
use super::render;
use crate::accept::{self, AcceptError, Press};
use crate::platform::{offer, review};

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
            let button = offer::button_of(name);
            let outcome = match name {
                _ if let Some(press) = button.and_then(offer::press_of) => {
                    self.press(value, action, from, of, press).await
                }
                _ if button.is_some() => self.open_form(value, from, of).await,
                "firstline.new_ticket" => self.open_empty_form(value).await,
                name if name == review::AGREE.0 => self.reviewed(value, from, of).await,
                name if name == review::CORRECT.0 => self.open_correction(value, from, of).await,
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
        let button = press.button();
        accept::pressed(&self.app, from.clone(), request, press, event_id).await?;
        if offer::note(button).is_some() {
            self.without_buttons(value, button).await;
        }
        Ok(())
    }

    /// What was pressed is shown where it stood, and what no longer makes sense is gone.
    async fn without_buttons(&self, value: &Value, pressed: Button) {
        let (container, message) = (&value["container"], &value["message"]);
        let (Some(channel), Some(ts)) = (text(container, "channel_id"), text(message, "ts")) else {
            return;
        };
        let blocks = remaining(&message["blocks"], pressed);
        let words = text(message, "text").unwrap_or_default();
        if let Err(error) = self.slack.api.update(channel, ts, words, &blocks, None).await {
            tracing::warn!(%error, "pressed buttons still stand under a message");
        }
    }
}

/// A message's blocks as they stand once a button was pressed.
fn remaining(blocks: &Value, pressed: Button) -> Value {
    let goes = |element: &Value| {
        let button = text(element, "action_id").and_then(offer::button_of);
        button.is_some_and(|button| offer::goes(button, pressed))
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
    left.extend(offer::note(pressed).map(
        |note| json!({ "type": "context", "elements": [{ "type": "plain_text", "text": note }] }),
    ));
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
        for (pressed, left) in [
            (Button::Solved, vec![]),
            (Button::NotHelpful, vec!["firstline.file_ticket", "firstline.talk_to_person"]),
            (Button::TalkToPerson, vec![]),
        ] {
            let shown = remaining(&blocks, pressed);
            let shown = shown.as_array().cloned().unwrap_or_default();
            let actions = shown.iter().filter(|b| b["type"] == "actions");
            let names: Vec<&str> = actions
                .flat_map(|b| b["elements"].as_array().into_iter().flatten())
                .filter_map(|b| text(b, "action_id"))
                .collect();
            assert_eq!(names, left, "{pressed:?}");
            let kinds: Vec<&str> = shown.iter().filter_map(|b| text(b, "type")).collect();
            assert_eq!((kinds.first(), kinds.last()), (Some(&"section"), Some(&"context")));
        }
        assert_eq!(remaining(&Value::Null, Button::Solved).as_array().map(Vec::len), Some(1));
    }
}
