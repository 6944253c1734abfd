//! Socket Mode: Slack reached from here, for a service that it cannot reach. Several connections
//! are kept open, so that one can be renewed while the others hear
//! (<https://docs.slack.dev/apis/events-api/using-socket-mode>).

mod connection;
#[cfg(test)]
mod tests;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;
use thiserror::Error;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tokio_tungstenite::tungstenite;

use super::api::SlackError;
use connection::{Connection, Told};

/// Slack allows ten to an app; one is left for taking the place of another.
const MOST: usize = 9;
/// Words of Slack that pass by themselves
/// (<https://docs.slack.dev/reference/methods/apps.connections.open>); any other is the
/// administrator's to mend.
const PASSING: [&str; 6] = [
    "fatal_error",
    "internal_error",
    "ratelimited",
    "request_timeout",
    "service_unavailable",
    "team_added_to_org",
];

/// The longest wait Slack is granted when it names one.
const LONGEST_NAMED: Duration = Duration::from_secs(600);

/// What an envelope holds, in the form Slack sends to the three addresses over HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Event,
    Interaction,
    Command,
}

/// It could not be kept.
#[derive(Debug, Error)]
#[error("{0}")]
pub(super) struct Unavailable(pub(super) String);

/// Takes what Slack sends.
#[async_trait]
pub(super) trait Receiver: Send + Sync + 'static {
    /// Returns once what was sent is kept: only then is it acknowledged, with the payload that
    /// is returned, if any and if Slack takes one. It may be sent more than once, and in any
    /// order. Slack waits three seconds.
    ///
    /// # Errors
    /// When it could not be kept: it is not acknowledged, and Slack sends it again.
    async fn receive(&self, kind: Kind, payload: Value) -> Result<Option<Value>, Unavailable>;
}

/// Gives addresses to connect to.
#[async_trait]
pub(super) trait Opener: Send + Sync + 'static {
    /// An address good for one connection: `apps.connections.open` with the app-level token.
    ///
    /// # Errors
    /// As every call of Slack.
    async fn open(&self) -> Result<String, SlackError>;
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Settings {
    /// Kept open at once.
    pub(super) connections: usize,
    /// From an address to Slack's greeting.
    pub(super) hello: Duration,
    /// Without a sign from Slack before it is asked for one.
    pub(super) silence: Duration,
    /// For Slack to give that sign, and to take what is written.
    pub(super) patience: Duration,
    /// How long a connection whose place is taken is still heard.
    pub(super) leave: Duration,
    /// The wait before the second try at connecting and the longest of all waits; each is cut
    /// by chance.
    pub(super) first_wait: Duration,
    pub(super) longest_wait: Duration,
    /// A connection that lasted so long was a good one.
    pub(super) steady: Duration,
    /// Envelopes handled at once on one connection; the next ones are left with Slack.
    pub(super) at_once: usize,
    /// For all that is under way when the service stops.
    pub(super) stop: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            connections: 2,
            hello: Duration::from_secs(10),
            silence: Duration::from_secs(60),
            patience: Duration::from_secs(30),
            leave: Duration::from_secs(30),
            first_wait: Duration::from_secs(1),
            longest_wait: Duration::from_secs(60),
            steady: Duration::from_secs(60),
            at_once: 64,
            stop: Duration::from_secs(5),
        }
    }
}

/// How it stands between Slack and the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Status {
    /// Connections Slack has greeted and that are heard.
    pub(super) connected: usize,
    /// What went wrong last; nothing once a connection was opened after it.
    pub(super) error: Option<String>,
    /// Since when at least one connection is heard, or none.
    pub(super) since: Instant,
}

impl Default for Status {
    fn default() -> Self {
        Status { connected: 0, error: None, since: Instant::now() }
    }
}

impl Status {
    fn opened(&mut self) {
        if self.connected == 0 {
            self.since = Instant::now();
        }
        self.connected += 1;
        self.error = None;
    }

    fn lost(&mut self) {
        self.connected = self.connected.saturating_sub(1);
        if self.connected == 0 {
            self.since = Instant::now();
        }
    }
}

