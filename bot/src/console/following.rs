//! Following a ticket from its page, and no longer.

use axum::extract::{Path, State};
use axum::response::Redirect;
use firstline_core::chat::Platform;

use super::Web;
use super::fault::Fault;
use super::forms::{Asked, Fields};
use super::session::SignedIn;
use super::ticket_page::{back, seen};
use crate::accept::{self, Say};
use crate::flows::follow;

/// What becomes of the ticket is told in a conversation of one's own, which begins with this.
pub(super) async fn follow(
    State(web): State<Web>,
    signed: SignedIn,
    Path(key): Path<String>,
    Asked(asked): Asked,
) -> Result<Redirect, Fault> {
    let key = seen(&web, &signed, &key).await?.key;
    let say = Say {
        conversation: None,
        text: format!("follow {key}"),
        attachments: Vec::new(),
        event_id: format!("follow:{key}"),
        platform: Platform::Web,
        key: None,
    };
    let accepted = accept::say(&web.app, &signed.viewer, say).await?;
    let conversation = web.app.store.conversation(&accepted.conversation_id).await?;
    let conversation = conversation.ok_or_else(Fault::not_found)?;
    follow::follow(&web.app, &signed.viewer, &key, &conversation).await?;
    Ok(back(&key, "followed", asked.some("queue").is_some()))
}

pub(super) async fn unfollow(
    State(web): State<Web>,
    signed: SignedIn,
    Path(key): Path<String>,
    Asked(asked): Asked,
    fields: Fields,
) -> Result<Redirect, Fault> {
    let key = seen(&web, &signed, &key).await?.key;
    follow::unfollow(&web.app, &signed.viewer, &key).await?;
    if fields.get("back") == "/my" {
        return Ok(Redirect::to("/my?said=unfollowed"));
    }
    Ok(back(&key, "unfollowed", asked.some("queue").is_some()))
}
