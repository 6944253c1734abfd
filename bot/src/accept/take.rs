//! What every event comes to: its rows in one transaction, and a worker for the job among them.

use firstline_core::chat::{
    ChatEvent, ConversationKey, EventBody, Message, Person, Restraint, Setting,
};
use firstline_core::triage::redact::Redacted;

use super::{AcceptError, said_as};
use crate::app::App;
use crate::job::Job;
use crate::store::records::{Author, NewMessage, RepeatKey, RequestRow, RequestState};
use crate::store::{self, Accepted, conversation_id, new_id};
use crate::telemetry::metric;
use crate::worker;

/// An event on its way in, its text cleaned.
pub(super) struct Incoming {
    pub(super) conversation: ConversationKey,
    pub(super) setting: Setting,
    pub(super) outsiders: bool,
    pub(super) restraint: Option<Restraint>,
    /// Unique within platform and tenant.
    pub(super) event_id: String,
    pub(super) body: EventBody,
    /// What the conversation shows of it.
    pub(super) shown: Option<Message>,
    /// The words of a new request.
    pub(super) text: String,
    pub(super) redactions: usize,
    pub(super) key: Option<RepeatKey>,
}

impl Incoming {
    /// An event without words.
    pub(super) fn new(
        conversation: ConversationKey,
        event_id: String,
        body: EventBody,
    ) -> Incoming {
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
    pub(super) fn said(
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
    pub(super) fn with(self, words: Redacted) -> Incoming {
        Incoming { text: words.text, redactions: words.found.len(), ..self }
    }
}

pub(super) async fn take(
    app: &App,
    from: Person,
    incoming: Incoming,
) -> Result<Accepted, AcceptError> {
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
