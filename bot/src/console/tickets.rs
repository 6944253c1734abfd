//! `/tickets` with its filters and orders, and `/my`.

use axum::extract::State;
use axum::response::Html;
use firstline_core::ticket::{Kind, Priority, Status};
use minijinja::context;
use serde::Serialize;

use super::Web;
use super::fault::Fault;
use super::forms::{Asked, Fields, parse};
use super::page::{self, TicketView, val};
use super::session::SignedIn;
use crate::store::records::{Role, TicketFilter, TicketOrder};

const PAGE: u32 = 50;
const DAY_MS: i64 = 86_400_000;

/// The words of a closed list, for a select.
pub(super) fn words<T: Copy>(all: &[T], word: fn(T) -> &'static str) -> Vec<&'static str> {
    all.iter().map(|v| word(*v)).collect()
}

/// Kinds a ticket may have, in the order of their keys 1 to 5.
pub(super) fn kinds() -> Vec<&'static str> {
    words(Kind::ALL, Kind::as_str).into_iter().filter(|k| *k != "none").collect()
}

/// Teams of the catalogue, once each.
pub(super) fn teams(web: &Web) -> Vec<String> {
    let mut teams: Vec<String> = web.app.catalogue.iter().filter_map(|s| s.team.clone()).collect();
    teams.sort();
    teams.dedup();
    teams
}

pub(super) fn systems(web: &Web) -> Vec<String> {
    web.app.catalogue.iter().map(|s| s.name.clone()).collect()
}

/// Addresses of those who work on tickets.
pub(super) async fn assignees(web: &Web) -> Result<Vec<String>, Fault> {
    let groups = web.app.store.groups().await?;
    let mut all: Vec<String> =
        groups.into_iter().filter(|g| g.role != Role::Employee).flat_map(|g| g.members).collect();
    all.sort();
    all.dedup();
    Ok(all)
}

const ORDERS: &[(&str, &str, TicketOrder)] = &[
    ("newest", "Newest first", TicketOrder::Newest),
    ("oldest", "Oldest first", TicketOrder::Oldest),
    ("least_confident", "Least confident first", TicketOrder::LeastConfident),
    ("priority", "Most pressing first", TicketOrder::Priority),
    ("updated", "Last changed first", TicketOrder::Updated),
];

/// Value, label, and the days between which a ticket was filed.
const AGES: &[(&str, &str, Option<i64>, Option<i64>)] = &[
    ("", "Any age", None, None),
    ("day", "Last 24 hours", Some(1), None),
    ("week", "Last 7 days", Some(7), None),
    ("month", "Last 30 days", Some(30), None),
    ("old", "Older than 30 days", None, Some(30)),
];

/// What a query string asks for. Values that are none of the list's mean "any".
pub(super) fn filter(asked: &Fields, now: i64) -> TicketFilter {
    let age = AGES.iter().find(|(value, ..)| *value == asked.get("age"));
    let days_ago = |days: i64| now - days * DAY_MS;
    TicketFilter {
        kind: Kind::parse(asked.get("kind")),
        system: asked.some("system").map(str::to_owned),
        priority: Priority::parse(asked.get("priority")),
        status: Status::parse(asked.get("status")),
        open: match asked.get("open") {
            "1" | "true" => Some(true),
            "0" | "false" => Some(false),
            _ => None,
        },
        team: asked.some("team").map(str::to_owned),
        assignee: asked.some("assignee").map(str::to_owned),
        requester: asked.some("requester").map(str::to_owned),
        max_confidence: asked.some("max_confidence").and_then(|v| v.parse().ok()),
        since: age.and_then(|a| a.2).map(days_ago),
        before: age.and_then(|a| a.3).map(days_ago),
        q: asked.some("q").map(str::to_owned),
        unreviewed: matches!(asked.get("unreviewed"), "1" | "true"),
        order: ORDERS
            .iter()
            .find(|(value, ..)| *value == asked.get("order"))
            .map_or_else(TicketOrder::default, |(_, _, order)| *order),
        cursor: asked.some("cursor").map(str::to_owned),
        limit: Some(PAGE),
    }
}

#[derive(Debug, Serialize)]
struct Choice {
    value: &'static str,
    label: &'static str,
}

#[derive(Debug, Serialize)]
struct ViewTab {
    href: String,
    label: &'static str,
    on: bool,
}

