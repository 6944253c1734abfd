//! Replies, posted into their threads. Every message bears its id as metadata; one whose posting
//! ended without anybody knowing how is looked for before it is posted again.

use std::sync::Arc;

use async_trait::async_trait;
use firstline_core::chat::{Platform, RemoteFile, Setting};
use firstline_core::words;

use super::Slack;
use super::api::SlackError;
use super::envelope::{self, Envelope};
use super::inbound::Inbound;
use super::render::{self, Part, Place};
use crate::app::App;
use crate::platform::offer::in_ms;
use crate::ports::{Chat, SendError};
use crate::store::Live;
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
            let posted = self.post(conversation, message, &part, &key).await;
            // Once a part is there, what comes after must look for it.
            sent_as = Some(posted.map_err(|error| match error {
                SendError::Wait { reason, .. } if sent_as.is_some() => SendError::Retry(reason),
                error => error,
            })?);
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

    async fn hear(
        self: Arc<Self>,
        app: Arc<App>,
        _platform: Platform,
        payload: &str,
    ) -> anyhow::Result<()> {
        Inbound { app, slack: self }.hear(&serde_json::from_str(payload)?).await
    }

    async fn unheard(&self, _platform: Platform, payload: &str) {
        if let Envelope::Said(said) =
            envelope::read(&serde_json::from_str(payload).unwrap_or_default())
        {
            self.refuse(&said, &words::error("en").text).await;
        }
    }

    async fn working(&self, conversation: &ConversationRow) {
        if conversation.setting == Setting::Direct {
            self.sign(&conversation.channel, &conversation.thread).await;
        }
    }
}

impl Slack {
    /// Slack wants a channel left alone until then.
    pub(in crate::platform) fn pause(&self, channel: &str, until: i64) {
        self.pace.pause(channel, until);
    }

    /// Posts one part, no faster than Slack allows in its channel.
    async fn post(
        &self,
        conversation: &ConversationRow,
        message: &MessageRow,
        part: &Part,
        key: &str,
    ) -> Result<String, SendError> {
        let (channel, thread) = (conversation.channel.as_str(), conversation.thread.as_str());
        self.pace.take(channel, message.body.notice, self.clock.now())?;
        let (text, blocks) = (&part.text, Some(&part.blocks));
        let posted = self.api.post_message(channel, Some(thread), text, blocks, key).await;
        if let Err(SlackError::RateLimited(wait)) = &posted {
            let until = self.clock.now() + in_ms(*wait);
            self.pause(channel, until);
            self.store.publish_live(&Live::pause(Platform::Slack, channel, until));
        }
        posted.map_err(failed)
    }

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
        SlackError::RateLimited(wait) => {
            SendError::Wait { reason: error.to_string(), ms: in_ms(*wait) }
        }
        SlackError::Refused(word) if LASTING.contains(&word.as_str()) => {
            SendError::Fail(error.to_string())
        }
        SlackError::Refused(_) | SlackError::Unknown(_) => SendError::Retry(error.to_string()),
    }
}
