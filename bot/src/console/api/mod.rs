//! `/api/v1`: the JSON API. Callers are programs with a bearer token, acting for one
//! person within the token's scopes; errors are RFC 9457 problem details.

mod events;
mod openapi;
mod requests;
mod search;
mod tickets;
mod wire;

use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use serde::de::DeserializeOwned;

use super::Web;
use super::fault::Fault;
use super::routes::Table;

/// Bytes a JSON body may have.
const JSON_LIMIT: usize = 64 * 1024;

pub(super) fn table() -> Table {
    Table::default()
        .post("/api/v1/requests", requests::create)
        .get("/api/v1/requests/{id}", requests::get)
        .get("/api/v1/requests/{id}/events", events::events)
        .post("/api/v1/requests/{id}/feedback", requests::feedback)
        .get("/api/v1/tickets", tickets::list)
        .get("/api/v1/tickets/{key}", tickets::get)
        .patch("/api/v1/tickets/{key}", tickets::patch)
        .get("/api/v1/search", search::search)
        .get("/api/v1/openapi.json", openapi::document)
}

/// A JSON body of at most [`JSON_LIMIT`] bytes, with the hash of its bytes.
pub(super) struct Body<T> {
    pub(super) value: T,
    pub(super) hash: String,
}

impl<T: DeserializeOwned> FromRequest<Web> for Body<T> {
    type Rejection = Fault;

    async fn from_request(request: Request, _: &Web) -> Result<Self, Fault> {
        let bytes = axum::body::to_bytes(request.into_body(), JSON_LIMIT).await.map_err(|_| {
            Fault::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                format!("The body is larger than {} KB. Shorten the text.", JSON_LIMIT / 1024),
            )
        })?;
        let value = serde_json::from_slice(&bytes).map_err(|error| {
            Fault::invalid(format!("The body is not the JSON this address takes: {error}."))
        })?;
        let hash = super::session::hash_token(&String::from_utf8_lossy(&bytes));
        Ok(Body { value, hash })
    }
}
