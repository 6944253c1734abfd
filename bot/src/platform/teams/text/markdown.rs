//! Markdown as it is written out, told piece by piece what is to stand there.

use super::link::link;

/// Deeper quotes and lists are written at this depth, so that prefixes stay short.
const DEEPEST: usize = 8;

/// What is due before the next word.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
enum Gap {
    Line,
    Paragraph,
}

enum Nest {
    Quote,
    /// The next number; `None` for bullets. The indentation of what stands under an item.
    List {
        next: Option<u64>,
        indent: usize,
    },
}

#[derive(Default)]
pub(super) struct Markdown {
    out: String,
    gap: Option<Gap>,
    space: bool,
    nests: Vec<Nest>,
    /// Beyond [`DEEPEST`]: opened and not written.
    deeper: usize,
    /// Of an item that has no words yet.
    marker: Option<String>,
    bold: usize,
    italic: usize,
    strike: usize,
    open: Vec<&'static str>,
    code: Option<String>,
    block: Option<String>,
    link: Option<(String, String)>,
    table: Option<Vec<Vec<String>>>,
}

impl Markdown {
    pub(super) fn text(&mut self, text: &str) {
        let row = self.table.as_mut().map(|table| table.last_mut().and_then(|row| row.last_mut()));
        if let Some(block) = &mut self.block {
            block.push_str(text);
        } else if let Some(code) = &mut self.code {
            code.push_str(text);
        } else if let Some((_, label)) = &mut self.link {
            label.push_str(text);
        } else if let Some(cell) = row {
            if let Some(cell) = cell {
                cell.push_str(text);
            }
        } else {
            for (at, word) in text.split(|c: char| c.is_whitespace()).enumerate() {
                self.space |= at > 0;
                if !word.is_empty() {
                    self.word(word);
                }
            }
        }
    }

    pub(super) fn bold(&mut self, on: bool) {
        count(&mut self.bold, on);
    }

    pub(super) fn italic(&mut self, on: bool) {
        count(&mut self.italic, on);
    }

    pub(super) fn strike(&mut self, on: bool) {
        count(&mut self.strike, on);
    }

    pub(super) fn start_code(&mut self) {
        if self.block.is_none() && self.code.is_none() && self.plain() {
            self.code = Some(String::new());
        }
    }

    pub(super) fn end_code(&mut self) {
        let Some(code) = self.code.take() else { return };
        let code = code.split_whitespace().collect::<Vec<_>>().join(" ");
        if code.is_empty() {
            return;
        }
        let fence = "`".repeat(longest_run(&code) + 1);
        let pad = if code.starts_with('`') || code.ends_with('`') { " " } else { "" };
        self.word(&format!("{fence}{pad}{code}{pad}{fence}"));
    }

    pub(super) fn start_block_of_code(&mut self) {
        self.end_code();
        self.end_link();
        if self.block.is_none() && self.table.is_none() {
            self.paragraph();
            self.block = Some(String::new());
        }
    }

    pub(super) fn end_block_of_code(&mut self) {
        let Some(block) = self.block.take() else { return };
        let block = block.replace('\u{a0}', " ");
        let block = block.trim_matches(['\n', '\r']).trim_end();
        if block.is_empty() {
            return;
        }
        let fence = "`".repeat(longest_run(block).max(2) + 1);
        for line in [fence.as_str()].into_iter().chain(block.lines()).chain([fence.as_str()]) {
            self.raw(line);
        }
        self.paragraph();
    }

    pub(super) fn start_link(&mut self, address: String) {
        if self.link.is_none() && self.code.is_none() && self.plain() {
            self.link = Some((address, String::new()));
        }
    }

    pub(super) fn end_link(&mut self) {
        if let Some((address, label)) = self.link.take() {
            let spaced = |at: Option<char>| at.is_some_and(char::is_whitespace);
            self.space |= spaced(label.chars().next());
            let after = spaced(label.chars().next_back());
            let link = link(&address, &label);
            if !link.is_empty() {
                self.word(&link);
            }
            self.space |= after;
        }
    }

    pub(super) fn start_list(&mut self, first: Option<u64>) {
        let inside = self.nests.iter().any(|nest| matches!(nest, Nest::List { .. }));
        self.need(if inside { Gap::Line } else { Gap::Paragraph });
        self.nest(Nest::List { next: first, indent: 2 });
    }

    pub(super) fn start_item(&mut self) {
        self.need(Gap::Line);
        if let Some(Nest::List { next, indent }) = self.nests.last_mut() {
            let marker = match next {
                Some(number) => {
                    let marker = format!("{number}. ");
                    *number = number.saturating_add(1);
                    marker
                }
                None => "- ".to_owned(),
            };
            *indent = marker.len();
            self.marker = Some(marker);
        }
    }

    pub(super) fn end_list(&mut self) {
        self.unnest(|nest| matches!(nest, Nest::List { .. }));
    }

    pub(super) fn start_quote(&mut self) {
        self.paragraph();
        self.nest(Nest::Quote);
    }

    pub(super) fn end_quote(&mut self) {
        self.unnest(|nest| matches!(nest, Nest::Quote));
        self.paragraph();
    }

    pub(super) fn start_table(&mut self) {
        if self.table.is_none() && self.block.is_none() {
            self.paragraph();
            self.table = Some(Vec::new());
        }
    }

