//! What people write in Teams, as the Markdown the rest of the bot reads. Code is carried over
//! as it is; mentions, emoji and links become what their reader saw.

use super::html::{Tag, Token, tokens, unescape};
use super::markdown::Markdown;

/// Whether a name that is mentioned is the bot's own, which only calls it.
type IsBot<'a> = &'a dyn Fn(&str) -> bool;

/// Text that is not marked up but for `<at>Name</at>`.
pub(in super::super) fn plain_to_markdown(text: &str, is_bot: IsBot<'_>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("<at") {
        let name = after
            .split_once('>')
            .filter(|(attributes, _)| attributes.is_empty() || attributes.starts_with(' '))
            .and_then(|(_, inner)| inner.split_once("</at>"));
        out.push_str(&unescape(before));
        let Some((name, after)) = name else {
            out.push_str("<at");
            rest = after;
            // Without an end there is none further on either.
            if !after.contains("</at>") {
                break;
            }
            continue;
        };
        let name = unescape(name);
        rest = after;
        if !is_bot(&name) {
            out.push('@');
            out.push_str(name.trim_start_matches('@'));
        } else if out.is_empty() || out.ends_with(char::is_whitespace) {
            // The space after somebody who is left out goes with them.
            let space = rest.strip_prefix("&nbsp;").or_else(|| rest.strip_prefix([' ', '\u{a0}']));
            rest = space.unwrap_or(rest);
        }
    }
    out.push_str(&unescape(rest));
    out.replace('\u{a0}', " ").trim().to_owned()
}

/// HTML, as in an activity's `text/html` attachment or in a quoted message.
pub(in super::super) fn to_markdown(html: &str, is_bot: IsBot<'_>) -> String {
    let mut reader = Reader { out: Markdown::default(), is_bot, mention: None, dropped: None };
    for token in tokens(html) {
        match token {
            Token::Open(tag) => reader.open(&tag),
            Token::Close(name) => reader.close(&name),
            Token::Text(text) => reader.text(&unescape(text)),
        }
    }
    reader.end_mention();
    reader.out.finish()
}

struct Reader<'a> {
    out: Markdown,
    is_bot: IsBot<'a>,
    /// The tag of the mention that is being read, and the name so far.
    mention: Option<(String, String)>,
    /// The tag of what is not shown.
    dropped: Option<String>,
}

/// <https://learn.microsoft.com/graph/api/resources/chatmessage>
const MENTION: &str = "http://schema.skype.com/Mention";

impl Reader<'_> {
    fn text(&mut self, text: &str) {
        match &mut self.mention {
            Some((_, name)) => name.push_str(text),
            None if self.dropped.is_some() => {}
            None => self.out.text(text),
        }
    }

    fn open(&mut self, tag: &Tag<'_>) {
        if self.dropped.is_some() || self.mention.is_some() {
            return;
        }
        let out = &mut self.out;
        match tag.name.as_str() {
            "at" => self.mention = Some((tag.name.clone(), String::new())),
            "span" if tag.attribute("itemtype").as_deref() == Some(MENTION) => {
                self.mention = Some((tag.name.clone(), String::new()));
            }
            "script" | "style" | "title" => self.dropped = Some(tag.name.clone()),
            "b" | "strong" => out.bold(true),
            "i" | "em" => out.italic(true),
            "s" | "strike" | "del" => out.strike(true),
            "code" | "tt" | "kbd" => out.start_code(),
            "pre" | "codeblock" => out.start_block_of_code(),
            "a" => out.start_link(tag.attribute("href").unwrap_or_default()),
            "ul" => out.start_list(None),
            "ol" => {
                let start = tag.attribute("start").and_then(|start| start.parse().ok());
                out.start_list(Some(start.unwrap_or(1)));
            }
            "li" => out.start_item(),
            "blockquote" => out.start_quote(),
            "table" => out.start_table(),
            "tr" => out.start_row(),
            "td" | "th" => out.start_cell(),
            "br" => out.line_break(),
            "hr" => out.rule(),
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                out.paragraph();
                out.bold(true);
            }
            "p" => out.paragraph(),
            "div" => out.line(),
            // Other pictures are attachments; their names here say nothing.
            "img" if tag.attribute("itemtype").is_some_and(|kind| kind.ends_with("/Emoji")) => {
                out.text(&tag.attribute("alt").unwrap_or_default());
            }
            "emoji" => out.text(&tag.attribute("alt").unwrap_or_default()),
            _ => {}
        }
    }

    fn close(&mut self, name: &str) {
        if let Some(dropped) = &self.dropped {
            if dropped == name {
                self.dropped = None;
            }
            return;
        }
        if let Some((tag, _)) = &self.mention {
            if tag == name {
                self.end_mention();
            }
            return;
        }
        let out = &mut self.out;
        match name {
            "b" | "strong" => out.bold(false),
            "i" | "em" => out.italic(false),
            "s" | "strike" | "del" => out.strike(false),
            "code" | "tt" | "kbd" => out.end_code(),
            "pre" | "codeblock" => out.end_block_of_code(),
            "a" => out.end_link(),
            "ul" | "ol" => out.end_list(),
            "blockquote" => out.end_quote(),
            "table" => out.end_table(),
            "td" | "th" => out.end_cell(),
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                out.bold(false);
                out.paragraph();
            }
            "p" => out.paragraph(),
            "div" => out.line(),
            _ => {}
        }
    }

    fn end_mention(&mut self) {
        if let Some((_, name)) = self.mention.take()
            && !(self.is_bot)(name.trim())
            && !name.trim().is_empty()
        {
            self.out.text(&format!("@{}", name.trim().trim_start_matches('@')));
        }
    }
}
