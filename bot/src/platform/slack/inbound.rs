//! What Slack sends over HTTP: verified, read, accepted, and only then acknowledged. A refusal to
//! save is a 503, so that Slack sends it again. Socket Mode hands over the same payloads.

use std::collections::HashMap;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use firstline_core::chat::{Person, Platform};
use serde_json::Value;

use super::envelope::{self, Envelope};
use super::manifest::{COMMANDS_PATH, EVENTS_PATH, INTERACTIONS_PATH};
use super::people::WhoError;
use super::verify::{Refused, Verified, verify};
use super::{Slack, interactions};
use crate::app::App;
use crate::config::SlackMode;
use crate::job::Job;
use crate::platform::hearing;

/// Slack's largest payloads are forms of some hundred kilobytes.
const LIMIT: usize = 1024 * 1024;

#[derive(Clone)]
pub(super) struct Inbound {
    pub(super) app: Arc<App>,
    pub(super) slack: Arc<Slack>,
}

/// `/slack/events`, `/slack/interactions` and `/slack/commands`, unless the bot connects to Slack.
pub fn router(app: Arc<App>, slack: Arc<Slack>) -> Router {
    if slack.mode == SlackMode::Socket {
        // Slack sends nothing here then; nobody else is to.
        return Router::new();
    }
    Router::new()
        .route(EVENTS_PATH, post(events))
        .route(INTERACTIONS_PATH, post(interaction))
        .route(COMMANDS_PATH, post(command))
        .layer(DefaultBodyLimit::max(LIMIT))
        .with_state(Inbound { app, slack })
}

impl Inbound {
    fn verified(&self, headers: &HeaderMap, body: &Bytes) -> Result<Verified<String>, Refused> {
        verify(self.slack.signing_secret.as_deref(), headers, body)
    }

    /// The fields of a signed form.
    fn form(&self, headers: &HeaderMap, body: &Bytes) -> Result<Value, Refused> {
        let body = self.verified(headers, body)?.into_inner();
        Ok(serde_json::to_value(fields(&body)).unwrap_or_default())
    }

    pub(super) async fn who(&self, team: &str, user: &str) -> Result<Option<Person>, WhoError> {
        self.slack.who(team, user, self.app.clock.now()).await
    }

    /// Keeps an event that may concern the bot; what Slack's check of the address is answered
    /// with. An error when it is to be sent again.
    pub(super) async fn event(&self, mut value: Value) -> anyhow::Result<Option<String>> {
        let passed_over = match envelope::read(&value) {
            Envelope::UrlVerification { challenge } => return Ok(Some(challenge)),
            Envelope::PassedOver { kind } => Some(kind),
            Envelope::Said(said) if !hearing::may_concern(&self.app, &said.heard()) => {
                Some("not for the bot".to_owned())
            }
            Envelope::Reacted(reacted) if reacted.emoji != self.slack.ticket_emoji => {
                Some("another emoji".to_owned())
            }
            _ => None,
        };
        if let Some(kind) = passed_over {
            pass_over(&kind);
            return Ok(None);
        }
        let (tenant, place) = (envelope::team(&value), envelope::place(&value));
        envelope::slim(&mut value);
        let payload = Box::new(value);
        let heard = Job::Heard { platform: Platform::Slack, tenant, place, payload };
        self.app.spool.keep(&heard).await?;
        crate::crash::point("kept");
        Ok(None)
    }

    /// Takes up an event that was kept; an error when it is to be tried again.
    pub(super) async fn hear(&self, value: &Value) -> anyhow::Result<()> {
        match envelope::read(value) {
            Envelope::Said(said) => self.said(&said).await,
            Envelope::Edited(said) => self.edited(&said).await,
            Envelope::Deleted(gone) => self.deleted(&gone).await,
            Envelope::Reacted(reacted) => self.reacted(&reacted).await,
            Envelope::HomeOpened { team, user } => self.show_home(&team, &user).await,
            Envelope::AssistantOpened { channel, thread } => {
                self.greet(&channel, &thread).await;
                Ok(())
            }
            Envelope::UrlVerification { .. } => Ok(()),
            Envelope::PassedOver { kind } => {
                pass_over(&kind);
                Ok(())
            }
        }
    }
}

/// What could not be taken up now; Slack sends it again.
fn later(error: &anyhow::Error) -> Response {
    tracing::warn!(error = format!("{error:#}"), "something of Slack's could not be taken up yet");
    StatusCode::SERVICE_UNAVAILABLE.into_response()
}

fn refused(why: &Refused) -> Response {
    tracing::warn!(?why, "a request that Slack did not sign was refused");
    StatusCode::UNAUTHORIZED.into_response()
}

pub(super) fn pass_over(kind: &str) {
    hearing::pass_over(Platform::Slack.as_str(), kind);
}

/// The fields of a form body.
fn fields(body: &str) -> HashMap<String, String> {
    // A query string is read the same way.
    reqwest::Url::parse(&format!("http://form/?{body}"))
        .map(|url| url.query_pairs().into_owned().collect())
        .unwrap_or_default()
}

async fn events(State(inbound): State<Inbound>, headers: HeaderMap, body: Bytes) -> Response {
    let text = match inbound.verified(&headers, &body) {
        Ok(text) => text.into_inner(),
        // Slack checks the address before the administrator has seen the secret.
        Err(Refused::NoSecret) => {
            return match challenge(&body) {
                Some(challenge) => challenge.into_response(),
                None => refused(&Refused::NoSecret),
            };
        }
        Err(why) => return refused(&why),
    };
    let value: Value = serde_json::from_str(&text).unwrap_or_default();
    match inbound.event(value).await {
        Ok(Some(challenge)) => challenge.into_response(),
        Ok(None) => StatusCode::OK.into_response(),
        Err(error) => later(&error),
    }
}

fn challenge(body: &Bytes) -> Option<String> {
    match envelope::read(&serde_json::from_slice(body).ok()?) {
        Envelope::UrlVerification { challenge } => Some(challenge),
        _ => None,
    }
}

async fn interaction(State(inbound): State<Inbound>, headers: HeaderMap, body: Bytes) -> Response {
    let form = match inbound.form(&headers, &body) {
        Ok(form) => form,
        Err(why) => return refused(&why),
    };
    let payload = form["payload"].as_str().unwrap_or_default();
    let value: Value = serde_json::from_str(payload).unwrap_or_default();
    match inbound.interaction(&value).await {
        Ok(interactions::Reply::Done) => StatusCode::OK.into_response(),
        Ok(interactions::Reply::With(reply)) => Json(reply).into_response(),
        Err(error) => later(&error),
    }
}

async fn command(State(inbound): State<Inbound>, headers: HeaderMap, body: Bytes) -> Response {
    match inbound.form(&headers, &body) {
        Ok(form) => Json(inbound.command(&form).await).into_response(),
        Err(why) => refused(&why),
    }
}
