//! Discord's REST API, as far as it is used
//! (<https://docs.discord.com/developers/reference>). The gateway's client has one of its own,
//! which loses how long Discord asks to wait.

use std::time::Duration;

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use thiserror::Error;

use super::caller::{Caller, Urgency};

/// Messages one call reads at most, and calls made for a channel.
const PAGE: usize = 100;
const MOST_PAGES: usize = 10;

/// Error codes
/// (<https://docs.discord.com/developers/topics/opcodes-and-status-codes#json-json-error-codes>).
pub(super) mod code {
    pub(in super::super) const UNKNOWN_CHANNEL: u64 = 10_003;
    pub(in super::super) const UNKNOWN_MESSAGE: u64 = 10_008;
    pub(in super::super) const CANNOT_WRITE_TO_USER: u64 = 50_007;
    pub(in super::super) const NOT_IN_THIS_CHANNEL: u64 = 50_024;
    pub(in super::super) const NO_PERMISSION: u64 = 50_013;
    pub(in super::super) const NO_ACCESS: u64 = 50_001;
    pub(in super::super) const HAS_A_THREAD: u64 = 160_004;
}

/// Why Discord did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DiscordError {
    #[error("Discord asks to wait {} s", .0.as_secs())]
    RateLimited(Duration),
    /// In Discord's words; its code is 0 where it gives none.
    #[error("Discord says {status}: {says}")]
    Refused { status: u16, code: u64, says: String },
    /// No answer, or none that can be read: whether it was done is unknown.
    #[error("Discord did not answer: {0}")]
    Unknown(String),
}

impl DiscordError {
    /// Discord's code for a refusal.
    pub(super) fn code(&self) -> Option<u64> {
        match self {
            DiscordError::Refused { code, .. } => Some(*code),
            _ => None,
        }
    }
}

/// The app a token belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct App {
    pub id: String,
    pub name: String,
    #[serde(default)]
    pub flags: u64,
}

/// A server the bot is in, with what it may do there.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Guild {
    pub id: String,
    pub name: String,
    /// Bits, as a number in text.
    #[serde(default)]
    pub permissions: String,
}

#[derive(Deserialize)]
struct Named {
    id: String,
}

pub(super) struct Api(Caller);

impl Api {
    pub(super) fn new(caller: Caller) -> Api {
        Api(caller)
    }

    /// Discord wants a route left alone until then, or all of them.
    pub(super) fn pause(&self, place: &str, until: i64) {
        self.0.pause(place, until);
    }

    pub(super) async fn app(&self) -> Result<App, DiscordError> {
        read(self.0.get("/applications/@me", &[]).await?)
    }

    /// The id of the bot's account.
    pub(super) async fn me(&self) -> Result<String, DiscordError> {
        Ok(read::<Named>(self.0.get("/users/@me", &[]).await?)?.id)
    }

    /// The servers the bot is in, 200 at most.
    pub(super) async fn guilds(&self) -> Result<Vec<Guild>, DiscordError> {
        read(self.0.get("/users/@me/guilds", &[("limit", "200")]).await?)
    }

    pub(super) async fn commands(&self, app: &str) -> Result<Value, DiscordError> {
        self.0.get(&format!("/applications/{app}/commands"), &[]).await
    }

    pub(super) async fn set_commands(&self, app: &str, all: &Value) -> Result<(), DiscordError> {
        self.send(Method::PUT, &format!("/applications/{app}/commands"), all).await.map(drop)
    }

    /// Posts one message; its id.
    pub(super) async fn post(
        &self,
        channel: &str,
        body: &Value,
        urgency: Urgency,
    ) -> Result<String, DiscordError> {
        let path = format!("/channels/{channel}/messages");
        Ok(read::<Named>(self.0.send(Method::POST, &path, body, urgency).await?)?.id)
    }

    /// Shows a message of ours anew.
    pub(super) async fn edit(
        &self,
        channel: &str,
        message: &str,
        body: &Value,
        urgency: Urgency,
    ) -> Result<(), DiscordError> {
        let path = format!("/channels/{channel}/messages/{message}");
        self.0.send(Method::PATCH, &path, body, urgency).await.map(drop)
    }

    /// Opens the thread of a message. One that is open already is fine.
    pub(super) async fn open_thread(
        &self,
        channel: &str,
        message: &str,
        name: &str,
    ) -> Result<(), DiscordError> {
        let path = format!("/channels/{channel}/messages/{message}/threads");
        let named = json!({ "name": name });
        match self.0.send(Method::POST, &path, &named, Urgency::Waits).await {
            Err(error) if error.code() == Some(code::HAS_A_THREAD) => Ok(()),
            done => done.map(drop),
        }
    }

