//! What this Slack remembers, and the shapes in which it tells of it.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use firstline::adapters::clock::SystemClock;
use firstline::ports::Clock;
use serde_json::{Value, json};

use super::{APP, FakeSlack};

/// The workspace of strangers, who meet ours in shared channels.
const ELSEWHERE: &str = "T2";
/// When the first thing happens here, in seconds; fixed, so that transcripts repeat.
pub(super) const START: u64 = 1_793_620_800;

/// Someone with an account.
#[derive(Debug, Clone, Default)]
pub struct User {
    pub id: String,
    pub name: String,
    pub email: Option<String>,
    pub bot: bool,
    /// A guest.
    pub restricted: bool,
    /// From another workspace.
    pub stranger: bool,
    pub deleted: bool,
    pub tz: String,
    pub locale: String,
}

impl User {
    pub(super) fn team(&self) -> &'static str {
        if self.stranger { ELSEWHERE } else { FakeSlack::TEAM }
    }

    /// As `users.info` shows it: the language only to those who ask.
    pub(super) fn shown(&self, with_locale: bool) -> Value {
        let profile = json!({
            "real_name": self.name, "display_name": self.name, "email": self.email,
        });
        without_nulls(json!({
            "id": self.id, "team_id": self.team(), "name": self.name, "deleted": self.deleted,
            "real_name": self.name, "tz": self.tz, "is_bot": self.bot,
            "is_restricted": self.restricted, "is_ultra_restricted": false,
            "is_stranger": self.stranger, "updated": START, "profile": without_nulls(profile),
            "locale": with_locale.then_some(&self.locale),
        }))
    }
}

/// A message in a channel.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Posted {
    pub ts: String,
    /// The message that began the thread; `None` for that message itself.
    pub thread_ts: Option<String>,
    pub user: String,
    pub text: String,
    /// `Null` where there are none.
    pub blocks: Value,
    pub metadata: Value,
    pub edited: bool,
    /// It still grows.
    pub streams: bool,
    /// Files it came with, as Slack shows them.
    pub files: Vec<Value>,
}

impl Posted {
    pub(super) fn within(&self, thread: &str) -> bool {
        self.ts == thread || self.thread_ts.as_deref() == Some(thread)
    }
}

