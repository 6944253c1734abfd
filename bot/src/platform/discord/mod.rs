//! Discord: a connection to its gateway, over which people, their buttons and forms are heard, and
//! replies over its REST API.
//!
//! What comes in is read tolerantly (`heard`, `commands`), judged by the rules of conduct
//! (`inbound`) and accepted; what goes out is rendered (`render`) and posted (`outbound`). Only
//! `gateway` and `api` speak to Discord, and of several processes only one listens (`listening`).

#[cfg(test)]
mod any_input;
mod api;
mod asked;
mod buckets;
mod caller;
mod catch_up;
mod commands;
mod draft;
mod forms;
mod gateway;
mod heard;
mod ids;
mod inbound;
mod interactions;
mod invite;
mod listening;
mod outbound;
mod people;
mod render;
mod review;
mod text;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use anyhow::Context as _;
use tokio::sync::OnceCell;

use firstline_core::chat::Platform;

use crate::config::{self, Config};
use crate::platform::people::People;
use crate::ports::{Clock, Store};

use caller::Caller;

pub use api::{App, DiscordError, Guild};
pub use invite::{CONTENT, INTENTS, PERMISSIONS, link, missing, reads_content};
pub use listening::{catch_up, run};

/// The connection to one app of Discord's.
pub struct Discord {
    api: api::Api,
    token: String,
    application_id: String,
    /// The API's address without its version.
    root: String,
    store: Store,
    people: People,
    /// Where people reach the console, for links.
    public_url: Option<String>,
    /// The bot's account; asked once.
    me: OnceCell<String>,
    /// What is said in direct messages is taken up one after the other, so that two first words
    /// begin one conversation.
    direct: tokio::sync::Mutex<()>,
    /// Messages that tickets are about to be made of, by id.
    quoted: Mutex<HashMap<u64, commands::Quoted>>,
    /// This process among others, while it listens.
    holder: String,
}

impl Discord {
    /// # Errors
    /// When this machine has no certificates to check Discord's by, or no token is configured.
    pub fn new(
        settings: &config::Discord,
        config: &Config,
        store: Store,
        clock: Arc<dyn Clock>,
    ) -> anyhow::Result<Discord> {
        let token = settings.token.as_deref().context("`discord.token` is missing")?;
        Ok(Discord {
            api: api::Api::new(Caller::new(&settings.api_url, token, store.clone(), clock)?),
            token: token.trim_start_matches("Bot ").trim().to_owned(),
            application_id: settings.application_id.clone(),
            root: settings.root().to_owned(),
            people: People::new(Platform::Discord, config, store.clone()),
            store,
            public_url: config.server.public_url.clone(),
            me: OnceCell::new(),
            direct: tokio::sync::Mutex::default(),
            quoted: Mutex::default(),
            holder: crate::store::new_id(),
        })
    }

    /// Asks Discord which app the token is of.
    ///
    /// # Errors
    /// When Discord cannot be reached or refuses the token.
    pub async fn app(&self) -> Result<App, DiscordError> {
        self.api.app().await
    }

    /// The servers the bot is in.
    ///
    /// # Errors
    /// As [`Discord::app`].
    pub async fn guilds(&self) -> Result<Vec<Guild>, DiscordError> {
        self.api.guilds().await
    }

    /// Discord wants a kind of call left alone in a place until then, or all of them.
    pub(in crate::platform) fn pause(&self, place: &str, until: i64) {
        self.api.pause(place, until);
    }

    /// The id of the bot's account.
    async fn me(&self) -> Result<&str, DiscordError> {
        self.me.get_or_try_init(|| self.api.me()).await.map(String::as_str)
    }

    /// The console's address without a slash at its end.
    fn base(&self) -> Option<&str> {
        self.public_url.as_deref().map(|url| url.trim_end_matches('/'))
    }
}
