//! `/`: conversations, sending, the buttons under an answer and the ticket form.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use firstline_core::chat::{Platform, TicketForm, Verdict};
use firstline_core::text;
use firstline_core::ticket::{Kind, fields_of};
use firstline_core::triage::redact::redact;
use firstline_core::words::is_time_zone;
use minijinja::context;
use serde::Serialize;
use serde_json::json;

use super::Web;
use super::chat_view::{Done, Views, actions};
use super::fault::Fault;
use super::forms::{Asked, Fields};
use super::page::{self, FormView, Stamp, stamp, val};
use super::session::SignedIn;
use crate::accept::{self, Say};
use crate::prefill;
use crate::store::new_id;
use crate::store::records::{Author, ConversationRow, MessageRow, RequestState, Viewer};

/// Conversations in the list, and messages of one shown at first.
const CONVERSATIONS: i64 = 60;
const MESSAGES: i64 = 400;
/// Characters of a conversation's name.
const TITLE: usize = 120;

#[derive(Debug, Serialize)]
struct ConversationView {
    id: String,
    title: String,
    at: Stamp,
    handed_over: bool,
}

async fn conversations(web: &Web, viewer: &Viewer) -> Result<Vec<ConversationView>, Fault> {
    let now = web.app.clock.now();
    let rows = web.app.store.conversations_of(&viewer.email, CONVERSATIONS).await?;
    // Those of a chat platform go on there.
    let here = rows.into_iter().filter(|row| !row.platform.is_foreign());
    Ok(here
        .map(|row| ConversationView {
            title: title(&row),
            at: stamp(row.updated_at, now),
            handed_over: row.handed_over,
            id: row.id,
        })
        .collect())
}

fn title(row: &ConversationRow) -> String {
    if row.title.trim().is_empty() { "New conversation".to_owned() } else { row.title.clone() }
}

/// The conversation, if it is this person's own.
pub(super) async fn own(web: &Web, viewer: &Viewer, id: &str) -> Result<ConversationRow, Fault> {
    let row = web.app.store.conversation(id).await?;
    row.filter(|row| row.requester == viewer.email).ok_or_else(Fault::not_found)
}

/// The request still being worked on, if the last thing said was the requester's.
async fn waiting(web: &Web, messages: &[MessageRow]) -> Result<Option<String>, Fault> {
    let Some(last) = messages.last().filter(|m| m.author == Author::Requester) else {
        return Ok(None);
    };
    let Some(id) = &last.request_id else { return Ok(None) };
    let open = web.app.store.request(id).await?.is_some_and(|r| r.state == RequestState::Accepted);
    Ok(open.then(|| id.clone()))
}

pub(super) async fn home(State(web): State<Web>, signed: SignedIn) -> Result<Html<String>, Fault> {
    let values = context! {
        longest => text::MAX_CHARS,
        conversations => val(conversations(&web, &signed.viewer).await?),
        examples => val(super::examples::for_start(&web)),
        event_id => new_id(),
        last_seq => 0,
    };
    page::page(&web, &signed, "chat.html", "chat", values).await
}

pub(super) async fn show(
    State(web): State<Web>,
    signed: SignedIn,
    Path(id): Path<String>,
    Asked(asked): Asked,
) -> Result<Html<String>, Fault> {
    let conversation = own(&web, &signed.viewer, &id).await?;
    let rows = web.app.store.messages(&id, 0, MESSAGES).await?;
    let mut views = Views::new(&web, &signed.viewer);
    let messages = views.all(&conversation, &rows).await?;
    let form = match asked.some("form") {
        Some(request) => Some(prefilled(&web, &signed, &conversation, request, None).await?),
        None => None,
    };
    // Once a person has taken over, the bot stays silent.
    let waiting = if conversation.handed_over { None } else { waiting(&web, &rows).await? };
    let values = context! {
        longest => text::MAX_CHARS,
        conversations => val(conversations(&web, &signed.viewer).await?),
        current => id,
        title => title(&conversation),
        messages => val(messages),
        form => val(form),
        waiting,
        last_seq => rows.last().map_or(0, |m| m.seq),
        event_id => new_id(),
    };
    page::page(&web, &signed, "chat.html", "chat", values).await
}

