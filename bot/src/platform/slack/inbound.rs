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
use firstline_core::chat::{ConversationKey, Person, Platform, Setting};
use firstline_core::words;
use serde_json::Value;

use super::envelope::{self, Envelope, Said};
use super::manifest::{COMMANDS_PATH, EVENTS_PATH, INTERACTIONS_PATH};
use super::people::WhoError;
use super::verify::{Refused, Verified, verify};
use super::{Slack, commands, interactions, render};
use crate::accept::{self, AcceptError, Arrival};
use crate::app::App;
use crate::config::Mode;
use crate::store::records::ConversationRow;
use crate::telemetry::metric;

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
    metrics::counter!(metric::EVENTS_PASSED_OVER, "platform" => "slack").increment(1);
    tracing::debug!(kind, "an event of Slack was passed over");
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
        let place = ConversationKey {
            platform: Platform::Slack,
            tenant: said.team.clone(),
            channel: said.channel.clone(),
            thread: said.thread().to_owned(),
        };
        let mode = app.config.channel(place.platform.as_str(), &place.channel).map(|c| c.mode);
        let known = match said.thread_ts {
            Some(_) => app.store.conversation_by_key(&place).await?,
            None => None,
        };
        if !concerns(said, mode, known.is_some()) {
            pass_over("not for the bot");
            return Ok(());
        }
        let Some(from) = self.who(&said.team, &said.user).await? else {
            pass_over("not from a person");
            return Ok(());
        };
        match (&known, conduct(said, known.as_ref(), &from)) {
            (Some(known), Conduct::Yield) => {
                app.store.hand_over(&known.id, true).await?;
                return Ok(());
            }
            (Some(known), Conduct::Resume) => _ = app.store.hand_over(&known.id, false).await?,
            _ => {}
        }
        let names = tokio::time::timeout(NAMES, self.names(said)).await.unwrap_or_default();
        let mut text = render::to_markdown(&said.text, &|user| names.get(user).cloned());
        if said.mention && known.is_none() && said.thread_ts.is_some() {
            text = with_earlier(&text, &self.earlier(said).await);
        }
        let arrival = Arrival {
            conversation: place,
            setting: if said.direct { Setting::Direct } else { Setting::Channel },
            outsiders: said.outsiders,
            from,
            // Who only calls the bot wants to know what it can do.
            text: if text.trim().is_empty() { "help".to_owned() } else { text },
            event_id: said.event_id(),
        };
        let says = match accept::arrived(app, arrival).await {
            Ok(_) => return Ok(()),
            Err(AcceptError::Unavailable(cause)) => return Err(cause),
            Err(AcceptError::Binary) => words::binary("en").text,
            Err(refusal) => refusal.to_string(),
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

/// Whether a message is the bot's business at all, before anybody is asked about.
fn concerns(said: &Said, mode: Option<Mode>, known: bool) -> bool {
    if mode == Some(Mode::Off) {
        return false;
    }
    said.direct || said.mention || known || (said.thread_ts.is_none() && mode == Some(Mode::Act))
}

#[derive(Debug, PartialEq, Eq)]
enum Conduct {
    Answer,
    /// Named again after it had yielded.
    Resume,
    /// Somebody else has replied: the bot does not talk over them.
    Yield,
}

fn conduct(said: &Said, known: Option<&ConversationRow>, from: &Person) -> Conduct {
    match known {
        Some(known) if said.mention && known.handed_over => Conduct::Resume,
        Some(known) if !said.mention && !said.direct && known.requester != from.email => {
            Conduct::Yield
        }
        _ => Conduct::Answer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(direct: bool, mention: bool, in_thread: bool) -> Said {
        Said {
            team: "T1".into(),
            channel: "C1".into(),
            direct,
            user: "U1".into(),
            text: "x".into(),
            ts: "2.0".into(),
            thread_ts: in_thread.then(|| "1.0".into()),
            mention,
            outsiders: false,
        }
    }

    #[test]
    fn the_bot_minds_its_own_business() {
        for (direct, mention, in_thread, mode, known, minds) in [
            (true, false, false, None, false, true),
            (true, false, true, None, false, true),
            (false, false, false, None, false, false),
            (false, true, false, None, false, true),
            (false, true, true, None, false, true),
            (false, false, true, None, true, true),
            (false, false, true, None, false, false),
            (false, false, false, Some(Mode::Act), false, true),
            (false, false, true, Some(Mode::Act), false, false),
            (false, false, false, Some(Mode::Watch), false, false),
            (false, false, false, Some(Mode::Suggest), false, false),
            (false, true, false, Some(Mode::Watch), false, true),
            (false, true, false, Some(Mode::Off), false, false),
            (false, false, true, Some(Mode::Off), true, false),
        ] {
            let said = said(direct, mention, in_thread);
            assert_eq!(concerns(&said, mode, known), minds, "{said:?} {mode:?} {known}");
        }
    }

    #[test]
    fn it_does_not_talk_over_people() {
        let known = |handed_over: bool| ConversationRow {
            id: "c".into(),
            platform: Platform::Slack,
            tenant: "T1".into(),
            channel: "C1".into(),
            thread: "1.0".into(),
            setting: Setting::Channel,
            requester: "ana@example.com".into(),
            title: String::new(),
            handed_over,
            created_at: 0,
            updated_at: 0,
        };
        let from = |email: &str| Person { email: email.into(), name: "N".into(), guest: false };
        for (direct, mention, handed_over, who, does) in [
            (false, false, false, "ana@example.com", Conduct::Answer),
            (false, false, true, "ana@example.com", Conduct::Answer),
            (false, false, false, "ben@example.com", Conduct::Yield),
            (false, true, false, "ben@example.com", Conduct::Answer),
            (false, true, true, "ben@example.com", Conduct::Resume),
            (true, false, false, "ana@example.com", Conduct::Answer),
        ] {
            let said = said(direct, mention, true);
            let done = conduct(&said, Some(&known(handed_over)), &from(who));
            assert_eq!(done, does, "{said:?} {handed_over} {who}");
        }
    }
}
