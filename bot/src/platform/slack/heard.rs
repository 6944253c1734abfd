//! What people say, change and take back: judged by the rules of conduct and accepted.

use std::collections::HashMap;
use std::time::Duration;

use firstline_core::chat::{ConversationKey, Platform};

use super::envelope::{self, Deleted, Said, event_id};
use super::inbound::{Inbound, pass_over};
use super::{Slack, render};
use crate::accept::{self, AcceptError, Change};
use crate::platform::hearing::{self, Ear, Heard};

/// Messages before the one that names the bot which are read with it.
const EARLIER: usize = 10;
/// People named in one message whose names are asked for, and how long that may take: Slack
/// wants its acknowledgement within three seconds.
const NAMED: usize = 5;
const NAMES: Duration = Duration::from_millis(500);

impl Said {
    pub(super) fn heard(&self) -> Heard {
        Heard {
            place: place(&self.team, &self.channel, self.thread()),
            direct: self.direct,
            mention: self.mention,
            in_thread: self.thread_ts.is_some(),
            outsiders: self.outsiders,
            event_id: self.event_id(),
        }
    }
}

impl Slack {
    /// Says in its thread why something said is not read.
    pub(super) async fn refuse(&self, said: &Said, why: &str) {
        let (thread, key) = (Some(said.thread()), format!("refused:{}", said.event_id()));
        if let Err(error) = self.api.post_message(&said.channel, thread, why, None, &key).await {
            tracing::warn!(%error, "somebody could not be told that their message is not read");
        }
    }
}

pub(super) fn place(team: &str, channel: &str, thread: &str) -> ConversationKey {
    ConversationKey {
        platform: Platform::Slack,
        tenant: team.to_owned(),
        channel: channel.to_owned(),
        thread: thread.to_owned(),
    }
}

impl Inbound {
    pub(super) async fn said(&self, said: &Said) -> anyhow::Result<()> {
        let app = &self.app;
        let heard = said.heard();
        let Ear::Open(known) = hearing::listen(app, &heard).await? else { return Ok(()) };
        let Some(from) = self.who(&said.team, &said.user).await? else {
            pass_over("not from a person");
            return Ok(());
        };
        if !hearing::may_speak(app, &heard, known.as_deref(), &from).await? {
            return Ok(());
        }
        let mut text = self.markdown(said).await;
        if said.mention && known.is_none() && said.thread_ts.is_some() {
            text = with_earlier(&text, &self.earlier(said).await);
        }
        let says = match self.wished(said, &text).await? {
            Some(says) => Some(says),
            None => hearing::take_up(app, &heard, from, text, said.files.clone()).await?,
        };
        let Some(says) = says else { return Ok(()) };
        // Never a silent acknowledgement; said once, since Slack will not send it again.
        self.slack.refuse(said, &says).await;
        Ok(())
    }

    /// Told to whoever wants to tie their account to themselves, in direct messages.
    async fn wished(&self, said: &Said, text: &str) -> anyhow::Result<Option<String>> {
        if !said.direct {
            return Ok(None);
        }
        let now = self.app.clock.now();
        let Some(account) = self.slack.account(&said.team, &said.user, now).await? else {
            return Ok(None);
        };
        Ok(self.slack.people.wished(text, &account, now).await?)
    }

    pub(super) async fn edited(&self, said: &Said) -> anyhow::Result<()> {
        let change = Change::Text(self.markdown(said).await);
        let place = place(&said.team, &said.channel, said.thread());
        let Some(from) = self.who(&said.team, &said.user).await? else { return Ok(()) };
        let of = said.event_id();
        match accept::changed(&self.app, &place, said.outsiders, from, &of, change).await {
            Ok(Some(_)) => {}
            Ok(None) => pass_over("a change of something not heard"),
            Err(AcceptError::Unavailable(cause)) => return Err(cause),
            Err(refusal) => tracing::debug!(%refusal, "a change is not taken up"),
        }
        Ok(())
    }

    pub(super) async fn deleted(&self, gone: &Deleted) -> anyhow::Result<()> {
        let of = event_id(&gone.channel, &gone.ts);
        // Found by its name, whatever thread it stood in.
        let place = place(&gone.team, &gone.channel, &gone.ts);
        let from = match &gone.user {
            Some(user) => self.who(&gone.team, user).await?,
            None => accept::said_by(&self.app, &place, &of).await?,
        };
        let Some(from) = from else { return Ok(()) };
        match accept::changed(&self.app, &place, false, from, &of, Change::Deleted).await {
            Err(AcceptError::Unavailable(cause)) => Err(cause),
            _ => Ok(()),
        }
    }

    /// What was said, with people by their names.
    async fn markdown(&self, said: &Said) -> String {
        let names = tokio::time::timeout(NAMES, self.names(said)).await.unwrap_or_default();
        render::to_markdown(&said.text, &|user| names.get(user).cloned())
    }

    /// What the people named in a message are called. Whom Slack does not tell of now stays
    /// nameless: that is no reason to have the message sent again.
    async fn names(&self, said: &Said) -> HashMap<String, String> {
        let mut names = HashMap::new();
        for user in mentioned(&said.text).take(NAMED) {
            if let Ok(Some(person)) = self.who(&said.team, user).await {
                names.insert(user.to_owned(), person.name);
            }
        }
        names
    }

    /// What people wrote in the thread before they called the bot: often that is the request.
    async fn earlier(&self, said: &Said) -> Vec<String> {
        let thread = match self.slack.api.thread(&said.channel, said.thread()).await {
            Ok(thread) => thread,
            Err(error) => {
                tracing::warn!(%error, "a thread could not be read; the naming message stands alone");
                return Vec::new();
            }
        };
        let before = thread.iter().filter(|m| {
            // Stamps are of one length, so they compare as text.
            envelope::text(m, "bot_id").is_none()
                && envelope::text(m, "ts").is_some_and(|ts| ts < said.ts.as_str())
        });
        let words = before.filter_map(|m| envelope::text(m, "text"));
        let mut words: Vec<String> =
            words.map(|words| render::to_markdown(words, &|_| None)).collect();
        words.split_off(words.len().saturating_sub(EARLIER))
    }
}

/// A call to the bot with what it is about: the call first, unless it is all there is.
fn with_earlier(text: &str, earlier: &[String]) -> String {
    let said = std::iter::once(text).chain(earlier.iter().map(String::as_str));
    said.map(str::trim).filter(|words| !words.is_empty()).collect::<Vec<_>>().join("\n\n")
}

/// The users a text mentions, as often as it does.
fn mentioned(text: &str) -> impl Iterator<Item = &str> {
    text.split("<@").skip(1).filter_map(|rest| rest.split(['>', '|']).next())
}
