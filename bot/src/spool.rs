//! What platforms send, kept as it comes: written together with whatever else comes at that
//! moment, so that their number is bound neither to the database's trips nor to the disk's.
//! Each is acknowledged once it lasts, and read by a worker soon after.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, anyhow};
use tokio::sync::oneshot;

use crate::job::Job;
use crate::ports::{Clock, Store};
use crate::store::records::NewJob;

/// While one writes, the next gathers; and while that one waits for the disk, another.
const WRITERS: usize = 2;

/// Written together at most; the rest is the next one's.
const TOGETHER: usize = 512;

/// So many within so long, in milliseconds, are a rush, which lasts at least for another while.
const RUSH: usize = 100;
const WITHIN_MS: i64 = 100;
const LASTS_MS: i64 = 500;

/// Keeps what comes in.
pub struct Spool {
    store: Store,
    clock: Arc<dyn Clock>,
    gathered: Mutex<Gathered>,
}

#[derive(Default)]
struct Gathered {
    waiting: Vec<Waiting>,
    writers: usize,
    rush: Rush,
}

/// How fast it comes in.
#[derive(Default)]
struct Rush {
    counted_from: i64,
    count: usize,
    until: i64,
}

impl Rush {
    fn count(&mut self, now: i64) {
        if now - self.counted_from >= WITHIN_MS {
            (self.counted_from, self.count) = (now, 0);
        }
        self.count += 1;
        if self.count >= RUSH {
            self.until = now + LASTS_MS;
        }
    }
}

struct Waiting {
    job: NewJob,
    kept: oneshot::Sender<Result<(), String>>,
}

impl Spool {
    pub fn new(store: Store, clock: Arc<dyn Clock>) -> Arc<Spool> {
        Arc::new(Spool { store, clock, gathered: Mutex::default() })
    }

    /// Returns once `job` lasts.
    ///
    /// # Errors
    /// When it could not be written: then it is to be sent again.
    pub async fn keep(self: &Arc<Self>, job: &Job) -> anyhow::Result<()> {
        let now = self.clock.now();
        let job = job.enqueue(now)?;
        let (kept, told) = oneshot::channel();
        let room = {
            let mut gathered = self.lock();
            gathered.rush.count(now);
            gathered.waiting.push(Waiting { job, kept });
            let room = gathered.writers < WRITERS;
            gathered.writers += usize::from(room);
            room
        };
        if room {
            // Of its own: whoever began it may hang up while others still wait for it.
            tokio::spawn(Writer { spool: self.clone(), left: false }.write());
        }
        let outcome = told.await.context("what was sent could not be kept")?;
        outcome.map_err(|error| anyhow!(error))
    }

    /// So much comes in that keeping it goes before working on it.
    pub fn in_a_rush(&self) -> bool {
        self.clock.now() < self.lock().rush.until
    }

    fn lock(&self) -> MutexGuard<'_, Gathered> {
        self.gathered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One of those who write. Its place is free again when it is gone, however it went.
struct Writer {
    spool: Arc<Spool>,
    left: bool,
}

impl Writer {
    async fn write(mut self) {
        while let Some(batch) = self.next() {
            let (jobs, told): (Vec<_>, Vec<_>) = batch.into_iter().map(|w| (w.job, w.kept)).unzip();
            let written = self.spool.store.enqueue_all(&jobs, self.spool.clock.now()).await;
            let outcome = written.map_err(|error| error.to_string());
            for kept in told {
                // Whoever hung up sends it again, which is recognised.
                let _ = kept.send(outcome.clone());
            }
        }
    }

    /// What waits. Without anything it leaves, in the same breath: whoever comes then begins
    /// another.
    fn next(&mut self) -> Option<Vec<Waiting>> {
        let mut gathered = self.spool.lock();
        if gathered.waiting.is_empty() {
            gathered.writers -= 1;
            self.left = true;
            return None;
        }
        let now = gathered.waiting.len().min(TOGETHER);
        let later = gathered.waiting.split_off(now);
        Some(mem::replace(&mut gathered.waiting, later))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if !self.left {
            self.spool.lock().writers -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rush_is_many_at_once_and_passes() {
        let mut rush = Rush::default();
        for n in 0..1_000 {
            rush.count(n * 10);
        }
        assert_eq!(rush.until, 0, "a hundred a second are none");
        for n in 0..RUSH as i64 {
            rush.count(20_000 + n / 2);
        }
        assert_eq!(rush.until, 20_049 + LASTS_MS);
    }
}
