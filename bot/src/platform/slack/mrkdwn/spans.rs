//! Inline text. mrkdwn has no escape for its marks, and reads them only at the borders of
//! words: marks that were meant get a border, marks that were not become a lookalike where
//! they could pair.

use super::{cut, escape, size};
use crate::platform::prose::spans::{
    BOLD, CODE, ITALIC, Run, STRIKE, address, is_blank, within_words,
};

/// Style, its mark, and what stands for a mark that is meant as a character.
const MARKS: [(u8, char, char); 4] =
    [(BOLD, '*', '∗'), (ITALIC, '_', 'ˍ'), (STRIKE, '~', '∼'), (CODE, '`', 'ˋ')];

const LONGEST_URL: usize = 2000;
const LONGEST_LABEL: usize = 700;

/// A link, or its label alone when the address is absurd.
pub(in super::super) fn link(url: &str, label: &str) -> String {
    let address = escape(&address(url, "<>|\"`"));
    let label = label.split_whitespace().collect::<Vec<_>>().join(" ");
    let bare = label == url.trim() || is_blank(&label);
    let label = if is_blank(&label) { url.trim() } else { &label };
    let label = literal(label, u8::MAX).replace('|', "¦");
    let long = size(&escape(&label)) > LONGEST_LABEL;
    let label = escape(&if long { cut(&label, LONGEST_LABEL / 5) } else { label });
    if size(&address) > LONGEST_URL {
        label
    } else if bare {
        format!("<{address}>")
    } else {
        format!("<{address}|{label}>")
    }
}

/// Whether Slack could read each mark in the text as one: not between letters, as in
/// `snake_case`; a backtick always.
fn marks(text: &str) -> impl Iterator<Item = (char, u8)> {
    within_words(text).map(|(c, within)| {
        let bit = MARKS.iter().find(|(_, mark, _)| *mark == c).map_or(0, |(bit, _, _)| *bit);
        (c, if within && bit != CODE { 0 } else { bit })
    })
}

/// The text with these marks as their lookalikes.
pub(super) fn literal(text: &str, which: u8) -> String {
    let swap = |(c, bit): (char, u8)| match MARKS.iter().find(|(b, _, _)| bit & which & b != 0) {
        Some((_, _, lookalike)) => *lookalike,
        None => c,
    };
    marks(text).map(swap).collect()
}

/// A mark alone pairs with nothing and may stay.
pub(super) fn crowded(runs: &[Run]) -> u8 {
    let mut counts = [0_usize; MARKS.len()];
    for run in runs {
        let (style, text) = match run {
            Run::Text { style, text } if style & CODE != 0 => (*style, ""),
            Run::Text { style, text } => (*style, text.as_str()),
            Run::Link { style, .. } => (*style, ""),
            Run::Break => (0, ""),
        };
        for (count, (bit, _, _)) in counts.iter_mut().zip(MARKS) {
            *count += if style & bit != 0 { 2 } else { 0 };
            *count += marks(text).filter(|(_, found)| found & bit != 0).count();
        }
    }
    let crowded = counts.iter().zip(MARKS).filter(|(count, _)| **count > 1);
    crowded.fold(0, |all, (_, (bit, _, _))| all | bit)
}
