//! What this Discord remembers, and the shapes in which it tells of it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::gateway::Session;
use super::rates::Rates;
use super::{FakeDiscord, Fault, Posted, User, id_of, list, with};

/// The first second of 2015 in ms since 1970, from which ids count:
/// <https://discord.com/developers/docs/reference#snowflakes>.
const EPOCH: u64 = 1_420_070_400_000;
/// When the first thing happens here, in ms since 1970; fixed, so that transcripts repeat.
const START: u64 = 1_793_620_800_000;

/// Flags of messages.
pub(super) const HAS_THREAD: u64 = 1 << 5;
pub(super) const EPHEMERAL: u64 = 1 << 6;
pub(super) const LOADING: u64 = 1 << 7;

/// Bits of <https://discord.com/developers/docs/events/gateway#list-of-intents>.
pub mod intents {
    pub const GUILDS: u64 = 1;
    pub const GUILD_MEMBERS: u64 = 1 << 1;
    pub const GUILD_PRESENCES: u64 = 1 << 8;
    pub const GUILD_MESSAGES: u64 = 1 << 9;
    pub const GUILD_MESSAGE_REACTIONS: u64 = 1 << 10;
    pub const DIRECT_MESSAGES: u64 = 1 << 12;
    pub const DIRECT_MESSAGE_REACTIONS: u64 = 1 << 13;
    pub const MESSAGE_CONTENT: u64 = 1 << 15;
}

/// What an application was given, each with the bit of those that await verification:
/// <https://discord.com/developers/docs/resources/application#application-object-application-flags>.
pub(super) mod application_flags {
    pub(in super::super) const GATEWAY_PRESENCE: u64 = 0b11 << 12;
    pub(in super::super) const GATEWAY_GUILD_MEMBERS: u64 = 0b11 << 14;
    pub(in super::super) const GATEWAY_MESSAGE_CONTENT: u64 = 0b11 << 18;
}

/// <https://discord.com/developers/docs/resources/channel#channel-object-channel-types>
pub(super) mod channel_kinds {
    pub(in super::super) const TEXT: u64 = 0;
    pub(in super::super) const DM: u64 = 1;
    pub(in super::super) const PUBLIC_THREAD: u64 = 11;
    pub(in super::super) const PRIVATE_THREAD: u64 = 12;
    pub(in super::super) const FORUM: u64 = 15;
}

pub(super) struct Channel {
    pub(super) id: u64,
    pub(super) kind: u64,
    pub(super) name: String,
    /// What a thread is below.
    pub(super) parent: Option<u64>,
    /// The other side of a direct channel; who began a thread.
    pub(super) person: u64,
    pub(super) messages: Vec<Posted>,
}

impl Channel {
    pub(super) fn new(id: u64, kind: u64, name: &str) -> Channel {
        let name = name.to_owned();
        Channel { id, kind, name, parent: None, person: 0, messages: Vec::new() }
    }

    pub(super) fn is_direct(&self) -> bool {
        self.kind == channel_kinds::DM
    }
}

/// Something someone did that the bot must answer.
pub(super) struct Interaction {
    pub(super) token: String,
    /// 2 a command, 3 a component, 4 an autocompletion, 5 a form.
    pub(super) kind: u64,
    pub(super) channel: u64,
    /// The message it was done to.
    pub(super) source: Option<u64>,
    pub(super) given: Instant,
    pub(super) aged: Duration,
    pub(super) answer: Option<Value>,
    /// What `@original` means.
    pub(super) original: Option<u64>,
    pub(super) messages: Vec<u64>,
}

/// What the gateway tells.
#[derive(Clone)]
pub(super) struct Event {
    pub(super) name: &'static str,
    /// Sessions with any of these intents are told; with 0, all.
    pub(super) intents: u64,
    pub(super) full: Value,
    /// For sessions that may not read messages.
    pub(super) bare: Value,
}

