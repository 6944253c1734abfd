//! The front door: a verified event becomes rows (event, message, request, job) in one
//! transaction, and only then is it acknowledged. Secrets are removed here, before
//! anything is written.

mod filed;
mod pressed;
mod said;
mod take;

use firstline_core::chat::{ConversationKey, Person};
use firstline_core::text;
use firstline_core::triage::redact::{Redacted, redact};
use thiserror::Error;

use crate::app::App;
use crate::store::StoreError;
use crate::store::records::{ConversationRow, RequestRow, Viewer};

pub use filed::{file_ticket, filed};
pub use pressed::{Press, feedback, follow, pressed, talk_to_person};
pub use said::{Arrival, Change, Say, arrived, changed, overheard, said_by, say};

/// Longest message looked at, in bytes: [`text::MAX_CHARS`] of the widest characters.
pub const MAX_TEXT: usize = text::MAX_CHARS * 4;

#[derive(Debug, Error)]
pub enum AcceptError {
    #[error("The message is empty. Write what you need, or attach a file and say what it shows.")]
    Empty,
    #[error("This looks like a file pasted as text. Attach it instead.")]
    Binary,
    #[error(
        "The message is longer than {} characters. Put the details into a file and attach it.",
        text::MAX_CHARS
    )]
    TooLarge,
    /// Also when it does not exist: nobody learns which.
    #[error("There is no such conversation.")]
    NotFound,
    #[error("This conversation goes on where it began. Write there.")]
    Elsewhere,
    #[error("This Idempotency-Key was used with another body. Use a new key.")]
    KeyReused,
    #[error("The message could not be saved; please send it again.")]
    Unavailable(#[from] anyhow::Error),
}

impl From<StoreError> for AcceptError {
    fn from(error: StoreError) -> Self {
        AcceptError::Unavailable(error.into())
    }
}

/// The name under which something said on a platform is kept.
fn said_as(place: &ConversationKey, event_id: &str) -> String {
    format!("in:{}:{}:{event_id}", place.platform.as_str(), place.tenant)
}

/// The text of a message as it is kept: clean, without secrets.
fn words(app: &App, said: &str, with_files: bool) -> Result<Redacted, AcceptError> {
    if said.len() > MAX_TEXT {
        return Err(AcceptError::TooLarge);
    }
    let cleaned = text::clean(said, text::MAX_CHARS);
    if cleaned.binary {
        return Err(AcceptError::Binary);
    }
    if cleaned.is_empty() && !with_files {
        return Err(AcceptError::Empty);
    }
    if cleaned.truncated {
        return Err(AcceptError::TooLarge);
    }
    Ok(redact(cleaned.text.trim(), &app.redact_options))
}

fn person(viewer: &Viewer) -> Person {
    Person {
        email: viewer.email.clone(),
        name: viewer.name.clone(),
        time_zone: viewer.time_zone.clone(),
        ..Person::default()
    }
}

/// Ids made by clients are unique per person, not per company.
fn mine(from: &Person, event_id: &str) -> String {
    format!("{}:{event_id}", from.email)
}

fn key_of(row: &ConversationRow) -> ConversationKey {
    ConversationKey {
        platform: row.platform,
        tenant: row.tenant.clone(),
        channel: row.channel.clone(),
        thread: row.thread.clone(),
    }
}

async fn own_conversation(
    app: &App,
    viewer: &Viewer,
    id: &str,
) -> Result<ConversationRow, AcceptError> {
    match app.store.conversation(id).await? {
        Some(row) if row.requester == viewer.email => Ok(row),
        _ => Err(AcceptError::NotFound),
    }
}

async fn own_request(app: &App, viewer: &Viewer, id: &str) -> Result<RequestRow, AcceptError> {
    match app.store.request(id).await? {
        Some(row) if row.requester == viewer.email => Ok(row),
        _ => Err(AcceptError::NotFound),
    }
}
