//! Replies, posted into their threads. Every part of a message bears a nonce, by which Discord
//! shows it once; one whose posting ended without anybody knowing how is also looked for, since
//! Discord forgets nonces after a few minutes.

use async_trait::async_trait;
use firstline_core::chat::{RemoteFile, Setting};
use serde_json::Value;

use super::Discord;
use super::api::{DiscordError, code};
use super::caller::Urgency;
use super::draft::Standin;
use super::ids::{id_of, ids_since};
use super::render::{self, Place};
use crate::ports::{Chat, SendError, Shown};
use crate::store::StoreError;
use crate::store::records::{Author, ConversationRow, Draft, MessageRow};

/// Messages of a channel looked through for one that was posted before.
const LOOKED_THROUGH: usize = 50;
/// Of a thread's name
/// (<https://docs.discord.com/developers/resources/channel#start-thread-from-message>).
const LONGEST_NAME: usize = 100;
/// Between Discord's clock and ours.
const CLOCKS_DIFFER_MS: i64 = 5 * 60_000;

/// What stands for a server in direct messages.
pub(super) const DIRECT: &str = "dm";

#[async_trait]
impl Chat for Discord {
    async fn deliver(
        &self,
        conversation: &ConversationRow,
        message: &MessageRow,
        again: bool,
        draft: Option<&Draft>,
    ) -> Result<Option<String>, SendError> {
        let mut body = message.body.clone();
        if message.author == Author::Person {
            body.text = format!("**{}:** {}", message.name, body.text);
        }
        if let Some(hint) = self.people.hint(conversation, message).await.map_err(unavailable)? {
            body.text = format!("{}\n\n{hint}", body.text);
        }
        let mut at = Spot::of(conversation);
        let since = ids_since(message.created_at - CLOCKS_DIFFER_MS);
        let lost = draft == Some(&Draft::Begun);
        let there = if again || lost { self.there(&at.channel, since).await? } else { Vec::new() };
        let standin = draft.and_then(|draft| Standin::find(draft, &message.id, &at, &there));
        if let Some(standin) = &standin {
            at = standin.at.clone();
        }
        let request = message.request_id.as_ref().or(message.body.request_id.as_ref());
        let mut parts = render::render(&body, &self.place(conversation, &message.id, &at));
        let mut sent_as = None;
        let urgency = if body.notice { Urgency::Bulk } else { Urgency::Urgent };
        let mut number = 0;
        let mut opened = false;
        while let Some(part) = parts.get(number) {
            let standin = standin.as_ref().filter(|_| number == 0);
            let mut stands = match standin {
                Some(standin) => self.take_place(standin, part).await?,
                None => None,
            };
            let before = there.iter().find(|posted| is_same(posted, part));
            stands = stands.or_else(|| before?["id"].as_str().map(str::to_owned));
            if stands.is_some() {
                sent_as = stands;
                number += 1;
                continue;
            }
            // What has begun goes on: begun anew each time, many at once would use up the room
            // and none would end.
            let urgency = if number > 0 || opened { Urgency::Waits } else { urgency };
            match self.api.post(&at.channel, part, urgency).await {
                Ok(id) => {
                    // By its nonce this may be the draft that nobody noted.
                    if lost && number == 0 {
                        let standin = Standin { at: at.clone(), id: id.clone() };
                        self.take_place(&standin, part).await?;
                    }
                    sent_as = Some(id);
                    number += 1;
                }
                // The request began no thread yet.
                Err(error) if error.code() == Some(code::UNKNOWN_CHANNEL) && !opened => {
                    opened = true;
                    if conversation.tenant == DIRECT {
                        return Err(failed(error));
                    }
                    at = self.open(conversation, request.map(String::as_str)).await?;
                    parts = render::render(&body, &self.place(conversation, &message.id, &at));
                }
                // Once a part is there, what comes after must look for it.
                Err(error) => match failed(error) {
                    SendError::Wait { reason, .. } if number > 0 => {
                        return Err(SendError::Retry(reason));
                    }
                    error => return Err(error),
                },
            }
        }
        Ok(sent_as)
    }

    async fn draft(
        &self,
        conversation: &ConversationRow,
        shown: &Shown,
        text: &str,
    ) -> Result<String, SendError> {
        self.show(conversation, shown, text).await
    }

    async fn fetch(
        &self,
        _conversation: &ConversationRow,
        file: &RemoteFile,
        limit: usize,
    ) -> Result<Vec<u8>, SendError> {
        self.api.file(&file.url, limit).await.map_err(|error| match error {
            // What Discord refuses to give now, it refuses later.
            DiscordError::Refused { .. } => SendError::Fail(error.to_string()),
            error => failed(error),
        })
    }

    async fn working(&self, conversation: &ConversationRow) {
        if conversation.setting == Setting::Direct
            && let Err(error) = self.api.typing(&conversation.channel).await
        {
            tracing::debug!(%error, "nobody sees that an answer is being worked on");
        }
    }
}

/// Where the parts of a message go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) channel: String,
    pub(super) reply_to: Option<u64>,
    /// Whom the message calls.
    pub(super) requester: Option<u64>,
}

impl Spot {
    pub(super) fn of(conversation: &ConversationRow) -> Spot {
        Spot { channel: target(conversation).to_owned(), reply_to: None, requester: None }
    }
}

/// Where a conversation's messages stand. A thread that begins with a message has its id.
pub(super) fn target(conversation: &ConversationRow) -> &str {
    match conversation.tenant.as_str() {
        DIRECT => &conversation.channel,
        _ => &conversation.thread,
    }
}