impl Event {
    pub(super) fn new(name: &'static str, intents: u64, data: Value) -> Event {
        Event { name, intents, full: data.clone(), bare: data }
    }
}

pub(super) struct World {
    /// Makes every id unique, and newer than those before.
    serial: u64,
    /// Ids tell when something really was.
    pub(super) in_real_time: bool,
    /// In place of `https://cdn.discordapp.com`.
    pub(super) files_at: String,
    pub(super) application_flags: u64,
    pub(super) users: BTreeMap<u64, User>,
    /// Roles of each member, besides the one everyone has.
    pub(super) members: BTreeMap<u64, Vec<u64>>,
    /// Names and permissions.
    pub(super) roles: BTreeMap<u64, (String, u64)>,
    pub(super) channels: BTreeMap<u64, Channel>,
    /// How many guilds more the bot is in, each with channels like the first one's.
    pub(super) other_guilds: u64,
    pub(super) commands: Vec<Value>,
    pub(super) interactions: BTreeMap<u64, Interaction>,
    pub(super) answer_within: Duration,
    pub(super) calls: Vec<(String, Value)>,
    pub(super) faults: Vec<(String, Fault)>,
    /// `None`: nothing is counted.
    pub(super) rates: Option<Rates>,
    pub(super) sessions: Vec<Session>,
    pub(super) identifies: Vec<Value>,
    pub(super) resumes: usize,
    /// Events to be delivered later, while they are held.
    pub(super) held: Option<Vec<Event>>,
    pub(super) delivered: Vec<Event>,
}

impl World {
    pub(super) fn new() -> World {
        let bot = User { bot: true, ..User::new(FakeDiscord::BOT_USER, "firstline") };
        // View Channel, Send Messages, Embed Links, Attach Files, Read Message History, Use
        // Application Commands, Create Public Threads, Send Messages in Threads.
        let everyone = 1 << 10 | 0b11 << 14 | 1 << 11 | 1 << 16 | 1 << 31 | 1 << 35 | 1 << 38;
        World {
            serial: 0,
            in_real_time: false,
            files_at: String::new(),
            application_flags: application_flags::GATEWAY_GUILD_MEMBERS
                | application_flags::GATEWAY_MESSAGE_CONTENT,
            users: [(bot.id, bot)].into(),
            members: [(FakeDiscord::BOT_USER, Vec::new())].into(),
            roles: [(FakeDiscord::GUILD, ("@everyone".to_owned(), everyone))].into(),
            channels: BTreeMap::new(),
            other_guilds: 0,
            commands: Vec::new(),
            interactions: BTreeMap::new(),
            answer_within: Duration::from_secs(3),
            calls: Vec::new(),
            faults: Vec::new(),
            rates: None,
            sessions: Vec::new(),
            identifies: Vec::new(),
            resumes: 0,
            held: None,
            delivered: Vec::new(),
        }
    }

    /// An id a second after the one before, or of now.
    pub(super) fn next(&mut self) -> u64 {
        self.serial += 1;
        if self.in_real_time {
            return (crate::slack::now() * 1000 - EPOCH) << 22 | self.serial;
        }
        (START - EPOCH + self.serial * 1000) << 22
    }

    pub(super) fn find(&self, id: u64) -> Option<&Posted> {
        let mut all = self.channels.values().flat_map(|it| &it.messages);
        all.find(|message| message.id == id)
    }

    /// The bot's messages are events for it like everybody's, but for those that only one
    /// person sees.
    pub(super) fn put(&mut self, mut posted: Posted) -> Posted {
        if posted.id == 0 {
            posted.id = self.next();
        }
        posted.content = posted.content.trim().to_owned();
        self.channels.get_mut(&posted.channel).unwrap().messages.push(posted.clone());
        self.tell_of("MESSAGE_CREATE", &posted);
        posted
    }

