//! Markdown as Slack's mrkdwn. `<` means something to Slack, so every `&`, `<` and `>` is
//! escaped and the only angle brackets sent are those of links made here: no text can
//! mention anybody. Inline marks are in [`spans`], and what people write in Slack becomes
//! Markdown in [`inbound`].

mod inbound;
mod spans;
#[cfg(test)]
mod tests;

use crate::platform::prose::fit;
use crate::platform::prose::spans::{BOLD, CODE, ITALIC, Run, STRIKE};
use crate::platform::prose::{Block, Dialect, blocks};

pub(super) use crate::platform::prose::Links;
pub(super) use crate::platform::prose::fit::sections;
pub(super) use inbound::to_markdown;
pub(super) use spans::link;

pub(super) type Chunk = fit::Chunk<Mrkdwn>;
pub(super) type Section = fit::Section<Mrkdwn>;

#[derive(Debug, Clone)]
pub(super) struct Mrkdwn;

impl Dialect for Mrkdwn {
    const MARKS: &'static [(u8, &'static str)] =
        &[(BOLD, "*"), (ITALIC, "_"), (STRIKE, "~"), (CODE, "`")];
    const CHANGE: usize = 10;
    const QUOTE: &'static str = "> ";
    const INDENT: &'static str = "    ";
    const HANG: &'static str = "   ";
    const DEEPEST: usize = 5;
    const TASK: Option<&'static str> = Some("");
    const SCHEMES: &'static [&'static str] = &["http:", "https:", "mailto:"];
    const LONGEST_ATOM: usize = 800;
    const LONGEST_BARE: usize = 400;

    fn bullet(depth: usize) -> &'static str {
        ["• ", "◦ "].get(depth.saturating_sub(1)).unwrap_or(&"▪ ")
    }

    fn link(url: &str, label: &str) -> String {
        link(url, label)
    }

    fn crowded(runs: &[Run]) -> u8 {
        spans::crowded(runs)
    }

    fn parts(text: &str, style: u8, crowded: u8) -> Vec<String> {
        let which = if style & CODE != 0 { 0 } else { crowded };
        let shown = spans::literal(text, which);
        let characters = shown.chars().filter(|c| !c.is_control());
        characters.map(|c| escape(c.encode_utf8(&mut [0; 4]))).collect()
    }

    /// Slack takes an escaped `>` at the start of a line for a quote, too.
    fn guarded(body: String) -> String {
        if body.starts_with("&gt;") { format!("\u{200b}{body}") } else { body }
    }

    /// Marks are read only at the borders of words.
    fn border(closes: bool, opens: bool, before: Option<char>, after: Option<char>) -> bool {
        let beside = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        if closes { opens || beside(after) } else { opens && beside(before) }
    }

    fn uncut(head: &str) -> &str {
        match head.rsplit_once('&') {
            Some((before, escape)) if !escape.contains(';') => before,
            _ => head,
        }
    }
}

/// For any text that is sent as mrkdwn.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Length as Slack may count it. It does not say whether an emoji is one character or two:
/// two are counted.
pub(super) fn size(text: &str) -> usize {
    fit::size::<Mrkdwn>(text)
}

/// Text that holds no markup, shortened to `limit`.
pub(super) fn cut(text: &str, limit: usize) -> String {
    fit::cut::<Mrkdwn>(text, limit)
}

/// A message's Markdown in chunks, none of them blank.
pub(super) fn chunks(markdown: &str, links: &Links<'_>) -> Vec<Chunk> {
    // Three in a row would end the block; of any number this leaves two.
    let safe = |text: &str| escape(&text.replace("``", "`\u{200b}`"));
    let code = |text: &str| Chunk::code(String::new(), &safe(text));
    let chunk = |block| match block {
        Block::Text { lines, .. } => Chunk::Text(lines),
        Block::Code { text, .. } => code(&text),
        Block::Table(table) => code(&table.aligned()),
    };
    blocks(markdown, links).into_iter().map(chunk).collect()
}

/// As much as fits in `limit`, and a sign when there is more.
pub(super) fn preview<'a>(chunks: impl IntoIterator<Item = &'a Chunk>, limit: usize) -> String {
    let limit = limit.saturating_sub(2);
    let mut out = String::new();
    for chunk in chunks {
        let gap = if out.is_empty() { "" } else { "\n\n" };
        let room = limit.saturating_sub(size(&out) + gap.len());
        if chunk.length(room) <= room {
            out.push_str(gap);
            out.push_str(&chunk.text());
            continue;
        }
        if let (Some(first), _) = chunk.clone().part(room) {
            out.push_str(gap);
            out.push_str(&first.text());
        }
        out.push_str(" …");
        break;
    }
    out
}
