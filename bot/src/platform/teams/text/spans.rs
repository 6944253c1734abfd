//! Inline text. Text blocks are read as Markdown, by parsers that differ between desktop and
//! phone and do not all know a backslash as an escape: so a mark that is meant as a character
//! becomes a lookalike where it could pair, and other syntax is broken up with a space that is
//! not seen.

pub(super) const BOLD: u8 = 1;
pub(super) const ITALIC: u8 = 2;

/// Style and the mark for it.
const MARKS: [(u8, &str); 2] = [(BOLD, "**"), (ITALIC, "_")];

/// What stands for a mark that is meant as a character.
const LOOKALIKES: [(char, char); 2] = [('*', '∗'), ('_', 'ˍ')];

/// Not seen, and no part of any syntax.
pub(super) const BREAK: char = '\u{200b}';

/// Atoms are no longer than this, links aside, so that each fits anywhere.
const LONGEST_ATOM: usize = 400;
const LONGEST_URL: usize = 1200;
const LONGEST_LABEL: usize = 200;

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

/// What a line may be parted between: a word, a link, a space.
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
        if c.is_whitespace() || c.is_control() || "<>()[]|\"'`\\*{}".contains(c) {
            let mut bytes = [0; 4];
            for byte in c.encode_utf8(&mut bytes).bytes() {
                address.push_str(&format!("%{byte:02X}"));
            }
        } else {
            address.push(c);
        }
    }
    let label = label.split_whitespace().collect::<Vec<_>>().join(" ");
    let label = if is_blank(&label) { url.trim() } else { &label };
    let label = super::cut(label, LONGEST_LABEL).replace('[', "⁅").replace(']', "⁆");
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

/// Nothing to see in it.
pub(super) fn is_blank(text: &str) -> bool {
    text.chars().all(|c| {
        c.is_whitespace()
            || c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{ad}')
    })
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
    let nexts = text.chars().skip(1).map(Some).chain([None]);
    let befores = [None].into_iter().chain(text.chars().map(Some));
    text.chars().zip(befores.zip(nexts)).map(|(c, (before, next))| {
        let letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        let within = c == '_' && letter(before) && letter(next);
        (c, matches!(c, '*' | '_') && !within)
    })
}

fn without_marks(text: &str) -> String {
    let swap = |(c, mark): (char, bool)| {
        let lookalike = LOOKALIKES.iter().find(|(known, _)| mark && *known == c);
        lookalike.map_or(c, |(_, lookalike)| *lookalike)
    };
    marks(text).map(swap).collect()
}

/// The lines that are not blank.
pub(super) fn lines(runs: &[Run]) -> Vec<Vec<Atom>> {
    // A mark alone pairs with nothing and may stay.
    let styled = runs.iter().any(|run| match run {
        Run::Text { style, .. } | Run::Link { style, .. } => *style != 0,
        Run::Break => false,
    });
    let found = runs.iter().map(|run| match run {
        Run::Text { text, .. } => marks(text).filter(|(_, mark)| *mark).count(),
        _ => 0,
    });
    let crowded = styled || found.sum::<usize>() > 1;

    let mut lines = vec![Vec::new()];
    for run in runs {
        let Some(line) = lines.last_mut() else { break };
        match run {
            Run::Break => lines.push(Vec::new()),
            Run::Link { style, text } => {
                line.push(Atom { text: text.clone(), style: *style, space: false });
            }
            Run::Text { style, text } if crowded => words(&without_marks(text), *style, line),
            Run::Text { style, text } => words(text, *style, line),
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
            atom.style &= before & after;
        }
    }
    (!line.iter().all(|atom| is_blank(&atom.text))).then_some(line)
}

fn words(text: &str, style: u8, line: &mut Vec<Atom>) {
    for (at, word) in text.split(breaks).enumerate() {
        if at > 0 && line.last().is_some_and(|atom| !atom.space) {
            line.push(Atom { text: " ".to_owned(), style, space: true });
        }
        word_of(word, style, line);
    }
}

/// Spaces that do not break belong to their word.
fn breaks(c: char) -> bool {
    c.is_whitespace() && !matches!(c, '\u{a0}' | '\u{202f}')
}

/// Not every client makes links of bare addresses.
fn word_of(word: &str, style: u8, line: &mut Vec<Atom>) {
    let start = ["https://", "http://"].iter().filter_map(|scheme| word.find(scheme)).min();
    let (before, rest) = word.split_at_checked(start.unwrap_or(word.len())).unwrap_or((word, ""));
    let closed = rest.contains('(');
    let end = |c: char| ".,;:!?'\"∗ˍ*_~`]}>”“’".contains(c) || (c == ')' && !closed);
    let url = rest.trim_end_matches(end);
    let known = url.split_once("://").is_some_and(|(_, host)| !host.is_empty());
    if !known || before.ends_with(char::is_alphanumeric) || url.len() > LONGEST_URL / 4 {
        return atoms(word, style, line);
    }
    atoms(before, style, line);
    let address = url.replace('ˍ', "_").replace('∗', "*");
    line.push(Atom { text: link(&address, url), style, space: false });
    atoms(rest.strip_prefix(url).unwrap_or_default(), style, line);
}

fn atoms(text: &str, style: u8, line: &mut Vec<Atom>) {
    let mut rest = broken_up(text);
    while !rest.is_empty() {
        let end = rest.char_indices().nth(LONGEST_ATOM).map_or(rest.len(), |(at, _)| at);
        let after = rest.split_off(end);
        line.push(Atom { text: std::mem::replace(&mut rest, after), style, space: false });
    }
}

/// Atoms with their marks. Whatever part of a line is rendered, its marks are balanced.
pub(super) fn render(atoms: &[Atom]) -> String {
    let mut out = String::new();
    let mut open: Vec<(u8, &str)> = Vec::new();
    for atom in atoms {
        let keep = open.iter().take_while(|(bit, _)| atom.style & bit != 0).count();
        let closes = open.len() > keep;
        out.extend(open.drain(keep..).rev().map(|(_, mark)| mark));
        let is_open = |bit: u8| open.iter().any(|(b, _)| *b == bit);
        let opening: Vec<(u8, &str)> = MARKS
            .iter()
            .filter(|(bit, _)| atom.style & bit != 0 && !is_open(*bit))
            .copied()
            .collect();
        // Marks at once one after the other would be read as others.
        if closes && !opening.is_empty() {
            out.push(BREAK);
        }
        out.extend(opening.iter().map(|(_, mark)| *mark));
        open.extend(opening);
        out.push_str(&atom.text);
    }
    out.extend(open.iter().rev().map(|(_, mark)| *mark));
    out
}

/// Between the cells of a row that is shown as a line.
pub(super) fn separator() -> [Atom; 3] {
    let space = Atom { text: " ".to_owned(), style: 0, space: true };
    [space.clone(), Atom { text: "|".to_owned(), style: 0, space: false }, space]
}
