//! A Slack that remembers: its Web API with the limits Slack documents, the people who
//! write and press there, and the signed requests it sends to the service.

mod acts;
mod limits;
pub mod socket;
mod streams;
mod web_api;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::http::header;
use axum::routing::{any, get, post};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Map, Value, json};

use socket::SocketMode;
use web_api::{call, respond};

/// The app's id.
const APP: &str = "A1";
/// The workspace of strangers, who meet ours in shared channels.
const ELSEWHERE: &str = "T2";
/// When the first thing happens here, in seconds; fixed, so that transcripts repeat.
const START: u64 = 1_793_620_800;
const TRIGGERS_LAST: Duration = Duration::from_secs(3);
const FORM: &str = "application/x-www-form-urlencoded";

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
    fn team(&self) -> &'static str {
        if self.stranger { ELSEWHERE } else { FakeSlack::TEAM }
    }

    /// As `users.info` shows it: the language only to those who ask.
    fn shown(&self, with_locale: bool) -> Value {
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
struct Channel {
    /// `im`, `channel`, `group` or `mpim`.
    kind: String,
    messages: Vec<Posted>,
}

#[derive(Default)]
struct Workspace {
    /// Seconds of the newest ts.
    clock: u64,
    /// Makes every other id unique.
    serial: u64,
    scopes: String,
    users: HashMap<String, User>,
    channels: HashMap<String, Channel>,
    calls: Vec<(String, Value)>,
    faults: HashMap<String, VecDeque<Fault>>,
    /// When each was handed out; `None` once it was used.
    triggers: HashMap<String, Option<Instant>>,
    views: Vec<Value>,
    responses: Vec<Value>,
    /// What each person's Home tab shows.
    homes: HashMap<String, Value>,
    /// Bytes of files by their path.
    files: HashMap<String, Vec<u8>>,
}

/// A running Slack of one workspace. Ends with the test's runtime.
#[derive(Clone)]
pub struct FakeSlack {
    url: String,
    http: reqwest::Client,
    workspace: Arc<Mutex<Workspace>>,
    /// Where apps connect to that Slack cannot reach.
    pub socket: SocketMode,
}

impl FakeSlack {
    pub const BOT_TOKEN: &str = "xoxb-fake";
    pub const APP_TOKEN: &str = "xapp-fake";
    pub const SIGNING_SECRET: &str = "s3cret";
    pub const TEAM: &str = "T1";
    pub const BOT_USER: &str = "UBOT";
    pub const BOT_ID: &str = "B1";

    /// Starts on a free port of the loopback interface; nobody is there but the bot.
    pub async fn start() -> FakeSlack {
        crate::model::install_crypto();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let scopes = "chat:write,im:history,users:read,users:read.email".into();
        let workspace = Workspace { clock: START, scopes, ..Workspace::default() };
        let fake = FakeSlack {
            url: format!("http://{}", listener.local_addr().unwrap()),
            // No connection outlives its process, whoever takes its port next.
            http: reqwest::Client::builder().pool_max_idle_per_host(0).build().unwrap(),
            workspace: Arc::new(Mutex::new(workspace)),
            socket: SocketMode::start().await,
        };
        let name = "firstline".to_owned();
        fake.add_user(User { id: Self::BOT_USER.into(), name, bot: true, ..User::default() });
        let router = axum::Router::new()
            .route("/api/{method}", any(call))
            .route("/actions/{id}", post(respond))
            .route("/api/files/{name}", get(acts::file))
            .with_state(fake.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        fake
    }

    fn lock(&self) -> MutexGuard<'_, Workspace> {
        self.workspace.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The Web API, without a slash at the end.
    pub fn api_url(&self) -> String {
        format!("{}/api", self.url)
    }

    pub fn add_user(&self, user: User) {
        self.lock().users.insert(user.id.clone(), user);
    }

    /// A channel the bot may post to before anybody spoke there.
    pub fn add_channel(&self, channel: &str, channel_type: &str) {
        self.lock().channel(channel, channel_type);
    }

    /// What the bot may do, as a comma list; `x-oauth-scopes` tells.
    pub fn set_scopes(&self, scopes: &str) {
        self.lock().scopes = scopes.to_owned();
    }

    /// The next call of this method goes wrong; the one after it too if told so twice.
    pub fn fail_next(&self, method: &str, fault: Fault) {
        self.lock().faults.entry(method.to_owned()).or_default().push_back(fault);
    }

    /// Arguments of each call, oldest first; refused and failed calls too.
    pub fn calls(&self, method: &str) -> Vec<Value> {
        let slack = self.lock();
        let calls = slack.calls.iter().filter(|(called, _)| called == method);
        calls.map(|(_, arguments)| arguments.clone()).collect()
    }

    /// A thread with the message that began it, or everything in a channel; oldest first.
    pub fn messages(&self, channel: &str, thread_ts: Option<&str>) -> Vec<Posted> {
        let slack = self.lock();
        let all = slack.channels.get(channel).into_iter().flat_map(|it| &it.messages);
        all.filter(|m| thread_ts.is_none_or(|ts| m.within(ts))).cloned().collect()
    }

    /// What `views.open` showed, each as Slack completes it.
    pub fn views(&self) -> Vec<Value> {
        self.lock().views.clone()
    }

    /// What was posted to response URLs.
    pub fn responses(&self) -> Vec<Value> {
        self.lock().responses.clone()
    }

    /// Every trigger handed out so far is too old from now on.
    pub fn expire_triggers(&self) {
        for at in self.lock().triggers.values_mut().flatten() {
            *at = at.checked_sub(TRIGGERS_LAST * 2).unwrap_or(*at);
        }
    }

    /// Someone writes; the event that tells the app.
    pub fn says(
        &self,
        channel: &str,
        channel_type: &str,
        user: &str,
        text: &str,
        thread_ts: Option<&str>,
    ) -> Value {
        let mut slack = self.lock();
        slack.channel(channel, channel_type);
        let (user, text) = (user.to_owned(), text.to_owned());
        let thread_ts = thread_ts.map(str::to_owned);
        let posted = slack.put(channel, Posted { thread_ts, user, text, ..Posted::default() });
        slack.message_event(&posted, channel, channel_type)
    }

    /// Someone addresses the bot: the `app_mention` and the `message` of the same ts, of
    /// which Slack sends both to an app that follows the channel.
    pub fn mentions(
        &self,
        channel: &str,
        user: &str,
        text: &str,
        thread_ts: Option<&str>,
    ) -> (Value, Value) {
        let mention = format!("<@{}>", Self::BOT_USER);
        let text = format!("{mention} {}", text.trim_start_matches(&mention).trim_start());
        let kind = self.lock().channel(channel, "channel").kind.clone();
        let message = self.says(channel, &kind, user, &text, thread_ts);
        let mut mentioned = message.clone();
        mentioned["event_id"] = json!(self.lock().event_id());
        mentioned["event"]["type"] = json!("app_mention");
        mentioned["event"].as_object_mut().unwrap().remove("channel_type");
        (mentioned, message)
    }

    /// The bot's own message as Slack tells the app of it.
    pub fn echo(&self, posted: &Posted, channel: &str, channel_type: &str) -> Value {
        self.lock().message_event(posted, channel, channel_type)
    }

    /// Someone presses a button of a message, given as it was posted.
    pub fn presses(&self, user: &str, channel: &str, message_ts: &str, action: &Value) -> Value {
        let mut slack = self.lock();
        let mut action = action.clone();
        let posted = slack.find(channel, message_ts, "").unwrap_or_default();
        let holds = |block: &&Value| {
            block["accessory"] == action || list(&block["elements"]).any(|one| *one == action)
        };
        if let Some(block) = list(&posted.blocks).find(holds) {
            action["block_id"] = block["block_id"].clone();
        }
        action["action_ts"] = json!(slack.next_ts());
        let container = json!({
            "type": "message", "message_ts": message_ts, "channel_id": channel,
            "is_ephemeral": false, "thread_ts": posted.thread_ts,
        });
        let rest = json!({
            "container": without_nulls(container), "message": slack.shown(&posted, true),
            "channel": {"id": channel, "name": channel.to_lowercase()},
            "state": {"values": {}}, "response_url": format!("{}/actions/{}", self.url, slack.next()),
            "actions": [action],
        });
        slack.interaction("block_actions", user, rest)
    }

    /// Someone submits a view out of [`Self::views`]; `values` by block, then by action.
    pub fn submits(&self, user: &str, view: &Value, values: Value) -> Value {
        let mut view = view.clone();
        view["state"] = json!({"values": values});
        let rest = json!({"view": view, "response_urls": []});
        self.lock().interaction("view_submission", user, rest)
    }

    /// Sends an event; panics where nobody listens, as all sending here does.
    pub async fn send_event(&self, service: &str, payload: &Value) -> reqwest::Response {
        self.send(&format!("{service}/slack/events"), "application/json", payload.to_string()).await
    }

    /// The status the service answered with; `None` when it died before.
    pub async fn try_event(&self, service: &str, payload: &Value) -> Option<u16> {
        let body = payload.to_string();
        let request = self.request(&format!("{service}/slack/events"), "application/json", body);
        Some(request.send().await.ok()?.status().as_u16())
    }

    pub async fn send_interaction(&self, service: &str, payload: &Value) -> reqwest::Response {
        let body = form(&json!({"payload": payload.to_string()}));
        self.send(&format!("{service}/slack/interactions"), FORM, body).await
    }

    pub async fn send_command(
        &self,
        service: &str,
        user: &str,
        channel: &str,
        command: &str,
        text: &str,
    ) -> reqwest::Response {
        let body = {
            let mut slack = self.lock();
            form(&json!({
                "token": "verification", "team_id": Self::TEAM, "channel_id": channel,
                "user_id": user, "user_name": slack.user(user).name, "command": command,
                "text": text, "api_app_id": APP, "trigger_id": slack.trigger(),
                "response_url": format!("{}/actions/{}", self.url, slack.next()),
            }))
        };
        self.send(&format!("{service}/slack/commands"), FORM, body).await
    }

    async fn send(&self, url: &str, kind: &str, body: String) -> reqwest::Response {
        self.request(url, kind, body).send().await.unwrap()
    }

    /// A signed request, ready to be sent.
    fn request(&self, url: &str, kind: &str, body: String) -> reqwest::RequestBuilder {
        let mut request = self.http.post(url).header(header::CONTENT_TYPE, kind);
        for (name, value) in signed(Self::SIGNING_SECRET, now(), &body) {
            request = request.header(name, value);
        }
        request.body(body)
    }
}

/// The body of a form with these fields, all of them strings.
pub fn form(fields: &Value) -> String {
    let escape = |text: &str| -> String { text.bytes().map(|b| format!("%{b:02X}")).collect() };
    let names = fields.as_object().into_iter().flat_map(Map::keys);
    let fields = names.map(|name| format!("{name}={}", escape(text_of(fields, name))));
    fields.collect::<Vec<_>>().join("&")
}

/// The signature of a request sent at this second.
pub fn sign(secret: &str, timestamp: u64, body: &str) -> String {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("v0:{timestamp}:{body}").as_bytes());
    format!("v0={}", hex::encode(mac.finalize().into_bytes()))
}

/// The headers Slack puts on a request; with another secret or time, what it would not.
pub fn signed(secret: &str, at: u64, body: &str) -> [(&'static str, String); 2] {
    [("x-slack-request-timestamp", at.to_string()), ("x-slack-signature", sign(secret, at, body))]
}

/// Seconds since 1970. Real time, since the service judges by it how old a request is.
#[expect(clippy::disallowed_methods, reason = "Slack has a clock of its own")]
pub fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.unwrap().as_secs()
}

impl Posted {
    fn within(&self, thread: &str) -> bool {
        self.ts == thread || self.thread_ts.as_deref() == Some(thread)
    }
}

impl Workspace {
    fn next(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    fn next_ts(&mut self) -> String {
        self.clock += 1;
        format!("{}.000100", self.clock)
    }

    fn user(&self, id: &str) -> User {
        let nobody = || User { id: id.to_owned(), name: id.to_lowercase(), ..User::default() };
        self.users.get(id).cloned().unwrap_or_else(nobody)
    }

    fn channel(&mut self, id: &str, kind: &str) -> &mut Channel {
        let new = || Channel { kind: kind.to_owned(), ..Channel::default() };
        self.channels.entry(id.to_owned()).or_insert_with(new)
    }

    fn find(&self, channel: &str, ts: &str, error: &str) -> Result<Posted, Value> {
        let mut messages = self.channels.get(channel).into_iter().flat_map(|it| &it.messages);
        messages.find(|m| m.ts == ts).cloned().ok_or_else(|| refuse(error))
    }

    fn put(&mut self, channel: &str, mut posted: Posted) -> Posted {
        posted.ts = self.next_ts();
        name_blocks(&mut posted.blocks, &mut self.serial);
        self.channel(channel, "channel").messages.push(posted.clone());
        posted
    }

    fn trigger(&mut self) -> String {
        let trigger = format!("{}.1.abcdef", self.next());
        self.triggers.insert(trigger.clone(), Some(Instant::now()));
        trigger
    }

    /// What every interaction says, and the rest.
    fn interaction(&mut self, kind: &str, user: &str, rest: Value) -> Value {
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

    fn event_id(&mut self) -> String {
        format!("Ev{:08}", self.next())
    }

    fn message_event(&mut self, posted: &Posted, channel: &str, kind: &str) -> Value {
        let mut event = self.shown(posted, false);
        let shared = event["team"] == ELSEWHERE;
        event["channel"] = json!(channel);
        event["channel_type"] = json!(kind);
        event["event_ts"] = json!(posted.ts);
        self.callback(event, shared)
    }

    /// An event as the app is told of it.
    fn callback(&mut self, event: Value, shared: bool) -> Value {
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
    fn shown(&self, posted: &Posted, with_metadata: bool) -> Value {
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
fn name_blocks(blocks: &mut Value, serial: &mut u64) {
    for block in blocks.as_array_mut().into_iter().flatten() {
        if block["block_id"].is_null() {
            *serial += 1;
            block["block_id"] = json!(format!("b{serial}"));
        }
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text_of<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

fn without_nulls(mut object: Value) -> Value {
    object.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    object
}

fn refuse(error: &str) -> Value {
    json!({"ok": false, "error": error})
}