impl Discord {
    /// Our own messages among the last of a channel, from an id on. Where Discord will not say,
    /// its own memory of nonces is left.
    async fn there(&self, channel: &str, since: u64) -> Result<Vec<Value>, SendError> {
        let me = self.me().await.map_err(failed)?;
        let mut last = match self.api.before(channel, None, LOOKED_THROUGH).await {
            Err(error @ DiscordError::Refused { .. }) => {
                if error.code() != Some(code::UNKNOWN_CHANNEL) {
                    tracing::warn!(%error, "whether a message was posted before cannot be looked up");
                }
                return Ok(Vec::new());
            }
            last => last.map_err(failed)?,
        };
        last.retain(|m| m["author"]["id"] == me && id_of(&m["id"]).is_some_and(|id| id >= since));
        Ok(last)
    }

    /// Where a part stands in its conversation, with what its links need.
    pub(super) fn place<'a>(
        &'a self,
        conversation: &'a ConversationRow,
        message_id: &'a str,
        at: &Spot,
    ) -> Place<'a> {
        Place {
            public_url: self.public_url.as_deref(),
            conversation_id: &conversation.id,
            message_id,
            reply_to: at.reply_to,
            requester: at.requester,
        }
    }

    /// Opens the thread of a conversation that has none; where there can be none, the request is
    /// replied to. Either calls the requester.
    pub(super) async fn open(
        &self,
        conversation: &ConversationRow,
        request_id: Option<&str>,
    ) -> Result<Spot, SendError> {
        let requester = self.people.account_of(&conversation.requester).await;
        let requester = requester.map_err(unavailable)?.and_then(|id| id.parse().ok());
        if self.open_thread(conversation, request_id).await? {
            return Ok(Spot { requester, ..Spot::of(conversation) });
        }
        let (channel, reply_to) = (conversation.channel.clone(), conversation.thread.parse().ok());
        Ok(Spot { channel, reply_to, requester })
    }

    /// `false` where there can be no thread.
    async fn open_thread(
        &self,
        conversation: &ConversationRow,
        request_id: Option<&str>,
    ) -> Result<bool, SendError> {
        let asked = match request_id {
            Some(id) => self.store.request(id).await.map_err(unavailable)?,
            None => None,
        };
        let name = thread_name(asked.as_ref().map_or("", |request| &request.text));
        let (channel, begins_with) = (&conversation.channel, &conversation.thread);
        match self.api.open_thread(channel, begins_with, &name).await {
            Ok(()) => Ok(true),
            Err(error) => match error.code() {
                Some(code::NO_PERMISSION | code::NO_ACCESS | code::NOT_IN_THIS_CHANNEL) => {
                    tracing::warn!(%error, channel, "no thread can be opened; replying instead");
                    Ok(false)
                }
                // The message is gone: what it asked is answered where it stood.
                Some(code::UNKNOWN_MESSAGE) => Ok(false),
                _ => Err(failed(error)),
            },
        }
    }
}

/// Whether a message of ours is this part: by its nonce where Discord still tells it, else by what
/// it says.
fn is_same(posted: &Value, part: &Value) -> bool {
    if !posted["nonce"].is_null() {
        return posted["nonce"] == part["nonce"];
    }
    let (said, wanted) = (posted["content"].as_str(), part["content"].as_str());
    // The first part may have called the requester.
    said.zip(wanted).is_some_and(|(said, wanted)| said.ends_with(wanted.trim()))
}

/// The first words of a request.
fn thread_name(asked: &str) -> String {
    let words: Vec<&str> = asked.split_whitespace().collect();
    let name = super::text::cut(&words.join(" "), LONGEST_NAME);
    if name.trim().is_empty() { "Request".to_owned() } else { name }
}

fn unavailable(error: StoreError) -> SendError {
    SendError::Retry(error.to_string())
}

pub(super) fn failed(error: DiscordError) -> SendError {
    let reason = error.to_string();
    match error {
        DiscordError::RateLimited(wait) => {
            SendError::Wait { reason, ms: i64::try_from(wait.as_millis()).unwrap_or(i64::MAX / 2) }
        }
        // A token that was reset can be set right; a place that is gone stays gone.
        DiscordError::Refused { status: 401, .. } | DiscordError::Unknown(_) => {
            SendError::Retry(reason)
        }
        DiscordError::Refused { .. } => SendError::Fail(reason),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_is_named_by_the_first_words() {
        let long = "word ".repeat(40);
        for (asked, name) in [
            ("  how do I\n post it? ", "how do I post it?".to_owned()),
            ("", "Request".to_owned()),
            (" \n", "Request".to_owned()),
        ] {
            assert_eq!(thread_name(asked), name);
        }
        assert!((90..=100).contains(&super::super::text::size(&thread_name(&long))));
    }

    #[test]
    fn what_may_yet_work_is_tried_again() {
        let refused = |status| DiscordError::Refused { status, code: 0, says: "no".into() };
        for (error, again) in [
            (DiscordError::Unknown("x".into()), true),
            (refused(401), true),
            (refused(403), false),
            (refused(404), false),
        ] {
            assert_eq!(matches!(failed(error.clone()), SendError::Retry(_)), again, "{error}");
        }
        let wait = DiscordError::RateLimited(std::time::Duration::from_millis(1500));
        assert!(matches!(failed(wait), SendError::Wait { ms: 1500, .. }));
    }
}
