//! All the bot can do to the world: the store, the chats, a model, the knowledge index
//! and the clock. Adapters implement these; flows see nothing else.

use std::sync::Arc;

use async_trait::async_trait;
use firstline_core::chat::{Platform, RemoteFile};
use firstline_indexer::{Found, Query};
use serde_json::Value;
use thiserror::Error;

use crate::app::App;
pub use crate::store::Store;
use crate::store::records::{ConversationRow, Draft, MessageRow};

/// Time, so that tests can move it.
#[async_trait]
pub trait Clock: Send + Sync {
    /// Epoch milliseconds.
    fn now(&self) -> i64;
    /// Waits until `at`, in epoch milliseconds.
    async fn sleep_until(&self, at: i64);
}

/// Searching what the organisation knows. Synchronous: it is a local index, and a
/// search takes about a millisecond.
pub trait Knowledge: Send + Sync {
    fn search(&self, query: &Query) -> anyhow::Result<Found>;
    /// The last store change the index has applied.
    fn sequence(&self) -> i64;
    /// Passages searchable now.
    fn passages(&self) -> u64;
}

/// One call to a language model.
#[derive(Debug, Clone, PartialEq)]
pub struct Ask {
    pub system: String,
    pub user: String,
    /// JSON schema the reply must satisfy; its name goes with it.
    pub schema_name: String,
    pub schema: Value,
    pub max_tokens: u32,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Completion {
    pub text: String,
    pub tokens_in: i64,
    pub tokens_out: i64,
}

/// Why a model gave nothing usable. Each one means: the local engine decides.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum ModelError {
    #[error("the model did not answer within {0} s")]
    Timeout(u64),
    #[error("the model server cannot be reached: {0}")]
    Unreachable(String),
    #[error("the model server refused the API key ({0})")]
    KeyRefused(String),
    #[error("the model server limits the rate; asked to wait {0} s")]
    RateLimited(u64),
    #[error("the model failed repeatedly and is left alone for another {0} s")]
    Paused(u64),
    #[error("the model's daily budget of {0} tokens is used up")]
    OverBudget(u64),
    #[error("the model server answered with an error: {0}")]
    Server(String),
    #[error("the model's reply could not be read: {0}")]
    Unreadable(String),
}

impl ModelError {
    /// One word for metrics.
    pub fn label(&self) -> &'static str {
        match self {
            ModelError::Timeout(_) => "timeout",
            ModelError::Unreachable(_) => "unreachable",
            ModelError::KeyRefused(_) => "key_refused",
            ModelError::RateLimited(_) => "rate_limited",
            ModelError::Paused(_) => "paused",
            ModelError::OverBudget(_) => "over_budget",
            ModelError::Server(_) => "server",
            ModelError::Unreadable(_) => "unreadable",
        }
    }
}

/// Any language model. `pieces` hears the reply as it grows; it never reaches a person
/// unchecked.
#[async_trait]
pub trait Model: Send + Sync {
    /// The model's own name, as in `engine = "model:NAME"`.
    fn name(&self) -> &str;
    async fn complete(
        &self,
        ask: &Ask,
        pieces: Option<tokio::sync::mpsc::Sender<String>>,
    ) -> Result<Completion, ModelError>;
}

/// How sending a message ended, when it did not end well.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum SendError {
    /// Nothing was sent: not before this many milliseconds.
    #[error("{reason}")]
    Wait { reason: String, ms: i64 },
    /// Worth another try; whether it was sent may be unknown.
    #[error("{0}")]
    Retry(String),
    /// Will never work.
    #[error("{0}")]
    Fail(String),
}

/// As much of a message as is shown while it is being composed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Shown {
    pub message_id: String,
    pub request_id: String,
    /// What the platform calls it; `None` before it is shown for the first time.
    pub sent_as: Option<String>,
    /// Markdown.
    pub text: String,
    /// How often it was shown.
    pub times: u32,
}

/// A chat platform. Messages carry their id: sending one twice must show it once
/// wherever the platform can tell.
#[async_trait]
pub trait Chat: Send + Sync {
    /// Sends a message, in the place of its `draft` if there is one; what the platform calls it,
    /// the last part of a long one. `again`: an earlier try ended without anybody knowing how.
    async fn deliver(
        &self,
        conversation: &ConversationRow,
        message: &MessageRow,
        again: bool,
        draft: Option<&Draft>,
    ) -> Result<Option<String>, SendError>;

    /// Shows as much as there is of a message, in place of what is shown of it; what the platform
    /// calls it, which stays the same.
    async fn draft(
        &self,
        conversation: &ConversationRow,
        shown: &Shown,
        text: &str,
    ) -> Result<String, SendError> {
        let _ = (conversation, shown, text);
        Err(SendError::Fail("messages are shown whole here".to_owned()))
    }

    /// A file that was sent along, if it has at most `limit` bytes.
    async fn fetch(
        &self,
        conversation: &ConversationRow,
        file: &RemoteFile,
        limit: usize,
    ) -> Result<Vec<u8>, SendError> {
        let _ = (conversation, limit);
        Err(SendError::Fail(format!("no file is kept here by the name {}", file.id)))
    }

    /// Reads what `platform` sent, accepted as it came, and takes it up if it concerns the bot. An
    /// error: it is to be tried again.
    async fn hear(
        self: Arc<Self>,
        app: Arc<App>,
        platform: Platform,
        payload: &Value,
    ) -> anyhow::Result<()> {
        let _ = (app, payload);
        anyhow::bail!("nobody here reads what {} sends", platform.as_str())
    }

    /// Says, where somebody waits for an answer to this, that it could not be taken up.
    async fn unheard(&self, app: &App, platform: Platform, payload: &Value) {
        let _ = (app, platform, payload);
    }

    /// Shows, where it can, that an answer is being worked on. It goes with the answer.
    async fn working(&self, conversation: &ConversationRow) {
        let _ = conversation;
    }
}
