//! The dense part of an index: a vector for each content that passages have, kept beside the
//! index and searched exactly.
//!
//! Vectors belong to contents, not to passages: an article that is read again unchanged, moved or
//! copied costs nothing. What stands for what, who may read it and what is gone is taken from the
//! index itself whenever it changes (`view`), so both halves of a search always speak of one state.

mod table;
mod view;

use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use anyhow::Context as _;
use sha2::{Digest as _, Sha256};
use tantivy::{DocAddress, Searcher};

use crate::embed::{Embedder, Kind, normalise};
use crate::index::IndexedPassage;
use table::{Quantised, Table};
use view::View;

/// The file in the folder given for vectors.
const FILE: &str = "passages.vec";
/// Share of the passages that must have a vector before searches use them: with fewer, an article
/// would be preferred merely because its turn came first.
const READY: f64 = 0.95;
/// Share of the passages whose new vectors are taken up together: a view of all of them takes a
/// moment to make.
const TAKE_UP: f64 = 0.01;
/// What earlier messages count beside the question.
const THREAD: f32 = 0.4;

/// How far the vectors have come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Passages that have their vector.
    pub embedded: u64,
    pub passages: u64,
}

impl Progress {
    /// Nothing is left to compute.
    pub fn complete(&self) -> bool {
        self.embedded >= self.passages
    }
}

pub(crate) struct Dense {
    embedder: Arc<Embedder>,
    state: RwLock<State>,
    /// Held by whoever changes the state, so that a view is built while searches go on.
    changing: Mutex<()>,
}

struct State {
    table: Table,
    view: View,
}

impl State {
    /// Contents still to be computed.
    fn unseen(&self) -> impl Iterator<Item = &(u64, DocAddress)> {
        self.view.missing().iter().filter(|(key, _)| self.table.slot(*key).is_none())
    }

    /// Vectors that are there and not in the view yet.
    fn fresh(&self) -> usize {
        self.view.missing().len() - self.unseen().count()
    }
}

/// Where an index keeps its vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vectors<'a> {
    InMemory,
    /// In a file in this folder, which nobody else writes.
    Owned(&'a Path),
    /// Looked up in a file that another process may be writing; what is computed beside it is kept
    /// in memory.
    Shared(&'a Path),
}

impl Dense {
    /// Takes up the vectors that are there.
    pub(crate) fn open(
        embedder: Arc<Embedder>,
        vectors: Vectors<'_>,
        searcher: Searcher,
    ) -> anyhow::Result<Self> {
        let table = open_table(vectors, &embedder)?;
        let view = View::new(searcher, &table)?;
        Ok(Self { embedder, state: RwLock::new(State { table, view }), changing: Mutex::new(()) })
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn changing(&self) -> std::sync::MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the table and then, by what it holds, the view.
    fn change(
        &self,
        searcher: Searcher,
        table: impl FnOnce(&mut Table) -> std::io::Result<()>,
    ) -> anyhow::Result<()> {
        let mut state = self.write();
        let changed = table(&mut state.table);
        state.view = View::new(searcher, &state.table)?;
        changed.context("the vectors cannot be written")
    }

    /// Vectors come with the passages, so that none is ever missing for long.
    pub(crate) fn at_once(&self) -> bool {
        self.embedder.kind() == Kind::Words
    }

    /// Computes the vectors of passages about to be indexed, when that takes next to no time.
    pub(crate) fn prepare<'p>(
        &self,
        passages: impl Iterator<Item = &'p IndexedPassage>,
    ) -> anyhow::Result<()> {
        if !self.at_once() {
            return Ok(());
        }
        let _changing = self.changing();
        let mut fresh: Vec<(u64, String)> = {
            let state = self.read();
            let keyed = passages.map(|p| {
                let content = content(p);
                (key(&content), content)
            });
            keyed.filter(|(key, _)| state.table.slot(*key).is_none()).collect()
        };
        fresh.sort_by_key(|(key, _)| *key);
        fresh.dedup_by_key(|(key, _)| *key);
        let texts: Vec<&str> = fresh.iter().map(|(_, content)| content.as_str()).collect();
        let vectors = self.embedder.embed_passages(&texts)?;
        let mut state = self.write();
        let mut both = fresh.iter().zip(&vectors);
        both.try_for_each(|((key, _), vector)| state.table.insert(*key, vector))
            .context("the vectors cannot be written")
    }

    /// Follows the index to a new state.
    pub(crate) fn follow(&self, searcher: Searcher) -> anyhow::Result<()> {
        let _changing = self.changing();
        // Built beside the searches: the table only changes under the same lock.
        let view = View::new(searcher, &self.read().table)?;
        self.write().view = view;
        Ok(())
    }

    /// Forgets the vectors of contents that are gone.
    pub(crate) fn forget(&self) -> anyhow::Result<()> {
        let _changing = self.changing();
        let (stale, searcher) = {
            let state = self.read();
            (state.view.stale(&state.table), state.view.searcher.clone())
        };
        if stale.is_empty() {
            return Ok(());
        }
        self.change(searcher, |table| stale.iter().try_for_each(|key| table.remove(*key)))
    }

    /// Computes the vectors of up to `most` contents, read by `passage`.
    pub(crate) fn embed_some(
        &self,
        most: usize,
        passage: impl Fn(&Searcher, DocAddress) -> anyhow::Result<IndexedPassage>,
    ) -> anyhow::Result<Progress> {
        let (mut texts, mut keys) = (Vec::new(), Vec::new());
        {
            let state = self.read();
            for (key, address) in state.unseen().take(most) {
                texts.push(content(&passage(&state.view.searcher, *address)?));
                keys.push(*key);
            }
        }
        if !keys.is_empty() {
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let vectors = self.embedder.embed_passages(&texts)?;
            let _changing = self.changing();
            // What was removed meanwhile stays forgotten.
            let wanted: HashSet<u64> = {
                let asked: HashSet<u64> = keys.iter().copied().collect();
                let state = self.read();
                state.unseen().map(|(key, _)| *key).filter(|key| asked.contains(key)).collect()
            };
            let mut fresh = keys.iter().zip(&vectors).filter(|(key, _)| wanted.contains(key));
            fresh
                .try_for_each(|(key, vector)| self.write().table.insert(*key, vector))
                .context("the vectors cannot be written")?;
            self.take_up()?;
        }
        Ok(self.progress())
    }

    /// Lets searches see the vectors that came since the view was made, when there are enough to
    /// be worth the trouble or none is left to come.
    fn take_up(&self) -> anyhow::Result<()> {
        let view = {
            let state = self.read();
            let (fresh, missing) = (state.fresh(), state.view.missing().len());
            let enough = fresh as f64 >= TAKE_UP * state.view.searcher.num_docs() as f64;
            if fresh == 0 || (!enough && fresh < missing) {
                return Ok(());
            }
            View::new(state.view.searcher.clone(), &state.table)?
        };
        self.write().view = view;
        Ok(())
    }

    pub(crate) fn progress(&self) -> Progress {
        let state = self.read();
        let passages = state.view.searcher.num_docs();
        let embedded = (state.view.embedded() + state.fresh()) as u64;
        Progress { embedded: embedded.min(passages), passages }
    }

    /// Whether vectors say something about this text.
    pub(crate) fn understands(&self, text: &str) -> bool {
        self.embedder.understands(text)
    }

    /// The question beside the vectors it is compared with; `None` while there are too few.
    pub(crate) fn look(&self, text: &str, thread: &[String]) -> anyhow::Result<Option<Near<'_>>> {
        let progress = self.progress();
        if text.trim().is_empty()
            || progress.embedded == 0
            || (progress.embedded as f64) < READY * progress.passages as f64
        {
            return Ok(None);
        }
        let query = Quantised::new(&self.question(text, thread)?);
        Ok(Some(Near { kind: self.embedder.kind(), state: self.read(), query }))
    }

    /// A question's vector, drawn towards what was said before it.
    fn question(&self, text: &str, thread: &[String]) -> anyhow::Result<Vec<f32>> {
        let Some(before) = thread.last().filter(|t| !t.trim().is_empty()) else {
            return Ok(self.embedder.embed(&[text])?.remove(0));
        };
        let vectors = self.embedder.embed(&[text, before])?;
        let mut sum: Vec<f32> =
            vectors[0].iter().zip(&vectors[1]).map(|(now, then)| now + THREAD * then).collect();
        normalise(&mut sum);
        Ok(sum)
    }
}

