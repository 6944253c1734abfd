//! A model server that follows a script: the Chat Completions route of an
//! OpenAI-compatible server, well-behaved or broken in any of the usual ways.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Response, StatusCode, header};
use axum::routing::post;
use futures::{StreamExt, stream};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// What the server does with one request.
#[derive(Debug, Clone)]
pub enum Reply {
    /// Answers well, with this JSON as the model's text.
    Say(Value),
    /// Answers well, with this text, whatever it is.
    Text(String),
    /// Answers with this text and says it had to stop: `length`, `content_filter` ...
    Stopped(String, &'static str),
    /// The connection breaks after this much of the model's text.
    Half(String),
    /// The stream ends politely after this text, without saying why it ended.
    Trails(String),
    /// Refuses.
    Refuse { status: u16, retry_after: Option<&'static str>, body: Value },
    /// Status 200 and this body, verbatim.
    Raw(String),
    /// Says the first text, waits for permission, then says the second.
    Gated(String, String, Arc<Notify>),
    /// Never answers.
    Silence,
}

impl Reply {
    /// An error in OpenAI's form.
    pub fn refuse(status: u16, message: &str) -> Reply {
        let body = json!({"error": {"message": message, "type": "error", "param": null}});
        Reply::Refuse { status, retry_after: None, body }
    }

    /// 429 with Retry-After.
    pub fn limited(retry_after: &'static str) -> Reply {
        let body = json!({"error": {"message": "slow down", "code": "rate_limit_exceeded"}});
        Reply::Refuse { status: 429, retry_after: Some(retry_after), body }
    }
}

/// One request as the server heard it.
#[derive(Debug, Clone)]
pub struct Heard {
    pub authorization: Option<String>,
    pub body: Value,
}

impl Heard {
    fn message(&self, role: &str) -> &str {
        self.body["messages"]
            .as_array()
            .into_iter()
            .flatten()
            .find(|m| m["role"] == role)
            .and_then(|m| m["content"].as_str())
            .unwrap_or_default()
    }

    pub fn system(&self) -> &str {
        self.message("system")
    }

    pub fn user(&self) -> &str {
        self.message("user")
    }

    pub fn streams(&self) -> bool {
        self.body["stream"] == true
    }

    /// The name of the schema asked for; empty when none was.
    pub fn schema_name(&self) -> &str {
        self.body["response_format"]["json_schema"]["name"].as_str().unwrap_or_default()
    }

    /// The JSON after `NAME ` on a line of the user's part, such as `REQUEST "..."`.
    pub fn data(&self, name: &str) -> Value {
        self.user()
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))
            .and_then(|json| serde_json::from_str(json).ok())
            .unwrap_or_default()
    }

    /// What the requester wrote.
    pub fn request(&self) -> String {
        self.data("REQUEST").as_str().unwrap_or_default().to_owned()
    }
}

type Script = dyn Fn(&Heard) -> Reply + Send + Sync;

struct Shared {
    script: Box<Script>,
    heard: Mutex<Vec<Heard>>,
}

/// A running server; stops when dropped.
pub struct ScriptedModel {
    base_url: String,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

impl ScriptedModel {
    /// Starts on a free port of the loopback interface.
    pub async fn start(
        script: impl Fn(&Heard) -> Reply + Send + Sync + 'static,
    ) -> anyhow::Result<Self> {
        install_crypto();
        let shared = Arc::new(Shared { script: Box::new(script), heard: Mutex::default() });
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let base_url = format!("http://{}/v1", listener.local_addr()?);
        let router = Router::new()
            .route("/v1/chat/completions", post(complete))
            .with_state(Arc::clone(&shared));
        let task = tokio::spawn(async move {
            // Ends when the task is aborted; an error only matters to the test's client.
            let _ = axum::serve(listener, router).await;
        });
        Ok(ScriptedModel { base_url, shared, task })
    }

    /// Gives these replies one after another, the last one for ever.
    pub async fn replies(replies: Vec<Reply>) -> anyhow::Result<Self> {
        let next = Mutex::new(0);
        Self::start(move |_| {
            let mut next = lock(&next);
            let reply = replies.get(*next).or(replies.last()).cloned();
            *next += 1;
            reply.unwrap_or(Reply::Silence)
        })
        .await
    }

