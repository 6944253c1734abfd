//! `tickets list|show|export`. Whoever may run commands on the data sees every ticket.

use clap::{Args, Subcommand, ValueEnum};
use firstline_core::ticket::{Kind, Priority, Status};

use super::{Done, Global, context, output};
use crate::ports::Store;
use crate::store::records::{Ticket, TicketEvent, TicketEventRow, TicketFilter, TicketOrder};

const LIST_EXAMPLES: &str = "\
Examples:
  firstline tickets list --open --priority P1
  firstline tickets list --system Tally --order least-confident
  firstline tickets list --query \"credit note\" --json";
const SHOW_EXAMPLES: &str = "\
Examples:
  firstline tickets show FL-12
  firstline tickets show FL-12 --json";
const EXPORT_EXAMPLES: &str = "\
Examples:
  firstline tickets export --csv > tickets.csv
  firstline tickets export --json --system Tally > tally.jsonl

In CSV, a cell that a spreadsheet would run as a formula begins with an apostrophe.";

#[derive(Debug, Subcommand)]
pub(super) enum TicketsCommand {
    /// List tickets, newest first
    #[command(after_help = LIST_EXAMPLES)]
    List(ListArgs),
    /// Show one ticket with its history
    #[command(after_help = SHOW_EXAMPLES)]
    Show(ShowArgs),
    /// Write every ticket that matches, as CSV or JSON lines
    #[command(after_help = EXPORT_EXAMPLES)]
    Export(ExportArgs),
}

#[derive(Debug, Args)]
struct FilterArgs {
    /// incident, bug, change, process or question
    #[arg(long, value_parser = kind)]
    kind: Option<Kind>,
    #[arg(long, value_name = "NAME")]
    system: Option<String>,
    /// P1 to P4
    #[arg(long, value_parser = priority)]
    priority: Option<Priority>,
    /// new, triaged, in_progress, waiting, resolved or closed
    #[arg(long, value_parser = status)]
    status: Option<Status>,
    /// Only those not resolved or closed
    #[arg(long, conflicts_with = "closed")]
    open: bool,
    /// Only those resolved or closed
    #[arg(long)]
    closed: bool,
    #[arg(long, value_name = "GROUP")]
    team: Option<String>,
    #[arg(long, value_name = "EMAIL")]
    assignee: Option<String>,
    #[arg(long, value_name = "EMAIL")]
    requester: Option<String>,
    /// Words that all occur in it
    #[arg(long, value_name = "WORDS")]
    query: Option<String>,
    #[arg(long, value_enum, default_value_t)]
    order: Order,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Order {
    #[default]
    Newest,
    Oldest,
    LeastConfident,
    Priority,
    Updated,
}

#[derive(Debug, Args)]
pub(super) struct ListArgs {
    #[command(flatten)]
    filter: FilterArgs,
    /// Tickets at most
    #[arg(long, default_value_t = 50, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    limit: u32,
    /// One JSON object a line
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    #[arg(long)]
    csv: bool,
}

#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    key: String,
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    #[command(flatten)]
    filter: FilterArgs,
    /// One JSON object a line
    #[arg(long, conflicts_with = "csv", required_unless_present = "csv")]
    json: bool,
    #[arg(long)]
    csv: bool,
}

fn kind(word: &str) -> Result<Kind, String> {
    Kind::parse(&word.to_lowercase()).ok_or_else(|| one_of(Kind::ALL))
}

fn priority(word: &str) -> Result<Priority, String> {
    Priority::parse(&word.to_uppercase()).ok_or_else(|| one_of(Priority::ALL))
}

fn status(word: &str) -> Result<Status, String> {
    Status::parse(&word.to_lowercase()).ok_or_else(|| one_of(Status::ALL))
}

fn one_of<T: ToString>(all: &[T]) -> String {
    format!("use one of {}", all.iter().map(T::to_string).collect::<Vec<_>>().join(", "))
}

impl From<FilterArgs> for TicketFilter {
    fn from(args: FilterArgs) -> Self {
        TicketFilter {
            kind: args.kind,
            system: args.system,
            priority: args.priority,
            status: args.status,
            open: match (args.open, args.closed) {
                (true, _) => Some(true),
                (_, true) => Some(false),
                _ => None,
            },
            team: args.team,
            assignee: args.assignee.map(|a| a.to_lowercase()),
            requester: args.requester.map(|r| r.to_lowercase()),
            q: args.query,
            order: match args.order {
                Order::Newest => TicketOrder::Newest,
                Order::Oldest => TicketOrder::Oldest,
                Order::LeastConfident => TicketOrder::LeastConfident,
                Order::Priority => TicketOrder::Priority,
                Order::Updated => TicketOrder::Updated,
            },
            ..TicketFilter::default()
        }
    }
}

pub(super) async fn run(global: &Global, command: TicketsCommand) -> anyhow::Result<Done> {
    let store = context::open(global).await?.store;
    match command {
        TicketsCommand::List(args) => list(&store, args).await,
        TicketsCommand::Show(args) => show(&store, args).await,
        TicketsCommand::Export(args) => export(&store, args).await,
    }
}

async fn list(store: &Store, args: ListArgs) -> anyhow::Result<Done> {
    let mut filter = TicketFilter::from(args.filter);
    filter.limit = Some(args.limit.min(PAGE));
    if args.json || args.csv {
        pages(store, filter, args.limit as usize, args.csv).await?;
        return Ok(Done::Well);
    }
    let mut rows = Vec::new();
    let mut total = 0;
    while rows.len() < args.limit as usize {
        let page = store.tickets(&filter, &context::operator()).await?;
        total = page.total;
        rows.extend(page.items.iter().map(row));
        match page.next {
            Some(next) => filter.cursor = Some(next),
            None => break,
        }
    }
    rows.truncate(args.limit as usize);
    let shown = rows.len() as i64;
    output::table(
        &["key", "pri", "kind", "system", "status", "team", "created", "summary"],
        &rows,
    )?;
    if shown < total {
        eprintln!("{shown} of {total}; --limit shows more.");
    }
    Ok(Done::Well)
}

