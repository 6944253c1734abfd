//! `/firstline TEXT`: a question asked anywhere, answered in one's direct messages.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use firstline_core::chat::{ConversationKey, Platform, Setting};
use firstline_core::words;
use serde_json::json;

use super::inbound::{Inbound, refused};
use super::render;
use crate::accept::{self, Arrival};

/// What only the person who typed sees.
fn privately(says: &str) -> Response {
    Json(json!({ "response_type": "ephemeral", "text": says })).into_response()
}

pub(super) async fn typed(
    State(inbound): State<Inbound>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let form = match inbound.form(&headers, &body) {
        Ok(form) => form,
        Err(why) => return refused(&why),
    };
    let field = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
    let text = render::to_markdown(field("text"), &|_| None);
    if matches!(text.trim(), "" | "help") {
        return privately(&words::help("en").text);
    }
    match inbound.ask(field("team_id"), field("user_id"), field("trigger_id"), text.trim()).await {
        Ok(says) => privately(&says),
        Err(error) => {
            tracing::warn!(%error, "a command could not be taken up");
            privately("That could not be saved; nothing was done. Please send it again.")
        }
    }
}

impl Inbound {
    /// Opens a thread in the person's direct messages, headed by what they asked.
    async fn ask(&self, team: &str, user: &str, id: &str, text: &str) -> anyhow::Result<String> {
        let Some(from) = self.who(team, user).await? else {
            return Ok("I only answer people.".to_owned());
        };
        let channel = self.slack.api.direct_channel(user).await?;
        let heading = format!("You asked: {}", render::escape(text));
        let key = format!("command:{id}");
        let thread = self.slack.api.post_message(&channel, None, &heading, None, &key).await?;
        let conversation =
            ConversationKey { platform: Platform::Slack, tenant: team.to_owned(), channel, thread };
        let arrival = Arrival {
            conversation,
            setting: Setting::Direct,
            outsiders: false,
            from,
            text: text.to_owned(),
            attachments: Vec::new(),
            event_id: key,
        };
        match accept::arrived(&self.app, arrival).await {
            Ok(_) => Ok("I answer you in our direct messages.".to_owned()),
            Err(accept::AcceptError::Unavailable(cause)) => Err(cause),
            Err(refusal) => Ok(refusal.to_string()),
        }
    }
}
