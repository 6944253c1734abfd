//! One order of what words found and what meaning found.

use super::rank::Ranked;
use super::terms::Concepts;
use crate::dense::Near;

/// What likeness in meaning adds, per unit of the question's weight.
const WEIGHT: f64 = 1.0;
/// Likeness that any two texts of one base have.
const FLOOR: f64 = 0.2;

/// Gives each passage its likeness in meaning and orders by both.
pub(crate) fn fuse(ranked: &mut [Ranked], concepts: &Concepts, near: &Near<'_>) {
    let total: f64 = concepts.list.iter().map(|c| c.weight).sum();
    let total = if total > 0.0 { total } else { 1.0 };
    for r in ranked.iter_mut() {
        r.cosine = near.cosine(r.address);
        let likeness = (r.cosine.unwrap_or(0.0) - FLOOR).max(0.0);
        r.score += WEIGHT * likeness * total;
    }
    ranked.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.address.cmp(&b.address)));
}
