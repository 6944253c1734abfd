//! What is said: in the console, on platforms, and what became of it there since.

use firstline_core::chat::{
    ConversationKey, EventBody, Person, Platform, RemoteFile, Restraint, Setting,
};
use firstline_core::triage::redact::Redacted;
use sha2::{Digest as _, Sha256};

use super::take::{Incoming, take};
use super::{AcceptError, key_of, mine, own_conversation, person, said_as, words};
use crate::app::App;
use crate::store::Accepted;
use crate::store::records::{RepeatKey, Viewer};

/// Something a person typed.
#[derive(Debug, Clone)]
pub struct Say {
    /// An own conversation; `None` starts a new one.
    pub conversation: Option<String>,
    pub text: String,
    /// Ids of attachments already stored by this person.
    pub attachments: Vec<String>,
    /// Made by the sender; the same one again changes nothing.
    pub event_id: String,
    pub platform: Platform,
    /// Of a program that may repeat itself.
    pub key: Option<RepeatKey>,
}

/// Takes up what `viewer` said.
pub async fn say(app: &App, viewer: &Viewer, say: Say) -> Result<Accepted, AcceptError> {
    let words = words(app, &say.text, !say.attachments.is_empty())?;
    for id in &say.attachments {
        let own = app.store.attachment(id).await?.is_some_and(|a| a.email == viewer.email);
        if !own {
            return Err(AcceptError::NotFound);
        }
    }
    let key = match &say.conversation {
        Some(id) => {
            let conversation = own_conversation(app, viewer, id).await?;
            if conversation.platform.is_foreign() {
                return Err(AcceptError::Elsewhere);
            }
            key_of(&conversation)
        }
        // The first message names its thread, so that sending it again finds it again.
        None => ConversationKey {
            platform: say.platform,
            tenant: "local".into(),
            channel: viewer.email.clone(),
            thread: say.event_id.clone(),
        },
    };
    let from = person(viewer);
    let incoming = Incoming::said(key, mine(&from, &say.event_id), words, say.attachments);
    take(app, from, Incoming { key: say.key, ..incoming }).await
}

/// Something said on a platform that vouches for who said it and names its own events.
#[derive(Debug, Clone)]
pub struct Arrival {
    pub conversation: ConversationKey,
    pub setting: Setting,
    pub outsiders: bool,
    pub from: Person,
    pub text: String,
    /// Files it came with, fetched once it is accepted.
    pub files: Vec<RemoteFile>,
    pub event_id: String,
}

/// Takes up what was said to the bot on a platform.
pub async fn arrived(app: &App, arrival: Arrival) -> Result<Accepted, AcceptError> {
    overheard(app, arrival, None).await
}

/// Takes up what was said on a platform where `restraint` may keep the bot from replying.
pub async fn overheard(
    app: &App,
    arrival: Arrival,
    restraint: Option<Restraint>,
) -> Result<Accepted, AcceptError> {
    let Arrival { conversation, setting, outsiders, from, text, files, event_id } = arrival;
    let words = words(app, &text, !files.is_empty())?;
    let mut incoming = Incoming::said(conversation, event_id, words, Vec::new());
    if let EventBody::Said { files: to_fetch, .. } = &mut incoming.body {
        *to_fetch = files;
    }
    take(app, from, Incoming { setting, outsiders, restraint, ..incoming }).await
}

/// What became of something said before.
#[derive(Debug, Clone)]
pub enum Change {
    /// It reads like this now.
    Text(String),
    Deleted,
}

/// Takes up a change of what `from` said under the event id `of`. `None` when the bot never
/// heard it from them, or nothing in it changed.
pub async fn changed(
    app: &App,
    place: &ConversationKey,
    outsiders: bool,
    from: Person,
    of: &str,
    change: Change,
) -> Result<Option<Accepted>, AcceptError> {
    let said = app.store.message_by_delivery(&said_as(place, of)).await?;
    let Some(said) = said.filter(|said| said.email == from.email) else { return Ok(None) };
    let conversation = app.store.conversation(&said.conversation_id).await?;
    let (Some(conversation), Some(request_id)) = (conversation, said.request_id) else {
        return Ok(None);
    };
    let mut text = Redacted::default();
    let message_id = said.id;
    // The same change told again is the same event.
    let (event_id, body) = match change {
        Change::Deleted => (format!("gone:{of}"), EventBody::Deleted { request_id, message_id }),
        Change::Text(changed) => {
            text = words(app, &changed, true)?;
            if text.text == said.body.text {
                return Ok(None);
            }
            let digest = hex::encode(Sha256::digest(text.text.as_bytes()));
            let body = EventBody::Edited { request_id, message_id, text: text.text.clone() };
            (format!("edit:{of}:{digest}"), body)
        }
    };
    let incoming = Incoming::new(key_of(&conversation), event_id, body).with(text);
    let incoming = Incoming { setting: conversation.setting, outsiders, ..incoming };
    take(app, from, incoming).await.map(Some)
}

/// Who said what is kept under the event id `of`, where the platform tells of a change without
/// saying whose it is. Those who are not known colleagues are guests.
pub async fn said_by(
    app: &App,
    place: &ConversationKey,
    of: &str,
) -> Result<Option<Person>, AcceptError> {
    let said = app.store.message_by_delivery(&said_as(place, of)).await?;
    let Some(said) = said else { return Ok(None) };
    let known = app.store.person(&said.email).await?;
    let guest = !known.is_some_and(|person| person.active);
    Ok(Some(Person { email: said.email, name: said.name, guest, ..Person::default() }))
}
