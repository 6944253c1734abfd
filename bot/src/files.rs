//! Files people send along: how large, what they are, what they are called.

/// Bytes a file may have.
pub const LIMIT: usize = 10 * 1024 * 1024;

/// What the bytes are, whatever the sender says: only pictures matter.
pub fn sniff(bytes: &[u8]) -> &'static str {
    match bytes {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => "image/png",
        [0xff, 0xd8, 0xff, ..] => "image/jpeg",
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => "image/gif",
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => "image/webp",
        _ => "application/octet-stream",
    }
}

/// A name without path, control or direction characters, 120 characters at most.
pub fn clean_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let hidden = |c: &char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let name: String = last.chars().filter(|c| !hidden(c)).take(120).collect();
    if name.trim().is_empty() { "file".to_owned() } else { name.trim().to_owned() }
}

/// Pictures a browser may show in a page: formats that can carry no script.
pub fn is_safe_image(mime: &str) -> bool {
    matches!(mime, "image/png" | "image/jpeg" | "image/gif" | "image/webp")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_what_could_deceive() {
        for (given, kept) in [
            ("../../etc/passwd", "passwd"),
            ("C:\\temp\\a.png", "a.png"),
            ("invoice\u{202e}gpj.exe", "invoicegpj.exe"),
            ("a\r\nSet-Cookie: x", "aSet-Cookie: x"),
            ("  ", "file"),
        ] {
            assert_eq!(clean_name(given), kept);
        }
    }

    #[test]
    fn a_page_is_never_taken_for_a_picture() {
        assert_eq!(sniff(b"<svg onload=alert(1)>"), "application/octet-stream");
        assert_eq!(sniff(b"\x89PNG\r\n\x1a\nrest"), "image/png");
        assert!(!is_safe_image("image/svg+xml"));
    }
}
