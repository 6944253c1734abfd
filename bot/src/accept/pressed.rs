//! What is pressed: the buttons under an answer.

use firstline_core::chat::{Button, EventBody, Person, Setting, TicketForm, Verdict};
use firstline_core::triage::Plan;
use firstline_core::triage::redact::Redacted;

use super::filed::scrub;
use super::take::{Incoming, take};
use super::{AcceptError, key_of, mine, own_conversation, own_request, person};
use crate::app::App;
use crate::store::Accepted;
use crate::store::records::{RequestRow, Viewer};

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
