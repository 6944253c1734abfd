#![allow(clippy::unwrap_used)]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::extract::ws::{Message as Frame, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{any, get};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::timeout;

use super::*;
use crate::platform::discord::invite;

#[derive(Debug, PartialEq)]
enum Told {
    /// What the bot sent over the gateway, but for heartbeats.
    Sent(Value),
    Connected(bool),
    Heard(Heard),
    Edited(Edited),
    Deleted(Deleted),
    Interaction(u8),
}

struct Ear(UnboundedSender<Told>);

#[async_trait]
impl Receiver for Ear {
    async fn connected(&self, resumed: bool) {
        self.0.send(Told::Connected(resumed)).unwrap();
    }
    async fn lost(&self) {}
    async fn heard(&self, heard: Heard) {
        self.0.send(Told::Heard(heard)).unwrap();
    }
    async fn edited(&self, edited: Edited) {
        self.0.send(Told::Edited(edited)).unwrap();
    }
    async fn deleted(&self, deleted: Deleted) {
        self.0.send(Told::Deleted(deleted)).unwrap();
    }
    async fn interaction(&self, interaction: Interaction) {
        self.0.send(Told::Interaction(interaction.kind().into())).unwrap();
    }
}

#[derive(Clone)]
struct Fake {
    url: String,
    connections: Arc<AtomicUsize>,
    told: UnboundedSender<Told>,
}

impl Fake {
    /// A gateway that ends the first connection after some messages.
    async fn gateway(self, mut socket: WebSocket) {
        let nth = self.connections.fetch_add(1, Ordering::SeqCst);
        let hello = json!({ "op": 10, "d": { "heartbeat_interval": 41_250 } });
        socket.send(frame(&hello)).await.unwrap();
        while let Some(Ok(Frame::Text(text))) = socket.recv().await {
            let sent: Value = serde_json::from_str(&text).unwrap();
            match sent["op"].as_u64() {
                Some(1) => {
                    socket.send(frame(&json!({ "op": 11 }))).await.unwrap();
                    continue;
                }
                Some(2) => {
                    let d = &sent["d"];
                    self.told.send(Told::Sent(json!([2, d["token"], d["intents"]]))).unwrap();
                }
                Some(6) => {
                    let d = &sent["d"];
                    self.told.send(Told::Sent(json!([6, d["session_id"], d["seq"]]))).unwrap();
                }
                _ => {}
            }
            let events = if nth == 0 { first(&self.url) } else { second() };
            for (seq, name, data) in events {
                let event = json!({ "op": 0, "s": seq, "t": name, "d": data });
                socket.send(frame(&event)).await.unwrap();
            }
            if nth == 0 {
                // The connection breaks, without a word of farewell.
                return;
            }
        }
    }
}

fn frame(value: &Value) -> Frame {
    Frame::Text(value.to_string().into())
}

fn user(id: &str, bot: bool) -> Value {
    json!({ "id": id, "username": "ana", "discriminator": "0", "avatar": null, "bot": bot })
}

fn message(id: &str, channel: &str, content: &str, author: Value) -> Value {
    json!({
        "id": id, "channel_id": channel, "guild_id": "3", "author": author, "content": content,
        "timestamp": "2026-01-01T00:00:00Z", "edited_timestamp": null, "tts": false,
        "mention_everyone": false, "mentions": [], "mention_roles": [], "attachments": [],
        "embeds": [], "pinned": false, "type": 0,
    })
}

fn first(url: &str) -> Vec<(u64, &'static str, Value)> {
    let ready = json!({
        "v": 10, "user": user("1", true), "guilds": [], "session_id": "s1",
        "resume_gateway_url": url, "application": { "id": "1", "flags": 0 }, "shard": [0, 1],
    });
    vec![
        (1, "READY", ready),
        (2, "EVENT_OF_2030", json!({ "x": 1 })),
        (3, "MESSAGE_CREATE", message("50", "11", "hello", user("7", false))),
    ]
}

