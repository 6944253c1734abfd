//! A Discord that remembers: its REST API with the limits Discord documents, the gateway a
//! bot listens at, and the people of one guild who write and press there.

mod channels;
mod gateway;
mod interactions;
mod limits;
mod people;
mod rates;
mod rest;
mod shapes;
mod world;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::DefaultBodyLimit;
use axum::routing::{any, get};
use serde_json::Value;
use tokio::sync::Notify;

use rates::Rates;
pub use world::intents;
use world::{Channel, World, channel_kinds};

/// How long [`FakeDiscord::until`] waits for what must come.
const PATIENCE: Duration = Duration::from_secs(60);

/// Someone with an account. Discord tells no app anybody's e-mail address.
#[derive(Debug, Clone)]
pub struct User {
    pub id: u64,
    pub username: String,
    /// The name shown, where one was chosen.
    pub global_name: Option<String>,
    pub bot: bool,
    /// Told with interactions only.
    pub locale: String,
}

impl User {
    /// A person called so, who reads English.
    pub fn new(id: u64, username: &str) -> User {
        let (username, locale) = (username.to_owned(), "en-US".to_owned());
        User { id, username, global_name: None, bot: false, locale }
    }
}

/// A message in a channel.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Posted {
    pub id: u64,
    pub channel: u64,
    pub author: u64,
    /// Discord's number: 0 plain, 19 a reply, 20 the answer to a command, 21 the first in a
    /// thread that began elsewhere.
    pub kind: u64,
    pub content: String,
    /// `Null` where there are none.
    pub embeds: Value,
    pub components: Value,
    /// Names and contents.
    pub files: Vec<(String, Vec<u8>)>,
    pub nonce: Value,
    pub reply_to: Option<u64>,
    pub flags: u64,
    pub allowed_mentions: Value,
    pub edited: bool,
    /// Who reacted with what.
    pub reactions: Vec<(u64, String)>,
    /// The interaction it answers.
    pub interaction: Option<u64>,
}

impl Posted {
    /// Only one person sees it, and no channel keeps it.
    pub fn ephemeral(&self) -> bool {
        self.flags & world::EPHEMERAL != 0
    }

    /// The person sees that the bot is thinking.
    pub fn loading(&self) -> bool {
        self.flags & world::LOADING != 0
    }
}

/// What goes wrong with one call.
#[derive(Debug, Clone)]
pub enum Fault {
    /// 429 with Retry-After; nothing is done.
    RateLimited { retry_after_s: f64, global: bool },
    /// This status and no body; nothing is done.
    Status(u16),
    /// Done, but the connection breaks within the answer.
    HalfBody,
    /// Done, but the connection breaks before the answer.
    DoneButLost,
    /// Discord's error of this code; nothing is done.
    Error { status: u16, code: u64 },
}

/// In which order held events are delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    AsTheyHappened,
    Reversed,
}

/// A running Discord of one guild. Ends with the test's runtime.
#[derive(Clone)]
pub struct FakeDiscord {
    address: String,
    world: Arc<Mutex<World>>,
    changed: Arc<Notify>,
}

impl FakeDiscord {
    /// As an operator configures it, without the `Bot ` that requests put before it.
    pub const TOKEN: &str = "fake-token";
    pub const APPLICATION: u64 = 4001;
    /// The bot's account has its application's id.
    pub const BOT_USER: u64 = Self::APPLICATION;
    /// Also the id of the role everyone has.
    pub const GUILD: u64 = 9001;
    /// Owns the guild: whoever this id is given to may do everything.
    pub const OWNER: u64 = 9002;

    /// Starts on a free port of the loopback interface; nobody is there but the bot, which
    /// may read messages and know members.
    pub async fn start() -> FakeDiscord {
        crate::model::install_crypto();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let fake = FakeDiscord {
            address: listener.local_addr().unwrap().to_string(),
            world: Arc::new(Mutex::new(World::new())),
            changed: Arc::default(),
        };
        let router = axum::Router::new()
            .route("/api/v10/{*path}", any(rest::call))
            .route("/gateway", get(gateway::upgrade))
            .route("/attachments/{message}/{number}/{name}", get(rest::attachment))
            .layer(DefaultBodyLimit::disable())
            .with_state(fake.clone());
        fake.lock().files_at = fake.url();
        tokio::spawn(async move { axum::serve(listener, router).await });
        fake
    }

