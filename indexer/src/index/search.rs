//! Candidates by BM25 over the permitted passages, then a closer look at the best of them.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};

use tantivy::query::{BooleanQuery, BoostQuery, EnableScoring, Occur, Query as _, TermQuery};
use tantivy::schema::{IndexRecordOption, Value as _};
use tantivy::{DocAddress, Score, Searcher, TantivyDocument};

use super::rank::{self, Candidate};
use super::schema::Fields;
use super::terms::{self, Concept, Concepts};
use super::visible::Visible;
use super::{Found, Hit, IndexedPassage, Query, answerable, fuse, snippet};
use crate::dense::Near;

/// Passages looked at closely.
const CANDIDATES: usize = 50;
/// Nearest passages in meaning that join them.
const NEAREST: usize = 40;
/// A word in a larger share of all passages finds nothing by itself.
const COMMON: f64 = 0.15;
/// Words of a question by which passages are found, the most telling ones.
const TELLING: usize = 7;
/// Passages of one document among the hits: more would push other articles out.
const PER_DOCUMENT: usize = 3;

/// A form of a word that was asked, with what it counts.
type Word = Box<dyn tantivy::query::Query>;

/// `near` holds what is like the question in meaning, when there are embeddings; its addresses are
/// those of `searcher`.
pub(crate) fn search(
    searcher: &Searcher,
    fields: &Fields,
    query: &Query,
    near: Option<&Near<'_>>,
) -> anyhow::Result<Found> {
    if query.limit == 0 || query.audiences.is_empty() || searcher.num_docs() == 0 {
        return Ok(Found::default());
    }
    let visible = Visible::new(searcher, &query.audiences)?;
    let concepts = terms::concepts(searcher, &visible, fields, query)?;
    let asked = asked(searcher, &concepts);
    let scoring = EnableScoring::enabled_from_statistics_provider(&visible, searcher);
    let mut candidates = best(searcher, &asked, scoring, &visible)?;
    if let Some(near) = near {
        let nearest = near.nearest(&query.audiences, NEAREST);
        add_near(searcher, &asked, scoring, &nearest, &mut candidates)?;
    }
    let mut ranked = rank::rank(searcher, &concepts, candidates)?;
    if let Some(near) = near {
        fuse::fuse(&mut ranked, &concepts, near);
    }
    let signals = answerable::signals(&concepts, &ranked);
    let mut found = Found {
        hits: Vec::new(),
        answerable: answerable::probability(&signals, near.map(|near| near.kind)),
        coverage: signals.coverage,
        signals,
    };
    let mut per_document: Vec<(u64, usize)> = Vec::new();
    for r in &ranked {
        if found.hits.len() >= query.limit {
            break;
        }
        let count = match per_document.iter_mut().find(|(key, _)| *key == r.document) {
            Some((_, count)) => count,
            None => {
                per_document.push((r.document, 0));
                let last = per_document.len() - 1;
                &mut per_document[last].1
            }
        };
        *count += 1;
        if *count > PER_DOCUMENT {
            continue;
        }
        let stored: TantivyDocument = searcher.doc(r.address)?;
        let Some(data) = stored.get_first(fields.data).and_then(|v| v.as_str()) else { continue };
        let passage: IndexedPassage = serde_json::from_str(data)?;
        let snippet = snippet::snippet(&passage.text, &concepts);
        found.hits.push(Hit { passage, score: r.score as f32, snippet });
    }
    Ok(found)
}

