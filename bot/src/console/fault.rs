//! What goes wrong for a caller: a status and a sentence. Shown as a page to a browser
//! and as RFC 9457 problem details to everything else.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Serialize;

use crate::accept::AcceptError;
use crate::flows::ticket::Refusal;
use crate::store::StoreError;

#[derive(Debug, Clone)]
pub(super) struct Fault {
    pub(super) status: StatusCode,
    pub(super) detail: String,
    /// A browser is led to the sign-in page.
    sign_in: bool,
}

const TOO_LARGE: &str =
    "That is larger than is taken here. Put long text into a file of at most 10 MB and attach it.";

/// RFC 9457.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Problem {
    /// Always `about:blank`: the status says what kind it is.
    pub(super) r#type: &'static str,
    pub(super) title: String,
    pub(super) status: u16,
    /// A sentence, with the mend where there is one.
    pub(super) detail: String,
}

impl Fault {
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Fault { status, detail: detail.into(), sign_in: false }
    }

    /// Also for what exists and may not be seen.
    pub(super) fn not_found() -> Self {
        Fault::new(StatusCode::NOT_FOUND, "There is nothing here, or it is not yours to see.")
    }

    pub(super) fn too_large() -> Self {
        Fault::new(StatusCode::PAYLOAD_TOO_LARGE, TOO_LARGE)
    }

    pub(super) fn method() -> Self {
        Fault::new(StatusCode::METHOD_NOT_ALLOWED, "This address does not take that method.")
    }

    pub(super) fn sign_in() -> Self {
        Fault { sign_in: true, ..Fault::new(StatusCode::UNAUTHORIZED, "Please sign in first.") }
    }

    pub(super) fn forbidden(detail: impl Into<String>) -> Self {
        Fault::new(StatusCode::FORBIDDEN, detail)
    }

    pub(super) fn invalid(detail: impl Into<String>) -> Self {
        Fault::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
    }

    /// Logged once, here; the caller learns nothing of the inside.
    pub(super) fn inside(error: impl std::fmt::Display) -> Self {
        tracing::error!(error = %error, "a page could not be made");
        Fault::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "Something went wrong on our side. Please try again in a moment.",
        )
    }

    fn problem(&self) -> Problem {
        Problem {
            r#type: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error").to_owned(),
            status: self.status.as_u16(),
            detail: self.detail.clone(),
        }
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let body = serde_json::to_string(&self.problem()).unwrap_or_default();
        let mut response = (
            self.status,
            [(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"))],
            body,
        )
            .into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) => {
                tracing::error!(error = %error, "the database cannot be used");
                Fault::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "The database cannot be reached right now. Please try again in a moment.",
                )
            }
            other => Fault::inside(other),
        }
    }
}

impl From<AcceptError> for Fault {
    fn from(error: AcceptError) -> Self {
        let detail = error.to_string();
        match error {
            AcceptError::Empty
            | AcceptError::Binary
            | AcceptError::KeyReused
            | AcceptError::Elsewhere => Fault::invalid(detail),
            AcceptError::TooLarge => Fault::new(StatusCode::PAYLOAD_TOO_LARGE, detail),
            AcceptError::NotFound => Fault::not_found(),
            AcceptError::Unavailable(cause) => {
                tracing::error!(error = %cause, "a message could not be taken up");
                Fault::new(StatusCode::SERVICE_UNAVAILABLE, detail)
            }
        }
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        let detail = refusal.to_string();
        match refusal {
            Refusal::NotFound => Fault::not_found(),
            Refusal::Forbidden(_) => Fault::forbidden(detail),
            Refusal::Invalid(_) => Fault::invalid(detail),
            Refusal::Stale(_) => Fault::new(
                StatusCode::PRECONDITION_FAILED,
                "Someone else changed it in the meantime. Look at it again, then repeat your change.",
            ),
            other => Fault::inside(other),
        }
    }
}

/// Turns a fault into a page when a browser asked for one, and refusals of the
/// framework into problem details.
pub(super) async fn show(request: Request, next: Next) -> Response {
    let wants_page = request
        .headers()
        .get(header::ACCEPT)
        .and_then(|v| v.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"))
        && !request.uri().path().starts_with("/api/");
    let theme = super::session::theme(request.headers());
    let response = next.run(request).await;
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return response;
    }
    let fault = match response.extensions().get::<Fault>() {
        Some(fault) => fault.clone(),
        None if response.extensions().get::<Plain>().is_some() => return response,
        None => Fault::new(status, rejection(status)),
    };
    if !wants_page {
        return if response.extensions().get::<Fault>().is_some() {
            response
        } else {
            fault.into_response()
        };
    }
    if fault.sign_in {
        return Redirect::to("/sign-in").into_response();
    }
    let heading = match fault.status.as_u16() {
        404 => "Nothing here",
        403 => "That was refused",
        413 => "Too large",
        412 | 409 => "It has changed",
        s if s >= 500 => "Something went wrong",
        _ => "That did not work",
    };
    match super::page::error(fault.status.as_u16(), heading, &fault.detail, theme) {
        Ok(html) => {
            (fault.status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], Body::from(html))
                .into_response()
        }
        Err(_) => response,
    }
}

/// Marks a response that is complete as it is, whatever its status.
#[derive(Clone)]
pub(super) struct Plain;

fn rejection(status: StatusCode) -> &'static str {
    match status {
        StatusCode::PAYLOAD_TOO_LARGE => TOO_LARGE,
        StatusCode::METHOD_NOT_ALLOWED => "This address does not take that method.",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "This address does not take that content type.",
        s if s.is_server_error() => {
            "Something went wrong on our side. Please try again in a moment."
        }
        _ => "The request could not be understood. Check its form and try again.",
    }
}
