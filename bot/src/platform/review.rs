//! The review of tickets by support owners, the same in every chat: what is pressed, what a
//! correction asks, and what is shown once it is done.

use firstline_core::chat::{Message, Person};
use firstline_core::ticket::{Impact, Kind, Urgency};
use firstline_core::words;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::flows::ticket::{self, Refusal};
use crate::store::StoreError;
use crate::store::records::{Ticket, TicketPatch, Viewer};

/// The buttons beside a ticket in a list to review: name among components, and words.
pub(super) const AGREE: (&str, &str) = ("firstline.review", "Looks right");
pub(super) const CORRECT: (&str, &str) = ("firstline.correct", "Correct");

pub(super) const IMPACTS: [(Impact, &str); 4] = [
    (Impact::One, "One person"),
    (Impact::Team, "A team"),
    (Impact::Many, "Many"),
    (Impact::Org, "Everybody"),
];
pub(super) const URGENCIES: [(Urgency, &str); 3] =
    [(Urgency::Low, "Low"), (Urgency::Normal, "Normal"), (Urgency::High, "High")];

/// Of a summary in a list.
pub(super) const LONGEST_SUMMARY: usize = 200;

/// The ticket a correction is of, as it stood when its form was opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Corrected {
    pub(super) key: String,
    pub(super) version: i64,
}

/// What somebody may see; `None` for guests, who have no tickets of their own here.
pub(super) async fn viewer(app: &App, from: &Person) -> Result<Option<Viewer>, StoreError> {
    if from.guest {
        return Ok(None);
    }
    app.store.viewer(&from.email).await
}

/// What waits for somebody's review.
pub(super) async fn list(app: &App, from: &Person) -> Result<Message, StoreError> {
    let viewer = viewer(app, from).await?;
    ticket::review_list(app, viewer.as_ref(), from.language()).await
}

/// An owner agrees with how a ticket was read; what is shown then.
pub(super) async fn agree(app: &App, from: &Person, key: &str) -> Result<Message, Refusal> {
    let viewer = viewer(app, from).await?.ok_or(Refusal::NotFound)?;
    ticket::mark_reviewed(app, &viewer, key).await?;
    then(app, &viewer, from, words::agreed(key, from.language())).await
}

/// The ticket somebody wants to correct.
pub(super) async fn open(app: &App, from: &Person, key: &str) -> Result<Ticket, Refusal> {
    let viewer = viewer(app, from).await?.ok_or(Refusal::NotFound)?;
    ticket::correctable(app, &viewer, key).await
}

/// An owner says what a ticket really is; what is shown then.
pub(super) async fn correct(
    app: &App,
    from: &Person,
    of: &Corrected,
    correction: TicketPatch,
) -> Result<Message, Refusal> {
    let viewer = viewer(app, from).await?.ok_or(Refusal::NotFound)?;
    let now = ticket::correct(app, &viewer, &of.key, of.version, correction).await?;
    let language = from.language();
    let outcome = words::corrected(&now.key, &ticket::facts(&now, language), language);
    then(app, &viewer, from, outcome).await
}

/// The outcome, and what waits still.
async fn then(
    app: &App,
    viewer: &Viewer,
    from: &Person,
    outcome: String,
) -> Result<Message, Refusal> {
    let list = ticket::review_list(app, Some(viewer), from.language()).await?;
    Ok(Message { text: format!("{outcome}\n\n{}", list.text), ..list })
}

/// What a form says that a ticket is, by the choice made in each of its lists; what is not chosen
/// stays as it is.
pub(super) fn correction<'v>(chosen: impl Fn(&str) -> Option<&'v str>) -> TicketPatch {
    TicketPatch {
        kind: chosen("kind").and_then(Kind::parse),
        system: chosen("system").map(str::to_owned),
        impact: chosen("impact").and_then(Impact::parse),
        urgency: chosen("urgency").and_then(Urgency::parse),
        ..TicketPatch::default()
    }
}
