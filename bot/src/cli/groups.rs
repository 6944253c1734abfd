//! `group list|add|remove|members`. Groups of the configuration are changed there.

use clap::{Args, Subcommand, ValueEnum};

use super::{Done, Global, context, output};
use crate::store::records::{Group, Role};

const LIST_EXAMPLES: &str = "\
Examples:
  firstline group list
  firstline group list --json";
const ADD_EXAMPLES: &str = "\
Examples:
  firstline group add finance ruth@example.com
  firstline group add finance-systems priya@example.com --role owner
  firstline group add finance ana@example.com     one more member

employee: asks, and reads what the group may read. owner: sees, corrects and answers the
group's tickets. commander: an owner who may also lead incidents. admin: everything.";
const REMOVE_EXAMPLES: &str = "\
Examples:
  firstline group remove finance ana@example.com  one member
  firstline group remove finance                  the whole group";
const MEMBERS_EXAMPLES: &str = "\
Examples:
  firstline group members finance";

#[derive(Debug, Subcommand)]
pub(super) enum GroupCommand {
    /// List all groups
    #[command(after_help = LIST_EXAMPLES)]
    List {
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Make a group, or add members to one
    #[command(after_help = ADD_EXAMPLES)]
    Add(AddArgs),
    /// Remove members, or the whole group
    #[command(after_help = REMOVE_EXAMPLES)]
    Remove {
        name: String,
        #[arg(value_name = "EMAIL")]
        members: Vec<String>,
    },
    /// List the members of a group
    #[command(after_help = MEMBERS_EXAMPLES)]
    Members {
        name: String,
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
pub(super) struct AddArgs {
    name: String,
    #[arg(value_name = "EMAIL")]
    members: Vec<String>,
    /// What its members may do [default: employee, or as it is]
    #[arg(long, value_enum)]
    role: Option<RoleArg>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum RoleArg {
    Employee,
    Owner,
    Commander,
    Admin,
}

impl From<RoleArg> for Role {
    fn from(arg: RoleArg) -> Self {
        match arg {
            RoleArg::Employee => Role::Employee,
            RoleArg::Owner => Role::Owner,
            RoleArg::Commander => Role::Commander,
            RoleArg::Admin => Role::Admin,
        }
    }
}

pub(super) async fn run(global: &Global, command: GroupCommand) -> anyhow::Result<Done> {
    let opened = context::open(global).await?;
    match command {
        GroupCommand::List { json } => list(&opened.store.groups().await?, json)?,
        GroupCommand::Add(args) => add(&opened, args).await?,
        GroupCommand::Remove { name, members } => remove(&opened, &name, &members).await?,
        GroupCommand::Members { name, json } => {
            let group = context::group(&opened.store, &name).await?;
            for member in &group.members {
                if json {
                    output::json(&serde_json::json!({ "email": member }))?;
                } else {
                    output::text(member)?;
                }
            }
        }
    }
    Ok(Done::Well)
}

fn list(groups: &[Group], json: bool) -> anyhow::Result<()> {
    if json {
        return groups.iter().try_for_each(output::json);
    }
    let rows: Vec<Vec<String>> = groups
        .iter()
        .map(|g| {
            let role = format!("{:?}", g.role).to_lowercase();
            vec![g.name.clone(), role, g.members.len().to_string()]
        })
        .collect();
    output::table(&["name", "role", "members"], &rows)
}

async fn add(opened: &context::Opened, args: AddArgs) -> anyhow::Result<()> {
    let name = args.name.trim().to_owned();
    context::not_configured(opened, &name)?;
    anyhow::ensure!(
        !name.is_empty() && !matches!(name.as_str(), "everyone" | "public"),
        "\"{name}\" cannot name a group: everybody is in everyone already."
    );
    let mut group = match opened.store.groups().await?.into_iter().find(|g| g.name == name) {
        Some(group) => group,
        None => Group { name: name.clone(), role: Role::Employee, members: Vec::new() },
    };
    if let Some(role) = args.role {
        group.role = role.into();
    }
    for member in &args.members {
        let email = context::address(member)?;
        context::ensure_person(&opened.store, &email).await?;
        if !group.members.contains(&email) {
            group.members.push(email);
        }
    }
    opened.store.put_group(&group).await?;
    output::text(&format!("The group {name} has {} members.", group.members.len()))
}

async fn remove(opened: &context::Opened, name: &str, members: &[String]) -> anyhow::Result<()> {
    context::local_group(opened, name).await?;
    if members.is_empty() {
        opened.store.remove_group(name).await?;
        return output::text(&format!("Removed the group {name}."));
    }
    for member in members {
        let email = context::address(member)?;
        anyhow::ensure!(
            opened.store.remove_member(name, &email).await?,
            "{email} is not in {name}; `firstline group members {name}` shows who is."
        );
    }
    output::text(&format!("Removed from {name}: {}.", members.join(", ")))
}
