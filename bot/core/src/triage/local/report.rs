//! How well the engine reads, measured by cross-validation on labelled examples.

use std::fmt;

use crate::ticket::Kind;
use crate::triage::Example;

use super::{LocalEngine, Request};

/// Precision, recall and F1 of one kind.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    pub kind: Kind,
    /// Examples of the kind.
    pub examples: usize,
    pub precision: f64,
    pub recall: f64,
    pub f1: f64,
}

/// The outcome of a cross-validation.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    pub folds: usize,
    pub examples: usize,
    pub scores: Vec<Score>,
    /// Mean F1 over the kinds.
    pub macro_f1: f64,
    pub accuracy: f64,
    /// Expected calibration error over ten bins of confidence.
    pub calibration_error: f64,
    /// Shares of right impacts, urgencies, sentiments and languages among the labelled.
    pub impact: f64,
    pub urgency: f64,
    pub sentiment: f64,
    pub language: f64,
}

/// Trains on all folds but one, reads that one, for each; folds are dealt out kind by
/// kind so that each holds as many of every kind. `folds` is at least 2.
pub fn cross_validate(examples: &[Example], folds: usize) -> Report {
    let folds = folds.max(2);
    let mut seen = [0usize; Kind::ALL.len()];
    let fold_of: Vec<usize> = examples
        .iter()
        .map(|e| {
            seen[e.kind as usize] += 1;
            seen[e.kind as usize] % folds
        })
        .collect();
    let mut table = [[0usize; Kind::ALL.len()]; Kind::ALL.len()];
    let mut calibration = Calibration::default();
    let mut shares = [Share::default(); 4];
    for fold in 0..folds {
        let split = |inside: bool| {
            let picked =
                examples.iter().zip(&fold_of).filter(move |(_, f)| (**f == fold) == inside);
            picked.map(|(e, _)| e)
        };
        let train: Vec<Example> = split(false).cloned().collect();
        let engine = LocalEngine::train(&train, &[], &[], &[]);
        for example in split(true) {
            let read = engine.assess(&Request { text: &example.text, ..Request::default() });
            table[example.kind as usize][read.kind as usize] += 1;
            calibration.add(read.confidence, read.kind == example.kind);
            shares[0].add(example.impact.map(|x| x == read.impact));
            shares[1].add(example.urgency.map(|x| x == read.urgency));
            shares[2].add(example.sentiment.map(|x| x == read.sentiment));
            shares[3].add(example.language.as_ref().map(|x| *x == read.language));
        }
    }
    let scores: Vec<Score> = Kind::ALL.iter().map(|kind| score(*kind, &table)).collect();
    let right: usize = Kind::ALL.iter().map(|k| table[*k as usize][*k as usize]).sum();
    Report {
        folds,
        examples: examples.len(),
        macro_f1: scores.iter().map(|s| s.f1).sum::<f64>() / scores.len() as f64,
        scores,
        accuracy: right as f64 / examples.len().max(1) as f64,
        calibration_error: calibration.error(),
        impact: shares[0].value(),
        urgency: shares[1].value(),
        sentiment: shares[2].value(),
        language: shares[3].value(),
    }
}

fn score(kind: Kind, table: &[[usize; 6]; 6]) -> Score {
    let k = kind as usize;
    let hits = table[k][k] as f64;
    let examples: usize = table[k].iter().sum();
    let answers: usize = table.iter().map(|row| row[k]).sum();
    let share = |of: usize| if of == 0 { 0.0 } else { hits / of as f64 };
    Score {
        kind,
        examples,
        precision: share(answers),
        recall: share(examples),
        f1: 2.0 * hits / (examples + answers).max(1) as f64,
    }
}

#[derive(Default, Clone, Copy)]
struct Share {
    right: usize,
    all: usize,
}

impl Share {
    fn add(&mut self, right: Option<bool>) {
        self.all += usize::from(right.is_some());
        self.right += usize::from(right == Some(true));
    }

    fn value(self) -> f64 {
        self.right as f64 / self.all.max(1) as f64
    }
}

#[derive(Default)]
struct Calibration {
    /// Count, right ones, sum of confidence.
    bins: [(f64, f64, f64); 10],
}

impl Calibration {
    fn add(&mut self, confidence: f64, right: bool) {
        let bin = &mut self.bins[((confidence * 10.0) as usize).min(9)];
        bin.0 += 1.0;
        bin.1 += f64::from(u8::from(right));
        bin.2 += confidence;
    }

    fn error(&self) -> f64 {
        let total: f64 = self.bins.iter().map(|b| b.0).sum();
        self.bins.iter().map(|(_, right, sum)| (right - sum).abs()).sum::<f64>() / total.max(1.0)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| kind | examples | precision | recall | F1 |")?;
        writeln!(f, "|---|---|---|---|---|")?;
        for s in &self.scores {
            let (p, r, f1) = (s.precision, s.recall, s.f1);
            writeln!(f, "| {} | {} | {p:.3} | {r:.3} | {f1:.3} |", s.kind, s.examples)?;
        }
        writeln!(f, "| macro | {} | | | {:.3} |", self.examples, self.macro_f1)?;
        writeln!(
            f,
            "\nAccuracy {:.3}, calibration error {:.3}. Right: impact {:.3}, urgency {:.3}, \
             sentiment {:.3}, language {:.3}.",
            self.accuracy,
            self.calibration_error,
            self.impact,
            self.urgency,
            self.sentiment,
            self.language
        )
    }
}
