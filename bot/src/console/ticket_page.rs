//! `/tickets/{key}`: one ticket, and everything a person can do to it.

use axum::extract::{Path, State};
use axum::response::{Html, Redirect};
use firstline_core::ticket::{Impact, Kind, Priority, Status, Urgency};
use minijinja::{Value, context};
use serde::Serialize;

use super::Web;
use super::articles::may_read;
use super::chat_view::{FileView, WITHHELD};
use super::fault::Fault;
use super::forms::{Asked, Fields, encode};
use super::page::{self, Stamp, TicketView, field_views, stamp, val};
use super::render;
use super::session::SignedIn;
use super::ticket_events::Sight;
use super::tickets::{assignees, kinds, systems, teams, words};
use crate::flows::ticket as flow;
use crate::store::records::{
    PassageSeen, Ticket, TicketEvent, TicketEventRow, TicketFilter, TicketOrder, TicketPatch,
    Unsent,
};

/// Sentence for what a redirect says happened, and whether it is bad news. A closed list:
/// an address cannot put words into the page.
pub(super) fn said(word: &str) -> Option<(&'static str, bool)> {
    Some(match word {
        "changed" => ("Changed. The bot takes it into account from the next message on.", false),
        "moved" => ("Changed. The requester is told.", false),
        "replied" => ("Sent.", false),
        "noted" => ("Noted. Only the team sees it.", false),
        "merged" => ("Merged. Its requester now follows the other ticket.", false),
        "unmerged" => ("Unmerged.", false),
        "reviewed" => ("Reviewed. This is the next one.", false),
        "reopened" => ("Reopened. The team is back on it.", false),
        "followed" => ("You follow it. What becomes of it is told in your chat here.", false),
        "unfollowed" => ("You no longer follow it.", false),
        "stale" => {
            ("Someone else changed this ticket first. Look again, then repeat your change.", true)
        }
        _ => return None,
    })
}

#[derive(Debug, Serialize)]
struct EventView {
    actor: String,
    initials: String,
    what: String,
    text: Option<String>,
    internal: bool,
    at: Stamp,
}

fn event_view(row: TicketEventRow, name: &impl Fn(&str) -> String, now: i64) -> EventView {
    let plain =
        |v: &Option<String>| v.as_deref().map_or("none".to_owned(), |v| v.replace('_', " "));
    let (what, text) = match &row.event {
        TicketEvent::Filed => ("filed it".to_owned(), None),
        TicketEvent::Changed { field, from, to, .. } => {
            let field = field.replace('_', " ");
            (format!("changed {field} from {} to {}", plain(from), plain(to)), None)
        }
        TicketEvent::Comment { text } => ("wrote".to_owned(), Some(text.clone())),
        TicketEvent::Note { text } => ("noted".to_owned(), Some(text.clone())),
        TicketEvent::MergedInto { key } => (format!("merged it into {key}"), None),
        TicketEvent::Absorbed { key } => (format!("merged {key} into it"), None),
        TicketEvent::Unmerged { key } => (format!("took it apart from {key}"), None),
        TicketEvent::Attached { name } => (format!("attached {name}"), None),
        TicketEvent::Reviewed => ("reviewed it".to_owned(), None),
    };
    let actor = name(&row.actor);
    EventView {
        initials: page::initials(&actor),
        actor,
        what,
        text,
        internal: row.internal,
        at: stamp(row.at, now),
    }
}

#[derive(Debug, Serialize)]
struct ReadingView {
    engine: String,
    chosen: bool,
    kind: Option<&'static str>,
    confidence: i64,
    failure: Option<String>,
    ms: i64,
    tokens: i64,
}

/// What was composed and kept back.
#[derive(Debug, Serialize)]
struct UnsentView {
    html: Value,
    because: String,
}

impl UnsentView {
    fn of(unsent: Unsent) -> Self {
        let html = Value::from_safe_string(render::message(&unsent.text, &[]));
        UnsentView { html, because: unsent.because }
    }
}

#[derive(Debug, Serialize)]
struct Why {
    confidence: i64,
    reasons: Vec<String>,
    unsent: Vec<UnsentView>,
    passages: Vec<PassageSeen>,
    readings: Vec<ReadingView>,
}

/// Passages shown beside the reasons.
const PASSAGES: usize = 8;

fn percent(share: f64) -> i64 {
    (share * 100.0).round() as i64
}

