//! What of the index a reader may know of: which passages, and how often words occur in
//! them. A rare word of other people's articles must weigh no more than one that is in
//! none, or a reader could tell the two apart by how certain an answer is.

use std::collections::HashSet;

use tantivy::columnar::StrColumn;
use tantivy::query::Bm25StatisticsProvider;
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocId, DocSet as _, Searcher, SegmentReader, TERMINATED, Term};

use super::schema::AUDIENCE;

/// A word in more passages than this counts as often as it occurs anywhere: counting those
/// the reader may know would take time, and so common a word tells nothing.
const RARE: u64 = 500;

/// One reader's view of one state of the index.
pub(crate) struct Visible<'a> {
    searcher: &'a Searcher,
    /// One for each segment, in order.
    pub(crate) segments: Vec<Permitted>,
    all: bool,
}

impl<'a> Visible<'a> {
    pub(crate) fn new(searcher: &'a Searcher, audiences: &[String]) -> anyhow::Result<Self> {
        let segments = searcher.segment_readers().iter();
        let segments: Vec<Permitted> =
            segments.map(|s| Permitted::new(s, audiences)).collect::<Result<_, _>>()?;
        let all = segments.iter().all(|permitted| permitted.all);
        Ok(Visible { searcher, segments, all })
    }

    /// Passages with `term`, as far as this reader may know.
    pub(crate) fn doc_freq(&self, term: &Term) -> tantivy::Result<u64> {
        let anywhere = self.searcher.doc_freq(term)?;
        if self.all || anywhere == 0 || anywhere > RARE {
            return Ok(anywhere);
        }
        let mut count = 0;
        for (permitted, segment) in self.segments.iter().zip(self.searcher.segment_readers()) {
            if permitted.none() {
                continue;
            }
            let inverted = segment.inverted_index(term.field())?;
            let Some(mut postings) = inverted.read_postings(term, IndexRecordOption::Basic)? else {
                continue;
            };
            if permitted.all {
                count += u64::from(postings.doc_freq());
                continue;
            }
            let mut doc = postings.doc();
            while doc != TERMINATED {
                count += u64::from(permitted.allows(segment, doc));
                doc = postings.advance();
            }
        }
        Ok(count)
    }
}

impl Bm25StatisticsProvider for Visible<'_> {
    fn total_num_tokens(&self, field: Field) -> tantivy::Result<u64> {
        Bm25StatisticsProvider::total_num_tokens(self.searcher, field)
    }

    fn total_num_docs(&self) -> tantivy::Result<u64> {
        Bm25StatisticsProvider::total_num_docs(self.searcher)
    }

    fn doc_freq(&self, term: &Term) -> tantivy::Result<u64> {
        Visible::doc_freq(self, term)
    }
}

/// The permission filter of one segment.
pub(crate) struct Permitted {
    column: Option<StrColumn>,
    ordinals: HashSet<u64>,
    /// Every audience that occurs is permitted: the usual case in a small company.
    all: bool,
}

impl Permitted {
    fn new(segment: &SegmentReader, audiences: &[String]) -> anyhow::Result<Self> {
        let column = segment.fast_fields().str(AUDIENCE)?;
        let mut ordinals = HashSet::new();
        let mut all = false;
        if let Some(column) = &column {
            for audience in audiences {
                if let Some(ordinal) = column.dictionary().term_ord(audience.as_bytes())? {
                    ordinals.insert(ordinal);
                }
            }
            all = ordinals.len() == column.num_terms();
        }
        Ok(Self { column, ordinals, all })
    }

    pub(crate) fn none(&self) -> bool {
        self.ordinals.is_empty()
    }

    pub(crate) fn allows(&self, segment: &SegmentReader, doc: DocId) -> bool {
        if segment.is_deleted(doc) {
            return false;
        }
        self.all
            || self.column.as_ref().is_some_and(|column| {
                column.ords().first(doc).is_some_and(|ord| self.ordinals.contains(&ord))
            })
    }
}
