//! What the Web API answers.

use std::collections::VecDeque;

use axum::body::Body;
use axum::extract::{Form, FromRequest, Json, Path, Query, Request, State};
use axum::http::{Response, header};
use serde_json::{Map, Value, json};

use super::limits::{Wrong, check_content};
use super::world::{Workspace, list, name_blocks, refuse, text_of};
use super::{APP, FORM, FakeSlack, Fault, Posted, User};
use crate::broken::broken_after;

/// How long a trigger may be exchanged for a view, in ms
/// (<https://docs.slack.dev/interactivity/handling-user-interaction>).
const TRIGGERS_LAST: i64 = 3000;

impl Workspace {
    fn answer(&mut self, method: &str, with: &Value) -> Result<Value, Value> {
        let given = |key: &str| text_of(with, key);
        match method {
            "auth.test" => Ok(json!({
                "url": "https://acme.slack.com/", "team": "Acme", "user": "firstline",
                "team_id": FakeSlack::TEAM, "user_id": FakeSlack::BOT_USER,
                "bot_id": FakeSlack::BOT_ID, "is_enterprise_install": false,
            })),
            "users.info" => {
                let user = self.person(given("user"))?;
                Ok(json!({"user": user.shown(yes(&with["include_locale"]))}))
            }
            "conversations.open" => Ok(json!({"channel": {"id": self.open(given("users"))?}})),
            "conversations.info" => {
                let channel = self.known(given("channel"))?;
                let is = |kind: &str| self.channels[&channel].kind == kind;
                Ok(json!({"channel": {
                    "id": channel, "name": channel.to_lowercase(), "is_channel": is("channel"),
                    "is_group": is("group"), "is_im": is("im"), "is_mpim": is("mpim"),
                    "is_private": !is("channel"), "is_member": true, "is_archived": false,
                }}))
            }
            "conversations.replies" | "conversations.history" => self.read(method, with),
            "chat.postMessage" => self.post(with),
            // One person sees it and no channel keeps it.
            "chat.postEphemeral" => {
                self.known(given("channel"))?;
                self.person(given("user"))?;
                check_content(with)?;
                Ok(json!({"message_ts": self.next_ts()}))
            }
            "chat.update" => self.update(with),
            "chat.startStream" => self.start_stream(with),
            "chat.appendStream" => self.append_stream(with),
            "chat.stopStream" => self.stop_stream(with),
            "views.open" => self.open_view(with),
            "views.update" => {
                let at = self.views.iter().position(|view| view["id"] == given("view_id"));
                let at = at.ok_or_else(|| refuse("not_found"))?;
                if with["hash"].is_string() && with["hash"] != self.views[at]["hash"] {
                    return Err(refuse("hash_conflict"));
                }
                let id = self.views[at]["id"].clone();
                let mut view = self.complete_view(&with["view"], "modal")?;
                view["id"] = id;
                self.views[at] = view.clone();
                Ok(json!({"view": view}))
            }
            "views.publish" => {
                self.person(given("user_id"))?;
                let view = self.complete_view(&with["view"], "home")?;
                self.homes.insert(given("user_id").to_owned(), view.clone());
                Ok(json!({"view": view}))
            }
            "users.conversations" => {
                let mut all: Vec<_> = self.channels.iter().collect();
                all.sort_by_key(|(id, _)| id.as_str());
                let shown = all.into_iter().map(|(id, channel)| {
                    json!({
                        "id": id, "is_im": channel.kind == "im", "is_mpim": channel.kind == "mpim",
                    })
                });
                let end = json!({"next_cursor": ""});
                Ok(json!({"channels": shown.collect::<Vec<_>>(), "response_metadata": end}))
            }
            "assistant.threads.setSuggestedPrompts" => {
                let few = list(&with["prompts"]).count() <= 4;
                if few { Ok(json!({})) } else { Err(refuse("too_many_prompts")) }
            }
            "assistant.threads.setStatus" | "assistant.threads.setTitle" => {
                let channel = self.known(given("channel_id"))?;
                self.find(&channel, given("thread_ts"), "invalid_thread_ts").map(|_| json!({}))
            }
            "reactions.add" => {
                let channel = self.known(given("channel"))?;
                self.find(&channel, given("timestamp"), "message_not_found").map(|_| json!({}))
            }
            _ => Err(refuse("unknown_method")),
        }
    }

    fn person(&self, id: &str) -> Result<&User, Value> {
        self.users.get(id).ok_or_else(|| refuse("user_not_found"))
    }

    /// The direct channel with someone.
    fn open(&mut self, user: &str) -> Result<String, Value> {
        let channel = format!("D{}", self.person(user)?.id);
        self.channel(&channel, "im");
        Ok(channel)
    }

