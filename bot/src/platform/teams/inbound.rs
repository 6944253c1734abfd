//! What Teams sends: verified, read, accepted, and only then acknowledged. A refusal to save is a
//! 503, so that Teams sends it again.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use firstline_core::capabilities::{SAME_MATTER_MS, TEAMS};
use firstline_core::chat::{ConversationKey, Person, Platform, RemoteFile, Verdict};
use firstline_core::words;
use serde_json::Value;

use super::activity::{self, Activity, Attachment, Feedback, Origin, Said, Scope};
use super::outbound::CHAT;
use super::verify::{Refused, Verified, verify, without_check};
use super::{Teams, card};
use crate::accept::{self, AcceptError, Change, Press};
use crate::app::App;
use crate::platform::hearing::{self, Ear, Heard};

/// Where the Bot Framework delivers, as it is usual.
const PATH: &str = "/api/messages";
/// An activity has at most some hundred kilobytes.
const LIMIT: usize = 1024 * 1024;

#[derive(Clone)]
pub(super) struct Inbound {
    pub(super) app: Arc<App>,
    pub(super) teams: Arc<Teams>,
}

/// `/api/messages`.
pub fn router(app: Arc<App>, teams: Arc<Teams>) -> Router {
    Router::new()
        .route(PATH, post(messages))
        .layer(DefaultBodyLimit::max(LIMIT))
        .with_state(Inbound { app, teams })
}

pub(super) fn pass_over(kind: &str) {
    hearing::pass_over(Platform::Teams.as_str(), kind);
}

