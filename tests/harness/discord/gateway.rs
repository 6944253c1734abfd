//! The gateway: sessions that number what happens, connections that come and go, and what
//! tests do to both.

use axum::extract::State;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::http::Response;
use serde_json::{Value, json};
use tokio::sync::mpsc::{self, UnboundedSender};

use super::world::{Event, World, application_flags, intents};
use super::{FakeDiscord, Order, text_of};

/// Milliseconds; the value Discord's documentation shows.
const HEARTBEAT_INTERVAL: u64 = 41_250;
/// Bytes of the longest payload a client may send.
const LONGEST_PAYLOAD: usize = 4096;
/// Every intent there is, by bit: 0 to 16, 20, 21, 24 and 25.
const KNOWN_INTENTS: u64 = 0x1_FFFF | 0b11 << 20 | 0b11 << 24;
const PRIVILEGED: [(u64, u64); 3] = [
    (intents::GUILD_PRESENCES, application_flags::GATEWAY_PRESENCE),
    (intents::GUILD_MEMBERS, application_flags::GATEWAY_GUILD_MEMBERS),
    (intents::MESSAGE_CONTENT, application_flags::GATEWAY_MESSAGE_CONTENT),
];

/// Opcodes and close codes, all from
/// <https://discord.com/developers/docs/topics/opcodes-and-status-codes>.
mod op {
    pub(super) const DISPATCH: u64 = 0;
    pub(super) const HEARTBEAT: u64 = 1;
    pub(super) const IDENTIFY: u64 = 2;
    pub(super) const PRESENCE_UPDATE: u64 = 3;
    pub(super) const VOICE_STATE_UPDATE: u64 = 4;
    pub(super) const RESUME: u64 = 6;
    pub(super) const RECONNECT: u64 = 7;
    pub(super) const REQUEST_GUILD_MEMBERS: u64 = 8;
    pub(super) const INVALID_SESSION: u64 = 9;
    pub(super) const HELLO: u64 = 10;
    pub(super) const HEARTBEAT_ACK: u64 = 11;
}
mod closed {
    pub(super) const UNKNOWN_OPCODE: u16 = 4001;
    pub(super) const DECODE_ERROR: u16 = 4002;
    pub(super) const NOT_AUTHENTICATED: u16 = 4003;
    pub(super) const AUTHENTICATION_FAILED: u16 = 4004;
    pub(super) const ALREADY_AUTHENTICATED: u16 = 4005;
    pub(super) const INVALID_SEQ: u16 = 4007;
    pub(super) const INVALID_INTENTS: u16 = 4013;
    pub(super) const DISALLOWED_INTENTS: u16 = 4014;
}

/// What a connection is told to do.
pub(super) enum Frame {
    Payload(Value),
    Close(u16),
    /// To break without a word.
    Break,
}

pub(super) type Wire = UnboundedSender<Frame>;

/// What one client was told since it identified, kept for as long as it may resume.
pub(super) struct Session {
    pub(super) id: String,
    pub(super) intents: u64,
    /// Each at the place of its sequence number, less one.
    log: Vec<Value>,
    /// The connection, while there is one.
    pub(super) wire: Option<Wire>,
}

impl Session {
    pub(super) fn dispatch(&mut self, name: &str, data: &Value) {
        let s = self.log.len() + 1;
        self.log.push(json!({"op": op::DISPATCH, "s": s, "t": name, "d": data}));
        self.send(self.log[s - 1].clone());
    }

    /// What cannot be sent now waits in the log.
    fn send(&self, payload: Value) {
        if let Some(wire) = &self.wire {
            let _ = wire.send(Frame::Payload(payload));
        }
    }

    fn is_on(&self, wire: &Wire) -> bool {
        self.wire.as_ref().is_some_and(|its| its.same_channel(wire))
    }
}

