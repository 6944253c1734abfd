//! The ticket form, filled from what was understood of a request.

use firstline_core::chat::TicketForm;
use firstline_core::ticket::{Kind, fields_of};

use crate::app::App;
use crate::store;
use crate::store::records::RequestRow;

/// The form for a request of `email`'s, with that request; an empty one when there is none of
/// theirs. `kind` overrules what was understood.
pub async fn form(
    app: &App,
    email: &str,
    request_id: &str,
    kind: Option<Kind>,
) -> store::Result<(Option<RequestRow>, TicketForm)> {
    let request = app.store.request(request_id).await?.filter(|r| r.requester == email);
    let mut form = TicketForm::default();
    if let Some(request) = &request {
        let readings = app.store.assessments(&request.id).await?;
        let reading = readings.into_iter().find(|a| a.chosen).and_then(|a| a.result);
        form.kind = request.kind;
        form.system = request.system.clone();
        form.summary = request.text.lines().next().unwrap_or_default().chars().take(160).collect();
        if let Some(reading) = reading {
            form.summary = reading.summary;
            form.fields = reading.fields;
        }
    }
    if kind.is_some() {
        form.kind = kind;
    }
    // Whatever the kind, the longest field starts with the requester's own words.
    let chosen = form.kind.filter(|k| *k != Kind::None).unwrap_or(Kind::Question);
    if let Some(request) = &request
        && let Some(long) = fields_of(chosen).iter().find(|f| f.multiline && f.name != "error")
        && chosen != Kind::Question
    {
        form.fields.entry(long.name.to_owned()).or_insert_with(|| request.text.clone());
    }
    Ok((request, form))
}
