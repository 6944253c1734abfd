//! Chat platforms: each folder or file verifies, turns payloads into events, and sends.

pub mod slack;
pub mod web;

use std::sync::Arc;

use async_trait::async_trait;
use firstline_core::chat::Platform;

use crate::ports::{Chat, SendError};
use crate::store::records::{ConversationRow, MessageRow};
use slack::Slack;
use web::WebChat;

/// All platforms the service is connected to; a message goes where its conversation is.
pub struct Platforms {
    pub web: WebChat,
    pub slack: Option<Arc<Slack>>,
}

#[async_trait]
impl Chat for Platforms {
    async fn deliver(
        &self,
        conversation: &ConversationRow,
        message: &MessageRow,
        again: bool,
    ) -> Result<(), SendError> {
        match (conversation.platform, &self.slack) {
            (Platform::Web | Platform::Api | Platform::Cli, _) => {
                self.web.deliver(conversation, message, again).await
            }
            (Platform::Slack, Some(slack)) => slack.deliver(conversation, message, again).await,
            (Platform::Slack, None) => Err(SendError::Fail(
                "the conversation is in Slack, and the configuration has no [slack] any more"
                    .into(),
            )),
        }
    }
}
