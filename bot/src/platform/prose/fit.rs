//! Limits: chunks in sections, parted where a reader would pause.

use super::spans::Atom;
use super::{Dialect, Line};

/// What a fence adds to a code block, besides its language.
const FENCE: usize = 8;

/// Length as the platform counts it.
pub(in super::super) fn size<D: Dialect>(text: &str) -> usize {
    text.chars().map(D::units).sum()
}

/// As much of a text's beginning as fits in `room`.
pub(in super::super) fn beginning<D: Dialect>(text: &str, room: usize) -> &str {
    let mut used = 0;
    let over = |(_, c): &(usize, char)| {
        used += D::units(*c);
        used > room
    };
    let end = text.char_indices().find(over).map_or(text.len(), |(at, _)| at);
    text.get(..end).unwrap_or_default()
}

/// Text that holds no markup, shortened to `limit`.
pub(in super::super) fn cut<D: Dialect>(text: &str, limit: usize) -> String {
    if size::<D>(text) <= limit {
        return text.to_owned();
    }
    format!("{}…", beginning::<D>(text, limit.saturating_sub(1)).trim_end())
}

/// A block where code is fenced and tables are code.
#[derive(Debug, Clone)]
pub(in super::super) enum Chunk<D> {
    Text(Vec<Line<D>>),
    /// Lines, made safe.
    Code {
        language: String,
        lines: Vec<String>,
    },
}

impl<D: Dialect> Chunk<D> {
    /// From text without a fence.
    pub(in super::super) fn code(language: String, safe: &str) -> Self {
        Chunk::Code { language, lines: safe.lines().map(str::to_owned).collect() }
    }

    pub(in super::super) fn text(&self) -> String {
        match self {
            Chunk::Text(lines) => lines.iter().map(Line::text).collect::<Vec<_>>().join("\n"),
            Chunk::Code { language, lines } => format!("```{language}\n{}\n```", lines.join("\n")),
        }
    }

    /// Exact up to `limit`, else anything above it: what is long need not be rendered to know.
    pub(in super::super) fn length(&self, limit: usize) -> usize {
        match self {
            Chunk::Text(lines) => total(lines.iter().map(|line| line_length(line, limit)), limit),
            Chunk::Code { language, lines } => {
                FENCE + language.len() + total(lines.iter().map(|line| size::<D>(line)), limit)
            }
        }
    }

    /// A beginning of at most `limit`, if any fits, and what is left.
    pub(in super::super) fn part(self, limit: usize) -> Parts<Self> {
        match self {
            Chunk::Text(lines) => {
                let length = |line: &Line<D>| line_length(line, limit);
                let (head, tail) = part_lines(lines, limit, length, part_line);
                (head.map(Chunk::Text), tail.map(Chunk::Text))
            }
            Chunk::Code { language, lines } => {
                let room = limit.saturating_sub(FENCE + language.len());
                if room == 0 {
                    return (None, Some(Chunk::Code { language, lines }));
                }
                let length = |line: &String| size::<D>(line);
                let (head, tail) = part_lines(lines, room, length, part_code::<D>);
                // Each part is a block of its own, in the same language.
                let block = |lines| Chunk::Code { language: language.clone(), lines };
                (head.map(block), tail.map(block))
            }
        }
    }
}

/// Chunks that are sent together.
pub(in super::super) struct Section<D> {
    pub(in super::super) chunks: Vec<Chunk<D>>,
    size: usize,
    /// Whether it ends where a chunk does.
    pub(in super::super) whole: bool,
}

impl<D: Dialect> Section<D> {
    fn new() -> Self {
        Section { chunks: Vec::new(), size: 0, whole: true }
    }

    fn push(&mut self, chunk: Chunk<D>, length: usize) {
        self.size += length + self.gap();
        self.chunks.push(chunk);
    }

    fn gap(&self) -> usize {
        if self.chunks.is_empty() { 0 } else { 2 }
    }

    /// What fits in `limit`, cut where a reader would pause.
    pub(in super::super) fn shortened(mut self, limit: usize) -> Self {
        while self.chunks.len() > 1 && size::<D>(&self.text()) > limit {
            self.chunks.pop();
        }
        sections(self.chunks, limit).into_iter().next().unwrap_or_else(Section::new)
    }

    pub(in super::super) fn text(&self) -> String {
        self.chunks.iter().map(Chunk::text).collect::<Vec<_>>().join("\n\n")
    }
}

/// Chunks in sections of at most `limit`; only a chunk longer than that is parted.
pub(in super::super) fn sections<D: Dialect>(
    chunks: Vec<Chunk<D>>,
    limit: usize,
) -> Vec<Section<D>> {
    let mut done = Vec::new();
    let mut section = Section::new();
    for chunk in chunks {
        let mut rest = Some(chunk);
        while let Some(chunk) = rest.take() {
            let length = chunk.length(limit);
            if section.size + section.gap() + length <= limit {
                section.push(chunk, length);
            } else if !section.chunks.is_empty() {
                done.push(std::mem::replace(&mut section, Section::new()));
                rest = Some(chunk);
            } else if let (Some(first), more) = chunk.part(limit) {
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

fn line_length<D: Dialect>(line: &Line<D>, limit: usize) -> usize {
    let least = total_of(line.atoms.iter().map(|atom| size::<D>(&atom.text)), limit);
    if least > limit { least } else { size::<D>(&line.text()) }
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
fn part_line<D: Dialect>(mut line: Line<D>, limit: usize) -> Parts<Line<D>> {
    // One for the guard before what would mean something at the start of a line.
    let mut used = size::<D>(&line.prefix) + 1 + D::CHANGE;
    let (mut sentence, mut word, mut end) = (None, None, line.atoms.len());
    let mut before: Option<&Atom> = None;
    for (at, atom) in line.atoms.iter().enumerate() {
        if atom.space {
            word = Some(at);
            if used * 4 > limit && before.is_some_and(Atom::ends_sentence) {
                sentence = Some(at);
            }
        }
        let changes = before.map_or(0, |before| before.style) != atom.style;
        used += size::<D>(&atom.text) + if changes { D::CHANGE } else { 0 };
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
    let more = line.split_off(at);
    (Some(line), Some(more).filter(|more| !more.atoms.is_empty()))
}

/// At a space, else anywhere but in an escape.
fn part_code<D: Dialect>(line: String, limit: usize) -> Parts<String> {
    let fitting = D::uncut(beginning::<D>(&line, limit));
    let end = fitting.len();
    let pauses = line.get(end..).is_some_and(|rest| rest.starts_with(' '));
    let space = fitting.rfind(' ').filter(|at| *at > 0 && !pauses);
    match line.split_at_checked(space.unwrap_or(end)) {
        Some((head, tail)) if !head.is_empty() => (Some(head.to_owned()), Some(tail.to_owned())),
        _ => (None, Some(line)),
    }
}
