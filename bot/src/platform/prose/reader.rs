//! From Markdown's events to blocks of lines.

use pulldown_cmark::{
    CodeBlockKind, CowStr, Event, LinkType, Options, Parser, Tag, TagEnd, TextMergeStream,
};

use super::spans::{self, BOLD, CODE, ITALIC, Run, STRIKE};
use super::{Block, Dialect, Line, Links, Table};

/// A message's Markdown in blocks, none of them blank.
pub(in super::super) fn blocks<D: Dialect>(markdown: &str, links: &Links<'_>) -> Vec<Block<D>> {
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let mut reader = Reader::new(links);
    for event in TextMergeStream::new(Parser::new_ext(markdown, options)) {
        reader.event(event);
    }
    reader.end_block();
    reader.out
}

/// What closes an open link.
enum Closing {
    Nothing,
    Bracket,
    /// An address of mail, written out where it cannot be linked.
    Mail(String),
    Link {
        url: String,
        label: String,
    },
}

struct Reader<'a, D> {
    links: &'a Links<'a>,
    out: Vec<Block<D>>,
    /// Of the block that is being read.
    lines: Vec<Line<D>>,
    /// Of the line that is being read.
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
    /// The mark of the heading that is being read.
    heading: &'static str,
    /// Language and text.
    code: Option<(String, String)>,
    table: Option<Table>,
}

