//! The review of tickets by their support owners: what waits for them, agreeing with it, and
//! correcting it, which teaches.

use firstline_core::chat::{Message, ReviewLine};
use firstline_core::words;

use super::{Refusal, patch, seen};
use crate::app::App;
use crate::store::StoreError;
use crate::store::records::{Role, Ticket, TicketFilter, TicketOrder, TicketPatch, Viewer};

/// Tickets looked through for those the reviewer's teams own.
const LOOKED_THROUGH: u32 = 50;
/// Tickets a message lists: Discord has room for the buttons of five.
const LISTED: usize = 5;

/// What waits for somebody's review, the least certain first and `most` of them; `None` for those
/// who review nothing.
pub async fn to_review(
    app: &App,
    viewer: &Viewer,
    most: usize,
) -> Result<Option<Vec<Ticket>>, StoreError> {
    if !viewer.is(Role::Owner) && !viewer.is_admin() {
        return Ok(None);
    }
    let filter = TicketFilter {
        open: Some(true),
        unreviewed: true,
        order: TicketOrder::LeastConfident,
        limit: Some(LOOKED_THROUGH),
        ..TicketFilter::default()
    };
    let waiting = app.store.tickets(&filter, viewer).await?.items;
    let theirs = waiting.into_iter().filter(|ticket| viewer.owns(ticket.team.as_deref()));
    Ok(Some(theirs.take(most).collect()))
}

/// The same, as it is told to somebody; to guests (`None`) nothing is.
pub async fn review_list(
    app: &App,
    viewer: Option<&Viewer>,
    language: &str,
) -> Result<Message, StoreError> {
    let waiting = match viewer {
        Some(viewer) => to_review(app, viewer, LISTED).await?,
        None => None,
    };
    let Some(waiting) = waiting else { return Ok(words::reviews_are_for_owners(language)) };
    let line = |ticket: Ticket| ReviewLine {
        facts: facts(&ticket, language),
        key: ticket.key,
        summary: ticket.summary,
    };
    Ok(words::review(waiting.into_iter().map(line).collect(), language))
}

/// How a ticket stands, in one line.
pub fn facts(ticket: &Ticket, language: &str) -> String {
    let system = ticket.system.as_deref();
    words::ticket_facts(ticket.kind, ticket.priority, ticket.status, system, language)
}

/// A reviewer agrees with how the ticket stands: it leaves the review queue.
pub async fn mark_reviewed(app: &App, viewer: &Viewer, key: &str) -> Result<(), Refusal> {
    owned(app, viewer, key, "review it").await?;
    app.store.mark_reviewed(key, &viewer.email, app.clock.now()).await?;
    Ok(())
}

/// The ticket, for somebody who may correct it.
pub async fn correctable(app: &App, viewer: &Viewer, key: &str) -> Result<Ticket, Refusal> {
    owned(app, viewer, key, "correct it").await
}

/// A reviewer says what the ticket, as it stood at `version`, really is: it leaves the queue.
pub async fn correct(
    app: &App,
    viewer: &Viewer,
    key: &str,
    version: i64,
    correction: TicketPatch,
) -> Result<Ticket, Refusal> {
    owned(app, viewer, key, "correct it").await?;
    let corrected = patch(app, viewer, key, Some(version), correction).await?;
    app.store.mark_reviewed(key, &viewer.email, app.clock.now()).await?;
    Ok(corrected)
}

async fn owned(app: &App, viewer: &Viewer, key: &str, what: &str) -> Result<Ticket, Refusal> {
    let ticket = seen(app, viewer, key).await?;
    if viewer.owns(ticket.team.as_deref()) { Ok(ticket) } else { Err(Refusal::owners_only(what)) }
}
