//! One flush to disk for many commits. SQLite commits here do not wait for the disk
//! themselves (`synchronous = NORMAL`); whoever must know that a commit lasts waits for a
//! flush of the write-ahead log that began after it. Commits made while the disk works
//! share the next flush, so that their number is not bound to the disk's.
//!
//! The log is written in order: what a flush has reached includes everything committed
//! before, so nothing a later commit builds on can be lost without it.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::{Result, StoreError};

/// Flushes a write-ahead log on a thread of its own, which ends with the last clone.
pub(super) struct WalFlush {
    wanted: Arc<Wanted>,
    done: watch::Receiver<Flushed>,
}

#[derive(Default)]
struct Wanted {
    state: Mutex<Calls>,
    bell: Condvar,
}

#[derive(Default)]
struct Calls {
    /// How often somebody asked.
    made: u64,
    closed: bool,
}

#[derive(Default)]
struct Flushed {
    /// Calls up to this one are on disk.
    calls: u64,
    /// The disk refused. What it then holds is unknown, so nothing is promised any more.
    failed: Option<String>,
}

impl Wanted {
    fn lock(&self) -> MutexGuard<'_, Calls> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl WalFlush {
    /// For the database at `path`.
    pub(super) fn start(path: &Path) -> Result<Arc<WalFlush>> {
        let mut wal = path.as_os_str().to_owned();
        wal.push("-wal");
        let wal = PathBuf::from(wal);
        let wanted = Arc::new(Wanted::default());
        let (tell, done) = watch::channel(Flushed::default());
        let heard = wanted.clone();
        std::thread::Builder::new()
            .name("wal-flush".into())
            .spawn(move || serve(&heard, &wal, &tell))
            .map_err(|error| StoreError::Unavailable(error.to_string()))?;
        Ok(Arc::new(WalFlush { wanted, done }))
    }

    /// Returns when everything committed before the call is on disk.
    pub(super) async fn flushed(&self) -> Result<()> {
        let mine = {
            let mut calls = self.wanted.lock();
            calls.made += 1;
            calls.made
        };
        self.wanted.bell.notify_one();
        let mut done = self.done.clone();
        let flushed = done.wait_for(|done| done.calls >= mine || done.failed.is_some()).await;
        match flushed {
            Ok(flushed) => refuse(&flushed),
            Err(_) => Err(StoreError::Unavailable("the log is no longer written".into())),
        }
    }

    /// Whether the disk has failed before.
    pub(super) fn check(&self) -> Result<()> {
        refuse(&self.done.borrow())
    }
}

fn refuse(flushed: &Flushed) -> Result<()> {
    match &flushed.failed {
        None => Ok(()),
        Some(error) => Err(StoreError::Unavailable(format!(
            "its log could not be written to disk ({error}); restart the service once the disk is well"
        ))),
    }
}

impl Drop for WalFlush {
    fn drop(&mut self) {
        self.wanted.lock().closed = true;
        self.wanted.bell.notify_one();
    }
}

fn serve(wanted: &Wanted, wal: &Path, tell: &watch::Sender<Flushed>) {
    let mut flushed = 0;
    loop {
        {
            let calls = wanted
                .bell
                .wait_while(wanted.lock(), |calls| calls.made == flushed && !calls.closed)
                .unwrap_or_else(PoisonError::into_inner);
            if calls.closed {
                return;
            }
            flushed = calls.made;
        }
        let failed = flush(wal).err().map(|error| error.to_string());
        let broken = failed.is_some();
        tell.send_modify(|done| {
            done.calls = flushed;
            done.failed = failed;
        });
        if broken {
            tracing::error!(log = %wal.display(), "the database's log could not be written to disk");
            return;
        }
    }
}

/// A flush through any handle reaches all of a file, so the file is opened anew: SQLite
/// may have begun another one.
fn flush(wal: &Path) -> std::io::Result<()> {
    match OpenOptions::new().write(true).open(wal) {
        Ok(file) => file.sync_data(),
        // SQLite has moved it into the database, flushed, and removed it.
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_caller_is_served() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a.db-wal"), b"log").unwrap();
        let flush = WalFlush::start(&dir.path().join("a.db")).unwrap();
        let callers: Vec<_> = (0..50)
            .map(|_| {
                let flush = flush.clone();
                tokio::spawn(async move { flush.flushed().await })
            })
            .collect();
        for caller in callers {
            caller.await.unwrap().unwrap();
        }
    }

    #[tokio::test]
    async fn a_disk_that_failed_promises_nothing_any_more() {
        let dir = tempfile::tempdir().unwrap();
        // A folder cannot be opened for writing.
        std::fs::create_dir(dir.path().join("a.db-wal")).unwrap();
        let flush = WalFlush::start(&dir.path().join("a.db")).unwrap();
        assert!(matches!(flush.flushed().await, Err(StoreError::Unavailable(_))));
        std::fs::remove_dir(dir.path().join("a.db-wal")).unwrap();
        assert!(flush.check().is_err());
        assert!(flush.flushed().await.is_err());
    }
}
