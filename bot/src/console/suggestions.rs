//! `/suggestions`, for support owners: what the bot would have said in channels where it only
//! suggests, to be posted or dismissed.

use axum::extract::{Path, State};
use axum::response::{Html, Redirect};
use firstline_core::chat::Message;
use minijinja::context;
use serde::Serialize;

use super::Web;
use super::chat_view::{MessageView, Views, WITHHELD};
use super::fault::Fault;
use super::forms::{Asked, Fields, encode};
use super::links;
use super::page::{self, Stamp, stamp, val};
use super::session::SignedIn;
use crate::config::Mode;
use crate::flows::suggestion::{self, Refusal};
use crate::store::records::{
    Author, KEY_PLACEHOLDER, MessageRow, NewTicket, Role, Suggestion, SuggestionState, Viewer,
};

const PAGE: i64 = 30;
/// Stands for the key of a ticket that is not filed yet.
const NO_KEY: &str = "FL-…";

#[derive(Debug, Serialize)]
struct View {
    id: String,
    /// What changes when the draft does.
    version: i64,
    platform: String,
    channel: String,
    requester: String,
    initials: String,
    text: String,
    kind: &'static str,
    system: Option<String>,
    team: Option<String>,
    confidence: f64,
    at: Stamp,
    reply: MessageView,
    ticket: Option<TicketDraft>,
    /// Whether this person may post it.
    postable: bool,
    dismissable: bool,
    filed: Option<String>,
    decided_by: Option<String>,
    decided_at: Option<Stamp>,
}

/// A ticket that would be filed.
#[derive(Debug, Serialize)]
struct TicketDraft {
    kind: &'static str,
    priority: &'static str,
    summary: String,
    team: Option<String>,
}

impl From<&NewTicket> for TicketDraft {
    fn from(ticket: &NewTicket) -> Self {
        TicketDraft {
            kind: ticket.kind.as_str(),
            priority: ticket.priority.as_str(),
            summary: ticket.summary.clone(),
            team: ticket.team.clone(),
        }
    }
}

#[derive(Debug, Serialize)]
struct Tab {
    href: String,
    label: String,
    on: bool,
}

/// To everyone else the page does not exist.
fn owners_only(viewer: &Viewer) -> Result<(), Fault> {
    if viewer.is_admin() || viewer.is(Role::Owner) { Ok(()) } else { Err(Fault::not_found()) }
}

/// The tab beside the views over tickets, with how many wait: where a channel is of that mode, or
/// was.
pub(super) async fn tab(web: &Web, viewer: &Viewer) -> Result<Option<String>, Fault> {
    if owners_only(viewer).is_err() {
        return Ok(None);
    }
    let waiting = web.app.store.suggestion_count(viewer, SuggestionState::Waiting).await?;
    let suggests = web.app.config.channel.iter().any(|channel| channel.mode == Mode::Suggest);
    Ok((suggests || waiting > 0).then(|| counted("Suggestions", waiting)))
}

fn counted(label: &str, count: i64) -> String {
    format!("{label} ({count})")
}

/// Sentence for what a redirect says happened, and whether it is bad news.
fn said(word: &str) -> Option<(&'static str, bool)> {
    Some(match word {
        "posted" => ("Posted into the thread.", false),
        "dismissed" => ("Dismissed. Nothing is said.", false),
        "overtaken" => ("Somebody has replied in the meantime, so it was not posted.", true),
        "changed" => {
            ("It was decided on already, or the request has changed. Look at it again.", true)
        }
        "closed" => (
            "An article it rests on is gone, or no longer open to everyone in the channel, so it was not posted.",
            true,
        ),
        _ => return None,
    })
}

pub(super) async fn list(
    State(web): State<Web>,
    signed: SignedIn,
    Asked(asked): Asked,
) -> Result<Html<String>, Fault> {
    owners_only(&signed.viewer)?;
    let store = &web.app.store;
    let state = SuggestionState::parse(asked.get("state")).unwrap_or(SuggestionState::Waiting);
    let after = asked.some("after");
    let mut found = store.suggestions(&signed.viewer, state, after, PAGE + 1).await?;
    let more = found.len() as i64 > PAGE;
    found.truncate(PAGE as usize);
    let next = found.last().filter(|_| more).map(|last| {
        format!("/suggestions?state={}&after={}", state.as_str(), encode(&last.request_id))
    });
    let mut tabs = Vec::new();
    for one in SuggestionState::ALL {
        let label = match one {
            SuggestionState::Waiting => "Waiting",
            SuggestionState::Overtaken => "Overtaken",
            SuggestionState::Posted => "Posted",
            SuggestionState::Dismissed => "Dismissed",
        };
        let count = store.suggestion_count(&signed.viewer, one).await?;
        let href = format!("/suggestions?state={}", one.as_str());
        tabs.push(Tab { href, label: counted(label, count), on: one == state });
    }
    let name = page::namer(store.people().await?);
    let mut views = Views::new(&web, &signed.viewer);
    let mut shown = Vec::new();
    for suggestion in found {
        if let Some(view) = view(&web, &signed.viewer, &mut views, suggestion, &name).await? {
            shown.push(view);
        }
    }
    let flash = said(asked.get("said"));
    let values = context! {
        suggestions => val(shown),
        state => state.as_str(),
        tabs => val(tabs),
        next,
        flash => flash.map(|f| f.0),
        flash_bad => flash.is_some_and(|f| f.1),
    };
    page::page(&web, &signed, "suggestions.html", "tickets", values).await
}

