//! The live events of a page about one thing: `changed`, whenever it would show something else to
//! its viewer. The page then fetches itself; the stream says nothing but that it should, and ends
//! when the thing may no longer be seen.

use axum::http::HeaderMap;
use axum::response::IntoResponse;
use axum::response::sse::Event;
use serde_json::json;
use tokio::sync::broadcast::{Receiver, error::RecvError};
use tokio::sync::mpsc;

use super::chat_events::{LIFE, LOOK_AGAIN, RETRY, sse};
use super::fault::Fault;
use super::forms::Fields;
use crate::store::Live;

/// What a page is about, as one viewer sees it.
pub(super) trait Watched: Send + 'static {
    /// Whether this may have changed what the page shows.
    fn concerns(&self, event: &Live) -> bool;

    /// Differs whenever the page does; `None` when it may show nothing any more. As it is now:
    /// groups may have changed, or the person be shut out.
    fn mark(&mut self) -> impl Future<Output = Result<Option<String>, Fault>> + Send;
}

/// The stream, from the page as it was at the mark the reader names. `live` was subscribed to before
/// anything was looked at, so that nothing falls in between.
pub(super) async fn stream<W: Watched>(
    live: Receiver<Live>,
    headers: &HeaderMap,
    asked: &Fields,
    watched: W,
) -> impl IntoResponse + use<W> {
    let last = headers.get("last-event-id").and_then(|v| v.to_str().ok());
    let mark = last.unwrap_or(asked.get("seen")).to_owned();
    let (sender, receiver) = mpsc::channel(8);
    // The channel is empty and its reader here, so this always fits.
    let _ = sender.send(Event::default().retry(RETRY)).await;
    tokio::spawn(async move {
        let mut feed = Feed { watched, mark, sender };
        if let Ok(Err(fault)) = tokio::time::timeout(LIFE, feed.run(live)).await {
            tracing::warn!(error = %fault.detail, "a live page ended early");
        }
    });
    sse(receiver)
}

struct Feed<W> {
    watched: W,
    /// Of what the page shows.
    mark: String,
    sender: mpsc::Sender<Event>,
}

impl<W: Watched> Feed<W> {
    async fn run(&mut self, mut live: Receiver<Live>) -> Result<(), Fault> {
        while let Some(mark) = self.watched.mark().await? {
            self.tell(mark).await;
            // What nobody could tell us is found by looking now and then.
            let pause = tokio::time::sleep(LOOK_AGAIN);
            tokio::pin!(pause);
            loop {
                tokio::select! {
                    () = self.sender.closed() => return Ok(()),
                    () = &mut pause => break,
                    heard = live.recv() => match heard {
                        Ok(event) if !self.watched.concerns(&event) => {}
                        Err(RecvError::Closed) => return Ok(()),
                        Ok(_) | Err(RecvError::Lagged(_)) => break,
                    },
                }
            }
        }
        Ok(())
    }

    async fn tell(&mut self, mark: String) {
        if self.mark != mark {
            let data = json!({ "mark": mark }).to_string();
            let event = Event::default().event("changed").id(mark.clone()).data(data);
            // An error means that the reader is gone, which ends the loop.
            let _ = self.sender.send(event).await;
            self.mark = mark;
        }
    }
}
