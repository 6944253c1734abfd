//! What was said while nobody listened: read from Discord's history and taken up as if it had just
//! come. What came in time is recognised by its name and not taken up twice.

use std::collections::BTreeSet;
use std::time::Duration;

use firstline_core::chat::Platform;
use serde_json::{Value, json};
use serenity::model::channel::Message;
use serenity::model::id::UserId;

use super::api::DiscordError;
use super::heard::{self, Heard, Where};
use super::ids::{id_of, ids_since};
use super::inbound::Inbound;
use super::outbound::{DIRECT, target};
use crate::config::Mode;
use crate::platform::missed;
use crate::platform::people::is_wish;

/// Between the last note that all was heard and the end of a connection.
const OVERLAP_MS: i64 = 5 * 60_000;
/// Conversations of the last week are looked through.
const CONVERSATIONS_MS: i64 = 7 * 24 * 60 * 60_000;
const MOST_CONVERSATIONS: i64 = 500;
/// Waited for Discord at most, before a try.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// The type of a channel whose threads are posts.
const FORUM: u64 = 15;

/// Why what was missed is not taken up yet.
#[derive(Debug, thiserror::Error)]
enum Missed {
    #[error(transparent)]
    Discord(#[from] DiscordError),
    #[error("a message could not be kept")]
    NotKept,
}

impl Inbound {
    /// Catches up, once, and notes that everything until now was heard.
    pub(super) async fn keep_up(&self) -> bool {
        self.keep_up_from(false).await
    }

    /// The same, unless nothing was missed; `false` when it did not work.
    pub(super) async fn keep_up_from(&self, caught_up: bool) -> bool {
        let mut caught_up = caught_up;
        missed::keep_up(&self.app, Platform::Discord, &mut caught_up, self.catch_up()).await;
        caught_up
    }

    /// Takes up what was said since the service last listened; how many messages were looked at.
    async fn catch_up(&self) -> anyhow::Result<usize> {
        let since = missed::since(&self.app, Platform::Discord, OVERLAP_MS).await?;
        let Some(since) = since else { return Ok(0) };
        let (now, since) = (self.now(), ids_since(since));
        let me: u64 = self.discord.me().await?.parse()?;
        let mut seen = 0;
        let mut done = BTreeSet::new();
        for channel in self.app.config.channel.iter() {
            if channel.platform != Platform::Discord.as_str() || channel.mode == Mode::Off {
                continue;
            }
            match self.of_channel(&channel.id, since, me).await {
                Ok(messages) => seen += messages,
                Err(Missed::Discord(error @ DiscordError::Refused { .. })) => {
                    tracing::warn!(%error, channel = channel.id, "a channel cannot be read");
                }
                Err(error) => return Err(error.into()),
            }
            done.insert(channel.id.clone());
        }
        let latest = self
            .app
            .store
            .conversations_since(Platform::Discord, now - CONVERSATIONS_MS, MOST_CONVERSATIONS)
            .await?;
        for conversation in latest {
            let stands_in = target(&conversation);
            if !done.insert(stands_in.to_owned()) {
                continue;
            }
            let (guild, place) = match conversation.tenant.as_str() {
                DIRECT => (None, Where::Direct),
                guild => {
                    let parent = conversation.channel.parse().unwrap_or_default();
                    (Some(guild), Where::Thread { parent, forum: false })
                }
            };
            let missed = match self.patiently(|| self.discord.api.after(stands_in, since)).await {
                Ok(missed) => missed,
                // A thread that never was, or is gone.
                Err(DiscordError::Refused { .. }) => continue,
                Err(error) => return Err(error.into()),
            };
            for message in missed {
                seen += 1;
                self.late(message, guild, place, me).await?;
            }
        }
        Ok(seen)
    }

