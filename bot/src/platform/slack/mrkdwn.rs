//! Markdown as Slack's mrkdwn. `<` means something to Slack, so every `&`, `<` and `>` is
//! escaped and the only angle brackets sent are those of links made here: no text can
//! mention anybody. Inline marks are in [`spans`], limits in [`fit`], and what people write
//! in Slack becomes Markdown in [`inbound`].

mod fit;
mod inbound;
mod spans;
mod table;
#[cfg(test)]
mod tests;

use pulldown_cmark::{Event, LinkType, Options, Parser, Tag, TagEnd, TextMergeStream};

pub(super) use fit::{Section, cut, preview, sections, size};
pub(super) use inbound::to_markdown;
pub(super) use spans::link;
use spans::{Atom, BOLD, CODE, ITALIC, Run, STRIKE};
use table::Table;

/// Deeper lists are shown at this depth, so that indentation leaves room for words.
const DEEPEST: usize = 5;

/// For any text that is sent as mrkdwn.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// How a text's own links are led on.
pub(super) struct Links<'a> {
    /// Address of the console, without a slash at its end, for links like `/tickets/FL-1`.
    pub(super) base: Option<&'a str>,
    /// Whether `[1]` is a citation even if the text defines `[1]: ...`, as in the console.
    pub(super) cited: bool,
}

/// What is not parted if it can be helped: a paragraph, a list, a code block.
#[derive(Debug, Clone)]
pub(super) enum Chunk {
    Text(Vec<Line>),
    /// Lines, escaped.
    Code(Vec<String>),
}

#[derive(Debug, Clone)]
pub(super) struct Line {
    prefix: String,
    /// The prefix of what is carried over to a further line.
    hang: String,
    atoms: Vec<Atom>,
}

impl Line {
    fn text(&self) -> String {
        let body = spans::render(&self.atoms);
        // Slack takes an escaped `>` at the start of a line for a quote, too.
        let guard = if body.starts_with("&gt;") { "\u{200b}" } else { "" };
        format!("{}{guard}{body}", self.prefix)
    }
}

impl Chunk {
    pub(super) fn text(&self) -> String {
        match self {
            Chunk::Text(lines) => lines.iter().map(Line::text).collect::<Vec<_>>().join("\n"),
            Chunk::Code(lines) => format!("```\n{}\n```", lines.join("\n")),
        }
    }

    fn code(text: &str) -> Option<Self> {
        let text = text.trim_end();
        // Three in a row would end the block; of any number this leaves two.
        let safe = escape(&text.replace("``", "`\u{200b}`"));
        (!text.is_empty()).then(|| Chunk::Code(safe.lines().map(str::to_owned).collect()))
    }
}

/// A message's Markdown in chunks, none of them blank.
pub(super) fn chunks(markdown: &str, links: &Links<'_>) -> Vec<Chunk> {
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let mut writer = Writer::new(links);
    for event in TextMergeStream::new(Parser::new_ext(markdown, options)) {
        writer.event(event);
    }
    writer.end_chunk();
    writer.out
}

/// What closes an open link.
enum Closing {
    Nothing,
    Bracket,
    Link { url: String, label: String },
}

