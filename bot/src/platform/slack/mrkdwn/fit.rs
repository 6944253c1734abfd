//! Slack's limits: chunks in sections, parted where a reader would pause.

use super::spans::Atom;
use super::{Chunk, Line};

/// What a fence adds to a code block.
const FENCE: usize = 8;

/// Marks that open, close, and keep apart, at the most, where a style changes.
const MARKS: usize = 10;

/// Length as Slack may count it. It does not say whether an emoji is one character or two:
/// two are counted.
pub(in super::super) fn size(text: &str) -> usize {
    text.encode_utf16().count()
}

/// Text that holds no markup, shortened to `limit`.
pub(in super::super) fn cut(text: &str, limit: usize) -> String {
    if size(text) <= limit {
        return text.to_owned();
    }
    let mut used = 1;
    let fits = |c: &char| {
        used += c.len_utf16();
        used <= limit
    };
    let mut out: String = text.chars().take_while(fits).collect();
    out.truncate(out.trim_end().len());
    out.push('…');
    out
}

/// Chunks that are sent in one section block.
pub(in super::super) struct Section {
    pub(in super::super) chunks: Vec<Chunk>,
    size: usize,
    /// Whether it ends where a chunk does.
    pub(in super::super) whole: bool,
}

impl Section {
    fn new() -> Self {
        Section { chunks: Vec::new(), size: 0, whole: true }
    }

    fn push(&mut self, chunk: Chunk, length: usize) {
        self.size += length + self.gap();
        self.chunks.push(chunk);
    }

    fn gap(&self) -> usize {
        if self.chunks.is_empty() { 0 } else { 2 }
    }

    pub(in super::super) fn text(&self) -> String {
        self.chunks.iter().map(Chunk::text).collect::<Vec<_>>().join("\n\n")
    }
}

/// Chunks in sections of at most `limit`; only a chunk longer than that is parted.
pub(in super::super) fn sections(chunks: Vec<Chunk>, limit: usize) -> Vec<Section> {
    let mut done = Vec::new();
    let mut section = Section::new();
    for chunk in chunks {
        let mut rest = Some(chunk);
        while let Some(chunk) = rest.take() {
            let length = length(&chunk, limit);
            if section.size + section.gap() + length <= limit {
                section.push(chunk, length);
            } else if !section.chunks.is_empty() {
                done.push(std::mem::replace(&mut section, Section::new()));
                rest = Some(chunk);
            } else if let (Some(first), more) = part(chunk, limit) {
                section.push(first, limit);
                section.whole = more.is_none();
                done.push(std::mem::replace(&mut section, Section::new()));
                rest = more;
            }
        }
    }
    if !section.chunks.is_empty() {
        done.push(section);
    }
    done
}

/// As much as fits in `limit`, and a sign when there is more.
pub(in super::super) fn preview<'a>(
    chunks: impl IntoIterator<Item = &'a Chunk>,
    limit: usize,
) -> String {
    let limit = limit.saturating_sub(2);
    let mut out = String::new();
    for chunk in chunks {
        let gap = if out.is_empty() { "" } else { "\n\n" };
        let room = limit.saturating_sub(size(&out) + gap.len());
        if length(chunk, room) <= room {
            out.push_str(gap);
            out.push_str(&chunk.text());
            continue;
        }
        if let (Some(first), _) = part(chunk.clone(), room) {
            out.push_str(gap);
            out.push_str(&first.text());
        }
        out.push_str(" …");
        break;
    }
    out
}

/// Exact up to `limit`, else anything above it: what is long need not be rendered to know.
fn length(chunk: &Chunk, limit: usize) -> usize {
    match chunk {
        Chunk::Text(lines) => total(lines.iter().map(|line| line_length(line, limit)), limit),
        Chunk::Code(lines) => FENCE + total(lines.iter().map(|line| size(line)), limit),
    }
}

fn line_length(line: &Line, limit: usize) -> usize {
    let least = total_of(line.atoms.iter().map(|atom| size(&atom.text)), limit);
    if least > limit { least } else { size(&line.text()) }
}

/// Of lines, with what joins them.
fn total(sizes: impl Iterator<Item = usize>, limit: usize) -> usize {
    total_of(sizes.map(|size| size + 1), limit + 1).saturating_sub(1)
}

