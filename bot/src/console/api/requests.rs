//! Requests: taken up, looked at, judged.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use firstline_core::chat::{Platform, Verdict};

use super::super::Web;
use super::super::articles::may_read_cited;
use super::super::fault::Fault;
use super::super::session::ApiCaller;
use super::Body;
use super::wire::{AcceptedRequest, Feedback, NewRequest, RequestView};
use crate::accept::{self, Say};
use crate::store::new_id;
use crate::store::records::{RepeatKey, RequestRow, Viewer};

const SCOPE: &str = "requests";

/// Take up a request. It is answered in its own time: poll it or follow its events.
#[utoipa::path(
    post, path = "/api/v1/requests", tag = "requests", request_body = NewRequest,
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key with the same body makes one request, however often it is sent")),
    responses(
        (status = 202, description = "Accepted for good", body = AcceptedRequest),
        (status = 413, description = "The text is too long"),
        (status = 422, description = "Empty, or the key was used with another body"),
    ),
    security(("token" = ["requests"]))
)]
pub(crate) async fn create(
    State(web): State<Web>,
    caller: ApiCaller,
    headers: HeaderMap,
    body: Body<NewRequest>,
) -> Result<Response, Fault> {
    caller.needs(SCOPE)?;
    let key = match headers.get("idempotency-key") {
        None => None,
        Some(value) => {
            let text = value.to_str().ok().filter(|k| (1..=200).contains(&k.len()));
            Some(text.ok_or_else(|| {
                Fault::invalid("The Idempotency-Key must be 1 to 200 visible ASCII characters.")
            })?)
        }
    };
    let say = Say {
        conversation: body.value.conversation_id,
        text: body.value.text,
        attachments: Vec::new(),
        event_id: key.map_or_else(new_id, |key| format!("key:{key}")),
        platform: Platform::Api,
        key: key.map(|key| RepeatKey { key: key.to_owned(), body_hash: body.hash }),
    };
    let accepted = accept::say(&web.app, &caller.viewer, say).await?;
    let id = accepted.request_id.unwrap_or_default();
    let location = format!("/api/v1/requests/{id}");
    let made = AcceptedRequest {
        id,
        conversation_id: accepted.conversation_id,
        duplicate: accepted.duplicate,
    };
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, location)], Json(made)).into_response())
}

/// The request, if it is this person's or belongs to a ticket they may see.
pub(super) async fn seen(web: &Web, caller: &ApiCaller, id: &str) -> Result<RequestRow, Fault> {
    let row = web.app.store.request(id).await?.ok_or_else(Fault::not_found)?;
    if row.requester == caller.viewer.email {
        return Ok(row);
    }
    let visible = match &row.ticket_key {
        Some(key) => web.app.store.visible_ticket(key, &caller.viewer).await?.is_some(),
        None => false,
    };
    if visible { withheld(web, &caller.viewer, row).await } else { Err(Fault::not_found()) }
}

/// The request without an answer from articles that somebody else may not read.
pub(super) async fn withheld(
    web: &Web,
    viewer: &Viewer,
    mut row: RequestRow,
) -> Result<RequestRow, Fault> {
    let citations = row.answer.as_ref().map_or(&[][..], |answer| &answer.citations);
    if row.requester != viewer.email && !may_read_cited(web, viewer, Some(&row), citations).await? {
        row.answer = None;
    }
    Ok(row)
}

/// A request and what became of it.
#[utoipa::path(
    get, path = "/api/v1/requests/{id}", tag = "requests",
    params(("id" = String, Path,)),
    responses((status = 200, body = RequestView), (status = 404, description = "Not there, or not yours to see")),
    security(("token" = ["requests"]))
)]
pub(crate) async fn get(
    State(web): State<Web>,
    caller: ApiCaller,
    Path(id): Path<String>,
) -> Result<Json<RequestView>, Fault> {
    caller.needs(SCOPE)?;
    Ok(Json(seen(&web, &caller, &id).await?.into()))
}

/// Say whether the answer solved it.
#[utoipa::path(
    post, path = "/api/v1/requests/{id}/feedback", tag = "requests", request_body = Feedback,
    params(("id" = String, Path,)),
    responses((status = 202, description = "Noted"), (status = 404, description = "Not there, or not yours")),
    security(("token" = ["requests"]))
)]
pub(crate) async fn feedback(
    State(web): State<Web>,
    caller: ApiCaller,
    Path(id): Path<String>,
    body: Body<Feedback>,
) -> Result<StatusCode, Fault> {
    caller.needs(SCOPE)?;
    let verdict = [Verdict::Solved, Verdict::NotHelpful]
        .into_iter()
        .find(|v| v.as_str() == body.value.verdict)
        .ok_or_else(|| Fault::invalid("The verdict is `solved` or `not_helpful`."))?;
    let event = format!("{id}:{}", verdict.as_str());
    accept::feedback(&web.app, &caller.viewer, &id, verdict, event).await?;
    Ok(StatusCode::ACCEPTED)
}
