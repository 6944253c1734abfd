//! `firstline.toml`: every key, its default, and what is refused. Each key is documented
//! in `firstline.example.toml`; any key may come from the environment as
//! `FIRSTLINE__SECTION__KEY`; every secret also as `..._file`.

use std::fmt;
use std::path::{Path, PathBuf};

use firstline_core::ticket::{Criticality, PriorityMatrix};
use firstline_core::triage::redact::RedactOptions;
use firstline_core::triage::{Policy, System};
use serde::Deserialize;

use crate::store::records::Role;

mod check;
mod discord;
mod load;
mod teams;

pub use discord::Discord;
pub use load::{ConfigError, DEFAULT_FILE, ENV_PREFIX};
pub use teams::{Teams, TeamsAuth};

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    pub server: Server,
    pub database: Database,
    /// See [`language_model`](Self::language_model).
    pub model: Option<Model>,
    pub triage: Policy,
    pub privacy: Privacy,
    pub priority: Priority,
    pub people: People,
    pub knowledge: Knowledge,
    pub slack: Option<Slack>,
    pub teams: Option<Teams>,
    pub discord: Option<Discord>,
    pub group: Vec<Group>,
    pub channel: Vec<Channel>,
    pub system: Vec<SystemEntry>,
    pub source: Vec<Source>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Server {
    /// Address and port to listen on.
    pub listen: String,
    /// Where people reach it; `https` makes cookies `Secure` with the `__Host-` prefix.
    pub public_url: Option<String>,
    /// A listener of its own for `/metrics`; otherwise a token is asked for off loopback.
    pub metrics_listen: Option<String>,
    /// Jobs run side by side.
    pub workers: usize,
    /// Seconds a job is held without a sign of life before another worker takes it up.
    pub lease_s: u32,
    /// A folder whose files override the shipped prompts.
    pub prompts: Option<PathBuf>,
}

impl Default for Server {
    fn default() -> Self {
        Server {
            listen: "127.0.0.1:8080".into(),
            public_url: None,
            metrics_listen: None,
            workers: 8,
            lease_s: 15,
            prompts: None,
        }
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Database {
    /// `sqlite:PATH` or `postgres://...`; absent: `firstline.db` in the data folder.
    pub url: Option<String>,
    pub url_file: Option<PathBuf>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// Any OpenAI-compatible server, up to and including `/v1`. Empty: no language model, and the
    /// section only names embeddings.
    #[serde(default)]
    pub base_url: String,
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub api_key: Option<String>,
    #[serde(default)]
    pub api_key_file: Option<PathBuf>,
    /// Seconds a call may take before the local engine decides.
    #[serde(default = "default_timeout_s")]
    pub timeout_s: u64,
    /// Tokens a UTC day; above it the local engine decides. Absent: no limit.
    #[serde(default)]
    pub daily_tokens: Option<u64>,
    /// Calls under way at once.
    #[serde(default = "default_concurrency")]
    pub concurrency: usize,
    /// The folder of a sentence-transformer, with which articles are found by meaning too.
    #[serde(default)]
    pub embeddings: Option<PathBuf>,
}

/// Without the key: configurations are logged.
impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Model")
            .field("base_url", &self.base_url)
            .field("name", &self.name)
            .field("api_key", &self.api_key.as_ref().map(|_| "hidden"))
            .field("api_key_file", &self.api_key_file)
            .field("timeout_s", &self.timeout_s)
            .field("daily_tokens", &self.daily_tokens)
            .field("concurrency", &self.concurrency)
            .field("embeddings", &self.embeddings)
            .finish()
    }
}

fn default_timeout_s() -> u64 {
    20
}

