//! How likely it is that what was found answers the question.

use super::rank::Ranked;
use super::terms::Concepts;
use crate::embed::Kind;

/// What is known about a result; each is a share from 0 to 1 unless said otherwise.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Signals {
    /// Of the question's weight, in the best passage, its heading and title.
    pub coverage: f64,
    /// Of the question's weight, anywhere in the best article's candidate passages.
    pub article: f64,
    /// Of the question's neighbouring words, standing together in the best passage.
    pub pairs: f64,
    /// Of the best title's words, named by the question.
    pub title: f64,
    /// Of the question's weight, in title or headings.
    pub named: f64,
    /// Weight of the most telling word that is missing.
    pub missing: f64,
    /// BM25 of the best passage for each unit of the question's weight; 0 to about 3.
    pub density: f64,
    /// How far the next article lies behind.
    pub gap: f64,
    /// Number of telling words in the question.
    pub words: f64,
    /// How like the question the nearest passage is in meaning, -1 to 1; with embeddings only.
    pub likeness: Option<f64>,
}

/// Reads the signals off a ranking, best passage first.
pub(crate) fn signals(concepts: &Concepts, ranked: &[Ranked]) -> Signals {
    let Some(best) = ranked.first() else { return Signals::default() };
    let total: f64 = concepts.list.iter().map(|c| c.weight).sum();
    let next = ranked.iter().find(|r| r.document != best.document).map_or(0.0, |r| r.score);
    Signals {
        coverage: best.coverage,
        article: best.article,
        pairs: best.pairs,
        title: best.title,
        named: best.named,
        missing: best.missing,
        density: best.bm25 / total.max(1e-9),
        gap: (best.score - next) / best.score.max(1e-9),
        words: concepts.list.iter().filter(|c| c.role > 0.5).count() as f64,
        likeness: ranked.iter().filter_map(|r| r.cosine).max_by(f64::total_cmp),
    }
}

/// A fixed logistic formula over the signals.
///
/// The weights come from a logistic regression (classes weighted equally, none allowed against its
/// meaning) over the description sentences of a public support base, half of its asked articles
/// taken out and descriptions kept out of the index, each with three to seven tenths of its words
/// left and a chat's courtesies put around them, and over questions about other subjects
/// altogether. "Answerable" was: the right article is among the first five. The constant stands so
/// that about 85 % of those pass one half and two thirds of the others do not.
pub(crate) fn probability(s: &Signals, vectors: Option<Kind>) -> f64 {
    // With few articles the next one is always far behind; a lead counts for what is covered.
    let lead = s.gap.min(s.coverage);
    let z = CONSTANT
        + 0.36 * s.coverage
        + 2.48 * s.pairs
        + 2.64 * s.title
        + 1.5 * s.named
        + 3.57 * lead;
    // What the nearest passage means, and how well the words of the one put first agree.
    if let (Some(likeness), Some(kind)) = (s.likeness, vectors) {
        let neutral = match kind {
            Kind::Sentences => 0.446,
            Kind::Words => 0.64,
        };
        let z = AGREEMENT * z + LIKENESS * (likeness - neutral);
        return 1.0 / (1.0 + (-z).exp());
    }
    if s.coverage == 0.0 {
        return 0.0;
    }
    // Outside what the regression saw: an article that shares almost nothing with the question is
    // no answer, however far the next one lies behind.
    let shared = (s.article / 0.25).min(1.0);
    shared / (1.0 + (-z).exp())
}

/// The formula's constant.
const CONSTANT: f64 = -2.15;
/// With vectors: what the formula over the words counts, and what likeness does beyond the one
/// that speaks neither for nor against. From a logistic regression over ninety questions to three
/// public bases, a third of them without an answer there; one base at a time left out, it told
/// them apart about as well.
const AGREEMENT: f64 = 0.7;
const LIKENESS: f64 = 14.0;
