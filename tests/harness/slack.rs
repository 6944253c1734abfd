//! A Slack that remembers: its Web API with the limits Slack documents, the people who
//! write and press there, and the signed requests it sends to the service.

mod acts;
mod limits;
mod sending;
pub mod socket;
mod streams;
mod web_api;
mod world;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::routing::{any, get, post};
use firstline::ports::Clock;
use serde_json::{Value, json};

use socket::SocketMode;
use web_api::{call, respond};
use world::{START, Time, Workspace, list, without_nulls};

pub use sending::{form, now, sign, signed};
pub use world::{Fault, Posted, User};

/// The app's id.
const APP: &str = "A1";
const FORM: &str = "application/x-www-form-urlencoded";

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
            http: crate::process::caller(),
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

    /// Triggers age by this clock from now on, not by how busy the machine is.
    pub fn keep_time_by(&self, clock: Arc<dyn Clock>) {
        self.lock().time = Time(clock);
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
}
