//! Corrections count at once: a request close to a corrected one takes its labels.

use std::collections::HashMap;

use crate::triage::Example;

use super::features::{Counts, Sparse};
use super::linear::Linear;

/// Cosine similarity at which a correction and the engine's own reading weigh the same.
const EVEN: f32 = 0.38;
const STEEPNESS: f32 = 25.0;

/// The corrections, by the features they contain.
pub(super) struct Memory {
    examples: Vec<Example>,
    postings: HashMap<u32, Vec<(u32, f32)>>,
}

/// A correction like the request at hand.
pub(super) struct Recalled<'m> {
    pub(super) example: &'m Example,
    /// How far to follow it, 0..1.
    pub(super) trust: f32,
}

fn unit(mut vector: Sparse) -> Sparse {
    let norm = vector.iter().map(|(_, v)| v * v).sum::<f32>().sqrt();
    if norm > 0.0 {
        vector.iter_mut().for_each(|(_, v)| *v /= norm);
    }
    vector
}

impl Memory {
    pub(super) fn of(corrections: &[Example], model: &Linear) -> Memory {
        let mut postings: HashMap<u32, Vec<(u32, f32)>> = HashMap::new();
        for (i, example) in corrections.iter().enumerate() {
            let counts = Counts::of(&super::pool::digest(&example.text));
            for (bucket, value) in unit(model.vector(&counts)) {
                postings.entry(bucket).or_default().push((i as u32, value));
            }
        }
        Memory { examples: corrections.to_vec(), postings }
    }

    /// The nearest correction; of equally near ones the latest. `None` when far from all.
    pub(super) fn recall(&self, vector: &Sparse) -> Option<Recalled<'_>> {
        if self.examples.is_empty() {
            return None;
        }
        let mut near = vec![0.0f32; self.examples.len()];
        for (bucket, value) in unit(vector.clone()) {
            for (i, v) in self.postings.get(&bucket).into_iter().flatten() {
                near[*i as usize] += v * value;
            }
        }
        let (i, score) = near.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1))?;
        let trust = 1.0 / (1.0 + (-STEEPNESS * (score - EVEN)).exp());
        (trust > 0.35).then(|| Recalled { example: &self.examples[i], trust })
    }
}
