//! Inline text: runs of one style become atoms, between which a line may be parted, and
//! atoms become text with marks.

use super::Dialect;
use super::fit::size;

pub(in super::super) const BOLD: u8 = 1;
pub(in super::super) const ITALIC: u8 = 2;
pub(in super::super) const STRIKE: u8 = 4;
pub(in super::super) const CODE: u8 = 8;

/// Seen by nobody, and no part of any syntax.
pub(in super::super) const BREAK: char = '\u{200b}';

/// Text of one style, before it is made safe.
pub(in super::super) enum Run {
    Text { style: u8, text: String },
    Link { style: u8, url: String, label: String },
    Break,
}

impl Run {
    pub(super) fn plain(&self) -> &str {
        match self {
            Run::Text { text, .. } => text,
            Run::Link { url, label, .. } if label.trim().is_empty() => url,
            Run::Link { label, .. } => label,
            Run::Break => " ",
        }
    }
}

/// What a line may be parted between: a word, a link, a piece of code, a space.
#[derive(Debug, Clone)]
pub(in super::super) struct Atom {
    /// As sent.
    pub(in super::super) text: String,
    pub(in super::super) style: u8,
    pub(in super::super) space: bool,
}

impl Atom {
    pub(in super::super) fn new(text: impl Into<String>, style: u8) -> Self {
        Atom { text: text.into(), style, space: false }
    }

    pub(in super::super) fn space(style: u8) -> Self {
        Atom { text: " ".to_owned(), style, space: true }
    }

    pub(in super::super) fn ends_sentence(&self) -> bool {
        let text = self.text.trim_end_matches(['"', '”', '“', '’', ')', ']', '»']);
        text.ends_with(['.', '!', '?', '…', '。', '！', '？', '؟'])
    }
}

/// Nothing to see in it.
pub(in super::super) fn is_blank(text: &str) -> bool {
    text.chars().all(|c| {
        c.is_whitespace()
            || c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{ad}')
    })
}

/// An address without the characters that mean something where it is written.
pub(in super::super) fn address(url: &str, syntax: &str) -> String {
    let mut address = String::with_capacity(url.len());
    for c in url.trim().chars() {
        if c.is_whitespace() || c.is_control() || syntax.contains(c) {
            let mut bytes = [0; 4];
            for byte in c.encode_utf8(&mut bytes).bytes() {
                address.push_str(&format!("%{byte:02X}"));
            }
        } else {
            address.push(c);
        }
    }
    address
}

/// Each character, and whether letters stand on both sides of it, as in `snake_case`.
pub(in super::super) fn within_words(text: &str) -> impl Iterator<Item = (char, bool)> {
    let nexts = text.chars().skip(1).map(Some).chain([None]);
    let befores = [None].into_iter().chain(text.chars().map(Some));
    let letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let around = befores.zip(nexts).map(move |(before, next)| letter(before) && letter(next));
    text.chars().zip(around)
}

/// The lines that are not blank.
pub(in super::super) fn lines<D: Dialect>(runs: &[Run]) -> Vec<Vec<Atom>> {
    let crowded = D::crowded(runs);
    let mut lines = vec![Vec::new()];
    for run in runs {
        let Some(line) = lines.last_mut() else { break };
        match run {
            Run::Break => lines.push(Vec::new()),
            Run::Link { style, url, label } => line.push(Atom::new(D::link(url, label), *style)),
            Run::Text { style, text } if style & CODE != 0 => {
                let code = text.replace('`', "ˋ").replace(['\n', '\r'], " ");
                pieces::<D>(&code, *style, crowded, line);
            }
            Run::Text { style, text } => {
                // Spaces that do not break belong to their word.
                let breaks = |c: char| c.is_whitespace() && !matches!(c, '\u{a0}' | '\u{202f}');
                for (at, word) in text.split(breaks).enumerate() {
                    if at > 0 && line.last().is_some_and(|atom| !atom.space) {
                        line.push(Atom::space(*style));
                    }
                    let word: String = word.chars().filter(|c| !c.is_control()).collect();
                    end_word::<D>(&word, *style, crowded, line);
                }
            }
        }
    }
    lines.into_iter().filter_map(settle).collect()
}

/// Not every platform or client makes links of bare addresses, and none is to unfold one.
fn end_word<D: Dialect>(word: &str, style: u8, crowded: u8, line: &mut Vec<Atom>) {
    let start = ["https://", "http://"].iter().filter_map(|scheme| word.find(scheme)).min();
    let (before, rest) = word.split_at_checked(start.unwrap_or(word.len())).unwrap_or((word, ""));
    let closed = rest.contains('(');
    let url =
        rest.trim_end_matches(|c: char| ".,;:!?'\"*_~`]}>”“’".contains(c) || (c == ')' && !closed));
    let known = url.split_once("://").is_some_and(|(_, host)| !host.is_empty());
    if !known || before.ends_with(char::is_alphanumeric) || size::<D>(url) > D::LONGEST_BARE {
        return pieces::<D>(word, style, crowded, line);
    }
    pieces::<D>(before, style, crowded, line);
    line.push(Atom::new(D::link(url, url), style));
    pieces::<D>(rest.strip_prefix(url).unwrap_or_default(), style, crowded, line);
}

fn pieces<D: Dialect>(text: &str, style: u8, crowded: u8, line: &mut Vec<Atom>) {
    let (mut piece, mut length) = (String::new(), 0);
    for part in D::parts(text, style, crowded) {
        let more = size::<D>(&part);
        if length + more > D::LONGEST_ATOM {
            line.push(Atom::new(std::mem::take(&mut piece), style));
            length = 0;
        }
        piece.push_str(&part);
        length += more;
    }
    if !piece.is_empty() {
        line.push(Atom::new(piece, style));
    }
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

/// Atoms with their marks. Whatever part of a line is rendered, its marks are balanced.
pub(in super::super) fn render<D: Dialect>(atoms: &[Atom]) -> String {
    let mut out = String::new();
    let mut open: Vec<(u8, &str)> = Vec::new();
    for atom in atoms {
        let keep = open.iter().take_while(|(bit, _)| atom.style & bit != 0).count();
        let closes = open.len() > keep;
        out.extend(open.drain(keep..).rev().map(|(_, mark)| mark));
        let is_open = |bit: u8| open.iter().any(|(b, _)| *b == bit);
        let opening: Vec<(u8, &str)> = D::MARKS
            .iter()
            .filter(|(bit, _)| atom.style & bit != 0 && !is_open(*bit))
            .copied()
            .collect();
        let (before, after) = (out.chars().next_back(), atom.text.chars().next());
        if D::border(closes, !opening.is_empty(), before, after) {
            out.push(BREAK);
        }
        out.extend(opening.iter().map(|(_, mark)| *mark));
        open.extend(opening);
        out.push_str(&atom.text);
    }
    out.extend(open.iter().rev().map(|(_, mark)| *mark));
    out
}