/// What goes wrong with one call.
#[derive(Debug, Clone)]
pub enum Fault {
    /// 429 with Retry-After; nothing is done.
    RateLimited { retry_after_s: u64 },
    /// This status and no body; nothing is done.
    Status(u16),
    /// Done, but the connection breaks within the answer.
    HalfBody,
    /// Done, but the connection breaks before the answer.
    DoneButLost,
    /// `{"ok": false}` with this error; nothing is done.
    Error(&'static str),
}

#[derive(Default)]
pub(super) struct Channel {
    /// `im`, `channel`, `group` or `mpim`.
    pub(super) kind: String,
    pub(super) messages: Vec<Posted>,
}

/// Real time, unless a test has the time in hand.
pub(super) struct Time(pub(super) Arc<dyn Clock>);

impl Default for Time {
    fn default() -> Time {
        Time(Arc::new(SystemClock))
    }
}

#[derive(Default)]
pub(super) struct Workspace {
    /// Seconds of the newest ts.
    pub(super) clock: u64,
    /// Makes every other id unique.
    pub(super) serial: u64,
    pub(super) scopes: String,
    pub(super) users: HashMap<String, User>,
    pub(super) channels: HashMap<String, Channel>,
    pub(super) calls: Vec<(String, Value)>,
    pub(super) faults: HashMap<String, VecDeque<Fault>>,
    /// What tells how old a trigger is.
    pub(super) time: Time,
    /// When each was handed out, in ms since 1970; `None` once it was used.
    pub(super) triggers: HashMap<String, Option<i64>>,
    pub(super) views: Vec<Value>,
    pub(super) responses: Vec<Value>,
    /// What each person's Home tab shows.
    pub(super) homes: HashMap<String, Value>,
    /// Bytes of files by their path.
    pub(super) files: HashMap<String, Vec<u8>>,
}

impl Workspace {
    pub(super) fn next(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    pub(super) fn next_ts(&mut self) -> String {
        self.clock += 1;
        format!("{}.000100", self.clock)
    }

    pub(super) fn user(&self, id: &str) -> User {
        let nobody = || User { id: id.to_owned(), name: id.to_lowercase(), ..User::default() };
        self.users.get(id).cloned().unwrap_or_else(nobody)
    }

    pub(super) fn channel(&mut self, id: &str, kind: &str) -> &mut Channel {
        let new = || Channel { kind: kind.to_owned(), ..Channel::default() };
        self.channels.entry(id.to_owned()).or_insert_with(new)
    }

    pub(super) fn find(&self, channel: &str, ts: &str, error: &str) -> Result<Posted, Value> {
        let mut messages = self.channels.get(channel).into_iter().flat_map(|it| &it.messages);
        messages.find(|m| m.ts == ts).cloned().ok_or_else(|| refuse(error))
    }

    pub(super) fn put(&mut self, channel: &str, mut posted: Posted) -> Posted {
        posted.ts = self.next_ts();
        name_blocks(&mut posted.blocks, &mut self.serial);
        self.channel(channel, "channel").messages.push(posted.clone());
        posted
    }

    pub(super) fn trigger(&mut self) -> String {
        let trigger = format!("{}.1.abcdef", self.next());
        self.triggers.insert(trigger.clone(), Some(self.time.0.now()));
        trigger
    }

    /// What every interaction says, and the rest.
    pub(super) fn interaction(&mut self, kind: &str, user: &str, rest: Value) -> Value {
        let User { id, name, .. } = &self.user(user);
        let mut payload = json!({
            "type": kind, "api_app_id": APP, "token": "verification", "enterprise": null,
            "user": {"id": id, "username": name, "name": name, "team_id": self.user(id).team()},
            "team": {"id": FakeSlack::TEAM, "domain": "acme"}, "is_enterprise_install": false,
            "trigger_id": self.trigger(),
        });
        payload.as_object_mut().unwrap().extend(rest.as_object().cloned().unwrap_or_default());
        payload
    }

    pub(super) fn event_id(&mut self) -> String {
        format!("Ev{:08}", self.next())
    }

    pub(super) fn message_event(&mut self, posted: &Posted, channel: &str, kind: &str) -> Value {
        let mut event = self.shown(posted, false);
        let shared = event["team"] == ELSEWHERE;
        event["channel"] = json!(channel);
        event["channel_type"] = json!(kind);
        event["event_ts"] = json!(posted.ts);
        self.callback(event, shared)
    }

    /// An event as the app is told of it.
    pub(super) fn callback(&mut self, event: Value, shared: bool) -> Value {
        let at = text_of(&event, "event_ts").split('.').next();
        let seconds = at.and_then(|s| s.parse::<u64>().ok());
        json!({
            "token": "verification", "team_id": FakeSlack::TEAM, "api_app_id": APP,
            "context_team_id": FakeSlack::TEAM, "context_enterprise_id": null,
            "is_ext_shared_channel": shared, "event": event, "type": "event_callback",
            "event_id": self.event_id(), "event_time": seconds,
            "authorizations": [{
                "enterprise_id": null, "team_id": FakeSlack::TEAM, "user_id": FakeSlack::BOT_USER,
                "is_bot": true, "is_enterprise_install": false,
            }],
        })
    }

    /// A message as Slack writes it; a bot's names its app too.
    pub(super) fn shown(&self, posted: &Posted, with_metadata: bool) -> Value {
        let author = self.user(&posted.user);
        let ours = author.id == FakeSlack::BOT_USER;
        let bot = if ours { FakeSlack::BOT_ID.into() } else { format!("B{}", author.id) };
        without_nulls(json!({
            "type": "message", "user": posted.user, "ts": posted.ts, "text": posted.text,
            "team": author.team(), "thread_ts": posted.thread_ts, "blocks": posted.blocks,
            "bot_id": author.bot.then_some(bot), "app_id": ours.then_some(APP),
            "metadata": with_metadata.then_some(&posted.metadata),
            "files": (!posted.files.is_empty()).then_some(&posted.files),
            "edited": posted.edited.then(|| json!({"user": posted.user, "ts": posted.ts})),
        }))
    }
}

/// Slack gives a name to every block that has none.
pub(super) fn name_blocks(blocks: &mut Value, serial: &mut u64) {
    for block in blocks.as_array_mut().into_iter().flatten() {
        if block["block_id"].is_null() {
            *serial += 1;
            block["block_id"] = json!(format!("b{serial}"));
        }
    }
}

pub(super) fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

pub(super) fn text_of<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

pub(super) fn without_nulls(mut object: Value) -> Value {
    object.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    object
}

pub(super) fn refuse(error: &str) -> Value {
    json!({"ok": false, "error": error})
}
