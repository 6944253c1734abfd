//! What is filed: tickets by a form, from an answer, from somebody's message, or from nothing.

use firstline_core::chat::{EventBody, TicketForm};
use firstline_core::text;
use firstline_core::triage::redact::{Redacted, redact};

use super::take::{Incoming, take};
use super::{
    AcceptError, Arrival, MAX_TEXT, key_of, mine, own_conversation, own_request, person, words,
};
use crate::app::App;
use crate::store::Accepted;
use crate::store::records::Viewer;

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
pub(super) fn scrub(app: &App, form: &mut TicketForm) -> Result<Redacted, AcceptError> {
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
