//! A request's server-sent events: `draft` while the answer grows, `settled` with the
//! whole request at the end, after which the stream ends.

use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::IntoResponse;
use axum::response::sse::Event;
use serde_json::json;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;

use super::super::Web;
use super::super::chat_events::{LOOK_AGAIN, sse};
use super::super::fault::Fault;
use super::super::session::ApiCaller;
use super::requests::{seen, withheld};
use super::wire::RequestView;
use crate::store::LiveKind;
use crate::store::records::{RequestRow, RequestState, Viewer};

const LIFE: Duration = Duration::from_secs(10 * 60);

/// Follow a request until it is settled.
#[utoipa::path(
    get, path = "/api/v1/requests/{id}/events", tag = "requests",
    params(("id" = String, Path,)),
    responses((status = 200, description = "Events `draft` ({text}) and `settled` (the request)", content_type = "text/event-stream")),
    security(("token" = ["requests"]))
)]
pub(crate) async fn events(
    State(web): State<Web>,
    caller: ApiCaller,
    Path(id): Path<String>,
) -> Result<impl IntoResponse, Fault> {
    caller.needs("requests")?;
    let live = web.app.store.live();
    let request = seen(&web, &caller, &id).await?;
    let (sender, receiver) = mpsc::channel(16);
    tokio::spawn(async move {
        let follow = follow(&web, &caller.viewer, &request, live, &sender);
        if let Ok(Err(fault)) = tokio::time::timeout(LIFE, follow).await {
            tracing::warn!(error = %fault.detail, "a request's events ended early");
        }
    });
    Ok(sse(receiver))
}

async fn follow(
    web: &Web,
    viewer: &Viewer,
    followed: &RequestRow,
    mut live: tokio::sync::broadcast::Receiver<crate::store::Live>,
    sender: &mpsc::Sender<Event>,
) -> Result<(), Fault> {
    let RequestRow { id, conversation_id, .. } = followed;
    loop {
        if let Some(row) = web.app.store.request(id).await?
            && row.state == RequestState::Settled
        {
            let row = withheld(web, viewer, row).await?;
            let data = serde_json::to_string(&RequestView::from(row)).map_err(Fault::inside)?;
            let _ = sender.send(Event::default().event("settled").data(data)).await;
            return Ok(());
        }
        // Until something of this conversation says to look again.
        loop {
            let heard = tokio::select! {
                () = sender.closed() => return Ok(()),
                heard = live.recv() => heard,
                () = tokio::time::sleep(LOOK_AGAIN) => break,
            };
            match heard {
                Ok(event) if event.conversation_id != *conversation_id => {}
                Ok(event) => match event.kind {
                    // An answer in the making has not been checked for other readers.
                    LiveKind::Draft { request_id, text }
                        if request_id == *id && followed.requester == viewer.email =>
                    {
                        let data = json!({ "text": text }).to_string();
                        let _ = sender.send(Event::default().event("draft").data(data)).await;
                    }
                    LiveKind::Draft { .. }
                    | LiveKind::Typing
                    | LiveKind::Incident { .. }
                    | LiveKind::Pause { .. } => {}
                    LiveKind::Message { .. } | LiveKind::Ticket { .. } | LiveKind::Changed => break,
                },
                Err(RecvError::Lagged(_)) => break,
                Err(RecvError::Closed) => return Ok(()),
            }
        }
    }
}