    /// Up to and including `/v1`, as `[model] base_url` wants it.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Everything asked so far.
    pub fn heard(&self) -> Vec<Heard> {
        lock(&self.shared.heard).clone()
    }
}

impl Drop for ScriptedModel {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The one TLS provider, once a test process; clients refuse to start without it.
pub fn install_crypto() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Fails only if another part of the process installed it first.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn complete(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let heard = Heard {
        authorization: headers
            .get(header::AUTHORIZATION)
            .and_then(|v| v.to_str().ok())
            .map(str::to_owned),
        body: serde_json::from_slice(&body).unwrap_or_default(),
    };
    lock(&shared.heard).push(heard.clone());
    match (shared.script)(&heard) {
        Reply::Say(value) => well(&heard, &value.to_string(), Some("stop")),
        Reply::Text(text) => well(&heard, &text, Some("stop")),
        Reply::Stopped(text, why) => well(&heard, &text, Some(why)),
        Reply::Trails(text) => well(&heard, &text, None),
        Reply::Half(text) => half(&heard, &text),
        Reply::Refuse { status, retry_after, body } => {
            let mut response = json_body(body.to_string());
            *response.status_mut() =
                StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            if let Some(wait) = retry_after {
                response
                    .headers_mut()
                    .insert(header::RETRY_AFTER, header::HeaderValue::from_static(wait));
            }
            response
        }
        Reply::Raw(body) => json_body(body),
        Reply::Gated(start, rest, gate) => gated(&heard, &start, &rest, gate),
        Reply::Silence => std::future::pending().await,
    }
}

fn with_type(body: Body, kind: &'static str) -> Response<Body> {
    let mut response = Response::new(body);
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
    response
}

fn json_body(body: String) -> Response<Body> {
    with_type(Body::from(body), "application/json")
}

fn well(heard: &Heard, text: &str, finish: Option<&str>) -> Response<Body> {
    let usage = json!({"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120});
    if !heard.streams() {
        let choice = json!({
            "index": 0,
            "message": {"role": "assistant", "content": text},
            "finish_reason": finish,
        });
        return json_body(json!({"choices": [choice], "usage": usage}).to_string());
    }
    let mut events = text_events(text);
    if finish.is_some() {
        events.push(event(&json!({"choices": [{"delta": {}, "finish_reason": finish}]})));
        events.push(event(&json!({"choices": [], "usage": usage})));
        events.push("data: [DONE]\n\n".into());
    }
    let events = events.into_iter().map(Ok::<_, Infallible>);
    with_type(Body::from_stream(stream::iter(events)), "text/event-stream")
}

/// Streams the start at once and the rest when the gate opens.
fn gated(heard: &Heard, start: &str, rest: &str, gate: Arc<Notify>) -> Response<Body> {
    if !heard.streams() {
        return well(heard, &format!("{start}{rest}"), Some("stop"));
    }
    let mut rest = text_events(rest);
    rest.push(event(&json!({"choices": [{"delta": {}, "finish_reason": "stop"}]})));
    rest.push("data: [DONE]\n\n".into());
    let rest = stream::once(async move {
        gate.notified().await;
        rest.concat()
    });
    let pieces = stream::iter(text_events(start)).chain(rest).map(Ok::<_, Infallible>);
    with_type(Body::from_stream(pieces), "text/event-stream")
}

fn event(value: &Value) -> String {
    format!("data: {value}\n\n")
}

/// A comment first, as some servers send to keep a connection open; then seven characters
/// an event, so that nothing ends where an event ends.
fn text_events(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let mut events = vec![": waiting\n\n".to_owned()];
    events.extend(chars.chunks(7).map(|chunk| {
        let text: String = chunk.iter().collect();
        event(&json!({"choices": [{"delta": {"content": text}, "finish_reason": null}]}))
    }));
    events
}

/// The connection breaks in the middle of the body.
fn half(heard: &Heard, text: &str) -> Response<Body> {
    let (start, kind) = if heard.streams() {
        (text_events(text), "text/event-stream")
    } else {
        let whole = json!({"choices": [{"message": {"content": text}}]}).to_string();
        (vec![whole[..whole.len() - 3].to_owned()], "application/json")
    };
    // Pausing before the end lets the server send what it has; it would drop it otherwise.
    let broken = stream::once(async {
        tokio::task::yield_now().await;
        Err(std::io::Error::other("the connection breaks"))
    });
    let pieces = stream::iter(start.into_iter().map(Ok)).chain(broken);
    with_type(Body::from_stream(pieces), kind)
}
