//! `login EMAIL` and `token create|list|revoke`: ways in, shown once and stored hashed.

use clap::{Args, Subcommand, ValueEnum};

use super::{Done, Global, context, output};
use crate::adapters::clock::SystemClock;
use crate::config::Config;
use crate::console::session::{hash_token, new_token};
use crate::ports::Clock as _;
use crate::store::new_id;
use crate::store::records::ApiToken;

const LOGIN_EXAMPLES: &str = "\
Examples:
  firstline login ana.silva@example.com

The link works once, for ten minutes. Give it to nobody else.";
const CREATE_EXAMPLES: &str = "\
Examples:
  firstline token create reporting --as ana.silva@example.com --scope tickets:read
  firstline token create prometheus --as ops@example.com --scope metrics

The token acts as this person and may do what its scopes name. It is shown once.";
const LIST_EXAMPLES: &str = "\
Examples:
  firstline token list
  firstline token list --json";
const REVOKE_EXAMPLES: &str = "\
Examples:
  firstline token revoke 0199f0c2-7a4e-7d31-b0a5-6f4d1c2b3a49";

/// How long a one-time link works.
const LINK_MS: i64 = 10 * 60 * 1000;

#[derive(Debug, Args)]
#[command(after_help = LOGIN_EXAMPLES)]
pub(super) struct LoginArgs {
    email: String,
    /// Print the link as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum TokenCommand {
    /// Make a token
    #[command(after_help = CREATE_EXAMPLES)]
    Create(CreateArgs),
    /// List tokens; none is shown in full
    #[command(after_help = LIST_EXAMPLES)]
    List {
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Make a token useless
    #[command(after_help = REVOKE_EXAMPLES)]
    Revoke {
        #[arg(value_name = "ID")]
        id: String,
    },
}

#[derive(Debug, Args)]
pub(super) struct CreateArgs {
    /// What it is for
    name: String,
    /// Whose token it is: what it does is done in their name
    #[arg(long = "as", value_name = "EMAIL")]
    email: String,
    /// What it may do; may be repeated
    #[arg(long, value_enum, required = true)]
    scope: Vec<Scope>,
    /// Print id and token as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Scope {
    Requests,
    #[value(name = "tickets:read")]
    TicketsRead,
    #[value(name = "tickets:write")]
    TicketsWrite,
    Search,
    Metrics,
}

impl Scope {
    fn as_str(self) -> &'static str {
        match self {
            Scope::Requests => "requests",
            Scope::TicketsRead => "tickets:read",
            Scope::TicketsWrite => "tickets:write",
            Scope::Search => "search",
            Scope::Metrics => "metrics",
        }
    }
}

pub(super) async fn login(global: &Global, args: LoginArgs) -> anyhow::Result<Done> {
    let opened = context::open(global).await?;
    let email = context::reader(&opened.store, Some(&args.email)).await?.email;
    let token = new_token();
    let expires = SystemClock.now() + LINK_MS;
    opened.store.create_login_link(&hash_token(&token), &email, expires).await?;
    let url = format!("{}/sign-in?token={token}", base_url(&opened.config));
    if args.json {
        output::json(&serde_json::json!({ "url": url, "expires": output::time(expires) }))?;
    } else {
        output::text(&url)?;
        eprintln!("Works once, until {} UTC, for {email} only.", output::time(expires));
    }
    Ok(Done::Well)
}

/// Where people reach the service.
fn base_url(config: &Config) -> String {
    match &config.server.public_url {
        Some(url) => url.trim_end_matches('/').to_owned(),
        None => format!("http://{}", config.server.listen),
    }
}

pub(super) async fn token(global: &Global, command: TokenCommand) -> anyhow::Result<Done> {
    let opened = context::open(global).await?;
    let store = &opened.store;
    match command {
        TokenCommand::Create(args) => {
            let email = context::reader(store, Some(&args.email)).await?.email;
            let token = format!("fl_{}", new_token());
            let mut scopes: Vec<String> =
                args.scope.iter().map(|s| s.as_str().to_owned()).collect();
            scopes.sort();
            scopes.dedup();
            let row = ApiToken {
                id: new_id(),
                name: args.name,
                email,
                scopes,
                created_at: SystemClock.now(),
                last_used_at: None,
                revoked_at: None,
            };
            store.create_token(&row, &hash_token(&token)).await?;
            if args.json {
                output::json(&serde_json::json!({ "id": row.id, "token": token }))?;
            } else {
                output::text(&token)?;
                eprintln!("Keep it safe, it is not shown again. Its id is {}.", row.id);
            }
        }
        TokenCommand::List { json } => list(&store.tokens().await?, json)?,
        TokenCommand::Revoke { id } => {
            anyhow::ensure!(
                store.revoke_token(&id, SystemClock.now()).await?,
                "there is no token {id} to revoke; `firstline token list` shows all."
            );
            output::text("Revoked.")?;
        }
    }
    Ok(Done::Well)
}

fn list(tokens: &[ApiToken], json: bool) -> anyhow::Result<()> {
    if json {
        return tokens.iter().try_for_each(output::json);
    }
    let rows: Vec<Vec<String>> = tokens
        .iter()
        .map(|t| {
            vec![
                t.id.clone(),
                t.name.clone(),
                t.email.clone(),
                t.scopes.join(" "),
                t.last_used_at.map_or_else(|| "never".to_owned(), output::time),
                if t.revoked_at.is_some() { "revoked".to_owned() } else { "valid".to_owned() },
            ]
        })
        .collect();
    output::table(&["id", "name", "email", "scopes", "last used", "state"], &rows)
}
