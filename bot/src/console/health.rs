//! `/healthz` (alive), `/readyz` (may traffic come), `/metrics`.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;

use super::Web;
use super::fault::{Fault, Plain};
use super::headers::is_loopback;
use super::session::ApiCaller;

pub(super) fn routes() -> Router<Web> {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
}

/// Documents the index may lag behind the store and still count as following.
const LAG: i64 = 1_000;
/// Milliseconds the oldest due job may wait before workers count as stuck.
const STUCK_MS: i64 = 60_000;

async fn ready(State(web): State<Web>) -> Response {
    let app = &web.app;
    let database = app.store.ping().await.is_ok();
    let last = app.store.last_change().await;
    let index = last.is_ok_and(|last| last - app.knowledge.sequence() <= LAG);
    let counts = app.store.job_counts(app.clock.now()).await;
    let workers = counts.is_ok_and(|c| c.running > 0 || c.oldest_due_ms < STUCK_MS);
    let all = database && index && workers;
    let status = if all { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = json!({ "ready": all, "database": database, "index": index, "workers": workers });
    let mut response = (status, Json(body)).into_response();
    response.extensions_mut().insert(Plain);
    response
}

/// Open on loopback when nothing stands in front; else a token with scope `metrics`.
async fn metrics(
    State(web): State<Web>,
    caller: Result<ApiCaller, Fault>,
) -> Result<Response, Fault> {
    let Some(handle) = &web.metrics else { return Err(Fault::not_found()) };
    let server = &web.app.config.server;
    let open = is_loopback(&server.listen)
        && server.public_url.as_deref().is_none_or(|url| {
            url.split_once("://")
                .is_some_and(|(_, rest)| is_loopback(rest.split('/').next().unwrap_or_default()))
        });
    if !open {
        caller?.needs("metrics")?;
    }
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4")];
    Ok((kind, handle.render()).into_response())
}