    pub(super) fn update(&mut self, posted: Posted) -> Posted {
        let channel = self.channels.get_mut(&posted.channel).unwrap();
        let old = channel.messages.iter_mut().find(|old| old.id == posted.id);
        *old.unwrap() = posted.clone();
        self.tell_of("MESSAGE_UPDATE", &posted);
        posted
    }

    pub(super) fn remove(&mut self, posted: &Posted) {
        let channel = self.channels.get_mut(&posted.channel).unwrap();
        channel.messages.retain(|message| message.id != posted.id);
        if !posted.ephemeral() {
            let gone = json!({
                "id": posted.id.to_string(), "channel_id": posted.channel.to_string(),
            });
            self.tell(
                "MESSAGE_DELETE",
                [intents::GUILD_MESSAGES, intents::DIRECT_MESSAGES],
                posted.channel,
                gone,
            );
        }
    }

    fn tell_of(&mut self, name: &'static str, posted: &Posted) {
        if posted.ephemeral() {
            return;
        }
        let mut full = self.shown(posted);
        let direct = self.channels[&posted.channel].is_direct();
        if !direct {
            let member = self.member(posted.author);
            full = with(full, json!({"guild_id": FakeDiscord::GUILD.to_string()}));
            full["member"] = member;
        }
        let readable = self.needs_no_intent(posted);
        let bare = if readable { full.clone() } else { without_content(full.clone()) };
        let intents = if direct { intents::DIRECT_MESSAGES } else { intents::GUILD_MESSAGES };
        self.dispatch(Event { name, intents, full, bare });
    }

    /// Something that happened in a channel; the intents for guilds and for direct messages.
    pub(super) fn tell(&mut self, name: &'static str, needs: [u64; 2], channel: u64, data: Value) {
        let direct = self.channels[&channel].is_direct();
        let guild = json!({"guild_id": FakeDiscord::GUILD.to_string()});
        let data = if direct { data } else { with(data, guild) };
        self.dispatch(Event::new(name, needs[usize::from(direct)], data));
    }

    pub(super) fn give_role(&mut self, user: u64, role: u64) {
        self.members.get_mut(&user).unwrap().push(role);
        let mut member = self.full_member(user);
        member["guild_id"] = json!(FakeDiscord::GUILD.to_string());
        self.dispatch(Event::new("GUILD_MEMBER_UPDATE", intents::GUILD_MEMBERS, member));
    }

    pub(super) fn add_channel(&mut self, channel: Channel) {
        let (id, direct) = (channel.id, channel.is_direct());
        let thread = channel.parent.is_some();
        self.channels.insert(id, channel);
        let name = if thread { "THREAD_CREATE" } else { "CHANNEL_CREATE" };
        let shown = self.channel(id);
        let shown = if thread { with(shown, json!({"newly_created": true})) } else { shown };
        // A direct channel is not announced.
        if !direct {
            self.dispatch(Event::new(name, intents::GUILDS, shown));
        }
    }

    /// The direct channel with someone.
    pub(super) fn direct(&mut self, user: u64) -> u64 {
        let open = self.channels.values().find(|it| it.is_direct() && it.person == user);
        if let Some(open) = open {
            return open.id;
        }
        let id = self.next();
        self.add_channel(Channel { person: user, ..Channel::new(id, channel_kinds::DM, "") });
        id
    }

    /// Whoever a message mentions: by name, or by replying to them.
    fn mentions(&self, posted: &Posted) -> impl Iterator<Item = u64> {
        let said = &posted.allowed_mentions;
        let pings = said.is_null() || said["replied_user"] == true;
        let replied = posted.reply_to.filter(|_| pings).and_then(|id| self.find(id));
        let named = mentioned(&posted.content, "<@").filter(|id| allowed(posted, "users", *id));
        let all: BTreeSet<_> = named.chain(replied.map(|it| it.author)).collect();
        all.into_iter().filter(|id| self.users.contains_key(id))
    }