async fn why(web: &Web, signed: &SignedIn, ticket: &Ticket) -> Result<Option<Why>, Fault> {
    let store = &web.app.store;
    let Some(id) = &ticket.request_id else { return Ok(None) };
    let Some(request) = store.request(id).await? else { return Ok(None) };
    let explanation = request.decision;
    let mut passages = Vec::new();
    let mut all_readable = true;
    for seen in explanation.iter().flat_map(|e| e.passages.iter()) {
        // The requester may have read what this reviewer may not.
        let readable = store
            .document(&seen.document_id)
            .await?
            .is_some_and(|(document, _, _)| may_read(&signed.viewer, &document));
        all_readable &= readable;
        let listed = passages
            .iter()
            .any(|p: &PassageSeen| p.document_id == seen.document_id && p.heading == seen.heading);
        if readable && !listed && passages.len() < PASSAGES {
            passages.push(seen.clone());
        }
    }
    let readings = store.assessments(id).await?.into_iter().map(|a| ReadingView {
        engine: a.engine,
        chosen: a.chosen,
        kind: a.result.as_ref().map(|r| r.kind.as_str()),
        confidence: percent(a.result.as_ref().map_or(0.0, |r| r.confidence)),
        failure: a.failure,
        ms: a.duration_ms,
        tokens: a.tokens_in + a.tokens_out,
    });
    let (reasons, mut unsent) =
        explanation.map(|e| (e.decision.reasons, e.unsent)).unwrap_or_default();
    if !all_readable {
        // Nothing says which of the passages it is from.
        unsent.iter_mut().for_each(|u| u.text = WITHHELD.to_owned());
    }
    Ok(Some(Why {
        confidence: percent(ticket.confidence),
        reasons,
        unsent: unsent.into_iter().map(UnsentView::of).collect(),
        passages,
        readings: readings.collect(),
    }))
}

#[derive(Debug, Serialize)]
struct SimilarView {
    key: String,
    summary: String,
    status: &'static str,
    percent: i64,
}

/// The most similar tickets this viewer may see.
async fn similar(web: &Web, signed: &SignedIn, ticket: &Ticket) -> Result<Vec<SimilarView>, Fault> {
    let stamps = web.app.store.stamps().await?;
    web.app.similar.catch_up(&web.app.store, &stamps).await.map_err(Fault::inside)?;
    let found = web.app.similar.search(&ticket.text, 7, &signed.viewer);
    let mut out = Vec::new();
    for near in found.into_iter().filter(|s| s.key != ticket.key && s.score > 0.15) {
        if let Some(t) = web.app.store.visible_ticket(&near.key, &signed.viewer).await? {
            out.push(SimilarView {
                key: t.key,
                summary: t.summary,
                status: t.status.as_str(),
                percent: percent(near.score),
            });
        }
    }
    out.truncate(5);
    Ok(out)
}

pub(super) async fn seen(web: &Web, signed: &SignedIn, key: &str) -> Result<Ticket, Fault> {
    let ticket = web.app.store.visible_ticket(key, &signed.viewer).await?;
    ticket.ok_or_else(Fault::not_found)
}

pub(super) async fn show(
    State(web): State<Web>,
    signed: SignedIn,
    Path(key): Path<String>,
    Asked(asked): Asked,
) -> Result<Html<String>, Fault> {
    let sight = Sight::of(&web, &signed.viewer, &key).await?.ok_or_else(Fault::not_found)?;
    let mark = sight.mark()?;
    let Sight { ticket, owns, events, messages } = sight;
    let store = &web.app.store;
    let now = web.app.clock.now();
    let name = page::namer(store.people().await?);
    let files = store.attachments_of_ticket(&key).await?;
    let flash = said(asked.get("said"));
    let next: Vec<&str> =
        Status::ALL.iter().filter(|s| ticket.status.may_become(**s)).map(|s| s.as_str()).collect();
    let (why, similar, assignees) = if owns {
        (
            why(&web, &signed, &ticket).await?,
            similar(&web, &signed, &ticket).await?,
            assignees(&web).await?,
        )
    } else {
        (None, Vec::new(), Vec::new())
    };
    let values = context! {
        live_mark => mark,
        t => val(TicketView::of(&ticket, now).named(&name)),
        owns,
        mine => ticket.requester == signed.viewer.email,
        followers => store.follower_count(&key).await?,
        follows => store.followed_by(&signed.viewer.email).await?.contains(&key),
        queue => asked.some("queue").is_some(),
        fields => val(field_views(ticket.kind, &ticket.fields)),
        files => val(files.iter().map(FileView::of).collect::<Vec<_>>()),
        messages => val(messages),
        events => val(events.into_iter().map(|e| event_view(e, &name, now)).collect::<Vec<_>>()),
        why => val(why),
        similar => val(similar),
        kinds => kinds(),
        priorities => words(Priority::ALL, Priority::as_str),
        next_statuses => next,
        systems => systems(&web),
        teams => teams(&web),
        assignees,
        flash => flash.map(|f| f.0),
        flash_bad => flash.is_some_and(|f| f.1),
    };
    page::page(&web, &signed, "ticket.html", "tickets", values).await
}

pub(super) fn back(key: &str, said: &str, queue: bool) -> Redirect {
    let queue = if queue { "&queue=1" } else { "" };
    Redirect::to(&format!("/tickets/{}?said={said}{queue}", encode(key)))
}

