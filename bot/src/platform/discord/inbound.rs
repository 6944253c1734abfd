//! What people say, change and take back: judged by the rules of conduct and accepted. Discord
//! never sends anything again, so what could not be kept is tried again here.

use std::sync::Arc;
use std::time::Duration;

use firstline_core::capabilities::{DISCORD, SAME_MATTER_MS};
use firstline_core::chat::{ConversationKey, Platform, RemoteFile};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::Discord;
use super::caller::Urgency;
use super::heard::{Deleted, Edited, Said};
use super::ids::id_of;
use super::listening::Status;
use super::outbound::DIRECT;
use super::text::to_markdown;
use super::{people, render};
use crate::accept::{self, AcceptError, Change};
use crate::app::App;
use crate::platform::hearing::{self, Ear, Heard};
use crate::store::records::ConversationRow;

/// Messages before the one that names the bot which are read with it.
const EARLIER: usize = 10;
/// Tries of what could not be kept, each after twice the time of the one before.
const TRIES: u32 = 6;
const FIRST_WAIT: Duration = Duration::from_millis(500);

#[derive(Clone)]
pub(super) struct Inbound {
    pub(super) app: Arc<App>,
    pub(super) discord: Arc<Discord>,
    pub(super) status: watch::Sender<Status>,
}

/// Tells a message from all others: their ids are the same nowhere.
pub(super) fn event_id(message: u64) -> String {
    message.to_string()
}

pub(super) fn tenant(guild: Option<u64>) -> String {
    guild.map_or_else(|| DIRECT.to_owned(), |guild| guild.to_string())
}

pub(super) fn place(tenant: &str, channel: u64, thread: &str) -> ConversationKey {
    ConversationKey {
        platform: Platform::Discord,
        tenant: tenant.to_owned(),
        channel: channel.to_string(),
        thread: thread.to_owned(),
    }
}

pub(super) fn pass_over(kind: &str) {
    hearing::pass_over(Platform::Discord.as_str(), kind);
}

impl Inbound {
    pub(super) fn now(&self) -> i64 {
        self.app.clock.now()
    }

    /// Does something until it is kept, a few times; whether it was.
    pub(super) async fn persistently<F: Future<Output = anyhow::Result<()>>>(
        &self,
        what: &str,
        act: impl Fn() -> F,
    ) -> bool {
        let mut wait = FIRST_WAIT;
        for left in (0..TRIES).rev() {
            match act().await {
                Ok(()) => return true,
                Err(error) if left > 0 => {
                    tracing::warn!(error = format!("{error:#}"), what, "not taken up yet");
                }
                Err(error) => {
                    tracing::error!(error = format!("{error:#}"), what, "it could not be kept");
                    return false;
                }
            }
            self.pause(wait).await;
            wait *= 2;
        }
        false
    }

    pub(super) async fn pause(&self, wait: Duration) {
        let wait = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX / 2);
        self.app.clock.sleep_until(self.now() + wait).await;
    }

    /// In a channel nobody has described, anybody may read along: a server is no company.
    pub(super) fn outsiders(&self, direct: bool, channel: u64) -> bool {
        let known = self.app.config.channel(Platform::Discord.as_str(), &channel.to_string());
        !direct && known.is_none()
    }

    /// The conversation that goes on in direct messages.
    pub(super) async fn goes_on(&self, channel: u64) -> anyhow::Result<Option<ConversationRow>> {
        let channel = channel.to_string();
        let latest =
            self.app.store.latest_conversation(Platform::Discord, DIRECT, &channel).await?;
        Ok(latest.filter(|latest| self.now() - latest.updated_at < SAME_MATTER_MS))
    }

    pub(super) async fn said(&self, said: &Said) -> anyhow::Result<()> {
        let turn = match said.direct {
            true => Some(self.discord.direct.lock().await),
            false => None,
        };
        let heard = self.heard(said).await?;
        let Ear::Open(known) = hearing::listen(&self.app, &heard).await? else { return Ok(()) };
        let account = people::account(&heard.place.tenant, said.author.id, &said.author.name);
        let from = self.discord.people.person(&account, self.now()).await?;
        if !hearing::may_speak(&self.app, &heard, known.as_deref(), &from).await? {
            return Ok(());
        }
        let mut text = said.text.clone();
        if said.mention && known.is_none() && heard.in_thread {
            text = with_earlier(&text, &self.earlier(said).await);
        }
        let wished = match said.direct {
            true => self.discord.people.wished(&text, &account, self.now()).await?,
            false => None,
        };
        let says = match wished {
            Some(says) => Some(says),
            None => hearing::take_up(&self.app, &heard, from, text, files(said)).await?,
        };
        let Some(says) = says else { return Ok(()) };
        drop(turn);
        // Never a silent acknowledgement.
        let mut body = render::plainly(&says, &format!("refused:{}", heard.event_id));
        body["message_reference"] =
            json!({ "message_id": said.message_id.to_string(), "fail_if_not_exists": false });
        let channel = said.thread.unwrap_or(said.channel).to_string();
        if let Err(error) = self.discord.api.post(&channel, &body, Urgency::Waits).await {
            tracing::warn!(%error, "somebody could not be told that their message is not read");
        }
        Ok(())
    }

    async fn heard(&self, said: &Said) -> anyhow::Result<Heard> {
        let event_id = event_id(said.message_id);
        let goes_on = match said.direct {
            true => self.goes_on(said.channel).await?,
            false => None,
        };
        let thread = match (&goes_on, said.thread) {
            (Some(goes_on), _) => goes_on.thread.clone(),
            (None, Some(thread)) => thread.to_string(),
            (None, None) => event_id.clone(),
        };
        // The first message of a post in a forum begins it.
        let in_thread = thread != event_id;
        Ok(Heard {
            place: place(&tenant(said.guild), said.channel, &thread),
            direct: said.direct,
            mention: said.mention,
            in_thread,
            outsiders: self.outsiders(said.direct, said.channel),
            event_id,
        })
    }

    pub(super) async fn edited(&self, edited: &Edited) -> anyhow::Result<()> {
        self.changed(
            edited.guild,
            edited.place,
            edited.message_id,
            Change::Text(edited.text.clone()),
        )
        .await
    }

    pub(super) async fn deleted(&self, deleted: &Deleted) -> anyhow::Result<()> {
        for message in &deleted.message_ids {
            self.changed(deleted.guild, deleted.place, *message, Change::Deleted).await?;
        }
        Ok(())
    }

    /// Found by its name, whatever thread it stood in. Discord lets nobody change what others
    /// said, so a change is its author's; whoever may delete it, deletes it for them.
    async fn changed(
        &self,
        guild: Option<u64>,
        channel: u64,
        message: u64,
        change: Change,
    ) -> anyhow::Result<()> {
        let (of, place) = (event_id(message), place(&tenant(guild), channel, ""));
        let Some(from) = accept::said_by(&self.app, &place, &of).await? else {
            pass_over("a change of something not heard");
            return Ok(());
        };
        let outsiders = self.outsiders(guild.is_none(), channel);
        match accept::changed(&self.app, &place, outsiders, from, &of, change).await {
            Err(AcceptError::Unavailable(cause)) => Err(cause),
            Err(refusal) => {
                tracing::debug!(%refusal, "a change is not taken up");
                Ok(())
            }
            Ok(_) => Ok(()),
        }
    }

    /// What people wrote in the thread before they called the bot: often that is the request.
    async fn earlier(&self, said: &Said) -> Vec<String> {
        let Some(thread) = said.thread else { return Vec::new() };
        let (thread, message) = (thread.to_string(), said.message_id.to_string());
        let before = match self.discord.api.before(&thread, Some(&message), EARLIER).await {
            Ok(before) => before,
            Err(error) => {
                tracing::warn!(%error, "a thread could not be read; the naming message stands alone");
                return Vec::new();
            }
        };
        // A thread that began with a message shows it by reference.
        let words = before.iter().map(|message| match &message["referenced_message"] {
            begins @ Value::Object(_) if message["type"] == 21 => begins,
            _ => message,
        });
        let words = words.filter(|message| message["author"]["bot"] != true);
        words
            .filter_map(|message| message["content"].as_str())
            .map(|words| to_markdown(words, &|_| None))
            .collect()
    }
}

