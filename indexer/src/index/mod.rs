//! The local index: a rebuildable copy of all passages, searched in about a millisecond.
//!
//! `schema` says what is indexed, `analysis` how words are cut, `terms` turns a question into
//! weighted concepts, `search` finds candidates and `rank` orders them, `answerable` says how
//! likely it is that they answer, `snippet` picks the words to show. `visible` keeps what a
//! reader may not know out of all of it. With embeddings (`embedded`) passages near in meaning
//! join the candidates, and `fuse` makes one order of both.

mod analysis;
mod answerable;
mod embedded;
mod fuse;
mod peek;
mod rank;
mod schema;
mod search;
mod snippet;
mod terms;
mod visible;

use std::path::Path;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use tantivy::directory::error::LockError;
use tantivy::{Index, IndexReader, IndexWriter, ReloadPolicy, TantivyError, Term};

use crate::dense::Dense;

pub(crate) use analysis::{plainly_english, unspaced};
pub use answerable::Signals;
pub(crate) use schema::{AUDIENCE, CONTENT};

/// Raised whenever the schema or the analysis changes; an index of another version is rebuilt.
pub const INDEX_VERSION: u32 = 4;
/// Memory the writer may gather before it writes a segment.
const WRITER_MEMORY: usize = 40_000_000;

/// A passage with everything a hit must tell about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexedPassage {
    pub passage_id: String,
    pub document_id: String,
    pub source: String,
    pub path: String,
    pub title: String,
    pub heading: String,
    pub text: String,
    pub url: String,
    pub system: Option<String>,
    pub owner: Option<String>,
    /// `YYYY-MM-DD`.
    pub reviewed: Option<String>,
    pub audience: String,
    /// BCP 47; decides the stemming.
    pub language: String,
}

/// A change to follow.
#[derive(Debug, Clone)]
pub enum Change {
    /// Replaces all passages of a document.
    Upsert {
        document_id: String,
        passages: Vec<IndexedPassage>,
    },
    Remove {
        document_id: String,
    },
}

/// A question to the index. Its text is words, never query syntax.
#[derive(Debug, Clone, Default)]
pub struct Query {
    pub text: String,
    /// Earlier messages of the requester, oldest first; they weigh less.
    pub thread: Vec<String>,
    /// The audiences the reader belongs to; passages of others are not even ranked.
    pub audiences: Vec<String>,
    /// BCP 47, when known; else it is guessed from the text.
    pub language: Option<String>,
    /// At most this many passages.
    pub limit: usize,
}

/// What a search found.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// Best first. Passages of one article may follow each other: see [`one_per_document`].
    pub hits: Vec<Hit>,
    /// How likely it is that the best article answers the question, 0 to 1.
    pub answerable: f64,
    /// Share of the question's words, weighted by how telling they are, that the best passage and
    /// its title hold, 0 to 1.
    pub coverage: f64,
    /// What `answerable` was computed from.
    pub signals: Signals,
}

/// One passage found.
#[derive(Debug, Clone)]
pub struct Hit {
    pub passage: IndexedPassage,
    /// Comparable within one search only.
    pub score: f32,
    /// The most telling stretch of the passage, as plain text.
    pub snippet: String,
}

/// Keeps the best passage of each document, in order.
pub fn one_per_document(hits: Vec<Hit>) -> Vec<Hit> {
    let mut seen = std::collections::HashSet::new();
    hits.into_iter().filter(|h| seen.insert(h.passage.document_id.clone())).collect()
}

/// The outcome of [`LocalIndex::open`].
pub struct Opened {
    pub index: LocalIndex,
    /// The sequence of the last applied change; 0 for a new or rebuilt index.
    pub sequence: i64,
    /// An index was there and could not be used (damaged, or of another version).
    pub rebuilt: bool,
}

/// The index of one process. All methods take `&self` and may be called from any thread.
pub struct LocalIndex {
    index: Index,
    reader: IndexReader,
    writer: Mutex<IndexWriter>,
    fields: schema::Fields,
    /// Set once, by [`LocalIndex::use_embeddings`].
    dense: OnceLock<Dense>,
}

/// What stands in a commit beside the passages.
#[derive(Serialize, Deserialize)]
struct Payload {
    version: u32,
    sequence: i64,
}

impl LocalIndex {
    /// Opens the index in `dir`, creating the folder if need be. An index that is damaged or of
    /// another version is thrown away and begun anew with sequence 0.
    ///
    /// # Errors
    /// When the folder cannot be written, or another process has the index open.
    pub fn open(dir: &Path) -> anyhow::Result<Opened> {
        std::fs::create_dir_all(dir)
            .with_context(|| format!("the index folder {} cannot be made", dir.display()))?;
        let existed = dir.join("meta.json").exists();
        if existed {
            match Self::open_existing(dir) {
                Ok((index, sequence)) => return Ok(Opened { index, sequence, rebuilt: false }),
                Err(Unusable::Busy) => return Err(IndexBusy(dir.to_owned()).into()),
                Err(Unusable::Damaged(reason)) => {
                    tracing::warn!(folder = %dir.display(), reason, "the index is rebuilt");
                }
            }
        }
        empty(dir)
            .with_context(|| format!("the index folder {} cannot be emptied", dir.display()))?;
        let (schema, _) = schema::build();
        let index = Index::create_in_dir(dir, schema)
            .with_context(|| format!("no index can be made in {}", dir.display()))?;
        let index = Self::over(index)
            .with_context(|| format!("the index in {} cannot be written", dir.display()))?;
        // A first commit, so that even an empty index tells its version.
        index.apply(&[], 0)?;
        Ok(Opened { index, sequence: 0, rebuilt: existed })
    }

