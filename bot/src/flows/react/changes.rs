//! What was said is changed or taken back afterwards.

use firstline_core::chat::Message;
use firstline_core::words;

use super::{Reaction, Said};
use crate::store::records::Settlement;
use crate::worker::JobError;

impl Reaction<'_> {
    /// A ticket made of the message hears of the change; otherwise it is answered anew.
    pub(super) async fn edited(
        mut self,
        message_id: &str,
        text: &str,
    ) -> Result<Option<Said>, JobError> {
        let Some(message) = self.app.store.message(message_id).await? else {
            return self.nothing_more().await;
        };
        let body = Message { text: text.to_owned(), ..message.body };
        self.app.store.rewrite_message(message_id, &body).await?;
        let known = self.request.ticket_key.clone().or_else(|| self.open_here.clone());
        let Some(key) = known else {
            self.request.text = text.to_owned();
            return self.said(text, &[]).await;
        };
        let language = self.language().await?;
        let says = (!self.conversation.handed_over).then(|| words::change_added(&key, &language));
        self.with_comment(key, words::changed_to(text, &language), says).await
    }

    /// The words are forgotten, unless a ticket was made of them: that one hears of it.
    pub(super) async fn deleted(self, message_id: &str) -> Result<Option<Said>, JobError> {
        self.app.store.forget_message(message_id).await?;
        match self.request.ticket_key.clone() {
            Some(key) => {
                let language = self.language().await?;
                self.with_comment(key, words::taken_back(&language), None).await
            }
            None => {
                let mut this = self;
                this.request.text.clear();
                this.nothing_more().await
            }
        }
    }

    async fn nothing_more(self) -> Result<Option<Said>, JobError> {
        let action = self.request.action.clone().unwrap_or_else(|| "silent".into());
        self.settle_with(None, &action).await
    }

    async fn with_comment(
        self,
        key: String,
        comment: String,
        says: Option<Message>,
    ) -> Result<Option<Said>, JobError> {
        let settlement =
            Settlement { comments: vec![(key, comment)], ..Settlement::of(self.request.clone()) };
        self.settle(settlement, says).await
    }
}
