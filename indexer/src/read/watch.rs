//! Tells when something under a source has changed, once per burst.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use notify::{EventKind, RecursiveMode, Watcher};

use super::SourceSpec;

/// A burst is over when nothing happened for this long ...
const QUIET: Duration = Duration::from_millis(200);
/// ... and is reported at the latest after this, so a change shows within two seconds.
const LATEST: Duration = Duration::from_millis(800);

/// Keeps a watch alive; dropping it ends the watch.
pub struct Watch {
    _watcher: notify::RecommendedWatcher,
    over: Arc<AtomicBool>,
}

impl Watch {
    /// Whether the watched folder itself was removed: one that takes its place is not watched.
    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }
}

/// Calls `on_change` on a thread of its own after each burst of changes under the source. The
/// caller then runs [`read_source`](super::read_source) again with the hashes it knows: unchanged
/// files cost only their hash, and paths missing from
/// [`Totals::seen_paths`](super::Totals::seen_paths) have vanished.
///
/// # Errors
/// When the folder cannot be watched (missing, or out of watches).
pub fn watch(
    spec: &SourceSpec,
    mut on_change: impl FnMut() + Send + 'static,
) -> anyhow::Result<Watch> {
    let (send, receive) = mpsc::channel();
    let over = Arc::new(AtomicBool::new(false));
    let root = std::path::absolute(&spec.root)
        .with_context(|| format!("{} is no path", spec.root.display()))?;
    let mut watcher = notify::recommended_watcher({
        let over = Arc::clone(&over);
        let root = root.clone();
        move |event: notify::Result<notify::Event>| {
            if let Ok(event) = &event
                && event.kind.is_remove()
                && event.paths.contains(&root)
            {
                over.store(true, Ordering::Release);
            }
            let matters = match &event {
                Ok(event) => !matches!(event.kind, EventKind::Access(_)),
                // An overflow means events were lost: look at everything.
                Err(_) => true,
            };
            if matters {
                // The receiver is gone only when the watch is being dropped.
                let _ = send.send(());
            }
        }
    })
    .context("the folder cannot be watched on this system")?;
    watcher
        .watch(&root, RecursiveMode::Recursive)
        .with_context(|| format!("{} cannot be watched", spec.root.display()))?;
    std::thread::Builder::new()
        .name("firstline-watch".to_owned())
        .spawn(move || {
            while receive.recv().is_ok() {
                let latest = Instant::now() + LATEST;
                loop {
                    let wait = QUIET.min(latest.saturating_duration_since(Instant::now()));
                    match receive.recv_timeout(wait) {
                        Ok(()) if !wait.is_zero() => {}
                        Err(RecvTimeoutError::Disconnected) => return,
                        _ => break,
                    }
                }
                on_change();
            }
        })
        .context("the watching thread did not start")?;
    Ok(Watch { _watcher: watcher, over })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn tells_of_a_new_file_and_ends_when_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let spec = SourceSpec {
            name: "s".to_owned(),
            root: dir.path().to_owned(),
            audience: "everyone".to_owned(),
        };
        let (send, receive) = mpsc::channel();
        let watch = watch(&spec, move || {
            let _ = send.send(());
        })
        .unwrap();
        std::fs::write(dir.path().join("new.md"), "# New").unwrap();
        assert_eq!(receive.recv_timeout(Duration::from_secs(30)), Ok(()));

        drop(watch);
        // The callback goes with the watch; what was still under way may be told before.
        let end = loop {
            match receive.recv_timeout(Duration::from_secs(30)) {
                Ok(()) => {}
                Err(end) => break end,
            }
        };
        assert_eq!(end, RecvTimeoutError::Disconnected);
    }
}
