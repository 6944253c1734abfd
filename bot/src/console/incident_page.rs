//! `/incidents/{key}`: one incident, run from its page with the verbs of the command line.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{Html, IntoResponse, Redirect, Response};
use firstline_core::incident::verb::{self, Asked as Typed, What};
use firstline_core::incident::{Entry, Fact, Role, TaskState};
use firstline_core::words::incidents as words;
use minijinja::context;
use serde::Serialize;

use super::Web;
use super::fault::Fault;
use super::forms::{Asked, Fields};
use super::incidents::{moment, refused, severities};
use super::page::{self, Stamp, stamp, val};
use super::page_events::{self, Watched};
use super::session::SignedIn;
use crate::flows::incident::Refusal;
use crate::store::{Live, LiveKind};

#[derive(Debug, Serialize)]
struct Line {
    seq: u32,
    at: Stamp,
    by: String,
    initials: String,
    text: String,
    /// What it said before somebody corrected it.
    was: Option<String>,
    hidden: bool,
}

#[derive(Debug, Serialize)]
struct TaskView {
    id: u32,
    text: String,
    owner: Option<String>,
    due: Option<Stamp>,
    follow_up: bool,
    open: bool,
    state: &'static str,
}

#[derive(Debug, Serialize)]
struct RoleView {
    role: String,
    who: String,
}

#[derive(Debug, Serialize)]
struct MomentView {
    moment: String,
    at: Stamp,
}

/// What went wrong with what somebody typed, to be shown with it.
#[derive(Default)]
struct Trouble {
    said: String,
    typed: String,
}

pub(super) async fn show(
    State(web): State<Web>,
    signed: SignedIn,
    Path(key): Path<String>,
) -> Result<Html<String>, Fault> {
    render(&web, &signed, &key, Trouble::default()).await
}

async fn render(
    web: &Web,
    signed: &SignedIn,
    key: &str,
    trouble: Trouble,
) -> Result<Html<String>, Fault> {
    let incidents = web.app.incidents(&signed.viewer);
    let incident = incidents.seen(key).await.map_err(refused)?;
    let entries = incidents.timeline(&incident).await.map_err(refused)?;
    let people = web.app.store.people().await?;
    let everybody: Vec<(String, String)> = people
        .iter()
        .filter(|person| person.active)
        .map(|person| (person.email.clone(), person.name.clone()))
        .collect();
    let name = page::namer(people);
    let now = web.app.clock.now();
    let state = &incident.state;
    let summary: Vec<(String, Vec<u32>)> = words::summary(state, &entries, &name)
        .into_iter()
        .map(|sentence| (sentence.text, sentence.cites))
        .collect();
    let line = |entry: &Entry| {
        let by = if entry.by.is_empty() { "firstline" } else { &entry.by };
        let by = name(by);
        let told = words::entry(&entry.fact, &name);
        let later = |is: &dyn Fn(&Fact) -> bool| entries.iter().rfind(|it| is(&it.fact));
        let seq = entry.seq;
        let corrected =
            later(&|fact| matches!(fact, Fact::Corrected { seq: of, .. } if *of == seq));
        let hidden = later(&|fact| matches!(fact, Fact::Hidden { seq: of, .. } if *of == seq));
        let (text, was) = match corrected.map(|it| &it.fact) {
            Some(Fact::Corrected { text, .. }) => (text.clone(), Some(told)),
            _ => (told, None),
        };
        Line {
            seq,
            at: stamp(entry.at, now),
            initials: page::initials(&by),
            by,
            text,
            was,
            hidden: matches!(hidden.map(|it| &it.fact), Some(Fact::Hidden { hidden: true, .. })),
        }
    };
    let timeline: Vec<Line> = entries.iter().rev().map(line).collect();
    let tasks: Vec<TaskView> = state
        .tasks
        .iter()
        .map(|task| TaskView {
            id: task.id,
            text: task.text.clone(),
            owner: task.owner.as_deref().map(&name),
            due: task.due.map(|due| stamp(due, now)),
            follow_up: task.follow_up,
            open: task.state == TaskState::Open,
            state: match task.state {
                TaskState::Open => "open",
                TaskState::Done => "done",
                TaskState::Dropped => "dropped",
            },
        })
        .collect();
    let roles: Vec<RoleView> = state
        .roles
        .iter()
        .map(|(role, who)| RoleView { role: role.as_str().to_owned(), who: name(who) })
        .collect();
    let stamps = state.stamps.iter();
    let stamps: Vec<MomentView> = stamps
        .map(|(which, at)| MomentView { moment: moment(*which), at: stamp(*at, now) })
        .collect();
    let next: Vec<&str> = state.status.next().iter().map(|next| next.as_str()).collect();
    let offered = state.offer.as_ref().map(|(to, _)| name(to));
    let offered_to_me = state.offer.as_ref().is_some_and(|(to, _)| *to == signed.viewer.email);
    let values = context! {
        key => incident.key.clone(),
        title => state.title.clone(),
        severity => state.severity.as_str(),
        status => state.status.as_str(),
        system => state.system.clone(),
        impact => state.impact.clone(),
        private => state.private,
        drill => state.drill,
        merged_into => state.merged_into.clone(),
        live_mark => state.version,
        begun => val(stamp(incident.created_at, now)),
        active => state.status.is_active(),
        next, offered, offered_to_me,
        commander => state.commander().map(&name),
        roles => val(roles),
        known_roles => Role::KNOWN.iter().map(|(_, word)| *word).collect::<Vec<_>>(),
        everybody,
        stamps => val(stamps),
        tasks => val(tasks),
        summary,
        timeline => val(timeline),
        severities => val(severities()),
        usages => verb::usages().collect::<Vec<_>>(),
        trouble => trouble.said,
        typed => trouble.typed,
    };
    page::page(web, signed, "incident.html", "incidents", values).await
}