/// Why there is no connection.
#[derive(Debug, Error)]
pub(super) enum LinkError {
    #[error("no address to connect to: {0}")]
    Address(#[from] SlackError),
    #[error("the connection to Slack failed: {0}")]
    Failed(#[from] tungstenite::Error),
    #[error("Slack did not greet in time")]
    NoHello,
    #[error("Slack closed the connection")]
    Closed,
    #[error("Slack fell silent")]
    Silent,
    #[error("Socket Mode is turned off in the app's settings")]
    TurnedOff,
    #[error("the app has as many connections as Slack allows; does it run elsewhere too?")]
    TooMany,
}

impl LinkError {
    /// Somebody has to mend it; until then trying often is no use.
    fn lasting(&self) -> bool {
        match self {
            LinkError::Address(SlackError::Refused(word)) => !PASSING.contains(&word.as_str()),
            LinkError::TurnedOff => true,
            _ => false,
        }
    }
}

/// Opens a connection, waits for Slack's greeting and closes again; how many connections Slack
/// counts for the app, this one too. What Slack sends meanwhile it sends again to another.
///
/// # Errors
/// When Slack gives no address, or the connection fails: a proxy may let calls through, yet no
/// connection that lasts.
pub(super) async fn check(
    opener: &dyn Opener,
    settings: &Settings,
) -> Result<Option<u64>, LinkError> {
    let (mut socket, connections) = connection::open(opener, settings).await?;
    connection::close(&mut socket, settings.patience).await;
    Ok(connections)
}

/// Keeps connections open until `shutdown` turns true; what is under way then is still kept and
/// acknowledged, if it ends in time.
pub(super) async fn keep_connected(
    opener: Arc<dyn Opener>,
    receiver: Arc<dyn Receiver>,
    settings: Settings,
    mut shutdown: watch::Receiver<bool>,
    status: watch::Sender<Status>,
) {
    let link = Arc::new(Link { opener, receiver, settings, status });
    let mut lanes = JoinSet::new();
    for _ in 0..settings.connections.clamp(1, MOST) {
        lanes.spawn(Lane::new(&link).run(shutdown.clone()));
    }
    stopped(&mut shutdown).await;
    let ended = async { while lanes.join_next().await.is_some() {} };
    if timeout(settings.stop, ended).await.is_err() {
        tracing::warn!("what Slack sent last did not end in time; Slack sends it again");
    }
}

/// An error means the sender is gone: the process is ending.
async fn stopped(shutdown: &mut watch::Receiver<bool>) {
    let _ = shutdown.wait_for(|stop| *stop).await;
}

/// What all connections share.
struct Link {
    opener: Arc<dyn Opener>,
    receiver: Arc<dyn Receiver>,
    settings: Settings,
    status: watch::Sender<Status>,
}

/// Keeps one connection open, and for a while the one before it.
struct Lane {
    link: Arc<Link>,
    connections: JoinSet<()>,
    /// Ends the connection that Slack is about to close; not before another one is open.
    old: Option<oneshot::Sender<()>>,
    /// Tries in a row that gave no steady connection.
    failures: u32,
}

impl Lane {
    fn new(link: &Arc<Link>) -> Lane {
        Lane { link: link.clone(), connections: JoinSet::new(), old: None, failures: 0 }
    }

    async fn run(mut self, mut shutdown: watch::Receiver<bool>) {
        let stop = shutdown.clone();
        let turns = async {
            loop {
                let wait = self.turn(&stop).await;
                sleep(wait).await;
            }
        };
        tokio::select! {
            never = turns => never,
            () = stopped(&mut shutdown) => {}
        }
        while self.connections.join_next().await.is_some() {}
    }

    /// Connects and stays until another connection is needed; how long to wait with that.
    async fn turn(&mut self, stop: &watch::Receiver<bool>) -> Duration {
        let settings = &self.link.settings;
        let error = match connection::open(&*self.link.opener, settings).await {
            Err(error) => error,
            Ok((socket, connections)) => {
                tracing::info!(connections, "connected to Slack by Socket Mode");
                self.link.status.send_modify(Status::opened);
                if let Some(old) = self.old.take() {
                    // It may have ended already.
                    let _ = old.send(());
                }
                while self.connections.try_join_next().is_some() {}
                let began = Instant::now();
                let (leave, left) = oneshot::channel();
                let (tell, mut told) = mpsc::unbounded_channel();
                let connection =
                    Connection::new(socket, self.link.clone(), stop.clone(), left, tell);
                self.connections.spawn(connection.serve());
                let told = told.recv().await.unwrap_or(Told::Ended(LinkError::Closed));
                let steady = began.elapsed() >= settings.steady;
                if steady {
                    self.failures = 0;
                }
                match told {
                    Told::Leaving => {
                        self.old = Some(leave);
                        return if steady { Duration::ZERO } else { self.wait(None) };
                    }
                    Told::Ended(error) => error,
                }
            }
        };
        self.link.status.send_modify(|status| status.error = Some(error.to_string()));
        let wait = self.wait(Some(&error));
        let seconds = wait.as_secs();
        tracing::warn!(%error, seconds, "not connected to Slack; trying again after this wait");
        wait
    }

    fn wait(&mut self, error: Option<&LinkError>) -> Duration {
        let wait = wait(&self.link.settings, self.failures, error, rand::random());
        self.failures = self.failures.saturating_add(1);
        wait
    }
}

/// The wait after so many failures: doubling, and cut by `chance` (0..1), so that connections
/// lost together do not return together.
fn wait(settings: &Settings, failures: u32, error: Option<&LinkError>, chance: f64) -> Duration {
    let doubled = settings.first_wait.saturating_mul(1 << failures.min(16));
    let own = doubled.min(settings.longest_wait).mul_f64(chance);
    match error {
        Some(LinkError::Address(SlackError::RateLimited(named))) => {
            own + (*named).min(LONGEST_NAMED)
        }
        Some(error) if error.lasting() => settings.longest_wait,
        _ => own,
    }
}
