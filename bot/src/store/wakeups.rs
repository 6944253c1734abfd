//! What the store tells after a commit: that jobs are due, and what watchers of a
//! conversation may show. In one process through memory; between the processes that
//! share a PostgreSQL through LISTEN/NOTIFY.

use std::sync::Arc;
use std::time::{Duration, Instant};

use firstline_core::chat::Platform;
use serde::{Deserialize, Serialize};
use sqlx::postgres::{PgListener, PgPool};
use tokio::sync::{Mutex, Notify, broadcast, mpsc};
use tokio::task::{AbortHandle, JoinHandle};

use super::db::Cut;
use super::{Store, new_id};

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

impl Live {
    /// A platform wants a place left alone until then, by every process.
    pub fn pause(platform: Platform, place: &str, until: i64) -> Live {
        let place = place.to_owned();
        Live { conversation_id: String::new(), kind: LiveKind::Pause { platform, place, until } }
    }
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
    /// An incident was declared or went on. Of no conversation.
    Incident { key: String },
    /// A platform wants a place left alone until then (epoch ms). Of no conversation.
    Pause { platform: Platform, place: String, until: i64 },
    /// Something changed that was too long to send along: look again.
    Changed,
}

/// One process's part of the telling.
pub(super) struct Hub {
    /// Marks our own notifications, which we need not hear again.
    origin: String,
    jobs: Arc<Notify>,
    live: broadcast::Sender<Live>,
    /// To the task that tells other processes, where there may be any.
    others: Option<mpsc::UnboundedSender<Word>>,
}

/// What other processes are told.
enum Word {
    Wake,
    Live(Live),
    /// Nothing follows.
    End,
}

#[derive(Serialize, Deserialize)]
struct Note {
    from: String,
    live: Live,
}

impl Hub {
    /// For the only process on a database.
    pub(super) fn alone() -> Hub {
        Hub::with(None)
    }

    fn with(others: Option<mpsc::UnboundedSender<Word>>) -> Hub {
        let live = broadcast::Sender::new(LIVE_BUFFER);
        Hub { origin: new_id(), jobs: Arc::default(), live, others }
    }

    /// Jobs may be due: here and elsewhere.
    pub(super) fn wake(&self) {
        self.jobs.notify_one();
        self.tell_others(Word::Wake);
    }

    /// Tells every watcher, here and elsewhere.
    pub(super) fn tell(&self, live: Live) {
        if self.others.is_some() {
            self.tell_others(Word::Live(live.clone()));
        }
        self.show(live);
    }

    fn show(&self, live: Live) {
        // An error only means that nobody watches.
        let _ = self.live.send(live);
    }

    fn tell_others(&self, word: Word) {
        if let Some(others) = &self.others {
            // The task has ended: so does this process.
            let _ = others.send(word);
        }
    }

    fn heard(&self, channel: &str, payload: &str) {
        match channel {
            JOBS if payload != self.origin => self.jobs.notify_one(),
            LIVE => match serde_json::from_str::<Note>(payload) {
                Ok(note) if note.from != self.origin => self.show(note.live),
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
    pub fn publish_live(&self, live: &Live) {
        self.hub.tell(live.clone());
    }
}

/// The tasks that talk with other processes through PostgreSQL; they end when dropped.
pub(super) struct Others {
    listener: Task,
    teller: Task,
}

impl Others {
    /// Begins to listen and to tell.
    pub(super) fn start(pool: &PgPool, cut: Cut) -> (Others, Arc<Hub>) {
        let (sender, words) = mpsc::unbounded_channel();
        let hub = Arc::new(Hub::with(Some(sender)));
        let others = Others {
            listener: Task::spawn(listen(pool.clone(), hub.clone(), cut)),
            teller: Task::spawn(tell(pool.clone(), words, hub.origin.clone())),
        };
        (others, hub)
    }

    /// Ends both; what was said before is told.
    pub(super) async fn stop(&self, hub: &Hub) {
        hub.tell_others(Word::End);
        self.teller.ended().await;
        self.listener.abort.abort();
        self.listener.ended().await;
    }
}

struct Task {
    handle: Mutex<Option<JoinHandle<()>>>,
    abort: AbortHandle,
}

impl Task {
    fn spawn(work: impl Future<Output = ()> + Send + 'static) -> Task {
        let handle = tokio::spawn(work);
        Task { abort: handle.abort_handle(), handle: Mutex::new(Some(handle)) }
    }

    async fn ended(&self) {
        if let Some(handle) = self.handle.lock().await.take() {
            let _ = handle.await;
        }
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.abort.abort();
    }
}

/// Words told in one statement.
const AT_ONCE: usize = 256;
/// Words gather for so long after the last statement: under load many share one.
const GATHER: Duration = Duration::from_millis(10);

/// Passes on what was committed. Beside the transactions, because one that notifies holds
/// up every other's commit. Only hints are lost if this process dies first: jobs are
/// looked for once a second anyway, and a page shows all when it is next told anything.
async fn tell(pool: PgPool, mut words: mpsc::UnboundedReceiver<Word>, origin: String) {
    let mut heard = Vec::with_capacity(AT_ONCE);
    while words.recv_many(&mut heard, AT_ONCE).await > 0 {
        let (mut channels, mut payloads, mut end) = (Vec::new(), Vec::new(), false);
        for word in heard.drain(..) {
            match word {
                Word::Wake if channels.contains(&JOBS) => {}
                Word::Wake => {
                    channels.push(JOBS);
                    payloads.push(origin.clone());
                }
                Word::Live(live) => {
                    channels.push(LIVE);
                    payloads.push(payload(&origin, live));
                }
                Word::End => end = true,
            }
        }
        if channels.is_empty() {
            return;
        }
        let told = sqlx::query(
            "SELECT set_config('synchronous_commit', 'off', true), pg_notify(c, p)
             FROM unnest($1::text[], $2::text[]) AS n (c, p)",
        )
        .bind(channels)
        .bind(payloads)
        .execute(&pool)
        .await;
        if let Err(error) = told {
            tracing::warn!(%error, "other processes could not be told of a change");
        }
        if end {
            return;
        }
        tokio::time::sleep(GATHER).await;
    }
}

fn payload(origin: &str, live: Live) -> String {
    let note =
        |live| serde_json::to_string(&Note { from: origin.to_owned(), live }).unwrap_or_default();
    let conversation_id = live.conversation_id.clone();
    let payload = note(live);
    if payload.len() <= MAX_PAYLOAD {
        return payload;
    }
    note(Live { conversation_id, kind: LiveKind::Changed })
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
        hub.jobs.notify_one();
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
    hub.jobs.notify_one();
    while let Some(heard) = listener.try_recv().await? {
        hub.heard(heard.channel(), heard.payload());
    }
    Ok(())
}