fn open_table(vectors: Vectors<'_>, embedder: &Embedder) -> anyhow::Result<Table> {
    let (folder, own) = match vectors {
        Vectors::InMemory => return Ok(Table::in_memory(embedder.dimension())),
        Vectors::Owned(folder) => (folder, true),
        Vectors::Shared(folder) => (folder, false),
    };
    if own {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("the folder {} cannot be made", folder.display()))?;
    }
    let path = folder.join(FILE);
    Table::open(&path, embedder.id_bytes(), embedder.dimension(), own)
        .with_context(|| format!("the vectors in {} cannot be read", path.display()))
}

/// A search's view of the vectors. Changes wait while it is held.
pub(crate) struct Near<'a> {
    pub(crate) kind: Kind,
    state: RwLockReadGuard<'a, State>,
    query: Quantised,
}

impl Near<'_> {
    /// The `count` nearest passages these audiences may read, nearest first.
    pub(crate) fn nearest(&self, audiences: &[String], count: usize) -> Vec<DocAddress> {
        self.state.view.nearest(&self.state.table, &self.query, audiences, count)
    }

    /// The state of the index all addresses speak of.
    pub(crate) fn searcher(&self) -> &Searcher {
        &self.state.view.searcher
    }

    /// How like the question a passage is, -1 to 1; `None` when it has no vector yet.
    pub(crate) fn cosine(&self, at: DocAddress) -> Option<f64> {
        self.state.view.cosine(&self.state.table, &self.query, at).map(f64::from)
    }
}

/// The text that stands for a passage: title and headings say what it is about.
fn content(p: &IndexedPassage) -> String {
    let heading = p.heading.strip_prefix(p.title.as_str()).unwrap_or(&p.heading);
    let heading = heading.trim_start_matches(" > ").replace(" > ", ". ");
    let parts = [p.title.as_str(), heading.as_str(), p.text.as_str()];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(". ")
}

/// A number for the text that stands for a passage. Eight bytes of its SHA-256: two of a million
/// contents share one with a chance of one in ten million, and then only rank alike.
pub(crate) fn content_key(p: &IndexedPassage) -> u64 {
    key(&content(p))
}

fn key(content: &str) -> u64 {
    let hash = Sha256::digest(content);
    hash.first_chunk::<8>().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// How far the vectors in `folder` have come for the index `searcher` reads; a process that may
/// not write either asks this.
pub(crate) fn progress_on_disk(
    folder: &Path,
    embedder: &Embedder,
    searcher: Searcher,
) -> anyhow::Result<Progress> {
    let table = open_table(Vectors::Shared(folder), embedder)?;
    let passages = searcher.num_docs();
    let view = View::new(searcher, &table)?;
    Ok(Progress { embedded: view.embedded() as u64, passages })
}

#[cfg(test)]
mod tests;
