//! The local index of what the store knows. Each serving process is the only writer of
//! its own index and follows the store's change sequence; a lost or old index is rebuilt
//! from the store.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use anyhow::Context;
use firstline_indexer::{Change, Found, IndexBusy, IndexedPassage, LocalIndex, Query};
use tokio::sync::watch;

use crate::ports::{Clock, Knowledge, Store};
use crate::store::records::DocumentChange;

/// Documents taken up in one commit of the index.
const BATCH: i64 = 500;
/// How often the store is asked for changes another process made.
const POLL_MS: i64 = 500;

pub struct LocalKnowledge {
    index: LocalIndex,
    sequence: AtomicI64,
}

impl Knowledge for LocalKnowledge {
    fn search(&self, query: &Query) -> anyhow::Result<Found> {
        self.index.search(query)
    }

    fn sequence(&self) -> i64 {
        self.sequence.load(Ordering::Acquire)
    }

    fn passages(&self) -> u64 {
        self.index.passages()
    }
}

/// The index under `data_dir`, brought up to the store's state. When another process
/// owns it (a command beside the running service), an index in memory takes its place.
pub async fn open(store: &Store, data_dir: &Path) -> anyhow::Result<Arc<LocalKnowledge>> {
    let dir = data_dir.join("index");
    let last = store.last_change().await?;
    let opened = tokio::task::spawn_blocking(move || open_index(&dir, last)).await?;
    let (index, sequence) = opened.context("the search index cannot be opened")?;
    let knowledge = Arc::new(LocalKnowledge { index, sequence: AtomicI64::new(sequence) });
    catch_up(&knowledge, store).await?;
    Ok(knowledge)
}

fn open_index(dir: &Path, last: i64) -> anyhow::Result<(LocalIndex, i64)> {
    match LocalIndex::open(dir) {
        // An index from another database knows changes this store never made.
        Ok(opened) if opened.sequence > last => {
            drop(opened);
            std::fs::remove_dir_all(dir)?;
            let fresh = LocalIndex::open(dir)?;
            Ok((fresh.index, fresh.sequence))
        }
        Ok(opened) => Ok((opened.index, opened.sequence)),
        Err(error) if error.is::<IndexBusy>() => Ok((LocalIndex::in_memory()?, 0)),
        Err(error) => Err(error),
    }
}

/// Applies every change the index does not have yet.
pub async fn catch_up(knowledge: &Arc<LocalKnowledge>, store: &Store) -> anyhow::Result<()> {
    loop {
        let changes = store.changes_after(knowledge.sequence(), BATCH).await?;
        let Some(last) = changes.last().map(|change| change.sequence) else { return Ok(()) };
        let knowledge = knowledge.clone();
        tokio::task::spawn_blocking(move || {
            let changes: Vec<Change> = changes.into_iter().map(change).collect();
            knowledge.index.apply(&changes, last)?;
            knowledge.sequence.store(last, Ordering::Release);
            anyhow::Ok(())
        })
        .await??;
    }
}

/// Follows the store until `shutdown` turns true.
pub async fn follow(
    knowledge: Arc<LocalKnowledge>,
    store: Store,
    clock: Arc<dyn Clock>,
    mut shutdown: watch::Receiver<bool>,
) {
    while !*shutdown.borrow() {
        match store.last_change().await {
            Ok(last) if last > knowledge.sequence() => {
                if let Err(error) = catch_up(&knowledge, &store).await {
                    tracing::error!(error = %error, "the search index cannot follow the store");
                }
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(error = %error, "the store cannot be asked for changes"),
        }
        tokio::select! {
            () = clock.sleep_until(clock.now() + POLL_MS) => {}
            _ = shutdown.changed() => {}
        }
    }
}

fn change(change: DocumentChange) -> Change {
    let document = change.document;
    if change.deleted {
        return Change::Remove { document_id: document.id };
    }
    let passages = change
        .passages
        .into_iter()
        .map(|passage| IndexedPassage {
            passage_id: passage.id,
            document_id: document.id.clone(),
            source: document.source.clone(),
            path: document.path.clone(),
            title: document.title.clone(),
            heading: passage.heading,
            text: passage.text,
            url: document.url.clone(),
            system: document.system.clone(),
            owner: document.owner.clone(),
            reviewed: document.reviewed.clone(),
            audience: document.audience.clone(),
            language: document.language.clone(),
        })
        .collect();
    Change::Upsert { document_id: document.id, passages }
}
