//! Markdown as Discord shows it. Every character that could be a mark is escaped unless it is
//! one made here, so that no text can mention anybody, forge a link or unfold a preview.
//! Inline marks are in [`spans`], wide tables in [`table`], and what people write in Discord
//! becomes Markdown in [`inbound`].

mod inbound;
mod spans;
mod table;
#[cfg(test)]
mod tests;

use crate::platform::prose::fit;
use crate::platform::prose::spans::{BOLD, CODE, ITALIC, STRIKE};
use crate::platform::prose::{Block, Dialect, blocks};

pub(super) use crate::platform::prose::Links;
pub(super) use crate::platform::prose::fit::sections;
pub(super) use inbound::{Named, to_markdown};
pub(super) use spans::{escape, link};
#[cfg(test)]
pub(super) use tests::active;

/// Of the name of a code block's language.
const LONGEST_LANGUAGE: usize = 20;

pub(super) type Chunk = fit::Chunk<Discord>;
pub(super) type Section = fit::Section<Discord>;

#[derive(Debug, Clone)]
pub(super) struct Discord;

impl Dialect for Discord {
    const MARKS: &'static [(u8, &'static str)] =
        &[(BOLD, "**"), (ITALIC, "*"), (STRIKE, "~~"), (CODE, "`")];
    const CHANGE: usize = 15;
    /// Discord sets the space below a heading.
    const HEADINGS: &'static [&'static str] = &["# ", "## ", "### "];
    const QUOTE: &'static str = "> ";
    const INDENT: &'static str = "  ";
    const HANG: &'static str = "  ";
    const DEEPEST: usize = 5;
    const TASK: Option<&'static str> = Some("- ");
    /// Links lead to the web alone.
    const SCHEMES: &'static [&'static str] = &["http://", "https://"];
    const LONGEST_ATOM: usize = 400;
    const LONGEST_BARE: usize = 333;

    /// Discord counts code points
    /// (<https://github.com/discord/discord-api-docs/issues/1315>).
    fn units(_: char) -> usize {
        1
    }

    fn link(url: &str, label: &str) -> String {
        link(url, label)
    }

    fn parts(text: &str, style: u8, _crowded: u8) -> Vec<String> {
        if style & CODE != 0 {
            spans::in_code(text).collect()
        } else {
            spans::in_text(text).collect()
        }
    }

    fn guarded(body: String) -> String {
        spans::guarded(body)
    }
}

/// Length as Discord counts it.
pub(super) fn size(text: &str) -> usize {
    fit::size::<Discord>(text)
}

/// Text that holds no markup, shortened to `limit`.
pub(super) fn cut(text: &str, limit: usize) -> String {
    fit::cut::<Discord>(text, limit)
}

/// A message's Markdown in chunks, none of them blank.
pub(super) fn chunks(markdown: &str, links: &Links<'_>) -> Vec<Chunk> {
    let chunk = |block| match block {
        Block::Text { lines, .. } => Chunk::Text(lines),
        Block::Code { language, text } => code(language, &text),
        Block::Table(table) => code(String::new(), &table::text(&table)),
    };
    blocks(markdown, links).into_iter().map(chunk).collect()
}

/// In code, nothing but a mention could mean anything.
fn code(language: String, text: &str) -> Chunk {
    let known = |c: char| c.is_ascii_alphanumeric() || "_+-.#".contains(c);
    let known = language.len() <= LONGEST_LANGUAGE && language.chars().all(known);
    let mut safe: String = spans::in_code(text).collect();
    if safe.contains("```") {
        // Three in a row would end the block. Twice, as neighbours share a backtick.
        safe = safe.replace("``", "`\u{200b}`").replace("``", "`\u{200b}`");
    }
    Chunk::code(if known { language } else { String::new() }, &safe)
}
