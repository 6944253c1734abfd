//! An index with embeddings: what joins the dense part to it.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use tantivy::schema::Value as _;
use tantivy::{DocAddress, Searcher, TantivyDocument};

use super::{IndexedPassage, LocalIndex, Query, terms};
use crate::dense::{self, Dense, Near, Progress, Vectors};
use crate::embed::Embedder;

/// Passages read in one go when their vectors take next to no time.
const AT_ONCE: usize = 10_000;

impl LocalIndex {
    /// Lets searches find by meaning too. The vectors that are not there yet are computed by
    /// [`embed_some`](Self::embed_some); until nearly all are, searches are as without. With
    /// [`Embedder::english`] they are computed here and whenever something is indexed. Only the
    /// first call has an effect.
    ///
    /// # Errors
    /// When the folder for the vectors cannot be read or written.
    pub fn use_embeddings(
        &self,
        embedder: Arc<Embedder>,
        vectors: Vectors<'_>,
    ) -> anyhow::Result<()> {
        // No change is applied between reading the state and following the next.
        let _writer = self.writer();
        if self.dense.get().is_none() {
            let dense = Dense::open(embedder, vectors, self.reader.searcher())?;
            // Nobody else sets it: the writer is held.
            let dense = self.dense.get_or_init(|| dense);
            if dense.at_once() {
                let read = |searcher: &Searcher, at: DocAddress| self.passage(searcher, at);
                let mut before = None;
                // Ends too when some passage can have no vector, whatever the reason.
                while before != Some(dense.progress()) {
                    before = Some(dense.progress());
                    dense.embed_some(AT_ONCE, read)?;
                }
            }
        }
        Ok(())
    }

    /// Computes the vectors of up to `most` passages and keeps them; to be called until
    /// [`Progress::complete`]. A small model does some twenty a second, while searches and
    /// changes go on. What is done stays done if the process ends. `None` without embeddings.
    ///
    /// # Errors
    /// When a passage cannot be read, or the vectors' file not be written.
    pub fn embed_some(&self, most: usize) -> anyhow::Result<Option<Progress>> {
        let read = |searcher: &Searcher, at: DocAddress| self.passage(searcher, at);
        self.dense.get().map(|dense| dense.embed_some(most, read)).transpose()
    }

    /// Removes the vectors of passages that are gone; to be called when the index has caught up.
    ///
    /// # Errors
    /// When the vectors' file cannot be written.
    pub fn forget_removed(&self) -> anyhow::Result<()> {
        self.dense.get().map_or(Ok(()), Dense::forget)
    }

    /// How far the vectors have come; `None` when there are none that take time.
    pub fn embedded(&self) -> Option<Progress> {
        self.dense.get().filter(|dense| !dense.at_once()).map(Dense::progress)
    }

    /// How far the vectors in `vectors` have come for the index in `dir`, which another process
    /// may own; `None` when there is no index.
    ///
    /// # Errors
    /// When either cannot be read.
    pub fn embedded_on_disk(
        dir: &Path,
        vectors: &Path,
        embedder: &Embedder,
    ) -> anyhow::Result<Option<Progress>> {
        if Self::sequence_on_disk(dir).is_none() {
            return Ok(None);
        }
        let index = tantivy::Index::open_in_dir(dir).context("the index cannot be read")?;
        let searcher = index.reader().context("the index cannot be read")?.searcher();
        dense::progress_on_disk(vectors, embedder, searcher).map(Some)
    }

    fn passage(&self, searcher: &Searcher, at: DocAddress) -> anyhow::Result<IndexedPassage> {
        let stored: TantivyDocument = searcher.doc(at)?;
        let data = stored.get_first(self.fields.data).and_then(|v| v.as_str());
        Ok(serde_json::from_str(data.context("a passage in the index is empty")?)?)
    }
}

/// What is near the question; without it a search still finds by words.
pub(super) fn look<'a>(dense: &'a Dense, query: &Query) -> Option<Near<'a>> {
    // In this order: few texts of another language pass the first test, and the second is slower.
    if !dense.understands(&query.text) || (dense.at_once() && terms::language(query) != "en") {
        return None;
    }
    dense.look(&query.text, &query.thread).unwrap_or_else(|error| {
        tracing::warn!(error = format!("{error:#}"), "a question could not be embedded");
        None
    })
}
