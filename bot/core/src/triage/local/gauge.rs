//! Impact and urgency: what the linear heads make of the words, joined by a small learnt
//! model with cues of who is concerned and how pressing it is (`who.txt`: quantifiers,
//! pronouns, groups, numbers, and pairs of them that stand close together).

use std::sync::LazyLock;

use crate::text;
use crate::ticket::{Impact, Kind, Urgency};

use super::lexicon::Lexicon;
use super::linear::{Linear, Sample, softmax};
use super::pool::{Views, best};
use super::{IMPACT, KIND, URGENCY};

static WHO: LazyLock<Lexicon> = LazyLock::new(|| Lexicon::parse(include_str!("who.txt")));

/// Classes of numbers, after those of the lexicon: 2 to 9, to 25, beyond.
const NUMBERS: usize = 3;
/// Words between two cues that still belong together ("all of the sales team").
const REACH: usize = 3;
const IMPACTS: usize = Impact::ALL.len();
const OUTPUTS: usize = IMPACTS + Urgency::ALL.len();
const HEADS: [(usize, usize); 2] = [(IMPACT, IMPACTS), (URGENCY, Urgency::ALL.len())];
/// The linear scores a text brings along: the kinds, then the outputs.
const SCORES: usize = Kind::ALL.len() + OUTPUTS;

const EPOCHS: usize = 40;
/// Step sizes of the outputs: the cues say much of who is concerned, less of how soon.
const STEPS: [f32; OUTPUTS] = [0.3, 0.3, 0.3, 0.3, 0.1, 0.1, 0.1];
const FIRST_SQUARE: f32 = 2.0;
const DECAY: f32 = 4e-3;

/// What a text shows of who is concerned: distinct features.
pub(super) struct Cues(Vec<u32>);

/// Number of classes of cues.
fn classes() -> usize {
    WHO.len() + NUMBERS
}

/// Number of features of [`Cues`].
fn features() -> usize {
    let c = classes();
    2 * c + c * c + FORMS
}

/// Features of the text as a whole: who speaks (four ways) and its length.
const FORMS: usize = 8;

impl Cues {
    pub(super) fn of(input: &str) -> Cues {
        let c = classes();
        let mut counts = vec![0u8; c];
        let mut found: Vec<u32> = Vec::new();
        let mut marks: Vec<(usize, usize)> = Vec::new();
        let mut words_seen = 0;
        for sentence in text::sentences(input) {
            let words = text::words(sentence);
            words_seen += words.len();
            marks.clear();
            WHO.find(sentence, &words, |at, class| marks.push((at, class as usize)));
            for (at, word) in words.iter().enumerate() {
                marks.extend(number(word).map(|size| (at, WHO.len() + size)));
            }
            for (at, class) in &marks {
                counts[*class] = counts[*class].saturating_add(1);
                for (other, next) in &marks {
                    if other > at && other - at <= REACH {
                        found.push((2 * c + class * c + next) as u32);
                    }
                }
            }
        }
        for (class, count) in counts.iter().enumerate() {
            if *count > 0 {
                found.push(class as u32);
            }
            if *count > 1 {
                found.push((c + class) as u32);
            }
        }
        let base = (features() - FORMS) as u32;
        found.push(base + u32::from(counts[0] > 0) + 2 * u32::from(counts[1] > 0));
        found.push(base + 4 + (words_seen / 12).min(3) as u32);
        found.sort_unstable();
        found.dedup();
        Cues(found)
    }
}

/// The departments a text names, each once, as it writes them.
pub(super) fn departments(input: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for sentence in text::sentences(input) {
        let words = text::words(sentence);
        let mut at = Vec::new();
        WHO.find(sentence, &words, |place, class| {
            if WHO.is(class, "dept") && place < words.len() {
                at.push(place);
            }
        });
        for place in at {
            let word = &words[place];
            let written = sentence
                .split(|c: char| !(c.is_alphanumeric() || c == '-' || c == '\''))
                .find(|w| w.to_lowercase() == *word)
                .unwrap_or(word);
            if !found.iter().any(|f| f.to_lowercase() == *word) {
                found.push(written.to_owned());
            }
        }
    }
    found
}

