//! What must be said about sources: that two contradict each other, that one is old.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;

use crate::text;

use super::{Hit, stem};

/// Two sources that say different things about the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// Index of the first passage among the hits, its title and the sentence.
    pub first: (usize, String, String),
    pub second: (usize, String, String),
}

/// A source that was last reviewed long ago.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stale {
    pub title: String,
    /// YYYY-MM-DD.
    pub reviewed: String,
}

/// What is to be said about an answer's sources.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notes {
    pub conflict: Option<Conflict>,
    pub stale: Vec<Stale>,
}

static FIGURE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(\d+(?:[.,]\d+)*)\s?(%|€|\$|£|\p{L}+)?")
        .expect("the pattern is a constant that the tests compile")
});

/// Words two sentences must share to be about the same, and their share of the shorter.
const SHARED_WORDS: usize = 3;
const SHARED_PART: f64 = 0.5;

/// A sentence with figures: which figure in which unit, and what it speaks of.
struct Claim<'t> {
    sentence: &'t str,
    figures: BTreeSet<(String, String)>,
    about: BTreeSet<String>,
}

fn claims(passage: &str) -> Vec<Claim<'_>> {
    let mut out = Vec::new();
    for sentence in text::sentences(passage) {
        // A row of a table is a list of values, not a claim in words.
        if sentence.starts_with('|') || !sentence.contains(char::is_numeric) {
            continue;
        }
        let figures: BTreeSet<(String, String)> = FIGURE
            .captures_iter(sentence)
            .map(|c| {
                let unit = c.get(2).map_or(String::new(), |u| stem(&u.as_str().to_lowercase()));
                (unit.trim_end_matches('s').to_owned(), c[1].replace(',', "."))
            })
            .collect();
        let words = text::words(sentence);
        let carries = |w: &&String| w.chars().count() > 3 && !w.chars().any(|c| c.is_ascii_digit());
        let about: BTreeSet<String> = words.iter().filter(carries).map(|w| stem(w)).collect();
        if !figures.is_empty() && about.len() >= SHARED_WORDS {
            out.push(Claim { sentence, figures, about });
        }
    }
    out
}

/// The first pair of sentences, from different articles, that speak of the same in
/// other figures of the same unit. `query` must touch on what they share.
pub fn conflict_between(query: &str, hits: &[Hit]) -> Option<Conflict> {
    let asked: BTreeSet<String> =
        text::words(query).iter().filter(|w| w.chars().count() > 3).map(|w| stem(w)).collect();
    let all: Vec<Vec<Claim<'_>>> = hits.iter().map(|h| claims(&h.text)).collect();
    for (i, first) in hits.iter().enumerate() {
        for (j, second) in hits.iter().enumerate().skip(i + 1) {
            if (&first.source, &first.path) == (&second.source, &second.path) {
                continue;
            }
            for a in &all[i] {
                if let Some(b) = all[j].iter().find(|b| contradict(a, b, &asked)) {
                    let side = |at: usize, hit: &Hit, claim: &Claim<'_>| {
                        (at, hit.title.clone(), claim.sentence.to_owned())
                    };
                    return Some(Conflict { first: side(i, first, a), second: side(j, second, b) });
                }
            }
        }
    }
    None
}

fn contradict(a: &Claim<'_>, b: &Claim<'_>, asked: &BTreeSet<String>) -> bool {
    let shared: Vec<&String> = a.about.intersection(&b.about).collect();
    let part = shared.len() as f64 / a.about.len().min(b.about.len()) as f64;
    if shared.len() < SHARED_WORDS
        || part < SHARED_PART
        || !shared.iter().any(|w| asked.contains(*w))
    {
        return false;
    }
    let of_unit = |claim: &Claim<'_>, unit: &str| -> BTreeSet<String> {
        claim.figures.iter().filter(|(u, _)| u == unit).map(|(_, v)| v.clone()).collect()
    };
    a.figures.iter().any(|(unit, _)| {
        let (ours, theirs) = (of_unit(a, unit), of_unit(b, unit));
        !unit.is_empty() && !theirs.is_empty() && ours.is_disjoint(&theirs)
    })
}

/// Whole months from `reviewed` to `today`, both YYYY-MM-DD; `None` when unreadable.
fn months_between(reviewed: &str, today: &str) -> Option<i64> {
    let read = |date: &str| -> Option<(i64, i64, i64)> {
        let mut parts = date.splitn(3, '-').map(|p| p.get(..p.len().min(4))?.parse::<i64>().ok());
        Some((parts.next()??, parts.next()??, parts.next().flatten().unwrap_or(1)))
    };
    let ((y, m, d), (ty, tm, td)) = (read(reviewed)?, read(today)?);
    Some((ty - y) * 12 + (tm - m) - i64::from(td < d))
}

/// The articles among `hits` reviewed more than `months` months before `today`.
pub fn stale_among(hits: &[&Hit], today: &str, months: u32) -> Vec<Stale> {
    let mut out: Vec<Stale> = Vec::new();
    for hit in hits {
        let Some(reviewed) = &hit.reviewed else { continue };
        let old = months_between(reviewed, today).is_some_and(|age| age > i64::from(months));
        if old && !out.iter().any(|s| s.title == hit.title) {
            out.push(Stale { title: hit.title.clone(), reviewed: reviewed.clone() });
        }
    }
    out
}
