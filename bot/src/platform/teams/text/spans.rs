//! Inline text. Text blocks are read as Markdown, by parsers that differ between desktop and
//! phone and do not all know a backslash as an escape: so a mark that is meant as a character
//! becomes a lookalike where it could pair, and other syntax is broken up with a space that is
//! not seen.

use super::cut;
use crate::platform::prose::spans::{BREAK, Run, address, is_blank, within_words};

/// What stands for a mark that is meant as a character.
const LOOKALIKES: [(char, char); 2] = [('*', '∗'), ('_', 'ˍ')];

const LONGEST_URL: usize = 1200;
const LONGEST_LABEL: usize = 200;

/// A link, or its label alone when the address is absurd.
pub(in super::super) fn link(url: &str, label: &str) -> String {
    let address = address(url, "<>()[]|\"'`\\*{}");
    let label = label.split_whitespace().collect::<Vec<_>>().join(" ");
    let label = if is_blank(&label) { url.trim() } else { &label };
    let label = cut(label, LONGEST_LABEL).replace('[', "⁅").replace(']', "⁆");
    let label = broken_up(&without_marks(&label));
    if address.encode_utf16().count() > LONGEST_URL {
        label
    } else {
        format!("[{label}]({address})")
    }
}

/// A whole text that is shown as it is, on one line.
pub(in super::super) fn literal(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    guarded(&broken_up(&without_marks(&text)))
}

/// Without what the start of a line would make of it: a list, a heading, a quote.
pub(super) fn guarded(line: &str) -> String {
    let number = line.trim_start_matches(|c: char| c.is_ascii_digit());
    let numbered = number.len() < line.len() && number.starts_with(['.', ')']);
    let marked = ["* ", "~~~", "```"].iter().any(|start| line.starts_with(start)) || line == "*";
    if numbered || marked || line.starts_with(['#', '>', '-', '+', '=', '|', ':']) {
        format!("{BREAK}{line}")
    } else {
        line.to_owned()
    }
}

/// Tags, entities, links, escapes and template expressions, made text again.
pub(super) fn broken_up(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before = ' ';
    for c in text.chars().filter(|c| !c.is_control() || *c == '\n') {
        let syntax = match before {
            '<' => c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?'),
            '&' => c.is_ascii_alphanumeric() || c == '#',
            ']' => matches!(c, '(' | '[' | ':'),
            '!' => c == '[',
            '\\' => c.is_ascii_punctuation(),
            '{' | '$' => c == '{',
            _ => false,
        };
        if syntax {
            out.push(BREAK);
        }
        out.push(c);
        before = c;
    }
    out
}

/// Whether each character could be read as a mark: not between letters, as in `snake_case`.
fn marks(text: &str) -> impl Iterator<Item = (char, bool)> {
    within_words(text).map(|(c, within)| (c, c == '*' || (c == '_' && !within)))
}

pub(super) fn without_marks(text: &str) -> String {
    let swap = |(c, mark): (char, bool)| {
        let lookalike = LOOKALIKES.iter().find(|(known, _)| mark && *known == c);
        lookalike.map_or(c, |(_, lookalike)| *lookalike)
    };
    marks(text).map(swap).collect()
}

/// A mark alone pairs with nothing and may stay.
pub(super) fn crowded(runs: &[Run]) -> u8 {
    let styled = runs.iter().any(|run| match run {
        Run::Text { style, .. } | Run::Link { style, .. } => *style != 0,
        Run::Break => false,
    });
    let found = runs.iter().map(|run| match run {
        Run::Text { text, .. } => marks(text).filter(|(_, mark)| *mark).count(),
        _ => 0,
    });
    if styled || found.sum::<usize>() > 1 { u8::MAX } else { 0 }
}
