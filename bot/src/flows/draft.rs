//! Shows an answer in its chat while a model composes it. Drafts are a courtesy: none that fails
//! keeps the answer, which takes the place of whatever of it is shown.

use firstline_core::capabilities::of;
use tokio::sync::watch;

use crate::app::App;
use crate::ports::{SendError, Shown};
use crate::store::StoreError;
use crate::store::records::ConversationRow;

/// Shows the newest text, as often as the chat allows, until nobody composes any more. What is on
/// its way to the chat then has arrived when this returns.
pub(super) async fn follow(
    app: &App,
    conversation: &ConversationRow,
    message_id: String,
    request_id: &str,
    mut newest: watch::Receiver<String>,
) {
    let Some(every) = of(conversation.platform).drafts_every(conversation.setting) else { return };
    let request_id = request_id.to_owned();
    let mut shown = Shown { message_id, request_id, ..Shown::default() };
    let mut next = app.clock.now();
    loop {
        let mut composed = newest.clone();
        tokio::select! {
            biased;
            () = async { while composed.changed().await.is_ok() {} } => return,
            () = app.clock.sleep_until(next) => {}
        }
        let text = match newest.wait_for(|text| *text != shown.text).await {
            Ok(text) => text.clone(),
            Err(_) => return,
        };
        // The answer is complete, and comes itself.
        if newest.has_changed().is_err() {
            return;
        }
        let begun = app.clock.now();
        let wait = match show(app, conversation, &shown, &text).await {
            Ok(sent_as) => {
                let times = shown.times + 1;
                shown = Shown { sent_as: Some(sent_as), text, times, ..shown };
                every
            }
            Err(SendError::Wait { ms, .. }) => ms.max(every),
            Err(error) => {
                tracing::debug!(%error, "an answer is shown when it is whole");
                return;
            }
        };
        next = begun + wait;
    }
}

/// Shows one state of an answer. That there will be a draft is noted before, and its name at once:
/// whoever delivers the answer finds it, even if this process ends in between.
async fn show(
    app: &App,
    conversation: &ConversationRow,
    shown: &Shown,
    text: &str,
) -> Result<String, SendError> {
    let noted = |error: StoreError| SendError::Fail(error.to_string());
    let first = shown.sent_as.is_none();
    if first {
        let now = app.clock.now();
        app.store.begin_draft(&shown.message_id, &conversation.id, now).await.map_err(noted)?;
        crate::crash::point("drafting");
    }
    let sent_as = app.chat.draft(conversation, shown, text).await?;
    if first {
        crate::crash::point("shown");
        app.store.name_draft(&shown.message_id, &sent_as).await.map_err(noted)?;
        crate::crash::point("drafted");
    }
    Ok(sent_as)
}