struct Writer<'a> {
    links: &'a Links<'a>,
    out: Vec<Chunk>,
    /// Of the chunk that is being written.
    lines: Vec<Line>,
    /// Of the line that is being written.
    runs: Vec<Run>,
    bold: usize,
    italic: usize,
    strike: usize,
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
            strike: 0,
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
            Event::Text(text) => self.text(&text, 0),
            Event::Code(text) => self.text(&text, CODE),
            Event::Html(raw) if !raw.trim_start().starts_with("<!--") => {
                self.text(raw.trim_end(), 0);
                self.runs.push(Run::Break);
            }
            Event::InlineHtml(raw) if !raw.starts_with("<!--") => self.text(&raw, 0),
            // A person's own lines are kept where they are quoted; elsewhere, text flows.
            Event::SoftBreak if self.quotes > 0 => self.line_break(),
            Event::SoftBreak => self.text(" ", 0),
            Event::HardBreak => self.line_break(),
            Event::Rule => {
                self.end_block();
                self.text("───", 0);
                self.end_block();
            }
            Event::TaskListMarker(done) => {
                self.marker = Some(if done { "☑ " } else { "☐ " }.to_owned());
            }
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
                self.lists.push(first);
            }
            Tag::Item => {
                self.end_line();
                let depth = self.lists.len();
                self.marker = Some(match self.lists.last_mut() {
                    Some(Some(number)) => {
                        let marker = format!("{number}. ");
                        *number = number.saturating_add(1);
                        marker
                    }
                    _ => ["• ", "◦ "].get(depth.saturating_sub(1)).unwrap_or(&"▪ ").to_string(),
                });
            }
            Tag::CodeBlock(_) => {
                self.end_chunk();
                self.code = Some(String::new());
            }
            Tag::Table(columns) => {
                self.end_chunk();
                self.table = Some(Table::new(columns));
            }
            Tag::TableHead | Tag::TableRow => {
                if let Some(table) = &mut self.table {
                    table.row();
                }
            }
            Tag::Strong => self.bold += 1,
            Tag::Emphasis => self.italic += 1,
            Tag::Strikethrough => self.strike += 1,
            Tag::Link { link_type, dest_url, .. } => {
                let reference = matches!(
                    link_type,
                    LinkType::Reference | LinkType::Collapsed | LinkType::Shortcut
                );
                if reference && self.links.cited {
                    self.text("[", 0);
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
            TagEnd::Paragraph | TagEnd::HtmlBlock => self.end_block(),
            TagEnd::Heading(_) => {
                self.end_block();
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
                self.end_block();
            }
            TagEnd::CodeBlock => {
                let code = self.code.take().unwrap_or_default();
                self.out.extend(Chunk::code(&code));
            }
            TagEnd::TableCell => {
                if let Some(table) = &mut self.table {
                    table.end_cell();
                }
            }
            TagEnd::Table => {
                let lines = self.table.take().map(Table::lines).unwrap_or_default();
                self.out.extend(Chunk::code(&lines.join("\n")));
            }
            TagEnd::Strong => self.bold = self.bold.saturating_sub(1),
            TagEnd::Emphasis => self.italic = self.italic.saturating_sub(1),
            TagEnd::Strikethrough => self.strike = self.strike.saturating_sub(1),
            TagEnd::Link => match self.open.pop() {
                Some(Closing::Bracket) => self.text("]", 0),
                Some(Closing::Link { url, label }) if self.table.is_some() => {
                    self.text(if label.trim().is_empty() { &url } else { &label }, 0);
                }
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
        bit(self.bold, BOLD) | bit(self.italic, ITALIC) | bit(self.strike, STRIKE)
    }

    fn text(&mut self, text: &str, code: u8) {
        let style = self.style() | code;
        let label = self.open.iter_mut().rev().find_map(|closing| match closing {
            Closing::Link { label, .. } => Some(label),
            _ => None,
        });
        if let Some(block) = &mut self.code {
            block.push_str(text);
        } else if let Some(label) = label {
            label.push_str(text);
        } else if let Some(table) = &mut self.table {
            table.text(text);
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
            self.text(" ", 0);
        } else {
            self.runs.push(Run::Break);
        }
    }

    fn end_line(&mut self) {
        let quote = if self.quotes > 0 { "> " } else { "" };
        let depth = self.lists.len().saturating_sub(1).min(DEEPEST);
        let indent = format!("{quote}{}", "    ".repeat(depth));
        let hang = if self.lists.is_empty() { indent.clone() } else { format!("{indent}   ") };
        for atoms in spans::lines(&std::mem::take(&mut self.runs)) {
            let prefix = match self.marker.take() {
                Some(marker) => format!("{indent}{marker}"),
                None => hang.clone(),
            };
            self.lines.push(Line { prefix, hang: hang.clone(), atoms });
        }
    }

    /// A list with all that is in its items is one chunk.
    fn end_block(&mut self) {
        self.end_line();
        if self.lists.is_empty() {
            self.end_chunk();
        }
    }

    fn end_chunk(&mut self) {
        self.end_line();
        if !self.lines.is_empty() {
            self.out.push(Chunk::Text(std::mem::take(&mut self.lines)));
        }
    }

    /// Where a link may lead: to the web, to mail, or into the console.
    fn href(&self, dest: &str) -> Option<String> {
        let dest = dest.trim();
        let known = |scheme: &str| ["http", "https", "mailto"].contains(&scheme);
        if dest.starts_with('/') && !dest.starts_with("//") && !dest.contains('\\') {
            return self.links.base.map(|base| format!("{base}{dest}"));
        }
        let (scheme, rest) = dest.split_once(':')?;
        (known(&scheme.to_ascii_lowercase()) && !rest.trim_matches('/').is_empty())
            .then(|| dest.to_owned())
    }
}
