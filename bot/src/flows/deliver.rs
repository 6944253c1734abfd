//! Tells a platform one message of ours, once.

use anyhow::anyhow;

use crate::app::App;
use crate::ports::SendError;
use crate::store::records::{ConversationRow, LeasedJob, MessageRow};
use crate::worker::JobError;

/// A delivery from the queue: the message is looked up.
pub async fn deliver_kept(
    app: &App,
    leased: &LeasedJob,
    conversation_id: &str,
    message_id: &str,
) -> Result<(), JobError> {
    let conversation = app.store.conversation(conversation_id).await?;
    let message = app.store.message(message_id).await?;
    let (Some(conversation), Some(message)) = (conversation, message) else {
        // Erased in the meantime: there is nobody to tell.
        return finish(app.store.complete(leased).await?);
    };
    deliver(app, leased, &conversation, &message).await
}

/// Sends `message` and ends the job that holds its delivery.
pub async fn deliver(
    app: &App,
    leased: &LeasedJob,
    conversation: &ConversationRow,
    message: &MessageRow,
) -> Result<(), JobError> {
    // Only what answers a request has a draft, and the web shows its drafts itself.
    let drafted = message.request_id.is_some() && conversation.platform.is_foreign();
    let draft = if drafted { app.store.draft(&message.id).await? } else { None };
    let again = leased.attempt > 1;
    let sent_as = match app.chat.deliver(conversation, message, again, draft.as_ref()).await {
        Ok(sent_as) => sent_as,
        Err(SendError::Wait { reason, ms }) => {
            return Err(JobError::HeldBack { reason: anyhow!(reason), after_ms: ms });
        }
        Err(SendError::Retry(reason)) => return Err(JobError::Retry(anyhow!(reason))),
        Err(SendError::Fail(reason)) => return Err(JobError::Fail(anyhow!(reason))),
    };
    crate::crash::point("sent");
    let now = app.clock.now();
    finish(app.store.mark_sent(leased, message, sent_as.as_deref(), now).await?)?;
    if draft.is_some()
        && let Err(error) = app.store.forget_draft(&message.id).await
    {
        tracing::debug!(%error, "a draft that is none any more stays noted");
    }
    Ok(())
}

fn finish(held: bool) -> Result<(), JobError> {
    if held { Ok(()) } else { Err(JobError::LeaseLost) }
}
