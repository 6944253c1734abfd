//! Bytes to text, and text to Markdown that means exactly that text.

/// Decodes UTF-8 (with or without mark) and marked UTF-16; the error is a sentence for people.
pub(crate) fn decode(bytes: &[u8]) -> Result<String, String> {
    let wide = |from: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes[2..].chunks_exact(2).map(|c| from([c[0], c[1]])).collect();
        String::from_utf16(&units)
            .map_err(|_| "is damaged UTF-16 text; save it as UTF-8".to_owned())
    };
    match bytes {
        [0xff, 0xfe, ..] => return wide(u16::from_le_bytes),
        [0xfe, 0xff, ..] => return wide(u16::from_be_bytes),
        _ => {}
    }
    let bytes = bytes.strip_prefix(&[0xef, 0xbb, 0xbf]).unwrap_or(bytes);
    if bytes.iter().take(8192).any(|b| *b == 0) {
        return Err("is binary, not text".to_owned());
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|_| "is not UTF-8 text; save it as UTF-8 and index again".to_owned())?;
    if text.contains('\0') { Err("is binary, not text".to_owned()) } else { Ok(text.to_owned()) }
}

/// Escapes what Markdown would read as markup, so that plain words stay plain.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#' | '~' | '&') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// Plain text as Markdown: paragraphs at blank lines, list-like and rule-like starts defused.
pub(crate) fn to_markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 64);
    for line in text.lines() {
        let line = line.trim_end();
        let bare = line.trim_start();
        let escaped = escape(bare);
        // Only bullets and numbers keep their meaning; everything else is made literal.
        match escaped.chars().next() {
            Some('=' | '+') => out.push('\\'),
            Some('-') if !bare.starts_with("- ") => out.push('\\'),
            _ => {}
        }
        out.push_str(&escaped);
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn decodes_or_says_why_not() {
        assert_eq!(decode(b"\xef\xbb\xbfhi").unwrap(), "hi");
        assert_eq!(decode(b"\xff\xfeh\0i\0").unwrap(), "hi");
        assert!(decode(b"caf\xe9").unwrap_err().contains("UTF-8"));
        assert!(decode(b"PK\0\0").unwrap_err().contains("binary"));
    }

    #[test]
    fn plain_text_stays_literal() {
        assert_eq!(
            to_markdown("# not a heading\n--- x\n- item"),
            "\\# not a heading\n\\--- x\n- item\n"
        );
    }
}