/// The list of conversations alone, for refreshing it in place.
pub(super) async fn list(
    State(web): State<Web>,
    signed: SignedIn,
    Asked(asked): Asked,
) -> Result<Html<String>, Fault> {
    let values = context! {
        conversations => val(conversations(&web, &signed.viewer).await?),
        current => asked.get("current"),
    };
    page::fragment("side.html", values).map(Html)
}

fn wants_json(headers: &HeaderMap) -> bool {
    headers
        .get(header::ACCEPT)
        .and_then(|v| v.to_str().ok())
        .is_some_and(|accept| accept.contains("application/json"))
}

fn event_id(fields: &Fields) -> String {
    fields.some("event_id").map_or_else(new_id, str::to_owned)
}

pub(super) async fn say(
    State(web): State<Web>,
    signed: SignedIn,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, Fault> {
    let mut viewer = signed.viewer;
    // As the browser tells it.
    let zone = fields.some("time_zone").filter(|name| is_time_zone(name));
    if let Some(zone) = zone.filter(|zone| viewer.time_zone.as_deref() != Some(*zone)) {
        web.app.store.set_time_zone(&viewer.email, zone).await?;
        viewer.time_zone = Some(zone.to_owned());
    }
    let say = Say {
        conversation: fields.some("conversation").map(str::to_owned),
        text: fields.get("text").to_owned(),
        attachments: fields.all("attachment"),
        event_id: event_id(&fields),
        platform: Platform::Web,
        key: None,
    };
    let accepted = accept::say(&web.app, &viewer, say).await?;
    if !wants_json(&headers) {
        return Ok(Redirect::to(&format!("/chat/{}", accepted.conversation_id)).into_response());
    }
    let body = json!({
        "conversation_id": accepted.conversation_id,
        "request_id": accepted.request_id,
    });
    Ok((StatusCode::ACCEPTED, Json(body)).into_response())
}

/// What a script gets (the new row of buttons) or a plain form (the page again).
fn pressed(
    headers: &HeaderMap,
    signed: &SignedIn,
    conversation: &str,
    request: &str,
    done: Done,
    buttons: &[&str],
) -> Result<Response, Fault> {
    if !wants_json(headers) {
        return Ok(Redirect::to(&format!("/chat/{conversation}")).into_response());
    }
    let html = actions(conversation, request, &signed.session.csrf, done, buttons)?;
    Ok(Json(json!({ "html": html })).into_response())
}

/// Gives an own conversation another name.
pub(super) async fn rename(
    State(web): State<Web>,
    signed: SignedIn,
    Path(id): Path<String>,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, Fault> {
    own(&web, &signed.viewer, &id).await?;
    let words: Vec<&str> = fields.get("title").split_whitespace().collect();
    let title = text::clean(&words.join(" "), TITLE).text;
    let title = redact(title.trim(), &web.app.redact_options).text;
    if title.is_empty() {
        return Err(Fault::invalid("Give the conversation a name."));
    }
    web.app.store.rename_conversation(&id, &title).await?;
    if wants_json(&headers) {
        return Ok(Json(json!({ "title": title })).into_response());
    }
    Ok(Redirect::to(&format!("/chat/{id}")).into_response())
}

/// What can still be pressed where nothing is solved yet.
fn unsolved(conversation: &ConversationRow) -> &'static [&'static str] {
    if conversation.handed_over { &["file_ticket"] } else { &["file_ticket", "talk_to_person"] }
}

pub(super) async fn feedback(
    State(web): State<Web>,
    signed: SignedIn,
    Path(id): Path<String>,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, Fault> {
    let conversation = own(&web, &signed.viewer, &id).await?;
    let (verdict, left): (_, &[&str]) = match fields.get("verdict") {
        "solved" => (Verdict::Solved, &[]),
        "not_helpful" => (Verdict::NotHelpful, unsolved(&conversation)),
        _ => return Err(Fault::invalid("Say whether it solved it or was not helpful.")),
    };
    let request = fields.get("request_id");
    accept::feedback(&web.app, &signed.viewer, request, verdict, event_id(&fields)).await?;
    pressed(&headers, &signed, &id, request, Done::verdict(verdict), left)
}

pub(super) async fn person(
    State(web): State<Web>,
    signed: SignedIn,
    Path(id): Path<String>,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, Fault> {
    let request = fields.some("request_id").map(str::to_owned);
    let shown = request.clone().unwrap_or_default();
    accept::talk_to_person(&web.app, &signed.viewer, &id, request, event_id(&fields)).await?;
    pressed(&headers, &signed, &id, &shown, Done::person(), &[])
}

/// Follows the ticket an own answer tells of.
pub(super) async fn follow(
    State(web): State<Web>,
    signed: SignedIn,
    Path(id): Path<String>,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, Fault> {
    let conversation = own(&web, &signed.viewer, &id).await?;
    let request = fields.get("request_id");
    accept::follow(&web.app, &signed.viewer, request, event_id(&fields)).await?;
    pressed(&headers, &signed, &id, request, Done::followed(), unsolved(&conversation))
}

/// The form for a request, filled from what was understood of it.
async fn prefilled(
    web: &Web,
    signed: &SignedIn,
    conversation: &ConversationRow,
    request_id: &str,
    kind: Option<Kind>,
) -> Result<FormView, Fault> {
    let (request, form) = prefill::form(&web.app, &signed.viewer.email, request_id, kind).await?;
    let request = request.filter(|r| r.conversation_id == conversation.id);
    let form = if request.is_some() { form } else { TicketForm { kind, ..TicketForm::default() } };
    Ok(FormView::of(web, &conversation.id, request.as_ref().map(|r| r.id.as_str()), &form))
}

/// `GET /chat/{id}/form?request=ID&kind=KIND`: the form alone.
pub(super) async fn form(
    State(web): State<Web>,
    signed: SignedIn,
    Path(id): Path<String>,
    Asked(asked): Asked,
) -> Result<Html<String>, Fault> {
    let conversation = own(&web, &signed.viewer, &id).await?;
    let kind = Kind::parse(asked.get("kind"));
    let form = prefilled(&web, &signed, &conversation, asked.get("request"), kind).await?;
    let values = context! { csrf => signed.session.csrf, form => val(form) };
    page::fragment("ticket_form.html", values).map(Html)
}

pub(super) async fn ticket(
    State(web): State<Web>,
    signed: SignedIn,
    Path(id): Path<String>,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, Fault> {
    let kind = Kind::parse(fields.get("kind")).filter(|k| *k != Kind::None);
    let kind = kind.ok_or_else(|| Fault::invalid("Choose what the ticket is about."))?;
    let summary = fields.some("summary");
    let summary = summary.ok_or_else(|| Fault::invalid("Say in one line what it is about."))?;
    let system = fields.some("system").filter(|name| web.app.system(Some(name)).is_some());
    let values = fields_of(kind).iter().filter_map(|f| {
        let value = fields.some(&format!("field.{}", f.name))?;
        Some((f.name.to_owned(), value.to_owned()))
    });
    let form = TicketForm {
        kind: Some(kind),
        system: system.map(str::to_owned),
        summary: summary.to_owned(),
        fields: values.collect(),
    };
    let request = fields.some("request_id").map(str::to_owned);
    let event = event_id(&fields);
    let accepted = accept::file_ticket(&web.app, &signed.viewer, &id, request, form, event).await?;
    if wants_json(&headers) {
        return Ok((StatusCode::ACCEPTED, Json(json!({ "request_id": accepted.request_id })))
            .into_response());
    }
    Ok(Redirect::to(&format!("/chat/{id}")).into_response())
}