    /// What was missed in a support channel, or in the posts of a forum.
    async fn of_channel(&self, id: &str, since: u64, me: u64) -> Result<usize, Missed> {
        let api = &self.discord.api;
        let channel = self.patiently(|| api.channel(id)).await?;
        let guild = channel["guild_id"].as_str().unwrap_or_default().to_owned();
        if channel["type"] == FORUM {
            let mut seen = 0;
            let threads = self.patiently(|| api.active_threads(&guild)).await?;
            let new =
                |t: &&Value| t["parent_id"] == id && id_of(&t["id"]).is_some_and(|t| t >= since);
            for thread in threads.iter().filter(new) {
                let name = thread["id"].as_str().unwrap_or_default();
                let missed = self.patiently(|| api.after(name, since.saturating_sub(1))).await?;
                let place = Where::Thread {
                    parent: id_of(&channel["id"]).unwrap_or_default(),
                    forum: true,
                };
                let answered = others_spoke(&missed, me);
                for message in missed.into_iter().filter(|_| !answered) {
                    seen += 1;
                    self.late(message, Some(&guild), place, me).await?;
                }
            }
            return Ok(seen);
        }
        let missed = self.patiently(|| api.after(id, since)).await?;
        let seen = missed.len();
        let answered: Vec<bool> = missed.iter().map(|m| others_replied(m, &missed, me)).collect();
        for (message, answered) in missed.into_iter().zip(answered) {
            if !answered {
                self.late(message, Some(&guild), Where::Channel, me).await?;
            }
        }
        Ok(seen)
    }

    async fn late(
        &self,
        mut message: Value,
        guild: Option<&str>,
        place: Where,
        me: u64,
    ) -> Result<(), Missed> {
        if let Some(guild) = guild {
            message["guild_id"] = json!(guild);
        }
        let Ok(message) = serde_json::from_value::<Message>(message) else {
            return Ok(());
        };
        let Heard::Said(said) = heard::read(&message, place, UserId::new(me.max(1)), &|_| None)
        else {
            return Ok(());
        };
        if said.direct && is_wish(&said.text) {
            return Ok(());
        }
        match self.persistently("a missed message", || self.said(&said)).await {
            true => Ok(()),
            false => Err(Missed::NotKept),
        }
    }

    /// A call made again when Discord says when.
    async fn patiently<T, F: Future<Output = Result<T, DiscordError>>>(
        &self,
        call: impl Fn() -> F,
    ) -> Result<T, DiscordError> {
        let asked_to_wait = |error: &DiscordError| match error {
            DiscordError::RateLimited(wait) => Some(*wait.min(&LONGEST_WAIT)),
            _ => None,
        };
        missed::patiently(&*self.app.clock, asked_to_wait, call).await
    }
}

/// Whether people have seen to a message already: in a thread of theirs, or with a reply.
fn others_replied(message: &Value, all: &[Value], me: u64) -> bool {
    let author = &message["author"]["id"];
    let thread = &message["thread"];
    let in_thread = thread.is_object()
        && id_of(&thread["owner_id"]) != Some(me)
        && thread["message_count"].as_u64().unwrap_or_default() > 0;
    let replied = all.iter().any(|other| {
        other["message_reference"]["message_id"] == message["id"]
            && other["author"]["id"] != *author
    });
    in_thread || replied
}

/// Whether somebody else than whoever began a post has written in it.
fn others_spoke(all: &[Value], me: u64) -> bool {
    let first = all.first().map(|message| &message["author"]["id"]);
    all.iter().any(|message| {
        let author = &message["author"]["id"];
        Some(author) != first && id_of(author) != Some(me)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_have_answered_is_left_to_them() {
        let ana = |id: &str, more: Value| {
            let mut message = json!({ "id": id, "author": { "id": "7" } });
            for (name, value) in more.as_object().into_iter().flatten() {
                message[name] = value.clone();
            }
            message
        };
        let reply = json!({ "id": "9", "author": { "id": "8" }, "message_reference": { "message_id": "1" } });
        let own = ana("9", json!({ "message_reference": { "message_id": "1" } }));
        let thread = |owner: &str, count: u64| json!({ "thread": { "owner_id": owner, "message_count": count } });
        for (message, others, answered) in [
            (ana("1", json!({})), vec![], false),
            (ana("1", json!({})), vec![reply.clone()], true),
            (ana("1", json!({})), vec![own], false),
            (ana("2", json!({})), vec![reply], false),
            (ana("1", thread("8", 2)), vec![], true),
            (ana("1", thread("8", 0)), vec![], false),
            (ana("1", thread("4001", 2)), vec![], false),
        ] {
            assert_eq!(others_replied(&message, &others, 4001), answered, "{message}");
        }
    }
}
