//! `inc VERB ...`: incidents from the command line. The verbs are those one types on an incident's
//! page.

use std::collections::HashMap;

use clap::Args;
use firstline_core::incident::verb::{self, Asked, What};
use firstline_core::incident::{Entry, Stamp, State, TaskState};
use firstline_core::words::incidents as words;
use serde_json::json;

use super::{Done, Global, context, output};
use crate::adapters::clock::SystemClock;
use crate::flows::incident::{Incidents, Refusal};
use crate::ports::Clock as _;
use crate::store::records::Incident;

const EXAMPLES: &str = "\
Examples:
  firstline inc                                  what can be done
  firstline inc declare SEV1 nobody can log in to Keystone
  firstline inc list
  firstline inc INC-7 take commander             (with --as: who takes it)
  firstline inc --as ann@example.com INC-7 status identified a full disk
  firstline inc INC-7 task \"free the disk\" @ben by friday
  firstline inc INC-7 summary
  firstline inc --json INC-7 timeline

Without --as it is done in the operator's name. A verb without a key means the one open incident
there is.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct IncArgs {
    /// Who does it
    #[arg(long = "as", value_name = "EMAIL")]
    as_email: Option<String>,
    /// JSON instead of text
    #[arg(long)]
    json: bool,
    /// An incident's key if it is one of several, a verb, and what it needs
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "VERB")]
    words: Vec<String>,
}

/// Incidents shown in a list.
const SHOWN: i64 = 500;

pub(super) async fn run(global: &Global, args: IncArgs) -> anyhow::Result<Done> {
    let opened = context::open(global).await?;
    let redact = opened.config.redact_options();
    let viewer = match &args.as_email {
        Some(email) => context::reader(&opened.store, Some(email)).await?,
        None => context::operator(),
    };
    let incidents = Incidents {
        store: &opened.store,
        clock: &SystemClock,
        redact: &redact,
        viewer: &viewer,
        sees_all: args.as_email.is_none(),
    };
    let asked = verb::read(&args.words.join(" "), SystemClock.now());
    match asked.map_err(|misread| anyhow::anyhow!("{}", with_help(&words::misread(&misread))))? {
        Asked::Menu => output::text(&menu())?,
        Asked::List => list(&incidents, args.json).await?,
        Asked::Declare(declaration) => {
            let incident = incidents.declare(declaration).await.map_err(spoken)?;
            show(&incidents, &incident, args.json).await?;
        }
        Asked::About { key, what } => {
            let key = meant(&incidents, key).await?;
            about(&incidents, &key, what, args.json).await?;
        }
    }
    Ok(Done::Well)
}

/// The incident that is named, or the only open one.
async fn meant(incidents: &Incidents<'_>, key: Option<String>) -> anyhow::Result<String> {
    if let Some(key) = key {
        return Ok(key);
    }
    let open = incidents.list(true, SHOWN).await.map_err(spoken)?;
    match open.as_slice() {
        [one] => Ok(one.key.clone()),
        [] => anyhow::bail!("no incident is open; `firstline inc declare ...` begins one."),
        several => {
            let keys: Vec<&str> = several.iter().map(|one| one.key.as_str()).collect();
            anyhow::bail!("which incident? Put its key before the verb: {}.", keys.join(", "))
        }
    }
}

async fn about(incidents: &Incidents<'_>, key: &str, what: What, json: bool) -> anyhow::Result<()> {
    let seen = async || incidents.seen(key).await.map_err(spoken);
    match what {
        What::Do(verb) => {
            show(incidents, &incidents.act(key, None, verb).await.map_err(spoken)?, json).await
        }
        What::MergeInto { key: into } => {
            show(incidents, &incidents.merge(key, &into).await.map_err(spoken)?, json).await
        }
        What::Unmerge => {
            show(incidents, &incidents.unmerge(key).await.map_err(spoken)?, json).await
        }
        What::Show => show(incidents, &seen().await?, json).await,
        What::Who => who(incidents, &seen().await?, json).await,
        What::Tasks => tasks(incidents, &seen().await?, json).await,
        What::Timeline => timeline(incidents, &seen().await?, json).await,
        What::Summary => summary(incidents, &seen().await?, json).await,
    }
}

async fn list(incidents: &Incidents<'_>, as_json: bool) -> anyhow::Result<()> {
    let open = incidents.list(true, SHOWN).await.map_err(spoken)?;
    if as_json {
        return open.iter().try_for_each(output::json);
    }
    if open.is_empty() {
        return output::text("No incident is open.");
    }
    let names = names(incidents).await?;
    let row = |incident: &Incident| {
        let state = &incident.state;
        vec![
            incident.key.clone(),
            state.severity.to_string(),
            state.status.to_string(),
            state.commander().map_or("-".to_owned(), &names),
            output::time(incident.created_at),
            marked(state),
        ]
    };
    let rows: Vec<Vec<String>> = open.iter().map(row).collect();
    output::table(&["key", "sev", "status", "commander", "declared", "title"], &rows)
}

/// The title, with what must not be overlooked.
fn marked(state: &State) -> String {
    let drill = if state.drill { "[drill] " } else { "" };
    let private = if state.private { "[private] " } else { "" };
    format!("{drill}{private}{}", state.title)
}

