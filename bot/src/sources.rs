//! The configured sources, read at the start and whenever they change, for as long as the
//! service runs. One that is missing is waited for: a folder may be mounted late, or be
//! replaced as a whole. While it is away its articles stay as they are; only a folder that
//! is there and empty is one without articles.

use std::os::unix::fs::MetadataExt as _;
use std::sync::Arc;

use firstline_indexer::{SourceSpec, Watch};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::sync::watch;

use crate::app::App;
use crate::ingest;

/// How often it is seen whether folders came or went. Nothing tells of a folder that is not
/// there yet, nor of one mounted in the place of another.
const LOOK_EVERY_MS: i64 = 1_000;

/// Runs until `stopped` turns true.
pub async fn follow(app: Arc<App>, mut stopped: watch::Receiver<bool>) {
    let (changed, mut changes) = unbounded_channel();
    let mut sources: Vec<Source> = app
        .config
        .source
        .iter()
        .enumerate()
        .map(|(at, source)| Source {
            at,
            spec: SourceSpec {
                name: source.name.clone(),
                root: source.location.clone().into(),
                audience: source.audience.clone(),
            },
            state: State::New,
            changed: changed.clone(),
        })
        .collect();
    if sources.is_empty() {
        return;
    }
    while !*stopped.borrow() {
        for source in &mut sources {
            source.look();
        }
        tokio::select! {
            Some(at) = changes.recv() => sources[at].read(&app).await,
            () = app.clock.sleep_until(app.clock.now() + LOOK_EVERY_MS) => {}
            _ = stopped.changed() => {}
        }
    }
}

/// Device and number: another folder of the same name has others.
type Identity = (u64, u64);

enum State {
    /// Not looked at yet.
    New,
    Missing,
    /// There, and watched unless that is impossible.
    There(Identity, Option<Watch>),
}

struct Source {
    at: usize,
    spec: SourceSpec,
    state: State,
    /// Takes the places of sources to be read.
    changed: UnboundedSender<usize>,
}

impl Source {
    /// Sees whether the folder came, went or was replaced.
    fn look(&mut self) {
        let found = std::fs::metadata(&self.spec.root).ok().map(|m| (m.dev(), m.ino()));
        match (&self.state, found) {
            (State::Missing, None) => {}
            (State::There(known, watch), Some(found))
                if *known == found && !watch.as_ref().is_some_and(Watch::is_over) => {}
            (_, None) => {
                tracing::warn!(
                    source = self.spec.name,
                    location = %self.spec.root.display(),
                    "the source is missing; it is read as soon as it is there, and its articles \
                     stay as they are until then"
                );
                self.state = State::Missing;
            }
            (state, Some(found)) => {
                if matches!(state, State::Missing) {
                    tracing::info!(
                        source = self.spec.name,
                        location = %self.spec.root.display(),
                        "the source is there now and is being read"
                    );
                }
                self.state = State::There(found, self.watch());
                // Only now, so that no change falls in between.
                let _ = self.changed.send(self.at);
            }
        }
    }

    fn watch(&self) -> Option<Watch> {
        let (at, changed) = (self.at, self.changed.clone());
        let tell = move || {
            // Nobody listens any more while the service ends.
            let _ = changed.send(at);
        };
        match firstline_indexer::watch(&self.spec, tell) {
            Ok(watch) => Some(watch),
            Err(error) => {
                tracing::warn!(
                    source = self.spec.name,
                    error = format!("{error:#}"),
                    "the source cannot be watched; it is read again at the next start"
                );
                None
            }
        }
    }

    async fn read(&mut self, app: &App) {
        // It may have changed by going away, or by being replaced.
        self.look();
        if matches!(self.state, State::Missing) {
            return;
        }
        let extractor = match ingest::extractor() {
            Ok(extractor) => extractor,
            Err(error) => {
                tracing::error!(%error, "this program cannot find itself to read PDF and DOCX");
                return;
            }
        };
        let spec = self.spec.clone();
        match ingest::ingest(&app.store, &*app.clock, spec, extractor, |_| {}).await {
            Ok(outcome) => tracing::info!(
                source = self.spec.name,
                read = outcome.read,
                removed = outcome.removed,
                skipped = outcome.skipped.len(),
                "read a source"
            ),
            Err(error) => tracing::error!(
                source = self.spec.name,
                error = format!("{error:#}"),
                "the source could not be read"
            ),
        }
    }
}