    /// Discord lets every bot read what is said to it directly, what mentions it, and its own.
    pub(super) fn needs_no_intent(&self, posted: &Posted) -> bool {
        let bot = FakeDiscord::BOT_USER;
        let direct = self.channels[&posted.channel].is_direct();
        direct || posted.author == bot || self.mentions(posted).any(|id| id == bot)
    }

    /// A message as the REST API shows it.
    pub(super) fn shown(&self, posted: &Posted) -> Value {
        let Posted { id, content, .. } = posted;
        let replied = posted.reply_to.and_then(|id| self.find(id));
        let roles = mentioned(content, "<@&").filter(|role| allowed(posted, "roles", *role));
        let everyone = ["@everyone", "@here"].iter().any(|word| content.contains(word));
        let files = posted.files.iter().enumerate().map(|(n, (name, bytes))| {
            let url = format!("{}/attachments/{id}/{n}/{name}", self.files_at);
            json!({
                "id": (id + n as u64).to_string(), "filename": name, "size": bytes.len(),
                "url": url, "proxy_url": url,
            })
        });
        let thread = self.channels.contains_key(id);
        let mut shown = json!({
            "id": id.to_string(), "channel_id": posted.channel.to_string(), "type": posted.kind,
            "author": self.user(posted.author), "content": content, "timestamp": stamp(*id),
            "edited_timestamp": posted.edited.then(|| stamp(*id)), "tts": false, "pinned": false,
            "mention_everyone": everyone && allowed(posted, "everyone", 0),
            "mentions": self.mentions(posted).map(|id| self.user(id)).collect::<Vec<_>>(),
            "mention_roles": roles.map(|id| id.to_string()).collect::<Vec<_>>(),
            "attachments": files.collect::<Vec<_>>(),
            "embeds": list(&posted.embeds).collect::<Vec<_>>(),
            "components": list(&posted.components).collect::<Vec<_>>(),
            "flags": posted.flags | if thread { HAS_THREAD } else { 0 },
        });
        if !posted.nonce.is_null() {
            shown["nonce"] = posted.nonce.clone();
        }
        if let Some(to) = posted.reply_to {
            let channel = replied.map_or(posted.channel, |replied| replied.channel);
            shown["message_reference"] = json!({
                "type": 0, "message_id": to.to_string(), "channel_id": channel.to_string(),
            });
            shown["referenced_message"] =
                replied.map(|it| self.shown(&Posted { reply_to: None, ..it.clone() })).into();
        }
        if thread {
            shown["thread"] = self.channel(*id);
        }
        if posted.interaction.is_some() {
            shown["application_id"] = json!(FakeDiscord::APPLICATION.to_string());
            shown["webhook_id"] = shown["application_id"].clone();
        }
        shown
    }
}

/// What is left of a message for those who may not read it.
pub(super) fn without_content(message: Value) -> Value {
    with(message, json!({"content": "", "embeds": [], "attachments": [], "components": []}))
}

/// Ids after this opening of a mention.
fn mentioned<'a>(content: &'a str, opening: &'a str) -> impl Iterator<Item = u64> + 'a {
    let after = content.split(opening).skip(1);
    let ids = after.filter_map(|rest| rest.split_once('>'));
    ids.map(|(id, _)| id_of(id.trim_start_matches('!'))).filter(|id| *id != 0)
}

/// Whether the author let this mention reach anybody; whoever says nothing, lets all.
fn allowed(posted: &Posted, what: &str, id: u64) -> bool {
    let said = &posted.allowed_mentions;
    said.is_null()
        || list(&said["parse"]).any(|kind| kind == what)
        || list(&said[what]).any(|one| one.as_str().is_some_and(|one| id_of(one) == id))
}

/// The time an id was made.
pub(super) fn stamp(id: u64) -> String {
    let ms = i64::try_from((id >> 22) + EPOCH).unwrap_or_default();
    jiff::Timestamp::from_millisecond(ms).unwrap().to_string()
}
