//! An answer while it is being composed: a stream, which Teams has in the chat of one person with
//! the bot alone (<https://learn.microsoft.com/microsoftteams/platform/bots/streaming-ux>). It holds
//! words only and can only grow; once it has ended, the answer's card takes its place.

use std::sync::PoisonError;

use serde_json::{Value, json};

use super::Teams;
use super::api::TeamsError;
use super::outbound::{failed, teams_conversation};
use super::text;
use crate::ports::{SendError, Shown};
use crate::store::records::ConversationRow;

/// Of a stream's words; far below what a message may hold.
const LONGEST: usize = 6000;
/// Streams whose words are remembered.
const KEPT: usize = 1_000;

impl Teams {
    pub(super) async fn show(
        &self,
        conversation: &ConversationRow,
        shown: &Shown,
        text: &str,
    ) -> Result<String, SendError> {
        let service = self.service_of(conversation).await?;
        let words = text::plain(text, LONGEST);
        let mut state = state("typing", &words, "streaming", shown.sent_as.as_deref());
        state["entities"][0]["streamSequence"] = (shown.times + 1).into();
        let to = teams_conversation(conversation);
        let send = self.api.send(&service, &to, None, &state);
        let id = self.paced(&conversation.channel, true, send).await?.map_err(failed)?;
        let id = shown.sent_as.clone().unwrap_or(id);
        if id.is_empty() {
            return Err(SendError::Fail("Teams did not name the stream".to_owned()));
        }
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        if streams.len() >= KEPT {
            streams.clear();
        }
        streams.insert(id.clone(), words);
        Ok(id)
    }

    /// Ends a stream and puts a part of the answer in its place; `false` when it is gone. Done
    /// again, it changes nothing.
    pub(super) async fn take_place(
        &self,
        conversation: &ConversationRow,
        service: &str,
        id: &str,
        text: &str,
        part: &Value,
    ) -> Result<bool, SendError> {
        let (channel, to) = (conversation.channel.as_str(), teams_conversation(conversation));
        // It ends with the words it has; what another process has begun most likely with these.
        let words = {
            let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
            streams.remove(id).unwrap_or_else(|| text::plain(text, LONGEST))
        };
        let last = state("message", &words, "final", Some(id));
        let end = self.api.send(service, &to, None, &last);
        match self.paced(channel, false, end).await? {
            // Teams or the person has ended it, or an earlier try has; or it would read otherwise.
            Ok(_) | Err(TeamsError::Refused { .. }) => {}
            Err(error) => return Err(failed(error)),
        }
        let edit = self.api.update(service, &to, id, part);
        match self.paced(channel, false, edit).await? {
            Ok(()) => Ok(true),
            // Microsoft asks to try this one again.
            Err(error @ TeamsError::Refused { status: 412, .. }) => Err(failed(error)),
            Err(TeamsError::Refused { .. }) => Ok(false),
            Err(error) => Err(failed(error)),
        }
    }
}

/// A state of a stream.
fn state(kind: &str, words: &str, stream: &str, id: Option<&str>) -> Value {
    let mut info = json!({ "type": "streaminfo", "streamType": stream });
    if let Some(id) = id {
        info["streamId"] = id.into();
    }
    json!({ "type": kind, "text": words, "textFormat": "plain", "entities": [info] })
}
