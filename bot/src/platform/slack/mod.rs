//! Slack: events, buttons, forms and commands over HTTP, replies over the Web API.
//!
//! What comes in is verified on its raw bytes (`verify`), read tolerantly (`envelope`), judged
//! by the rules of conduct (`inbound`) and accepted; what goes out is rendered (`render`) and
//! posted (`outbound`). Only `api` speaks to Slack.

#[cfg(test)]
mod any_input;
mod api;
mod commands;
mod envelope;
mod inbound;
mod interactions;
mod manifest;
mod mrkdwn;
mod outbound;
mod people;
mod render;
mod verify;

use std::sync::Arc;

use anyhow::Context as _;
use tokio::sync::watch;

use crate::app::App;
use crate::config;
use crate::platform::people::Seen;
use crate::ports::Store;

pub use api::{Granted, SlackError};
pub use inbound::router;
pub use manifest::{manifest, missing};

/// The connection to one workspace.
pub struct Slack {
    api: api::Api,
    people: Seen,
    store: Store,
    signing_secret: Option<String>,
    /// Where people reach the console, for links.
    public_url: Option<String>,
}

impl Slack {
    /// # Errors
    /// When this machine has no certificates to check Slack's by, or no token is configured.
    pub fn new(
        settings: &config::Slack,
        public_url: Option<String>,
        store: Store,
    ) -> anyhow::Result<Slack> {
        let token = settings.bot_token.as_deref().context("`slack.bot_token` is missing")?;
        Ok(Slack {
            api: api::Api::new(&settings.api_url, token)?,
            people: Seen::default(),
            store,
            signing_secret: settings.signing_secret.clone(),
            public_url,
        })
    }

    /// Asks Slack who the token's bot is and what it may do.
    ///
    /// # Errors
    /// When Slack cannot be reached or refuses the token.
    pub async fn granted(&self) -> Result<Granted, SlackError> {
        self.api.granted().await
    }
}

/// Says at start whether Slack takes the token (`doctor` says what to mend).
pub async fn run(_app: Arc<App>, slack: Arc<Slack>, _stopped: watch::Receiver<bool>) {
    match slack.granted().await {
        Ok(granted) => tracing::info!(workspace = granted.team, "connected to Slack"),
        Err(error) => tracing::error!(%error, "Slack cannot be used; see `firstline doctor`"),
    }
}
