//! An answer while it is being composed: where the person is alone with the bot a stream, if the
//! workspace has such, elsewhere a message that is edited. The whole answer takes its place by an
//! edit in both, since a stream can only grow.

use firstline_core::chat::{Platform, Setting};

use super::Slack;
use super::api::{SlackError, Standing};
use super::outbound::failed;
use super::render::{self, Part, Place};
use crate::platform::offer::in_ms;
use crate::platform::pace::{self, Pace};
use crate::ports::{SendError, Shown};
use crate::store::records::{ConversationRow, Draft};

/// Methods that have a measure of their own, wherever they write.
pub(super) mod method {
    pub(in super::super) const UPDATE: &str = "chat.update";
    pub(in super::super) const START: &str = "chat.startStream";
    pub(in super::super) const APPEND: &str = "chat.appendStream";
    pub(in super::super) const STOP: &str = "chat.stopStream";
}

/// The draft can be edited no more: somebody took it away.
const GONE: [&str; 3] = ["message_not_found", "cant_update_message", "edit_window_closed"];

/// Of one call (<https://docs.slack.dev/reference/methods/chat.appendStream>).
const LONGEST: usize = 12_000;

/// A draft by its stamp.
pub(super) struct Standin {
    ts: String,
    streams: bool,
}

/// Before the stamp of a stream, in what is noted of a draft.
const STREAM: &str = "stream ";

impl Standin {
    fn read(sent_as: &str) -> Standin {
        let stream = sent_as.strip_prefix(STREAM);
        Standin { ts: stream.unwrap_or(sent_as).to_owned(), streams: stream.is_some() }
    }

    /// What stands for a message: as was noted, else what bears its key, else the last of ours
    /// that bears none, as streams do.
    pub(super) fn find(draft: &Draft, key: &str, there: &[Standing]) -> Option<Standin> {
        if let Draft::SentAs(sent_as) = draft {
            return Some(Standin::read(sent_as));
        }
        let posted = there.iter().find(|one| one.key.as_deref() == Some(key));
        let found = posted.or_else(|| there.iter().rfind(|one| one.key.is_none()))?;
        Some(Standin { ts: found.ts.clone(), streams: found.key.is_none() })
    }
}

impl Slack {
    pub(super) async fn show(
        &self,
        conversation: &ConversationRow,
        shown: &Shown,
        text: &str,
    ) -> Result<String, SendError> {
        let (channel, thread) = (conversation.channel.as_str(), conversation.thread.as_str());
        let place =
            Place { public_url: self.public_url.as_deref(), conversation_id: &conversation.id };
        let key = format!("{}:0", shown.message_id);
        match shown.sent_as.as_deref().map(Standin::read) {
            Some(Standin { ts, streams: true }) => {
                let (before, now) = (streamed(&shown.text), streamed(text));
                let more = now.strip_prefix(&before).filter(|more| more.len() <= LONGEST);
                let more = more.ok_or_else(|| SendError::Fail("a stream only grows".to_owned()))?;
                let append = self.api.append_stream(channel, &ts, more);
                self.paced(method::APPEND, true, append).await?.map_err(failed)?;
                Ok(format!("{STREAM}{ts}"))
            }
            Some(Standin { ts, .. }) => {
                let part = render::draft(text, &place);
                let edit = self.api.update(channel, &ts, &part.text, &part.blocks, None);
                self.paced(method::UPDATE, true, edit).await?.map_err(failed)?;
                Ok(ts)
            }
            None => {
                if conversation.setting == Setting::Direct
                    && let Some(ts) = self.stream(conversation, text).await?
                {
                    return Ok(format!("{STREAM}{ts}"));
                }
                let part = render::draft(text, &place);
                let post = self.api.post_message(
                    channel,
                    Some(thread),
                    &part.text,
                    Some(&part.blocks),
                    &key,
                );
                self.paced(channel, true, post).await?.map_err(failed)
            }
        }
    }

