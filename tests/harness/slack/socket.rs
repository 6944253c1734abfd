//! The side of Slack that a Socket Mode app connects to: addresses good for one use, several
//! connections, each payload sent to one of them until it is acknowledged. Needs nothing of the
//! rest, so that the service's own tests can include this file too.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::StatusCode;
use tokio_tungstenite::{WebSocketStream, accept_hdr_async};

/// Nothing here takes so long; whoever waits longer waits for what never comes.
const PATIENCE: Duration = Duration::from_secs(20);

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// By a close frame of the app.
    ClosedByApp,
    /// By a close frame of Slack that the app answered.
    Closed,
    /// Without any.
    Broken,
}

/// What becomes of one connection.
enum Order {
    Send(Message),
    Close,
    Break,
    Ignore,
}

#[derive(Default)]
struct State {
    tickets: HashSet<String>,
    serial: u64,
    /// What is said instead of `hello`; nothing where it is null.
    greeting: Option<Value>,
    /// Connections greeted and not ended, in the order they came.
    open: Vec<(u64, mpsc::UnboundedSender<Order>)>,
    opened: usize,
    /// Fewest that were open at any time since the last [`SocketMode::watch_fewest`].
    fewest: usize,
    ended: HashMap<u64, End>,
    pings: usize,
    pongs: usize,
    /// Next in turn.
    turn: usize,
    envelopes: BTreeMap<String, Envelope>,
    /// Every acknowledgement, oldest first.
    acknowledged: Vec<(String, Option<Value>)>,
}

struct Envelope {
    frame: Value,
    /// The connections it was sent to.
    sent: Vec<u64>,
}

/// A running far side of Socket Mode. Ends with the test's runtime.
#[derive(Clone)]
pub struct SocketMode {
    url: String,
    state: Arc<Mutex<State>>,
    changed: watch::Sender<()>,
}