/// A suggestion as it is decided on; `None` when its conversation is gone.
async fn view(
    web: &Web,
    viewer: &Viewer,
    views: &mut Views<'_>,
    suggestion: Suggestion,
    name: &impl Fn(&str) -> String,
) -> Result<Option<View>, Fault> {
    let store = &web.app.store;
    let Some(conversation) = store.conversation(&suggestion.conversation_id).await? else {
        return Ok(None);
    };
    let readable =
        suggestion::readable(&web.app, viewer, &suggestion).await.map_err(Fault::inside)?;
    let now = web.app.clock.now();
    let says = &suggestion.draft.says;
    let body = match readable {
        true => Message {
            text: says.text.replace(KEY_PLACEHOLDER, NO_KEY),
            citations: says.citations.clone(),
            request_id: Some(suggestion.request_id.clone()),
            ..Message::default()
        },
        false => Message { text: WITHHELD.to_owned(), ..Message::default() },
    };
    let row = MessageRow {
        id: suggestion.request_id.clone(),
        conversation_id: suggestion.conversation_id.clone(),
        seq: 0,
        author: Author::Bot,
        email: String::new(),
        name: String::new(),
        body,
        request_id: None,
        created_at: suggestion.version,
        sent_at: None,
        attachments: Vec::new(),
    };
    let waits = suggestion.state == SuggestionState::Waiting;
    let requester = name(&suggestion.requester);
    Ok(Some(View {
        id: suggestion.request_id,
        version: suggestion.version,
        platform: links::platform(conversation.platform.as_str()),
        channel: conversation.channel.clone(),
        initials: page::initials(&requester),
        requester,
        text: suggestion.text,
        kind: suggestion.kind.map_or("question", |kind| kind.as_str()),
        system: suggestion.system,
        team: suggestion.team,
        confidence: suggestion.confidence,
        at: stamp(suggestion.received_at, now),
        reply: views.message(&conversation, &row).await?,
        ticket: suggestion.draft.ticket.as_ref().map(TicketDraft::from),
        postable: waits && readable,
        dismissable: waits || suggestion.state == SuggestionState::Overtaken,
        filed: suggestion.ticket_key,
        decided_by: suggestion.decided_by.as_deref().map(name),
        decided_at: suggestion.decided_at.map(|at| stamp(at, now)),
    }))
}

/// Back to the list the suggestion stood in, with what became of it.
fn done(outcome: Result<(), Refusal>, well: &str, fields: &Fields) -> Result<Redirect, Fault> {
    let said = match outcome {
        Ok(()) => well,
        Err(Refusal::NotFound) => return Err(Fault::not_found()),
        Err(Refusal::Overtaken) => "overtaken",
        Err(Refusal::Changed) => "changed",
        Err(Refusal::Closed) => "closed",
        Err(Refusal::Unavailable(error)) => return Err(Fault::inside(format!("{error:#}"))),
    };
    let state =
        fields.some("state").map_or_else(String::new, |it| format!("state={}&", encode(it)));
    Ok(Redirect::to(&format!("/suggestions?{state}said={said}")))
}

pub(super) async fn post(
    State(web): State<Web>,
    signed: SignedIn,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Redirect, Fault> {
    owners_only(&signed.viewer)?;
    let version = fields.get("version").parse().unwrap_or(0);
    done(suggestion::post(&web.app, &signed.viewer, &id, version).await, "posted", &fields)
}

pub(super) async fn dismiss(
    State(web): State<Web>,
    signed: SignedIn,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Redirect, Fault> {
    owners_only(&signed.viewer)?;
    done(suggestion::dismiss(&web.app, &signed.viewer, &id).await, "dismissed", &fields)
}
