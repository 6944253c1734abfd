//! What the bot answers to commands, components and forms:
//! <https://discord.com/developers/docs/interactions/receiving-and-responding>.

use std::time::Duration;

use serde_json::Value;

use super::limits::{Wrong, check_choices, check_modal};
use super::rest::{Files, Outcome, Refusal, refuse};
use super::world::{EPHEMERAL, Interaction, LOADING, World};
use super::{FakeDiscord, Posted};

/// For how long a token serves once its interaction was answered.
const TOKENS_LAST: Duration = Duration::from_secs(15 * 60);

/// What an interaction came from.
pub(super) mod kinds {
    pub(in super::super) const COMMAND: u64 = 2;
    pub(in super::super) const COMPONENT: u64 = 3;
    pub(in super::super) const AUTOCOMPLETE: u64 = 4;
    pub(in super::super) const MODAL: u64 = 5;
}

/// How it is answered.
mod callbacks {
    pub(super) const MESSAGE: u64 = 4;
    pub(super) const DEFERRED_MESSAGE: u64 = 5;
    pub(super) const DEFERRED_UPDATE: u64 = 6;
    pub(super) const UPDATE: u64 = 7;
    pub(super) const AUTOCOMPLETE_RESULT: u64 = 8;
    pub(super) const MODAL: u64 = 9;
}

impl Interaction {
    fn age(&self) -> Duration {
        self.given.elapsed() + self.aged
    }

    /// A form answers no form, an update needs a message to update. Type 1 answers the ping that
    /// only applications without a gateway are sent.
    fn may_be_answered_with(&self, callback: u64) -> bool {
        match callback {
            callbacks::MESSAGE | callbacks::DEFERRED_MESSAGE => self.kind != kinds::AUTOCOMPLETE,
            callbacks::DEFERRED_UPDATE | callbacks::UPDATE => {
                self.kind != kinds::COMMAND && self.source.is_some()
            }
            callbacks::AUTOCOMPLETE_RESULT => self.kind == kinds::AUTOCOMPLETE,
            callbacks::MODAL => [kinds::COMMAND, kinds::COMPONENT].contains(&self.kind),
            _ => false,
        }
    }
}

impl World {
    /// The one answer an interaction gets.
    pub(super) fn call_back(
        &mut self,
        id: u64,
        token: &str,
        with: &Value,
        files: Files,
    ) -> Outcome {
        let known = self.interactions.get(&id).filter(|it| it.token == token);
        let interaction = known.ok_or_else(|| refuse(404, 10_062))?;
        if interaction.answer.is_some() {
            return Err(refuse(400, 40_060));
        }
        if interaction.age() > self.answer_within {
            return Err(refuse(404, 10_062));
        }
        let (callback, data) = (with["type"].as_u64().unwrap_or_default(), &with["data"]);
        if !interaction.may_be_answered_with(callback) {
            let mut wrong = Wrong::default();
            wrong.add("type", "BASE_TYPE_CHOICES", "This interaction is not answered so.");
            return Err(wrong.into_refusal());
        }
        let (channel, kind, source) = (interaction.channel, interaction.kind, interaction.source);
        let original = match callback {
            callbacks::MESSAGE => {
                let posted = self.read_post(channel, data, files)?;
                Some(self.put(answering(posted, id, kind, source, data)).id)
            }
            callbacks::DEFERRED_MESSAGE => {
                let author = FakeDiscord::BOT_USER;
                let posted = Posted { channel, author, flags: LOADING, ..Posted::default() };
                Some(self.put(answering(posted, id, kind, source, data)).id)
            }
            callbacks::UPDATE => {
                let updated = source.and_then(|id| self.find(id)).cloned();
                self.edit(updated.ok_or_else(|| refuse(404, 10_008))?, data, files)?;
                source
            }
            callbacks::DEFERRED_UPDATE => source,
            callbacks::AUTOCOMPLETE_RESULT => check_choices(data).map(|()| None)?,
            _ => check_modal(data).map(|()| None)?,
        };
        let interaction = self.interactions.get_mut(&id).unwrap();
        interaction.answer = Some(with.clone());
        interaction.original = original;
        interaction.messages.extend(original.filter(|id| Some(*id) != source));
        Ok((204, Value::Null))
    }

    /// The answer again, and follow-ups to it.
    pub(super) fn webhook_call(
        &mut self,
        method: &str,
        token: &str,
        rest: &[&str],
        with: &Value,
        files: Files,
    ) -> Outcome {
        let mut all = self.interactions.iter();
        let answered = all.find(|(_, it)| it.token == token && it.answer.is_some());
        let (id, interaction) = answered.ok_or_else(|| refuse(404, 10_015))?;
        if interaction.age() > TOKENS_LAST {
            return Err(refuse(401, 50_027));
        }
        let (id, original) = (*id, interaction.original);
        let loading = original.and_then(|id| self.find(id)).filter(|posted| posted.loading());
        match (method, rest) {
            // Discord takes the first follow-up for the answer that was put off.
            ("POST", []) if loading.is_some() => {
                let posted = self.fill(loading.unwrap().clone(), with, files)?;
                Ok((200, self.shown(&posted)))
            }
            ("POST", []) => {
                let posted = self.read_post(interaction.channel, with, files)?;
                let posted = self.put(answering(posted, id, 0, original, with));
                self.interactions.get_mut(&id).unwrap().messages.push(posted.id);
                Ok((200, self.shown(&posted)))
            }
            (_, ["messages", message]) => {
                let message = if *message == "@original" {
                    original
                } else {
                    interaction.messages.iter().copied().find(|id| id.to_string() == *message)
                };
                let posted = message.and_then(|id| self.find(id)).cloned();
                let posted = posted.ok_or_else(|| refuse(404, 10_008))?;
                match method {
                    "GET" => Ok((200, self.shown(&posted))),
                    "PATCH" => {
                        let posted = self.fill(posted, with, files)?;
                        Ok((200, self.shown(&posted)))
                    }
                    "DELETE" => {
                        self.remove(&posted);
                        Ok((204, Value::Null))
                    }
                    _ => Err(refuse(405, 0)),
                }
            }
            _ => Err(refuse(404, 0)),
        }
    }

    /// An edit, after which the person no longer sees that the bot is thinking.
    fn fill(&mut self, posted: Posted, with: &Value, files: Files) -> Result<Posted, Refusal> {
        let flags = posted.flags & !LOADING;
        self.edit(Posted { flags, ..posted }, with, files)
    }
}

/// A message as an answer to an interaction: for its person only, if the bot says so.
fn answering(
    posted: Posted,
    interaction: u64,
    kind: u64,
    source: Option<u64>,
    with: &Value,
) -> Posted {
    let private = with["flags"].as_u64().unwrap_or_default() & EPHEMERAL;
    let (number, reply_to) = match kind {
        kinds::COMMAND => (20, None),
        _ if source.is_some() => (19, source),
        _ => (0, None),
    };
    let (flags, interaction) = (posted.flags | private, Some(interaction));
    Posted { kind: number, reply_to, flags, interaction, ..posted }
}
