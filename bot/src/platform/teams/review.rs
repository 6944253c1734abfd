//! Support owners agree with how tickets were read, or correct them, in the cards that list what
//! waits for them.

use firstline_core::chat::Message;
use serde_json::Value;

use super::activity::{Dialog, Origin, Reviewed};
use super::card::{self, Place};
use super::inbound::{Inbound, pass_over};
use super::invokes::NOT_SAVED;
use crate::flows::ticket::Refusal;
use crate::platform::review;

impl Inbound {
    pub(super) async fn agreed(&self, reviewed: &Reviewed) -> anyhow::Result<Option<Value>> {
        let origin = &reviewed.origin;
        let Some(from) = self.who(origin).await? else { return Ok(None) };
        let answer = match review::agree(&self.app, &from, &reviewed.ticket).await {
            Ok(list) => self.show_again(origin, reviewed.reply_to.as_deref(), &list).await,
            Err(Refusal::Unavailable(error)) => {
                tracing::warn!(%error, "a review could not be saved");
                card::error_answer(503, NOT_SAVED)
            }
            Err(refusal) => card::message_answer(&refusal.to_string()),
        };
        Ok(reviewed.invoke.then_some(answer))
    }

    /// What waits now, where it was shown before.
    async fn show_again(&self, origin: &Origin, shown: Option<&str>, list: &Message) -> Value {
        let place = Place { public_url: self.teams.public_url.as_deref(), conversation_id: "" };
        let Some(shows) = card::render(list, &place).pop() else {
            return card::message_answer(&list.text);
        };
        if let Some(id) = shown {
            let (service, to) = (&origin.service_url, &origin.conversation);
            if let Err(error) = self.teams.api.update(service, to, id, &shows).await {
                tracing::warn!(%error, "a list still shows a ticket that was reviewed");
            }
        }
        card::card_answer(card::card_of(&shows))
    }

    pub(super) async fn open_correction(&self, dialog: &Dialog) -> anyhow::Result<Value> {
        let Some(from) = self.who(&dialog.origin).await? else { return Ok(card::closed()) };
        let key = dialog.data["ticket"].as_str().unwrap_or_default();
        Ok(match review::open(&self.app, &from, key).await {
            Ok(ticket) => {
                let form = card::correction(&ticket, &self.systems(), dialog.reply_to.as_deref());
                card::opened(&format!("Correct {key}"), &form)
            }
            Err(Refusal::Unavailable(error)) => return Err(error),
            Err(refusal) => card::dialog_message(&refusal.to_string()),
        })
    }

    pub(super) async fn correction_sent(&self, dialog: &Dialog) -> anyhow::Result<Value> {
        let Some(card::Correction { of, shown }) = card::correction_of(&dialog.data) else {
            pass_over("dialog");
            return Ok(card::closed());
        };
        let origin = &dialog.origin;
        let Some(from) = self.who(origin).await? else { return Ok(card::closed()) };
        let correction = review::correction(|list| dialog.data[list].as_str());
        Ok(match review::correct(&self.app, &from, &of, correction).await {
            Ok(list) => {
                self.show_again(origin, shown.as_deref(), &list).await;
                card::closed()
            }
            Err(Refusal::Unavailable(error)) => {
                tracing::warn!(%error, "a correction could not be saved");
                card::dialog_message(NOT_SAVED)
            }
            Err(refusal) => card::dialog_message(&refusal.to_string()),
        })
    }
}
