//! The closer look: which of the question's words a passage holds, where, and how near each other.

use std::collections::HashMap;

use tantivy::postings::Postings;
use tantivy::schema::IndexRecordOption;
use tantivy::{DocAddress, DocSet, Searcher, TERMINATED};

use super::schema::{DOCUMENT_KEY, LENGTHS, Lengths, PROSE, Place};
use super::terms::Concepts;

/// What a synonym covers of the word that was asked.
const LIKE: f64 = 0.6;
/// How much full coverage of the question lifts a passage over mere frequency.
const COVERAGE: f64 = 2.0;
/// What a pair of neighbouring words found together adds, per unit of the rarer word's weight.
const PAIR: f64 = 1.0;
/// What a word in the heading path adds, per unit of its weight.
const HEADING: f64 = 0.6;
/// What a title made of the question's words adds, relative to the passage's score.
const TITLE: f64 = 0.3;
/// What the rest of an article, beyond its best passage, adds per unit of weight it covers.
const ARTICLE: f64 = 0.6;
/// How far below its score a mere list of links falls.
const LIST_PENALTY: f64 = 0.25;
/// Words apart at which two neighbours still stand together.
const NEAR: u32 = 3;
/// What the next passages of an article add to its best, relative to their own scores.
const FELLOWS: f64 = 0.1;

pub(crate) struct Candidate {
    pub(crate) address: DocAddress,
    pub(crate) bm25: f64,
}

/// A passage with its place in the order and the reasons for it.
#[derive(Debug, Clone)]
pub(crate) struct Ranked {
    pub(crate) address: DocAddress,
    pub(crate) document: u64,
    pub(crate) score: f64,
    pub(crate) bm25: f64,
    /// Share of the question's weight in title, heading and this passage.
    pub(crate) coverage: f64,
    /// The same over all candidate passages of the article.
    pub(crate) article: f64,
    /// Share of the question's neighbouring pairs that stand together here.
    pub(crate) pairs: f64,
    /// Share of the title's words that the question names.
    pub(crate) title: f64,
    /// Share of the question's weight found in the title or headings.
    pub(crate) named: f64,
    /// Weight share of the most telling word that is missing.
    pub(crate) missing: f64,
    /// How like the question it is in meaning, -1 to 1, when that is known.
    pub(crate) cosine: Option<f64>,
}

#[derive(Default, Clone)]
struct Seen {
    /// One bit a concept.
    title: u32,
    heading: u32,
    body: u32,
    /// Found as asked, not only by a synonym.
    asked: u32,
    /// Concept and position.
    positions: Vec<(usize, u32)>,
}