    pub(super) fn known(&self, channel: &str) -> Result<String, Value> {
        let known = self.channels.contains_key(channel);
        if known { Ok(channel.to_owned()) } else { Err(refuse("channel_not_found")) }
    }

    /// One page holds everything, between `oldest` and `latest` where they are given.
    fn read(&self, method: &str, with: &Value) -> Result<Value, Value> {
        let channel = self.known(text_of(with, "channel"))?;
        let (ts, inclusive) = (text_of(with, "ts"), yes(&with["inclusive"]));
        let asked = |m: &&Posted| {
            let (from, to) = (with["oldest"].as_str(), with["latest"].as_str());
            // All ts are of one length: as text they sort as they do in time.
            from.is_none_or(|from| *m.ts > *from || inclusive && m.ts == from)
                && to.is_none_or(|to| *m.ts < *to || inclusive && m.ts == to)
        };
        let all = self.channels[&channel].messages.iter();
        let found: Vec<_> = if method == "conversations.history" {
            all.filter(|m| m.thread_ts.is_none()).filter(asked).rev().collect()
        } else {
            self.find(&channel, ts, "thread_not_found")?;
            // The message that began the thread comes along however old it is.
            all.filter(|m| m.within(ts) && (m.ts == ts || asked(m))).collect()
        };
        let with_metadata = yes(&with["include_all_metadata"]);
        let mut messages: Vec<_> = found.iter().map(|m| self.shown(m, with_metadata)).collect();
        for message in &mut messages {
            let thread = self.channels[&channel].messages.iter();
            let thread = thread.filter(|m| m.thread_ts.as_deref() == message["ts"].as_str());
            let repliers: Vec<_> = thread.map(|m| m.user.clone()).collect();
            if !repliers.is_empty() {
                message["reply_count"] = json!(repliers.len());
                message["reply_users"] = json!(repliers);
            }
        }
        let end = json!({"next_cursor": ""});
        Ok(json!({"messages": messages, "has_more": false, "response_metadata": end}))
    }

    fn post(&mut self, with: &Value) -> Result<Value, Value> {
        let channel = text_of(with, "channel");
        let channel = self.open(channel).or_else(|_| self.known(channel))?;
        check_content(with)?;
        let thread_ts = with["thread_ts"].as_str().map(str::to_owned);
        if let Some(ts) = &thread_ts
            && self.find(&channel, ts, "invalid_thread_ts")?.thread_ts.is_some()
        {
            return Err(refuse("invalid_thread_ts"));
        }
        let posted = Posted {
            thread_ts,
            user: FakeSlack::BOT_USER.to_owned(),
            text: text_of(with, "text").to_owned(),
            blocks: with["blocks"].clone(),
            metadata: with["metadata"].clone(),
            ..Posted::default()
        };
        let posted = self.put(&channel, posted);
        let message = self.shown(&posted, true);
        Ok(json!({"channel": channel, "ts": posted.ts, "message": message}))
    }

    /// What an update leaves out stays as it was.
    fn update(&mut self, with: &Value) -> Result<Value, Value> {
        let channel = self.known(text_of(with, "channel"))?;
        check_content(with)?;
        let mut posted = self.find(&channel, text_of(with, "ts"), "message_not_found")?;
        if posted.user != FakeSlack::BOT_USER {
            return Err(refuse("cant_update_message"));
        }
        if posted.streams {
            return Err(refuse("streaming_state_conflict"));
        }
        posted.edited = true;
        posted.text = with["text"].as_str().map_or(posted.text, str::to_owned);
        for (kept, key) in [(&mut posted.blocks, "blocks"), (&mut posted.metadata, "metadata")] {
            if !with[key].is_null() {
                *kept = with[key].clone();
            }
        }
        name_blocks(&mut posted.blocks, &mut self.serial);
        Ok(self.keep(&channel, posted))
    }

    /// Puts a message where it stood; what a call about it answers.
    pub(super) fn keep(&mut self, channel: &str, posted: Posted) -> Value {
        let message = self.shown(&posted, true);
        let answer = json!({"channel": channel, "ts": posted.ts, "message": message});
        let mut messages = self.channel(channel, "channel").messages.iter_mut();
        if let Some(old) = messages.find(|m| m.ts == posted.ts) {
            *old = posted;
        }
        answer
    }

    fn open_view(&mut self, with: &Value) -> Result<Value, Value> {
        let view = self.complete_view(&with["view"], "modal")?;
        let now = self.time.0.now();
        match self.triggers.get_mut(text_of(with, "trigger_id")) {
            None => Wrong(vec!["invalid `trigger_id`".into()]).or("invalid_arguments")?,
            Some(None) => return Err(refuse("exchanged_trigger_id")),
            Some(Some(at)) if now - *at > TRIGGERS_LAST => {
                return Err(refuse("expired_trigger_id"));
            }
            Some(unused) => *unused = None,
        }
        self.views.push(view.clone());
        Ok(json!({"view": view}))
    }

