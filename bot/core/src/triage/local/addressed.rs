//! Sentences that talk to the machine instead of about the trouble: "ignore your rules",
//! "file this as P1", "cite passage 9". A small linear model tells them from what people
//! write to a helpdesk and from what handbooks say; they are set aside, never obeyed.

use serde::Deserialize;

use crate::text;

use super::features::Counts;
use super::linear::{Linear, Sample, softmax};

/// A labelled sentence, one line of the shipped file.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddressedExample {
    pub text: String,
    /// It gives the machine an instruction.
    pub addressed: bool,
}

/// From this probability on a sentence is set aside.
const AT: f32 = 0.5;
/// Beside a sentence that was set aside, less will do: instructions come in groups.
const BESIDE: f32 = 0.3;
/// The least words of a request that an instruction without a full stop before it follows.
const OWN_WORDS: usize = 4;

/// Finds the sentences addressed to the machine. Trained once; deterministic.
pub struct Addressed {
    model: Linear,
}

impl Addressed {
    /// Learns from labelled sentences and from `requests`, whose sentences all count as
    /// written for people.
    pub fn train<'r>(
        examples: &[AddressedExample],
        requests: impl IntoIterator<Item = &'r str>,
    ) -> Addressed {
        let sample = |text: &str, addressed: bool| Sample {
            counts: Counts::of(text),
            labels: vec![Some(usize::from(addressed))],
        };
        let mut samples: Vec<Sample> =
            examples.iter().map(|e| sample(&e.text, e.addressed)).collect();
        for request in requests {
            samples.extend(text::sentences(request).into_iter().map(|s| sample(s, false)));
        }
        Addressed { model: Linear::train(&samples.iter().collect::<Vec<_>>(), &[2]) }
    }

    /// Probability that a sentence is addressed to the machine, 0..1.
    pub fn probability(&self, sentence: &str) -> f64 {
        f64::from(self.rate(sentence))
    }

    fn rate(&self, sentence: &str) -> f32 {
        let mut scores = self.model.score(&Counts::of(sentence));
        softmax(&mut scores);
        scores[1]
    }

    /// `text` without the sentences addressed to the machine, and those sentences. A text
    /// without any comes back as it was.
    pub fn without_addressed(&self, text: &str) -> (String, Vec<String>) {
        let sentences = text::sentences(text);
        let rates: Vec<f32> = sentences.iter().map(|s| self.rate(s)).collect();
        if rates.iter().all(|rate| *rate < AT) {
            return (text.to_owned(), Vec::new());
        }
        let near = |at: usize| {
            let from = at.saturating_sub(1);
            rates[from..rates.len().min(at + 2)].iter().any(|rate| *rate >= AT)
        };
        let mut kept = String::with_capacity(text.len());
        let mut addressed = Vec::new();
        let mut copied = 0;
        for (at, sentence) in sentences.iter().enumerate() {
            if rates[at] < BESIDE || !near(at) {
                continue;
            }
            // Sentences are parts of the text, so their place is the distance to its start.
            let start = sentence.as_ptr() as usize - text.as_ptr() as usize;
            let from = start + self.own_part(sentence);
            let end = start + sentence.len();
            kept.push_str(&text[copied..from]);
            addressed.push(text[from..end].to_owned());
            copied = end;
        }
        kept.push_str(&text[copied..]);
        (kept.trim().to_owned(), addressed)
    }

    /// Length of the beginning of an addressed `sentence` that is not: people leave out
    /// the full stop, and what follows starts with a capital letter.
    fn own_part(&self, sentence: &str) -> usize {
        let mut best = (0, 0.0);
        let mut words = 0;
        let mut before = ' ';
        for (at, c) in sentence.char_indices() {
            let opens = before.is_whitespace() && !c.is_whitespace();
            if opens && words >= OWN_WORDS && !c.is_lowercase() {
                let (own, rest) = (self.rate(&sentence[..at]), self.rate(&sentence[at..]));
                if own < BESIDE / 2.0 && rest >= AT && rest - own > best.1 {
                    best = (at, rest - own);
                }
            }
            words += usize::from(opens);
            before = c;
        }
        best.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::LazyLock;

    use crate::triage::local::tests::shipped;

    static DETECTOR: LazyLock<Addressed> = LazyLock::new(|| {
        let file = include_str!("../../../../../prompts/examples/addressed.jsonl");
        let examples: Vec<AddressedExample> =
            file.lines().map(|l| serde_json::from_str(l).expect("a valid line")).collect();
        let requests = shipped();
        Addressed::train(&examples, requests.iter().map(|e| &*e.text))
    });

    #[test]
    fn scratch() {
        let read = |p: &str| std::fs::read_to_string(p).unwrap();
        for l in read("/tmp/wt/model/tests/it/attacks.jsonl").lines() {
            let v: serde_json::Value = serde_json::from_str(l).unwrap();
            let t = crate::text::clean(v["text"].as_str().unwrap(), 9999).text;
            for s in text::sentences(&t) {
                println!("ATT {:.2} {} | {}", DETECTOR.rate(s), v["id"], s);
            }
        }
        for l in read("/tmp/wt/model/tests/it/attack_requests.jsonl").lines() {
            let v: serde_json::Value = serde_json::from_str(l).unwrap();
            for s in text::sentences(v["text"].as_str().unwrap()) {
                println!("REQ {:.2} | {}", DETECTOR.rate(s), s);
            }
        }
        for f in read("/tmp/wt/files.txt").lines() {
            for s in text::sentences(&read(f)) {
                let p = DETECTOR.rate(s);
                println!("NEG {:.2} {} | {}", p, f.rsplit('/').next().unwrap(), s);
            }
        }
    }
}
