//! What people do to tickets: correct, comment, assign, resolve, reopen, merge. Each act
//! checks who may, writes once, and tells the requester in the thread.

mod review;

use firstline_core::chat::Message;
use firstline_core::ticket::{Kind, Status};
use firstline_core::triage::redact::redact;
use firstline_core::{text, words};
use thiserror::Error;

use super::follow;
use crate::app::App;
use crate::job::Job;
use crate::store::new_id;
use crate::store::records::{
    Author, NewJob, NewMessage, Ticket, TicketEventRow, TicketPatch, Viewer, Written,
};

pub use review::{correct, correctable, facts, mark_reviewed, review_list, to_review};

/// Why an act on a ticket was not done; the text is for the person who tried.
#[derive(Debug, Error)]
pub enum Refusal {
    /// It does not exist or may not be seen: nobody learns which.
    #[error("There is no such ticket.")]
    NotFound,
    #[error("{0}")]
    Forbidden(String),
    #[error("{0}")]
    Invalid(String),
    /// Someone else changed it first; the current version.
    #[error("Someone else has just changed this ticket. Look at it again and repeat your change.")]
    Stale(i64),
    #[error("The ticket could not be saved; please try again.")]
    Unavailable(#[from] anyhow::Error),
}

impl From<crate::store::StoreError> for Refusal {
    fn from(error: crate::store::StoreError) -> Self {
        Refusal::Unavailable(error.into())
    }
}

impl Refusal {
    fn owners_only(what: &str) -> Self {
        Refusal::Forbidden(format!("Only support owners of the ticket's team can {what}."))
    }
}

/// Longest comment, in bytes.
const MAX_COMMENT: usize = 16 * 1024;

pub(super) async fn seen(app: &App, viewer: &Viewer, key: &str) -> Result<Ticket, Refusal> {
    app.store.visible_ticket(key, viewer).await?.ok_or(Refusal::NotFound)
}

/// How a ticket stands, to be told.
pub fn standing(ticket: &Ticket) -> words::Standing {
    words::Standing {
        key: ticket.key.clone(),
        summary: ticket.summary.clone(),
        status: ticket.status,
        filed: ticket.created_at,
        changed: ticket.updated_at,
    }
}

/// Changes fields. An owner's correction of kind, system, team, impact, urgency or
/// priority teaches; a requester may edit their own words and reopen or close.
pub async fn patch(
    app: &App,
    viewer: &Viewer,
    key: &str,
    expected_version: Option<i64>,
    mut patch: TicketPatch,
) -> Result<Ticket, Refusal> {
    let ticket = seen(app, viewer, key).await?;
    let owner = viewer.owns(ticket.team.as_deref());
    if !owner {
        requester_may(viewer, &ticket, &patch)?;
    }
    complete(app, &ticket, &mut patch).await?;
    let mut notify = Vec::new();
    if let Some(status) = patch.status.filter(|s| *s != ticket.status) {
        if !ticket.status.may_become(status) {
            return Err(Refusal::Invalid(format!(
                "A ticket that is {} cannot become {}.",
                words::status_word(ticket.status, "en"),
                words::status_word(status, "en")
            )));
        }
        let says = words::status_changed(&ticket.key, status, None, &ticket.language);
        if viewer.email != ticket.requester {
            notify.extend(thread_message(&ticket, Author::Bot, viewer, says.clone()));
        }
        let seen_as = as_patched(&ticket, &patch);
        notify.extend(follow::notices(app, &seen_as, viewer, &notify, &says).await?);
    }
    let jobs = deliveries(app, &notify)?;
    let written = app
        .store
        .patch_ticket(
            key,
            expected_version,
            &patch,
            &viewer.email,
            owner,
            notify,
            jobs,
            app.clock.now(),
        )
        .await?;
    let changed = done(written)?;
    app.similar.update(&changed);
    Ok(changed)
}

/// The ticket with what decides who may see it as the patch leaves it.
fn as_patched(ticket: &Ticket, patch: &TicketPatch) -> Ticket {
    let team = match &patch.team {
        Some(team) => Some(team.trim().to_owned()).filter(|team| !team.is_empty()),
        None => ticket.team.clone(),
    };
    let confidential = patch.confidential.unwrap_or(ticket.confidential);
    Ticket { team, confidential, ..ticket.clone() }
}

/// What a requester may change of their own ticket: its words, and whether it is over.
fn requester_may(viewer: &Viewer, ticket: &Ticket, patch: &TicketPatch) -> Result<(), Refusal> {
    if viewer.email != ticket.requester {
        return Err(Refusal::owners_only("change it"));
    }
    let classifies = patch.kind.is_some()
        || patch.system.is_some()
        || patch.team.is_some()
        || patch.impact.is_some()
        || patch.urgency.is_some()
        || patch.priority.is_some()
        || patch.assignee.is_some();
    if classifies {
        return Err(Refusal::owners_only("change its kind, system, team, priority or assignee"));
    }
    match patch.status {
        None | Some(Status::Triaged | Status::Closed | Status::Resolved) => Ok(()),
        Some(_) => Err(Refusal::owners_only("set that status")),
    }
}

/// Fills in what follows from a change: the team and confidentiality of a system, the
/// priority of an impact and urgency. Refuses values outside the lists.
async fn complete(app: &App, ticket: &Ticket, patch: &mut TicketPatch) -> Result<(), Refusal> {
    if patch.kind == Some(Kind::None) {
        return Err(Refusal::Invalid(
            "A ticket needs a kind: incident, bug, change, process or question.".into(),
        ));
    }
    if let Some(name) = patch.system.as_deref().filter(|name| !name.is_empty()) {
        match app.system(Some(name)) {
            Some(system) => {
                if patch.team.is_none() {
                    patch.team = system.team.clone();
                }
                patch.confidential = Some(system.confidential);
            }
            None if app.catalogue.is_empty() => {}
            None => {
                return Err(Refusal::Invalid(format!("{name} is not a system in the catalogue.")));
            }
        }
    } else if patch.system.is_some() {
        patch.confidential = Some(false);
    }
    if let Some(team) = patch.team.as_deref().filter(|team| !team.is_empty()) {
        let known = app.store.groups().await?.iter().any(|group| group.name == team)
            || app.catalogue.iter().any(|system| system.team.as_deref() == Some(team));
        if !known {
            return Err(Refusal::Invalid(format!("{team} is not a team.")));
        }
    }
    if let Some(assignee) = patch.assignee.as_deref().filter(|email| !email.is_empty())
        && app.store.viewer(assignee).await?.is_none()
    {
        return Err(Refusal::Invalid(format!("{assignee} is not a person here.")));
    }
    if patch.priority.is_none() && (patch.impact.is_some() || patch.urgency.is_some()) {
        let impact = patch.impact.unwrap_or(ticket.impact);
        let urgency = patch.urgency.unwrap_or(ticket.urgency);
        patch.priority = Some(app.config.priority.matrix.priority(impact, urgency));
    }
    if let Some(summary) = &mut patch.summary {
        *summary = clean(app, summary, MAX_COMMENT)?;
    }
    if let Some(fields) = &mut patch.fields {
        for value in fields.values_mut() {
            *value =
                redact(text::clean(value, text::MAX_CHARS).text.trim(), &app.redact_options).text;
        }
    }
    Ok(())
}

/// Adds a comment: the requester reads it in the thread; an internal note they do not.
pub async fn comment(
    app: &App,
    viewer: &Viewer,
    key: &str,
    text: &str,
    internal: bool,
) -> Result<TicketEventRow, Refusal> {
    let ticket = seen(app, viewer, key).await?;
    if internal && !viewer.owns(ticket.team.as_deref()) {
        return Err(Refusal::owners_only("write internal notes"));
    }
    let text = clean(app, text, MAX_COMMENT)?;
    let mut notify = Vec::new();
    if !internal {
        let author =
            if viewer.email == ticket.requester { Author::Requester } else { Author::Person };
        let says =
            Message { text: text.clone(), ticket: Some(ticket.key.clone()), ..Message::default() };
        notify.extend(thread_message(&ticket, author, viewer, says));
    }
    let jobs = deliveries(app, &notify)?;
    app.store
        .comment(key, &viewer.email, &text, internal, notify, jobs, app.clock.now())
        .await?
        .ok_or(Refusal::NotFound)
}

/// Opens a resolved or closed ticket again.
pub async fn reopen(app: &App, viewer: &Viewer, key: &str) -> Result<Ticket, Refusal> {
    let change = TicketPatch { status: Some(Status::Triaged), ..TicketPatch::default() };
    patch(app, viewer, key, None, change).await
}

/// Makes `key` a duplicate of `into`: its requester follows the other one.
pub async fn merge(app: &App, viewer: &Viewer, key: &str, into: &str) -> Result<Ticket, Refusal> {
    let ticket = seen(app, viewer, key).await?;
    let target = seen(app, viewer, into).await?;
    for one in [&ticket, &target] {
        if !viewer.owns(one.team.as_deref()) {
            return Err(Refusal::owners_only("merge tickets"));
        }
    }
    if ticket.key == target.key {
        return Err(Refusal::Invalid("A ticket cannot be merged into itself.".into()));
    }
    if let Some(other) = &ticket.merged_into {
        return Err(Refusal::Invalid(format!("It is merged into {other} already.")));
    }
    if target.merged_into.is_some() {
        return Err(Refusal::Invalid(format!(
            "{into} is itself merged into another ticket; merge into that one."
        )));
    }
    let says = words::merged(&ticket.key, &target.key, &ticket.language);
    let mut notify: Vec<_> =
        thread_message(&ticket, Author::Bot, viewer, says).into_iter().collect();
    // The other ticket may be none of a follower's business.
    let says = words::status_changed(&ticket.key, Status::Closed, None, &ticket.language);
    notify.extend(follow::notices(app, &ticket, viewer, &notify, &says).await?);
    let jobs = deliveries(app, &notify)?;
    let now = app.clock.now();
    done(app.store.merge(key, into, &viewer.email, notify, jobs, now).await?)
}

/// Takes a merge back.
pub async fn unmerge(app: &App, viewer: &Viewer, key: &str) -> Result<Ticket, Refusal> {
    let ticket = seen(app, viewer, key).await?;
    if !viewer.owns(ticket.team.as_deref()) {
        return Err(Refusal::owners_only("unmerge it"));
    }
    if ticket.merged_into.is_none() {
        return Err(Refusal::Invalid("It is not merged into another ticket.".into()));
    }
    let says = words::unmerged(&ticket.key, &ticket.language);
    let mut notify: Vec<_> =
        thread_message(&ticket, Author::Bot, viewer, says.clone()).into_iter().collect();
    notify.extend(follow::notices(app, &ticket, viewer, &notify, &says).await?);
    let jobs = deliveries(app, &notify)?;
    done(app.store.unmerge(key, &viewer.email, notify, jobs, app.clock.now()).await?)
}

fn clean(app: &App, raw: &str, max: usize) -> Result<String, Refusal> {
    if raw.len() > max {
        return Err(Refusal::Invalid(format!("The text is longer than {} KB.", max / 1024)));
    }
    let cleaned = redact(text::clean(raw, text::MAX_CHARS).text.trim(), &app.redact_options).text;
    if cleaned.is_empty() {
        return Err(Refusal::Invalid("The text is empty.".into()));
    }
    Ok(cleaned)
}

fn done<T>(written: Written<T>) -> Result<T, Refusal> {
    match written {
        Written::Done(value) => Ok(value),
        Written::Stale(version) => Err(Refusal::Stale(version)),
        Written::NotFound => Err(Refusal::NotFound),
    }
}

/// A message for the requester's thread; none when the ticket came without one.
fn thread_message(
    ticket: &Ticket,
    author: Author,
    by: &Viewer,
    body: Message,
) -> Option<NewMessage> {
    let conversation_id = ticket.conversation_id.clone()?;
    let told = notice(ticket, conversation_id, ticket.request_id.clone(), body);
    Some(match author {
        Author::Bot => told,
        Author::Requester | Author::Person => NewMessage {
            author,
            email: by.email.clone(),
            name: by.name.clone(),
            body: Message { notice: false, ..told.body },
            pending: author != Author::Requester,
            ..told
        },
    })
}

/// What the bot tells of a ticket in a conversation without being asked.
pub(super) fn notice(
    ticket: &Ticket,
    conversation_id: String,
    request_id: Option<String>,
    body: Message,
) -> NewMessage {
    let id = new_id();
    NewMessage {
        delivery_key: format!("ticket:{id}"),
        id,
        conversation_id,
        author: Author::Bot,
        email: String::new(),
        name: words::BOT_NAME.to_owned(),
        body: Message { ticket: Some(ticket.key.clone()), notice: true, ..body },
        request_id,
        pending: true,
    }
}

/// The jobs that carry pending messages to their platforms.
pub(crate) fn deliveries(app: &App, messages: &[NewMessage]) -> anyhow::Result<Vec<NewJob>> {
    messages
        .iter()
        .filter(|message| message.pending)
        .map(|message| {
            Job::Deliver {
                conversation_id: message.conversation_id.clone(),
                message_id: message.id.clone(),
            }
            .enqueue(app.clock.now())
        })
        .collect()
}