    /// Shows for ten seconds that the bot is writing.
    pub(super) async fn typing(&self, channel: &str) -> Result<(), DiscordError> {
        let path = format!("/channels/{channel}/typing");
        self.0.send(Method::POST, &path, &json!({}), Urgency::Bulk).await.map(drop)
    }

    /// The direct messages between a person and the bot.
    pub(super) async fn direct_channel(&self, user: &str) -> Result<String, DiscordError> {
        let whom = json!({ "recipient_id": user });
        let channel = self.send(Method::POST, "/users/@me/channels", &whom).await?;
        Ok(read::<Named>(channel)?.id)
    }

    pub(super) async fn channel(&self, channel: &str) -> Result<Value, DiscordError> {
        self.0.get(&format!("/channels/{channel}"), &[]).await
    }

    /// Threads of a server that are not archived.
    pub(super) async fn active_threads(&self, guild: &str) -> Result<Vec<Value>, DiscordError> {
        let mut all = self.0.get(&format!("/guilds/{guild}/threads/active"), &[]).await?;
        Ok(all["threads"].as_array_mut().map(std::mem::take).unwrap_or_default())
    }

    /// One message; `None` when it is gone.
    pub(super) async fn message(
        &self,
        channel: &str,
        message: &str,
    ) -> Result<Option<Value>, DiscordError> {
        match self.0.get(&format!("/channels/{channel}/messages/{message}"), &[]).await {
            Err(e) if matches!(e.code(), Some(code::UNKNOWN_MESSAGE | code::UNKNOWN_CHANNEL)) => {
                Ok(None)
            }
            found => found.map(Some),
        }
    }

    /// The messages before one of a channel's, or its last, oldest first.
    pub(super) async fn before(
        &self,
        channel: &str,
        message: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Value>, DiscordError> {
        let limit = limit.min(PAGE).to_string();
        let mut asked = vec![("limit", limit.as_str())];
        asked.extend(message.map(|id| ("before", id)));
        let page = self.0.get(&format!("/channels/{channel}/messages"), &asked).await?;
        Ok(oldest_first(page))
    }

    /// What was said in a channel after an id, oldest first.
    pub(super) async fn after(&self, channel: &str, id: u64) -> Result<Vec<Value>, DiscordError> {
        let path = format!("/channels/{channel}/messages");
        let (limit, mut last, mut all) = (PAGE.to_string(), id.to_string(), Vec::new());
        for _ in 0..MOST_PAGES {
            let asked = [("limit", limit.as_str()), ("after", last.as_str())];
            let page = oldest_first(self.0.get(&path, &asked).await?);
            let full = page.len() == PAGE;
            let newest = page.last().and_then(|message| message["id"].as_str());
            let Some(newest) = newest.map(str::to_owned) else { break };
            all.extend(page);
            if !full {
                break;
            }
            last = newest;
        }
        Ok(all)
    }

    /// Answers an interaction, once. Its own token is enough.
    pub(super) async fn answer(
        &self,
        interaction: &str,
        token: &str,
        answer: &Value,
    ) -> Result<(), DiscordError> {
        let path = format!("/interactions/{interaction}/{token}/callback");
        self.send(Method::POST, &path, answer).await.map(drop)
    }

    /// Alters what an interaction was answered with.
    pub(super) async fn alter_answer(
        &self,
        app: &str,
        token: &str,
        body: &Value,
    ) -> Result<(), DiscordError> {
        let path = format!("/webhooks/{app}/{token}/messages/@original");
        self.send(Method::PATCH, &path, body).await.map(drop)
    }

    /// Says one thing more after an interaction was answered.
    pub(super) async fn follow_up(
        &self,
        app: &str,
        token: &str,
        body: &Value,
    ) -> Result<(), DiscordError> {
        self.send(Method::POST, &format!("/webhooks/{app}/{token}"), body).await.map(drop)
    }

    /// A file that was sent along, of `limit` bytes at most.
    pub(super) async fn file(&self, url: &str, limit: usize) -> Result<Vec<u8>, DiscordError> {
        self.0.file(url, limit).await
    }

    async fn send(&self, how: Method, path: &str, body: &Value) -> Result<Value, DiscordError> {
        self.0.send(how, path, body, Urgency::Urgent).await
    }
}

fn read<T: for<'de> Deserialize<'de>>(value: Value) -> Result<T, DiscordError> {
    serde_json::from_value(value).map_err(|e| DiscordError::Unknown(e.to_string()))
}

fn oldest_first(page: Value) -> Vec<Value> {
    let mut all = match page {
        Value::Array(all) => all,
        _ => Vec::new(),
    };
    all.reverse();
    all
}
