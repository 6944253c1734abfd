//! A ticket's live events: `changed`, whenever its page would show something else to this
//! viewer. The page then fetches itself; the stream says nothing but that it should, and
//! ends when the ticket may no longer be seen.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::IntoResponse;
use axum::response::sse::Event;
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::sync::broadcast::{Receiver, error::RecvError};
use tokio::sync::mpsc;

use super::Web;
use super::chat_events::{LIFE, LOOK_AGAIN, RETRY, sse};
use super::chat_view::{MessageView, Views};
use super::fault::Fault;
use super::forms::Asked;
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
    // Subscribed before the first look, so that nothing falls in between.
    let live = web.app.store.live();
    let visible = web.app.store.visible_ticket(&key, &signed.viewer).await?;
    let conversation_id = visible.ok_or_else(Fault::not_found)?.conversation_id;
    let last = headers.get("last-event-id").and_then(|v| v.to_str().ok());
    let mark = last.unwrap_or(asked.get("seen")).to_owned();
    let (sender, receiver) = mpsc::channel(8);
    // The channel is empty and its reader here, so this always fits.
    let _ = sender.send(Event::default().retry(RETRY)).await;
    tokio::spawn(async move {
        let email = signed.viewer.email;
        let mut feed = Feed { web, email, key, conversation_id, mark, state: None, sender };
        if let Ok(Err(fault)) = tokio::time::timeout(LIFE, feed.run(live)).await {
            tracing::warn!(error = %fault.detail, "a live ticket ended early");
        }
    });
    Ok(sse(receiver))
}

struct Feed {
    web: Web,
    email: String,
    key: String,
    conversation_id: Option<String>,
    /// Of what the page shows.
    mark: String,
    /// The ticket and the ends of its lists, as they were when the mark was last made.
    state: Option<(Ticket, usize, Option<i64>)>,
    sender: mpsc::Sender<Event>,
}

impl Feed {
    async fn run(&mut self, mut live: Receiver<Live>) -> Result<(), Fault> {
        while self.look().await? {
            // What nobody could tell us is found by looking now and then.
            let pause = tokio::time::sleep(LOOK_AGAIN);
            tokio::pin!(pause);
            loop {
                tokio::select! {
                    () = self.sender.closed() => return Ok(()),
                    () = &mut pause => break,
                    heard = live.recv() => match heard {
                        Ok(event) if !self.concerns(&event) => {}
                        Err(RecvError::Closed) => return Ok(()),
                        Ok(_) | Err(RecvError::Lagged(_)) => break,
                    },
                }
            }
        }
        Ok(())
    }

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

    /// Tells the page if it shows something else now; `false` when it may show nothing.
    async fn look(&mut self) -> Result<bool, Fault> {
        let store = self.web.app.store.clone();
        // As they are now: groups may have changed, or the person be shut out.
        let Some(viewer) = store.viewer(&self.email).await? else { return Ok(false) };
        let Some(ticket) = store.visible_ticket(&self.key, &viewer).await? else {
            return Ok(false);
        };
        let events = store.ticket_events(&self.key, true).await?.len();
        let last = match &ticket.conversation_id {
            Some(id) => store.thread_turns(id, 1).await?.pop().map(|message| message.seq),
            None => None,
        };
        let state = Some((ticket, events, last));
        if self.state == state {
            return Ok(true);
        }
        self.state = state;
        let Some(sight) = Sight::of(&self.web, &viewer, &self.key).await? else {
            return Ok(false);
        };
        let mark = sight.mark()?;
        if self.mark != mark {
            let data = json!({ "mark": mark }).to_string();
            let event = Event::default().event("changed").id(mark.clone()).data(data);
            // An error means that the reader is gone, which ends the loop.
            let _ = self.sender.send(event).await;
            self.mark = mark;
        }
        Ok(true)
    }
}
