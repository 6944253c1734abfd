//! The facts an article states about itself: YAML front matter, read tolerantly.
//!
//! A broken block never loses the article: what YAML refuses is read again line by line.

use std::collections::BTreeMap;

use serde_json::Value;

/// What the front matter of one article says. Everything is optional.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct FrontMatter {
    pub(crate) title: Option<String>,
    pub(crate) system: Option<String>,
    pub(crate) owner: Option<String>,
    pub(crate) audience: Option<String>,
    pub(crate) reviewed: Option<String>,
    pub(crate) language: Option<String>,
    pub(crate) url: Option<String>,
    /// The author's summary, in a sentence or two.
    pub(crate) description: Option<String>,
    /// The author's own search words.
    pub(crate) keywords: Option<String>,
}

/// Longest front matter taken seriously; a longer one is treated as text.
const MAX_BYTES: usize = 64 * 1024;

/// Splits a leading `---` block from the body.
pub(crate) fn split(text: &str) -> (Option<&str>, &str) {
    let text = text.trim_start_matches('\u{feff}');
    let Some(rest) = text.strip_prefix("---") else { return (None, text) };
    let Some(rest) = rest.strip_prefix("\r\n").or_else(|| rest.strip_prefix('\n')) else {
        return (None, text);
    };
    let mut at = 0;
    for line in rest.split_inclusive('\n') {
        let bare = line.trim_end();
        if bare == "---" || bare == "..." {
            return (Some(&rest[..at]), &rest[at + line.len()..]);
        }
        at += line.len();
        if at > MAX_BYTES {
            break;
        }
    }
    (None, text)
}

/// Reads a block found by [`split`].
pub(crate) fn parse(yaml: &str) -> FrontMatter {
    let map = serde_saphyr::from_str::<BTreeMap<String, Value>>(yaml)
        .unwrap_or_else(|_| line_by_line(yaml));
    let text = |key: &str| -> Option<String> {
        let (_, value) = map.iter().find(|(k, _)| k.eq_ignore_ascii_case(key))?;
        let text = match value {
            Value::String(s) => s.clone(),
            Value::Number(n) => n.to_string(),
            Value::Array(items) => {
                items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
            }
            _ => return None,
        };
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        (!text.is_empty()).then_some(text)
    };
    // The docfx family (recognised by its `ms.` keys) uses `audience` for the kind of reader,
    // such as ITPro, not for a permission; taking it as one would hide the article from all.
    let docfx = map.keys().any(|k| k.starts_with("ms."));
    FrontMatter {
        title: text("title"),
        system: text("system"),
        owner: text("owner").or_else(|| text("author")),
        audience: if docfx { None } else { text("audience") },
        reviewed: ["reviewed", "last_reviewed", "ms.date", "updated", "date"]
            .iter()
            .find_map(|key| iso_date(&text(key)?)),
        description: text("description").or_else(|| text("summary")),
        keywords: text("keywords").or_else(|| text("ms.search.keywords")).or_else(|| text("tags")),
        language: text("language").or_else(|| text("lang")),
        url: text("url").filter(|u| u.starts_with("https://") || u.starts_with("http://")),
    }
}

/// `key: value` lines at the left margin, for blocks YAML cannot read (an unquoted colon is the
/// usual reason).
fn line_by_line(yaml: &str) -> BTreeMap<String, Value> {
    yaml.lines()
        .filter(|line| !line.starts_with([' ', '\t', '-', '#']))
        .filter_map(|line| line.split_once(':'))
        .map(|(key, value)| {
            let value = value.trim().trim_matches(['"', '\'']);
            (key.trim().to_owned(), Value::String(value.to_owned()))
        })
        .collect()
}

/// Brings `2026-03-01`, `2026/3/1`, `03/14/2024` (month first) and `14.03.2024` to `YYYY-MM-DD`.
pub(crate) fn iso_date(text: &str) -> Option<String> {
    let text = text.trim().split(['T', ' ']).next()?;
    let parts: Vec<&str> = text.split(['-', '/', '.']).collect();
    let [a, b, c] = parts[..] else { return None };
    let number = |s: &str| s.parse::<u32>().ok();
    let (year, month, day) = if a.len() == 4 {
        (number(a)?, number(b)?, number(c)?)
    } else if c.len() != 4 {
        return None;
    } else if text.contains('/') {
        (number(c)?, number(a)?, number(b)?)
    } else {
        (number(c)?, number(b)?, number(a)?)
    };
    ((1900..=9999).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day))
        .then(|| format!("{year:04}-{month:02}-{day:02}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn splits_and_reads() {
        let (yaml, body) = split(
            "---\ntitle: Reset MFA\nsystem: Gatehouse\nowner: identity-team\naudience: managers\nreviewed: 2025-11-02\n---\n# Body\n",
        );
        let fm = parse(yaml.unwrap());
        assert_eq!(body, "# Body\n");
        assert_eq!(fm.title.as_deref(), Some("Reset MFA"));
        assert_eq!(fm.system.as_deref(), Some("Gatehouse"));
        assert_eq!(fm.audience.as_deref(), Some("managers"));
        assert_eq!(fm.reviewed.as_deref(), Some("2025-11-02"));
    }

    #[test]
    fn broken_yaml_keeps_its_simple_lines() {
        let fm = parse("title: Error 403: forbidden\nms.date: 03/14/2024\naudience: ITPro\n");
        assert_eq!(fm.title.as_deref(), Some("Error 403: forbidden"));
        assert_eq!(fm.reviewed.as_deref(), Some("2024-03-14"));
        assert_eq!(fm.audience, None, "docfx audience is a kind of reader");
    }

    #[test]
    fn unclosed_block_is_text() {
        assert_eq!(split("---\ntitle: x\n"), (None, "---\ntitle: x\n"));
        assert_eq!(split("--- not\n"), (None, "--- not\n"));
    }

    #[test]
    fn dates() {
        for (given, want) in [
            ("2026-3-1", Some("2026-03-01")),
            ("12/17/2023", Some("2023-12-17")),
            ("17.12.2023", Some("2023-12-17")),
            ("2025-01-02T10:00:00Z", Some("2025-01-02")),
            ("soon", None),
            ("13/45/2024", None),
        ] {
            assert_eq!(iso_date(given).as_deref(), want, "{given}");
        }
    }
}
