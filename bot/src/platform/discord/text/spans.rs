//! Inline text. Discord's Markdown has a backslash for every mark, but does not look at the
//! borders of words: marks that meet are kept apart, all others in people's words are escaped.

use super::{cut, size};
use crate::platform::prose::spans::{BREAK, address, is_blank};

const LONGEST_URL: usize = 1000;
const LONGEST_LABEL: usize = 200;

/// A link, or its label alone when the address is absurd. The angle brackets keep Discord
/// from unfolding a preview below the message.
pub(in super::super) fn link(url: &str, label: &str) -> String {
    let url = url.trim();
    let address = address(url, "<>()[]{}|*~\\\"`@");
    let label = label.split_whitespace().collect::<Vec<_>>().join(" ");
    let bare = label == url || is_blank(&label);
    // Brackets would end the label, and a label that looks like an address is no label to
    // Discord.
    let label = if bare { url.to_owned() } else { label };
    let label = label.replace('[', "(").replace(']', ")");
    let label = label.replace("https://", "").replace("http://", "");
    let shown = escape(&cut(&label, LONGEST_LABEL));
    if size(&address) > LONGEST_URL {
        shown
    } else if bare || is_blank(&label) {
        format!("<{address}>")
    } else {
        format!("[{shown}](<{address}>)")
    }
}

/// For any words that are sent in one line of a message.
pub(in super::super) fn escape(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    in_text(&line).collect()
}

/// Each character, escaped where it could be a mark.
pub(super) fn in_text(text: &str) -> impl Iterator<Item = String> {
    text.char_indices().map(|(at, c)| {
        let before = text.get(..at).unwrap_or_default();
        let rest = text.get(at + c.len_utf8()..).unwrap_or_default();
        match c {
            '\\' | '*' | '_' | '~' | '`' | '|' | '<' => format!("\\{c}"),
            '[' if !is_citation(rest) => "\\[".to_owned(),
            ':' if rest.starts_with("//") => "\\:".to_owned(),
            '@' if mentions(before, rest) => format!("@{BREAK}"),
            _ => c.to_string(),
        }
    })
}

pub(super) fn in_code(code: &str) -> impl Iterator<Item = String> {
    code.char_indices().map(|(at, c)| {
        let before = code.get(..at).unwrap_or_default();
        let rest = code.get(at + c.len_utf8()..).unwrap_or_default();
        if c == '@' && mentions(before, rest) { format!("@{BREAK}") } else { c.to_string() }
    })
}

/// `[12]` and no link: the number of a source.
fn is_citation(after_bracket: &str) -> bool {
    match after_bracket.split_once(']') {
        Some((number, rest)) => {
            (1..=3).contains(&number.len())
                && number.bytes().all(|b| b.is_ascii_digit())
                && !rest.starts_with('(')
        }
        None => false,
    }
}

/// Whether an `@` between the two would alert somebody.
fn mentions(before: &str, rest: &str) -> bool {
    let begins =
        |word: &str| rest.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
    let tagged = before.ends_with('<')
        && rest.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '!' | '&'));
    tagged || begins("everyone") || begins("here")
}

/// A line's text, escaped at its start where Discord would read a quote, a heading, a small
/// line or a list.
pub(super) fn guarded(mut body: String) -> String {
    if body.starts_with(['>', '#', '-']) {
        body.insert(0, '\\');
    }
    let digits = body.bytes().take_while(u8::is_ascii_digit).count();
    if digits > 0 && body.get(digits..).is_some_and(|rest| rest.starts_with('.')) {
        body.insert(digits, '\\');
    }
    body
}