    /// An index that lives and dies with the process.
    ///
    /// # Errors
    /// When memory for the writer cannot be had.
    pub fn in_memory() -> anyhow::Result<Self> {
        let (schema, _) = schema::build();
        Self::over(Index::create_in_ram(schema)).context("no index can be made in memory")
    }

    fn open_existing(dir: &Path) -> Result<(Self, i64), Unusable> {
        let damaged = |e: TantivyError| Unusable::Damaged(e.to_string());
        let index = Index::open_in_dir(dir).map_err(damaged)?;
        let (schema, _) = schema::build();
        if index.schema() != schema {
            return Err(Unusable::Damaged("its fields are of another version".to_owned()));
        }
        let payload: Payload = index
            .load_metas()
            .map_err(damaged)?
            .payload
            .and_then(|p| serde_json::from_str(&p).ok())
            .ok_or_else(|| Unusable::Damaged("it does not say its version".to_owned()))?;
        if payload.version != INDEX_VERSION {
            return Err(Unusable::Damaged(format!("it is of version {}", payload.version)));
        }
        let broken = index.validate_checksum().map_err(damaged)?;
        if !broken.is_empty() {
            return Err(Unusable::Damaged(format!("{} of its files are damaged", broken.len())));
        }
        let index = Self::over(index).map_err(|e| match e {
            TantivyError::LockFailure(LockError::LockBusy, _) => Unusable::Busy,
            other => Unusable::Damaged(other.to_string()),
        })?;
        Ok((index, payload.sequence))
    }

    fn over(index: Index) -> tantivy::Result<Self> {
        schema::register(&index);
        let (_, fields) = schema::build();
        let writer = index.writer_with_num_threads(1, WRITER_MEMORY)?;
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        Ok(Self { index, reader, writer: Mutex::new(writer), fields, dense: OnceLock::new() })
    }

    /// Applies changes in order as one commit and makes them visible to the next search.
    ///
    /// # Errors
    /// When the disk refuses; then none of these changes is applied.
    pub fn apply(&self, changes: &[Change], sequence: i64) -> anyhow::Result<()> {
        let mut writer = self.writer();
        if let Some(dense) = self.dense.get() {
            let added = changes.iter().filter_map(|change| match change {
                Change::Upsert { passages, .. } => Some(passages),
                Change::Remove { .. } => None,
            });
            dense.prepare(added.flatten())?;
        }
        if let Err(e) = self.write(&mut writer, changes, sequence) {
            writer.rollback().context("the index could not go back to its last commit")?;
            return Err(e);
        }
        self.reader.reload().context("the index did not show its last commit")?;
        match self.dense.get() {
            Some(dense) => dense.follow(self.reader.searcher()),
            None => Ok(()),
        }
    }

    fn write(
        &self,
        writer: &mut IndexWriter,
        changes: &[Change],
        sequence: i64,
    ) -> anyhow::Result<()> {
        let schema = self.index.schema();
        let mut analyzers = schema::Analyzers::new();
        for change in changes {
            let (Change::Upsert { document_id, .. } | Change::Remove { document_id }) = change;
            writer.delete_term(Term::from_field_text(self.fields.document, document_id));
            if let Change::Upsert { passages, .. } = change {
                for passage in passages {
                    let document = schema::document(
                        &self.fields,
                        &schema,
                        &mut analyzers,
                        document_id,
                        passage,
                    )?;
                    writer.add_document(document).context("a passage could not be indexed")?;
                }
            }
        }
        let mut commit = writer.prepare_commit().context("the index could not be written")?;
        let payload = Payload { version: INDEX_VERSION, sequence };
        commit.set_payload(&serde_json::to_string(&payload)?);
        commit.commit().context("the index could not be written")?;
        Ok(())
    }

    /// Finds the passages that best fit a question.
    ///
    /// # Errors
    /// When the index cannot be read from disk.
    pub fn search(&self, query: &Query) -> anyhow::Result<Found> {
        if let Some(dense) = self.dense.get()
            && let Some(near) = embedded::look(dense, query)
        {
            return search::search(near.searcher(), &self.fields, query, Some(&near));
        }
        search::search(&self.reader.searcher(), &self.fields, query, None)
    }

    /// How many passages the index holds.
    pub fn passages(&self) -> u64 {
        self.reader.searcher().num_docs()
    }

    fn writer(&self) -> MutexGuard<'_, IndexWriter> {
        // A panic while writing leaves uncommitted work at worst, and rollback clears that.
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Another process writes this index.
#[derive(Debug, thiserror::Error)]
#[error("the index in {} is in use by another process; stop it or choose another data folder", .0.display())]
pub struct IndexBusy(pub std::path::PathBuf);

enum Unusable {
    Busy,
    Damaged(String),
}

/// Removes the files of an index, nothing else: sub-folders are not ours.
fn empty(dir: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests;
