//! A Teams that remembers: the keys Microsoft signs by, the tokens it hands out, its Bot
//! Connector with the limits it documents, the people who write and press there, the signed
//! activities it sends to the service, and Graph, where an app with leave reads messages.

mod activities;
mod answer;
mod cards;
mod connector;
mod graph;
mod keys;
mod limits;
mod people;
mod rates;
mod shapes;
mod sign_in;
mod streams;
mod tokens;
mod world;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::routing::{any, get, post};
use serde_json::{Value, json};

pub use people::{Role, User};
pub use tokens::{Flaw, now};

use rates::Rates;
use world::World;

const CARD: &str = "application/vnd.microsoft.card.adaptive";

/// Where people meet, told by the form of its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// `a:…`: one person and the bot.
    Personal,
    /// `19:…@thread.v2`: several people and the bot.
    GroupChat,
    /// `19:…@thread.tacv2`: a channel of a team, whose threads add `;messageid=…`.
    Channel,
}

impl Kind {
    fn of(conversation: &str) -> Kind {
        match conversation {
            id if id.starts_with("a:") => Kind::Personal,
            id if id.ends_with("@thread.tacv2") => Kind::Channel,
            _ => Kind::GroupChat,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Kind::Personal => "personal",
            Kind::GroupChat => "groupChat",
            Kind::Channel => "channel",
        }
    }
}

/// A message in a conversation.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Posted {
    pub id: String,
    /// The message that began the thread; `None` for that message itself and outside channels.
    pub thread: Option<String>,
    pub from: String,
    pub text: String,
    /// The Adaptive Card; `Null` where there is none.
    pub card: Value,
    /// What was sent, as far as Teams keeps it.
    pub activity: Value,
    pub edited: bool,
    pub deleted: bool,
    /// It still grows; the number of its last state.
    pub streams: Option<u64>,
    /// The message it answers to in a chat, where there are no threads.
    pub quotes: Option<String>,
}

impl Posted {
    /// The action of this title, wherever it is on the card.
    pub fn action(&self, title: &str) -> Option<Value> {
        cards::actions(&self.card).into_iter().find(|action| action["title"] == title)
    }

    fn within(&self, thread: &str) -> bool {
        self.id == thread || self.thread.as_deref() == Some(thread)
    }
}

/// Everything a service can ask of this Teams. The operations of the Connector have the names
/// Microsoft gives them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Call {
    /// The OpenID metadata.
    Metadata,
    /// The keys the metadata names.
    Keys,
    Token,
    CreateConversation,
    SendToConversation,
    ReplyToActivity,
    UpdateActivity,
    DeleteActivity,
    GetConversationMember,
    GetConversationPagedMembers,
    GetAttachmentInfo,
    GetAttachment,
    /// A file a person uploaded, from where it is stored.
    Download,
    /// A team's name and group.
    FetchTeamDetails,
    /// Of Graph.
    ChannelMessages,
    ChatMessages,
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
    /// The Connector's error of this code; nothing is done.
    Error { status: u16, code: &'static str },
}

/// A running Teams of one tenant. Ends with the test's runtime.
#[derive(Clone)]
pub struct FakeTeams {
    url: String,
    http: reqwest::Client,
    world: Arc<Mutex<World>>,
}

impl FakeTeams {
    pub const APP_ID: &str = "0f1e2d3c-4b5a-4968-8776-655443322110";
    pub const APP_PASSWORD: &str = "s3cret";
    pub const TENANT: &str = "7a1c0b52-6d4e-4f38-9c21-3b5e8d7f6a90";
    /// The bot's own id in every conversation.
    pub const BOT: &str = "28:0f1e2d3c-4b5a-4968-8776-655443322110";
    pub const BOT_NAME: &str = "Firstline";
    /// The team of every channel.
    pub const TEAM: &str = "19:team@thread.tacv2";

