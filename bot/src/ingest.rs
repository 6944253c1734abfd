//! Sources into the store: reads what changed, removes what vanished, remembers what was
//! skipped. The command `index`, the configured sources and the demo all come through
//! here; the indexes follow the store on their own.

use std::collections::{HashMap, HashSet};

use firstline_indexer::{Document, Event, Extractor, SourceSpec, read_source};
use tokio::sync::mpsc;

use crate::ports::{Clock, Store};
use crate::store::records::{NewDocument, NewPassage, SourceRow};

/// Documents written in one transaction.
const BATCH: usize = 200;
/// Of the files skipped, so many are remembered with their reasons.
const REMEMBERED_SKIPS: usize = 1_000;

/// What reading a source came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Outcome {
    /// New or changed documents.
    pub read: u64,
    pub unchanged: u64,
    pub removed: u64,
    /// Bytes of the files read or found unchanged.
    pub bytes: u64,
    /// Path and reason.
    pub skipped: Vec<(String, String)>,
    pub passages: u64,
}

/// How far a reading is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    Found { files: u64, bytes: u64 },
    Bytes(u64),
}

/// The program that reads PDF and DOCX in a process of its own: this one.
pub fn extractor() -> anyhow::Result<Extractor> {
    Ok(Extractor::new(std::env::current_exe()?, vec!["extract".into()]))
}

/// Reads `spec` into the store.
pub async fn ingest(
    store: &Store,
    clock: &dyn Clock,
    spec: SourceSpec,
    extractor: Extractor,
    progress: impl Fn(Progress) + Send + 'static,
) -> anyhow::Result<Outcome> {
    let mut known = store.known_hashes(&spec.name).await?;
    let known_paths: HashSet<String> = known.keys().cloned().collect();
    let former = store.sources().await?.into_iter().find(|s| s.name == spec.name);
    if former.is_some_and(|former: SourceRow| former.audience != spec.audience) {
        // Who may read an article is written into it: with another audience, every file is
        // to be read again.
        known.clear();
    }
    remember(store, clock, &spec, &[]).await?;

    let (send, mut receive) = mpsc::channel::<Document>(BATCH);
    let reading = tokio::task::spawn_blocking({
        let spec = spec.clone();
        move || read(&spec, &known, &extractor, &send, &progress)
    });
    let mut outcome = Outcome::default();
    let mut batch = Vec::with_capacity(BATCH);
    while receive.recv_many(&mut batch, BATCH).await > 0 {
        let documents: Vec<NewDocument> = batch.drain(..).map(new_document).collect();
        outcome.passages += documents.iter().map(|d| d.passages.len() as u64).sum::<u64>();
        store.put_documents(documents, clock.now()).await?;
    }
    let (totals, skipped) = reading.await??;
    outcome.read = totals.read;
    outcome.unchanged = totals.unchanged;
    outcome.bytes = totals.bytes;
    outcome.skipped = skipped;

    let seen: HashSet<String> = totals.seen_paths.into_iter().collect();
    let vanished: Vec<String> = known_paths.difference(&seen).cloned().collect();
    outcome.removed = vanished.len() as u64;
    if !vanished.is_empty() {
        store.remove_documents(&spec.name, &vanished, clock.now()).await?;
    }
    remember(store, clock, &spec, &outcome.skipped).await?;
    Ok(outcome)
}

async fn remember(
    store: &Store,
    clock: &dyn Clock,
    spec: &SourceSpec,
    skipped: &[(String, String)],
) -> anyhow::Result<()> {
    let location = spec.root.display().to_string();
    let skipped = &skipped[..skipped.len().min(REMEMBERED_SKIPS)];
    store.put_source(&spec.name, "folder", &location, &spec.audience, skipped, clock.now()).await?;
    Ok(())
}

type Skipped = Vec<(String, String)>;

fn read(
    spec: &SourceSpec,
    known: &HashMap<String, String>,
    extractor: &Extractor,
    documents: &mpsc::Sender<Document>,
    progress: &dyn Fn(Progress),
) -> anyhow::Result<(firstline_indexer::Totals, Skipped)> {
    let mut skipped = Vec::new();
    let totals = read_source(spec, known, extractor, &mut |event| {
        match event {
            Event::Found { files, bytes } => progress(Progress::Found { files, bytes }),
            Event::Progress { bytes } => progress(Progress::Bytes(bytes)),
            Event::Skipped { path, reason } => skipped.push((path, reason)),
            Event::Unchanged { .. } => {}
            // Fails when the writer gave up; its own error is the one to tell.
            Event::Document(document) => documents.blocking_send(*document)?,
        }
        Ok(())
    })?;
    Ok((totals, skipped))
}

/// A document as the store takes it.
pub fn new_document(document: Document) -> NewDocument {
    NewDocument {
        source: document.source,
        path: document.path,
        title: document.title,
        system: document.system,
        owner: document.owner,
        audience: document.audience,
        reviewed: document.reviewed,
        language: document.language,
        url: document.url,
        hash: document.hash,
        markdown: document.markdown,
        passages: document
            .passages
            .into_iter()
            .map(|passage| NewPassage { heading: passage.heading, text: passage.text })
            .collect(),
    }
}
