//! Messages that grow while they are written
//! (<https://learn.microsoft.com/microsoftteams/platform/bots/streaming-ux>). Teams says neither how
//! a stream whose words were changed is refused nor that one cannot be edited while it grows: here
//! both are.

use serde_json::{Value, json};

use super::answer::Answer;
use super::connector::holding;
use super::world::World;
use super::{FakeTeams, Kind, Posted, list, text_of};

impl FakeTeams {
    /// Ends all streams, as Teams does after two minutes and a person with *Stop*.
    pub fn end_streams(&self) {
        for conversation in self.lock().conversations.values_mut() {
            conversation.messages.iter_mut().for_each(|message| message.streams = None);
        }
    }
}

/// What an activity says of the stream it belongs to.
pub(super) fn info(sent: &Value) -> Option<Value> {
    list(&sent["entities"]).find(|entity| entity["type"] == "streaminfo").cloned()
}

fn not_allowed(text: &str) -> Answer {
    Answer::error(403, "ContentStreamNotAllowed", text)
}

fn bad(text: &str) -> Answer {
    Answer::error(400, "BadRequest", text)
}

impl World {
    pub(super) fn stream(
        &mut self,
        place: &str,
        sent: &Value,
        info: &Value,
    ) -> Result<Answer, Answer> {
        if Kind::of(place) != Kind::Personal {
            return Err(not_allowed("Content stream is not allowed"));
        }
        let (text, number) = (text_of(sent, "text"), info["streamSequence"].as_u64());
        if text.is_empty() {
            return Err(bad("Start streaming activities should include text"));
        }
        let last = info["streamType"] == "final";
        let fits = if last {
            sent["type"] == "message" && number.is_none()
        } else {
            sent["type"] == "typing" && number.is_some()
        };
        if !fits {
            return Err(bad("The stream's state does not fit its activity"));
        }
        let Some(id) = info["streamId"].as_str() else {
            if number != Some(1) {
                return Err(bad("A stream begins with number 1"));
            }
            let posted = self.keep_message(place, None, sent);
            self.now_at(place, Posted { streams: number, ..posted.clone() });
            return Ok(Answer::json(201, &json!({"id": posted.id})));
        };
        let found = self.find(place, id).map(|posted| posted.clone());
        let posted = found.ok_or_else(|| Answer::error(404, "NotFound", "No such stream."))?;
        let Some(before) = posted.streams else {
            let text = "Content stream is not allowed on an already completed streamed message";
            return Err(not_allowed(text));
        };
        if !text.starts_with(&posted.text) {
            return Err(bad("The stream's words were changed"));
        }
        // What comes late is dropped without a word.
        if number.is_none_or(|number| number > before) {
            let Posted { id, from, .. } = posted;
            self.now_at(place, Posted { id, from, streams: number, ..holding(sent) });
        }
        Ok(Answer::json(202, &json!({})))
    }

    fn now_at(&mut self, place: &str, posted: Posted) {
        if let Some(old) = self.find(place, &posted.id.clone()) {
            *old = posted;
        }
    }
}
