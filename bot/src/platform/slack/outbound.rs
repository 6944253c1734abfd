//! Replies, posted into their threads. Every message bears its id as metadata; one whose posting
//! ended without anybody knowing how is looked for before it is posted again.

use async_trait::async_trait;
use firstline_core::chat::{RemoteFile, Setting};

use super::Slack;
use super::api::SlackError;
use super::render::{self, Place};
use crate::ports::{Chat, SendError};
use crate::store::records::{Author, ConversationRow, MessageRow};

/// What no other try will mend: the place is gone, or the message is not one Slack takes.
const LASTING: [&str; 9] = [
    "channel_not_found",
    "is_archived",
    "msg_too_long",
    "no_text",
    "invalid_blocks",
    "invalid_blocks_format",
    "thread_not_found",
    "user_not_found",
    "restricted_action",
];

#[async_trait]
impl Chat for Slack {
    async fn deliver(
        &self,
        conversation: &ConversationRow,
        message: &MessageRow,
        again: bool,
    ) -> Result<Option<String>, SendError> {
        let place =
            Place { public_url: self.public_url.as_deref(), conversation_id: &conversation.id };
        let mut body = message.body.clone();
        if message.author == Author::Person {
            body.text = format!("**{}:** {}", message.name, body.text);
        }
        let (channel, thread) = (conversation.channel.as_str(), conversation.thread.as_str());
        let there = if again { self.there(channel, thread).await? } else { Vec::new() };
        let mut sent_as = None;
        for (number, part) in render::render(&body, &place).into_iter().enumerate() {
            let key = format!("{}:{number}", message.id);
            if there.contains(&key) {
                continue;
            }
            let posted = self
                .api
                .post_message(channel, Some(thread), &part.text, Some(&part.blocks), &key)
                .await
                .map_err(failed)?;
            sent_as = Some(posted);
        }
        Ok(sent_as)
    }

    async fn fetch(
        &self,
        _conversation: &ConversationRow,
        file: &RemoteFile,
        limit: usize,
    ) -> Result<Vec<u8>, SendError> {
        self.api.file(&file.url, limit).await.map_err(|error| match error {
            // What Slack refuses to give now, it refuses later.
            SlackError::Refused(_) => SendError::Fail(error.to_string()),
            error => failed(error),
        })
    }

    async fn working(&self, conversation: &ConversationRow) {
        if conversation.setting == Setting::Direct {
            self.sign(&conversation.channel, &conversation.thread).await;
        }
    }
}

impl Slack {
    /// Keys of our messages in a thread. Where Slack will not say, posting twice is better than
    /// never.
    async fn there(&self, channel: &str, thread: &str) -> Result<Vec<String>, SendError> {
        match self.api.posted(channel, thread).await {
            Err(SlackError::Refused(word)) => {
                tracing::warn!(word, "whether a message was posted before cannot be looked up");
                Ok(Vec::new())
            }
            known => known.map_err(failed),
        }
    }
}

fn failed(error: SlackError) -> SendError {
    match &error {
        SlackError::RateLimited(wait) => SendError::Retry {
            reason: error.to_string(),
            after_ms: Some(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX)),
        },
        SlackError::Refused(word) if LASTING.contains(&word.as_str()) => {
            SendError::Fail(error.to_string())
        }
        SlackError::Refused(_) | SlackError::Unknown(_) => {
            SendError::Retry { reason: error.to_string(), after_ms: None }
        }
    }
}