/// The words by which passages are found, each scored by BM25; none when the index holds no word
/// of the question.
fn asked(searcher: &Searcher, concepts: &Concepts) -> Vec<Word> {
    // Small verbs and words that stand nearly everywhere cannot find an article by themselves;
    // beside telling words they only cost time here and count later, in the closer look.
    let common = (searcher.num_docs() as f64 * COMMON) as u64;
    // A word the index does not know finds nothing, however rare.
    let known = concepts.list.iter().filter(|c| !c.forms.is_empty());
    let telling = |c: &&Concept| c.role > 0.5 && c.forms.iter().all(|f| f.df <= common.max(8));
    let enough = known.clone().filter(telling).count() >= 3;
    let mut asked: Vec<&Concept> = known.filter(|c| !enough || telling(c)).collect();
    // Of a long question the least telling words only cost time, like the common ones.
    asked.sort_by(|a, b| b.weight.total_cmp(&a.weight));
    asked.truncate(TELLING);
    let mut words: Vec<Word> = Vec::new();
    for concept in asked {
        for form in &concept.forms {
            let term = TermQuery::new(form.term.clone(), IndexRecordOption::WithFreqs);
            let boost = (concept.role * form.factor) as f32;
            words.push(Box::new(BoostQuery::new(Box::new(term), boost)));
        }
    }
    words
}

/// The best permitted passages by BM25. A passage of another audience never takes a place among
/// them, and pruning still skips most of the rest.
fn best(
    searcher: &Searcher,
    asked: &[Word],
    scoring: EnableScoring<'_>,
    visible: &Visible<'_>,
) -> anyhow::Result<Vec<Candidate>> {
    if asked.is_empty() {
        return Ok(Vec::new());
    }
    let any = asked.iter().map(|word| (Occur::Should, word.box_clone())).collect();
    let weight = BooleanQuery::new(any).weight(scoring)?;
    let mut best: BinaryHeap<Reverse<(Ordered, DocAddress)>> = BinaryHeap::new();
    let segments = searcher.segment_readers().iter().zip(&visible.segments);
    for (ord, (segment, permitted)) in segments.enumerate() {
        if permitted.none() {
            continue;
        }
        let start = threshold(&best);
        weight.for_each_pruning(start, segment, &mut |doc, score| {
            if permitted.allows(segment, doc) {
                let entry = (Ordered(score), DocAddress::new(ord as u32, doc));
                best.push(Reverse(entry));
                if best.len() > CANDIDATES {
                    best.pop();
                }
            }
            threshold(&best)
        })?;
    }
    let mut out: Vec<Candidate> = best
        .into_iter()
        .map(|Reverse((score, address))| Candidate { address, bm25: f64::from(score.0) })
        .collect();
    out.sort_by(|a, b| b.bm25.total_cmp(&a.bm25).then(a.address.cmp(&b.address)));
    Ok(out)
}

/// Adds the passages that only the vectors found, with the BM25 they have all the same.
fn add_near(
    searcher: &Searcher,
    asked: &[Word],
    scoring: EnableScoring<'_>,
    nearest: &[DocAddress],
    candidates: &mut Vec<Candidate>,
) -> anyhow::Result<()> {
    let known: HashSet<DocAddress> = candidates.iter().map(|c| c.address).collect();
    let mut fresh: Vec<Candidate> = nearest
        .iter()
        .filter(|address| !known.contains(address))
        .map(|address| Candidate { address: *address, bm25: 0.0 })
        .collect();
    fresh.sort_by_key(|candidate| candidate.address);
    // Word by word: a few documents are sooner sought in each than in their union.
    for word in asked {
        let weight = word.weight(scoring)?;
        for segment in fresh.chunk_by_mut(|a, b| a.address.segment_ord == b.address.segment_ord) {
            let reader = searcher.segment_reader(segment[0].address.segment_ord);
            let mut scorer = weight.scorer(reader, 1.0)?;
            for Candidate { address, bm25 } in segment {
                if scorer.doc() < address.doc_id {
                    scorer.seek(address.doc_id);
                }
                if scorer.doc() == address.doc_id {
                    *bm25 += f64::from(scorer.score());
                }
            }
        }
    }
    candidates.append(&mut fresh);
    Ok(())
}

fn threshold(best: &BinaryHeap<Reverse<(Ordered, DocAddress)>>) -> Score {
    match best.peek() {
        Some(Reverse((score, _))) if best.len() >= CANDIDATES => score.0,
        _ => Score::MIN,
    }
}

/// Scores are never NaN; this gives them the order the heap needs.
#[derive(PartialEq)]
struct Ordered(Score);

impl Eq for Ordered {}

impl PartialOrd for Ordered {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ordered {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}