    /// The view with what Slack adds to it.
    fn complete_view(&mut self, view: &Value, kind: &str) -> Result<Value, Value> {
        let mut wrong = Wrong::default();
        wrong.view(view, kind);
        wrong.or("invalid_arguments")?;
        let id = format!("V{}", self.next());
        let mut complete = json!({
            "id": id, "root_view_id": id, "team_id": FakeSlack::TEAM, "app_id": APP,
            "bot_id": FakeSlack::BOT_ID, "callback_id": "", "private_metadata": "",
            "hash": format!("{id}.hash"), "state": {"values": {}},
        });
        complete.as_object_mut().unwrap().extend(view.as_object().cloned().unwrap_or_default());
        name_blocks(&mut complete["blocks"], &mut self.serial);
        Ok(complete)
    }
}

/// A form can only say it in letters.
fn yes(flag: &Value) -> bool {
    *flag == true || *flag == "true"
}

pub(super) async fn call(
    State(fake): State<FakeSlack>,
    Path(method): Path<String>,
    request: Request,
) -> Response<Body> {
    let token = request.headers().get(header::AUTHORIZATION);
    let bears = |bearer: &str| {
        token.is_some_and(|token| token.as_bytes() == format!("Bearer {bearer}").as_bytes())
    };
    let opens = method == "apps.connections.open";
    let allowed = bears(if opens { FakeSlack::APP_TOKEN } else { FakeSlack::BOT_TOKEN });
    let with = arguments(request).await;
    let mut slack = fake.lock();
    slack.calls.push((method.clone(), with.clone()));
    let fault = slack.faults.get_mut(&method).and_then(VecDeque::pop_front);
    let done = match &fault {
        Some(Fault::Status(status)) => return response(*status, Body::empty()),
        Some(Fault::RateLimited { retry_after_s }) => {
            let mut refusal = response(429, refuse("ratelimited").to_string().into());
            refusal.headers_mut().insert(header::RETRY_AFTER, (*retry_after_s).into());
            return refusal;
        }
        Some(Fault::Error(error)) => Err(refuse(error)),
        _ if !allowed && opens => Err(refuse("not_allowed_token_type")),
        _ if !allowed => Err(refuse("invalid_auth")),
        _ if opens => Ok(fake.socket.address()),
        _ => slack.answer(&method, &with),
    };
    let answer = match done {
        Ok(mut answer) => {
            answer["ok"] = json!(true);
            answer.to_string()
        }
        Err(refusal) => refusal.to_string(),
    };
    let body = match fault {
        Some(Fault::HalfBody) => broken_after(answer.as_bytes()[..answer.len() / 2].to_vec()),
        Some(Fault::DoneButLost) => broken_after(Vec::new()),
        _ => answer.into(),
    };
    let mut response = response(200, body);
    response.headers_mut().insert("x-oauth-scopes", slack.scopes.parse().unwrap());
    response
}

fn response(status: u16, body: Body) -> Response<Body> {
    let response = Response::builder().status(status);
    response.header(header::CONTENT_TYPE, "application/json; charset=utf-8").body(body).unwrap()
}

/// Query, form and JSON as one object; what a form can only hold as JSON text is read.
async fn arguments(request: Request) -> Value {
    let query = Query::<Vec<(String, String)>>::try_from_uri(request.uri());
    let mut pairs = query.map(|Query(pairs)| pairs).unwrap_or_default();
    let kind = request.headers().get(header::CONTENT_TYPE);
    let is_form = kind.is_some_and(|kind| kind.as_bytes().starts_with(FORM.as_bytes()));
    let mut merged = Map::new();
    if is_form {
        let body = Form::<Vec<(String, String)>>::from_request(request, &()).await;
        pairs.extend(body.map(|Form(body)| body).unwrap_or_default());
    } else if let Ok(Json(body)) = Json::<Map<String, Value>>::from_request(request, &()).await {
        merged = body;
    }
    merged.extend(pairs.into_iter().map(|(name, value)| (name, value.into())));
    for name in ["blocks", "metadata", "view"] {
        let read = merged.get(name).and_then(Value::as_str).map(serde_json::from_str);
        if let Some(Ok(read)) = read {
            merged.insert(name.to_owned(), read);
        }
    }
    Value::Object(merged)
}

/// Keeps what the app says at a response URL; nobody but the person would see most of it.
pub(super) async fn respond(
    State(fake): State<FakeSlack>,
    Json(said): Json<Value>,
) -> &'static str {
    fake.lock().responses.push(said);
    "ok"
}
