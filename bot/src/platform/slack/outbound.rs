//! Replies, posted into their threads. Every message bears its id as metadata; one whose posting
//! ended without anybody knowing how is looked for before it is posted again.

use std::sync::Arc;

use async_trait::async_trait;
use firstline_core::chat::{Platform, RemoteFile, Setting};
use firstline_core::words;
use serde_json::Value;

use super::Slack;
use super::api::{SlackError, Standing};
use super::draft::Standin;
use super::envelope::{self, Envelope};
use super::inbound::Inbound;
use super::render::{self, Place};
use crate::app::App;
use crate::platform::hearing;
use crate::platform::offer::in_ms;
use crate::ports::{Chat, SendError, Shown};
use crate::store::records::{Author, ConversationRow, Draft, MessageRow};

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
        draft: Option<&Draft>,
    ) -> Result<Option<String>, SendError> {
        let place =
            Place { public_url: self.public_url.as_deref(), conversation_id: &conversation.id };
        let mut body = message.body.clone();
        if message.author == Author::Person {
            body.text = format!("**{}:** {}", message.name, body.text);
        }
        let hint = self.people.hint(conversation, message).await;
        if let Some(hint) = hint.map_err(|error| SendError::Retry(error.to_string()))? {
            body.text = format!("{}\n\n{hint}", body.text);
        }
        let (channel, thread) = (conversation.channel.as_str(), conversation.thread.as_str());
        let lost = draft == Some(&Draft::Begun);
        let there =
            if again || lost { self.there(channel, thread, lost).await? } else { Vec::new() };
        let mut sent_as = None;
        for (number, part) in render::render(&body, &place).into_iter().enumerate() {
            let key = format!("{}:{number}", message.id);
            let standin = draft.filter(|_| number == 0);
            let mut stands = None;
            if let Some(standin) = standin.and_then(|draft| Standin::find(draft, &key, &there)) {
                stands = self.take_place(channel, &standin, &part, &key).await?;
            }
            let before = there.iter().find(|one| one.key.as_ref() == Some(&key));
            stands = stands.or_else(|| before.map(|before| before.ts.clone()));
            if stands.is_some() {
                sent_as = stands;
                continue;
            }
            let (text, blocks) = (&part.text, Some(&part.blocks));
            let post = self.api.post_message(channel, Some(thread), text, blocks, &key);
            let posted = self.paced(channel, message.body.notice, post).await;
            let posted = posted.and_then(|posted| posted.map_err(failed));
            // Once a part is there, what comes after must look for it.
            sent_as = Some(posted.map_err(|error| match error {
                SendError::Wait { reason, .. } if sent_as.is_some() => SendError::Retry(reason),
                error => error,
            })?);
        }
        // The first reply, which stands right after the question.
        if conversation.setting == Setting::Direct && message.seq == 2 && !again {
            self.entitle(channel, thread, message.request_id.as_deref()).await;
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
        payload: &Value,
    ) -> anyhow::Result<()> {
        Inbound { app, slack: self }.hear(payload).await
    }

    async fn unheard(&self, app: &App, _platform: Platform, payload: &Value) {
        if let Envelope::Said(said) = envelope::read(payload)
            && hearing::is_waited_for(app, &said.heard())
        {
            self.refuse(&said, &words::error("en").text).await;
        }
    }

    async fn draft(
        &self,
        conversation: &ConversationRow,
        shown: &Shown,
        text: &str,
    ) -> Result<String, SendError> {
        self.show(conversation, shown, text).await
    }

    async fn working(&self, conversation: &ConversationRow) {
        if conversation.setting == Setting::Direct {
            self.sign(&conversation.channel, &conversation.thread).await;
        }
    }
}

impl Slack {
    /// Our messages in a thread, those without a key too if `all` are wanted. Where Slack will not
    /// say, posting twice is better than never.
    async fn there(
        &self,
        channel: &str,
        thread: &str,
        all: bool,
    ) -> Result<Vec<Standing>, SendError> {
        let me = if all { Some(self.me().await.map_err(failed)?.user_id.as_str()) } else { None };
        match self.api.posted(channel, thread, me).await {
            Err(SlackError::Refused(word)) => {
                tracing::warn!(word, "whether a message was posted before cannot be looked up");
                Ok(Vec::new())
            }
            known => known.map_err(failed),
        }
    }
}

pub(super) fn failed(error: SlackError) -> SendError {
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
