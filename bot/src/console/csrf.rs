//! The check in front of everything that changes something: the request comes from our
//! own pages (`Sec-Fetch-Site`, `Origin`) and knows the session's token. It is a layer
//! over all pages, so a new route has it without asking.

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use subtle::ConstantTimeEq;

use super::fault::Fault;
use super::session::SignedIn;
use super::{FORM_LIMIT, Web};

/// Signing in has no session yet; its one-time token stands for it.
const WITHOUT_TOKEN: &str = "/sign-in";

pub(super) async fn guard(State(web): State<Web>, request: Request, next: Next) -> Response {
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        return next.run(request).await;
    }
    match check(&web, request).await {
        Ok(request) => next.run(request).await,
        Err(fault) => fault.into_response(),
    }
}

async fn check(web: &Web, request: Request) -> Result<Request, Fault> {
    if !same_origin(request.headers(), web.app.config.server.public_url.as_deref()) {
        return Err(refused());
    }
    if request.uri().path() == WITHOUT_TOKEN {
        return Ok(request);
    }
    let expected = request
        .extensions()
        .get::<SignedIn>()
        .map(|signed| signed.session.csrf.clone())
        .ok_or_else(Fault::sign_in)?;
    if let Some(given) = request.headers().get("x-csrf-token") {
        return if equal(given.as_bytes(), expected.as_bytes()) {
            Ok(request)
        } else {
            Err(refused())
        };
    }
    let is_form = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .is_some_and(|t| t.starts_with("application/x-www-form-urlencoded"));
    if !is_form {
        return Err(refused());
    }
    let (parts, body) = request.into_parts();
    let bytes = to_bytes(body, FORM_LIMIT).await.map_err(|_| Fault::too_large())?;
    let fields = super::forms::parse(&bytes);
    if !equal(fields.get("csrf").as_bytes(), expected.as_bytes()) {
        return Err(refused());
    }
    Ok(Request::from_parts(parts, Body::from(bytes)))
}

fn equal(a: &[u8], b: &[u8]) -> bool {
    !b.is_empty() && bool::from(a.ct_eq(b))
}

fn refused() -> Fault {
    Fault::forbidden(
        "This page is out of date or the request came from another site. Load the page again, then repeat.",
    )
}

/// Browsers say where a request comes from; one that does not say is no browser and has
/// the API for its purpose.
fn same_origin(headers: &HeaderMap, public_url: Option<&str>) -> bool {
    let text = |name| headers.get(name).and_then(|v: &header::HeaderValue| v.to_str().ok());
    let site = text(header::HeaderName::from_static("sec-fetch-site"));
    if site.is_some_and(|site| site != "same-origin") {
        return false;
    }
    match text(header::ORIGIN) {
        Some(origin) => {
            let own = public_url.map(|url| url.trim_end_matches('/'));
            if own.is_some_and(|own| own.eq_ignore_ascii_case(origin)) {
                return true;
            }
            let host = text(header::HOST).unwrap_or_default();
            let name = origin.split_once("://").map_or("", |(_, rest)| rest);
            !host.is_empty() && name.eq_ignore_ascii_case(host)
        }
        None => site.is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_request_comes_from() {
        for (site, origin, may) in [
            (Some("same-origin"), Some("http://desk.example"), true),
            (None, Some("http://desk.example"), true),
            (Some("same-origin"), None, true),
            (None, None, false),
            (Some("cross-site"), Some("http://desk.example"), false),
            (Some("same-site"), None, false),
            (Some("none"), None, false),
            (None, Some("http://evil.example"), false),
            (None, Some("null"), false),
            (Some("same-origin"), Some("http://evil.example"), false),
            (None, Some("https://public.example"), true),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, header::HeaderValue::from_static("desk.example"));
            if let Some(site) = site {
                headers.insert("sec-fetch-site", header::HeaderValue::from_static(site));
            }
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, header::HeaderValue::from_static(origin));
            }
            assert_eq!(
                same_origin(&headers, Some("https://public.example/")),
                may,
                "{site:?} {origin:?}"
            );
        }
    }
}
