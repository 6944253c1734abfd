//! The OpenAPI document; a test compares it with the routes served.

use axum::Json;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

use super::super::fault::Problem;
use super::{events, requests, search, tickets, wire};

#[derive(OpenApi)]
#[openapi(
    info(title = "Firstline", description = "Ask, follow and file requests; read and change tickets; search articles. Errors are RFC 9457 problem details."),
    paths(
        requests::create, requests::get, requests::feedback, events::events,
        tickets::list, tickets::get, tickets::patch, search::search, document,
    ),
    components(schemas(
        Problem, wire::NewRequest, wire::AcceptedRequest, wire::RequestView, wire::Feedback,
        wire::TicketJson, wire::TicketList, wire::TicketChange, wire::SearchResult,
    )),
    modifiers(&Bearer)
)]
struct Document;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("Made by `firstline token create`, with scopes."))
            .build();
        if let Some(components) = document.components.as_mut() {
            components.add_security_scheme("token", SecurityScheme::Http(scheme));
        }
    }
}

/// This document.
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "document", responses((status = 200, description = "OpenAPI")))]
pub(crate) async fn document() -> Json<utoipa::openapi::OpenApi> {
    Json(Document::openapi())
}
