//! The web console and the JSON API: pages for people, `/api/v1` for programs. Every
//! route is registered through [`routes::Table`], so that the list of changing routes
//! (for the tests of the cross-site checks) and the API document can be compared with
//! what is really served. Reading order: `session` (who asks), `csrf` (may they change
//! something), then a page's own file.

mod api;
mod articles;
mod attachments;
mod chat;
mod chat_events;
mod chat_view;
mod csrf;
mod examples;
mod fault;
mod following;
mod forms;
mod headers;
mod health;
mod highlight;
mod incident_page;
mod incidents;
mod jobs;
mod knowledge;
mod links;
mod page;
mod page_events;
mod render;
mod routes;
pub mod session;
mod suggestions;
mod ticket_events;
mod ticket_page;
mod tickets;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::header;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::IntoResponse;
use axum::routing::get;
use metrics_exporter_prometheus::PrometheusHandle;

use crate::app::App;
use fault::Fault;
use routes::Table;

/// What every handler shares.
#[derive(Clone)]
pub struct Web {
    pub app: Arc<App>,
    /// What `/metrics` shows; `None` leaves the route answering 404.
    pub metrics: Option<PrometheusHandle>,
}

/// A form may hold a megabyte of text three times over, percent-encoded: enough to be
/// refused with a sentence by whoever reads it rather than by a cut connection.
const FORM_LIMIT: usize = 4 * 1024 * 1024;

/// Everything under `/`: pages, assets, API, health.
pub fn router(app: Arc<App>, metrics: Option<PrometheusHandle>) -> Router {
    let web = Web { app, metrics };
    let pages = pages()
        .router
        .layer(from_fn_with_state(web.clone(), csrf::guard))
        .layer(from_fn_with_state(web.clone(), session::attach));
    Router::new()
        .merge(pages)
        .merge(api::table().router)
        .merge(health::routes())
        .route("/assets/{name}", get(asset))
        .fallback(|| async { Fault::not_found() })
        .method_not_allowed_fallback(|| async { Fault::method() })
        .layer(DefaultBodyLimit::max(FORM_LIMIT))
        .layer(from_fn(fault::show))
        .layer(from_fn_with_state(web.clone(), headers::guard))
        .with_state(web)
}

/// Only `/metrics`, for a listener of its own.
pub fn metrics_router(metrics: PrometheusHandle) -> Router {
    Router::new().route("/metrics", get(move || std::future::ready(metrics.render())))
}

/// Method and path of every route that changes something for a signed-in person.
pub fn changing_routes() -> Vec<(&'static str, &'static str)> {
    pages().paths.into_iter().filter(|(method, _)| *method != "GET").collect()
}

/// Method and path of every page, form and API route, as served.
pub fn routes() -> Vec<(&'static str, &'static str)> {
    pages().paths.into_iter().chain(api::table().paths).collect()
}

/// Method and path of every API route, as served.
pub fn api_routes() -> Vec<(&'static str, &'static str)> {
    api::table().paths
}

fn pages() -> Table {
    Table::default()
        .get("/", chat::home)
        .get("/chat/{id}", chat::show)
        .get("/chat/list", chat::list)
        .get("/chat/{id}/events", chat_events::events)
        .get("/chat/{id}/form", chat::form)
        .post("/chat", chat::say)
        .post("/chat/{id}/title", chat::rename)
        .post("/chat/{id}/feedback", chat::feedback)
        .post("/chat/{id}/person", chat::person)
        .post("/chat/{id}/ticket", chat::ticket)
        .post("/chat/{id}/follow", chat::follow)
        .get("/my", tickets::my)
        .get("/tickets", tickets::list)
        .get("/tickets/{key}", ticket_page::show)
        .get("/tickets/{key}/events", ticket_events::events)
        .post("/tickets/{key}/change", ticket_page::change)
        .post("/tickets/{key}/comment", ticket_page::comment)
        .post("/tickets/{key}/merge", ticket_page::merge)
        .post("/tickets/{key}/unmerge", ticket_page::unmerge)
        .post("/tickets/{key}/review", ticket_page::review)
        .post("/tickets/{key}/reopen", ticket_page::reopen)
        .post("/tickets/{key}/follow", following::follow)
        .post("/tickets/{key}/unfollow", following::unfollow)
        .get("/incidents", incidents::list)
        .post("/incidents", incidents::declare)
        .get("/incidents/{key}", incident_page::show)
        .get("/incidents/{key}/events", incident_page::events)
        .post("/incidents/{key}/do", incident_page::act)
        .get("/suggestions", suggestions::list)
        .post("/suggestions/{id}/post", suggestions::post)
        .post("/suggestions/{id}/dismiss", suggestions::dismiss)
        .get("/articles/{id}", articles::show)
        .get("/knowledge", knowledge::show)
        .get("/jobs", jobs::show)
        .post("/jobs/retry", jobs::retry_all)
        .post("/jobs/{id}/retry", jobs::retry)
        .post("/jobs/{id}/discard", jobs::discard)
        .post_limited("/attachments", attachments::upload, crate::files::LIMIT + 64 * 1024)
        .get("/attachments/{id}", attachments::download)
        .get("/link/{key}", links::show)
        .post("/link/{key}", links::tie)
        .get("/accounts", links::accounts)
        .post("/accounts/untie", links::untie)
        .get("/sign-in", session::sign_in_page)
        .post("/sign-in", session::sign_in)
        .post("/sign-out", session::sign_out)
        .post("/demo/become", session::become_person)
}

/// The files of the pages, compiled in.
const ASSETS: &[(&str, &str, &str)] = &[
    ("app.css", "text/css; charset=utf-8", include_str!("assets/app.css")),
    ("chat.css", "text/css; charset=utf-8", include_str!("assets/chat.css")),
    ("desk.css", "text/css; charset=utf-8", include_str!("assets/desk.css")),
    ("ui.js", "text/javascript; charset=utf-8", include_str!("assets/ui.js")),
    ("chat.js", "text/javascript; charset=utf-8", include_str!("assets/chat.js")),
    ("attach.js", "text/javascript; charset=utf-8", include_str!("assets/attach.js")),
    ("forms.js", "text/javascript; charset=utf-8", include_str!("assets/forms.js")),
    ("live.js", "text/javascript; charset=utf-8", include_str!("assets/live.js")),
    ("source.js", "text/javascript; charset=utf-8", include_str!("assets/source.js")),
    ("stream.js", "text/javascript; charset=utf-8", include_str!("assets/stream.js")),
    ("tickets.js", "text/javascript; charset=utf-8", include_str!("assets/tickets.js")),
    ("favicon.svg", "image/svg+xml", include_str!("assets/favicon.svg")),
];

async fn asset(
    axum::extract::Path(name): axum::extract::Path<String>,
) -> Result<impl IntoResponse, Fault> {
    let (_, mime, body) =
        ASSETS.iter().find(|(n, _, _)| *n == name).ok_or_else(Fault::not_found)?;
    // Modules import each other without a version, and a page names them as they do: under another
    // name they would run twice. So a new release must be asked for.
    Ok(([(header::CONTENT_TYPE, *mime), (header::CACHE_CONTROL, "no-cache")], *body))
}