    fn lock(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes something and wakes whoever waits for it.
    fn change<T>(&self, with: impl FnOnce(&mut World) -> T) -> T {
        let done = with(&mut self.lock());
        self.changed.notify_waiters();
        done
    }

    /// In place of `https://discord.com`, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The REST API, without a slash at the end.
    pub fn api_url(&self) -> String {
        format!("{}/api/v10", self.url())
    }

    fn gateway_url(&self) -> String {
        format!("ws://{}/gateway", self.address)
    }

    /// Someone in the guild, with the role everyone has.
    pub fn add_member(&self, user: User) {
        self.change(|world| {
            world.members.insert(user.id, Vec::new());
            world.users.insert(user.id, user);
        });
    }

    /// Someone with an account who shares no guild with the bot.
    pub fn add_stranger(&self, user: User) {
        self.change(|world| world.users.insert(user.id, user));
    }

    /// From now on ids tell when something really was, for a service that reads the time itself.
    pub fn live_in_real_time(&self) {
        self.change(|world| world.in_real_time = true);
    }

    /// The bot is in so many guilds more, with channels like this one's.
    pub fn set_other_guilds(&self, count: u64) {
        self.change(|world| world.other_guilds = count);
    }

    /// A role, with Discord's bits for what it permits.
    pub fn add_role(&self, role: u64, name: &str, permissions: u64) {
        self.change(|world| world.roles.insert(role, (name.to_owned(), permissions)));
    }

    /// Gives a member a role; sessions that follow members are told.
    pub fn give_role(&self, user: u64, role: u64) {
        self.change(|world| world.give_role(user, role));
    }

    pub fn add_channel(&self, channel: u64, name: &str) {
        self.change(|world| world.add_channel(Channel::new(channel, channel_kinds::TEXT, name)));
    }

    pub fn add_forum(&self, channel: u64, name: &str) {
        self.change(|world| world.add_channel(Channel::new(channel, channel_kinds::FORUM, name)));
    }

    /// The application's flags: which privileged intents it was given.
    pub fn set_application_flags(&self, flags: u64) {
        self.change(|world| world.application_flags = flags);
    }

    /// How soon an interaction must be answered from now on; 3 s at first, as on Discord.
    pub fn answer_within(&self, limit: Duration) {
        self.change(|world| world.answer_within = limit);
    }

    /// Every interaction so far is this much older: after 3 s an unanswered one is dead, after
    /// 15 minutes its token.
    pub fn age_interactions(&self, by: Duration) {
        self.change(|world| world.interactions.values_mut().for_each(|it| it.aged += by));
    }

    /// The next such call goes wrong; the one after it too if told so twice. A route is a method
    /// and a path below [`Self::api_url`], in which a part in braces fits any:
    /// `POST /channels/{id}/messages`.
    pub fn fail_next(&self, route: &str, fault: Fault) {
        self.change(|world| world.faults.push((route.to_owned(), fault)));
    }

    /// Counts calls by this clock (epoch ms) from now on, and refuses what is too much.
    pub fn limit_rates(&self, now: impl Fn() -> i64 + Send + 'static) {
        self.lock().rates = Some(Rates::new(Box::new(now)));
    }

    /// Calls that were refused for being too many.
    pub fn rates_exceeded(&self) -> Vec<String> {
        self.lock().rates.as_ref().map_or(Vec::new(), |rates| rates.refused.clone())
    }

    /// Arguments of each such call (query and body as one), oldest first; refused and failed
    /// calls too. Routes as in [`Self::fail_next`].
    pub fn calls(&self, route: &str) -> Vec<Value> {
        let world = self.lock();
        let calls = world.calls.iter().filter(|(called, _)| rest::fits(route, called));
        calls.map(|(_, arguments)| arguments.clone()).collect()
    }

    /// What everyone sees in a channel, a thread or a direct channel; oldest first.
    pub fn messages(&self, channel: u64) -> Vec<Posted> {
        let world = self.lock();
        let all = world.channels.get(&channel).into_iter().flat_map(|it| &it.messages);
        all.filter(|m| !m.ephemeral()).cloned().collect()
    }

    /// A message, wherever it is and whoever sees it.
    pub fn message(&self, id: u64) -> Option<Posted> {
        self.lock().find(id).cloned()
    }

    /// Ids of the threads and forum posts below a channel, oldest first.
    pub fn threads(&self, channel: u64) -> Vec<u64> {
        let world = self.lock();
        let below = world.channels.values().filter(|it| it.parent == Some(channel));
        below.map(|it| it.id).collect()
    }

    /// The commands as the application registered them last.
    pub fn commands(&self) -> Vec<Value> {
        self.lock().commands.clone()
    }

    /// What an interaction was answered with: `type` and `data`.
    pub fn answer(&self, interaction: u64) -> Option<Value> {
        self.lock().interactions.get(&interaction)?.answer.clone()
    }

    /// The messages an interaction was answered with, for one or for all: the answer, then the
    /// follow-ups.
    pub fn responses(&self, interaction: u64) -> Vec<Posted> {
        let world = self.lock();
        let ids = world.interactions.get(&interaction).into_iter().flat_map(|it| &it.messages);
        ids.filter_map(|id| world.find(*id).cloned()).collect()
    }

    /// A client listens: its session began or was resumed, and its connection stands.
    pub async fn connected(&self) {
        self.until(|it| it.lock().sessions.iter().any(|session| session.wire.is_some())).await;
    }

    /// Waits until this holds; asks again whenever something happened here.
    pub async fn until(&self, what: impl Fn(&FakeDiscord) -> bool) {
        let wait = async {
            loop {
                let changed = self.changed.notified();
                if what(self) {
                    return;
                }
                changed.await;
            }
        };
        if tokio::time::timeout(PATIENCE, wait).await.is_err() {
            let world = self.lock();
            let calls: Vec<_> = world.calls.iter().map(|(route, _)| route).collect();
            panic!("it never came; the calls so far: {calls:#?}");
        }
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text_of<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

/// An id out of the text Discord writes it as; no id is 0.
fn id_of(text: &str) -> u64 {
    text.parse().unwrap_or_default()
}

/// The first object with what the second adds to it.
fn with(mut object: Value, more: Value) -> Value {
    if let (Some(object), Value::Object(more)) = (object.as_object_mut(), more) {
        object.extend(more);
    }
    object
}
