//! One order of what words found and what meaning found.

use super::rank::Ranked;
use super::terms::Concepts;
use crate::dense::Near;
use crate::embed::Kind;

/// What full likeness in meaning adds, per unit of the question's weight. Chosen on questions put
/// to three public bases; anything from 5 to 8 does about as well for sentences, from 4 to 6 for
/// words.
fn weight(kind: Kind) -> f64 {
    match kind {
        Kind::Sentences => 6.0,
        Kind::Words => 4.0,
    }
}

/// Gives each passage its likeness in meaning and orders by both.
///
/// The scores are added, not the ranks: how far ahead a passage is says more than that it is, on
/// either side. A passage whose vector is not there yet keeps what its words earned.
pub(crate) fn fuse(ranked: &mut [Ranked], concepts: &Concepts, near: &Near<'_>) {
    let total: f64 = concepts.list.iter().map(|c| c.weight).sum();
    // As in ranking: a question without a telling word has nothing to share.
    let total = if total > 0.0 { total } else { 1.0 };
    for r in ranked.iter_mut() {
        r.cosine = near.cosine(r.address);
        r.score += weight(near.kind) * total * r.cosine.unwrap_or_default().max(0.0);
    }
    ranked.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.address.cmp(&b.address)));
}
