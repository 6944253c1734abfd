//! `privacy export|erase EMAIL`: everything held about a person, given out or removed.

use clap::{Args, Subcommand};

use super::{Done, Global, context, output};
use crate::adapters::clock::SystemClock;
use crate::ports::Clock as _;

const EXPORT_EXAMPLES: &str = "\
Examples:
  firstline privacy export ana.silva@example.com > ana.json";
const ERASE_EXAMPLES: &str = "\
Examples:
  firstline privacy erase ana.silva@example.com

Conversations, messages, attachments and everything learnt from them are removed. Tickets
stay for the count, without their text and without the name. It cannot be undone; backups
made earlier still hold the data.";

#[derive(Debug, Subcommand)]
pub(super) enum PrivacyCommand {
    /// Print everything held about a person, as JSON
    #[command(after_help = EXPORT_EXAMPLES)]
    Export(PersonArgs),
    /// Remove everything held about a person
    #[command(after_help = ERASE_EXAMPLES)]
    Erase(PersonArgs),
}

#[derive(Debug, Args)]
pub(super) struct PersonArgs {
    email: String,
}

pub(super) async fn run(global: &Global, command: PrivacyCommand) -> anyhow::Result<Done> {
    let store = context::open(global).await?.store;
    match command {
        PrivacyCommand::Export(args) => {
            let email = context::address(&args.email)?;
            output::json(&store.export_person(&email).await?)?;
        }
        PrivacyCommand::Erase(args) => {
            let email = context::address(&args.email)?;
            let counts = store.erase_person(&email, SystemClock.now()).await?;
            output::json(&counts)?;
        }
    }
    Ok(Done::Well)
}
