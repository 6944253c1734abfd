//! A small reader of the HTML that Teams makes: tags and words, in order. Whatever is no tag
//! is text, whatever is no entity stands as it is, and nothing is ever refused.

/// Of an entity, without its `&` and `;`.
const LONGEST_ENTITY: usize = 10;

pub(super) enum Token<'h> {
    Open(Tag<'h>),
    /// The name, lower case.
    Close(String),
    /// Entities still stand in it.
    Text(&'h str),
}

pub(super) struct Tag<'h> {
    /// Lower case.
    pub(super) name: String,
    attributes: &'h str,
}

impl Tag<'_> {
    /// An attribute's value with its entities read.
    pub(super) fn attribute(&self, wanted: &str) -> Option<String> {
        let mut rest = self.attributes;
        while let Some((before, after)) = rest.split_once('=') {
            let name = before.split_whitespace().next_back().unwrap_or_default();
            let after = after.trim_start();
            let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''));
            let (value, further) = match quote {
                Some(quote) => {
                    let inner = after.get(1..).unwrap_or_default();
                    inner.split_once(quote).unwrap_or((inner, ""))
                }
                None => after.split_once(char::is_whitespace).unwrap_or((after, "")),
            };
            if name.eq_ignore_ascii_case(wanted) {
                return Some(unescape(value));
            }
            rest = further;
        }
        None
    }
}

pub(super) struct Tokens<'h> {
    rest: &'h str,
    /// Whether a `>` may still come; looked for once, so that the whole stays linear.
    closed: bool,
}

pub(super) fn tokens(html: &str) -> Tokens<'_> {
    Tokens { rest: html, closed: false }
}

impl<'h> Iterator for Tokens<'h> {
    type Item = Token<'h>;

    fn next(&mut self) -> Option<Token<'h>> {
        loop {
            if let Some(after) = self.rest.strip_prefix("<!--") {
                // A comment without an end hides nothing but itself.
                self.rest = after.split_once("-->").map_or("", |(_, after)| after);
                continue;
            }
            if let Some(token) = self.tag() {
                return Some(token);
            }
            let mut ends = self.rest.char_indices().skip(1).filter(|(_, c)| *c == '<');
            let end = ends.next().map_or(self.rest.len(), |(at, _)| at);
            let (text, after) = self.rest.split_at_checked(end)?;
            self.rest = after;
            return (!text.is_empty()).then_some(Token::Text(text));
        }
    }
}

impl<'h> Tokens<'h> {
    fn tag(&mut self) -> Option<Token<'h>> {
        let inner = self.rest.strip_prefix('<').filter(|_| !self.closed)?;
        let (closes, inner) = match inner.strip_prefix('/') {
            Some(inner) => (true, inner),
            None => (false, inner),
        };
        if !inner.starts_with(|c: char| c.is_ascii_alphabetic() || (c == '!' && !closes)) {
            return None;
        }
        let Some((tag, after)) = inner.split_once('>') else {
            self.closed = true;
            return None;
        };
        self.rest = after;
        let tag = tag.strip_suffix('/').unwrap_or(tag);
        let end = tag.find(|c: char| c.is_whitespace() || c == '/').unwrap_or(tag.len());
        let (name, attributes) = tag.split_at_checked(end).unwrap_or((tag, ""));
        let name = name.to_ascii_lowercase();
        Some(if closes { Token::Close(name) } else { Token::Open(Tag { name, attributes }) })
    }
}

/// Once: `&amp;lt;` was typed as `&lt;`.
pub(super) fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let end = after.bytes().take(LONGEST_ENTITY + 1).position(|byte| byte == b';');
        let entity = end.and_then(|end| after.split_at_checked(end));
        match entity.and_then(|(name, after)| Some((character(name)?, after.get(1..)?))) {
            Some((c, after)) => {
                out.push(c);
                rest = after;
            }
            None => {
                out.push('&');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

fn character(entity: &str) -> Option<char> {
    if let Some(number) = entity.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16),
            None => number.parse(),
        };
        return char::from_u32(code.ok()?).filter(|c| !c.is_control() || *c == '\n');
    }
    Some(match entity {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        "ndash" => '–',
        "mdash" => '—',
        "hellip" => '…',
        "euro" => '€',
        _ => return None,
    })
}