    /// Starts on a free port of the loopback interface; nobody is there but the bot.
    pub async fn start() -> FakeTeams {
        crate::model::install_crypto();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        // With a path and a slash at the end, as the real ones are.
        let world = World::new(format!("{url}/emea/"));
        let fake =
            FakeTeams { url, http: crate::process::caller(), world: Arc::new(Mutex::new(world)) };
        let mut router = axum::Router::new()
            .route("/v1/.well-known/openidconfiguration", get(sign_in::metadata))
            .route("/v1/.well-known/keys", get(sign_in::keys))
            .route("/{tenant}/oauth2/v2.0/token", post(sign_in::token))
            .route("/files/{file}", get(connector::download))
            .route(graph::CHANNEL, get(graph::channel_messages))
            .route(graph::CHAT, get(graph::chat_messages));
        for path in connector::PATHS {
            router = router.route(path, any(connector::connect));
        }
        let router = router.with_state(fake.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        fake
    }

    fn lock(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the service learns by which keys requests are signed.
    pub fn metadata_url(&self) -> String {
        format!("{}/v1/.well-known/openidconfiguration", self.url)
    }

    /// Where the service gets its token.
    pub fn token_url(&self) -> String {
        format!("{}/{}/oauth2/v2.0/token", self.url, Self::TENANT)
    }

    /// The Bot Connector, with a slash at the end; every activity names it.
    pub fn service_url(&self) -> String {
        self.lock().service_url.clone()
    }

    pub fn add_user(&self, user: User) {
        self.lock().users.insert(user.id.clone(), user);
    }

    /// A conversation with the bot and these people, before anybody spoke there.
    pub fn add_conversation(&self, conversation: &str, members: &[&str]) {
        let mut world = self.lock();
        world.conversation(conversation);
        for member in members {
            world.enter(conversation, member);
        }
    }

    /// The personal chat with someone; the bot is installed for them from now on.
    pub fn personal(&self, user: &str) -> String {
        let conversation = chat_with(user);
        self.lock().enter(&conversation, user);
        conversation
    }

    /// The bot is in the roster no more, though nobody told it.
    pub fn remove_bot(&self, conversation: &str) {
        self.lock().conversation(conversation).bot = false;
    }

    /// How many seconds each further token lasts.
    pub fn set_expires_in(&self, seconds: u64) {
        self.lock().expires_in = seconds;
    }

    /// No token handed out so far is good any more.
    pub fn expire_tokens(&self) {
        self.lock().tokens.clear();
    }

    /// Counts calls from now on, and refuses those beyond what Teams documents.
    pub fn limit_rates(&self) {
        self.lock().rates = Some(Rates::default());
    }

    /// As if the bot had been silent for long; a limit stays a limit.
    pub fn calm_down(&self) {
        if let Some(rates) = &mut self.lock().rates {
            *rates = Rates::default();
        }
    }

    /// The next call of this kind goes wrong; the one after it too if told so twice.
    pub fn fail_next(&self, call: Call, fault: Fault) {
        self.lock().faults.entry(call).or_default().push_back(fault);
    }

    /// Arguments of each call, oldest first; refused and failed calls too. Of a call of the
    /// Connector the names in its path (`conversation`, `activity`, `member`, `attachment`,
    /// `view`, `team`) and the `body`; of one for a token the form and the `tenant`; of one of
    /// Graph's the names in the `path` and the `query`.
    pub fn calls(&self, call: Call) -> Vec<Value> {
        let world = self.lock();
        let calls = world.calls.iter().filter(|(called, _)| *called == call);
        calls.map(|(_, arguments)| arguments.clone()).collect()
    }

    /// A thread with the message that began it, or everything in a conversation; oldest first,
    /// deleted ones too.
    pub fn messages(&self, conversation: &str, thread: Option<&str>) -> Vec<Posted> {
        let world = self.lock();
        let all = world.conversations.get(conversation).into_iter().flat_map(|it| &it.messages);
        all.filter(|m| thread.is_none_or(|root| m.within(root))).cloned().collect()
    }

    /// Keeps a file; the attachment that tells a bot of it in a personal chat
    /// (<https://learn.microsoft.com/microsoftteams/platform/bots/how-to/bots-filesv4>).
    pub fn upload(&self, name: &str, kind: &str, bytes: &[u8]) -> Value {
        let id = self.lock().keep(name, kind, bytes);
        json!({
            "contentType": "application/vnd.microsoft.teams.file.download.info",
            "contentUrl": format!("https://acme.sharepoint.com/personal/ana/Documents/{name}"),
            "name": name,
            "content": {
                "downloadUrl": format!("{}/files/{id}", self.url), "uniqueId": id,
                "fileType": name.rsplit('.').next(), "etag": "1",
            },
        })
    }

    /// Keeps a picture; the attachment of a message it was pasted into. Only the bot's token
    /// opens it.
    pub fn paste(&self, kind: &str, bytes: &[u8]) -> Value {
        let mut world = self.lock();
        let id = world.keep("image", kind, bytes);
        let url = format!("{}v3/attachments/{id}/views/original", world.service_url);
        json!({"contentType": kind, "contentUrl": url})
    }
}

fn chat_with(user: &str) -> String {
    format!("a:{}", user.trim_start_matches("29:"))
}

fn list(value: &Value) -> impl Iterator<Item = &Value> + Clone {
    value.as_array().into_iter().flatten()
}

fn text_of<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

fn without_nulls(mut object: Value) -> Value {
    object.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    object
}
