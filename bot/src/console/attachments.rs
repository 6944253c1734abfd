//! Files and screenshots: taken one at a time, given back only to those who may see
//! their conversation or ticket.

use axum::Json;
use axum::extract::{Multipart, Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::Web;
use super::fault::Fault;
use super::forms::encode;
use super::session::SignedIn;
use crate::files::{LIMIT, clean_name, is_safe_image, sniff};
use crate::store::records::{AttachmentFull, Viewer};

pub(super) async fn upload(
    State(web): State<Web>,
    signed: SignedIn,
    mut form: Multipart,
) -> Result<Response, Fault> {
    let too_large = || {
        Fault::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "The file is larger than 10 MB. Please attach a smaller one.",
        )
    };
    let unreadable = |error: axum::extract::multipart::MultipartError| {
        if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
            too_large()
        } else {
            Fault::invalid("The upload could not be read. Please try again.")
        }
    };
    while let Some(field) = form.next_field().await.map_err(unreadable)? {
        if field.name() != Some("file") {
            continue;
        }
        let name = clean_name(field.file_name().unwrap_or_default());
        let bytes = field.bytes().await.map_err(unreadable)?;
        if bytes.len() > LIMIT {
            return Err(too_large());
        }
        if bytes.is_empty() {
            return Err(Fault::invalid("The file is empty."));
        }
        let now = web.app.clock.now();
        let row = web
            .app
            .store
            .put_attachment(&signed.viewer.email, None, &name, sniff(&bytes), &bytes, now)
            .await?;
        let body = json!({ "id": row.id, "name": row.name, "size": row.size });
        return Ok((StatusCode::CREATED, Json(body)).into_response());
    }
    Err(Fault::invalid("Choose a file to attach."))
}

/// Its sender, the conversation's requester, and whoever may see a ticket it is part of.
async fn may_open(web: &Web, viewer: &Viewer, file: &AttachmentFull) -> Result<bool, Fault> {
    let store = &web.app.store;
    if file.email == viewer.email {
        return Ok(true);
    }
    if let Some(key) = &file.ticket_key
        && store.visible_ticket(key, viewer).await?.is_some()
    {
        return Ok(true);
    }
    let Some(id) = &file.conversation_id else { return Ok(false) };
    if store.conversation(id).await?.is_some_and(|c| c.requester == viewer.email) {
        return Ok(true);
    }
    let messages = store.messages(id, 0, 1000).await?;
    let carrier = messages.iter().find(|m| m.attachments.iter().any(|a| a.id == file.row.id));
    if let Some(request) = carrier.and_then(|m| m.request_id.as_ref())
        && let Some(key) = store.request(request).await?.and_then(|r| r.ticket_key)
    {
        // It is part of this ticket, whatever else the conversation led to.
        return Ok(store.visible_ticket(&key, viewer).await?.is_some());
    }
    for key in messages.iter().filter_map(|m| m.body.ticket.as_ref()) {
        if store.visible_ticket(key, viewer).await?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

pub(super) async fn download(
    State(web): State<Web>,
    signed: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    let file = web.app.store.attachment(&id).await?.ok_or_else(Fault::not_found)?;
    if !may_open(&web, &signed.viewer, &file).await? {
        return Err(Fault::not_found());
    }
    let image = is_safe_image(&file.row.mime);
    let kind = if image { file.row.mime.as_str() } else { "application/octet-stream" };
    let how = if image { "inline" } else { "attachment" };
    let disposition = format!("{how}; filename*=UTF-8''{}", encode(&file.row.name));
    let value = |text: &str| HeaderValue::from_str(text).map_err(Fault::inside);
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, value(kind)?);
    headers.insert(header::CONTENT_DISPOSITION, value(&disposition)?);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=3600"));
    Ok((headers, file.bytes).into_response())
}
