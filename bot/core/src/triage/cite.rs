//! Answers rest on passages. A model's statement is kept only when the passages it
//! cites hold every number, code, link, menu path and name it mentions and speak of what
//! it says ([`check_statement`]); without a model the passages themselves are quoted
//! ([`compose_local`]). `notes` finds contradictions and outdated sources.

mod compose;
mod facts;
mod join;
mod notes;
mod support;

pub use compose::{Hit, LocalAnswer, compose_local};
pub use join::join_checked;
pub use notes::{Conflict, Notes, Stale, conflict_between, stale_among};

use crate::text;
use facts::Facts;

/// A retrieved passage as a model was shown it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassageText {
    /// The number the model cites it by.
    pub n: usize,
    pub title: String,
    pub heading: String,
    pub text: String,
}

/// A part of a passage that carries a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    pub n: usize,
    /// An exact part of the passage.
    pub quote: String,
}

/// A statement that holds, with its proof. `text` has its `[n]` markers at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    pub text: String,
    pub quotes: Vec<Quote>,
}

/// Why a statement goes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Dropped {
    #[error("the statement is empty")]
    Empty,
    #[error("it cites no passage")]
    NoCitation,
    #[error("it cites passage {0}, which was not retrieved")]
    UnknownPassage(usize),
    #[error("the passages it cites do not contain \"{0}\"")]
    Unsupported(String),
    #[error("the passages it cites are about something else")]
    Unrelated,
    #[error("it would alert everyone in a channel")]
    MassMention,
}

/// Checks one statement of a model's answer against the passages retrieved for the asker.
pub fn check_statement(
    text: &str,
    cites: &[usize],
    passages: &[PassageText],
) -> Result<Checked, Dropped> {
    check_statement_naming(text, cites, passages, &[])
}

/// As [`check_statement`]; the `names` (systems and their aliases) are recognised even
/// where a capital letter tells nothing, at the start of a sentence.
pub fn check_statement_naming(
    text: &str,
    cites: &[usize],
    passages: &[PassageText],
    names: &[String],
) -> Result<Checked, Dropped> {
    let text = without_markers(text);
    if !text.chars().any(char::is_alphanumeric) {
        return Err(Dropped::Empty);
    }
    if crate::chat::without_mass_mentions(&text) != text {
        return Err(Dropped::MassMention);
    }
    let mut cited: Vec<&PassageText> = Vec::new();
    for n in cites {
        let passage = passages.iter().find(|p| p.n == *n).ok_or(Dropped::UnknownPassage(*n))?;
        if !cited.iter().any(|c| c.n == *n) {
            cited.push(passage);
        }
    }
    if cited.is_empty() {
        return Err(Dropped::NoCitation);
    }
    let shown: String =
        cited.iter().map(|p| format!("{}\n{}\n{}\n", p.title, p.heading, p.text)).collect();
    if let Some(missing) = Facts::of_statement(&text, names).missing_in(&shown) {
        return Err(Dropped::Unsupported(missing));
    }
    if !support::supported(&text, &cited) {
        return Err(Dropped::Unrelated);
    }
    let quotes = cited.iter().map(|p| Quote { n: p.n, quote: best_sentence(&text, &p.text) });
    let quotes: Vec<Quote> = quotes.collect();
    let markers: String = quotes.iter().map(|q| format!("[{}]", q.n)).collect();
    Ok(Checked { text: format!("{text} {markers}"), quotes })
}

/// A model's own `[n]` markers go; ours are set after the check.
fn without_markers(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.trim();
    while let Some(open) = rest.find('[') {
        let close = rest[open..].find(']').map(|c| open + c);
        let inner = close.map(|c| &rest[open + 1..c]);
        let figures = |s: &str| {
            !s.is_empty() && s.chars().all(|c| c.is_ascii_digit() || matches!(c, ',' | ' '))
        };
        match (close, inner) {
            (Some(close), Some(inner)) if figures(inner) => {
                out.push_str(rest[..open].trim_end());
                rest = &rest[close + 1..];
            }
            _ => {
                out.push_str(&rest[..=open]);
                rest = &rest[open + 1..];
            }
        }
    }
    out.push_str(rest);
    out.trim().to_owned()
}

/// A word's beginning, by which its forms are taken for the same.
fn stem(word: &str) -> String {
    word.chars().take(6).collect()
}

/// Stems of the words that carry meaning: longer ones, and any with a digit.
fn stems(input: &str) -> Vec<String> {
    let carries = |w: &String| w.chars().count() > 3 || w.chars().any(|c| c.is_ascii_digit());
    text::words(input).iter().filter(|w| carries(w)).map(|w| stem(w)).collect()
}

/// The sentence of `passage` that shares most with `statement`: an exact part of it.
fn best_sentence(statement: &str, passage: &str) -> String {
    let wanted = stems(statement);
    let rate = |sentence: &&str| {
        let own = stems(sentence);
        let shared = own.iter().filter(|s| wanted.contains(s)).count();
        (shared * 1_000) / (own.len() + 4)
    };
    let best =
        text::sentences(passage).into_iter().reduce(|a, b| if rate(&b) > rate(&a) { b } else { a });
    best.unwrap_or(passage.trim()).to_owned()
}

#[cfg(test)]
mod tests;
