//! A second opinion on the kind: naive Bayes over the same features. It errs elsewhere
//! than the linear model, so both together do better than either.

use super::features::Sparse;

/// Pseudo-count of a feature in a class.
const SMOOTHING: f32 = 0.5;

#[derive(Default)]
/// For each feature row its weight of evidence for each class.
pub(super) struct Bayes {
    classes: usize,
    evidence: Vec<f32>,
}

impl Bayes {
    /// Trains on vectors of rows (below `rows`) with their class.
    pub(super) fn train<'v>(
        samples: impl Iterator<Item = (&'v Sparse, usize)>,
        rows: usize,
        classes: usize,
    ) -> Bayes {
        let mut evidence = vec![SMOOTHING; rows * classes];
        let mut totals = vec![SMOOTHING * rows as f32; classes];
        for (vector, class) in samples {
            for (row, value) in vector {
                evidence[*row as usize * classes + class] += value;
                totals[class] += value;
            }
        }
        for row in evidence.chunks_exact_mut(classes) {
            for (e, total) in row.iter_mut().zip(&totals) {
                *e = (*e / total).ln();
            }
            let mean = row.iter().sum::<f32>() / classes as f32;
            row.iter_mut().for_each(|e| *e -= mean);
        }
        Bayes { classes, evidence }
    }

    /// Evidence for each class, summed over the vector.
    pub(super) fn score(&self, vector: &Sparse) -> Vec<f32> {
        let mut scores = vec![0.0; self.classes];
        for (row, value) in vector {
            let at = *row as usize * self.classes;
            for (s, e) in scores.iter_mut().zip(&self.evidence[at..at + self.classes]) {
                *s += e * value;
            }
        }
        scores
    }
}
