//! Text as it comes in: cleaned of what cannot be seen, cut into sentences and words.

/// The most characters of one message that are read; the rest is cut and said.
pub const MAX_CHARS: usize = 20_000;

/// Incoming text made safe to keep and show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cleaned {
    pub text: String,
    /// Longer than the cap: the end is missing.
    pub truncated: bool,
    /// Mostly control characters or undecodable bytes: nothing a person wrote.
    pub binary: bool,
}

impl Cleaned {
    /// Nothing readable is left.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }
}

/// Marks that change how text is shown without being seen: zero-width characters,
/// direction overrides and isolates, tags, soft hyphens.
fn invisible(c: char) -> bool {
    matches!(c,
        '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
        | '\u{180E}' | '\u{200B}' | '\u{200C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

/// Cleans `raw`: line ends become `\n`, control and invisible characters go, runs of
/// blank lines shrink to one, and at most `max_chars` characters stay. Linear in the
/// length of `raw`. The zero-width joiner stays where it glues an emoji.
pub fn clean(raw: &str, max_chars: usize) -> Cleaned {
    let mut text = String::with_capacity(raw.len().min(max_chars * 4));
    let (mut kept, mut odd, mut seen, mut line_feeds) = (0usize, 0usize, 0usize, 2usize);
    let mut truncated = false;
    let mut chars = raw.chars().peekable();
    while let Some(c) = chars.next() {
        seen += 1;
        let c = match c {
            '\r' => {
                if chars.peek() == Some(&'\n') {
                    continue;
                }
                '\n'
            }
            '\u{2028}' | '\u{2029}' | '\u{85}' => '\n',
            '\t' | '\n' => c,
            '\u{200D}' if text.chars().next_back().is_some_and(|p| p > '\u{2190}') => c,
            '\u{200D}' => continue,
            c if invisible(c) => continue,
            c if c.is_control() || c == '\u{FFFD}' => {
                odd += 1;
                if c == '\u{FFFD}' { c } else { continue }
            }
            c => c,
        };
        if c == '\n' {
            line_feeds += 1;
            if line_feeds > 2 {
                continue;
            }
        } else if !c.is_whitespace() {
            line_feeds = 0;
        }
        if kept == max_chars {
            truncated = true;
            break;
        }
        text.push(c);
        kept += 1;
    }
    let binary = odd > 8 && odd * 5 > seen;
    text.truncate(text.trim_end().len());
    Cleaned { text, truncated, binary }
}

/// Sentences of `text`, trimmed, in order; line breaks end a sentence too. A full stop
/// inside a number, a version, an address or after a single letter does not.
pub fn sentences(text: &str) -> Vec<&str> {
    let mut out = Vec::new();
    for line in text.lines() {
        let mut start = 0;
        let mut before: (char, char) = (' ', ' ');
        let mut chars = line.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            let wide = matches!(c, '。' | '！' | '？' | '．');
            let ends = match c {
                '!' | '?' | '…' => chars.peek().is_none_or(|(_, n)| n.is_whitespace()),
                '.' => {
                    let next_is_space = chars.peek().is_none_or(|(_, n)| n.is_whitespace());
                    let initial = before.1.is_alphabetic() && !before.0.is_alphanumeric();
                    let ordinal = before.1.is_ascii_digit() && follows_lower(line, at + 1);
                    next_is_space && !initial && !ordinal
                }
                _ => wide,
            };
            if ends {
                let end = at + c.len_utf8();
                push_trimmed(&mut out, &line[start..end]);
                start = end;
            }
            before = (before.1, c);
        }
        push_trimmed(&mut out, &line[start..]);
    }
    out
}

/// `3. mai` and `31. 12.` go on; `in 2024. Then` does not.
fn follows_lower(line: &str, from: usize) -> bool {
    line[from..].trim_start().chars().next().is_some_and(|c| c.is_lowercase() || c.is_ascii_digit())
}

fn push_trimmed<'t>(out: &mut Vec<&'t str>, part: &'t str) {
    let part = part.trim();
    if part.chars().any(char::is_alphanumeric) {
        out.push(part);
    }
}

