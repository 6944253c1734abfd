//! Inline text. mrkdwn has no escape for its marks, and reads them only at the borders of
//! words: marks that were meant get a border, marks that were not become a lookalike where
//! they could pair.

use super::{escape, size};

pub(super) const BOLD: u8 = 1;
pub(super) const ITALIC: u8 = 2;
pub(super) const STRIKE: u8 = 4;
pub(super) const CODE: u8 = 8;

/// Style, its mark, and what stands for a mark that is meant as a character.
const MARKS: [(u8, char, char); 4] =
    [(BOLD, '*', '∗'), (ITALIC, '_', 'ˍ'), (STRIKE, '~', '∼'), (CODE, '`', 'ˋ')];

/// A border of words that is not seen.
const BORDER: char = '\u{200b}';

/// Atoms are no longer than this, links aside, so that each fits anywhere.
const LONGEST_ATOM: usize = 800;
const LONGEST_URL: usize = 2000;
const LONGEST_LABEL: usize = 700;

/// Text of one style, before it is made safe.
pub(super) enum Run {
    Text {
        style: u8,
        text: String,
    },
    /// Made by [`link`].
    Link {
        style: u8,
        text: String,
    },
    Break,
}

/// What a line may be parted between: a word, a link, a piece of code, a space.
#[derive(Debug, Clone)]
pub(super) struct Atom {
    /// As sent.
    pub(super) text: String,
    pub(super) style: u8,
    pub(super) space: bool,
}

/// A link, or its label alone when the address is absurd.
pub(in super::super) fn link(url: &str, label: &str) -> String {
    let mut address = String::with_capacity(url.len());
    for c in url.trim().chars() {
        if c.is_whitespace() || c.is_control() || "<>|\"`".contains(c) {
            let mut bytes = [0; 4];
            for byte in c.encode_utf8(&mut bytes).bytes() {
                address.push_str(&format!("%{byte:02X}"));
            }
        } else {
            address.push(c);
        }
    }
    let address = escape(&address);
    let label = label.split_whitespace().collect::<Vec<_>>().join(" ");
    let bare = label == url.trim() || is_blank(&label);
    let label = if is_blank(&label) { url.trim() } else { &label };
    let label = literal(label, u8::MAX).replace('|', "¦");
    let long = size(&escape(&label)) > LONGEST_LABEL;
    let label = escape(&if long { super::cut(&label, LONGEST_LABEL / 5) } else { label });
    if size(&address) > LONGEST_URL {
        label
    } else if bare {
        format!("<{address}>")
    } else {
        format!("<{address}|{label}>")
    }
}

/// Nothing to see in it.
fn is_blank(text: &str) -> bool {
    text.chars().all(|c| {
        c.is_whitespace()
            || c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{ad}')
    })
}

/// Whether Slack could read each mark in the text as one: not between letters, as in
/// `snake_case`; a backtick always.
fn marks(text: &str) -> impl Iterator<Item = (char, u8)> {
    let nexts = text.chars().skip(1).map(Some).chain([None]);
    let befores = [None].into_iter().chain(text.chars().map(Some));
    text.chars().zip(befores.zip(nexts)).map(|(c, (before, next))| {
        let letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        let bit = MARKS.iter().find(|(_, mark, _)| *mark == c).map_or(0, |(bit, _, _)| *bit);
        let inside = letter(before) && letter(next) && bit != CODE;
        (c, if inside { 0 } else { bit })
    })
}

/// The text with these marks as their lookalikes.
fn literal(text: &str, which: u8) -> String {
    let swap = |(c, bit): (char, u8)| match MARKS.iter().find(|(b, _, _)| bit & which & b != 0) {
        Some((_, _, lookalike)) => *lookalike,
        None => c,
    };
    marks(text).map(swap).collect()
}

/// The lines that are not blank.
pub(super) fn lines(runs: &[Run]) -> Vec<Vec<Atom>> {
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
        }
        for (_, found) in marks(text) {
            for (count, (bit, _, _)) in counts.iter_mut().zip(MARKS) {
                *count += usize::from(found & bit != 0);
            }
        }
    }
    // A mark alone pairs with nothing and may stay.
    let crowded = counts.iter().zip(MARKS).filter(|(count, _)| **count > 1);
    let crowded = crowded.fold(0, |all, (_, (bit, _, _))| all | bit);

    let mut lines = vec![Vec::new()];
    for run in runs {
        let Some(line) = lines.last_mut() else { break };
        match run {
            Run::Break => lines.push(Vec::new()),
            Run::Link { style, text } => {
                line.push(Atom { text: text.clone(), style: *style, space: false });
            }
            Run::Text { style, text } if style & CODE != 0 => {
                pieces(&text.replace('`', "ˋ").replace(['\n', '\r'], " "), *style, line);
            }
            Run::Text { style, text } => words(text, *style, crowded, line),
        }
    }
    lines.into_iter().filter_map(settle).collect()
}