pub(crate) fn rank(
    searcher: &Searcher,
    concepts: &Concepts,
    candidates: Vec<Candidate>,
) -> anyhow::Result<Vec<Ranked>> {
    let total: f64 = concepts.list.iter().map(|c| c.weight).sum();
    if candidates.is_empty() {
        return Ok(Vec::new());
    }
    // Without a telling word only vectors found these; they share nothing with the question.
    let total = if total > 0.0 { total } else { 1.0 };
    let mut by_segment: HashMap<u32, Vec<usize>> = HashMap::new();
    for (i, c) in candidates.iter().enumerate() {
        by_segment.entry(c.address.segment_ord).or_default().push(i);
    }
    let mut seen = vec![Seen::default(); candidates.len()];
    let mut out = Vec::with_capacity(candidates.len());
    let mut facts = vec![(0u64, 100u64, Lengths::default()); candidates.len()];
    for (ord, mut members) in by_segment {
        members.sort_by_key(|i| candidates[*i].address.doc_id);
        let segment = searcher.segment_reader(ord);
        let keys = segment.fast_fields().u64(DOCUMENT_KEY)?;
        let prose = segment.fast_fields().u64(PROSE)?;
        let lengths = segment.fast_fields().u64(LENGTHS)?;
        for i in &members {
            let doc = candidates[*i].address.doc_id;
            facts[*i] = (
                keys.first(doc).unwrap_or(0),
                prose.first(doc).unwrap_or(100),
                Lengths::unpack(lengths.first(doc).unwrap_or(0)),
            );
        }
        let mut buffer = Vec::new();
        for (n, concept) in concepts.list.iter().enumerate() {
            for form in &concept.forms {
                let inverted = segment.inverted_index(form.term.field())?;
                let option = if form.code {
                    IndexRecordOption::WithFreqs
                } else {
                    IndexRecordOption::WithFreqsAndPositions
                };
                let Some(mut postings) = inverted.read_postings(&form.term, option)? else {
                    continue;
                };
                for i in &members {
                    let doc = candidates[*i].address.doc_id;
                    if postings.doc() < doc && postings.seek(doc) == TERMINATED {
                        break;
                    }
                    if postings.doc() != doc {
                        continue;
                    }
                    let s = &mut seen[*i];
                    let bit = 1u32 << n;
                    if form.factor >= 1.0 {
                        s.asked |= bit;
                    }
                    if form.code {
                        s.body |= bit;
                        continue;
                    }
                    let lengths = facts[*i].2;
                    buffer.clear();
                    postings.positions_with_offset(0, &mut buffer);
                    for position in buffer.iter().take(40) {
                        match lengths.place(*position) {
                            Place::Title => s.title |= bit,
                            Place::TitleAgain => continue,
                            Place::Heading => s.heading |= bit,
                            Place::Body => s.body |= bit,
                        }
                        s.positions.push((n, *position));
                    }
                }
            }
        }
    }

    let share = |mask: u32, asked: u32| -> f64 {
        let held: f64 = concepts
            .list
            .iter()
            .enumerate()
            .filter(|(n, _)| mask & (1 << n) != 0)
            .map(|(n, c)| if asked & (1 << n) != 0 { c.weight } else { c.weight * LIKE })
            .sum();
        held / total
    };
    let mut articles: HashMap<u64, (u32, u32)> = HashMap::new();
    for (s, (key, _, _)) in seen.iter().zip(&facts) {
        let (mask, asked) = articles.entry(*key).or_default();
        *mask |= s.title | s.heading | s.body;
        *asked |= s.asked;
    }
    let neighbours = neighbours(concepts);
    for ((candidate, s), (key, prose, lengths)) in candidates.iter().zip(&seen).zip(&facts) {
        let mask = s.title | s.heading | s.body;
        let coverage = share(mask, s.asked);
        let (whole, asked) = articles.get(key).copied().unwrap_or((mask, s.asked));
        let article = share(whole, asked);
        let (pair_weight, pairs) = pairs(concepts, &neighbours, s);
        let title = if lengths.title == 0 {
            0.0
        } else {
            let asked = f64::from((s.title & s.asked).count_ones());
            let like = f64::from((s.title & !s.asked).count_ones());
            ((asked + LIKE * like) / f64::from(lengths.title)).min(1.0)
        };
        let missing = concepts
            .list
            .iter()
            .enumerate()
            .filter(|(n, _)| mask & (1 << n) == 0)
            .map(|(_, c)| c.weight)
            .fold(0.0, f64::max)
            / total;
        let named = share(s.title | s.heading, s.asked);
        let mut score = candidate.bm25 * (1.0 + COVERAGE * coverage)
            + HEADING * share(s.heading, s.asked) * total
            + PAIR * pair_weight
            + ARTICLE * (article - coverage) * total;
        score *= 1.0 + TITLE * title * share(s.title, s.asked).sqrt();
        if *prose < 40 {
            score *= 1.0 - LIST_PENALTY * (1.0 - *prose as f64 / 40.0);
        }
        out.push(Ranked {
            address: candidate.address,
            document: *key,
            score,
            bm25: candidate.bm25,
            coverage,
            article,
            pairs,
            title,
            named,
            missing,
            cosine: None,
        });
    }
    aggregate(&mut out);
    out.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.address.cmp(&b.address)));
    Ok(out)
}

/// Lifts every passage by what its article's other passages score: an article that speaks of the
/// matter throughout is likelier the answer than one that mentions it once.
fn aggregate(ranked: &mut [Ranked]) {
    let mut scores: HashMap<u64, Vec<f64>> = HashMap::new();
    for r in ranked.iter() {
        scores.entry(r.document).or_default().push(r.score);
    }
    for list in scores.values_mut() {
        list.sort_by(|a, b| b.total_cmp(a));
    }
    for r in ranked {
        let Some(list) = scores.get(&r.document) else { continue };
        let others = list.iter().skip(1).zip([1.0, 0.5, 0.25]);
        r.score += FELLOWS * others.map(|(s, share)| s * share).sum::<f64>();
    }
}

/// Concepts that follow each other in the question, with at most two small words between.
fn neighbours(concepts: &Concepts) -> Vec<(usize, usize)> {
    concepts
        .list
        .windows(2)
        .enumerate()
        .filter(|(_, w)| w[1].order != usize::MAX && w[1].order - w[0].order <= 3)
        .map(|(i, _)| (i, i + 1))
        .collect()
}

fn pairs(concepts: &Concepts, neighbours: &[(usize, usize)], s: &Seen) -> (f64, f64) {
    let (mut found, mut all) = (0.0, 0.0);
    for (a, b) in neighbours {
        let weight = concepts.list[*a].weight.min(concepts.list[*b].weight);
        all += weight;
        let near = s
            .positions
            .iter()
            .filter(|(n, _)| n == a)
            .any(|(_, p)| s.positions.iter().any(|(m, q)| m == b && p.abs_diff(*q) <= NEAR));
        if near {
            found += weight;
        }
    }
    (found, if all > 0.0 { found / all } else { 0.0 })
}
