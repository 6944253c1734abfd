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

use pulldown_cmark::{Event, Options, Parser, TagEnd, TextMergeStream};

pub(super) use crate::platform::prose::Links;
use crate::platform::prose::spans::{BOLD, ITALIC, Run};
use crate::platform::prose::{self, Dialect};
pub(super) use element::Block;
use element::Table;
pub(super) use fit::{Piece, cut, pieces, weight};
pub(super) use inbound::{plain_to_markdown, to_markdown};
pub(super) use spans::{link, literal};

#[derive(Debug, Clone)]
pub(super) struct Cards;

impl Dialect for Cards {
    const MARKS: &'static [(u8, &'static str)] = &[(BOLD, "**"), (ITALIC, "_")];
    const CHANGE: usize = 16;
    const QUOTE: &'static str = "";
    const INDENT: &'static str = "   ";
    const HANG: &'static str = "   ";
    const DEEPEST: usize = 4;
    const TASK: Option<&'static str> = None;
    const SCHEMES: &'static [&'static str] = &["http:", "https:", "mailto:"];
    const LONGEST_ATOM: usize = 400;
    const LONGEST_BARE: usize = 300;

    fn link(url: &str, label: &str) -> String {
        link(url, label)
    }

    fn crowded(runs: &[Run]) -> u8 {
        spans::crowded(runs)
    }

    fn parts(text: &str, _style: u8, crowded: u8) -> Vec<String> {
        let shown = if crowded > 0 { spans::without_marks(text) } else { text.to_owned() };
        spans::broken_up(&shown).chars().map(String::from).collect()
    }

    fn guarded(body: String) -> String {
        spans::guarded(&body)
    }
}

/// A message's Markdown in blocks, none of them blank.
pub(super) fn blocks(markdown: &str, links: &Links<'_>) -> Vec<Block> {
    let block = |block| match block {
        prose::Block::Text { lines, quoted: false } => Block::Text(lines),
        prose::Block::Text { lines, quoted: true } => Block::Quote(lines),
        prose::Block::Code { text, .. } => Block::Code(text.lines().map(str::to_owned).collect()),
        prose::Block::Table(table) => Block::Table(Table::new(table)),
    };
    prose::blocks(markdown, links).into_iter().map(block).collect()
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