/// A call to the bot with what it is about: the call first, unless it is all there is.
fn with_earlier(text: &str, earlier: &[String]) -> String {
    let said = std::iter::once(text).chain(earlier.iter().map(String::as_str));
    said.map(str::trim).filter(|words| !words.is_empty()).collect::<Vec<_>>().join("\n\n")
}

fn files(said: &Said) -> Vec<RemoteFile> {
    let files = said.attachments.iter().enumerate().map(|(number, file)| RemoteFile {
        id: format!("{}/{number}", said.message_id),
        name: file.name.clone(),
        size: file.size,
        url: file.url.clone(),
    });
    files.take(DISCORD.uploads).collect()
}

/// The channel of an interaction: its id, the thread in it if it was done in one.
pub(super) fn whereabouts(interaction: &Value) -> Option<(u64, Option<u64>)> {
    let id = id_of(&interaction["channel_id"])?;
    let channel = &interaction["channel"];
    match (channel["type"].as_u64(), id_of(&channel["parent_id"])) {
        (Some(10..=12), Some(parent)) => Some((parent, Some(id))),
        _ => Some((id, None)),
    }
}

/// Whose account it is: id and name.
pub(super) fn whose(interaction: &Value) -> Option<(u64, String)> {
    let member = &interaction["member"];
    let user = match &member["user"] {
        Value::Null => &interaction["user"],
        user => user,
    };
    let names = [&member["nick"], &user["global_name"], &user["username"]];
    let name = names.iter().find_map(|name| name.as_str()).unwrap_or_default();
    Some((id_of(&user["id"])?, name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interaction_says_where_and_whose_it_is() {
        let thread = json!({ "channel_id": "12", "channel": { "type": 11, "parent_id": "5" } });
        let text = json!({ "channel_id": "12", "channel": { "type": 0, "parent_id": "5" } });
        for (value, expected) in [
            (&thread, Some((5, Some(12)))),
            (&text, Some((12, None))),
            (&json!({ "channel_id": "12" }), Some((12, None))),
            (&json!({ "channel_id": 12 }), None),
        ] {
            assert_eq!(whereabouts(value), expected, "{value}");
        }
        let user = json!({ "id": "7", "username": "ana", "global_name": "Ana" });
        for (value, expected) in [
            (json!({ "user": user }), Some((7, "Ana"))),
            (json!({ "member": { "nick": "Silva", "user": user } }), Some((7, "Silva"))),
            (json!({ "member": { "nick": null, "user": user } }), Some((7, "Ana"))),
            (json!({}), None),
        ] {
            let found = whose(&value);
            assert_eq!(found.as_ref().map(|(id, name)| (*id, name.as_str())), expected, "{value}");
        }
    }

    #[test]
    fn a_call_comes_before_what_it_is_about() {
        let earlier = ["first".to_owned(), " ".to_owned(), "second".to_owned()];
        assert_eq!(with_earlier("call", &earlier), "call\n\nfirst\n\nsecond");
        assert_eq!(with_earlier("", &earlier), "first\n\nsecond");
    }
}
