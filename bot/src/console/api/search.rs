//! Search in the articles the token's person may read.

use axum::Json;
use axum::extract::State;

use super::super::Web;
use super::super::fault::Fault;
use super::super::forms::Asked;
use super::super::knowledge;
use super::super::session::ApiCaller;
use super::wire::{SearchHit, SearchResult};

/// Search articles; at most one hit an article.
#[utoipa::path(
    get, path = "/api/v1/search", tag = "search",
    params(
        ("q" = String, Query, description = "Words, or a question"),
        ("limit" = Option<u32>, Query, description = "1 to 50, else 10"),
    ),
    responses((status = 200, body = SearchResult)),
    security(("token" = ["search"]))
)]
pub(crate) async fn search(
    State(web): State<Web>,
    caller: ApiCaller,
    Asked(asked): Asked,
) -> Result<Json<SearchResult>, Fault> {
    caller.needs("search")?;
    let words = asked.some("q").ok_or_else(|| Fault::invalid("Say what to look for in `q`."))?;
    let limit = match asked.some("limit") {
        None => 10,
        Some(text) => text
            .parse::<usize>()
            .ok()
            .filter(|n| (1..=50).contains(n))
            .ok_or_else(|| Fault::invalid("`limit` is a number from 1 to 50."))?,
    };
    let hits = knowledge::search(&web, &caller.viewer.groups, words, limit)?;
    let hits = hits.into_iter().map(|h| SearchHit {
        source: h.passage.source,
        path: h.passage.path,
        title: h.passage.title,
        heading: h.passage.heading,
        score: h.score,
        snippet: knowledge::plain_snippet(&h.snippet),
    });
    Ok(Json(SearchResult { hits: hits.collect() }))
}
