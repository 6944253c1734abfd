//! A conversation's server-sent events: `message` (with its place as the event id, so
//! that a reconnect continues where it stopped), `draft`, `typing`, `ticket`.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::stream::{self, Stream};
use serde_json::json;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;

use super::Web;
use super::chat_view::{self, Views};
use super::fault::Fault;
use super::forms::Asked;
use super::page::TicketView;
use super::render::{self, Chip};
use super::session::SignedIn;
use crate::store::LiveKind;
use crate::store::records::{Author, ConversationRow};

/// After this the browser connects anew, and its session is looked up anew.
pub(super) const LIFE: Duration = Duration::from_secs(30 * 60);
const BATCH: i64 = 100;
/// More sources than any answer has.
const DRAFT_CHIPS: usize = 40;
/// Messages whose tickets are looked up when a page connects.
const SHOWN: i64 = 400;
/// How long a browser waits before it takes up a broken stream again.
pub(super) const RETRY: Duration = Duration::from_secs(1);

pub(super) async fn events(
    State(web): State<Web>,
    signed: SignedIn,
    Path(id): Path<String>,
    headers: HeaderMap,
    Asked(asked): Asked,
) -> Result<impl IntoResponse, Fault> {
    let conversation = super::chat::own(&web, &signed.viewer, &id).await?;
    let seen = headers.get("last-event-id").and_then(|v| v.to_str().ok());
    let after = seen.unwrap_or(asked.get("after")).parse::<i64>().unwrap_or(0);
    let (sender, receiver) = mpsc::channel(64);
    // The channel is empty and its reader here, so this always fits.
    let _ = sender.send(Event::default().retry(RETRY)).await;
    // Subscribed before the backlog is read, so that nothing falls in between.
    let live = web.app.store.live();
    tokio::spawn(async move {
        let mut feed = Feed { web, signed, conversation, after, sender };
        let told = tokio::time::timeout(LIFE, feed.run(live)).await;
        if let Ok(Err(fault)) = told {
            tracing::warn!(error = %fault.detail, "a live conversation ended early");
        }
    });
    Ok(sse(receiver))
}

/// A stream of what is sent into the channel.
pub(super) fn sse(
    receiver: mpsc::Receiver<Event>,
) -> Sse<axum::response::sse::KeepAliveStream<impl Stream<Item = Result<Event, Infallible>>>> {
    let stream = stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|event| (Ok(event), receiver))
    });
    Sse::new(stream).keep_alive(KeepAlive::new().interval(Duration::from_secs(15)))
}

/// Markers of a draft look as they will; what they lead to comes with the whole answer.
fn draft_chips() -> Vec<Chip> {
    let chip = |n| Chip { n, href: None, internal: false, label: format!("Source {n}") };
    (1..=DRAFT_CHIPS).map(chip).collect()
}

/// How long a live page goes without looking for itself.
pub(super) const LOOK_AGAIN: Duration = Duration::from_secs(3);

struct Feed {
    web: Web,
    signed: SignedIn,
    conversation: ConversationRow,
    after: i64,
    sender: mpsc::Sender<Event>,
}

impl Feed {
    async fn run(
        &mut self,
        mut live: tokio::sync::broadcast::Receiver<crate::store::Live>,
    ) -> Result<(), Fault> {
        self.backlog().await?;
        // What became of tickets while the page was away is not kept for it.
        self.tickets().await?;
        loop {
            let heard = tokio::select! {
                () = self.sender.closed() => return Ok(()),
                heard = live.recv() => heard,
                // What was said while nobody could tell us: another replica's connection
                // to the database may have been down.
                () = tokio::time::sleep(LOOK_AGAIN) => {
                    self.backlog().await?;
                    continue;
                }
            };
            match heard {
                Ok(event) if event.conversation_id != self.conversation.id => {}
                Ok(event) => match event.kind {
                    LiveKind::Message { .. } | LiveKind::Changed => self.backlog().await?,
                    LiveKind::Draft { request_id, text } => {
                        let html = render::message(&text, &draft_chips());
                        self.tell("draft", json!({ "request_id": request_id, "html": html }), None)
                            .await;
                    }
                    LiveKind::Typing => self.tell("typing", json!({}), None).await,
                    LiveKind::Ticket { key } => self.ticket(&key).await?,
                    LiveKind::Incident { .. } | LiveKind::Pause { .. } => {}
                },
                Err(RecvError::Lagged(_)) => {
                    self.backlog().await?;
                    self.tickets().await?;
                }
                Err(RecvError::Closed) => return Ok(()),
            }
        }
    }

    /// Every message written since the last one told.
    async fn backlog(&mut self) -> Result<(), Fault> {
        let store = self.web.app.store.clone();
        loop {
            let rows = store.messages(&self.conversation.id, self.after, BATCH).await?;
            if rows.is_empty() {
                return Ok(());
            }
            // The conversation may have been handed over meanwhile.
            if let Some(row) = store.conversation(&self.conversation.id).await? {
                self.conversation = row;
            }
            for row in &rows {
                let mut views = Views::new(&self.web, &self.signed.viewer);
                let view = views.message(&self.conversation, row).await?;
                let html = chat_view::message_html(&view, &self.signed.session.csrf)?;
                let waiting = row.author == Author::Requester && !self.conversation.handed_over;
                let data = json!({ "seq": row.seq, "html": html, "waiting": waiting });
                self.tell("message", data, Some(row.seq)).await;
                self.after = row.seq;
            }
        }
    }

    /// Every ticket shown in this conversation, as it is now.
    async fn tickets(&mut self) -> Result<(), Fault> {
        let rows = self.web.app.store.messages(&self.conversation.id, 0, SHOWN).await?;
        let keys: BTreeSet<String> = rows.into_iter().filter_map(|row| row.body.ticket).collect();
        for key in keys {
            self.ticket(&key).await?;
        }
        Ok(())
    }

    async fn ticket(&mut self, key: &str) -> Result<(), Fault> {
        let store = &self.web.app.store;
        if let Some(ticket) = store.visible_ticket(key, &self.signed.viewer).await? {
            let now = self.web.app.clock.now();
            let view = TicketView::of(&ticket, now).seen_by(&self.signed.viewer);
            let html = chat_view::ticket_card(&view, &self.signed.session.csrf)?;
            self.tell("ticket", json!({ "key": key, "html": html }), None).await;
        }
        Ok(())
    }

    async fn tell(&self, name: &str, data: serde_json::Value, id: Option<i64>) {
        let mut event = Event::default().event(name).data(data.to_string());
        if let Some(id) = id {
            event = event.id(id.to_string());
        }
        // An error means that the reader is gone, which ends the loop.
        let _ = self.sender.send(event).await;
    }
}
