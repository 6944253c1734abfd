//! `[discord]`: the organisation's own Discord app.

use std::fmt;
use std::path::PathBuf;

use serde::Deserialize;

use super::check::{refuse_if, web_address};
use super::{Config, Mode};

/// What Discord's own addresses end in; another base must too, as the gateway's client is told
/// only what stands before it.
const VERSION: &str = "/api/v10";

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Discord {
    /// From the app's page Bot.
    #[serde(default)]
    pub token: Option<String>,
    #[serde(default)]
    pub token_file: Option<PathBuf>,
    /// The number on the app's page General Information.
    #[serde(default)]
    pub application_id: String,
    /// Where Discord's REST API is, up to and including `/api/v10`; it tells where the gateway is.
    #[serde(default = "api")]
    pub api_url: String,
}

fn api() -> String {
    format!("https://discord.com{VERSION}")
}

/// Without the token: configurations are logged.
impl fmt::Debug for Discord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Discord")
            .field("token", &self.token.as_ref().map(|_| "hidden"))
            .field("token_file", &self.token_file)
            .field("application_id", &self.application_id)
            .field("api_url", &self.api_url)
            .finish()
    }
}

impl Discord {
    /// The API's address without its version, and without a slash at the end.
    pub fn root(&self) -> &str {
        let url = self.api_url.trim_end_matches('/');
        url.strip_suffix(VERSION).unwrap_or(url)
    }
}

impl Config {
    /// Whether there are channels of Discord's in which the bot takes up what is said unasked.
    pub fn reads_discord_channels(&self) -> bool {
        self.channel.iter().any(|c| c.platform == "discord" && c.mode != Mode::Off)
    }
}

pub(super) fn check(config: &Config) -> Result<(), String> {
    let Some(discord) = &config.discord else { return Ok(()) };
    web_address("discord.api_url", &discord.api_url)?;
    refuse_if(!discord.api_url.trim_end_matches('/').ends_with(VERSION), || {
        format!("`discord.api_url` must end in {VERSION}, not be \"{}\".", discord.api_url)
    })?;
    refuse_if(discord.token.as_deref().is_none_or(|token| token.trim().is_empty()), || {
        "`discord.token` is missing; make one on the app's page Bot with Reset Token.".into()
    })?;
    refuse_if(discord.application_id.parse::<u64>().is_err(), || {
        "`discord.application_id` must be the Application ID, a number from the app's page General \
         Information."
            .into()
    })
}
