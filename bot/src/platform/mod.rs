//! Chat platforms: each folder or file verifies, turns payloads into events, and sends.

mod connections;
pub mod discord;
mod hearing;
mod missed;
#[cfg(test)]
mod mutations;
mod offer;
mod pace;
mod people;
mod prose;
mod review;
pub mod slack;
pub mod teams;
pub mod web;

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use firstline_core::chat::{Platform, RemoteFile};
use serde_json::Value;

use crate::app::App;
use crate::ports::{Chat, SendError, Shown, Store};
use crate::store::records::{ConversationRow, Draft, MessageRow};
pub use connections::Connections;
use web::WebChat;

/// All platforms the service is connected to; a message goes where its conversation is.
pub struct Platforms {
    web: WebChat,
    foreign: HashMap<Platform, Arc<dyn Chat>>,
}

impl Platforms {
    /// Our own pages alone.
    pub fn new(store: Store) -> Platforms {
        Platforms { web: WebChat { store }, foreign: HashMap::new() }
    }

    #[must_use]
    pub fn with(mut self, platform: Platform, chat: Arc<dyn Chat>) -> Platforms {
        self.foreign.insert(platform, chat);
        self
    }

    fn at(&self, platform: Platform) -> Result<&dyn Chat, SendError> {
        if !platform.is_foreign() {
            return Ok(&self.web);
        }
        let connected = self.foreign.get(&platform).map(Arc::as_ref);
        connected.ok_or_else(|| {
            let name = platform.as_str();
            SendError::Fail(format!(
                "the conversation is in {name}, and the configuration has no [{name}] any more"
            ))
        })
    }
}

#[async_trait]
impl Chat for Platforms {
    async fn deliver(
        &self,
        conversation: &ConversationRow,
        message: &MessageRow,
        again: bool,
        draft: Option<&Draft>,
    ) -> Result<Option<String>, SendError> {
        self.at(conversation.platform)?.deliver(conversation, message, again, draft).await
    }

    async fn draft(
        &self,
        conversation: &ConversationRow,
        shown: &Shown,
        text: &str,
    ) -> Result<String, SendError> {
        self.at(conversation.platform)?.draft(conversation, shown, text).await
    }

    async fn fetch(
        &self,
        conversation: &ConversationRow,
        file: &RemoteFile,
        limit: usize,
    ) -> Result<Vec<u8>, SendError> {
        self.at(conversation.platform)?.fetch(conversation, file, limit).await
    }

    async fn hear(
        self: Arc<Self>,
        app: Arc<App>,
        platform: Platform,
        payload: &Value,
    ) -> anyhow::Result<()> {
        match self.foreign.get(&platform) {
            Some(chat) => chat.clone().hear(app, platform, payload).await,
            None => anyhow::bail!("the configuration has no [{}] any more", platform.as_str()),
        }
    }

    async fn unheard(&self, app: &App, platform: Platform, payload: &Value) {
        if let Some(chat) = self.foreign.get(&platform) {
            chat.unheard(app, platform, payload).await;
        }
    }

    async fn working(&self, conversation: &ConversationRow) {
        if let Ok(chat) = self.at(conversation.platform) {
            chat.working(conversation).await;
        }
    }
}