impl<'a, D: Dialect> Reader<'a, D> {
    fn new(links: &'a Links<'a>) -> Self {
        Reader {
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
            heading: "",
            code: None,
            table: None,
        }
    }

    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) => self.text(&text, 0),
            Event::Code(text) if marked::<D>(CODE) => self.text(&text, CODE),
            Event::Code(text) => self.text(&format!("`{text}`"), 0),
            Event::Html(raw) if !raw.trim_start().starts_with("<!--") => {
                self.text(raw.trim_end(), 0);
                self.line_break();
            }
            Event::InlineHtml(raw) if !raw.starts_with("<!--") => self.text(&raw, 0),
            // A person's own lines are kept where they are quoted; elsewhere, text flows.
            Event::SoftBreak if self.quotes > 0 => self.line_break(),
            Event::SoftBreak => self.text(" ", 0),
            Event::HardBreak => self.line_break(),
            Event::Rule => {
                self.end_paragraph();
                self.text("───", 0);
                self.end_paragraph();
            }
            Event::TaskListMarker(done) => {
                let sign = if done { "☑ " } else { "☐ " };
                match D::TASK {
                    Some(before) => self.marker = Some(format!("{before}{sign}")),
                    None => self.text(sign, 0),
                }
            }
            _ => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Heading { level, .. } => {
                self.end_line();
                self.heading = D::HEADINGS.get(level as usize - 1).unwrap_or(&"");
                self.bold += usize::from(self.heading.is_empty());
            }
            Tag::BlockQuote(_) => {
                self.end_quoted();
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
                    _ => D::bullet(depth).to_owned(),
                });
            }
            Tag::CodeBlock(kind) => {
                self.end_block();
                let language = match &kind {
                    CodeBlockKind::Fenced(info) => info.split_whitespace().next(),
                    CodeBlockKind::Indented => None,
                };
                self.code = Some((language.unwrap_or_default().to_owned(), String::new()));
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
            Tag::Strikethrough => self.struck(true),
            Tag::Link { link_type, dest_url, .. } => {
                let closing = self.closing(link_type, dest_url);
                if matches!(closing, Closing::Bracket) {
                    self.text("[", 0);
                }
                self.open.push(closing);
            }
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph | TagEnd::HtmlBlock => self.end_paragraph(),
            TagEnd::Heading(_) => {
                if D::HEADINGS.is_empty() {
                    self.end_paragraph();
                } else {
                    self.end_line();
                }
                self.bold -= usize::from(self.heading.is_empty()).min(self.bold);
                self.heading = "";
            }
            TagEnd::BlockQuote(_) => {
                self.end_quoted();
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
                let (language, text) = self.code.take().unwrap_or_default();
                let text = text.trim_end().to_owned();
                if !text.is_empty() {
                    self.out.push(Block::Code { language, text });
                }
            }
            TagEnd::TableCell => {
                let cell = std::mem::take(&mut self.runs);
                if let Some(row) = self.table.as_mut().and_then(|table| table.rows.last_mut()) {
                    row.push(cell);
                }
            }
            TagEnd::Table => self.out.extend(self.table.take().map(Block::Table)),
            TagEnd::Strong => self.bold = self.bold.saturating_sub(1),
            TagEnd::Emphasis => self.italic = self.italic.saturating_sub(1),
            TagEnd::Strikethrough => self.struck(false),
            TagEnd::Link => match self.open.pop() {
                Some(Closing::Bracket) => self.text("]", 0),
                Some(Closing::Mail(address)) => self.text(&format!(" ({address})"), 0),
                Some(Closing::Link { url, label }) => {
                    let style = self.style();
                    self.runs.push(Run::Link { style, url, label });
                }
                _ => {}
            },
            _ => {}
        }
    }

    fn closing(&self, link_type: LinkType, dest: CowStr<'_>) -> Closing {
        use LinkType::{Autolink, Collapsed, Email, Reference, Shortcut};
        if self.links.cited && matches!(link_type, Reference | Collapsed | Shortcut) {
            return Closing::Bracket;
        }
        let url = if link_type == Email && !dest.starts_with("mailto:") {
            format!("mailto:{dest}")
        } else {
            dest.into_string()
        };
        match (self.href(&url), url.strip_prefix("mailto:")) {
            (Some(url), _) => Closing::Link { url, label: String::new() },
            (None, Some(address))
                if !matches!(link_type, Autolink | Email) && !D::SCHEMES.contains(&"mailto:") =>
            {
                Closing::Mail(address.to_owned())
            }
            _ => Closing::Nothing,
        }
    }

    /// Where a link may lead: to what the platform links, or into the console.
    fn href(&self, dest: &str) -> Option<String> {
        let dest = dest.trim();
        if dest.starts_with('/') && !dest.starts_with("//") && !dest.contains('\\') {
            return self.links.base.map(|base| format!("{base}{dest}"));
        }
        let rest = D::SCHEMES.iter().find_map(|scheme| {
            let (start, rest) = dest.split_at_checked(scheme.len())?;
            start.eq_ignore_ascii_case(scheme).then_some(rest)
        })?;
        (!rest.trim_matches('/').is_empty()).then(|| dest.to_owned())
    }

    /// Without a sign for it, the sense of what is struck out would turn round.
    fn struck(&mut self, on: bool) {
        if !marked::<D>(STRIKE) {
            self.text("~~", 0);
        } else if on {
            self.strike += 1;
        } else {
            self.strike = self.strike.saturating_sub(1);
        }
    }

    /// Nested spans of one style are one span: a second mark would end the first.
    fn style(&self) -> u8 {
        let bit = |depth: usize, bit: u8| if depth > 0 { bit } else { 0 };
        bit(self.bold, BOLD) | bit(self.italic, ITALIC) | bit(self.strike, STRIKE)
    }

    fn label(&mut self) -> Option<&mut String> {
        self.open.iter_mut().rev().find_map(|closing| match closing {
            Closing::Link { label, .. } => Some(label),
            _ => None,
        })
    }

    fn text(&mut self, text: &str, code: u8) {
        let style = self.style() | code;
        if let Some((_, block)) = &mut self.code {
            block.push_str(text);
        } else if let Some(label) = self.label() {
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
        if self.table.is_some() || self.label().is_some() {
            self.text(" ", 0);
        } else {
            self.runs.push(Run::Break);
        }
    }

    fn end_line(&mut self) {
        let quote = if self.quotes > 0 { D::QUOTE } else { "" };
        let depth = self.lists.len().saturating_sub(1).min(D::DEEPEST);
        let indent = format!("{quote}{}", D::INDENT.repeat(depth));
        let hang = if self.lists.is_empty() { "" } else { D::HANG };
        let hang = format!("{indent}{hang}");
        let mut heading = self.heading;
        for atoms in spans::lines::<D>(&std::mem::take(&mut self.runs)) {
            let mut prefix = match self.marker.take() {
                Some(marker) => format!("{indent}{marker}"),
                None => hang.clone(),
            };
            prefix.push_str(std::mem::take(&mut heading));
            self.lines.push(Line::new(prefix, hang.clone(), atoms));
        }
    }

    /// A list with all that is in its items is one block.
    fn end_paragraph(&mut self) {
        self.end_line();
        if self.lists.is_empty() {
            self.end_block();
        }
    }

    fn end_quoted(&mut self) {
        if D::QUOTE.is_empty() {
            self.end_block();
        } else {
            self.end_paragraph();
        }
    }

    fn end_block(&mut self) {
        self.end_line();
        let lines = std::mem::take(&mut self.lines);
        if !lines.is_empty() {
            self.out.push(Block::Text { lines, quoted: self.quotes > 0 });
        }
    }
}

fn marked<D: Dialect>(style: u8) -> bool {
    D::MARKS.iter().any(|(bit, _)| *bit == style)
}