fn second() -> Vec<(u64, &'static str, Value)> {
    let mut edit = message("50", "11", "hello again", user("7", false));
    edit["edited_timestamp"] = json!("2026-01-01T00:01:00Z");
    let interaction = json!({
        "id": "5", "application_id": "1", "type": 2, "token": "t", "version": 1,
        "channel_id": "10", "user": user("7", false), "locale": "en-US", "entitlements": [],
        "authorizing_integration_owners": {}, "attachment_size_limit": 1,
        "data": { "id": "9", "type": 1, "name": "firstline" },
    });
    vec![
        (4, "RESUMED", json!({})),
        (5, "MESSAGE_UPDATE", edit),
        (6, "MESSAGE_DELETE", json!({ "id": "50", "channel_id": "11", "guild_id": "3" })),
        (7, "INTERACTION_CREATE", interaction),
    ]
}

/// Channel 11 is a post in forum 2.
async fn channel(Path(id): Path<String>) -> Result<Json<Value>, StatusCode> {
    let (kind, parent) = match id.as_str() {
        "11" => (11, json!("2")),
        "2" => (15, json!(null)),
        _ => return Err(StatusCode::NOT_FOUND),
    };
    Ok(Json(json!({
        "id": id, "guild_id": "3", "type": kind, "name": "x", "parent_id": parent, "position": 0,
        "permission_overwrites": [],
    })))
}

async fn fake(told: UnboundedSender<Told>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let fake = Fake { url: format!("ws://{address}"), connections: Arc::default(), told };
    let at = |fake: &Fake| {
        json!({
            "url": fake.url, "shards": 1,
            "session_start_limit": { "total": 9, "remaining": 9, "reset_after": 1, "max_concurrency": 1 },
        })
    };
    let gateway = move |State(fake): State<Fake>| async move { Json(at(&fake)) };
    let socket = |State(fake): State<Fake>, upgrade: WebSocketUpgrade| async move {
        upgrade.on_upgrade(move |socket| fake.gateway(socket))
    };
    let app = Router::new()
        .route("/api/v10/gateway", get(gateway))
        .route("/api/v10/gateway/bot", get(gateway))
        .route("/api/v10/channels/{id}", get(channel))
        .route("/", any(socket))
        .with_state(fake);
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    format!("http://{address}/")
}

async fn next(told: &mut UnboundedReceiver<Told>) -> Told {
    timeout(Duration::from_secs(30), told.recv()).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_broken_connection_is_resumed() {
    let (sender, mut told) = unbounded_channel();
    let url = fake(sender.clone()).await;
    let http = http("x.y.z", &url);
    let intents = invite::intents(true);
    let mut client = client(http, intents, Arc::new(Ear(sender))).await.unwrap();
    let shards = Arc::clone(&client.shard_manager);
    let running = tokio::spawn(async move { client.start().await });

    let identified = json!([2, "Bot x.y.z", intents.bits()]);
    assert_eq!(next(&mut told).await, Told::Sent(identified));
    // Events are handled on tasks of their own, in no order.
    let mut heard = Vec::new();
    while heard.len() < 7 {
        heard.push(next(&mut told).await);
    }
    let said = heard.iter().find_map(|told| match told {
        Told::Heard(Heard::Said(said)) => Some(said),
        _ => None,
    });
    let said = said.unwrap();
    assert_eq!((said.channel, said.thread, said.thread_is_forum_post), (2, Some(11), true));
    assert_eq!(said.text, "hello");
    let edit = Edited { guild: Some(3), place: 11, message_id: 50, text: "hello again".to_owned() };
    for expected in [
        Told::Connected(false),
        Told::Sent(json!([6, "s1", 3])),
        Told::Connected(true),
        Told::Edited(edit),
        Told::Deleted(Deleted { guild: Some(3), place: 11, message_ids: vec![50] }),
        Told::Interaction(2),
    ] {
        assert!(heard.contains(&expected), "{expected:?} is not among {heard:?}");
    }
    shards.shutdown_all().await;
    timeout(Duration::from_secs(30), running).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn where_no_api_answers_nothing_is_connected() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let (sender, _told) = unbounded_channel();
    let http = http("x.y.z", &format!("http://{address}"));
    assert!(client(http, invite::intents(false), Arc::new(Ear(sender))).await.is_err());
}