    /// Begins a stream; `None` where Slack has none to offer.
    async fn stream(
        &self,
        conversation: &ConversationRow,
        text: &str,
    ) -> Result<Option<String>, SendError> {
        let text = streamed(text);
        if text.len() > LONGEST {
            return Ok(None);
        }
        let user = self.people.account_of(&conversation.requester).await.ok().flatten();
        // Unlike addresses, Slack's ids are in upper case.
        let user = user.map(|user| user.to_uppercase());
        let to = user.as_deref().map(|user| (conversation.tenant.as_str(), user));
        let (channel, thread) = (conversation.channel.as_str(), conversation.thread.as_str());
        let start = self.api.start_stream(channel, thread, to, &text);
        match self.paced(method::START, true, start).await? {
            Ok(ts) => Ok(Some(ts)),
            Err(SlackError::Refused(word)) => {
                tracing::debug!(word, "no stream can be begun here; a message is edited instead");
                Ok(None)
            }
            Err(error) => Err(failed(error)),
        }
    }

    /// Puts a part of an answer where its draft stands; its stamp, or `None` when that is gone.
    /// Done again, it changes nothing.
    pub(super) async fn take_place(
        &self,
        channel: &str,
        draft: &Standin,
        part: &Part,
        key: &str,
    ) -> Result<Option<String>, SendError> {
        if draft.streams {
            let stop = self.api.stop_stream(channel, &draft.ts);
            match self.paced(method::STOP, false, stop).await? {
                // Slack has ended it, or an earlier try has.
                Ok(()) | Err(SlackError::Refused(_)) => {}
                Err(error) => return Err(failed(error)),
            }
        }
        let edit = self.api.update(channel, &draft.ts, &part.text, &part.blocks, Some(key));
        match self.paced(method::UPDATE, false, edit).await? {
            Ok(()) => Ok(Some(draft.ts.clone())),
            Err(SlackError::Refused(word)) if GONE.contains(&word.as_str()) => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    /// Makes a call no faster than Slack allows in its channel, or of its method. When Slack asks to
    /// wait, all processes do.
    ///
    /// # Errors
    /// How long to wait before it may be made. What can wait (`bulk`) leaves room for what cannot.
    pub(super) async fn paced<T>(
        &self,
        place: &str,
        bulk: bool,
        call: impl Future<Output = Result<T, SlackError>>,
    ) -> Result<Result<T, SlackError>, SendError> {
        self.pace_of(place).take(place, bulk, self.clock.now())?;
        let done = call.await;
        if let Err(SlackError::RateLimited(wait)) = &done {
            let until = self.clock.now() + in_ms(*wait);
            self.pause(place, until);
            pace::spread(&self.store, Platform::Slack, place, until, self.clock.now()).await;
        }
        Ok(done)
    }

    /// Slack wants a channel left alone until then, or a method.
    pub(in crate::platform) fn pause(&self, place: &str, until: i64) {
        self.pace_of(place).pause(place, until);
    }

    fn pace_of(&self, place: &str) -> &Pace {
        match place {
            method::UPDATE | method::APPEND => &self.edits,
            method::START | method::STOP => &self.streams,
            _ => &self.pace,
        }
    }
}

/// Markdown for a stream. Slack finds mentions and pictures in it by itself, so what could be one
/// is broken up.
fn streamed(markdown: &str) -> String {
    markdown.replace('<', "<\u{200b}").replace("![", "!\u{200b}[")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_calls_nobody_and_loads_nothing() {
        for (said, streamed_as) in [
            ("if a < b, press [Post](https://x)", "if a <\u{200b} b, press [Post](https://x)"),
            ("<!channel> <@U1>", "<\u{200b}!channel> <\u{200b}@U1>"),
            ("![p](https://x/p.png)", "!\u{200b}[p](https://x/p.png)"),
        ] {
            assert_eq!(streamed(said), streamed_as);
        }
    }

    #[test]
    fn a_draft_is_found_by_what_is_noted_else_by_its_key_else_as_a_stream() {
        let stands = |ts: &str, key: Option<&str>| Standing {
            ts: ts.to_owned(),
            key: key.map(str::to_owned),
        };
        let there = [stands("1", Some("other:0")), stands("2", None), stands("3", Some("m:0"))];
        let noted = |name: &str| Draft::SentAs(name.to_owned());
        for (draft, there, found) in [
            (noted("7"), &there[..], Some(("7", false))),
            (noted("stream 7"), &there[..], Some(("7", true))),
            (Draft::Begun, &there[..], Some(("3", false))),
            (Draft::Begun, &there[..2], Some(("2", true))),
            (Draft::Begun, &there[..1], None),
        ] {
            let standin = Standin::find(&draft, "m:0", there);
            let standin = standin.map(|one| (one.ts, one.streams));
            assert_eq!(standin, found.map(|(ts, streams)| (ts.to_owned(), streams)), "{draft:?}");
        }
    }
}
