//! What support owners do with what the bot kept to itself: read it, post it as the bot would
//! have, or let it be.

use firstline_core::chat::Message;
use firstline_core::words;
use thiserror::Error;

use crate::app::App;
use crate::job::Job;
use crate::store::records::{
    Author, KEY_PLACEHOLDER, NewMessage, Posting, Suggestion, SuggestionState, Viewer,
};
use crate::store::{StoreError, may_decide, may_read, new_id};
use crate::telemetry::metric;

/// Why a suggestion was not acted on; the text is for the person who tried.
#[derive(Debug, Error)]
pub enum Refusal {
    /// It does not exist or is not theirs to decide on: nobody learns which.
    #[error("There is no such suggestion.")]
    NotFound,
    #[error("Somebody has replied in the meantime, so it is not posted.")]
    Overtaken,
    #[error("It was decided on already, or the request has changed. Look at it again.")]
    Changed,
    #[error(
        "An article it rests on is gone, or no longer open to everyone in the channel, so it is \
         not posted."
    )]
    Closed,
    #[error("It could not be saved; please try again.")]
    Unavailable(#[from] anyhow::Error),
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Refusal::Unavailable(error.into())
    }
}

/// Posts a suggestion, as it was at `version`, into its thread; what goes with it is done now.
pub async fn post(app: &App, viewer: &Viewer, id: &str, version: i64) -> Result<(), Refusal> {
    let suggestion = decides(app, viewer, id).await?;
    if !readable(app, viewer, &suggestion).await? {
        return Err(Refusal::NotFound);
    }
    if !open_to(app, &suggestion, &suggestion.draft.readers).await? {
        return Err(Refusal::Closed);
    }
    let now = app.clock.now();
    let message = NewMessage {
        id: new_id(),
        conversation_id: suggestion.conversation_id.clone(),
        author: Author::Bot,
        email: String::new(),
        name: words::BOT_NAME.into(),
        body: Message::default(),
        request_id: Some(suggestion.request_id.clone()),
        delivery_key: format!("suggested:{}", suggestion.request_id),
        pending: true,
    };
    let delivery = Job::Deliver {
        conversation_id: message.conversation_id.clone(),
        message_id: message.id.clone(),
    };
    let delivery = delivery.enqueue(now)?;
    match app.store.post_suggestion(message, &delivery, version, &viewer.email, now).await? {
        Posting::Posted(_) => {
            count(SuggestionState::Posted);
            Ok(())
        }
        Posting::Overtaken => Err(Refusal::Overtaken),
        Posting::Changed => Err(Refusal::Changed),
    }
}

/// Lets a suggestion be.
pub async fn dismiss(app: &App, viewer: &Viewer, id: &str) -> Result<(), Refusal> {
    let suggestion = decides(app, viewer, id).await?;
    if !app.store.dismiss_suggestion(&suggestion.request_id, &viewer.email, app.clock.now()).await?
    {
        return Err(Refusal::Changed);
    }
    count(SuggestionState::Dismissed);
    Ok(())
}

/// Whether who decides on it may also read all of it: the articles it cites, the ticket it
/// names.
pub async fn readable(app: &App, viewer: &Viewer, suggestion: &Suggestion) -> anyhow::Result<bool> {
    let named = suggestion.draft.says.ticket.as_deref().filter(|key| *key != KEY_PLACEHOLDER);
    if let Some(key) = named
        && app.store.visible_ticket(key, viewer).await?.is_none()
    {
        return Ok(false);
    }
    Ok(viewer.is_admin() || open_to(app, suggestion, &viewer.groups).await?)
}

/// Whether everything it cites is still there for a member of these groups.
async fn open_to(app: &App, suggestion: &Suggestion, groups: &[String]) -> anyhow::Result<bool> {
    let reader = Viewer { groups: groups.to_vec(), ..super::ask::anyone() };
    for document in &suggestion.draft.cited_documents {
        let found = app.store.document(document).await?;
        if !found.is_some_and(|(document, _, _)| may_read(&reader, &document)) {
            return Ok(false);
        }
    }
    Ok(true)
}

async fn decides(app: &App, viewer: &Viewer, id: &str) -> Result<Suggestion, Refusal> {
    let suggestion = app.store.suggestion(id).await?;
    suggestion.filter(|s| may_decide(viewer, s.team.as_deref())).ok_or(Refusal::NotFound)
}

/// Counts what becomes of suggestions.
pub(super) fn count(state: SuggestionState) {
    metrics::counter!(metric::SUGGESTIONS, "state" => state.as_str()).increment(1);
}
