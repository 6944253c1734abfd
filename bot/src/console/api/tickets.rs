//! Tickets: listed, read, changed with an `ETag`.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use firstline_core::ticket::{Impact, Kind, Priority, Status, Urgency};

use super::super::Web;
use super::super::fault::Fault;
use super::super::forms::Asked;
use super::super::session::ApiCaller;
use super::super::tickets::filter;
use super::Body;
use super::wire::{TicketChange, TicketJson, TicketList};
use crate::flows::ticket as flow;
use crate::store::records::{Ticket, TicketPatch};

/// Tickets the token's person may see.
#[utoipa::path(
    get, path = "/api/v1/tickets", tag = "tickets",
    params(
        ("kind" = Option<String>, Query,), ("system" = Option<String>, Query,),
        ("priority" = Option<String>, Query,), ("status" = Option<String>, Query,),
        ("open" = Option<bool>, Query,), ("team" = Option<String>, Query,),
        ("assignee" = Option<String>, Query,), ("requester" = Option<String>, Query,),
        ("max_confidence" = Option<f64>, Query,), ("unreviewed" = Option<bool>, Query,),
        ("age" = Option<String>, Query, description = "`day`, `week`, `month` or `old`"),
        ("q" = Option<String>, Query, description = "Words in key, summary or text"),
        ("order" = Option<String>, Query, description = "`newest`, `oldest`, `least_confident`, `priority` or `updated`"),
        ("cursor" = Option<String>, Query, description = "`next` of the page before"),
        ("limit" = Option<u32>, Query, description = "1 to 200, else 50"),
    ),
    responses((status = 200, body = TicketList)),
    security(("token" = ["tickets:read"]))
)]
pub(crate) async fn list(
    State(web): State<Web>,
    caller: ApiCaller,
    Asked(asked): Asked,
) -> Result<Json<TicketList>, Fault> {
    caller.needs("tickets:read")?;
    let mut filter = filter(&asked, web.app.clock.now());
    if let Some(limit) = asked.some("limit") {
        let limit = limit.parse::<u32>().ok().filter(|n| (1..=200).contains(n));
        filter.limit =
            Some(limit.ok_or_else(|| Fault::invalid("`limit` is a number from 1 to 200."))?);
    }
    let page = web.app.store.tickets(&filter, &caller.viewer).await?;
    Ok(Json(TicketList {
        items: page.items.into_iter().map(TicketJson::from).collect(),
        next: page.next,
        total: page.total,
    }))
}

fn with_tag(ticket: Ticket) -> Result<Response, Fault> {
    let tag = HeaderValue::from_str(&format!("\"{}\"", ticket.version)).map_err(Fault::inside)?;
    Ok(([(header::ETAG, tag)], Json(TicketJson::from(ticket))).into_response())
}

/// One ticket.
#[utoipa::path(
    get, path = "/api/v1/tickets/{key}", tag = "tickets",
    params(("key" = String, Path, example = "FL-12")),
    responses((status = 200, description = "With its `ETag`", body = TicketJson), (status = 404, description = "Not there, or not yours to see")),
    security(("token" = ["tickets:read"]))
)]
pub(crate) async fn get(
    State(web): State<Web>,
    caller: ApiCaller,
    Path(key): Path<String>,
) -> Result<Response, Fault> {
    caller.needs("tickets:read")?;
    let ticket = web.app.store.visible_ticket(&key, &caller.viewer).await?;
    with_tag(ticket.ok_or_else(Fault::not_found)?)
}

/// Change a ticket as last read.
#[utoipa::path(
    patch, path = "/api/v1/tickets/{key}", tag = "tickets", request_body = TicketChange,
    params(
        ("key" = String, Path, example = "FL-12"),
        ("If-Match" = String, Header, description = "The `ETag` it was read with"),
    ),
    responses(
        (status = 200, description = "As changed, with its new `ETag`", body = TicketJson),
        (status = 403, description = "Only the team may change this"),
        (status = 404, description = "Not there, or not yours to see"),
        (status = 412, description = "Changed by someone else since it was read"),
        (status = 422, description = "The change makes no sense"),
        (status = 428, description = "If-Match is missing"),
    ),
    security(("token" = ["tickets:write"]))
)]
pub(crate) async fn patch(
    State(web): State<Web>,
    caller: ApiCaller,
    Path(key): Path<String>,
    headers: HeaderMap,
    body: Body<TicketChange>,
) -> Result<Response, Fault> {
    caller.needs("tickets:write")?;
    let tag = headers.get(header::IF_MATCH).and_then(|v| v.to_str().ok()).ok_or_else(|| {
        Fault::new(
            StatusCode::PRECONDITION_REQUIRED,
            "Send the ETag the ticket was read with as If-Match, so that no change of another is lost.",
        )
    })?;
    let version: i64 = tag
        .trim()
        .trim_matches('"')
        .parse()
        .map_err(|_| Fault::invalid("If-Match is not an ETag of a ticket, such as \"3\"."))?;
    let change = body.value;
    let patch = TicketPatch {
        kind: word("kind", change.kind, Kind::parse)?,
        system: change.system,
        team: change.team,
        impact: word("impact", change.impact, Impact::parse)?,
        urgency: word("urgency", change.urgency, Urgency::parse)?,
        priority: word("priority", change.priority, Priority::parse)?,
        status: word("status", change.status, Status::parse)?,
        assignee: change.assignee,
        summary: change.summary,
        fields: change.fields,
        ..TicketPatch::default()
    };
    with_tag(flow::patch(&web.app, &caller.viewer, &key, Some(version), patch).await?)
}

fn word<T>(
    name: &str,
    given: Option<String>,
    parse: fn(&str) -> Option<T>,
) -> Result<Option<T>, Fault> {
    given
        .map(|word| {
            parse(&word).ok_or_else(|| Fault::invalid(format!("There is no {name} `{word}`.")))
        })
        .transpose()
}
