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
use crate::store::PUBLIC;
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
/// The folder of an embedding model's vectors within that of the index.
pub(crate) const VECTORS: &str = "vectors";
/// The same of the vectors made of words: those of a model are dear and must outlive a start
/// without it.
const WORDS: &str = "words";

pub struct LocalKnowledge {
    index: LocalIndex,
    sequence: AtomicI64,
}

impl Knowledge for LocalKnowledge {
    fn search(&self, query: &Query) -> anyhow::Result<Found> {
        // What is public is for whoever asks.
        let mut query = query.clone();
        if !query.audiences.iter().any(|a| a == PUBLIC) {
            query.audiences.push(PUBLIC.to_owned());
        }
        self.index.search(&query)
    }

    fn sequence(&self) -> i64 {
        self.sequence.load(Ordering::Acquire)
    }

    fn passages(&self) -> u64 {
        self.index.passages()
    }
}

impl LocalKnowledge {
    /// How far the passages' vectors have come; `None` when none are configured.
    pub fn embedded(&self) -> Option<Progress> {
        self.index.embedded()
    }
}

/// The index under `data_dir`, brought up to the store's state. When another process
/// owns it (a command beside the running service), an index in memory takes its place.
/// It finds by meaning too: with the model in the folder `embeddings`, whose vectors
/// [`embed`] computes where they are not there yet; else, or when that cannot be read, by
/// the program's own table of English words.
pub async fn open(
    store: &Store,
    data_dir: &Path,
    embeddings: Option<&Path>,
) -> anyhow::Result<Arc<LocalKnowledge>> {
    let dir = data_dir.join("index");
    let last = store.last_change().await?;
    let folder = embeddings.map(Path::to_owned);
    let opened = tokio::task::spawn_blocking(move || {
        let (index, sequence, owner) = open_index(&dir, last)?;
        if let Err(error) = use_vectors(&index, owner, &dir, folder.as_deref()) {
            tracing::error!(
                error = format!("{error:#}"),
                "articles are found by their words alone, because the vectors cannot be used"
            );
        }
        anyhow::Ok(LocalKnowledge { index, sequence: AtomicI64::new(sequence) })
    });
    let knowledge = Arc::new(opened.await?.context("the search index cannot be opened")?);
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

fn use_vectors(
    index: &LocalIndex,
    owner: bool,
    dir: &Path,
    folder: Option<&Path>,
) -> anyhow::Result<()> {
    let model = folder.map(Embedder::open).transpose().unwrap_or_else(|error| {
        tracing::error!(
            error = error.to_string(),
            "the embeddings cannot be used; the table of English words takes their place"
        );
        None
    });
    let (embedder, folder) = match model {
        Some(model) => (model, dir.join(VECTORS)),
        None => (Embedder::english(), dir.join(WORDS)),
    };
    let vectors = if owner { Vectors::Owned(&folder) } else { Vectors::Shared(&folder) };
    index.use_embeddings(Arc::new(embedder), vectors)?;
    // What was removed while there were no vectors.
    index.forget_removed()
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