/// Without spaces at its ends, and with no space at the inner side of a mark.
fn settle(mut line: Vec<Atom>) -> Option<Vec<Atom>> {
    while line.last().is_some_and(|atom| atom.space) {
        line.pop();
    }
    let from = line.iter().position(|atom| !atom.space)?;
    line.drain(..from);
    let styles: Vec<u8> = line.iter().map(|atom| atom.style).collect();
    let after = styles.iter().skip(1).copied().chain([0]);
    let before = [0].into_iter().chain(styles.iter().copied());
    for (atom, (before, after)) in line.iter_mut().zip(before.zip(after)) {
        if atom.space {
            atom.style &= before & after & !CODE;
        }
    }
    (!line.iter().all(|atom| is_blank(&atom.text))).then_some(line)
}

fn words(text: &str, style: u8, crowded: u8, line: &mut Vec<Atom>) {
    let mut word = String::new();
    for c in text.chars() {
        // Spaces that do not break belong to their word.
        if c.is_whitespace() && !matches!(c, '\u{a0}' | '\u{202f}') {
            end_word(&mut word, style, crowded, line);
            if line.last().is_some_and(|atom| !atom.space) {
                line.push(Atom { text: " ".to_owned(), style, space: true });
            }
        } else if !c.is_control() {
            word.push(c);
        }
    }
    end_word(&mut word, style, crowded, line);
}

/// Slack makes links of bare addresses only in text it may alter, which ours is not.
fn end_word(word: &mut String, style: u8, crowded: u8, line: &mut Vec<Atom>) {
    let word = std::mem::take(word);
    let start = ["https://", "http://"].iter().filter_map(|scheme| word.find(scheme)).min();
    let (before, rest) = word.split_at_checked(start.unwrap_or(word.len())).unwrap_or((&word, ""));
    let closed = rest.contains('(');
    let url =
        rest.trim_end_matches(|c: char| ".,;:!?'\"*_~`]}>”“’".contains(c) || (c == ')' && !closed));
    let known = url.split_once("://").is_some_and(|(_, host)| !host.is_empty());
    if !known || before.ends_with(char::is_alphanumeric) || size(url) > LONGEST_URL / 5 {
        return pieces(&literal(&word, crowded), style, line);
    }
    pieces(&literal(before, crowded), style, line);
    line.push(Atom { text: link(url, url), style, space: false });
    pieces(&literal(rest.strip_prefix(url).unwrap_or_default(), crowded), style, line);
}

/// Escaped; no piece ends inside an escape.
fn pieces(text: &str, style: u8, line: &mut Vec<Atom>) {
    let mut piece = String::new();
    let mut length = 0;
    for c in text.chars().filter(|c| !c.is_control()) {
        if length >= LONGEST_ATOM {
            line.push(Atom { text: std::mem::take(&mut piece), style, space: false });
            length = 0;
        }
        match c {
            '&' => piece.push_str("&amp;"),
            '<' => piece.push_str("&lt;"),
            '>' => piece.push_str("&gt;"),
            other => piece.push(other),
        }
        length += if "&<>".contains(c) { 5 } else { c.len_utf16() };
    }
    if !piece.is_empty() {
        line.push(Atom { text: piece, style, space: false });
    }
}

/// Atoms with their marks. Whatever part of a line is rendered, its marks are balanced.
pub(super) fn render(atoms: &[Atom]) -> String {
    let mut out = String::new();
    let mut open: Vec<(u8, char)> = Vec::new();
    for atom in atoms {
        let keep = open.iter().take_while(|(bit, _)| atom.style & bit != 0).count();
        let closes = open.len() > keep;
        out.extend(open.drain(keep..).rev().map(|(_, mark)| mark));
        let is_open = |bit: u8| open.iter().any(|(b, _)| *b == bit);
        let opening: Vec<(u8, char)> = MARKS
            .iter()
            .filter(|(bit, _, _)| atom.style & bit != 0 && !is_open(*bit))
            .map(|(bit, mark, _)| (*bit, *mark))
            .collect();
        let beside = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        let border = if closes {
            !opening.is_empty() || beside(atom.text.chars().next())
        } else {
            !opening.is_empty() && beside(out.chars().next_back())
        };
        if border {
            out.push(BORDER);
        }
        out.extend(opening.iter().map(|(_, mark)| *mark));
        open.extend(opening);
        out.push_str(&atom.text);
    }
    out.extend(open.iter().rev().map(|(_, mark)| *mark));
    out
}
