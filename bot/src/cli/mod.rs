//! The command line: one file a command. A command parses its arguments, calls the same
//! functions the service runs on, and prints. Results go to stdout, everything else to
//! stderr; 0 is done, 1 failed, 2 wrong usage.

mod access;
mod ask;
mod context;
mod database;
mod doctor;
mod groups;
mod inc;
mod index;
mod jobs;
mod lines;
mod manifest;
mod output;
mod privacy;
mod search;
mod serve;
mod tickets;
mod users;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::telemetry::{self, LogFormat};

const EXAMPLES: &str = "\
Examples:
  firstline demo                          try it with a sample company
  firstline index ./handbook              read your documents
  firstline ask \"how do I get a VPN certificate?\"
  firstline --config firstline.toml serve";

/// Answers, files and routes requests about your business systems.
#[derive(Debug, Parser)]
#[command(name = "firstline", version, about, after_help = EXAMPLES)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Debug, Clone, Args)]
struct Global {
    /// The configuration [default: ./firstline.toml where it exists]
    #[arg(long, global = true, value_name = "FILE", env = "FIRSTLINE_CONFIG")]
    config: Option<PathBuf>,
    /// Database file, index and caches [default: ./firstline-data; for demo
    /// ./firstline-demo]
    #[arg(long, global = true, value_name = "DIR", env = "FIRSTLINE_DATA")]
    data: Option<PathBuf>,
    /// How log lines on stderr look
    #[arg(long, global = true, value_enum, default_value_t, value_name = "FORMAT")]
    log_format: LogFormat,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run with a sample company, to look around
    Demo(serve::DemoArgs),
    /// Run the service
    Serve(serve::ServeArgs),
    /// Answer one request; nothing is filed
    Ask(ask::AskArgs),
    /// Search the documents
    Search(search::SearchArgs),
    /// Read documents: Markdown, HTML, text, PDF, DOCX
    Index(index::IndexArgs),
    /// List, show and export tickets
    #[command(subcommand)]
    Tickets(tickets::TicketsCommand),
    /// Declare and run incidents
    Inc(inc::IncArgs),
    /// Look after background jobs
    #[command(subcommand)]
    Jobs(jobs::JobsCommand),
    /// Make a one-time link to sign in with
    Login(access::LoginArgs),
    /// Add, list and disable people
    #[command(subcommand)]
    User(users::UserCommand),
    /// Groups: who may do and read what
    #[command(subcommand)]
    Group(groups::GroupCommand),
    /// Access tokens for the API
    #[command(subcommand)]
    Token(access::TokenCommand),
    /// Export or erase what is held about a person
    #[command(subcommand)]
    Privacy(privacy::PrivacyCommand),
    /// What a chat platform is given to make the bot's app there
    #[command(subcommand)]
    Manifest(manifest::ManifestCommand),
    /// Check the installation and say what to mend
    Doctor(doctor::DoctorArgs),
    /// Bring the database to this version
    Migrate(database::MigrateArgs),
    /// Write everything into one file, also while the service runs
    Backup(database::BackupArgs),
    /// Fill an empty database from a backup
    Restore(database::RestoreArgs),
    /// Read one PDF or DOCX in a process of its own
    #[command(hide = true)]
    Extract(ExtractArgs),
}

#[derive(Debug, Args)]
struct ExtractArgs {
    kind: String,
    path: PathBuf,
}

/// How a command that did not fail ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Done {
    Well,
    /// It did what it could and said on the way what it could not.
    WithFailures,
}

/// Runs the program.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Command::Extract(args) = &cli.command {
        // Before anything else: it limits its own memory and reads hostile files.
        return firstline_indexer::extract_child_main(&args.kind, &args.path);
    }
    // One crypto provider for the whole process, chosen before anything can ask for it.
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        eprintln!("firstline: another crypto provider was installed first.");
        return ExitCode::FAILURE;
    }
    let serves = matches!(cli.command, Command::Demo(_) | Command::Serve(_));
    telemetry::init(cli.global.log_format, if serves { "info" } else { "warn" });
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(e) => {
            eprintln!("firstline: the system gave no threads to run on: {e}.");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(run(cli)) {
        Ok(Done::Well) => ExitCode::SUCCESS,
        Ok(Done::WithFailures) => ExitCode::FAILURE,
        Err(error) => {
            if !output::reader_is_gone(&error) {
                eprintln!("firstline: {}", output::sentence(&error));
            }
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> anyhow::Result<Done> {
    let global = &cli.global;
    match cli.command {
        Command::Demo(args) => serve::demo(global, args).await,
        Command::Serve(args) => serve::serve(global, args).await,
        Command::Ask(args) => ask::run(global, args).await,
        Command::Search(args) => search::run(global, args).await,
        Command::Index(args) => index::run(global, args).await,
        Command::Tickets(command) => tickets::run(global, command).await,
        Command::Inc(args) => inc::run(global, args).await,
        Command::Jobs(command) => jobs::run(global, command).await,
        Command::Login(args) => access::login(global, args).await,
        Command::User(command) => users::run(global, command).await,
        Command::Group(command) => groups::run(global, command).await,
        Command::Token(command) => access::token(global, command).await,
        Command::Privacy(command) => privacy::run(global, command).await,
        Command::Manifest(command) => manifest::run(global, command),
        Command::Doctor(args) => doctor::run(global, args).await,
        Command::Migrate(args) => database::migrate(global, args).await,
        Command::Backup(args) => database::backup(global, args).await,
        Command::Restore(args) => database::restore(global, args).await,
        Command::Extract(_) => Ok(Done::Well),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_grammar_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_explains_itself_with_examples() {
        fn check(command: &clap::Command, path: &str) {
            for sub in command.get_subcommands().filter(|s| !s.is_hide_set()) {
                let path = format!("{path} {}", sub.get_name());
                assert!(sub.get_about().is_some(), "{path} has no description");
                if sub.has_subcommands() {
                    check(sub, &path);
                } else {
                    let after = sub.get_after_help().map(ToString::to_string).unwrap_or_default();
                    let words = |line: &str| {
                        line.contains("firstline ")
                            && line.contains(&format!(" {}", sub.get_name()))
                    };
                    assert!(after.starts_with("Examples:\n"), "{path}");
                    assert!(after.lines().any(words), "{path} is in none of its examples");
                }
            }
        }
        check(&Cli::command(), "firstline");
    }
}
