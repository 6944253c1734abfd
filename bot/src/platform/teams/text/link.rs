//! A link in Markdown, from an address and a label that may hold anything.

/// A link, or its label alone where it leads nowhere on the web.
pub(super) fn link(address: &str, label: &str) -> String {
    let label = label.split_whitespace().collect::<Vec<_>>().join(" ");
    let known = ["https://", "http://", "mailto:"].iter().any(|scheme| {
        address.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    });
    if !known {
        return label;
    }
    let bare = address.strip_prefix("mailto:").unwrap_or(address);
    if label.is_empty() || label.trim_end_matches('/') == bare.trim_end_matches('/') {
        return bare.split_whitespace().collect();
    }
    let label = label.replace('\\', "\\\\").replace('[', "\\[").replace(']', "\\]");
    let mut out = format!("[{label}](");
    for c in address.chars() {
        match c {
            '(' => out.push_str("%28"),
            ')' => out.push_str("%29"),
            '<' => out.push_str("%3C"),
            '>' => out.push_str("%3E"),
            c if c.is_whitespace() => out.push_str("%20"),
            c => out.push(c),
        }
    }
    out.push(')');
    out
}
