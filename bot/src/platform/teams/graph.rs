//! Microsoft Graph, as far as it is used: what was said in a channel or a chat of several people,
//! where the app has been given leave to read it. A chat of the bot with one person is not to be
//! had there.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use jiff::Timestamp;
use reqwest::{Client, Url};
use serde_json::Value;

use super::api::{TeamsError, below, done, host, unknown};
use super::hosts::configured_address;
use super::token::{Credentials, Token};
use crate::platform::missed::patiently;
use crate::ports::Clock;

/// The public cloud's
/// (<https://learn.microsoft.com/graph/deployments> names those of the others).
pub(super) const GRAPH_URL: &str = "https://graph.microsoft.com";
/// A page of fifty messages with their replies takes longer than a call of the Connector.
const PATIENCE: Duration = Duration::from_secs(30);
/// Pages read of one channel or chat; what comes after them is not read.
const MOST_PAGES: usize = 100;

/// What Graph keeps messages of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    Channel { group: String, channel: String },
    Chat(String),
}

pub(super) struct Graph {
    http: Client,
    /// Its origin; no other is called.
    root: Url,
    token: Token,
    clock: Arc<dyn Clock>,
}

impl Graph {
    /// `http` is a [`super::api::client`].
    ///
    /// # Errors
    /// When `address` is no https address, nor one of this machine.
    pub(super) fn new(
        http: Client,
        credentials: Credentials,
        address: &str,
        clock: Arc<dyn Clock>,
    ) -> anyhow::Result<Graph> {
        let root = configured_address(address).context("teams.graph_url is no https address")?;
        let scope = format!("{}/.default", root.origin().ascii_serialization());
        Ok(Graph { token: Token::new(http.clone(), credentials, scope), http, root, clock })
    }

    /// What was said since then, thread by thread, oldest first in each; the messages of a chat are
    /// one thread. A thread in which somebody spoke since comes whole
    /// (<https://learn.microsoft.com/graph/api/chatmessage-delta>,
    /// <https://learn.microsoft.com/graph/api/chat-list-messages>).
    pub(super) async fn threads(
        &self,
        source: &Source,
        since: Timestamp,
    ) -> Result<Vec<Vec<Value>>, TeamsError> {
        let after = format!("$filter=lastModifiedDateTime gt {since}");
        let (query, is_chat) = match source {
            Source::Channel { .. } => (format!("{after}&$expand=replies&$top=50"), false),
            // Without the same order the filter would not count.
            Source::Chat(_) => {
                (format!("{after}&$orderby=lastModifiedDateTime desc&$top=50"), true)
            }
        };
        let messages = self.pages(self.address(source, &query)?).await?;
        let mut threads = Vec::new();
        if is_chat {
            threads.push(messages);
        } else {
            for mut begun in messages {
                let mut thread = list(&mut begun, "replies");
                if let Some(more) = begun["replies@odata.nextLink"].as_str() {
                    thread.extend(self.pages(self.linked(more)?).await?);
                }
                thread.push(begun);
                threads.push(thread);
            }
        }
        for thread in &mut threads {
            thread.sort_by_key(written_at);
        }
        Ok(threads)
    }

    /// Whether anything can be read there.
    pub(super) async fn is_readable(&self, source: &Source) -> Result<bool, TeamsError> {
        match self.page(&self.address(source, "$top=1")?).await {
            Ok(_) => Ok(true),
            // No leave is given, or the place is gone.
            Err(TeamsError::Refused { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn address(&self, source: &Source, query: &str) -> Result<Url, TeamsError> {
        let path: &[&str] = match source {
            Source::Channel { group, channel } => {
                &["v1.0", "teams", group, "channels", channel, "messages", "delta"]
            }
            Source::Chat(chat) => &["v1.0", "chats", chat, "messages"],
        };
        let mut url = below(self.root.clone(), path)?;
        url.set_query(Some(query));
        Ok(url)
    }

    /// An address that Graph gives: it comes from outside, and the token goes there.
    fn linked(&self, link: &str) -> Result<Url, TeamsError> {
        let url = Url::parse(link).ok().filter(|url| {
            let anonymous = url.username().is_empty() && url.password().is_none();
            anonymous && url.origin() == self.root.origin()
        });
        url.ok_or_else(|| TeamsError::NotAllowed(host(link)))
    }

    /// All messages from an address on.
    async fn pages(&self, first: Url) -> Result<Vec<Value>, TeamsError> {
        let asked_to_wait = |error: &TeamsError| match error {
            TeamsError::RateLimited(wait) => Some(*wait),
            _ => None,
        };
        let (mut all, mut next) = (Vec::new(), Some(first));
        for _ in 0..MOST_PAGES {
            let Some(url) = next else { return Ok(all) };
            let mut page = patiently(&*self.clock, asked_to_wait, || self.page(&url)).await?;
            all.extend(list(&mut page, "value"));
            next = page["@odata.nextLink"].as_str().map(|link| self.linked(link)).transpose()?;
        }
        if next.is_some() {
            tracing::warn!(messages = all.len(), "there is more than was read of a place in Teams");
        }
        Ok(all)
    }

    async fn page(&self, url: &Url) -> Result<Value, TeamsError> {
        let make = || self.http.get(url.clone()).timeout(PATIENCE);
        let reply = done(self.token.exchange(make).await?).await?;
        let page: Value = reply.json().await.map_err(unknown)?;
        match page.is_object() {
            true => Ok(page),
            false => Err(TeamsError::Unknown("the answer is no page".to_owned())),
        }
    }
}

/// What a list in an answer holds, which is taken from there.
fn list(of: &mut Value, name: &str) -> Vec<Value> {
    match of.get_mut(name).map(Value::take) {
        Some(Value::Array(held)) => held,
        _ => Vec::new(),
    }
}

/// When a message was written, in epoch milliseconds; 0 where that is not told.
pub(super) fn written_at(message: &Value) -> i64 {
    let at = message["createdDateTime"].as_str().and_then(|at| at.parse::<Timestamp>().ok());
    at.map_or(0, Timestamp::as_millisecond)
}

#[cfg(test)]
mod tests;