/// Lower-case words: runs of letters and digits, with inner apostrophes, hyphens, dots
/// and underscores kept when both neighbours are letters or digits (`can't`, `e-mail`).
pub fn words(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut word = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        // Nearly all of most texts, and much quicker.
        if c.is_ascii_alphanumeric() {
            word.push(c.to_ascii_lowercase());
            continue;
        }
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
            continue;
        }
        let joins = matches!(c, '\'' | '’' | '-' | '_' | '.' | '/' | ',' | ':');
        let inside = joins && !word.is_empty();
        let next = chars.peek().copied();
        let keeps = match c {
            '\'' | '’' | '-' | '_' => next.is_some_and(char::is_alphanumeric),
            // Figures such as 1.500, 08:10 and 12/5 stay whole; sentences do not.
            '.' | ',' | ':' | '/' => {
                word.chars().next_back().is_some_and(|p| p.is_ascii_digit())
                    && next.is_some_and(|n| n.is_ascii_digit())
            }
            _ => false,
        };
        if inside && keeps {
            word.push(if c == '’' { '\'' } else { c });
        } else if !word.is_empty() {
            out.push(std::mem::take(&mut word));
        }
    }
    if !word.is_empty() {
        out.push(word);
    }
    out
}

/// `text` cut to at most `max` characters at a word's end, with an ellipsis when cut.
pub fn shorten(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    let head: String = text.chars().take(max.saturating_sub(1)).collect();
    let cut = match head.rfind(char::is_whitespace) {
        Some(at) if at * 2 > head.len() => &head[..at],
        _ => head.as_str(),
    };
    format!("{}…", cut.trim_end_matches(|c: char| !c.is_alphanumeric()))
}

/// Words that are to be shown as they are, as Markdown in which nothing is a mark.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before = ' ';
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let within = before.is_alphanumeric() && rest.peek().is_some_and(|c| c.is_alphanumeric());
        let mark = matches!(c, '\\' | '`' | '*' | '[' | ']' | '<' | '~');
        // Names of files and codes have it between their parts, where it marks nothing.
        if mark || (c == '_' && !within) {
            out.push('\\');
        }
        out.push(if c == '\n' || c == '\r' { ' ' } else { c });
        before = c;
    }
    out
}

/// Percent-encodes for a query string or a path segment (RFC 3986).
pub fn percent_encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_escaped_words_is_a_mark() {
        for (words, markdown) in [
            ("Post an invoice (KS_1180), R&D", "Post an invoice (KS_1180), R&D"),
            ("[x](http://y.example) *z* ~s~", r"\[x\](http://y.example) \*z\* \~s\~"),
            ("_all_ of a_b `c` <b> \\", r"\_all\_ of a_b \`c\` \<b> \\"),
            ("two\nlines", "two lines"),
        ] {
            assert_eq!(escaped(words), markdown);
        }
    }

    #[test]
    fn cleaning_removes_what_cannot_be_seen() {
        for (raw, expected) in [
            ("hello\r\nworld", "hello\nworld"),
            ("a\u{200B}b\u{202E}c\u{2066}d", "abcd"),
            ("x\0y\u{7}z", "xyz"),
            ("\n\n\none\n\n\n\ntwo\n  \n", "one\n\ntwo"),
            ("\u{FEFF}שלום", "שלום"),
            ("👩\u{200D}💻 a\u{200D}b", "👩\u{200D}💻 ab"),
        ] {
            assert_eq!(clean(raw, 100).text, expected, "{raw:?}");
        }
        let long = clean(&"word ".repeat(100), 20);
        assert!(long.truncated && long.text.chars().count() <= 20);
        assert!(clean(&"\u{1}\u{2}\u{FFFD}PK".repeat(20), 1000).binary);
        assert!(clean(" \u{200B}\n\t", 10).is_empty());
    }

    #[test]
    fn sentences_end_where_people_end_them() {
        for (text, expected) in [
            ("It fails. Since 08.10 today! Why?", vec!["It fails.", "Since 08.10 today!", "Why?"]),
            ("v24.2 by M. Vasquez is out", vec!["v24.2 by M. Vasquez is out"]),
            ("one\ntwo", vec!["one", "two"]),
            ("まだ動きません。確認してください。", vec!["まだ動きません。", "確認してください。"]),
            ("am 3. mai. Gut", vec!["am 3. mai.", "Gut"]),
            ("???", vec![]),
        ] {
            assert_eq!(sentences(text), expected, "{text}");
        }
    }

    #[test]
    fn words_keep_what_belongs_together() {
        assert_eq!(
            words("I can't e-mail at 08:10, cost 1.500! (FL-12)"),
            ["i", "can't", "e-mail", "at", "08:10", "cost", "1.500", "fl-12"]
        );
    }

    #[test]
    fn shortening_cuts_at_words() {
        assert_eq!(shorten("short", 10), "short");
        assert_eq!(shorten("the quick brown fox", 12), "the quick…");
        assert!(shorten(&"a".repeat(50), 10).chars().count() <= 10);
    }
}
