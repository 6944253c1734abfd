//! What Slack sends over HTTP: verified, read, judged by the rules of conduct, accepted, and only
//! then acknowledged. A refusal to save is a 503, so that Slack sends it again.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use firstline_core::chat::{ConversationKey, Person, Platform};
use serde_json::Value;

use super::envelope::{self, Envelope, Said};
use super::manifest::{COMMANDS_PATH, EVENTS_PATH, INTERACTIONS_PATH};
use super::people::WhoError;
use super::verify::{Refused, Verified, verify};
use super::{Slack, commands, interactions, render};
use crate::app::App;
use crate::platform::hearing::{self, Ear, Heard};

/// Slack's largest payloads are forms of some hundred kilobytes.
const LIMIT: usize = 1024 * 1024;

/// Messages before the one that names the bot which are read with it.
const EARLIER: usize = 10;
/// People named in one message whose names are asked for, and how long that may take: Slack
/// wants its acknowledgement within three seconds.
const NAMED: usize = 5;
const NAMES: Duration = Duration::from_millis(500);

#[derive(Clone)]
pub(super) struct Inbound {
    pub(super) app: Arc<App>,
    pub(super) slack: Arc<Slack>,
}

/// `/slack/events`, `/slack/interactions` and `/slack/commands`.
pub fn router(app: Arc<App>, slack: Arc<Slack>) -> Router {
    Router::new()
        .route(EVENTS_PATH, post(events))
        .route(INTERACTIONS_PATH, post(interactions::pressed))
        .route(COMMANDS_PATH, post(commands::typed))
        .layer(DefaultBodyLimit::max(LIMIT))
        .with_state(Inbound { app, slack })
}

impl Inbound {
    fn verified(&self, headers: &HeaderMap, body: &Bytes) -> Result<Verified<String>, Refused> {
        verify(self.slack.signing_secret.as_deref(), headers, body)
    }

    /// The fields of a signed form.
    pub(super) fn form(
        &self,
        headers: &HeaderMap,
        body: &Bytes,
    ) -> Result<HashMap<String, String>, Refused> {
        Ok(fields(&self.verified(headers, body)?.into_inner()))
    }

    pub(super) async fn who(&self, team: &str, user: &str) -> Result<Option<Person>, WhoError> {
        self.slack.who(team, user, self.app.clock.now()).await
    }
}

/// What could not be taken up now; Slack sends it again.
pub(super) fn later(error: &dyn std::fmt::Display) -> Response {
    tracing::warn!(%error, "an event of Slack could not be taken up yet");
    StatusCode::SERVICE_UNAVAILABLE.into_response()
}

pub(super) fn refused(why: &Refused) -> Response {
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
    match envelope::read(&value) {
        Envelope::UrlVerification { challenge } => challenge.into_response(),
        Envelope::PassedOver { kind } => {
            pass_over(&kind);
            StatusCode::OK.into_response()
        }
        Envelope::Said(said) => inbound.said(said).await,
    }
}

fn challenge(body: &Bytes) -> Option<String> {
    match envelope::read(&serde_json::from_slice(body).ok()?) {
        Envelope::UrlVerification { challenge } => Some(challenge),
        _ => None,
    }
}

impl Said {
    fn heard(&self) -> Heard {
        Heard {
            place: ConversationKey {
                platform: Platform::Slack,
                tenant: self.team.clone(),
                channel: self.channel.clone(),
                thread: self.thread().to_owned(),
            },
            direct: self.direct,
            mention: self.mention,
            in_thread: self.thread_ts.is_some(),
            outsiders: self.outsiders,
            event_id: self.event_id(),
        }
    }
}

impl Inbound {
    async fn said(&self, said: Said) -> Response {
        match self.take_up(&said).await {
            Ok(()) => StatusCode::OK.into_response(),
            Err(error) => later(&error),
        }
    }

    /// What the people named in a message are called. Whom Slack does not tell of now stays
    /// nameless: that is no reason to have the message sent again.
    async fn names(&self, said: &Said) -> HashMap<String, String> {
        let mut names = HashMap::new();
        for user in mentioned(&said.text).take(NAMED) {
            if let Ok(Some(person)) = self.who(&said.team, user).await {
                names.insert(user.to_owned(), person.name);
            }
        }
        names
    }

    /// What people wrote in the thread before they called the bot: often that is the request.
    async fn earlier(&self, said: &Said) -> Vec<String> {
        let thread = match self.slack.api.thread(&said.channel, said.thread()).await {
            Ok(thread) => thread,
            Err(error) => {
                tracing::warn!(%error, "a thread could not be read; the naming message stands alone");
                return Vec::new();
            }
        };
        let before = thread.iter().filter(|m| {
            // Stamps are of one length, so they compare as text.
            envelope::text(m, "bot_id").is_none()
                && envelope::text(m, "ts").is_some_and(|ts| ts < said.ts.as_str())
        });
        let words = before.filter_map(|m| envelope::text(m, "text"));
        let mut words: Vec<String> =
            words.map(|words| render::to_markdown(words, &|_| None)).collect();
        words.split_off(words.len().saturating_sub(EARLIER))
    }

    async fn take_up(&self, said: &Said) -> anyhow::Result<()> {
        let app = &self.app;
        let heard = said.heard();
        let Ear::Open(known) = hearing::listen(app, &heard).await? else { return Ok(()) };
        let Some(from) = self.who(&said.team, &said.user).await? else {
            pass_over("not from a person");
            return Ok(());
        };
        if !hearing::may_speak(app, &heard, known.as_deref(), &from).await? {
            return Ok(());
        }
        let names = tokio::time::timeout(NAMES, self.names(said)).await.unwrap_or_default();
        let mut text = render::to_markdown(&said.text, &|user| names.get(user).cloned());
        if said.mention && known.is_none() && said.thread_ts.is_some() {
            text = with_earlier(&text, &self.earlier(said).await);
        }
        let Some(says) = hearing::take_up(app, &heard, from, text, Vec::new()).await? else {
            return Ok(());
        };
        // Never a silent acknowledgement; said once, since Slack will not send it again.
        let (thread, key) = (Some(said.thread()), format!("refused:{}", said.event_id()));
        let told = self.slack.api.post_message(&said.channel, thread, &says, None, &key).await;
        if let Err(error) = told {
            tracing::warn!(%error, "somebody could not be told that their message is not read");
        }
        Ok(())
    }
}

/// A call to the bot with what it is about: the call first, unless it is all there is.
fn with_earlier(text: &str, earlier: &[String]) -> String {
    let said = std::iter::once(text).chain(earlier.iter().map(String::as_str));
    said.map(str::trim).filter(|words| !words.is_empty()).collect::<Vec<_>>().join("\n\n")
}

/// The users a text mentions, as often as it does.
fn mentioned(text: &str) -> impl Iterator<Item = &str> {
    text.split("<@").skip(1).filter_map(|rest| rest.split(['>', '|']).next())
}