impl SocketMode {
    /// Starts on a free port of the loopback interface.
    pub async fn start() -> SocketMode {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let fake = SocketMode {
            url: format!("ws://{}/link/", listener.local_addr().unwrap()),
            state: Arc::default(),
            changed: watch::Sender::new(()),
        };
        let accepting = fake.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(accepting.clone().connected(stream));
            }
        });
        fake
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes something and wakes whoever waits for it.
    fn change<T>(&self, how: impl FnOnce(&mut State) -> T) -> T {
        let changed = how(&mut self.lock());
        self.changed.send_replace(());
        changed
    }

    /// What `apps.connections.open` answers: another address each time.
    pub fn address(&self) -> Value {
        let ticket = self.lock().next("ticket");
        self.lock().tickets.insert(ticket.clone());
        json!({"ok": true, "url": format!("{}?ticket={ticket}", self.url)})
    }

    /// Later connections are told this instead of `hello`, and nothing at all where it is null.
    pub fn greet_with(&self, greeting: Option<Value>) {
        self.lock().greeting = greeting;
    }

    /// Waits until something holds.
    pub async fn until(&self, what: &str, holds: impl Fn(&SocketMode) -> bool) {
        let mut changes = self.changed.subscribe();
        let waiting = async {
            while !holds(self) {
                changes.changed().await.unwrap();
            }
        };
        let came = tokio::time::timeout(PATIENCE, waiting).await;
        assert!(came.is_ok(), "waited in vain: {what}");
    }

    /// Connections that are open, oldest first.
    pub fn connections(&self) -> Vec<u64> {
        self.lock().open.iter().map(|(id, _)| *id).collect()
    }

    /// Connections that were greeted, open or not.
    pub fn opened(&self) -> usize {
        self.lock().opened
    }

    pub fn watch_fewest(&self) {
        let mut state = self.lock();
        state.fewest = state.open.len();
    }

    /// Fewest connections that were open at once since [`Self::watch_fewest`].
    pub fn fewest(&self) -> usize {
        self.lock().fewest
    }

    pub fn end_of(&self, connection: u64) -> Option<End> {
        self.lock().ended.get(&connection).copied()
    }

    /// Answers to pings of [`Self::ping`].
    pub fn pongs(&self) -> usize {
        self.lock().pongs
    }

    /// Pings of the app.
    pub fn pings(&self) -> usize {
        self.lock().pings
    }

    /// Every acknowledgement with its payload, oldest first.
    pub fn acknowledged(&self) -> Vec<(String, Option<Value>)> {
        self.lock().acknowledged.clone()
    }

    /// How often an envelope was acknowledged.
    pub fn times(&self, envelope: &str) -> usize {
        self.lock().acknowledged.iter().filter(|(id, _)| id == envelope).count()
    }

    /// Envelopes not acknowledged yet, whether they were sent or not.
    pub fn unacknowledged(&self) -> Vec<String> {
        let state = self.lock();
        let acknowledged: HashSet<_> = state.acknowledged.iter().map(|(id, _)| id).collect();
        state.envelopes.keys().filter(|id| !acknowledged.contains(id)).cloned().collect()
    }

    /// Those of them that went down with the connection they were sent over last.
    pub fn lost(&self) -> Vec<String> {
        let unacknowledged = self.unacknowledged();
        let state = self.lock();
        let gone = |id: &String| match state.envelopes[id].sent.last() {
            Some(last) => state.ended.contains_key(last),
            None => true,
        };
        unacknowledged.into_iter().filter(gone).collect()
    }

    /// An envelope that is not sent yet: [`Self::send`] does, in any order and as often as it
    /// is told to.
    pub fn envelope(&self, kind: &str, payload: Value) -> String {
        let mut state = self.lock();
        let id = state.next("envelope");
        let mut frame = json!({
            "type": kind, "envelope_id": id, "payload": payload,
            "accepts_response_payload": kind != "events_api",
        });
        if kind == "events_api" {
            frame["retry_attempt"] = json!(0);
            frame["retry_reason"] = json!("");
        }
        state.envelopes.insert(id.clone(), Envelope { frame, sent: Vec::new() });
        id
    }

    /// Sends an envelope to the connection whose turn it is, to another one than the last time
    /// if there is one; which it was. `None` while nobody is connected.
    pub fn send(&self, envelope: &str) -> Option<u64> {
        let mut state = self.lock();
        let State { open, envelopes, turn, .. } = &mut *state;
        let envelope = envelopes.get_mut(envelope).unwrap();
        let last = envelope.sent.last();
        let others = open.iter().filter(|(id, _)| Some(id) != last).count();
        let among: Vec<_> = open.iter().filter(|(id, _)| others == 0 || Some(id) != last).collect();
        *turn += 1;
        let (id, to) = among.get(*turn % among.len().max(1))?;
        if envelope.frame["type"] == "events_api" && last.is_some() {
            envelope.frame["retry_attempt"] = json!(envelope.sent.len());
            envelope.frame["retry_reason"] = json!("timeout");
        }
        envelope.sent.push(*id);
        // A connection that broke just now loses it.
        let _ = to.send(Order::Send(Message::text(envelope.frame.to_string())));
        Some(*id)
    }

    /// Makes an envelope and sends it; its id.
    pub fn deliver(&self, kind: &str, payload: Value) -> String {
        let id = self.envelope(kind, payload);
        self.send(&id);
        id
    }

    /// Sends anything at all over one connection.
    pub fn send_frame(&self, connection: u64, frame: Message) {
        self.order(connection, Order::Send(frame));
    }

    /// Says that a connection is going to be closed: `warning`, `refresh_requested` and so on.
    pub fn disconnect(&self, connection: u64, reason: &str) {
        let says = json!({
            "type": "disconnect", "reason": reason, "debug_info": {"host": "applink-1"},
        });
        self.send_frame(connection, Message::text(says.to_string()));
    }

    pub fn ping(&self, connection: u64) {
        self.send_frame(connection, Message::Ping("are you there".into()));
    }

    /// Closes a connection as the protocol has it; nothing more is sent over it.
    pub fn close(&self, connection: u64) {
        self.order(connection, Order::Close);
        self.change(|state| state.shut(connection));
    }

    /// Resets a connection, with whatever was on its way.
    pub fn break_off(&self, connection: u64) {
        self.order(connection, Order::Break);
        self.change(|state| state.shut(connection));
    }

    /// Keeps a connection, but no longer reads from it nor answers.
    pub fn ignore(&self, connection: u64) {
        self.order(connection, Order::Ignore);
    }

    fn order(&self, connection: u64, order: Order) {
        let state = self.lock();
        if let Some((_, to)) = state.open.iter().find(|(id, _)| *id == connection) {
            let _ = to.send(order);
        }
    }

    async fn connected(self, stream: TcpStream) {
        #[expect(clippy::result_large_err, reason = "the library's own type")]
        let check = |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
            let ticket = request.uri().query().and_then(|query| query.strip_prefix("ticket="));
            if ticket.is_some_and(|ticket| self.lock().tickets.remove(ticket)) {
                return Ok(response);
            }
            let mut refusal = ErrorResponse::new(Some("no such ticket".to_owned()));
            *refusal.status_mut() = StatusCode::FORBIDDEN;
            Err(refusal)
        };
        let Ok(mut socket) = accept_hdr_async(stream, check).await else { return };
        let (to, orders) = mpsc::unbounded_channel();
        let (id, greeting) = self.change(|state| state.arrived(to));
        let greeted = match greeting {
            Value::Null => Ok(()),
            greeting => socket.send(Message::text(greeting.to_string())).await,
        };
        let end = match greeted {
            Ok(()) => self.follow(&mut socket, orders).await,
            Err(_) => End::Broken,
        };
        if end == End::Broken {
            let _ = socket.get_ref().set_zero_linger();
        }
        drop(socket);
        self.change(|state| {
            state.shut(id);
            state.ended.insert(id, end);
        });
    }

    async fn follow(
        &self,
        socket: &mut WebSocketStream<TcpStream>,
        mut orders: mpsc::UnboundedReceiver<Order>,
    ) -> End {
        let (mut ignores, mut closing) = (false, false);
        loop {
            tokio::select! {
                order = orders.recv(), if !closing => match order {
                    Some(Order::Send(message)) => {
                        if socket.send(message).await.is_err() {
                            return End::Broken;
                        }
                    }
                    Some(Order::Close) => {
                        closing = true;
                        if socket.close(None).await.is_err() {
                            return End::Broken;
                        }
                    }
                    Some(Order::Ignore) => ignores = true,
                    Some(Order::Break) => return End::Broken,
                    // Never greeted: the app has to end it.
                    None => closing = true,
                },
                message = socket.next(), if !ignores => match message {
                    Some(Ok(Message::Text(text))) => {
                        let said: Value = serde_json::from_str(&text).unwrap();
                        let id = said["envelope_id"].as_str().unwrap().to_owned();
                        let payload = said.get("payload").cloned();
                        self.change(|state| state.acknowledged.push((id, payload)));
                    }
                    Some(Ok(Message::Pong(_))) => self.change(|state| state.pongs += 1),
                    Some(Ok(Message::Ping(_))) => self.change(|state| state.pings += 1),
                    Some(Ok(Message::Close(_))) => {
                        // Sends the answer, if there is one to send.
                        let _ = socket.flush().await;
                        return if closing { End::Closed } else { End::ClosedByApp };
                    }
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => return End::Broken,
                },
                else => return End::Broken,
            }
        }
    }
}

impl State {
    fn next(&mut self, what: &str) -> String {
        self.serial += 1;
        format!("{what}-{}", self.serial)
    }

    /// The number of a new connection, and what it is told. Only what is greeted counts.
    fn arrived(&mut self, to: mpsc::UnboundedSender<Order>) -> (u64, Value) {
        self.serial += 1;
        let count = self.open.len() + 1;
        let hello = json!({
            "type": "hello", "num_connections": count, "connection_info": {"app_id": "A1"},
            "debug_info": {"host": "applink-1", "approximate_connection_time": 18_060},
        });
        match &self.greeting {
            Some(other) => (self.serial, other.clone()),
            None => {
                self.open.push((self.serial, to));
                self.opened += 1;
                (self.serial, hello)
            }
        }
    }

    /// Nothing goes over this connection any more.
    fn shut(&mut self, connection: u64) {
        self.open.retain(|(id, _)| *id != connection);
        self.fewest = self.fewest.min(self.open.len());
    }
}
