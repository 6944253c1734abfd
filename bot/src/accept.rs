//! The front door: a verified event becomes rows (event, message, request, job) in one
//! transaction, and only then is it acknowledged. Secrets are removed here, before
//! anything is written.

use firstline_core::chat::{
    Button, ChatEvent, ConversationKey, EventBody, Message, Person, Platform, RemoteFile,
    Restraint, Setting, TicketForm, Verdict,
};
use firstline_core::text;
use firstline_core::triage::Plan;
use firstline_core::triage::redact::{Redacted, redact};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::app::App;
use crate::job::Job;
use crate::store::records::{
    Author, ConversationRow, NewMessage, RepeatKey, RequestRow, RequestState, Viewer,
};
use crate::store::{self, Accepted, StoreError, conversation_id, new_id};
use crate::telemetry::metric;
use crate::worker;

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

/// Files a ticket where no request was made before: from somebody's message, or from nothing.
pub async fn filed(
    app: &App,
    arrival: Arrival,
    mut form: TicketForm,
) -> Result<Accepted, AcceptError> {
    let Arrival { conversation, setting, outsiders, from, text, event_id, .. } = arrival;
    let said = words(app, &text, true)?;
    let of_form = scrub(app, &mut form)?;
    let body = EventBody::FileTicket { request_id: None, form };
    // What it was filed from is what the ticket is about; without that, its summary is.
    let text = if said.text.is_empty() { of_form } else { said };
    let incoming = Incoming::new(conversation, event_id, body).with(text);
    take(app, from, Incoming { setting, outsiders, ..incoming }).await
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

/// "That solved it" or "not helpful" under an answer.
pub async fn feedback(
    app: &App,
    viewer: &Viewer,
    request_id: &str,
    verdict: Verdict,
    event_id: String,
) -> Result<Accepted, AcceptError> {
    let from = person(viewer);
    let event_id = mine(&from, &event_id);
    pressed(app, from, request_id, Press::Verdict(verdict), event_id).await
}

/// A button under an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Press {
    Verdict(Verdict),
    FileTicket(TicketForm),
    TalkToPerson,
    Follow,
}

impl Press {
    pub fn button(&self) -> Button {
        match self {
            Press::Verdict(Verdict::Solved) => Button::Solved,
            Press::Verdict(Verdict::NotHelpful) => Button::NotHelpful,
            Press::FileTicket(_) => Button::FileTicket,
            Press::TalkToPerson => Button::TalkToPerson,
            Press::Follow => Button::Follow,
        }
    }
}

/// Takes up a button under an answer to a request of one's own, whoever began the
/// conversation it stands in. A ticket told of in a channel may be followed by others too.
pub async fn pressed(
    app: &App,
    from: Person,
    request_id: &str,
    press: Press,
    event_id: String,
) -> Result<Accepted, AcceptError> {
    let request = app.store.request(request_id).await?.ok_or(AcceptError::NotFound)?;
    let conversation = app.store.conversation(&request.conversation_id).await?;
    let conversation = conversation.ok_or(AcceptError::NotFound)?;
    let shared = press == Press::Follow && conversation.setting == Setting::Channel;
    if request.requester != from.email && !shared {
        return Err(AcceptError::NotFound);
    }
    let mut words = Redacted::default();
    let body = match press {
        Press::Verdict(verdict) => EventBody::Feedback { request_id: request.id, verdict },
        Press::TalkToPerson => EventBody::TalkToPerson { request_id: Some(request.id) },
        // The same as typing it, for whoever pressed.
        Press::Follow => {
            let key = told_of(&request).ok_or(AcceptError::NotFound)?;
            words.text = format!("follow {key}");
            EventBody::Said { text: words.text.clone(), attachments: vec![], files: vec![] }
        }
        Press::FileTicket(mut form) => {
            words = scrub(app, &mut form)?;
            EventBody::FileTicket { request_id: Some(request.id), form }
        }
    };
    let incoming = Incoming::new(key_of(&conversation), event_id, body);
    let incoming = Incoming { setting: conversation.setting, ..incoming };
    take(app, from, incoming.with(words)).await
}

/// The ticket an answer tells of: filed from the request, or found to be about the same.
fn told_of(request: &RequestRow) -> Option<String> {
    let known = request.decision.as_ref().and_then(|e| match &e.decision.plan {
        Plan::Duplicate { key } => Some(key.clone()),
        _ => None,
    });
    request.ticket_key.clone().or(known)
}

/// "Follow" under an own answer that tells of a ticket.
pub async fn follow(
    app: &App,
    viewer: &Viewer,
    request_id: &str,
    event_id: String,
) -> Result<Accepted, AcceptError> {
    own_request(app, viewer, request_id).await?;
    let from = person(viewer);
    let event_id = mine(&from, &event_id);
    pressed(app, from, request_id, Press::Follow, event_id).await
}

/// The ticket form, as the requester left it.
pub async fn file_ticket(
    app: &App,
    viewer: &Viewer,
    conversation_id: &str,
    request_id: Option<String>,
    mut form: TicketForm,
    event_id: String,
) -> Result<Accepted, AcceptError> {
    let conversation = own_conversation(app, viewer, conversation_id).await?;
    if let Some(id) = &request_id {
        own_request(app, viewer, id).await?;
    }
    let words = scrub(app, &mut form)?;
    let from = person(viewer);
    let body = EventBody::FileTicket { request_id, form };
    let incoming = Incoming::new(key_of(&conversation), mine(&from, &event_id), body);
    take(app, from, incoming.with(words)).await
}

