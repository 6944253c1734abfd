//! `manifest`: what an administrator gives a chat platform to make the bot's app there.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Subcommand;

use super::{Done, Global, output};
use crate::config::SlackMode;
use crate::platform::slack;

const SLACK_EXAMPLES: &str = "\
Examples:
  firstline manifest slack
  firstline --config firstline.toml manifest slack --out slack-app.json

Paste it at https://api.slack.com/apps under Create New App > From a manifest. Set
server.public_url first: the manifest names it. docs/slack.md goes on from there.";

#[derive(Debug, Subcommand)]
pub(super) enum ManifestCommand {
    /// The manifest of the Slack app, as JSON
    #[command(after_help = SLACK_EXAMPLES)]
    Slack {
        /// Write it into this file
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

pub(super) fn run(global: &Global, command: ManifestCommand) -> anyhow::Result<Done> {
    let ManifestCommand::Slack { out } = command;
    let config = global.load_config()?;
    let public_url = config.server.public_url.as_deref();
    let mode = config.slack.as_ref().map(|slack| slack.mode).unwrap_or_default();
    let text = serde_json::to_string_pretty(&slack::manifest(public_url, mode))?;
    match out {
        Some(path) => std::fs::write(&path, format!("{text}\n"))
            .with_context(|| format!("{} cannot be written", path.display()))?,
        None => output::text(&text)?,
    }
    if public_url.is_none() && mode == SlackMode::Http {
        eprintln!(
            "server.public_url is not set, so the manifest names an example address; set it and \
             run this again."
        );
    }
    Ok(Done::Well)
}