async fn show(incidents: &Incidents<'_>, incident: &Incident, as_json: bool) -> anyhow::Result<()> {
    if as_json {
        return output::json(incident);
    }
    let names = names(incidents).await?;
    let state = &incident.state;
    let mut text = format!("{}  {}\n\n", incident.key, output::one_line(&marked(state)));
    let or_dash = |text: Option<&str>| text.map_or("-".to_owned(), output::one_line);
    let mut lines = vec![
        ("Severity".to_owned(), state.severity.to_string()),
        ("Status".to_owned(), state.status.to_string()),
        ("System".to_owned(), or_dash(state.system.as_deref())),
        ("Impact".to_owned(), or_dash(Some(state.impact.as_str()).filter(|it| !it.is_empty()))),
    ];
    if let Some(into) = &state.merged_into {
        lines.push(("Goes on in".to_owned(), into.clone()));
    }
    lines.extend(state.roles.iter().map(|(role, who)| (capital(role.as_str()), names(who))));
    if let Some((to, since)) = &state.offer {
        let offered = format!("{}, since {}", names(to), output::time(*since));
        lines.push(("Offered to".to_owned(), offered));
    }
    let moment = |(stamp, at): (&Stamp, &i64)| (capital(words::moment(*stamp)), output::time(*at));
    lines.extend(state.stamps.iter().map(moment));
    lines.push(("Open tasks".to_owned(), state.open_tasks().count().to_string()));
    for (label, value) in lines {
        text.push_str(&format!("{label:<15} {value}\n"));
    }
    output::text(&text)
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

async fn who(incidents: &Incidents<'_>, incident: &Incident, as_json: bool) -> anyhow::Result<()> {
    let state = &incident.state;
    if as_json {
        return output::json(&json!({ "roles": state.roles, "people": state.people }));
    }
    let names = names(incidents).await?;
    let does = |email: &String| {
        let roles = state.roles.iter().filter(|(_, who)| *who == email);
        let roles: Vec<&str> = roles.map(|(role, _)| role.as_str()).collect();
        vec![names(email), email.clone(), roles.join(", ")]
    };
    let rows: Vec<Vec<String>> = state.people.iter().map(does).collect();
    output::table(&["name", "address", "role"], &rows)
}

async fn tasks(
    incidents: &Incidents<'_>,
    incident: &Incident,
    as_json: bool,
) -> anyhow::Result<()> {
    let tasks = &incident.state.tasks;
    if as_json {
        return tasks.iter().try_for_each(output::json);
    }
    if tasks.is_empty() {
        return output::text("There are no tasks.");
    }
    let names = names(incidents).await?;
    let rows: Vec<Vec<String>> = tasks
        .iter()
        .map(|task| {
            let state = match task.state {
                TaskState::Open => "open",
                TaskState::Done => "done",
                TaskState::Dropped => "dropped",
            };
            let kind = if task.follow_up { "follow-up" } else { "task" };
            vec![
                task.id.to_string(),
                kind.to_owned(),
                state.to_owned(),
                task.owner.as_deref().map_or("-".to_owned(), &names),
                task.due.map_or("-".to_owned(), output::time),
                task.text.clone(),
            ]
        })
        .collect();
    output::table(&["no", "kind", "state", "owner", "due", "what"], &rows)
}

async fn timeline(
    incidents: &Incidents<'_>,
    incident: &Incident,
    as_json: bool,
) -> anyhow::Result<()> {
    let entries = incidents.timeline(incident).await.map_err(spoken)?;
    if as_json {
        return entries.iter().try_for_each(output::json);
    }
    let names = names(incidents).await?;
    let line = |Entry { seq, at, by, fact }: &Entry| {
        let by = if by.is_empty() { "Firstline".to_owned() } else { names(by) };
        let told = output::one_line(&words::entry(fact, &names));
        format!("{seq:>4}  {}  {by}  {told}\n", output::time(*at))
    };
    output::text(&entries.iter().map(line).collect::<String>())
}

async fn summary(
    incidents: &Incidents<'_>,
    incident: &Incident,
    as_json: bool,
) -> anyhow::Result<()> {
    let entries = incidents.timeline(incident).await.map_err(spoken)?;
    let names = names(incidents).await?;
    let sentences = words::summary(&incident.state, &entries, &names);
    if as_json {
        return sentences
            .iter()
            .try_for_each(|it| output::json(&json!({ "text": it.text, "cites": it.cites })));
    }
    let line = |it: &words::Sentence| {
        let cites: String = it.cites.iter().map(|seq| format!(" [{seq}]")).collect();
        format!("{}{cites}\n", output::one_line(&it.text))
    };
    output::text(&sentences.iter().map(line).collect::<String>())
}

/// From an address to the name people know.
async fn names(incidents: &Incidents<'_>) -> anyhow::Result<impl Fn(&str) -> String + use<>> {
    let people = incidents.store.people().await?;
    let names: HashMap<String, String> =
        people.into_iter().map(|person| (person.email, person.name)).collect();
    Ok(move |email: &str| names.get(email).cloned().unwrap_or_else(|| email.to_owned()))
}

fn menu() -> String {
    let lines: String = verb::usages().map(|usage| format!("  {usage}\n")).collect();
    format!("What can be done, after `firstline inc` and, if several are open, a key:\n\n{lines}")
}

fn with_help(sentence: &str) -> String {
    format!("{sentence} `firstline inc` lists what can be done.")
}

fn spoken(refusal: Refusal) -> anyhow::Error {
    match refusal {
        Refusal::NotFound => {
            anyhow::anyhow!("There is no such incident; `firstline inc list` shows the open ones.")
        }
        other => other.into(),
    }
}