impl World {
    /// What a client said over a connection.
    fn hear(&mut self, gateway_url: &str, text: &str, wire: &Wire) {
        let said: Value = serde_json::from_str(text).unwrap_or_default();
        let begun = self.sessions.iter().any(|session| session.is_on(wire));
        let refused = match said["op"].as_u64() {
            _ if text.len() > LONGEST_PAYLOAD || !said.is_object() => Err(closed::DECODE_ERROR),
            Some(op::HEARTBEAT) => {
                let _ = wire.send(Frame::Payload(json!({"op": op::HEARTBEAT_ACK})));
                Ok(())
            }
            Some(op::IDENTIFY | op::RESUME) if begun => Err(closed::ALREADY_AUTHENTICATED),
            Some(op::IDENTIFY) => self.identify(gateway_url, &said["d"], wire),
            Some(op::RESUME) => self.resume(&said["d"], wire),
            Some(op::PRESENCE_UPDATE | op::VOICE_STATE_UPDATE | op::REQUEST_GUILD_MEMBERS) => {
                if begun {
                    Ok(())
                } else {
                    Err(closed::NOT_AUTHENTICATED)
                }
            }
            _ => Err(closed::UNKNOWN_OPCODE),
        };
        if let Err(code) = refused {
            self.hang_up(wire);
            let _ = wire.send(Frame::Close(code));
        }
    }

    fn identify(&mut self, gateway_url: &str, with: &Value, wire: &Wire) -> Result<(), u16> {
        self.identifies.push(with.clone());
        check_token(with)?;
        let wanted = with["intents"].as_u64().unwrap_or(u64::MAX);
        if wanted & !KNOWN_INTENTS != 0 {
            return Err(closed::INVALID_INTENTS);
        }
        let denied = |(intent, flags): &(u64, u64)| {
            wanted & intent != 0 && self.application_flags & flags == 0
        };
        if PRIVILEGED.iter().any(denied) {
            return Err(closed::DISALLOWED_INTENTS);
        }
        let id = format!("session{}", self.next());
        let ready = json!({
            "v": 10, "user": self.me(), "session_id": id, "resume_gateway_url": gateway_url,
            "guilds": self.guild_ids().map(unavailable).collect::<Vec<_>>(),
            "application": self.application(), "shard": with["shard"],
        });
        let wire = Some(wire.clone());
        let mut session = Session { id, intents: wanted, log: Vec::new(), wire };
        session.dispatch("READY", &ready);
        if wanted & intents::GUILDS != 0 {
            for guild in self.guild_ids() {
                session.dispatch("GUILD_CREATE", &self.guild_created(guild, wanted));
            }
        }
        self.sessions.push(session);
        Ok(())
    }

    fn resume(&mut self, with: &Value, wire: &Wire) -> Result<(), u16> {
        check_token(with)?;
        let id = text_of(with, "session_id");
        let Some(session) = self.sessions.iter_mut().find(|session| session.id == id) else {
            let invalid = json!({"op": op::INVALID_SESSION, "d": false});
            let _ = wire.send(Frame::Payload(invalid));
            return Ok(());
        };
        let heard = with["seq"].as_u64().and_then(|seq| usize::try_from(seq).ok());
        let missed = heard.and_then(|seq| session.log.get(seq..)).ok_or(closed::INVALID_SEQ)?;
        let missed = missed.to_vec();
        // The same session on two connections: the older one ends.
        if let Some(old) = session.wire.replace(wire.clone()) {
            let _ = old.send(Frame::Break);
        }
        missed.into_iter().for_each(|payload| session.send(payload));
        session.dispatch("RESUMED", &json!({}));
        self.resumes += 1;
        Ok(())
    }

    /// The connection is gone; its session waits.
    fn hang_up(&mut self, wire: &Wire) {
        for session in self.sessions.iter_mut().filter(|session| session.is_on(wire)) {
            session.wire = None;
        }
    }

    /// Tells every session that asked for such events, or keeps it for later.
    pub(super) fn dispatch(&mut self, event: Event) {
        match &mut self.held {
            Some(held) => held.push(event),
            None => self.deliver(event),
        }
    }

    fn deliver(&mut self, event: Event) {
        for session in &mut self.sessions {
            if event.intents == 0 || session.intents & event.intents != 0 {
                let reads = session.intents & intents::MESSAGE_CONTENT != 0;
                session.dispatch(event.name, if reads { &event.full } else { &event.bare });
            }
        }
        self.delivered.push(event);
    }

