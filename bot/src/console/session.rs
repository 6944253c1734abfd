//! Who asks. [`SignedIn`] can only be made here, from a session that was looked up, and
//! [`ApiCaller`] only from a bearer token; handlers that take one of them need no check
//! of their own.

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum_extra::extract::cookie::CookieJar;
use minijinja::context;
use sha2::{Digest, Sha256};

use super::Web;
use super::fault::Fault;
use super::forms::{Asked, Fields};
use super::page;
use crate::store::records::{ApiToken, Session, Viewer};

/// Seven days.
const SESSION_MS: i64 = 7 * 24 * 60 * 60 * 1000;

/// A person with a valid session.
#[derive(Debug, Clone)]
pub(super) struct SignedIn {
    pub(super) viewer: Viewer,
    pub(super) session: Session,
    /// The look they chose, if they did.
    pub(super) theme: Option<&'static str>,
    _looked_up: Sealed,
}

/// A program acting for a person, within its token's scopes.
#[derive(Debug, Clone)]
pub(super) struct ApiCaller {
    pub(super) viewer: Viewer,
    pub(super) token: ApiToken,
    _looked_up: Sealed,
}

#[derive(Debug, Clone)]
pub(super) struct Sealed;

impl ApiCaller {
    pub(super) fn needs(&self, scope: &str) -> Result<(), Fault> {
        if self.token.scopes.iter().any(|s| s == scope) {
            return Ok(());
        }
        Err(Fault::forbidden(format!(
            "The token lacks the scope `{scope}`. Create one that has it."
        )))
    }
}

/// How tokens of sessions, links and programs are kept: SHA-256, lower-case hex.
pub fn hash_token(token: &str) -> String {
    hex::encode(Sha256::digest(token.as_bytes()))
}

/// 256 random bits, URL-safe.
pub fn new_token() -> String {
    use base64::Engine;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

fn is_https(web: &Web) -> bool {
    web.app.config.server.public_url.as_deref().is_some_and(|url| url.starts_with("https://"))
}

fn cookie_name(https: bool) -> &'static str {
    if https { "__Host-firstline" } else { "firstline" }
}

fn set_cookie(web: &Web, token: &str, max_age_s: i64) -> HeaderValue {
    let https = is_https(web);
    let name = cookie_name(https);
    let secure = if https { "; Secure" } else { "" };
    let text =
        format!("{name}={token}; Path=/; HttpOnly; SameSite=Lax; Max-Age={max_age_s}{secure}");
    HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// `light` or `dark` when the reader chose one.
pub(super) fn theme(headers: &HeaderMap) -> Option<&'static str> {
    match CookieJar::from_headers(headers).get("theme").map(|c| c.value().to_owned()).as_deref() {
        Some("dark") => Some("dark"),
        Some("light") => Some("light"),
        _ => None,
    }
}

