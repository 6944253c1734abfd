//! The ticket form, filled from what was understood of a request.

use firstline_core::chat::TicketForm;
use firstline_core::text;
use firstline_core::ticket::{Kind, fields_of};
use firstline_core::triage::local;
use firstline_core::triage::redact::redact;

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
    if let Some(request) = &request {
        own_words(&mut form, &request.text);
    }
    Ok((request, form))
}

/// The form for words nobody has read yet, filled by the local engine: a person waits for it, so
/// no model is asked.
pub async fn of_text(app: &App, said: &str) -> anyhow::Result<TicketForm> {
    let said = redact(text::clean(said, text::MAX_CHARS).text.trim(), &app.redact_options).text;
    let engine = app.engine.current(&app.store, &app.store.stamps().await?).await?;
    let read = said.clone();
    let assess = move || engine.assess(&local::Request { text: &read, ..Default::default() });
    let reading = app.compute.run(assess).await?;
    let mut form = TicketForm {
        kind: Some(reading.kind).filter(|kind| *kind != Kind::None),
        system: reading.system,
        summary: reading.summary,
        fields: reading.fields,
    };
    own_words(&mut form, &said);
    Ok(form)
}

/// Whatever the kind, the longest field starts with the requester's own words.
fn own_words(form: &mut TicketForm, said: &str) {
    let kind = form.kind.filter(|k| *k != Kind::None).unwrap_or(Kind::Question);
    let long = fields_of(kind).iter().find(|f| f.multiline && f.name != "error");
    if let Some(long) = long.filter(|_| kind != Kind::Question) {
        form.fields.entry(long.name.to_owned()).or_insert_with(|| said.to_owned());
    }
}
