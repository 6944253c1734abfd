//! Markdown to a flat list of blocks: the units that passages are made of.

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

/// One piece of an article that reads on its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Block {
    Heading {
        level: u8,
        text: String,
    },
    /// A paragraph, a list item (with its bullet or number and indent), or a quote.
    Text(String),
    /// Rows of cells, the first being the header.
    Table(Vec<Vec<String>>),
    Code(String),
}

/// Nesting beyond this is not an article but an attack.
pub(crate) const MAX_NESTING: usize = 64;

/// What Markdown Firstline reads: CommonMark with tables, strike-through, task lists.
pub(crate) fn options() -> Options {
    Options::ENABLE_TABLES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_HEADING_ATTRIBUTES
}

/// Reads Markdown; the error is a sentence.
pub(crate) fn parse(markdown: &str) -> Result<Vec<Block>, String> {
    let mut reader = Reader::default();
    let mut depth = 0usize;
    for event in Parser::new_ext(markdown, options()) {
        match &event {
            Event::Start(_) => depth += 1,
            Event::End(_) => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_NESTING {
            return Err(format!("nests deeper than {MAX_NESTING} levels"));
        }
        reader.event(event);
    }
    reader.flush();
    Ok(reader.blocks)
}

#[derive(Default)]
struct Reader {
    blocks: Vec<Block>,
    text: String,
    /// Per open list: the next number, if it is a numbered one.
    lists: Vec<Option<u64>>,
    /// The bullet waiting for the first text of its item.
    bullet: Option<String>,
    heading: Option<u8>,
    code: bool,
    table: Option<Vec<Vec<String>>>,
    html: String,
    image: usize,
}

impl Reader {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(t) if self.image == 0 => self.text.push_str(&t),
            Event::Code(t) => self.text.push_str(&t),
            Event::SoftBreak => self.text.push(' '),
            Event::HardBreak => self.text.push('\n'),
            Event::Html(t) => self.html.push_str(&t),
            Event::InlineHtml(t) if t.to_ascii_lowercase().starts_with("<br") => {
                self.text.push(' ')
            }
            Event::TaskListMarker(done) => self.text.push_str(if done { "[x] " } else { "[ ] " }),
            _ => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Heading { level, .. } => {
                self.flush();
                self.heading = Some(level_number(level));
            }
            Tag::Paragraph | Tag::BlockQuote(_) => self.flush(),
            Tag::List(first) => {
                self.flush();
                self.lists.push(first);
            }
            Tag::Item => {
                self.flush();
                let indent = "  ".repeat(self.lists.len().saturating_sub(1));
                self.bullet = Some(match self.lists.last_mut() {
                    Some(Some(n)) => {
                        let mark = format!("{indent}{n}. ");
                        *n += 1;
                        mark
                    }
                    _ => format!("{indent}- "),
                });
            }
            Tag::CodeBlock(kind) => {
                self.flush();
                self.code = true;
                // An indented block inside a list is nearly always a continued step.
                if matches!(kind, CodeBlockKind::Indented) && !self.lists.is_empty() {
                    self.code = false;
                }
            }
            Tag::Table(_) => {
                self.flush();
                self.table = Some(Vec::new());
            }
            Tag::TableHead | Tag::TableRow => {
                if let Some(rows) = &mut self.table {
                    rows.push(Vec::new());
                }
            }
            Tag::TableCell => self.text.clear(),
            Tag::Image { .. } => self.image += 1,
            Tag::HtmlBlock => {
                self.flush();
                self.html.clear();
            }
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Heading(_) => {
                let text = collapse(&std::mem::take(&mut self.text));
                if let Some(level) = self.heading.take()
                    && !text.is_empty()
                {
                    self.blocks.push(Block::Heading { level, text });
                }
            }
            TagEnd::CodeBlock => {
                let code = std::mem::take(&mut self.text);
                if self.code {
                    let code = code.trim_end().to_owned();
                    if !code.trim().is_empty() {
                        self.blocks.push(Block::Code(code));
                    }
                    self.code = false;
                } else {
                    self.text = code;
                    self.flush();
                }
            }
            TagEnd::TableCell => {
                let cell = collapse(&std::mem::take(&mut self.text));
                if let Some(row) = self.table.as_mut().and_then(|rows| rows.last_mut()) {
                    row.push(cell);
                }
            }
            TagEnd::Table => {
                if let Some(rows) = self.table.take() {
                    self.blocks.push(Block::Table(rows));
                }
            }
            TagEnd::List(_) => {
                self.flush();
                self.bullet = None;
                self.lists.pop();
            }
            TagEnd::Image => self.image = self.image.saturating_sub(1),
            TagEnd::HtmlBlock => {
                let html = std::mem::take(&mut self.html);
                let text = collapse(&strip_tags(&html));
                if !text.is_empty() {
                    self.blocks.push(Block::Text(text));
                }
            }
            TagEnd::Paragraph | TagEnd::Item | TagEnd::BlockQuote(_) => self.flush(),
            _ => {}
        }
    }

    fn flush(&mut self) {
        let text = std::mem::take(&mut self.text);
        let text = text.lines().map(collapse).filter(|l| !l.is_empty()).collect::<Vec<_>>();
        if text.is_empty() {
            return;
        }
        let indent = "  ".repeat(self.lists.len());
        let mark = self.bullet.take().unwrap_or_else(|| indent.clone());
        let text = format!("{mark}{}", text.join(&format!("\n{indent}")));
        self.blocks.push(Block::Text(text));
    }
}

fn level_number(level: HeadingLevel) -> u8 {
    match level {
        HeadingLevel::H1 => 1,
        HeadingLevel::H2 => 2,
        HeadingLevel::H3 => 3,
        HeadingLevel::H4 => 4,
        HeadingLevel::H5 => 5,
        HeadingLevel::H6 => 6,
    }
}

pub(crate) fn collapse(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

/// The words of raw HTML inside Markdown; script and style bodies are not words.
fn strip_tags(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(open) = rest.find('<') {
        out.push_str(&rest[..open]);
        rest = &rest[open..];
        let lower: String = rest.chars().take(8).collect::<String>().to_ascii_lowercase();
        let end_mark = if lower.starts_with("<script") {
            "</script"
        } else if lower.starts_with("<style") {
            "</style"
        } else {
            ">"
        };
        let end = rest.to_ascii_lowercase().find(end_mark);
        let Some(end) = end else { return out };
        rest = &rest[end..];
        let Some(close) = rest.find('>') else { return out };
        rest = &rest[close + 1..];
        out.push(' ');
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn reads_every_kind() {
        let md = "# Title\n\nA *soft* [link](x.md)\nline.\n\n1. one\n   - inner\n2. two\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```sh\nrun it\n```\n<div><script>x()</script>shown</div>\n";
        let blocks = parse(md).unwrap();
        insta::assert_debug_snapshot!(blocks, @r#"
        [
            Heading {
                level: 1,
                text: "Title",
            },
            Text(
                "A soft link line.",
            ),
            Text(
                "1. one",
            ),
            Text(
                "  - inner",
            ),
            Text(
                "2. two",
            ),
            Table(
                [
                    [
                        "a",
                        "b",
                    ],
                    [
                        "1",
                        "2",
                    ],
                ],
            ),
            Code(
                "run it",
            ),
            Text(
                "shown",
            ),
        ]
        "#);
    }

    #[test]
    fn deep_nesting_is_refused() {
        let md = "> ".repeat(500) + "deep";
        assert!(parse(&md).unwrap_err().contains("deeper"));
    }
}
