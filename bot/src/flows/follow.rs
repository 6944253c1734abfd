//! Following a ticket: whoever may see it is told of its states in the conversation in which
//! they followed it.

use std::collections::HashSet;

use firstline_core::chat::{Message, Setting};

use super::ticket::{Refusal, notice, seen};
use crate::app::App;
use crate::store::may_see;
use crate::store::records::{ConversationRow, NewMessage, Ticket, Viewer};

/// Lets `viewer` follow a ticket they may see in a conversation where it may be named.
pub async fn follow(
    app: &App,
    viewer: &Viewer,
    key: &str,
    conversation: &ConversationRow,
) -> Result<Ticket, Refusal> {
    let ticket = seen(app, viewer, key).await?;
    if !may_name(conversation.setting, &ticket) {
        return Err(Refusal::NotFound);
    }
    app.store.follow(key, &viewer.email, &conversation.id, app.clock.now()).await?;
    Ok(ticket)
}

/// Ends that; `false` when they did not follow it. Also for a ticket they see no more.
pub async fn unfollow(app: &App, viewer: &Viewer, key: &str) -> Result<bool, Refusal> {
    Ok(app.store.unfollow(key, &viewer.email).await?)
}

/// Whether others who read along may learn of a ticket.
pub(super) fn may_name(setting: Setting, ticket: &Ticket) -> bool {
    setting == Setting::Direct || !ticket.confidential
}

/// What those who follow `ticket` are told of a change `by` somebody: each conversation once,
/// beside the one `told` already, and nobody who may not see it any more.
pub(super) async fn notices(
    app: &App,
    ticket: &Ticket,
    by: &Viewer,
    told: &[NewMessage],
    says: &Message,
) -> Result<Vec<NewMessage>, Refusal> {
    let followers = app.store.followers(&ticket.key).await?;
    if followers.is_empty() {
        return Ok(Vec::new());
    }
    let participants = app.store.participants(&ticket.key).await?;
    let mut told: HashSet<String> = told.iter().map(|m| m.conversation_id.clone()).collect();
    let mut notices = Vec::new();
    for follower in followers {
        let Some(reader) = person(app, &follower.email).await? else { continue };
        let hears = follower.email != by.email
            && may_see(&reader, ticket, &participants)
            && may_name(follower.setting, ticket);
        if hears && told.insert(follower.conversation_id.clone()) {
            notices.push(notice(ticket, follower.conversation_id, None, says.clone()));
        }
    }
    Ok(notices)
}

/// Somebody by their address, with what they may see now; `None` when they have left. Who only
/// writes in chats need not be known here.
async fn person(app: &App, email: &str) -> Result<Option<Viewer>, Refusal> {
    if let Some(viewer) = app.store.viewer(email).await? {
        return Ok(Some(viewer));
    }
    let left = app.store.person(email).await?.is_some();
    Ok((!left).then(|| Viewer { email: email.to_owned(), ..super::ask::anyone() }))
}
