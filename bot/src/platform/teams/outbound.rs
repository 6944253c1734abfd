//! Replies, posted into their conversations as cards. Teams offers no proof of what was posted
//! before, so only a reply whose posting ended without anybody knowing how may come twice.

use async_trait::async_trait;
use firstline_core::chat::{Platform, RemoteFile, Setting};
use serde_json::json;

use super::Teams;
use super::api::TeamsError;
use super::card::{self, Place};
use crate::platform::offer::in_ms;
use crate::platform::pace;
use crate::ports::{Chat, SendError, Shown};
use crate::store::records::{Author, ConversationRow, Draft, MessageRow};

/// Begins the thread of a conversation in a chat, where Teams has no threads.
pub(super) const CHAT: &str = "chat:";

/// A conversation as Teams names it: in a channel with the message its thread begins with.
pub(super) fn teams_conversation(row: &ConversationRow) -> String {
    if row.thread.starts_with(CHAT) {
        row.channel.clone()
    } else {
        format!("{};messageid={}", row.channel, row.thread)
    }
}

/// Where the members of a conversation are listed: a thread has those of its channel.
pub(super) fn roster_of(conversation: &str) -> &str {
    conversation.split_once(";messageid=").map_or(conversation, |(channel, _)| channel)
}

#[async_trait]
impl Chat for Teams {
    async fn deliver(
        &self,
        conversation: &ConversationRow,
        message: &MessageRow,
        _again: bool,
        draft: Option<&Draft>,
    ) -> Result<Option<String>, SendError> {
        let service = self.service_of(conversation).await?;
        let mut body = message.body.clone();
        if message.author == Author::Person {
            body.text = format!("**{}:** {}", message.name, body.text);
        }
        let hint = self.people.hint(conversation, message).await;
        if let Some(hint) = hint.map_err(|error| SendError::Retry(error.to_string()))? {
            body.text = format!("{}\n\n{hint}", body.text);
        }
        let place =
            Place { public_url: self.public_url.as_deref(), conversation_id: &conversation.id };
        let to = teams_conversation(conversation);
        let (channel, notice) = (conversation.channel.as_str(), message.body.notice);
        let mut standin = draft.and_then(|draft| match draft {
            Draft::SentAs(id) => Some(id),
            // Teams does not tell what stands there.
            Draft::Begun => None,
        });
        let mut sent_as = None;
        for part in card::render(&body, &place) {
            if let Some(id) = standin.take()
                && self.take_place(conversation, &service, id, &body.text, &part).await?
            {
                sent_as = Some(id.clone());
                continue;
            }
            let send = self.api.send(&service, &to, None, &part);
            let sent = self.paced(channel, notice, send).await?.map_err(failed)?;
            sent_as = Some(sent).filter(|id| !id.is_empty());
        }
        Ok(sent_as)
    }

    async fn draft(
        &self,
        conversation: &ConversationRow,
        shown: &Shown,
        text: &str,
    ) -> Result<String, SendError> {
        self.show(conversation, shown, text).await
    }

    async fn fetch(
        &self,
        _conversation: &ConversationRow,
        file: &RemoteFile,
        limit: usize,
    ) -> Result<Vec<u8>, SendError> {
        self.api.attachment(&file.url, limit).await.map_err(|error| match error {
            // What Teams refuses to give now, it refuses later.
            TeamsError::Refused { .. } => SendError::Fail(error.to_string()),
            error => failed(error),
        })
    }

    async fn working(&self, conversation: &ConversationRow) {
        if conversation.setting != Setting::Direct {
            return;
        }
        let Ok(service) = self.service_of(conversation).await else { return };
        let sign = json!({ "type": "typing" });
        let to = teams_conversation(conversation);
        if let Err(error) = self.api.send(&service, &to, None, &sign).await {
            tracing::debug!(%error, "no sign that an answer is coming");
        }
    }
}

impl Teams {
    /// Makes a call no faster than Teams allows in its conversation. When Teams asks to wait, all
    /// processes do.
    ///
    /// # Errors
    /// How long to wait before it may be made. What can wait (`bulk`) leaves room for what cannot.
    pub(super) async fn paced<T>(
        &self,
        channel: &str,
        bulk: bool,
        call: impl Future<Output = Result<T, TeamsError>>,
    ) -> Result<Result<T, TeamsError>, SendError> {
        self.pace.take(channel, bulk, self.clock.now())?;
        let done = call.await;
        if let Err(TeamsError::RateLimited(wait)) = &done {
            let until = self.clock.now() + in_ms(*wait);
            self.pause(channel, until);
            pace::spread(&self.store, Platform::Teams, channel, until, self.clock.now()).await;
        }
        Ok(done)
    }

    /// Teams wants a conversation left alone until then.
    pub(in crate::platform) fn pause(&self, channel: &str, until: i64) {
        self.pace.pause(channel, until);
    }

    pub(super) async fn service_of(
        &self,
        conversation: &ConversationRow,
    ) -> Result<String, SendError> {
        let service = self.service(&conversation.tenant).await;
        let service = service.map_err(|error| SendError::Retry(error.to_string()))?;
        service.ok_or_else(|| SendError::Fail("Teams has not said where it is reached".to_owned()))
    }
}

pub(super) fn failed(error: TeamsError) -> SendError {
    let reason = error.to_string();
    match error {
        TeamsError::RateLimited(wait) => SendError::Wait { reason, ms: in_ms(wait) },
        // Microsoft asks to try this one again.
        TeamsError::Refused { status: 412, .. } | TeamsError::Unknown(_) | TeamsError::Token(_) => {
            SendError::Retry(reason)
        }
        TeamsError::Refused { .. } | TeamsError::NotAllowed(_) | TeamsError::TooLarge(_) => {
            SendError::Fail(reason)
        }
    }
}
