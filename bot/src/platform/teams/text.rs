//! Markdown as Adaptive Cards show it. Their text blocks know bold, italic, lists and links;
//! code, quotes and tables become elements of their own. No card sent here has mention
//! entities, and what looks like markup in somebody's words is broken up: no text can mention
//! anybody. Inline marks are in [`spans`], limits in [`fit`], and what people write in Teams
//! becomes Markdown in [`inbound`].
//!
//! <https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/cards-format>

mod element;
mod fit;
mod html;
mod inbound;
mod link;
mod markdown;
mod spans;
#[cfg(test)]
mod tests;

use pulldown_cmark::{Event, LinkType, Options, Parser, Tag, TagEnd, TextMergeStream};

pub(super) use element::Block;
use element::{Line, Table};
pub(super) use fit::{Piece, cut, pieces, weight};
pub(super) use inbound::{plain_to_markdown, to_markdown};
use spans::{BOLD, ITALIC, Run};
pub(super) use spans::{link, literal};

/// Deeper lists are shown at this depth, so that indentation leaves room for words.
const DEEPEST: usize = 4;

/// How a text's own links are led on.
pub(super) struct Links<'a> {
    /// Address of the console, without a slash at its end, for links like `/tickets/FL-1`.
    pub(super) base: Option<&'a str>,
    /// Whether `[1]` is a citation even if the text defines `[1]: ...`, as in the console.
    pub(super) cited: bool,
}

/// A message's Markdown in blocks, none of them blank.
pub(super) fn blocks(markdown: &str, links: &Links<'_>) -> Vec<Block> {
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let mut writer = Writer::new(links);
    for event in TextMergeStream::new(Parser::new_ext(markdown, options)) {
        writer.event(event);
    }
    writer.end_block();
    writer.out
}

/// The words alone, on one line, for notifications and lists of chats.
pub(super) fn plain(markdown: &str, limit: usize) -> String {
    let mut out = String::new();
    for event in TextMergeStream::new(Parser::new_ext(markdown, Options::ENABLE_TABLES)) {
        match event {
            Event::Text(text) | Event::Code(text) => out.push_str(&text),
            Event::SoftBreak | Event::HardBreak | Event::End(TagEnd::TableCell) => out.push(' '),
            Event::End(TagEnd::Paragraph | TagEnd::Heading(_) | TagEnd::Item) => out.push(' '),
            _ => {}
        }
        if out.len() > limit * 8 {
            break;
        }
    }
    let words: Vec<&str> = out.split_whitespace().collect();
    cut(&spans::broken_up(&words.join(" ")), limit)
}

/// What closes an open link.
enum Closing {
    Nothing,
    Bracket,
    Link { url: String, label: String },
}

struct Writer<'a> {
    links: &'a Links<'a>,
    out: Vec<Block>,
    /// Of the block that is being written.
    lines: Vec<Line>,
    /// Of the line that is being written.
    runs: Vec<Run>,
    bold: usize,
    italic: usize,
    quotes: usize,
    /// The next number of each open list; `None` for bullets.
    lists: Vec<Option<u64>>,
    /// Of an item without a line yet.
    marker: Option<String>,
    open: Vec<Closing>,
    code: Option<String>,
    table: Option<Table>,
}