async fn messages(State(inbound): State<Inbound>, headers: HeaderMap, body: Bytes) -> Response {
    let value = match inbound.verified(&headers, &body).await {
        Ok(value) => value.into_inner(),
        Err(why) => {
            tracing::warn!(%why, "a request that is not from Teams was refused");
            return why.status().into_response();
        }
    };
    match inbound.take_up(&value).await {
        Ok(Some(answer)) => Json(answer).into_response(),
        Ok(None) => StatusCode::OK.into_response(),
        Err(Later::Unknown) => StatusCode::NOT_IMPLEMENTED.into_response(),
        Err(Later::NotAllowed) => StatusCode::FORBIDDEN.into_response(),
        Err(Later::Unavailable(error)) => {
            let error = format!("{error:#}");
            tracing::warn!(error, "something of Teams' could not be taken up yet");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

/// Why an activity is not answered as it should be.
enum Later {
    /// An invoke nobody here knows.
    Unknown,
    /// Replies would have to go where none may.
    NotAllowed,
    /// It could not be kept.
    Unavailable(anyhow::Error),
}

impl<E: Into<anyhow::Error>> From<E> for Later {
    fn from(error: E) -> Self {
        Later::Unavailable(error.into())
    }
}

impl Inbound {
    async fn verified(
        &self,
        headers: &HeaderMap,
        body: &Bytes,
    ) -> Result<Verified<Value>, Refused> {
        let Some(keys) = &self.teams.keys else { return without_check(body) };
        let token = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let now_s = self.app.clock.now() / 1000;
        verify(keys, &self.teams.expect, token, body, now_s).await
    }

    /// What an activity is answered with; nothing for most.
    async fn take_up(&self, value: &Value) -> Result<Option<Value>, Later> {
        if self.teams.keys.is_some() && value["channelId"] != "msteams" {
            pass_over("another channel");
            return Ok(None);
        }
        if let Some(service) = activity::text(value, "serviceUrl")
            && !self.teams.hosts.allows(service)
        {
            return Err(Later::NotAllowed);
        }
        let activity = match (&self.teams.keys, &self.teams.expect.tenant_id) {
            // Emulators name no tenant.
            (None, Some(tenant)) if value["conversation"].is_object() => {
                let mut value = value.clone();
                value["conversation"]["tenantId"] = tenant.as_str().into();
                activity::read(&value)
            }
            _ => activity::read(value),
        };
        if let Some(origin) = activity.origin() {
            self.teams.note_service(&origin.tenant, &origin.service_url).await?;
            self.teams.note_place(origin).await?;
        }
        let event_id = activity.event_id().unwrap_or_default();
        match activity {
            Activity::Said(said) => self.said(&said, event_id).await?,
            Activity::Edited(said) => self.edited(&said).await?,
            Activity::Deleted { origin } => {
                self.changed(&origin, Change::Deleted).await?;
            }
            Activity::Feedback(feedback) => {
                self.feedback(&feedback, event_id).await?;
                return Ok(Some(card::closed()));
            }
            Activity::Installed { origin } => self.welcome(&origin).await,
            Activity::Pressed(pressed) => return Ok(self.pressed(&pressed, event_id).await?),
            Activity::Reviewed(reviewed) => return Ok(self.agreed(&reviewed).await?),
            Activity::DialogFetch(dialog) if dialog.corrects() => {
                return Ok(Some(self.open_correction(&dialog).await?));
            }
            Activity::DialogSubmit(dialog) if dialog.corrects() => {
                return Ok(Some(self.correction_sent(&dialog).await?));
            }
            Activity::DialogFetch(dialog) => return Ok(Some(self.open_form(&dialog).await?)),
            Activity::DialogSubmit(dialog) => {
                return Ok(Some(self.form_sent(&dialog, event_id).await?));
            }
            Activity::ExtensionFetch(extension) => {
                return Ok(Some(self.open_form_for_message(&extension).await?));
            }
            Activity::ExtensionSubmit(extension) => {
                return Ok(Some(self.form_for_message_sent(&extension, event_id).await?));
            }
            Activity::Added { .. } => pass_over("conversationUpdate"),
            Activity::Reacted(_) => pass_over("messageReaction"),
            Activity::PassedOver { kind } => pass_over(&kind),
            Activity::Unknown { invoke } => {
                pass_over(&invoke);
                return Err(Later::Unknown);
            }
        }
        Ok(None)
    }

    pub(super) async fn who(&self, origin: &Origin) -> anyhow::Result<Option<Person>> {
        self.teams.who(origin, self.app.clock.now()).await
    }

    /// Where something is said, and whether it goes on there.
    pub(super) async fn place(&self, origin: &Origin) -> anyhow::Result<(ConversationKey, bool)> {
        let key = |channel: &str, thread: String| ConversationKey {
            platform: Platform::Teams,
            tenant: origin.tenant.clone(),
            channel: channel.to_owned(),
            thread,
        };
        if let (Some(channel), Some(thread)) = (&origin.channel, &origin.thread) {
            return Ok((key(channel, thread.clone()), *thread != origin.id));
        }
        let chat = &origin.conversation;
        let store = &self.app.store;
        let last = store.latest_conversation(Platform::Teams, &origin.tenant, chat).await?;
        let since = self.app.clock.now() - SAME_MATTER_MS;
        Ok(match last.filter(|last| last.updated_at >= since) {
            Some(last) => (key(chat, last.thread), true),
            None => (key(chat, format!("{CHAT}{}", origin.id)), false),
        })
    }

    async fn said(&self, said: &Said, event_id: String) -> anyhow::Result<()> {
        if let Some(says) = self.hear(said, event_id).await? {
            self.say(&said.origin, &says).await;
        }
        Ok(())
    }

    /// Takes up what was said; a sentence that is to be said outside any request.
    pub(super) async fn hear(
        &self,
        said: &Said,
        event_id: String,
    ) -> anyhow::Result<Option<String>> {
        let (app, origin) = (&self.app, &said.origin);
        let (place, in_thread) = self.place(origin).await?;
        let heard = Heard {
            place,
            direct: origin.scope == Scope::Personal,
            mention: said.mention,
            in_thread,
            outsiders: origin.outsiders,
            event_id,
        };
        let Ear::Open(known) = hearing::listen(app, &heard).await? else { return Ok(None) };
        let Some(from) = self.who(origin).await? else {
            pass_over("not from a person");
            return Ok(None);
        };
        if !hearing::may_speak(app, &heard, known.as_deref(), &from).await? {
            return Ok(None);
        }
        match self.wished(said).await? {
            Some(says) => Ok(Some(says)),
            None => hearing::take_up(app, &heard, from, said.text.clone(), files(said)).await,
        }
    }

    /// Told to whoever wants to tie their account to themselves, in the chat with the bot.
    async fn wished(&self, said: &Said) -> anyhow::Result<Option<String>> {
        if said.origin.scope != Scope::Personal {
            return Ok(None);
        }
        let now = self.app.clock.now();
        let Some(account) = self.teams.sender(&said.origin, now).await? else { return Ok(None) };
        Ok(self.teams.people.wished(&said.text, &account, now).await?)
    }

    /// Says something outside any request, once.
    async fn say(&self, origin: &Origin, says: &str) {
        let message = firstline_core::chat::Message { text: says.to_owned(), ..Default::default() };
        let place = card::Place { public_url: None, conversation_id: "" };
        for part in card::render(&message, &place) {
            let (service, to) = (&origin.service_url, &origin.conversation);
            if let Err(error) = self.teams.api.send(service, to, None, &part).await {
                tracing::warn!(%error, "somebody could not be told what became of their message");
            }
        }
    }

    /// To whoever added the app for themselves.
    async fn welcome(&self, origin: &Origin) {
        if origin.scope == Scope::Personal {
            self.say(origin, &words::help(origin.locale.as_deref().unwrap_or("en")).text).await;
        }
    }

    async fn edited(&self, said: &Said) -> anyhow::Result<()> {
        self.changed(&said.origin, Change::Text(said.text.clone())).await
    }

    async fn changed(&self, origin: &Origin, change: Change) -> anyhow::Result<()> {
        let (place, _) = self.place(origin).await?;
        let Some(from) = self.who(origin).await? else { return Ok(()) };
        let of = said_as(origin);
        match accept::changed(&self.app, &place, origin.outsiders, from, &of, change).await {
            Ok(Some(_)) => {}
            Ok(None) => pass_over("a change of something not heard"),
            Err(AcceptError::Unavailable(cause)) => return Err(cause),
            Err(refusal) => tracing::debug!(%refusal, "a change is not taken up"),
        }
        Ok(())
    }

    /// The thumbs under an answer, from whoever asked.
    async fn feedback(&self, feedback: &Feedback, event_id: String) -> anyhow::Result<()> {
        let origin = &feedback.origin;
        let channel = origin.channel.as_deref().unwrap_or(&origin.conversation);
        let store = &self.app.store;
        let about = store
            .message_sent_as(Platform::Teams, &origin.tenant, channel, &feedback.reply_to)
            .await?;
        let request = about.and_then(|message| message.request_id);
        let (Some(request), Some(from)) = (request, self.who(origin).await?) else {
            pass_over("feedback to something else");
            return Ok(());
        };
        let verdict = if feedback.positive { Verdict::Solved } else { Verdict::NotHelpful };
        match accept::pressed(&self.app, from, &request, Press::Verdict(verdict), event_id).await {
            Err(AcceptError::Unavailable(cause)) => Err(cause),
            _ => Ok(()),
        }
    }
}

/// The name under which a message was taken up.
fn said_as(origin: &Origin) -> String {
    format!("said:{}:{}", origin.conversation, origin.id)
}

fn files(said: &Said) -> Vec<RemoteFile> {
    let files = said.attachments.iter().enumerate().map(|(number, attachment)| {
        let (name, url) = match attachment {
            Attachment::File { name, url, .. } => (name.clone(), url.clone()),
            Attachment::Image { content_type, url } => {
                let kind = content_type.strip_prefix("image/").unwrap_or("png");
                (format!("picture-{}.{kind}", number + 1), url.clone())
            }
        };
        RemoteFile { id: format!("{}:{number}", said.origin.id), name, size: 0, url }
    });
    files.take(TEAMS.uploads).collect()
}
