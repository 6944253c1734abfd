//! Replies, posted into their conversations as cards. Teams offers no proof of what was posted
//! before, so only a reply whose posting ended without anybody knowing how may come twice.

use async_trait::async_trait;
use firstline_core::chat::{Platform, RemoteFile, Setting};
use serde_json::json;

use super::Teams;
use super::api::TeamsError;
use super::card::{self, Place};
use crate::platform::offer::in_ms;
use crate::ports::{Chat, SendError};
use crate::store::Live;
use crate::store::records::{Author, ConversationRow, MessageRow};

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
    ) -> Result<Option<String>, SendError> {
        let service = self.service_of(conversation).await?;
        let mut body = message.body.clone();
        if message.author == Author::Person {
            body.text = format!("**{}:** {}", message.name, body.text);
        }
        let place =
            Place { public_url: self.public_url.as_deref(), conversation_id: &conversation.id };
        let to = teams_conversation(conversation);
        let mut sent_as = None;
        for part in card::render(&body, &place) {
            self.pace.take(&conversation.channel, message.body.notice, self.clock.now())?;
            let sent = self.api.send(&service, &to, None, &part).await;
            if let Err(TeamsError::RateLimited(wait)) = &sent {
                let (channel, until) = (&conversation.channel, self.clock.now() + in_ms(*wait));
                self.pause(channel, until);
                self.store.publish_live(&Live::pause(Platform::Teams, channel, until));
            }
            sent_as = Some(sent.map_err(failed)?).filter(|id| !id.is_empty());
        }
        Ok(sent_as)
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
    /// Teams wants a conversation left alone until then.
    pub(in crate::platform) fn pause(&self, channel: &str, until: i64) {
        self.pace.pause(channel, until);
    }

    async fn service_of(&self, conversation: &ConversationRow) -> Result<String, SendError> {
        let service = self.service(&conversation.tenant).await;
        let service = service.map_err(|error| SendError::Retry(error.to_string()))?;
        service.ok_or_else(|| SendError::Fail("Teams has not said where it is reached".to_owned()))
    }
}

fn failed(error: TeamsError) -> SendError {
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
