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
use crate::store::records::{AttachmentFull, Viewer};

/// Bytes a file may have.
pub(super) const LIMIT: usize = 10 * 1024 * 1024;

/// Pictures a browser may show in the page: formats that can carry no script.
pub(super) fn is_safe_image(mime: &str) -> bool {
    matches!(mime, "image/png" | "image/jpeg" | "image/gif" | "image/webp")
}

/// What the bytes are, whatever the sender says: only pictures matter.
fn sniff(bytes: &[u8]) -> &'static str {
    match bytes {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => "image/png",
        [0xff, 0xd8, 0xff, ..] => "image/jpeg",
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => "image/gif",
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => "image/webp",
        _ => "application/octet-stream",
    }
}

/// A name without path, control or direction characters, 120 characters at most.
fn clean_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let hidden = |c: &char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let name: String = last.chars().filter(|c| !hidden(c)).take(120).collect();
    if name.trim().is_empty() { "file".to_owned() } else { name.trim().to_owned() }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_what_could_deceive() {
        for (given, kept) in [
            ("../../etc/passwd", "passwd"),
            ("C:\\temp\\a.png", "a.png"),
            ("invoice\u{202e}gpj.exe", "invoicegpj.exe"),
            ("a\r\nSet-Cookie: x", "aSet-Cookie: x"),
            ("  ", "file"),
        ] {
            assert_eq!(clean_name(given), kept);
        }
    }

    #[test]
    fn a_page_is_never_taken_for_a_picture() {
        assert_eq!(sniff(b"<svg onload=alert(1)>"), "application/octet-stream");
        assert_eq!(sniff(b"\x89PNG\r\n\x1a\nrest"), "image/png");
        assert!(!is_safe_image("image/svg+xml"));
    }
}
