//! How well the engine reads, measured by cross-validation on labelled examples.

use std::fmt;

use crate::ticket::Kind;
use crate::triage::Example;

use super::linear::place;
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
    /// Mean over the classes of the share of each that is read right.
    pub balanced_impact: f64,
    pub balanced_urgency: f64,
    /// The examples whose kind was misread, by index, with the kind read.
    pub misread: Vec<(usize, Kind)>,
}

/// Trains on all folds but one, reads that one, for each; folds are dealt out kind by
/// kind so that each holds as many of every kind, in an order that `seed` shuffles.
/// `folds` is at least 2.
pub fn cross_validate(examples: &[Example], folds: usize, seed: u64) -> Report {
    let folds = folds.max(2);
    let fold_of = deal(examples, folds, seed);
    let mut table = [[0usize; Kind::ALL.len()]; Kind::ALL.len()];
    let mut calibration = Calibration::default();
    let mut shares = [Share::default(); 4];
    let (mut impacts, mut urgencies) = ([[0usize; 4]; 4], [[0usize; 3]; 3]);
    let mut misread = Vec::new();
    for fold in 0..folds {
        let split = |inside: bool| {
            let all = examples.iter().enumerate().zip(&fold_of);
            all.filter(move |(_, f)| (**f == fold) == inside).map(|(example, _)| example)
        };
        let train: Vec<Example> = split(false).map(|(_, e)| e.clone()).collect();
        let engine = LocalEngine::train(&train, &[], &[], &[]);
        for (index, example) in split(true) {
            let read = engine.assess(&Request { text: &example.text, ..Request::default() });
            table[example.kind as usize][read.kind as usize] += 1;
            if read.kind != example.kind {
                misread.push((index, read.kind));
            }
            calibration.add(read.confidence, read.kind == example.kind);
            if let Some(impact) = example.impact {
                impacts[impact as usize][read.impact as usize] += 1;
            }
            if let Some(urgency) = example.urgency {
                urgencies[urgency as usize][read.urgency as usize] += 1;
            }
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
        balanced_impact: balanced(&impacts),
        balanced_urgency: balanced(&urgencies),
        misread,
    }
}

/// The fold of each example.
fn deal(examples: &[Example], folds: usize, seed: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..examples.len()).collect();
    order.sort_unstable_by_key(|i| (place(*i, seed as usize), *i));
    let mut seen = [0usize; Kind::ALL.len()];
    let mut fold_of = vec![0; examples.len()];
    for i in order {
        let seen = &mut seen[examples[i].kind as usize];
        fold_of[i] = *seen % folds;
        *seen += 1;
    }
    fold_of
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

/// Mean recall over the classes that occur.
fn balanced<const N: usize>(table: &[[usize; N]; N]) -> f64 {
    let rows = table.iter().enumerate().filter(|(_, row)| row.iter().sum::<usize>() > 0);
    let recalls = rows.map(|(i, row)| row[i] as f64 / row.iter().sum::<usize>() as f64);
    let (sum, count) = recalls.fold((0.0, 0usize), |(sum, count), r| (sum + r, count + 1));
    sum / count.max(1) as f64
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
            "\nAccuracy {:.3}, calibration error {:.3}. Right: impact {:.3} (balanced \
             {:.3}), urgency {:.3} (balanced {:.3}), sentiment {:.3}, language {:.3}.",
            self.accuracy,
            self.calibration_error,
            self.impact,
            self.balanced_impact,
            self.urgency,
            self.balanced_urgency,
            self.sentiment,
            self.language
        )
    }
}
