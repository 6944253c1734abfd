//! Buttons and forms. They want their answer in the same exchange: checked, looked up in the
//! database, accepted; no model is asked.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use firstline_core::chat::{Person, Verdict};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::envelope::{team, text};
use super::inbound::{Inbound, later, pass_over, refused};
use super::people::WhoError;
use super::render;
use crate::accept::{self, AcceptError, Press};
use crate::prefill;

/// The ticket form among an app's views.
const FORM: &str = "firstline.ticket";

/// Where a form was opened, carried through it.
#[derive(Debug, Serialize, Deserialize)]
struct Opened {
    request: String,
}

const NOT_YOURS: &str = "Only the person who asked can use these buttons.";

pub(super) async fn pressed(
    State(inbound): State<Inbound>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let payload = match inbound.form(&headers, &body) {
        Ok(mut form) => form.remove("payload").unwrap_or_default(),
        Err(why) => return refused(&why),
    };
    let value: Value = serde_json::from_str(&payload).unwrap_or_default();
    let kind = text(&value, "type").unwrap_or("nameless");
    let Some(user) = text(&value["user"], "id") else {
        pass_over(kind);
        return StatusCode::OK.into_response();
    };
    let from = match inbound.who(&team(&value), user).await {
        Ok(Some(from)) => from,
        Ok(None) => {
            pass_over(kind);
            return StatusCode::OK.into_response();
        }
        Err(WhoError::Slack(error)) => return later(&error),
        Err(WhoError::Store(error)) => return later(&error),
    };
    match kind {
        "block_actions" => inbound.buttons(&value, &from).await,
        "view_submission" => inbound.submitted(&value, from).await,
        other => {
            pass_over(other);
            StatusCode::OK.into_response()
        }
    }
}

impl Inbound {
    async fn buttons(&self, value: &Value, from: &Person) -> Response {
        for action in value["actions"].as_array().into_iter().flatten() {
            let (Some(name), Some(request)) = (text(action, "action_id"), text(action, "value"))
            else {
                pass_over("action");
                continue;
            };
            let press = match name {
                "firstline.solved" => Some(Press::Verdict(Verdict::Solved)),
                "firstline.not_helpful" => Some(Press::Verdict(Verdict::NotHelpful)),
                "firstline.talk_to_person" => Some(Press::TalkToPerson),
                "firstline.file_ticket" => None,
                _ => {
                    pass_over("action");
                    continue;
                }
            };
            let outcome = match press {
                Some(press) => self.press(value, action, from, request, press).await,
                None => self.open_form(value, from, request).await,
            };
            match outcome {
                Ok(()) => {}
                Err(AcceptError::NotFound) => self.whisper(value, NOT_YOURS).await,
                Err(AcceptError::Unavailable(error)) => {
                    self.whisper(value, "That could not be saved; please press it again.").await;
                    return later(&error);
                }
                Err(refusal) => self.whisper(value, &refusal.to_string()).await,
            }
        }
        StatusCode::OK.into_response()
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

    async fn open_form(
        &self,
        value: &Value,
        from: &Person,
        request: &str,
    ) -> Result<(), AcceptError> {
        let prefilled = prefill::form(&self.app, &from.email, request, None).await?;
        let (Some(_), form) = prefilled else { return Err(AcceptError::NotFound) };
        let opened = Opened { request: request.to_owned() };
        let opened = serde_json::to_string(&opened).map_err(anyhow::Error::from)?;
        let systems: Vec<String> = self.app.catalogue.iter().map(|s| s.name.clone()).collect();
        let view = render::modal(&form, &systems, &opened);
        let trigger = text(value, "trigger_id").unwrap_or_default();
        if let Err(error) = self.slack.api.open_view(trigger, &view).await {
            tracing::warn!(%error, "a ticket form could not be shown");
            self.whisper(value, "The form could not be opened; please press the button again.")
                .await;
        }
        Ok(())
    }

    async fn submitted(&self, value: &Value, from: Person) -> Response {
        let view = &value["view"];
        if text(view, "callback_id") != Some(FORM) {
            pass_over("view");
            return StatusCode::OK.into_response();
        }
        let opened = text(view, "private_metadata").and_then(|m| serde_json::from_str(m).ok());
        let (Some(Opened { request }), Some(id)) = (opened, text(view, "id")) else {
            pass_over("view");
            return StatusCode::OK.into_response();
        };
        let form = match render::form_of(&view["state"]["values"]) {
            Ok(form) => form,
            Err(wrong) => return wrong_fields(wrong),
        };
        let event_id = format!("view:{id}");
        let press = Press::FileTicket(form);
        match accept::pressed(&self.app, from, &request, press, event_id).await {
            // An empty answer closes the form; the ticket is told of in the thread.
            Ok(_) => StatusCode::OK.into_response(),
            Err(AcceptError::Unavailable(error)) => {
                tracing::warn!(%error, "a ticket form could not be saved");
                let said = "It could not be saved; please send it again.".to_owned();
                wrong_fields(vec![("summary".to_owned(), said)])
            }
            Err(refusal) => wrong_fields(vec![("summary".to_owned(), refusal.to_string())]),
        }
    }

    /// Tells only whoever pressed.
    async fn whisper(&self, value: &Value, says: &str) {
        let container = &value["container"];
        let channel = text(container, "channel_id").or_else(|| text(&value["channel"], "id"));
        let (Some(channel), Some(user)) = (channel, text(&value["user"], "id")) else { return };
        let thread = text(container, "thread_ts");
        if let Err(error) = self.slack.api.whisper(channel, thread, user, says).await {
            tracing::warn!(%error, "somebody could not be told what became of a button");
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
fn wrong_fields(wrong: Vec<(String, String)>) -> Response {
    let errors: serde_json::Map<String, Value> =
        wrong.into_iter().map(|(field, why)| (field, Value::String(why))).collect();
    Json(json!({ "response_action": "errors", "errors": errors })).into_response()
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