/// Looks the session up once a request. In the demo a first visit becomes the first
/// person of the sample company.
pub(super) async fn attach(State(web): State<Web>, mut request: Request, next: Next) -> Response {
    let found = match lookup(&web, request.headers()).await {
        Ok(found) => found,
        Err(fault) => return fault.into_response(),
    };
    let mut fresh = None;
    let signed = match found {
        Some(signed) => Some(signed),
        None if web.app.demo && matches!(*request.method(), Method::GET | Method::HEAD) => {
            match demo_session(&web, request.headers()).await {
                Ok((signed, cookie)) => {
                    fresh = cookie;
                    signed
                }
                Err(fault) => return fault.into_response(),
            }
        }
        None => None,
    };
    if let Some(signed) = signed {
        request.extensions_mut().insert(signed);
    }
    let mut response = next.run(request).await;
    if let Some(cookie) = fresh {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

async fn lookup(web: &Web, headers: &HeaderMap) -> Result<Option<SignedIn>, Fault> {
    let jar = CookieJar::from_headers(headers);
    let Some(token) = jar.get(cookie_name(is_https(web))).map(|c| c.value().to_owned()) else {
        return Ok(None);
    };
    let store = &web.app.store;
    let found = store.session(&hash_token(&token), web.app.clock.now()).await?;
    Ok(found.map(|(session, viewer)| SignedIn {
        viewer,
        session,
        theme: theme(headers),
        _looked_up: Sealed,
    }))
}

async fn demo_session(
    web: &Web,
    headers: &HeaderMap,
) -> Result<(Option<SignedIn>, Option<HeaderValue>), Fault> {
    let people = web.app.store.people().await?;
    let Some(first) = people.into_iter().find(|p| p.active) else { return Ok((None, None)) };
    let (cookie, session) = begin(web, &first.email).await?;
    let viewer = web.app.store.viewer(&first.email).await?;
    let theme = theme(headers);
    Ok((viewer.map(|viewer| SignedIn { viewer, session, theme, _looked_up: Sealed }), Some(cookie)))
}

async fn begin(web: &Web, email: &str) -> Result<(HeaderValue, Session), Fault> {
    let (token, csrf) = (new_token(), new_token());
    let now = web.app.clock.now();
    let expires_at = now + SESSION_MS;
    web.app.store.create_session(&hash_token(&token), email, &csrf, now, expires_at).await?;
    let session = Session { email: email.to_owned(), csrf, expires_at };
    Ok((set_cookie(web, &token, SESSION_MS / 1000), session))
}

async fn end(web: &Web, headers: &HeaderMap) -> Result<(), Fault> {
    if let Some(cookie) = CookieJar::from_headers(headers).get(cookie_name(is_https(web))) {
        web.app.store.end_session(&hash_token(cookie.value())).await?;
    }
    Ok(())
}

impl FromRequestParts<Web> for SignedIn {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, _: &Web) -> Result<Self, Fault> {
        parts.extensions.get::<SignedIn>().cloned().ok_or_else(Fault::sign_in)
    }
}

impl FromRequestParts<Web> for ApiCaller {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Fault> {
        let missing = || {
            Fault::new(
                axum::http::StatusCode::UNAUTHORIZED,
                "Send a valid token as `Authorization: Bearer TOKEN`; `firstline token create` makes one.",
            )
        };
        let token = parts
            .headers
            .get(header::AUTHORIZATION)
            .and_then(|v| v.to_str().ok())
            .and_then(|v| v.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim())
            .ok_or_else(missing)?;
        let store = &web.app.store;
        let (token, viewer) = store
            .token_by_hash(&hash_token(token), web.app.clock.now())
            .await?
            .ok_or_else(missing)?;
        Ok(ApiCaller { viewer, token, _looked_up: Sealed })
    }
}

/// `GET /sign-in[?token=...]`: asks before it uses up a link, so that a mail scanner
/// following it does not.
pub(super) async fn sign_in_page(
    Asked(asked): Asked,
    headers: HeaderMap,
) -> Result<Html<String>, Fault> {
    let token = asked.some("token").unwrap_or_default();
    let failed = asked.some("failed").is_some();
    page::bare("sign_in.html", theme(&headers), context! { token, failed })
}

pub(super) async fn sign_in(
    State(web): State<Web>,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, Fault> {
    let hash = hash_token(fields.get("token"));
    let email = web.app.store.use_login_link(&hash, web.app.clock.now()).await?;
    let Some(viewer) = (match email {
        Some(email) => web.app.store.viewer(&email).await?,
        None => None,
    }) else {
        return Ok(Redirect::to("/sign-in?failed=1").into_response());
    };
    end(&web, &headers).await?;
    let (cookie, _) = begin(&web, &viewer.email).await?;
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to("/")).into_response())
}

pub(super) async fn sign_out(
    State(web): State<Web>,
    _signed: SignedIn,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    end(&web, &headers).await?;
    Ok(([(header::SET_COOKIE, set_cookie(&web, "", 0))], Redirect::to("/sign-in")).into_response())
}

/// The demo's person switcher.
pub(super) async fn become_person(
    State(web): State<Web>,
    _signed: SignedIn,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, Fault> {
    if !web.app.demo {
        return Err(Fault::not_found());
    }
    let viewer = web.app.store.viewer(fields.get("email")).await?.ok_or_else(Fault::not_found)?;
    end(&web, &headers).await?;
    let (cookie, _) = begin(&web, &viewer.email).await?;
    // Owners come for the queue, everyone else for the chat.
    let to = if page::is_owner(&viewer) { "/tickets" } else { "/" };
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to(to)).into_response())
}
