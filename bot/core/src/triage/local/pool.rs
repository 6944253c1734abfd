//! From scores to calibrated probabilities: the verdicts on the whole text and on its
//! sentences are joined with weights learnt on held-out examples, since a long message
//! often carries its real ask in one sentence.

use std::borrow::Cow;

use crate::ticket::{Impact, Kind, Urgency};
use crate::triage::Example;

use super::KIND;
use super::features::Counts;
use super::gauge::{Cues, Gauge, Judged};
use super::linear::{Linear, Sample, softmax};

const KINDS: usize = Kind::ALL.len();
/// The heads that are joined: their classes, in the order of the model's heads.
const JUDGED: [usize; 3] = [KINDS, Impact::ALL.len(), Urgency::ALL.len()];
/// Most characters and sentences that are read at either end of a very long text.
const END_CHARS: usize = 2_000;
const END_SENTENCES: usize = 12;

/// The part of a message that was written for us: without quoted mail and, when very
/// long, without its middle.
pub(super) fn digest(text: &str) -> Cow<'_, str> {
    let quoted = |line: &str| line.trim_start().starts_with('>');
    let text: Cow<'_, str> = if text.lines().any(quoted) && !text.lines().all(quoted) {
        Cow::Owned(text.lines().filter(|l| !quoted(l)).collect::<Vec<_>>().join("\n"))
    } else {
        Cow::Borrowed(text)
    };
    if text.len() <= 2 * END_CHARS {
        return text;
    }
    let head = text.floor_char_boundary(END_CHARS);
    let tail = text.ceil_char_boundary(text.len() - END_CHARS);
    Cow::Owned(format!("{}\n{}", &text[..head], &text[tail..]))
}

/// Scores of a text, seen whole and sentence by sentence.
pub(super) struct Views {
    /// All heads, whole text.
    pub(super) whole: Vec<f32>,
    kinds: [f32; KINDS],
    second: [f32; KINDS],
    /// The sentences read, with their kind scores.
    pub(super) sentences: Vec<(usize, [f32; KINDS])>,
}

fn kinds_of(scores: &[f32], model: &Linear) -> [f32; KINDS] {
    let mut out = [0.0; KINDS];
    out.copy_from_slice(&scores[model.head(KIND).range()]);
    let mean = out.iter().sum::<f32>() / KINDS as f32;
    out.map(|s| s - mean)
}

impl Views {
    pub(super) fn of(counts: &Counts, parts: &[Counts], model: &Linear) -> Views {
        let whole = model.score(counts);
        let kinds = kinds_of(&whole, model);
        let mut second = [0.0; KINDS];
        second.copy_from_slice(&model.second_opinion(counts));
        let skip = |i: usize| i >= END_SENTENCES && i + END_SENTENCES < parts.len();
        let read = parts.iter().enumerate().filter(|(i, _)| !skip(*i));
        let sentences = if parts.len() < 2 {
            read.map(|(i, _)| (i, kinds)).collect()
        } else {
            read.map(|(i, s)| (i, kinds_of(&model.score(s), model))).collect()
        };
        Views { whole, kinds, second, sentences }
    }

    /// The views: whole, mean, maximum and last sentence; naive Bayes on the whole.
    fn columns(&self) -> [[f32; KINDS]; VIEWS] {
        let (mut mean, mut max) = ([0.0; KINDS], [f32::MIN; KINDS]);
        for (_, scores) in &self.sentences {
            for k in 0..KINDS {
                mean[k] += scores[k] / self.sentences.len() as f32;
                max[k] = max[k].max(scores[k]);
            }
        }
        if self.sentences.is_empty() {
            return [self.kinds, self.kinds, self.kinds, self.kinds, self.second];
        }
        let last = self.sentences.last().map_or(self.kinds, |(_, s)| *s);
        [self.kinds, mean, max, last, self.second]
    }
}

const VIEWS: usize = 5;

