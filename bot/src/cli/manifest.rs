//! `manifest`: what an administrator gives a chat platform to make the bot's app there.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Subcommand;

use super::{Done, Global, output};
use crate::config::{Config, SlackMode};
use crate::platform::teams::{self, Package};
use crate::platform::{discord, slack};

const SLACK_EXAMPLES: &str = "\
Examples:
  firstline manifest slack
  firstline --config firstline.toml manifest slack --out slack-app.json

Paste it at https://api.slack.com/apps under Create New App > From a manifest. Set
server.public_url first: the manifest names it. docs/slack.md goes on from there.";

const TEAMS_EXAMPLES: &str = "\
Examples:
  firstline --config firstline.toml manifest teams --out firstline-teams.zip
  firstline --config firstline.toml manifest teams --out firstline-teams.zip --hear-everything

Upload it in the Teams admin center under Teams apps > Manage apps. Set teams.app_id and
server.public_url first: the package names them. docs/teams.md goes on from there.";

const DISCORD_EXAMPLES: &str = "\
Examples:
  firstline manifest discord --application-id 1234567890
  firstline --config firstline.toml manifest discord

The Application ID is on the app's page General Information at
https://discord.com/developers/applications. docs/discord.md goes on from there.";

#[derive(Debug, Subcommand)]
pub(super) enum ManifestCommand {
    /// The manifest of the Slack app, as JSON
    #[command(after_help = SLACK_EXAMPLES)]
    Slack {
        /// Write it into this file
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// The package of the Teams app, a zip file
    #[command(after_help = TEAMS_EXAMPLES)]
    Teams {
        /// Write it into this file
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Ask for consent to read what is said where the bot is a member: without it Teams
        /// only delivers what mentions the bot, so support channels need it
        #[arg(long)]
        hear_everything: bool,
    },
    /// What to switch on for the Discord app, and the link that invites its bot
    #[command(after_help = DISCORD_EXAMPLES)]
    Discord {
        /// Instead of the one in [discord]
        #[arg(long, value_name = "ID")]
        application_id: Option<u64>,
    },
}

pub(super) fn run(global: &Global, command: ManifestCommand) -> anyhow::Result<Done> {
    let config = global.load_config()?;
    match command {
        ManifestCommand::Slack { out } => slack_app(&config, out),
        ManifestCommand::Teams { out, hear_everything } => {
            teams_app(&config, &out, hear_everything)
        }
        ManifestCommand::Discord { application_id } => discord_app(&config, application_id),
    }
}

fn discord_app(config: &Config, id: Option<u64>) -> anyhow::Result<Done> {
    let id = match id {
        Some(id) => id,
        None => {
            let configured = config.discord.as_ref().map(|discord| &discord.application_id);
            let configured = configured.and_then(|id| id.parse().ok());
            configured.context("name the app: --application-id, or discord.application_id")?
        }
    };
    let app = format!("https://discord.com/developers/applications/{id}");
    let mut lines = vec![
        format!("Bot ({app}/bot)"),
        "  Public Bot: off, so that nobody else invites it".to_owned(),
        "  Message Content Intent: on for support channels, and for what people say in a thread \
         without naming the bot; otherwise off"
            .to_owned(),
        String::new(),
        "Invite it with this link".to_owned(),
        format!("  {}", discord::link(id)),
        String::new(),
        "Permissions it asks for".to_owned(),
    ];
    lines.extend(discord::PERMISSIONS.iter().map(|p| format!("  {}: {}", p.name, p.why)));
    lines.extend([String::new(), "Events it is sent".to_owned()]);
    let intents = discord::INTENTS.iter().chain([&discord::CONTENT]);
    lines.extend(intents.map(|intent| format!("  {}: {}", intent.name, intent.why)));
    output::text(&lines.join("\n"))?;
    Ok(Done::Well)
}

fn slack_app(config: &Config, out: Option<PathBuf>) -> anyhow::Result<Done> {
    let public_url = config.server.public_url.as_deref();
    let mode = config.slack.as_ref().map(|slack| slack.mode).unwrap_or_default();
    let text = serde_json::to_string_pretty(&slack::manifest(public_url, mode))?;
    match out {
        Some(path) => write(&path, format!("{text}\n").as_bytes())?,
        None => output::text(&text)?,
    }
    if mode == SlackMode::Http {
        warn_without(public_url);
    }
    Ok(Done::Well)
}

fn teams_app(config: &Config, out: &Path, hear_everything: bool) -> anyhow::Result<Done> {
    let settings = config.teams.as_ref().context(
        "the package names the bot, so `teams.app_id` must be set first; docs/teams.md says where \
         it comes from",
    )?;
    let public_url = config.server.public_url.as_deref();
    let package = teams::package(&Package {
        app_id: &settings.app_id,
        version: env!("CARGO_PKG_VERSION"),
        public_url,
        hear_everything,
    })?;
    write(out, &package)?;
    output::text(&format!("{} is written; upload it to Teams.", out.display()))?;
    warn_without(public_url);
    Ok(Done::Well)
}

fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    std::fs::write(path, bytes).with_context(|| format!("{} cannot be written", path.display()))
}

fn warn_without(public_url: Option<&str>) {
    if public_url.is_none() {
        eprintln!(
            "server.public_url is not set, so the manifest names an example address; set it and \
             run this again."
        );
    }
}
