//! Blocks as elements of an Adaptive Card.

use pulldown_cmark::Alignment;
use serde_json::{Value, json};

use super::Cards;
use crate::platform::prose;
use crate::platform::prose::spans::{Atom, Run, lines};

pub(in super::super) type Line = prose::Line<Cards>;

/// What is shown as one element: a paragraph, a list, a code block.
#[derive(Debug, Clone)]
pub(in super::super) enum Block {
    Text(Vec<Line>),
    Quote(Vec<Line>),
    /// Lines as they are.
    Code(Vec<String>),
    Table(Table),
}

#[derive(Debug, Clone)]
pub(in super::super) struct Table {
    pub(super) columns: Vec<Alignment>,
    /// The first is the header.
    pub(super) rows: Vec<Vec<Line>>,
}

impl Block {
    /// Elements are of version 1.5 at most; what 1.4 does not know has a fallback.
    pub(in super::super) fn element(&self) -> Value {
        match self {
            Block::Text(lines) => text_block(&joined(lines)),
            Block::Quote(lines) => emphasis(vec![text_block(&joined(lines))]),
            Block::Code(lines) => emphasis(lines.iter().map(|line| code(line)).collect()),
            Block::Table(table) => table.element(),
        }
    }
}

fn text_block(text: &str) -> Value {
    json!({ "type": "TextBlock", "text": text, "wrap": true })
}

fn emphasis(items: Vec<Value>) -> Value {
    json!({ "type": "Container", "style": "emphasis", "items": items })
}

/// A text run, unlike a text block, is not read as Markdown: `__init__` stays what it is. Each
/// line is an element, since line ends and rows of spaces are not kept within one.
fn code(line: &str) -> Value {
    let mut shown = String::with_capacity(line.len());
    let mut before = ' ';
    for c in line.chars().filter(|c| !c.is_control() || *c == '\t') {
        match c {
            '\t' => shown.push_str(&"\u{a0}".repeat(4)),
            ' ' if before == ' ' => shown.push('\u{a0}'),
            c => shown.push(c),
        }
        before = if c == '\t' { ' ' } else { c };
    }
    if shown.is_empty() {
        shown.push('\u{a0}');
    }
    json!({
        "type": "RichTextBlock",
        "spacing": "None",
        "inlines": [{ "type": "TextRun", "text": shown, "fontType": "Monospace" }],
    })
}

/// In a text block, one line end parts items of a list, which alone have prefixes, and two part
/// all else.
fn joined(lines: &[Line]) -> String {
    let mut out = String::new();
    let mut before = false;
    for line in lines {
        let listed = !line.prefix.is_empty();
        if !out.is_empty() {
            out.push_str(if listed && before { "\n" } else { "\n\n" });
        }
        out.push_str(&line.text());
        before = listed;
    }
    out
}

impl Table {
    pub(super) fn new(table: prose::Table) -> Self {
        let cell = |runs: Vec<Run>| {
            let atoms = lines::<Cards>(&runs).into_iter().flatten();
            Line::new(String::new(), String::new(), atoms.collect())
        };
        let rows = table.rows.into_iter().map(|row| row.into_iter().map(cell).collect());
        Table { columns: table.columns, rows: rows.collect() }
    }

    fn element(&self) -> Value {
        let columns: Vec<Value> = self
            .columns
            .iter()
            .map(|side| {
                let side = match side {
                    Alignment::Right => "Right",
                    Alignment::Center => "Center",
                    Alignment::Left | Alignment::None => "Left",
                };
                json!({ "width": 1, "horizontalCellContentAlignment": side })
            })
            .collect();
        let cell = |cell: &Line| {
            let text = cell.text();
            json!({ "type": "TableCell", "items": [text_block(&text)] })
        };
        let rows = self.rows.iter().map(|row| {
            let cells: Vec<Value> = row.iter().map(cell).collect();
            json!({ "type": "TableRow", "cells": cells })
        });
        json!({
            "type": "Table",
            "firstRowAsHeader": true,
            "columns": columns,
            "rows": rows.collect::<Vec<Value>>(),
            "fallback": text_block(&joined(&self.lines())),
        })
    }

    /// A line for each row, where tables are not known.
    pub(super) fn lines(&self) -> Vec<Line> {
        self.rows.iter().map(|row| Self::line(row)).collect()
    }

    fn line(row: &[Line]) -> Line {
        let mut atoms = Vec::new();
        for (at, cell) in row.iter().enumerate() {
            if at > 0 {
                atoms.extend([Atom::space(0), Atom::new("|", 0), Atom::space(0)]);
            }
            atoms.extend(cell.atoms.iter().cloned());
        }
        Line::new(String::new(), String::new(), atoms)
    }
}
