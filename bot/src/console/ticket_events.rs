//! What a viewer sees of a ticket, and the live events of its page.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::IntoResponse;
use sha2::{Digest, Sha256};

use super::Web;
use super::chat_view::{MessageView, Views};
use super::fault::Fault;
use super::forms::Asked;
use super::page_events::{self, Watched};
use super::session::SignedIn;
use crate::store::records::{Ticket, TicketEventRow, Viewer};
use crate::store::{Live, LiveKind};

/// Messages of a ticket's conversation that its page shows.
const MESSAGES: i64 = 300;

/// What of a ticket a viewer sees.
pub(super) struct Sight {
    pub(super) ticket: Ticket,
    pub(super) owns: bool,
    pub(super) events: Vec<TicketEventRow>,
    pub(super) messages: Vec<MessageView>,
}

impl Sight {
    /// `None` also when there is no such ticket.
    pub(super) async fn of(web: &Web, viewer: &Viewer, key: &str) -> Result<Option<Sight>, Fault> {
        let store = &web.app.store;
        let Some(ticket) = store.visible_ticket(key, viewer).await? else { return Ok(None) };
        let owns = viewer.owns(ticket.team.as_deref());
        let events = store.ticket_events(key, owns).await?;
        let conversation = match &ticket.conversation_id {
            Some(id) => store.conversation(id).await?,
            None => None,
        };
        let messages = match conversation {
            Some(conversation) => {
                let rows = store.messages(&conversation.id, 0, MESSAGES).await?;
                Views::new(web, viewer).all(&conversation, &rows).await?
            }
            None => Vec::new(),
        };
        Ok(Some(Sight { ticket, owns, events, messages }))
    }

    /// Differs whenever something this viewer sees does. What only the team sees, such as
    /// that it noted something, is not in anybody else's.
    pub(super) fn mark(&self) -> Result<String, Fault> {
        let mut ticket = self.ticket.clone();
        if !self.owns {
            (ticket.version, ticket.updated_at) = (0, 0);
        }
        let events: Vec<_> = self.events.iter().map(|event| &event.id).collect();
        let messages: Vec<i64> = self.messages.iter().map(|message| message.seq).collect();
        let seen = serde_json::to_vec(&(ticket, self.owns, events, messages));
        Ok(hex::encode(&Sha256::digest(seen.map_err(Fault::inside)?)[..12]))
    }
}

/// `GET /tickets/{key}/events?seen=MARK`: from the page as it was at that mark.
pub(super) async fn events(
    State(web): State<Web>,
    signed: SignedIn,
    Path(key): Path<String>,
    headers: HeaderMap,
    Asked(asked): Asked,
) -> Result<impl IntoResponse, Fault> {
    let live = web.app.store.live();
    let visible = web.app.store.visible_ticket(&key, &signed.viewer).await?;
    let conversation_id = visible.ok_or_else(Fault::not_found)?.conversation_id;
    let email = signed.viewer.email;
    let page = Page { web, email, key, conversation_id, seen: None };
    Ok(page_events::stream(live, &headers, &asked, page).await)
}

/// A ticket, how many events it has, and its conversation's last message.
type Ends = (Ticket, usize, Option<i64>);

struct Page {
    web: Web,
    email: String,
    key: String,
    conversation_id: Option<String>,
    /// What was last looked at, and the mark that was made of it.
    seen: Option<(Ends, String)>,
}

impl Watched for Page {
    fn concerns(&self, event: &Live) -> bool {
        match &event.kind {
            LiveKind::Draft { .. }
            | LiveKind::Typing
            | LiveKind::Incident { .. }
            | LiveKind::Pause { .. } => false,
            LiveKind::Ticket { key } if *key == self.key => true,
            LiveKind::Ticket { .. } | LiveKind::Message { .. } | LiveKind::Changed => {
                self.conversation_id.as_ref() == Some(&event.conversation_id)
            }
        }
    }

    async fn mark(&mut self) -> Result<Option<String>, Fault> {
        let store = self.web.app.store.clone();
        let Some(viewer) = store.viewer(&self.email).await? else { return Ok(None) };
        let Some(ticket) = store.visible_ticket(&self.key, &viewer).await? else {
            return Ok(None);
        };
        let events = store.ticket_events(&self.key, true).await?.len();
        let last = match &ticket.conversation_id {
            Some(id) => store.thread_turns(id, 1).await?.pop().map(|message| message.seq),
            None => None,
        };
        let state = (ticket, events, last);
        if let Some((before, mark)) = &self.seen
            && *before == state
        {
            return Ok(Some(mark.clone()));
        }
        let Some(sight) = Sight::of(&self.web, &viewer, &self.key).await? else {
            return Ok(None);
        };
        let mark = sight.mark()?;
        self.seen = Some((state, mark.clone()));
        Ok(Some(mark))
    }
}
