//! Blocks as elements of an Adaptive Card.

use pulldown_cmark::Alignment;
use serde_json::{Value, json};

use super::spans::{Atom, guarded, render, separator};

/// What is shown as one element: a paragraph, a list, a code block.
#[derive(Debug, Clone)]
pub(in super::super) enum Block {
    Text(Vec<Line>),
    Quote(Vec<Line>),
    /// Lines as they are.
    Code(Vec<String>),
    Table(Table),
}

#[derive(Debug, Clone, Default)]
pub(in super::super) struct Line {
    pub(super) prefix: String,
    /// Whether it belongs to a list, whose lines stand close.
    pub(super) listed: bool,
    pub(super) atoms: Vec<Atom>,
}

#[derive(Debug, Clone)]
pub(in super::super) struct Table {
    pub(super) columns: Vec<Alignment>,
    /// The first is the header.
    pub(super) rows: Vec<Vec<Line>>,
}

impl Line {
    pub(super) fn text(&self) -> String {
        format!("{}{}", self.prefix, guarded(&render(&self.atoms)))
    }
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

/// In a text block, one line end parts items of a list, and two part all else.
fn joined(lines: &[Line]) -> String {
    let mut out = String::new();
    let mut before = false;
    for line in lines {
        if !out.is_empty() {
            out.push_str(if line.listed && before { "\n" } else { "\n\n" });
        }
        out.push_str(&line.text());
        before = line.listed;
    }
    out
}

impl Table {
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
        self.rows.iter().map(|row| self.line(row)).collect()
    }

    pub(super) fn line(&self, row: &[Line]) -> Line {
        let mut line = Line::default();
        for (at, cell) in row.iter().enumerate() {
            if at > 0 {
                line.atoms.extend(separator());
            }
            line.atoms.extend(cell.atoms.iter().cloned());
        }
        line
    }
}
