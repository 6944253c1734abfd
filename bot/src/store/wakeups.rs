//! What the store tells after a commit: that jobs are due, and what watchers of a
//! conversation may show. In one process through memory; between the processes that
//! share a PostgreSQL through LISTEN/NOTIFY.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use sqlx::postgres::{PgListener, PgPool};
use tokio::sync::{Mutex, Notify, broadcast};
use tokio::task::JoinHandle;

use super::db::Cut;
use super::{Result, Store, new_id};

const JOBS: &str = "fl_jobs";
const LIVE: &str = "fl_live";
/// PostgreSQL takes payloads below 8000 bytes.
const MAX_PAYLOAD: usize = 7800;
/// Events a slow watcher may lag behind before it loses the oldest.
const LIVE_BUFFER: usize = 1024;

/// Something to show in an open conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Live {
    pub conversation_id: String,
    pub kind: LiveKind,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum LiveKind {
    /// A message was written or has reached its platform.
    Message { seq: i64 },
    /// The answer so far, each sentence checked.
    Draft { request_id: String, text: String },
    /// The bot works on a reply.
    Typing,
    /// A ticket of this conversation was filed or changed.
    Ticket { key: String },
    /// Something changed that was too long to send along: look again.
    Changed,
}

/// One process's part of the telling.
pub(super) struct Hub {
    /// Marks our own notifications, which we need not hear again.
    origin: String,
    jobs: Arc<Notify>,
    live: broadcast::Sender<Live>,
}

impl Default for Hub {
    fn default() -> Self {
        Hub { origin: new_id(), jobs: Arc::default(), live: broadcast::Sender::new(LIVE_BUFFER) }
    }
}

#[derive(Serialize, Deserialize)]
struct Note {
    from: String,
    live: Live,
}

impl Hub {
    pub(super) fn wake(&self) {
        self.jobs.notify_one();
    }

    pub(super) fn tell(&self, live: Live) {
        // An error only means that nobody watches.
        let _ = self.live.send(live);
    }

    /// Channels and payloads for `pg_notify`.
    pub(super) fn notifications(&self, wake: bool, live: &[Live]) -> (Vec<String>, Vec<String>) {
        let mut channels = Vec::new();
        let mut payloads = Vec::new();
        if wake {
            channels.push(JOBS.to_owned());
            payloads.push(self.origin.clone());
        }
        for live in live {
            channels.push(LIVE.to_owned());
            payloads.push(self.payload(live));
        }
        (channels, payloads)
    }

    fn payload(&self, live: &Live) -> String {
        let note = |live: &Live| {
            serde_json::to_string(&Note { from: self.origin.clone(), live: live.clone() })
                .unwrap_or_default()
        };
        let payload = note(live);
        if payload.len() <= MAX_PAYLOAD {
            return payload;
        }
        note(&Live { conversation_id: live.conversation_id.clone(), kind: LiveKind::Changed })
    }

    fn heard(&self, channel: &str, payload: &str) {
        match channel {
            JOBS if payload != self.origin => self.wake(),
            LIVE => match serde_json::from_str::<Note>(payload) {
                Ok(note) if note.from != self.origin => self.tell(note.live),
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, "a notification could not be read"),
            },
            _ => {}
        }
    }
}

/// Hears of due jobs.
#[derive(Clone)]
pub struct Wakeups {
    jobs: Arc<Notify>,
}

impl Wakeups {
    /// Returns once a job was enqueued since the last return. One waiter is woken at a
    /// time; a wake-up with nobody waiting is kept for the next.
    pub async fn job_added(&self) {
        self.jobs.notified().await;
    }
}

impl Store {
    pub fn wakeups(&self) -> Wakeups {
        Wakeups { jobs: self.hub.jobs.clone() }
    }

    /// Returns once a job was enqueued since the last return, here or by another process.
    pub async fn job_added(&self) {
        self.hub.jobs.notified().await;
    }

    /// Live events from now on.
    pub fn live(&self) -> broadcast::Receiver<Live> {
        self.hub.live.subscribe()
    }

    /// Tells every watcher, here and in other processes. Kept nowhere.
    pub async fn publish_live(&self, live: &Live) -> Result<()> {
        self.hub.tell(live.clone());
        if let super::db::Pools::Pg(pool) = &self.pools {
            sqlx::query("SELECT pg_notify($1, $2)")
                .bind(LIVE)
                .bind(self.hub.payload(live))
                .execute(pool)
                .await?;
        }
        Ok(())
    }
}

/// The task that listens on PostgreSQL; ends when dropped.
pub(super) struct Listener {
    task: Mutex<Option<JoinHandle<()>>>,
    abort: tokio::task::AbortHandle,
}

impl Listener {
    pub(super) fn start(pool: PgPool, hub: Arc<Hub>, cut: Cut) -> Listener {
        let task = tokio::spawn(listen(pool, hub, cut));
        Listener { abort: task.abort_handle(), task: Mutex::new(Some(task)) }
    }

    pub(super) async fn stop(&self) {
        self.abort.abort();
        if let Some(task) = self.task.lock().await.take() {
            let _ = task.await;
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.abort.abort();
    }
}

/// Pause between two attempts to listen.
const PAUSE: Duration = Duration::from_secs(1);

async fn listen(pool: PgPool, hub: Arc<Hub>, cut: Cut) {
    let mut again = false;
    loop {
        let start = Instant::now();
        let why = match listen_once(&pool, &hub, again).await {
            Ok(()) => "the database has cut the connection".to_owned(),
            Err(error) => error.to_string(),
        };
        cut.seen();
        tracing::warn!(error = why, "listening on the database was interrupted; trying again");
        // Whatever was said meanwhile is lost: look at the jobs themselves.
        hub.wake();
        again = true;
        // After a long time of listening at once, else not too often.
        tokio::time::sleep(PAUSE.saturating_sub(start.elapsed())).await;
    }
}

/// Listens until the connection ends.
async fn listen_once(pool: &PgPool, hub: &Hub, again: bool) -> sqlx::Result<()> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen_all([JOBS, LIVE]).await?;
    if again {
        tracing::info!("listening on the database again");
    }
    // What was enqueued before we listened.
    hub.wake();
    while let Some(heard) = listener.try_recv().await? {
        hub.heard(heard.channel(), heard.payload());
    }
    Ok(())
}