/// The ready-made views over the list.
fn views(asked: &Fields, email: &str) -> Vec<ViewTab> {
    let mine = format!("assignee={}&open=1", super::forms::encode(email));
    let tabs = [
        ("Open", "open=1".to_owned()),
        ("Review queue", "order=least_confident&unreviewed=1&open=1".to_owned()),
        ("Assigned to me", mine),
        ("Ended", "open=0".to_owned()),
        ("All", "order=newest".to_owned()),
    ];
    let current = |query: &str| {
        let wanted = parse(query.as_bytes());
        let names =
            ["kind", "system", "priority", "status", "open", "team", "assignee", "unreviewed", "q"];
        names.iter().all(|n| wanted.get(n) == asked.get(n))
            && (wanted.get("order") == asked.get("order")
                || [wanted.get("order"), asked.get("order")]
                    .iter()
                    .all(|o| ["", "newest"].contains(o)))
    };
    tabs.into_iter()
        .map(|(label, query)| ViewTab {
            on: current(&query),
            href: format!("/tickets?{query}"),
            label,
        })
        .collect()
}

pub(super) async fn list(
    State(web): State<Web>,
    signed: SignedIn,
    Asked(asked): Asked,
) -> Result<Html<String>, Fault> {
    // Without a word, what is open.
    let asked = if asked.is_empty() { parse(b"open=1") } else { asked };
    let now = web.app.clock.now();
    let filter = filter(&asked, now);
    let found = web.app.store.tickets(&filter, &signed.viewer).await?;
    let name = page::namer(web.app.store.people().await?);
    let names =
        ["kind", "system", "priority", "status", "team", "assignee", "max_confidence", "age", "q"];
    let more =
        ["team", "assignee", "max_confidence", "age"].iter().any(|n| asked.some(n).is_some());
    let values = context! {
        tickets => val(found.items.iter().map(|t| TicketView::of(t, now).named(&name)).collect::<Vec<_>>()),
        total => found.total,
        next => found.next.map(|cursor| format!("/tickets?{}", asked.with("cursor", &cursor))),
        filtered => names.iter().any(|n| asked.some(n).is_some()),
        more,
        views => val(views(&asked, &signed.viewer.email)),
        suggestions => super::suggestions::tab(&web, &signed.viewer).await?,
        kinds => kinds(),
        systems => systems(&web),
        priorities => words(Priority::ALL, Priority::as_str),
        statuses => words(Status::ALL, Status::as_str),
        teams => teams(&web),
        assignees => assignees(&web).await?,
        ages => val(AGES.iter().map(|(value, label, ..)| Choice { value, label }).collect::<Vec<_>>()),
        orders => val(ORDERS.iter().map(|(value, label, _)| Choice { value, label }).collect::<Vec<_>>()),
        f => context! {
            q => asked.get("q"),
            kind => asked.get("kind"),
            system => asked.get("system"),
            priority => asked.get("priority"),
            status => asked.get("status"),
            team => asked.get("team"),
            assignee => asked.get("assignee"),
            max_confidence => asked.get("max_confidence"),
            age => asked.get("age"),
            open => asked.get("open"),
            unreviewed => filter.unreviewed,
            order => asked.get("order"),
        },
    };
    page::page(&web, &signed, "tickets.html", "tickets", values).await
}

pub(super) async fn my(
    State(web): State<Web>,
    signed: SignedIn,
    Asked(asked): Asked,
) -> Result<Html<String>, Fault> {
    let filter = TicketFilter {
        requester: Some(signed.viewer.email.clone()),
        order: TicketOrder::Updated,
        cursor: asked.some("cursor").map(str::to_owned),
        limit: Some(PAGE),
        ..TicketFilter::default()
    };
    let store = &web.app.store;
    let found = store.tickets(&filter, &signed.viewer).await?;
    // Listed on the first page alone. Whoever reported a ticket is told of it anyway.
    let mut followed = Vec::new();
    if filter.cursor.is_none() {
        let keys = store.followed_by(&signed.viewer.email).await?;
        followed = store.visible_tickets(&keys, &signed.viewer).await?;
        followed.retain(|ticket| ticket.requester != signed.viewer.email);
    }
    let now = web.app.clock.now();
    let flash = super::ticket_page::said(asked.get("said"));
    let values = context! {
        tickets => val(found.items.iter().map(|t| TicketView::of(t, now)).collect::<Vec<_>>()),
        followed => val(followed.iter().map(|t| TicketView::of(t, now)).collect::<Vec<_>>()),
        next => found.next,
        flash => flash.map(|f| f.0),
        flash_bad => flash.is_some_and(|f| f.1),
    };
    page::page(&web, &signed, "my.html", "my", values).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_becomes_a_filter() {
        let asked = parse(
            b"kind=bug&open=1&age=week&max_confidence=0.5&order=least_confident&q=+x&status=odd",
        );
        let filter = filter(&asked, 10 * DAY_MS);
        assert_eq!(filter.kind, Some(Kind::Bug));
        assert_eq!(filter.open, Some(true));
        assert_eq!(filter.since, Some(3 * DAY_MS));
        assert_eq!(filter.max_confidence, Some(0.5));
        assert_eq!(filter.order, TicketOrder::LeastConfident);
        assert_eq!(filter.q.as_deref(), Some("x"));
        assert_eq!(filter.status, None);
    }
}