impl<'a> Writer<'a> {
    fn new(links: &'a Links<'a>) -> Self {
        Writer {
            links,
            out: Vec::new(),
            lines: Vec::new(),
            runs: Vec::new(),
            bold: 0,
            italic: 0,
            quotes: 0,
            lists: Vec::new(),
            marker: None,
            open: Vec::new(),
            code: None,
            table: None,
        }
    }

    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) => self.text(&text),
            Event::Code(text) => self.text(&format!("`{text}`")),
            Event::Html(raw) if !raw.trim_start().starts_with("<!--") => {
                self.text(raw.trim_end());
                self.line_break();
            }
            Event::InlineHtml(raw) if !raw.starts_with("<!--") => self.text(&raw),
            // A person's own lines are kept where they are quoted; elsewhere, text flows.
            Event::SoftBreak if self.quotes > 0 => self.line_break(),
            Event::SoftBreak => self.text(" "),
            Event::HardBreak => self.line_break(),
            Event::Rule => {
                self.end_paragraph();
                self.text("───");
                self.end_paragraph();
            }
            Event::TaskListMarker(done) => self.text(if done { "☑ " } else { "☐ " }),
            _ => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Heading { .. } => {
                self.end_line();
                self.bold += 1;
            }
            Tag::BlockQuote(_) => {
                self.end_block();
                self.quotes += 1;
            }
            Tag::List(first) => {
                self.end_line();
                if self.lists.is_empty() {
                    self.end_block();
                }
                self.lists.push(first);
            }
            Tag::Item => {
                self.end_line();
                self.marker = Some(match self.lists.last_mut() {
                    Some(Some(number)) => {
                        let marker = format!("{number}. ");
                        *number = number.saturating_add(1);
                        marker
                    }
                    _ => "- ".to_owned(),
                });
            }
            Tag::CodeBlock(_) => {
                self.end_block();
                self.code = Some(String::new());
            }
            Tag::Table(columns) => {
                self.end_block();
                self.table = Some(Table { columns, rows: Vec::new() });
            }
            Tag::TableHead | Tag::TableRow => {
                if let Some(table) = &mut self.table {
                    table.rows.push(Vec::new());
                }
            }
            Tag::Strong => self.bold += 1,
            Tag::Emphasis => self.italic += 1,
            // Text blocks cannot strike out, and without a sign the sense would turn round.
            Tag::Strikethrough => self.text("~~"),
            Tag::Link { link_type, dest_url, .. } => {
                let reference = matches!(
                    link_type,
                    LinkType::Reference | LinkType::Collapsed | LinkType::Shortcut
                );
                if reference && self.links.cited {
                    self.text("[");
                    self.open.push(Closing::Bracket);
                } else {
                    let mail = link_type == LinkType::Email && !dest_url.starts_with("mailto:");
                    let url =
                        if mail { format!("mailto:{dest_url}") } else { dest_url.to_string() };
                    self.open.push(match self.href(&url) {
                        Some(url) => Closing::Link { url, label: String::new() },
                        None => Closing::Nothing,
                    });
                }
            }
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph | TagEnd::HtmlBlock => self.end_paragraph(),
            TagEnd::Heading(_) => {
                self.end_paragraph();
                self.bold = self.bold.saturating_sub(1);
            }
            TagEnd::BlockQuote(_) => {
                self.end_block();
                self.quotes = self.quotes.saturating_sub(1);
            }
            TagEnd::Item => {
                self.end_line();
                self.marker = None;
            }
            TagEnd::List(_) => {
                self.end_line();
                self.lists.pop();
                self.end_paragraph();
            }
            TagEnd::CodeBlock => {
                let code = self.code.take().unwrap_or_default();
                if !code.trim().is_empty() {
                    let lines = code.trim_end().lines().map(str::to_owned);
                    self.out.push(Block::Code(lines.collect()));
                }
            }
            TagEnd::TableCell => {
                let atoms = spans::lines(&std::mem::take(&mut self.runs)).into_iter().flatten();
                let cell = Line { atoms: atoms.collect(), ..Line::default() };
                if let Some(row) = self.table.as_mut().and_then(|table| table.rows.last_mut()) {
                    row.push(cell);
                }
            }
            TagEnd::Table => self.out.extend(self.table.take().map(Block::Table)),
            TagEnd::Strong => self.bold = self.bold.saturating_sub(1),
            TagEnd::Emphasis => self.italic = self.italic.saturating_sub(1),
            TagEnd::Strikethrough => self.text("~~"),
            TagEnd::Link => match self.open.pop() {
                Some(Closing::Bracket) => self.text("]"),
                Some(Closing::Link { url, label }) => {
                    let style = self.style();
                    self.runs.push(Run::Link { style, text: link(&url, &label) });
                }
                _ => {}
            },
            _ => {}
        }
    }

    /// Nested spans of one style are one span: a second mark would end the first.
    fn style(&self) -> u8 {
        let bit = |depth: usize, bit: u8| if depth > 0 { bit } else { 0 };
        bit(self.bold, BOLD) | bit(self.italic, ITALIC)
    }

    fn text(&mut self, text: &str) {
        let style = self.style();
        let label = self.open.iter_mut().rev().find_map(|closing| match closing {
            Closing::Link { label, .. } => Some(label),
            _ => None,
        });
        if let Some(block) = &mut self.code {
            block.push_str(text);
        } else if let Some(label) = label {
            label.push_str(text);
        } else if let Some(Run::Text { style: last, text: before }) = self.runs.last_mut()
            && *last == style
        {
            before.push_str(text);
        } else {
            self.runs.push(Run::Text { style, text: text.to_owned() });
        }
    }

    fn line_break(&mut self) {
        let within = self.table.is_some()
            || self.open.iter().any(|closing| matches!(closing, Closing::Link { .. }));
        if within {
            self.text(" ");
        } else {
            self.runs.push(Run::Break);
        }
    }

    fn end_line(&mut self) {
        let listed = !self.lists.is_empty();
        let indent = "   ".repeat(self.lists.len().saturating_sub(1).min(DEEPEST));
        for atoms in spans::lines(&std::mem::take(&mut self.runs)) {
            let prefix = match self.marker.take() {
                Some(marker) => format!("{indent}{marker}"),
                None if listed => format!("{indent}   "),
                None => String::new(),
            };
            self.lines.push(Line { prefix, listed, atoms });
        }
    }

    /// A list with all that is in its items is one block.
    fn end_paragraph(&mut self) {
        self.end_line();
        if self.lists.is_empty() {
            self.end_block();
        }
    }

    fn end_block(&mut self) {
        self.end_line();
        let lines = std::mem::take(&mut self.lines);
        if !lines.is_empty() {
            self.out.push(match self.quotes {
                0 => Block::Text(lines),
                _ => Block::Quote(lines),
            });
        }
    }

    /// Where a link may lead: to the web, to mail, or into the console.
    fn href(&self, dest: &str) -> Option<String> {
        let dest = dest.trim();
        if dest.starts_with('/') && !dest.starts_with("//") && !dest.contains('\\') {
            return self.links.base.map(|base| format!("{base}{dest}"));
        }
        let (scheme, rest) = dest.split_once(':')?;
        let known = ["http", "https", "mailto"].contains(&scheme.to_ascii_lowercase().as_str());
        (known && !rest.trim_matches('/').is_empty()).then(|| dest.to_owned())
    }
}