    pub(super) fn start_row(&mut self) {
        if let Some(table) = &mut self.table {
            table.push(Vec::new());
        }
    }

    pub(super) fn start_cell(&mut self) {
        if let Some(row) = self.table.as_mut().and_then(|table| table.last_mut()) {
            row.push(String::new());
        }
    }

    pub(super) fn end_cell(&mut self) {
        self.text(" ");
    }

    pub(super) fn end_table(&mut self) {
        let Some(mut rows) = self.table.take() else { return };
        rows.retain(|row| !row.is_empty());
        let columns = rows.first().map_or(0, Vec::len);
        for (at, row) in rows.iter().enumerate() {
            let cells = row.iter().map(|cell| {
                cell.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
            });
            self.raw(&format!("| {} |", cells.collect::<Vec<_>>().join(" | ")));
            if at == 0 {
                self.raw(&format!("|{}", "---|".repeat(columns)));
            }
        }
        self.paragraph();
    }

    pub(super) fn rule(&mut self) {
        if self.block.is_none() && self.plain() {
            self.paragraph();
            self.raw("---");
            self.paragraph();
        }
    }

    pub(super) fn line(&mut self) {
        self.need(Gap::Line);
    }

    pub(super) fn paragraph(&mut self) {
        let listed = matches!(self.nests.last(), Some(Nest::List { .. }));
        self.need(if listed { Gap::Line } else { Gap::Paragraph });
    }

    /// Two make a paragraph.
    pub(super) fn line_break(&mut self) {
        if self.gap == Some(Gap::Line) {
            self.paragraph();
        } else {
            self.line();
        }
    }

    pub(super) fn finish(mut self) -> String {
        self.end_block_of_code();
        self.end_code();
        self.end_link();
        self.end_table();
        self.close_marks(0);
        self.out
    }

    fn plain(&self) -> bool {
        self.table.is_none() && self.link.is_none()
    }

    /// Words are being gathered, so that breaks are part of them.
    fn held(&mut self) -> bool {
        let held = self.block.is_some() || self.code.is_some() || !self.plain();
        if held {
            self.text("\n");
        }
        held
    }

    fn need(&mut self, gap: Gap) {
        if !self.held() {
            self.gap = Some(self.gap.map_or(gap, |before| if before > gap { before } else { gap }));
            self.space = false;
        }
    }

    fn nest(&mut self, nest: Nest) {
        if self.nests.len() < DEEPEST {
            self.nests.push(nest);
        } else {
            self.deeper += 1;
        }
    }

    fn unnest(&mut self, kind: impl Fn(&Nest) -> bool) {
        if self.deeper > 0 {
            self.deeper -= 1;
        } else if self.nests.last().is_some_and(kind) {
            self.nests.pop();
            self.marker = None;
        }
        self.paragraph();
    }

    /// A word, a link or a whole line, with the breaks, prefixes and marks due before it.
    fn word(&mut self, word: &str) {
        if self.gap.is_some() || self.out.is_empty() {
            self.breaks();
        } else {
            let wanted = self.wanted();
            let keep = self.open.iter().take_while(|mark| wanted.contains(mark)).count();
            self.close_marks(keep);
            if self.space {
                self.out.push(' ');
            }
        }
        self.space = false;
        for mark in self.wanted() {
            if !self.open.contains(&mark) {
                self.out.push_str(mark);
                self.open.push(mark);
            }
        }
        self.out.push_str(word);
    }

    /// A line that stands for itself, without marks.
    fn raw(&mut self, line: &str) {
        self.need(Gap::Line);
        self.breaks();
        self.out.push_str(line);
        self.need(Gap::Line);
    }

    fn breaks(&mut self) {
        self.close_marks(0);
        if let Some(gap) = self.gap.take().filter(|_| !self.out.is_empty()) {
            self.out.push('\n');
            if gap == Gap::Paragraph {
                // A quote goes on over the blank line, if it did before.
                let last = self.out.trim_end().rsplit('\n').next().unwrap_or_default();
                if last.starts_with('>') && matches!(self.nests.first(), Some(Nest::Quote)) {
                    self.out.push('>');
                }
                self.out.push('\n');
            }
        }
        let last = self.nests.len().saturating_sub(1);
        for (at, nest) in self.nests.iter().enumerate() {
            match nest {
                Nest::Quote => self.out.push_str("> "),
                Nest::List { .. } if at == last && self.marker.is_some() => {
                    self.out.push_str(&self.marker.take().unwrap_or_default());
                }
                Nest::List { indent, .. } => self.out.push_str(&" ".repeat(*indent)),
            }
        }
    }

    fn wanted(&self) -> Vec<&'static str> {
        let marks = [(self.bold, "**"), (self.italic, "_"), (self.strike, "~~")];
        marks.into_iter().filter(|(depth, _)| *depth > 0).map(|(_, mark)| mark).collect()
    }

    fn close_marks(&mut self, keep: usize) {
        for mark in self.open.drain(keep..).rev() {
            self.out.push_str(mark);
        }
    }
}

fn count(depth: &mut usize, on: bool) {
    *depth = if on { *depth + 1 } else { depth.saturating_sub(1) };
}

fn longest_run(text: &str) -> usize {
    let runs = text.split(|c| c != '`');
    runs.map(str::len).max().unwrap_or(0)
}
