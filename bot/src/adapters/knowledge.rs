//! The local index of what the store knows. Each serving process is the only writer of
//! its own index and follows the store's change sequence; a lost or old index is rebuilt
//! from the store.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use anyhow::Context;
use firstline_indexer::{
    Change, Embedder, Found, IndexBusy, IndexedPassage, LocalIndex, Progress, Query, Vectors,
};
use tokio::sync::watch;

use crate::ports::{Clock, Knowledge, Store};
use crate::store::records::DocumentChange;

/// Documents taken up in one commit of the index.
const BATCH: i64 = 500;
/// How often the store is asked for changes another process made.
const POLL_MS: i64 = 500;
/// Passages whose vectors are computed at a time: half a second's work, so that stopping waits no
/// longer.
const EMBED: usize = 8;
/// How often the log tells how far the vectors have come.
const TELL_MS: i64 = 30_000;
/// Before vectors are tried again after an error.
const RETRY_MS: i64 = 60_000;
/// The folder of the vectors within that of the index.
pub(crate) const VECTORS: &str = "vectors";

pub struct LocalKnowledge {
    index: LocalIndex,
    /// The index is the one on disk, not one in memory beside another process.
    owner: bool,
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

impl LocalKnowledge {
    /// How far the passages' vectors have come; `None` without embeddings.
    pub fn embedded(&self) -> Option<Progress> {
        self.index.embedded()
    }
}

/// The index under `data_dir`, brought up to the store's state. When another process
/// owns it (a command beside the running service), an index in memory takes its place.
pub async fn open(store: &Store, data_dir: &Path) -> anyhow::Result<Arc<LocalKnowledge>> {
    let dir = data_dir.join("index");
    let last = store.last_change().await?;
    let opened = tokio::task::spawn_blocking(move || open_index(&dir, last)).await?;
    let (index, sequence, owner) = opened.context("the search index cannot be opened")?;
    let sequence = AtomicI64::new(sequence);
    let knowledge = Arc::new(LocalKnowledge { index, owner, sequence });
    catch_up(&knowledge, store).await?;
    Ok(knowledge)
}

fn open_index(dir: &Path, last: i64) -> anyhow::Result<(LocalIndex, i64, bool)> {
    match LocalIndex::open(dir) {
        // An index from another database knows changes this store never made.
        Ok(opened) if opened.sequence > last => {
            drop(opened);
            std::fs::remove_dir_all(dir)?;
            let fresh = LocalIndex::open(dir)?;
            Ok((fresh.index, fresh.sequence, true))
        }
        Ok(opened) => Ok((opened.index, opened.sequence, true)),
        Err(error) if error.is::<IndexBusy>() => Ok((LocalIndex::in_memory()?, 0, false)),
        Err(error) => Err(error),
    }
}

/// Lets `knowledge` find by meaning too, with the model in `folder`. The vectors that are there
/// already are used at once; [`embed`] computes the others.
pub async fn use_embeddings(
    knowledge: &Arc<LocalKnowledge>,
    data_dir: &Path,
    folder: &Path,
) -> anyhow::Result<()> {
    let (knowledge, folder) = (knowledge.clone(), folder.to_owned());
    let vectors = data_dir.join("index").join(VECTORS);
    tokio::task::spawn_blocking(move || {
        let embedder = Arc::new(Embedder::open(&folder)?);
        let vectors =
            if knowledge.owner { Vectors::Owned(&vectors) } else { Vectors::Shared(&vectors) };
        knowledge.index.use_embeddings(embedder, vectors)?;
        // What was removed while there were no embeddings.
        knowledge.index.forget_removed()
    })
    .await?
}

/// Computes vectors as passages come, until `shutdown` turns true. Ends at once without
/// embeddings.
pub async fn embed(
    knowledge: Arc<LocalKnowledge>,
    clock: Arc<dyn Clock>,
    mut shutdown: watch::Receiver<bool>,
) {
    let Some(mut last) = knowledge.embedded() else { return };
    let mut told_at = i64::MIN;
    while !*shutdown.borrow() {
        let worker = knowledge.clone();
        let step = tokio::task::spawn_blocking(move || worker.index.embed_some(EMBED)).await;
        let wait = match step.map_err(anyhow::Error::from).and_then(|step| step) {
            Ok(Some(progress)) => {
                let now = clock.now();
                let moved = progress != last;
                if moved && (progress.complete() || now >= told_at.saturating_add(TELL_MS)) {
                    told_at = now;
                    tracing::info!(
                        embedded = progress.embedded,
                        passages = progress.passages,
                        "computing the vectors of passages"
                    );
                }
                last = progress;
                if progress.complete() || !moved { POLL_MS } else { 0 }
            }
            Ok(None) => return,
            Err(error) => {
                tracing::error!(
                    error = format!("{error:#}"),
                    "the vectors of passages cannot be computed; trying again in a minute"
                );
                RETRY_MS
            }
        };
        if wait > 0 {
            tokio::select! {
                () = clock.sleep_until(clock.now() + wait) => {}
                _ = shutdown.changed() => {}
            }
        }
    }
}

/// Applies every change the index does not have yet, and forgets the vectors of what is gone.
pub async fn catch_up(knowledge: &Arc<LocalKnowledge>, store: &Store) -> anyhow::Result<()> {
    let mut changed = false;
    loop {
        let changes = store.changes_after(knowledge.sequence(), BATCH).await?;
        let Some(last) = changes.last().map(|change| change.sequence) else {
            if changed {
                let knowledge = knowledge.clone();
                tokio::task::spawn_blocking(move || knowledge.index.forget_removed()).await??;
            }
            return Ok(());
        };
        changed = true;
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
            Ok(last) if last > knowledge.sequence() => match catch_up(&knowledge, &store).await {
                Ok(()) => tracing::info!(
                    sequence = knowledge.sequence(),
                    passages = knowledge.passages(),
                    "the search index took up changes"
                ),
                Err(error) => {
                    tracing::error!(error = %error, "the search index cannot follow the store");
                }
            },
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