/// Weights of the views (they set the temperature too) and an offset for each kind.
pub(super) struct Pooling {
    weights: [f32; VIEWS],
    offsets: [f32; KINDS],
}

impl Pooling {
    /// Learns the weights on examples that a model trained without them has scored; what
    /// they were scored with teaches the gauge too.
    pub(super) fn learn(examples: &[Example], samples: &[Sample]) -> (Pooling, Gauge) {
        const FOLDS: usize = 4;
        let mut pooling = Pooling { weights: [0.6, 0.1, 0.3, 0.1, 0.1], offsets: [0.0; KINDS] };
        if samples.len() < 20 * FOLDS {
            return (pooling, Gauge::learn(&[]));
        }
        let mut held_out = Vec::with_capacity(samples.len());
        let mut judged = Vec::with_capacity(samples.len());
        for fold in 0..FOLDS {
            let train: Vec<&Sample> = samples
                .iter()
                .enumerate()
                .filter(|(i, _)| i % FOLDS != fold)
                .map(|x| x.1)
                .collect();
            let model = Linear::train(&train, &JUDGED);
            for (i, sample) in samples.iter().enumerate().filter(|(i, _)| i % FOLDS == fold) {
                let text = digest(&examples[i].text);
                let views = Views::of(&sample.counts, &sample.parts, &model);
                judged.push(Judged::of(&Cues::of(&text), &views, &model, sample));
                held_out.push((views.columns(), examples[i].kind as usize));
            }
        }
        pooling.descend(&held_out);
        (pooling, Gauge::learn(&judged))
    }

    /// Gradient descent on the log loss; nine numbers, a few hundred examples.
    fn descend(&mut self, held_out: &[([[f32; KINDS]; VIEWS], usize)]) {
        let scale = 1.0 / held_out.len() as f32;
        for _ in 0..400 {
            let (mut weights, mut offsets) = ([0.0f32; VIEWS], [0.0f32; KINDS]);
            for (columns, label) in held_out {
                let mut p = self.join(columns);
                p[*label] -= 1.0;
                for (gradient, column) in weights.iter_mut().zip(columns) {
                    *gradient += scale * p.iter().zip(column).map(|(p, c)| p * c).sum::<f32>();
                }
                offsets.iter_mut().zip(&p).for_each(|(gradient, p)| *gradient += scale * p);
            }
            self.weights.iter_mut().zip(weights).for_each(|(w, g)| *w -= 0.3 * g);
            self.offsets.iter_mut().zip(offsets).for_each(|(o, g)| *o -= 0.3 * g);
        }
    }

    fn join(&self, columns: &[[f32; KINDS]; VIEWS]) -> [f32; KINDS] {
        let mut out = self.offsets;
        for (weight, column) in self.weights.iter().zip(columns) {
            out.iter_mut().zip(column).for_each(|(o, c)| *o += weight * c);
        }
        softmax(&mut out);
        out
    }

    pub(super) fn probabilities(&self, views: &Views) -> [f32; KINDS] {
        self.join(&views.columns())
    }
}

/// Very similar earlier tickets pull the kinds towards theirs, by at most a fifth.
pub(super) fn lean_on_similar(kinds: &mut [f32; KINDS], similar: &[(Option<String>, Kind, f64)]) {
    let near = similar.iter().filter(|(_, _, score)| *score >= 0.5).take(3);
    let total: f64 = near.clone().map(|(_, _, s)| s).sum();
    if total <= 0.0 {
        return;
    }
    let share = (0.1 * total).min(0.2) as f32;
    kinds.iter_mut().for_each(|p| *p *= 1.0 - share);
    for (_, kind, score) in near {
        kinds[*kind as usize] += share * (*score / total) as f32;
    }
}

/// Index of the greatest value; the first of equals.
pub(super) fn best(values: &[f32]) -> usize {
    let mut best = 0;
    for (i, v) in values.iter().enumerate() {
        if *v > values[best] {
            best = i;
        }
    }
    best
}