/// The class of a number of things, when `word` is one.
fn number(word: &str) -> Option<usize> {
    let digits: String = word.chars().filter(|c| !matches!(c, '.' | ',')).collect();
    match digits.parse::<u32>().ok()? {
        0..=1 => None,
        2..=9 => Some(0),
        10..=25 => Some(1),
        _ => Some(2),
    }
}

/// The learnt join.
pub(super) struct Gauge {
    /// A row of [`OUTPUTS`] for each feature, then for each score.
    weights: Vec<f32>,
    bias: [f32; OUTPUTS],
}

/// One held-out example: its cues, its scores and its labels by head.
pub(super) struct Judged {
    pub(super) features: Vec<(u32, f32)>,
    pub(super) labels: [Option<usize>; 2],
}

impl Judged {
    pub(super) fn of(cues: &Cues, views: &Views, model: &Linear, sample: &Sample) -> Judged {
        let labels = HEADS.map(|(head, _)| sample.labels[head]);
        Judged { features: joined(cues, views, model), labels }
    }
}

/// Cues and scores as one vector.
fn joined(cues: &Cues, views: &Views, model: &Linear) -> Vec<(u32, f32)> {
    let mut all: Vec<(u32, f32)> = cues.0.iter().map(|feature| (*feature, 1.0)).collect();
    let mut at = features() as u32;
    for head in [KIND, IMPACT, URGENCY] {
        let scores = &views.whole[model.head(head).range()];
        let mean = scores.iter().sum::<f32>() / scores.len() as f32;
        for score in scores {
            all.push((at, score - mean));
            at += 1;
        }
    }
    all
}

impl Gauge {
    /// Learns on examples that a model trained without them has scored. Where nothing is
    /// learnt, the scores themselves decide.
    pub(super) fn learn(judged: &[Judged]) -> Gauge {
        let rows = features() + SCORES;
        let mut gauge = Gauge { weights: vec![0.0; rows * OUTPUTS], bias: [0.0; OUTPUTS] };
        for output in 0..OUTPUTS {
            let row = features() + Kind::ALL.len() + output;
            gauge.weights[row * OUTPUTS + output] = 1.0;
        }
        let mut squares = vec![FIRST_SQUARE; rows];
        for _ in 0..EPOCHS {
            for example in judged {
                let mut out = gauge.scores(&example.features);
                gradient(&mut out, &example.labels);
                let force = out.iter().map(|g| g * g).sum::<f32>();
                for &(row, value) in &example.features {
                    let square = &mut squares[row as usize];
                    *square += force * value * value;
                    let pace = square.sqrt().recip();
                    let at = row as usize * OUTPUTS;
                    let weights = gauge.weights[at..at + OUTPUTS].iter_mut();
                    for ((w, g), step) in weights.zip(&out).zip(STEPS) {
                        *w -= pace * step * (value * g + DECAY * *w);
                    }
                }
                gauge.bias.iter_mut().zip(&out).for_each(|(b, g)| *b -= 0.01 * g);
            }
        }
        gauge
    }

    fn scores(&self, features: &[(u32, f32)]) -> [f32; OUTPUTS] {
        let mut out = self.bias;
        for &(row, value) in features {
            let at = row as usize * OUTPUTS;
            for (o, w) in out.iter_mut().zip(&self.weights[at..at + OUTPUTS]) {
                *o += w * value;
            }
        }
        out
    }

    /// Impact and urgency of a text.
    pub(super) fn read(&self, text: &str, views: &Views, model: &Linear) -> (Impact, Urgency) {
        let out = self.scores(&joined(&Cues::of(text), views, model));
        let (impact, urgency) = out.split_at(IMPACTS);
        (Impact::ALL[best(impact)], Urgency::ALL[best(urgency)])
    }
}

/// Scores become gradients of the log loss; heads without a label get none.
fn gradient(out: &mut [f32; OUTPUTS], labels: &[Option<usize>; 2]) {
    let mut from = 0;
    for ((_, classes), label) in HEADS.iter().zip(labels) {
        let part = &mut out[from..from + classes];
        match label {
            Some(label) => {
                softmax(part);
                part[*label] -= 1.0;
            }
            None => part.fill(0.0),
        }
        from += classes;
    }
}
