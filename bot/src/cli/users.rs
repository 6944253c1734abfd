//! `user add|list|disable`.

use clap::{Args, Subcommand};

use super::{Done, Global, context, output};
use crate::adapters::clock::SystemClock;
use crate::config::name_from_address;
use crate::ports::Clock as _;
use crate::store::records::PersonRow;

const ADD_EXAMPLES: &str = "\
Examples:
  firstline user add ana.silva@example.com
  firstline user add ana.silva@example.com \"Ana Silva\" --group sales

Adding someone who was disabled enables them again.";
const LIST_EXAMPLES: &str = "\
Examples:
  firstline user list
  firstline user list --json";
const DISABLE_EXAMPLES: &str = "\
Examples:
  firstline user disable ana.silva@example.com

They are signed out and can no longer sign in; their tickets stay.";

#[derive(Debug, Subcommand)]
pub(super) enum UserCommand {
    /// Add a person
    #[command(after_help = ADD_EXAMPLES)]
    Add(AddArgs),
    /// List everyone with their groups
    #[command(after_help = LIST_EXAMPLES)]
    List {
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Shut someone out
    #[command(after_help = DISABLE_EXAMPLES)]
    Disable { email: String },
}

#[derive(Debug, Args)]
pub(super) struct AddArgs {
    email: String,
    /// What they are called [default: made from the address]
    name: Option<String>,
    /// A group to put them in; may be repeated
    #[arg(long, value_name = "GROUP")]
    group: Vec<String>,
}

pub(super) async fn run(global: &Global, command: UserCommand) -> anyhow::Result<Done> {
    let opened = context::open(global).await?;
    let store = &opened.store;
    match command {
        UserCommand::Add(args) => {
            let email = context::address(&args.email)?;
            for group in &args.group {
                context::local_group(&opened, group).await?;
            }
            let known = store.person(&email).await?.map(|p| p.name);
            let name = args.name.or(known).unwrap_or_else(|| name_from_address(&email));
            let person = PersonRow { email: email.clone(), name, active: true };
            store.upsert_person(&person, SystemClock.now()).await?;
            for group in &args.group {
                store.add_member(group, &email).await?;
            }
            output::text(&format!(
                "Added {email}. `firstline login {email}` makes them a link to sign in with."
            ))?;
        }
        UserCommand::List { json } => list(&opened, json).await?,
        UserCommand::Disable { email } => {
            let email = context::address(&email)?;
            anyhow::ensure!(
                store.set_active(&email, false).await?,
                "nobody has the address {email}; `firstline user list` shows everyone."
            );
            output::text(&format!("Disabled {email}."))?;
        }
    }
    Ok(Done::Well)
}

async fn list(opened: &context::Opened, json: bool) -> anyhow::Result<()> {
    let groups = opened.store.groups().await?;
    let mut rows = Vec::new();
    for person in opened.store.people().await? {
        let of: Vec<&str> = groups
            .iter()
            .filter(|g| g.members.contains(&person.email))
            .map(|g| g.name.as_str())
            .collect();
        if json {
            let mut value = serde_json::to_value(&person)?;
            value["groups"] = of.into();
            output::json(&value)?;
        } else {
            let state = if person.active { "active" } else { "disabled" };
            rows.push(vec![person.email, person.name, state.to_owned(), of.join(", ")]);
        }
    }
    if json {
        return Ok(());
    }
    output::table(&["email", "name", "state", "groups"], &rows)
}
