//! Slack: events, buttons, forms and commands over HTTP, replies over the Web API.
//!
//! What comes in is verified on its raw bytes (`verify`), read tolerantly (`envelope`), judged
//! by the rules of conduct (`inbound`) and accepted; what goes out is rendered (`render`) and
//! posted (`outbound`). Only `api` speaks to Slack.

#[cfg(test)]
mod any_input;
mod api;
mod assistant;
mod catch_up;
mod commands;
#[cfg(test)]
mod coverage;
mod draft;
mod envelope;
mod forms;
mod heard;
mod home;
mod inbound;
mod interactions;
mod listening;
mod manifest;
mod mrkdwn;
mod outbound;
mod people;
mod render;
mod socket;
mod verify;

use std::sync::Arc;

use anyhow::Context as _;
use serde_json::Value;
use tokio::sync::OnceCell;

use firstline_core::chat::Platform;

use crate::config::{self, Config, SlackMode};
use crate::platform::pace::{Pace, Rate};
use crate::platform::people::People;
use crate::ports::{Clock, Store};

pub use api::{Granted, SlackError};
pub use inbound::router;
pub use listening::{catch_up, check_socket, run};
pub use manifest::{manifest, missing};

/// One message a second in a channel, and short bursts
/// (<https://docs.slack.dev/apis/web-api/rate-limits>).
const RATE: Rate = Rate { burst: 5, a_minute: 60 };

/// Of all messages together, by the tiers of chat.update and chat.appendStream, and of
/// chat.startStream and chat.stopStream (the same page).
const EDITS: Rate = Rate { burst: 10, a_minute: 50 };
const STREAMS: Rate = Rate { burst: 10, a_minute: 20 };

/// The connection to one workspace.
pub struct Slack {
    mode: SlackMode,
    /// Of what is posted, by channel.
    pace: Pace,
    edits: Pace,
    streams: Pace,
    clock: Arc<dyn Clock>,
    api: api::Api,
    people: People,
    store: Store,
    signing_secret: Option<String>,
    /// Where people reach the console, for links.
    public_url: Option<String>,
    /// The emoji that files a ticket, without colons.
    ticket_emoji: String,
    /// Who the bot is here; asked once.
    me: OnceCell<Granted>,
}

impl Slack {
    /// # Errors
    /// When this machine has no certificates to check Slack's by, or no token is configured.
    pub fn new(
        settings: &config::Slack,
        config: &Config,
        store: Store,
        clock: Arc<dyn Clock>,
    ) -> anyhow::Result<Slack> {
        let token = settings.bot_token.as_deref().context("`slack.bot_token` is missing")?;
        Ok(Slack {
            mode: settings.mode,
            pace: Pace::new(RATE),
            edits: Pace::new(EDITS),
            streams: Pace::new(STREAMS),
            clock,
            api: api::Api::new(&settings.api_url, token, settings.app_token.clone())?,
            people: People::new(Platform::Slack, config, store.clone()),
            store,
            signing_secret: settings.signing_secret.clone(),
            public_url: config.server.public_url.clone(),
            ticket_emoji: settings.ticket_emoji.trim_matches(':').to_owned(),
            me: OnceCell::new(),
        })
    }

    /// Asks Slack who the token's bot is and what it may do.
    ///
    /// # Errors
    /// When Slack cannot be reached or refuses the token.
    pub async fn granted(&self) -> Result<Granted, SlackError> {
        self.api.granted().await
    }

    /// Who the bot is here.
    async fn me(&self) -> Result<&Granted, SlackError> {
        self.me.get_or_try_init(|| self.api.granted()).await
    }

    /// Whether the bot itself wrote a message.
    async fn is_ours(&self, message: &Value) -> bool {
        let me = match self.me().await {
            Ok(me) => me,
            Err(error) => {
                tracing::warn!(%error, "who the bot is here cannot be told");
                return false;
            }
        };
        message["user"] == me.user_id.as_str()
    }
}
