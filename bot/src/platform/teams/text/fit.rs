//! Limits: blocks in pieces that fit, parted where a reader would pause.

use serde_json::Value;

use super::Cards;
use super::element::{Block, Line, Table};
use crate::platform::prose::Dialect;
use crate::platform::prose::fit::{beginning, size};
use crate::platform::prose::spans::Atom;

/// JSON around a text, a line of code, a cell.
const AROUND: usize = 260;

/// What a text counts for against the size of a message. Teams counts UTF-16, its servers
/// UTF-8: the greater is taken.
pub(in super::super) fn weight(text: &str) -> usize {
    text.len().max(text.encode_utf16().count() * 2)
}

/// As it stands in JSON, where quotation marks and line ends take two characters.
fn quoted(text: &str) -> usize {
    weight(&Value::from(text).to_string())
}

/// Text that holds no markup, shortened to `limit` UTF-16 units.
pub(in super::super) fn cut(text: &str, limit: usize) -> String {
    if size::<Cards>(text) <= limit {
        return text.to_owned();
    }
    let mut out = beginning::<Cards>(text, limit.saturating_sub(1));
    // At a word's end, if one is near.
    if let Some((before, word)) = out.rsplit_once(' ')
        && word.len() * 4 < out.len()
    {
        out = before;
    }
    format!("{}…", out.trim_end())
}

/// A block that fits.
#[derive(Debug, Clone)]
pub(in super::super) struct Piece {
    pub(in super::super) block: Block,
    /// Whether a block ends with it.
    pub(in super::super) whole: bool,
}

/// Blocks of about `limit` at most; only those longer than that are parted.
pub(in super::super) fn pieces(blocks: Vec<Block>, limit: usize) -> Vec<Piece> {
    let mut out = Vec::new();
    for block in blocks {
        let parts: Vec<Block> = match block {
            Block::Text(lines) => {
                part(fine(lines, limit), limit, line_weight).into_iter().map(Block::Text).collect()
            }
            Block::Quote(lines) => {
                part(fine(lines, limit), limit, line_weight).into_iter().map(Block::Quote).collect()
            }
            Block::Code(lines) => {
                let lines = lines.iter().flat_map(|line| code_lines(line, limit));
                part(lines.collect(), limit, |line: &String| quoted(line) + AROUND)
                    .into_iter()
                    .map(Block::Code)
                    .collect()
            }
            Block::Table(table) => part_table(table, limit),
        };
        let last = parts.len().saturating_sub(1);
        let piece = |(at, block)| Piece { block, whole: at == last };
        out.extend(parts.into_iter().enumerate().map(piece));
    }
    out
}

/// As many items in each group as it can hold.
fn part<T>(items: Vec<T>, limit: usize, weigh: impl Fn(&T) -> usize) -> Vec<Vec<T>> {
    let mut groups: Vec<Vec<T>> = Vec::new();
    let mut used = 0;
    for item in items {
        let weight = weigh(&item);
        match groups.last_mut() {
            Some(group) if used + weight <= limit => group.push(item),
            _ => {
                groups.push(vec![item]);
                used = 0;
            }
        }
        used += weight;
    }
    groups
}

fn atom_weight(atom: &Atom) -> usize {
    quoted(&atom.text) + if atom.style == 0 || atom.space { 0 } else { Cards::CHANGE }
}

fn line_weight(line: &Line) -> usize {
    quoted(&line.prefix) + line.atoms.iter().map(atom_weight).sum::<usize>() + AROUND
}

/// Lines that each fit.
fn fine(lines: Vec<Line>, limit: usize) -> Vec<Line> {
    let mut out = Vec::new();
    for mut line in lines {
        loop {
            let at = end_of(&line, limit);
            if at >= line.atoms.len() {
                break;
            }
            let mut more = line.split_off(at);
            more.prefix = " ".repeat(line.prefix.chars().count());
            out.push(std::mem::replace(&mut line, more));
        }
        if !line.atoms.is_empty() {
            out.push(line);
        }
    }
    out
}

/// How many atoms fit: to a sentence's end, else to a word's, else, in a word without end, any.
fn end_of(line: &Line, limit: usize) -> usize {
    let mut used = quoted(&line.prefix) + AROUND;
    let (mut sentence, mut word) = (None, None);
    let mut before: Option<&Atom> = None;
    for (at, atom) in line.atoms.iter().enumerate() {
        used += atom_weight(atom);
        if used > limit && at > 0 {
            return sentence.or(word).unwrap_or(at);
        }
        if atom.space {
            word = Some(at);
            if used * 4 > limit && before.is_some_and(Atom::ends_sentence) {
                sentence = Some(at);
            }
        }
        before = Some(atom);
    }
    line.atoms.len()
}

/// A line of code in lines that fit, parted at spaces where it has some.
fn code_lines(line: &str, limit: usize) -> Vec<String> {
    let room = limit.saturating_sub(AROUND) / 2;
    let mut out = Vec::new();
    let mut rest = line;
    while quoted(rest) > room {
        let (mut used, mut end, mut space) = (0, 0, 0);
        for (at, c) in rest.char_indices() {
            // The most a character may take, escaped.
            used += if c.is_ascii_control() || matches!(c, '"' | '\\') { 12 } else { 4 };
            if used > room && at > 0 {
                break;
            }
            end = at + c.len_utf8();
            if c == ' ' {
                space = end;
            }
        }
        let at = if space > 0 && end < rest.len() { space } else { end };
        let Some((head, tail)) = rest.split_at_checked(at).filter(|(head, _)| !head.is_empty())
        else {
            break;
        };
        out.push(head.to_owned());
        rest = tail;
    }
    if !rest.is_empty() || out.is_empty() {
        out.push(rest.to_owned());
    }
    out
}

/// Rows that fit together, each group under the header; a row that never could is shown as a
/// line of text instead.
fn part_table(table: Table, limit: usize) -> Vec<Block> {
    let row_weight = |row: &Vec<Line>| {
        // As cells, and as a line of the fallback.
        row.iter().map(|cell| line_weight(cell) * 2).sum::<usize>() + AROUND
    };
    let Table { columns, mut rows } = table;
    let header = if rows.is_empty() { Vec::new() } else { rows.remove(0) };
    let room = limit.saturating_sub(row_weight(&header) + columns.len() * AROUND / 2);
    let fits = |row: &Vec<Line>| row_weight(row) <= room;
    if !rows.iter().all(fits) || room == 0 {
        let table = Table { columns, rows: std::iter::once(header).chain(rows).collect() };
        let groups = part(fine(table.lines(), limit), limit, line_weight);
        return groups.into_iter().map(Block::Text).collect();
    }
    let groups = part(rows, room, row_weight);
    let groups = if groups.is_empty() { vec![Vec::new()] } else { groups };
    let under = |rows: Vec<Vec<Line>>| Table {
        columns: columns.clone(),
        rows: std::iter::once(header.clone()).chain(rows).collect(),
    };
    groups.into_iter().map(|rows| Block::Table(under(rows))).collect()
}