/// A field that, when sent, must be one of the list.
fn chosen<T>(
    fields: &Fields,
    name: &str,
    parse: fn(&str) -> Option<T>,
) -> Result<Option<T>, Fault> {
    match fields.given(name) {
        None => Ok(None),
        Some(word) => parse(word)
            .map(Some)
            .ok_or_else(|| Fault::invalid(format!("There is no {name} called \"{word}\"."))),
    }
}

pub(super) async fn change(
    State(web): State<Web>,
    signed: SignedIn,
    Path(key): Path<String>,
    Asked(asked): Asked,
    fields: Fields,
) -> Result<Redirect, Fault> {
    let text = |name: &str| fields.given(name).map(|v| v.trim().to_owned());
    let patch = TicketPatch {
        kind: chosen(&fields, "kind", Kind::parse)?,
        system: text("system"),
        team: text("team"),
        impact: chosen(&fields, "impact", Impact::parse)?,
        urgency: chosen(&fields, "urgency", Urgency::parse)?,
        priority: chosen(&fields, "priority", Priority::parse)?,
        status: chosen(&fields, "status", Status::parse)?,
        assignee: text("assignee"),
        summary: text("summary"),
        ..TicketPatch::default()
    };
    let teaches = patch.kind.is_some()
        || patch.system.is_some()
        || patch.team.is_some()
        || patch.priority.is_some();
    let queue = asked.some("queue").is_some();
    let version = fields.some("version").and_then(|v| v.parse().ok());
    match flow::patch(&web.app, &signed.viewer, &key, version, patch).await {
        Ok(_) => Ok(back(&key, if teaches { "changed" } else { "moved" }, queue)),
        Err(flow::Refusal::Stale(_)) => Ok(back(&key, "stale", queue)),
        Err(other) => Err(other.into()),
    }
}

pub(super) async fn comment(
    State(web): State<Web>,
    signed: SignedIn,
    Path(key): Path<String>,
    Asked(asked): Asked,
    fields: Fields,
) -> Result<Redirect, Fault> {
    let internal = fields.some("internal").is_some();
    let text = fields.some("text");
    let text = text.ok_or_else(|| Fault::invalid("Write something first."))?;
    flow::comment(&web.app, &signed.viewer, &key, text, internal).await?;
    Ok(back(&key, if internal { "noted" } else { "replied" }, asked.some("queue").is_some()))
}

pub(super) async fn merge(
    State(web): State<Web>,
    signed: SignedIn,
    Path(key): Path<String>,
    Asked(asked): Asked,
    fields: Fields,
) -> Result<Redirect, Fault> {
    let into = fields.some("into").map(str::to_uppercase);
    let into =
        into.ok_or_else(|| Fault::invalid("Name the ticket to merge into, such as FL-12."))?;
    // First of all the ticket itself: whoever may not see it learns nothing of any other.
    seen(&web, &signed, &key).await?;
    let known = web.app.store.visible_ticket(&into, &signed.viewer).await?;
    if known.is_none() {
        return Err(Fault::invalid(format!("There is no ticket {into} that you may see.")));
    }
    flow::merge(&web.app, &signed.viewer, &key, &into).await?;
    Ok(back(&key, "merged", asked.some("queue").is_some()))
}

pub(super) async fn unmerge(
    State(web): State<Web>,
    signed: SignedIn,
    Path(key): Path<String>,
    Asked(asked): Asked,
) -> Result<Redirect, Fault> {
    flow::unmerge(&web.app, &signed.viewer, &key).await?;
    Ok(back(&key, "unmerged", asked.some("queue").is_some()))
}

/// Marks as reviewed and leads to the next ticket of the queue.
pub(super) async fn review(
    State(web): State<Web>,
    signed: SignedIn,
    Path(key): Path<String>,
) -> Result<Redirect, Fault> {
    flow::mark_reviewed(&web.app, &signed.viewer, &key).await?;
    let queue = TicketFilter {
        open: Some(true),
        unreviewed: true,
        order: TicketOrder::LeastConfident,
        limit: Some(2),
        ..TicketFilter::default()
    };
    let next = web.app.store.tickets(&queue, &signed.viewer).await?;
    Ok(match next.items.into_iter().find(|t| t.key != key) {
        Some(next) => back(&next.key, "reviewed", true),
        None => Redirect::to("/tickets?order=least_confident&unreviewed=1&open=1"),
    })
}

pub(super) async fn reopen(
    State(web): State<Web>,
    signed: SignedIn,
    Path(key): Path<String>,
    fields: Fields,
) -> Result<Redirect, Fault> {
    let conversation = seen(&web, &signed, &key).await?.conversation_id;
    flow::reopen(&web.app, &signed.viewer, &key).await?;
    match (fields.get("back"), conversation) {
        ("/my", _) => return Ok(Redirect::to("/my?said=reopened")),
        ("/chat", Some(id)) => return Ok(Redirect::to(&format!("/chat/{id}"))),
        _ => {}
    }
    Ok(back(&key, "reopened", false))
}