    /// Tells every connection the same, after which nothing more goes over it.
    fn part(&mut self, frame: impl Fn() -> Frame) {
        for session in &mut self.sessions {
            if let Some(wire) = session.wire.take() {
                let _ = wire.send(frame());
            }
        }
    }
}

fn unavailable(guild: u64) -> Value {
    json!({"id": guild.to_string(), "unavailable": true})
}

/// Clients put `Bot ` before it or do not.
fn check_token(with: &Value) -> Result<(), u16> {
    let token = text_of(with, "token");
    let right = token.strip_prefix("Bot ").unwrap_or(token) == FakeDiscord::TOKEN;
    if right { Ok(()) } else { Err(closed::AUTHENTICATION_FAILED) }
}

impl FakeDiscord {
    /// What each client identified with, oldest first; refused ones too.
    pub fn identifies(&self) -> Vec<Value> {
        self.lock().identifies.clone()
    }

    /// How often a session was resumed.
    pub fn resumes(&self) -> usize {
        self.lock().resumes
    }

    /// Every connection breaks, abruptly. What happens from now on reaches a session when it
    /// resumes.
    pub fn drop_connections(&self) {
        self.change(|world| world.part(|| Frame::Break));
    }

    /// Every connection is closed with this code. What happens from now on reaches a session
    /// when it resumes.
    pub fn close_connections(&self, code: u16) {
        self.change(|world| world.part(|| Frame::Close(code)));
    }

    /// Asks every client to come again (opcode 7). What happens from now on reaches its session
    /// when it resumes.
    pub fn ask_to_reconnect(&self) {
        let asked = || Frame::Payload(json!({"op": op::RECONNECT, "d": null}));
        self.change(|world| world.part(asked));
    }

    /// No session can be resumed (opcode 9). What happens before a client identifies again, the
    /// gateway never tells it.
    pub fn invalidate_sessions(&self) {
        self.change(|world| {
            world.part(|| Frame::Payload(json!({"op": op::INVALID_SESSION, "d": false})));
            world.sessions.clear();
        });
    }

    /// Events from now on are late: they wait for [`Self::release_events`].
    pub fn hold_events(&self) {
        self.change(|world| {
            world.held.get_or_insert_default();
        });
    }

    /// Delivers what was held, and from now on everything at once.
    pub fn release_events(&self, order: Order) {
        self.change(|world| {
            let mut held = world.held.take().unwrap_or_default();
            if order == Order::Reversed {
                held.reverse();
            }
            held.into_iter().for_each(|event| world.deliver(event));
        });
    }

    /// The newest event of this name comes a second time.
    pub fn deliver_again(&self, name: &str) {
        self.change(|world| {
            let event = world.delivered.iter().rfind(|event| event.name == name).cloned();
            world.deliver(event.unwrap());
        });
    }
}

pub(super) async fn upgrade(
    State(fake): State<FakeDiscord>,
    upgrade: WebSocketUpgrade,
) -> Response<axum::body::Body> {
    upgrade.on_upgrade(move |socket| serve(fake, socket))
}

/// One connection, until either side ends it.
async fn serve(fake: FakeDiscord, mut socket: WebSocket) {
    let (wire, mut frames) = mpsc::unbounded_channel();
    let hello = json!({"op": op::HELLO, "d": {"heartbeat_interval": HEARTBEAT_INTERVAL}});
    let _ = wire.send(Frame::Payload(hello));
    loop {
        tokio::select! {
            frame = frames.recv() => match frame {
                Some(Frame::Payload(payload)) => {
                    if socket.send(Message::Text(payload.to_string().into())).await.is_err() {
                        break;
                    }
                }
                Some(Frame::Close(code)) => {
                    let frame = CloseFrame { code, reason: "".into() };
                    let _ = socket.send(Message::Close(Some(frame))).await;
                    break;
                }
                Some(Frame::Break) | None => break,
            },
            said = socket.recv() => match said {
                Some(Ok(Message::Text(text))) => {
                    fake.change(|world| world.hear(&fake.gateway_url(), &text, &wire));
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                _ => break,
            },
        }
    }
    fake.change(|world| world.hang_up(&wire));
}
