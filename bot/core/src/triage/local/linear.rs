//! The learner: one sparse linear model with several heads (kind, impact, ...), each a
//! softmax, trained by deterministic AdaGrad.

use super::bayes::Bayes;
use super::features::{BUCKETS, Counts, Sparse};

const EPOCHS: usize = 10;
/// With more samples than this fewer rounds do.
const MANY: usize = 2_000;
const FEW_EPOCHS: usize = 5;
const STEP: f32 = 0.5;
/// A feature's first sum of squares: large enough that rare features take no leaps.
const FIRST_SQUARE: f32 = 3.0;
const DECAY: f32 = 2e-4;
const NONE: u32 = u32::MAX;

/// A head: its outputs are `from..from + classes` of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) from: usize,
    pub(super) classes: usize,
}

impl Head {
    pub(super) fn range(self) -> std::ops::Range<usize> {
        self.from..self.from + self.classes
    }
}

/// A text ready for training. `labels[h]` is the class of head `h`, when known.
pub(super) struct Sample {
    pub(super) counts: Counts,
    /// Its sentences, each as a text of its own.
    pub(super) parts: Vec<Counts>,
    pub(super) labels: Vec<Option<usize>>,
}

/// A trained model. Rows of weights exist only for features seen in training.
pub(super) struct Linear {
    heads: Vec<Head>,
    width: usize,
    /// Bucket to row; [`NONE`] when the feature was never seen.
    rows: Vec<u32>,
    idf: Vec<f32>,
    idf_unseen: f32,
    weights: Vec<f32>,
    bias: Vec<f32>,
    /// The second opinion on the first head.
    bayes: Bayes,
}

/// Turns scores into probabilities in place.
pub(super) fn softmax(scores: &mut [f32]) {
    let top = scores.iter().copied().fold(f32::MIN, f32::max);
    let mut sum = 0.0;
    for s in scores.iter_mut() {
        *s = (*s - top).exp();
        sum += *s;
    }
    scores.iter_mut().for_each(|s| *s /= sum);
}

impl Linear {
    /// Trains on `samples`; `classes[h]` is the number of classes of head `h`.
    pub(super) fn train(samples: &[&Sample], classes: &[usize]) -> Linear {
        let mut heads = Vec::with_capacity(classes.len());
        let mut width = 0;
        for &classes in classes {
            heads.push(Head { from: width, classes });
            width += classes;
        }
        let mut frequency = vec![0u32; BUCKETS];
        for sample in samples {
            for bucket in sample.counts.distinct() {
                frequency[bucket as usize] += 1;
            }
        }
        let mut rows = vec![NONE; BUCKETS];
        let mut idf = Vec::new();
        let total = samples.len() as f32;
        for (bucket, &count) in frequency.iter().enumerate() {
            if count > 0 {
                rows[bucket] = idf.len() as u32;
                idf.push(((1.0 + total) / (1.0 + count as f32)).ln() + 1.0);
            }
        }
        let mut model = Linear {
            heads,
            width,
            weights: vec![0.0; idf.len() * width],
            bias: vec![0.0; width],
            rows,
            idf,
            bayes: Bayes::default(),
            idf_unseen: (1.0 + total).ln() + 1.0,
        };
        model.fit(samples);
        model
    }

    fn fit(&mut self, samples: &[&Sample]) {
        let vectors: Vec<Sparse> = samples.iter().map(|s| self.rows_of(&s.counts)).collect();
        let mut squares = vec![FIRST_SQUARE; self.idf.len()];
        let epochs = if samples.len() > MANY { FEW_EPOCHS } else { EPOCHS };
        let labelled = vectors.iter().zip(samples).filter_map(|(v, s)| Some((v, s.labels[0]?)));
        self.bayes = Bayes::train(labelled, self.idf.len(), self.heads[0].classes);
        let mut bias_squares = vec![1.0f32; self.width];
        let mut scores = vec![0.0f32; self.width];
        let mut order: Vec<usize> = (0..samples.len()).collect();
        // The mean over the later rounds forgets the order of the last one.
        let (mut mean, mut rounds) = (vec![0.0f32; self.weights.len()], 0.0f32);
        for round in 0..epochs {
            order.sort_unstable_by_key(|i| place(*i, round));
            for &i in &order {
                let (vector, sample) = (&vectors[i], samples[i]);
                self.score_rows(vector, &mut scores);
                self.gradient(sample, &mut scores);
                // One step size a feature, not one a weight: nearly as good, and the
                // inner loop needs no roots.
                let force = scores.iter().map(|g| g * g).sum::<f32>();
                for &(row, value) in vector {
                    let square = &mut squares[row as usize];
                    *square += force * value * value;
                    let step = STEP / square.sqrt();
                    let (pull, keep) = (step * value, 1.0 - step * DECAY);
                    let at = row as usize * self.width;
                    for (w, g) in self.weights[at..at + self.width].iter_mut().zip(&scores) {
                        *w = *w * keep - pull * g;
                    }
                }
                for ((b, s), g) in self.bias.iter_mut().zip(&mut bias_squares).zip(&scores) {
                    *s += g * g;
                    *b -= 0.05 * STEP * g / s.sqrt();
                }
            }
            if round >= epochs / 2 {
                mean.iter_mut().zip(&self.weights).for_each(|(m, w)| *m += w);
                rounds += 1.0;
            }
        }
        mean.iter_mut().for_each(|m| *m /= rounds);
        self.weights = mean;
    }

    /// Scores become gradients of the log loss; heads without a label get none.
    fn gradient(&self, sample: &Sample, scores: &mut [f32]) {
        for (head, label) in self.heads.iter().zip(&sample.labels) {
            let scores = &mut scores[head.range()];
            match label {
                Some(label) => {
                    softmax(scores);
                    scores[*label] -= 1.0;
                }
                None => scores.fill(0.0),
            }
        }
    }

    fn rows_of(&self, counts: &Counts) -> Sparse {
        let mut vector = self.vector(counts);
        vector.retain_mut(|(bucket, _)| {
            *bucket = self.rows[*bucket as usize];
            *bucket != NONE
        });
        vector
    }

    fn score_rows(&self, vector: &Sparse, scores: &mut [f32]) {
        scores.copy_from_slice(&self.bias);
        for &(row, value) in vector {
            let at = row as usize * self.width;
            for (s, w) in scores.iter_mut().zip(&self.weights[at..at + self.width]) {
                *s += w * value;
            }
        }
    }

    /// The weighted vector of a text by this model's document frequencies.
    pub(super) fn vector(&self, counts: &Counts) -> Sparse {
        counts.weigh(|bucket| match self.rows[bucket as usize] {
            NONE => self.idf_unseen,
            row => self.idf[row as usize],
        })
    }

    /// Raw scores of all heads for a text.
    pub(super) fn score(&self, counts: &Counts) -> Vec<f32> {
        let mut scores = vec![0.0; self.width];
        self.score_rows(&self.rows_of(counts), &mut scores);
        scores
    }

    /// What naive Bayes makes of a text, for the first head.
    pub(super) fn second_opinion(&self, counts: &Counts) -> Vec<f32> {
        self.bayes.score(&self.rows_of(counts))
    }

    pub(super) fn head(&self, index: usize) -> Head {
        self.heads[index]
    }
}

/// A fixed order of samples for each round. What is added later falls in between and
/// leaves the order of the rest, so that one more correction does not stir the whole model.
pub(super) fn place(sample: usize, round: usize) -> u64 {
    let mut z = (sample as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ ((round as u64) << 32);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