fn row(ticket: &Ticket) -> Vec<String> {
    let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    vec![
        ticket.key.clone(),
        ticket.priority.to_string(),
        ticket.kind.to_string(),
        or_dash(&ticket.system),
        ticket.status.to_string(),
        or_dash(&ticket.team),
        output::time(ticket.created_at),
        ticket.summary.clone(),
    ]
}

/// Tickets read at once.
const PAGE: u32 = 200;

async fn export(store: &Store, args: ExportArgs) -> anyhow::Result<Done> {
    let mut filter = TicketFilter::from(args.filter);
    filter.limit = Some(PAGE);
    pages(store, filter, usize::MAX, args.csv).await?;
    Ok(Done::Well)
}

/// Prints page after page, so that any number of tickets fits in memory.
async fn pages(
    store: &Store,
    mut filter: TicketFilter,
    limit: usize,
    csv: bool,
) -> anyhow::Result<()> {
    if csv {
        output::raw(&output::csv_row(&CSV_HEAD.map(str::to_owned)))?;
    }
    let mut left = limit;
    while left > 0 {
        let page = store.tickets(&filter, &context::operator()).await?;
        for ticket in page.items.iter().take(left) {
            if csv { output::raw(&csv_row(ticket)?)? } else { output::json(ticket)? }
        }
        left = left.saturating_sub(page.items.len());
        match page.next {
            Some(next) => filter.cursor = Some(next),
            None => break,
        }
    }
    Ok(())
}

const CSV_HEAD: [&str; 20] = [
    "key",
    "kind",
    "system",
    "team",
    "impact",
    "urgency",
    "priority",
    "status",
    "requester",
    "assignee",
    "summary",
    "text",
    "fields",
    "language",
    "sentiment",
    "confidence",
    "merged_into",
    "created",
    "updated",
    "resolved",
];

fn csv_row(ticket: &Ticket) -> anyhow::Result<String> {
    let t = ticket.clone();
    Ok(output::csv_row(&[
        t.key,
        t.kind.to_string(),
        t.system.unwrap_or_default(),
        t.team.unwrap_or_default(),
        t.impact.to_string(),
        t.urgency.to_string(),
        t.priority.to_string(),
        t.status.to_string(),
        t.requester,
        t.assignee.unwrap_or_default(),
        t.summary,
        t.text,
        serde_json::to_string(&t.fields)?,
        t.language,
        t.sentiment.to_string(),
        format!("{:.2}", t.confidence),
        t.merged_into.unwrap_or_default(),
        output::time(t.created_at),
        output::time(t.updated_at),
        t.resolved_at.map(output::time).unwrap_or_default(),
    ]))
}

async fn show(store: &Store, args: ShowArgs) -> anyhow::Result<Done> {
    let key = args.key.to_uppercase();
    let Some(ticket) = store.ticket(&key).await? else {
        anyhow::bail!("there is no ticket {key}; `firstline tickets list` shows them.");
    };
    let events = store.ticket_events(&key, true).await?;
    if args.json {
        let mut value = serde_json::to_value(&ticket)?;
        value["events"] = serde_json::to_value(&events)?;
        output::json(&value)?;
    } else {
        output::text(&spoken(&ticket, &events))?;
    }
    Ok(Done::Well)
}

fn spoken(ticket: &Ticket, events: &[TicketEventRow]) -> String {
    let mut text = format!("{}  {}\n\n", ticket.key, output::one_line(&ticket.summary));
    let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    for (label, value) in [
        ("Kind", ticket.kind.to_string()),
        ("System", or_dash(&ticket.system)),
        ("Priority", format!("{} ({}, {})", ticket.priority, ticket.impact, ticket.urgency)),
        ("Status", ticket.status.to_string()),
        ("Team", or_dash(&ticket.team)),
        ("Assignee", or_dash(&ticket.assignee)),
        ("Requester", ticket.requester.clone()),
        ("Created", output::time(ticket.created_at)),
    ] {
        text.push_str(&format!("{label:<10} {value}\n"));
    }
    for (name, value) in &ticket.fields {
        text.push_str(&format!("{name:<10} {}\n", output::one_line(value)));
    }
    text.push('\n');
    for line in ticket.text.lines() {
        text.push_str(&output::one_line(line));
        text.push('\n');
    }
    text.push('\n');
    for event in events {
        let told = output::one_line(&told(&event.event));
        text.push_str(&format!("{}  {}  {told}\n", output::time(event.at), event.actor));
    }
    text
}

fn told(event: &TicketEvent) -> String {
    let word = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".to_owned());
    match event {
        TicketEvent::Filed => "filed it".into(),
        TicketEvent::Changed { field, from, to, .. } => {
            format!("changed {field} from {} to {}", word(from), word(to))
        }
        TicketEvent::Comment { text } => format!("wrote: {text}"),
        TicketEvent::Note { text } => format!("noted: {text}"),
        TicketEvent::MergedInto { key } => format!("merged it into {key}"),
        TicketEvent::Absorbed { key } => format!("merged {key} into it"),
        TicketEvent::Unmerged { key } => format!("separated it from {key}"),
        TicketEvent::Attached { name } => format!("attached {name}"),
        TicketEvent::Reviewed => "reviewed it".into(),
    }
}