/// Cleans a form; its summary stands for the words of the request it may make.
fn scrub(app: &App, form: &mut TicketForm) -> Result<Redacted, AcceptError> {
    let total: usize = form.summary.len() + form.fields.values().map(String::len).sum::<usize>();
    if total > MAX_TEXT {
        return Err(AcceptError::TooLarge);
    }
    let mut found = Vec::new();
    let mut scrub = |value: &mut String| {
        let redacted = redact(text::clean(value, text::MAX_CHARS).text.trim(), &app.redact_options);
        found.extend(redacted.found);
        *value = redacted.text;
    };
    scrub(&mut form.summary);
    form.fields.values_mut().for_each(&mut scrub);
    if form.summary.is_empty() && form.fields.values().all(String::is_empty) {
        return Err(AcceptError::Empty);
    }
    Ok(Redacted { text: form.summary.clone(), found })
}

/// "Talk to a person": ends the bot's part.
pub async fn talk_to_person(
    app: &App,
    viewer: &Viewer,
    conversation_id: &str,
    request_id: Option<String>,
    event_id: String,
) -> Result<Accepted, AcceptError> {
    let conversation = own_conversation(app, viewer, conversation_id).await?;
    if let Some(id) = &request_id {
        own_request(app, viewer, id).await?;
    }
    let from = person(viewer);
    let body = EventBody::TalkToPerson { request_id };
    let incoming = Incoming::new(key_of(&conversation), mine(&from, &event_id), body);
    take(app, from, incoming).await
}

/// An event on its way in, its text cleaned.
struct Incoming {
    conversation: ConversationKey,
    setting: Setting,
    outsiders: bool,
    restraint: Option<Restraint>,
    /// Unique within platform and tenant.
    event_id: String,
    body: EventBody,
    /// What the conversation shows of it.
    shown: Option<Message>,
    /// The words of a new request.
    text: String,
    redactions: usize,
    key: Option<RepeatKey>,
}

impl Incoming {
    /// An event without words.
    fn new(conversation: ConversationKey, event_id: String, body: EventBody) -> Incoming {
        Incoming {
            conversation,
            setting: Setting::Direct,
            outsiders: false,
            restraint: None,
            event_id,
            body,
            shown: None,
            text: String::new(),
            redactions: 0,
            key: None,
        }
    }

    /// Something said.
    fn said(
        conversation: ConversationKey,
        event_id: String,
        words: Redacted,
        attachments: Vec<String>,
    ) -> Incoming {
        let body = EventBody::Said { text: words.text.clone(), attachments, files: Vec::new() };
        let shown = Some(Message { text: words.text.clone(), ..Message::default() });
        Incoming { shown, ..Incoming::new(conversation, event_id, body) }.with(words)
    }

    /// With the words of a request.
    fn with(self, words: Redacted) -> Incoming {
        Incoming { text: words.text, redactions: words.found.len(), ..self }
    }
}

async fn take(app: &App, from: Person, incoming: Incoming) -> Result<Accepted, AcceptError> {
    let Incoming { conversation, setting, outsiders, restraint, event_id, body, shown, .. } =
        incoming;
    let (text, redactions, key) = (incoming.text, incoming.redactions, incoming.key);
    let now = app.clock.now();
    // A press of a button concerns a request that exists; everything else is a new one.
    let existing = match &body {
        EventBody::Feedback { request_id, .. }
        | EventBody::Edited { request_id, .. }
        | EventBody::Deleted { request_id, .. } => Some(request_id.clone()),
        EventBody::FileTicket { request_id, .. } | EventBody::TalkToPerson { request_id } => {
            request_id.clone()
        }
        EventBody::Said { .. } => None,
    };
    let request_id = existing.clone().unwrap_or_else(new_id);
    let event = ChatEvent {
        event_id: event_id.clone(),
        conversation,
        setting,
        from,
        outsiders,
        restraint,
        at: now,
        body,
    };
    let conversation_id = conversation_id(&event.conversation);
    let message = shown.map(|body| NewMessage {
        id: new_id(),
        conversation_id: conversation_id.clone(),
        author: Author::Requester,
        email: event.from.email.clone(),
        name: event.from.name.clone(),
        body: Message { request_id: Some(request_id.clone()), ..body },
        request_id: Some(request_id.clone()),
        delivery_key: said_as(&event.conversation, &event_id),
        pending: false,
    });
    let request = existing.is_none().then(|| RequestRow {
        id: request_id.clone(),
        conversation_id: conversation_id.clone(),
        requester: event.from.email.clone(),
        text,
        state: RequestState::Accepted,
        kind: None,
        system: None,
        confidence: None,
        action: None,
        abstained: None,
        answerable: None,
        decision: None,
        answer: None,
        ticket_key: None,
        verdict: None,
        redactions: redactions as i64,
        received_at: now,
        settled_at: None,
    });
    let job = Job::Event { conversation_id, request_id, event: Box::new(event.clone()) };
    let job = job.enqueue(now)?;
    let slot = worker::free_slot(app);
    let holder = slot.as_ref().map(|slot| slot.holder(now));
    let rows = store::Event { event: &event, raw: None, message, request, job, holder, key };
    let mut accepted = app.store.accept(rows, now).await?.ok_or(AcceptError::KeyReused)?;
    crate::crash::point("accepted");
    if let (Some(slot), Some(job)) = (slot, accepted.job.take()) {
        slot.run(job);
    }
    if accepted.duplicate {
        metrics::counter!(metric::EVENTS_DUPLICATE).increment(1);
    } else {
        metrics::counter!(metric::EVENTS, "platform" => event.conversation.platform.as_str())
            .increment(1);
    }
    tracing::info!(
        request.id = accepted.request_id.as_deref().unwrap_or(""),
        duplicate = accepted.duplicate,
        "event accepted"
    );
    Ok(accepted)
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