/// `POST /incidents/{key}/do`: a verb, what it needs, and a person, as one would type them.
pub(super) async fn act(
    State(web): State<Web>,
    signed: SignedIn,
    Path(key): Path<String>,
    fields: Fields,
) -> Result<Response, Fault> {
    let incidents = web.app.incidents(&signed.viewer);
    // Nobody learns from a typo whether there is such an incident.
    incidents.seen(&key).await.map_err(refused)?;
    let parts = ["verb", "text", "who"].map(|name| fields.get(name).trim());
    let typed = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
    let version = fields.some("version").and_then(|version| version.parse().ok());
    let here = |of: &Option<String>| of.as_ref().is_none_or(|of| *of == key);
    let done = match verb::read(&typed, web.app.clock.now()) {
        Err(misread) => Err(words::misread(&misread)),
        Ok(Typed::Menu) => Err("Type a verb, such as note or status.".to_owned()),
        Ok(Typed::List) => return Ok(Redirect::to("/incidents").into_response()),
        Ok(Typed::About { key: of, .. }) if !here(&of) => {
            let other = of.unwrap_or_default();
            Err(format!("This page is about {key}; {other} has a page of its own."))
        }
        Ok(Typed::Declare(declaration)) => {
            told(incidents.declare(declaration).await.map(|incident| incident.key))?
        }
        Ok(Typed::About { what: What::Do(verb), .. }) => {
            told(incidents.act(&key, version, verb).await.map(|_| key.clone()))?
        }
        Ok(Typed::About { what: What::MergeInto { key: into }, .. }) => {
            told(incidents.merge(&key, &into).await.map(|incident| incident.key))?
        }
        Ok(Typed::About { what: What::Unmerge, .. }) => {
            told(incidents.unmerge(&key).await.map(|incident| incident.key))?
        }
        // All of it is on the page.
        Ok(Typed::About { .. }) => Ok(key.clone()),
    };
    match done {
        Ok(key) => Ok(Redirect::to(&format!("/incidents/{key}")).into_response()),
        Err(said) => {
            Ok(render(&web, &signed, &key, Trouble { said, typed }).await?.into_response())
        }
    }
}

/// A refusal is told on the page, unless there is none.
fn told(done: Result<String, Refusal>) -> Result<Result<String, String>, Fault> {
    match done {
        Ok(key) => Ok(Ok(key)),
        Err(gone @ (Refusal::NotFound | Refusal::Unavailable(_))) => Err(refused(gone)),
        Err(refusal) => Ok(Err(refusal.to_string())),
    }
}

/// `GET /incidents/{key}/events?seen=VERSION`: from the page as it was at that version.
pub(super) async fn events(
    State(web): State<Web>,
    signed: SignedIn,
    Path(key): Path<String>,
    headers: HeaderMap,
    Asked(asked): Asked,
) -> Result<impl IntoResponse, Fault> {
    let live = web.app.store.live();
    web.app.incidents(&signed.viewer).seen(&key).await.map_err(refused)?;
    let page = Page { web, email: signed.viewer.email, key };
    Ok(page_events::stream(live, &headers, &asked, page).await)
}

struct Page {
    web: Web,
    email: String,
    key: String,
}

impl Watched for Page {
    fn concerns(&self, event: &Live) -> bool {
        matches!(&event.kind, LiveKind::Incident { key } if *key == self.key)
    }

    async fn mark(&mut self) -> Result<Option<String>, Fault> {
        let store = &self.web.app.store;
        let Some(viewer) = store.viewer(&self.email).await? else { return Ok(None) };
        let incident = store.incident(&self.key, Some(&viewer)).await?;
        Ok(incident.map(|incident| incident.state.version.to_string()))
    }
}
