//! `jobs list|dead|retry|discard`: what works in the background, and what gave up.

use clap::{Args, Subcommand, ValueEnum};

use super::{Done, Global, context, output};
use crate::ports::Store;
use crate::store::records::JobRow;

const LIST_EXAMPLES: &str = "\
Examples:
  firstline jobs list
  firstline jobs list --state running --json";
const DEAD_EXAMPLES: &str = "\
Examples:
  firstline jobs dead
  firstline jobs dead --json";
const RETRY_EXAMPLES: &str = "\
Examples:
  firstline jobs retry 0199f0c2-7a4e-7d31-b0a5-6f4d1c2b3a49
  firstline jobs retry --all";
const DISCARD_EXAMPLES: &str = "\
Examples:
  firstline jobs discard 0199f0c2-7a4e-7d31-b0a5-6f4d1c2b3a49

What the job would have done is not done.";

#[derive(Debug, Subcommand)]
pub(super) enum JobsCommand {
    /// List jobs that wait or run
    #[command(after_help = LIST_EXAMPLES)]
    List(ListArgs),
    /// List jobs that gave up, with their last error
    #[command(after_help = DEAD_EXAMPLES)]
    Dead(DeadArgs),
    /// Try jobs that gave up once more
    #[command(after_help = RETRY_EXAMPLES)]
    Retry(RetryArgs),
    /// Forget a job that gave up
    #[command(after_help = DISCARD_EXAMPLES)]
    Discard {
        #[arg(value_name = "ID")]
        id: String,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum State {
    Ready,
    Running,
    Dead,
}

impl State {
    fn as_str(self) -> &'static str {
        match self {
            State::Ready => "ready",
            State::Running => "running",
            State::Dead => "dead",
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct ListArgs {
    #[arg(long, value_enum)]
    state: Option<State>,
    /// Jobs at most
    #[arg(long, default_value_t = 100, value_name = "N", value_parser = clap::value_parser!(i64).range(1..))]
    limit: i64,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct DeadArgs {
    /// Jobs at most
    #[arg(long, default_value_t = 100, value_name = "N", value_parser = clap::value_parser!(i64).range(1..))]
    limit: i64,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct RetryArgs {
    #[arg(value_name = "ID", required_unless_present = "all", conflicts_with = "all")]
    id: Option<String>,
    /// Every job that gave up
    #[arg(long)]
    all: bool,
}

pub(super) async fn run(global: &Global, command: JobsCommand) -> anyhow::Result<Done> {
    let store = context::open(global).await?.store;
    match command {
        JobsCommand::List(args) => {
            let state = args.state.map(State::as_str);
            print(&store.jobs(state, args.limit).await?, args.json)?;
        }
        JobsCommand::Dead(args) => {
            print(&store.jobs(Some(State::Dead.as_str()), args.limit).await?, args.json)?;
        }
        JobsCommand::Retry(args) => retry(&store, args.id.as_deref()).await?,
        JobsCommand::Discard { id } => {
            anyhow::ensure!(
                store.discard(&id).await?,
                "no job {id} gave up; `firstline jobs dead` shows those that did."
            );
            output::text("Discarded.")?;
        }
    }
    Ok(Done::Well)
}

async fn retry(store: &Store, id: Option<&str>) -> anyhow::Result<()> {
    let retried = store.retry_dead(id, now()).await?;
    if let Some(id) = id {
        anyhow::ensure!(
            retried > 0,
            "no job {id} gave up; `firstline jobs dead` shows those that did."
        );
    }
    output::text(&format!("{retried} to be tried again."))
}

fn now() -> i64 {
    use crate::ports::Clock as _;
    crate::adapters::clock::SystemClock.now()
}

fn print(jobs: &[JobRow], json: bool) -> anyhow::Result<()> {
    if json {
        return jobs.iter().try_for_each(output::json);
    }
    let rows: Vec<Vec<String>> = jobs
        .iter()
        .map(|job| {
            vec![
                job.id.clone(),
                job.kind.clone(),
                job.state.clone(),
                format!("{}/{}", job.attempt, job.max_attempts),
                output::time(job.run_at),
                job.last_error.clone().unwrap_or_default(),
            ]
        })
        .collect();
    output::table(&["id", "kind", "state", "attempt", "due", "last error"], &rows)
}