fn total_of(sizes: impl Iterator<Item = usize>, limit: usize) -> usize {
    let mut total = 0;
    for size in sizes {
        total += size;
        if total > limit {
            break;
        }
    }
    total
}

/// A beginning of at most `limit`, if any fits, and what is left.
fn part(chunk: Chunk, limit: usize) -> (Option<Chunk>, Option<Chunk>) {
    match chunk {
        Chunk::Text(lines) => {
            let (head, tail) = part_lines(lines, limit, |line| line_length(line, limit), part_line);
            (head.map(Chunk::Text), tail.map(Chunk::Text))
        }
        Chunk::Code(lines) => {
            let Some(limit) = limit.checked_sub(FENCE).filter(|limit| *limit > 0) else {
                return (None, Some(Chunk::Code(lines)));
            };
            let (head, tail) = part_lines(lines, limit, |line| size(line), part_code);
            (head.map(Chunk::Code), tail.map(Chunk::Code))
        }
    }
}

type Parts<T> = (Option<T>, Option<T>);

fn part_lines<T>(
    mut lines: Vec<T>,
    limit: usize,
    length: impl Fn(&T) -> usize,
    part_one: impl Fn(T, usize) -> Parts<T>,
) -> Parts<Vec<T>> {
    let mut used = 0;
    let fits = |line: &&T| {
        used += length(line) + 1;
        used <= limit + 1
    };
    let fitting = lines.iter().take_while(fits).count();
    let mut rest = lines.split_off(fitting);
    if !lines.is_empty() || rest.is_empty() {
        return (Some(lines), Some(rest).filter(|rest| !rest.is_empty()));
    }
    let first = rest.remove(0);
    let (head, tail) = part_one(first, limit);
    if let Some(tail) = tail {
        rest.insert(0, tail);
    }
    (head.map(|head| vec![head]), Some(rest).filter(|rest| !rest.is_empty()))
}

/// At a sentence's end, else between words, else, in a word without end, anywhere.
fn part_line(mut line: Line, limit: usize) -> Parts<Line> {
    let mut used = size(&line.prefix) + 1 + MARKS;
    let (mut sentence, mut word, mut end) = (None, None, line.atoms.len());
    let mut before: Option<&Atom> = None;
    for (at, atom) in line.atoms.iter().enumerate() {
        if atom.space {
            word = Some(at);
            if used * 4 > limit && before.is_some_and(ends_sentence) {
                sentence = Some(at);
            }
        }
        let changes = before.map_or(0, |before| before.style) != atom.style;
        used += size(&atom.text) + if changes { MARKS } else { 0 };
        if used > limit {
            end = at;
            break;
        }
        before = Some(atom);
    }
    let at = if end == line.atoms.len() { end } else { sentence.or(word).unwrap_or(end) };
    if at == 0 {
        return (None, Some(line));
    }
    let tail = line.atoms.split_off(at);
    let tail: Vec<Atom> = tail.into_iter().skip_while(|atom| atom.space).collect();
    let more = Line { prefix: line.hang.clone(), hang: line.hang.clone(), atoms: tail };
    (Some(line), Some(more).filter(|more| !more.atoms.is_empty()))
}

fn ends_sentence(atom: &Atom) -> bool {
    let text = atom.text.trim_end_matches(['"', '”', '“', '’', ')', ']', '»']);
    text.ends_with(['.', '!', '?', '…', '。', '！', '？', '؟'])
}

/// At a space, else anywhere but in an escape.
fn part_code(line: String, limit: usize) -> Parts<String> {
    let (mut used, mut at, mut space, mut in_escape) = (0, 0, 0, false);
    for (start, c) in line.char_indices() {
        if !in_escape {
            at = start;
            if c == ' ' {
                space = start;
            }
        }
        in_escape = c == '&' || (in_escape && c != ';');
        used += c.len_utf16();
        if used > limit {
            break;
        }
    }
    let at = if space > 0 { space } else { at };
    match line.split_at_checked(at) {
        Some((head, tail)) if !head.is_empty() => (Some(head.to_owned()), Some(tail.to_owned())),
        _ => (None, Some(line)),
    }
}
