//! An answer while it is being composed: a message that is edited, in the end into the answer.

use serde_json::Value;

use super::Discord;
use super::api::code;
use super::caller::Urgency;
use super::outbound::{DIRECT, Spot, failed};
use super::render;
use crate::ports::{SendError, Shown};
use crate::store::records::{ConversationRow, Draft};

/// A draft, and where it stands.
pub(super) struct Standin {
    pub(super) at: Spot,
    pub(super) id: String,
}

impl Standin {
    /// As it is noted: channel, message and, if its text calls somebody, whom.
    fn noted(&self) -> String {
        let Standin { at, id } = self;
        match at.requester.filter(|_| at.reply_to.is_none()) {
            Some(called) => format!("{}/{id}/{called}", at.channel),
            None => format!("{}/{id}", at.channel),
        }
    }

    fn read(noted: &str) -> Option<Standin> {
        let mut parts = noted.split('/');
        let (channel, id) = (parts.next()?.to_owned(), parts.next()?.to_owned());
        let requester = parts.next().and_then(|called| called.parse().ok());
        Some(Standin { at: Spot { channel, reply_to: None, requester }, id })
    }

    /// What stands for a message: as was noted, else what bears its nonce, else, where Discord does
    /// not tell that any more, the last message of ours that is unfinished.
    pub(super) fn find(
        draft: &Draft,
        message_id: &str,
        at: &Spot,
        there: &[Value],
    ) -> Option<Standin> {
        if let Draft::SentAs(noted) = draft {
            return Standin::read(noted);
        }
        let nonce = render::nonce(message_id, 0);
        let unfinished = |posted: &Value| posted["nonce"].is_null() && render::is_draft(posted);
        let found = there.iter().find(|posted| posted["nonce"] == nonce.as_str());
        let found = found.or_else(|| there.iter().rfind(|posted| unfinished(posted)))?;
        Some(Standin { at: at.clone(), id: found["id"].as_str()?.to_owned() })
    }
}

impl Discord {
    pub(super) async fn show(
        &self,
        conversation: &ConversationRow,
        shown: &Shown,
        text: &str,
    ) -> Result<String, SendError> {
        let body =
            |at: &Spot| render::draft(text, &self.place(conversation, &shown.message_id, at));
        if let Some(noted) = &shown.sent_as
            && let Some(Standin { at, id }) = Standin::read(noted)
        {
            let edit = render::edited(&body(&at));
            self.api.edit(&at.channel, &id, &edit, Urgency::Bulk).await.map_err(failed)?;
            return Ok(noted.clone());
        }
        let mut at = Spot::of(conversation);
        let mut posted = self.api.post(&at.channel, &body(&at), Urgency::Bulk).await;
        if let Err(error) = &posted
            && error.code() == Some(code::UNKNOWN_CHANNEL)
            && conversation.tenant != DIRECT
        {
            at = self.open(conversation, Some(&shown.request_id)).await?;
            posted = self.api.post(&at.channel, &body(&at), Urgency::Waits).await;
        }
        let id = posted.map_err(failed)?;
        Ok(Standin { at, id }.noted())
    }

    /// Puts a part of an answer where its draft stands; its id, or `None` when that is gone. Done
    /// again, it changes nothing.
    pub(super) async fn take_place(
        &self,
        draft: &Standin,
        part: &Value,
    ) -> Result<Option<String>, SendError> {
        let edit = render::edited(part);
        match self.api.edit(&draft.at.channel, &draft.id, &edit, Urgency::Urgent).await {
            Ok(()) => Ok(Some(draft.id.clone())),
            Err(error)
                if matches!(error.code(), Some(code::UNKNOWN_MESSAGE | code::UNKNOWN_CHANNEL)) =>
            {
                Ok(None)
            }
            Err(error) => Err(failed(error)),
        }
    }
}