fn default_concurrency() -> usize {
    8
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Privacy {
    /// Beside secrets, which always go: `email`, `phone`.
    pub redact: Vec<Redact>,
    /// Days the raw event is kept after it is settled.
    pub raw_days: u32,
    /// Hosts a model may run on; empty: the one in `[model]`.
    pub destinations: Vec<String>,
}

impl Default for Privacy {
    fn default() -> Self {
        Privacy { redact: Vec::new(), raw_days: 7, destinations: Vec::new() }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Redact {
    Email,
    Phone,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Priority {
    pub matrix: PriorityMatrix,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct People {
    /// Domains of the organisation's addresses. Whoever has another in a chat, and is not known
    /// here, is a guest until they say who they are. Empty: all that a chat vouches for are taken.
    pub domains: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Knowledge {
    /// Months after which an article's review date makes it stale.
    pub stale_months: u32,
}

impl Default for Knowledge {
    fn default() -> Self {
        Knowledge { stale_months: 18 }
    }
}

/// The workspace's own Slack app.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slack {
    /// How Slack reaches the bot.
    #[serde(default)]
    pub mode: SlackMode,
    /// `xoxb-...`, from OAuth & Permissions.
    #[serde(default)]
    pub bot_token: Option<String>,
    #[serde(default)]
    pub bot_token_file: Option<PathBuf>,
    /// `xapp-...` with `connections:write`, from Basic Information; for Socket Mode.
    #[serde(default)]
    pub app_token: Option<String>,
    #[serde(default)]
    pub app_token_file: Option<PathBuf>,
    /// From Basic Information; until it is there, only Slack's check of the address is answered.
    #[serde(default)]
    pub signing_secret: Option<String>,
    #[serde(default)]
    pub signing_secret_file: Option<PathBuf>,
    /// The emoji that makes a ticket of the message it is put under.
    #[serde(default = "ticket_emoji")]
    pub ticket_emoji: String,
    /// Where Slack's Web API is.
    #[serde(default = "slack_api")]
    pub api_url: String,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SlackMode {
    /// Slack sends to `server.public_url`.
    #[default]
    Http,
    /// The bot connects to Slack, which need not reach it.
    Socket,
}

fn ticket_emoji() -> String {
    "ticket".into()
}

fn slack_api() -> String {
    "https://slack.com/api".into()
}

/// Without the secrets: configurations are logged.
impl fmt::Debug for Slack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slack")
            .field("mode", &self.mode)
            .field("bot_token", &self.bot_token.as_ref().map(|_| "hidden"))
            .field("app_token", &self.app_token.as_ref().map(|_| "hidden"))
            .field("signing_secret", &self.signing_secret.as_ref().map(|_| "hidden"))
            .field("api_url", &self.api_url)
            .finish_non_exhaustive()
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    pub name: String,
    #[serde(default)]
    pub members: Vec<String>,
    #[serde(default = "default_role")]
    pub role: Role,
}

fn default_role() -> Role {
    Role::Employee
}

/// How the bot behaves in a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    Act,
    Suggest,
    Watch,
    Off,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Channel {
    pub platform: String,
    pub id: String,
    pub mode: Mode,
    #[serde(default)]
    pub systems: Vec<String>,
    #[serde(default = "everyone")]
    pub audience: String,
}

fn everyone() -> String {
    "everyone".into()
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SystemEntry {
    pub name: String,
    #[serde(default)]
    pub aliases: Vec<String>,
    /// People to ask, by e-mail.
    #[serde(default)]
    pub owners: Vec<String>,
    /// The group that gets its tickets.
    #[serde(default)]
    pub team: Option<String>,
    #[serde(default = "medium")]
    pub criticality: Criticality,
    #[serde(default)]
    pub confidential: bool,
    #[serde(default)]
    pub status_url: Option<String>,
}

fn medium() -> Criticality {
    Criticality::Medium
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    pub name: String,
    /// `folder` for now.
    pub kind: String,
    pub location: String,
    /// Who may read it: required, so that nothing is published by accident.
    pub audience: String,
}

impl Config {
    /// What is taken out of words beside secrets.
    pub fn redact_options(&self) -> RedactOptions {
        let takes = |what| self.privacy.redact.contains(&what);
        RedactOptions { email: takes(Redact::Email), phone: takes(Redact::Phone) }
    }

    /// The language model, if one is configured; without one the local engine answers alone.
    pub fn language_model(&self) -> Option<&Model> {
        self.model.as_ref().filter(|model| !model.base_url.is_empty())
    }

    /// The folder of the embedding model, if one is configured.
    pub fn embeddings(&self) -> Option<&Path> {
        self.model.as_ref()?.embeddings.as_deref()
    }

    /// What is set for a channel of a platform, by its name there.
    pub fn channel(&self, platform: &str, id: &str) -> Option<&Channel> {
        self.channel.iter().find(|c| c.platform == platform && c.id == id)
    }

    /// The catalogue as core reads it.
    pub fn catalogue(&self) -> Vec<System> {
        self.system
            .iter()
            .map(|s| System {
                name: s.name.clone(),
                aliases: s.aliases.clone(),
                team: s.team.clone(),
                criticality: s.criticality,
                confidential: s.confidential,
            })
            .collect()
    }
}

/// `ana.silva@example.com` is called Ana Silva until someone says otherwise.
pub fn name_from_address(email: &str) -> String {
    let user = email.split('@').next().unwrap_or(email);
    let words = user.split(['.', '_', '-']).filter(|w| !w.is_empty()).map(|word| {
        let mut letters = word.chars();
        letters
            .next()
            .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
    });
    words.collect::<Vec<String>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::name_from_address;

    #[test]
    fn names_come_from_addresses() {
        for (email, name) in [
            ("ana.silva@example.com", "Ana Silva"),
            ("o-neill@example.com", "O Neill"),
            ("ops@example.com", "Ops"),
        ] {
            assert_eq!(name_from_address(email), name);
        }
    }
}
