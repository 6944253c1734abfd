//! HTML pages to Markdown: the article's words and structure, without menus, scripts and styles.

use scraper::{ElementRef, Html, Selector, node::Node};

use super::text::escape;

/// Open tags beyond this are refused before parsing: the parser's work grows with the square.
const MAX_OPEN: usize = 512;

/// A page's title and its body as Markdown; the error is a sentence.
pub(crate) struct Page {
    pub(crate) title: Option<String>,
    pub(crate) language: Option<String>,
    pub(crate) markdown: String,
}

pub(crate) fn read(html: &str) -> Result<Page, String> {
    if too_deep(html) {
        return Err(format!("nests more than {MAX_OPEN} tags"));
    }
    let page = Html::parse_document(html);
    let find = |css: &str| {
        let selector = Selector::parse(css).ok()?;
        page.select(&selector).next()
    };
    let title = find("title").map(|e| e.text().collect::<String>());
    let language = page.root_element().value().attr("lang").map(str::to_owned);
    let body = find("main").or_else(|| find("article")).or_else(|| find("body"));
    let mut writer = Writer::default();
    writer.walk(body.unwrap_or_else(|| page.root_element()));
    writer.block();
    let title = title.map(|t| super::blocks::collapse(&t)).filter(|t| !t.is_empty());
    Ok(Page { title, language, markdown: writer.out })
}

/// Counts how deep tags that must be closed are open, without building a tree.
fn too_deep(html: &str) -> bool {
    const LOOSE: &[&str] = &[
        "p", "li", "td", "tr", "th", "dt", "dd", "option", "tbody", "thead", "tfoot", "colgroup",
        "br", "hr", "img", "input", "meta", "link", "area", "base", "col", "embed", "source",
        "track", "wbr",
    ];
    let mut open = 0usize;
    let bytes = html.as_bytes();
    for (at, _) in html.match_indices('<') {
        let closing = bytes.get(at + 1) == Some(&b'/');
        let start = at + 1 + usize::from(closing);
        let name = html[start.min(html.len())..]
            .split(|c: char| !c.is_ascii_alphanumeric())
            .next()
            .unwrap_or_default();
        if name.is_empty() || LOOSE.iter().any(|l| l.eq_ignore_ascii_case(name)) {
            continue;
        }
        if closing {
            open = open.saturating_sub(1);
        } else {
            open += 1;
            if open > MAX_OPEN {
                return true;
            }
        }
    }
    false
}

#[derive(Default)]
struct Writer {
    out: String,
    line: String,
    /// Open lists; the number is the next item's, for numbered ones.
    lists: Vec<Option<u32>>,
}

impl Writer {
    /// Recursion is bounded: `too_deep` has limited the tree, save for loose tags which the parser
    /// closes itself.
    fn walk(&mut self, element: ElementRef<'_>) {
        for child in element.children() {
            match child.value() {
                Node::Text(text) => self.words(text),
                Node::Element(_) => {
                    if let Some(e) = ElementRef::wrap(child) {
                        self.element(e);
                    }
                }
                _ => {}
            }
        }
    }

    fn words(&mut self, text: &str) {
        if text.starts_with(char::is_whitespace) && !self.line.ends_with([' ', '\n']) {
            self.line.push(' ');
        }
        let collapsed = super::blocks::collapse(text);
        self.line.push_str(&escape(&collapsed));
        if !collapsed.is_empty() && text.ends_with(char::is_whitespace) {
            self.line.push(' ');
        }
    }

    fn element(&mut self, e: ElementRef<'_>) {
        match e.value().name() {
            "script" | "style" | "nav" | "noscript" | "template" | "head" | "svg" | "button"
            | "form" | "iframe" | "footer" | "aside" => {}
            name @ ("h1" | "h2" | "h3" | "h4" | "h5" | "h6") => {
                self.block();
                let level = usize::from(name.as_bytes()[1] - b'0');
                self.walk(e);
                let text = std::mem::take(&mut self.line);
                if !text.trim().is_empty() {
                    self.out.push_str(&format!("{} {}\n\n", "#".repeat(level), text.trim()));
                }
            }
            "br" => self.line.push_str("  \n"),
            "ul" | "ol" => {
                self.block();
                self.lists.push((e.value().name() == "ol").then_some(1));
                self.walk(e);
                self.block();
                self.lists.pop();
                if self.lists.is_empty() {
                    self.out.push('\n');
                }
            }
            "li" => {
                self.block();
                let indent = "    ".repeat(self.lists.len().saturating_sub(1));
                let mark = match self.lists.last_mut() {
                    Some(Some(n)) => {
                        *n += 1;
                        format!("{}. ", *n - 1)
                    }
                    _ => "- ".to_owned(),
                };
                self.line = format!("{indent}{mark}");
                self.walk(e);
                self.block();
            }
            "pre" => {
                self.block();
                let code: String = e.text().collect();
                let fence = if code.contains("```") { "~~~~" } else { "```" };
                self.out.push_str(&format!("{fence}\n{}\n{fence}\n\n", code.trim_end()));
            }
            "table" => {
                self.block();
                self.table(e);
            }
            "a" => {
                let href = e.value().attr("href").unwrap_or_default().to_owned();
                let plain = href.is_empty()
                    || href.starts_with("javascript:")
                    || href.contains([' ', ')', '<', '\n']);
                if plain {
                    return self.walk(e);
                }
                let text = super::blocks::collapse(&e.text().collect::<String>());
                if !text.is_empty() {
                    self.line.push_str(&format!("[{}]({href})", escape(&text)));
                }
            }
            "p" | "div" | "section" | "article" | "main" | "blockquote" | "dl" | "dt" | "dd"
            | "figure" | "figcaption" | "header" | "address" | "details" | "summary" => {
                self.block();
                self.walk(e);
                self.block();
            }
            _ => self.walk(e),
        }
    }

    fn table(&mut self, table: ElementRef<'_>) {
        let (Ok(rows), Ok(cells)) = (Selector::parse("tr"), Selector::parse("th, td")) else {
            return;
        };
        for (i, row) in table.select(&rows).enumerate() {
            let texts: Vec<String> = row
                .select(&cells)
                .map(|c| escape(&super::blocks::collapse(&c.text().collect::<Vec<_>>().join(" "))))
                .collect();
            if texts.is_empty() {
                continue;
            }
            self.out.push_str(&format!("| {} |\n", texts.join(" | ")));
            if i == 0 {
                self.out.push_str(&format!("|{}\n", "---|".repeat(texts.len())));
            }
        }
        self.out.push('\n');
    }

    /// Ends the line being written; a paragraph apart, or a line of a list.
    fn block(&mut self) {
        let line = std::mem::take(&mut self.line);
        let line = line.trim_end();
        if line.trim().is_empty() {
            return;
        }
        if self.lists.is_empty() {
            self.out.push_str(line.trim_start());
            self.out.push_str("\n\n");
        } else {
            // A paragraph inside an item is indented under it, so that it stays in the item.
            let bare = line.trim_start();
            let item = bare.starts_with("- ")
                || bare.split_once(". ").is_some_and(|(n, _)| n.parse::<u32>().is_ok());
            if !item {
                self.out.push_str(&"    ".repeat(self.lists.len()));
            }
            self.out.push_str(if item { line } else { bare });
            self.out.push('\n');
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn keeps_structure_drops_furniture() {
        let page = read(
            "<html lang=en><head><title> Reset  MFA </title><style>x{}</style></head><body><nav>Menu</nav>\
             <h1>Reset</h1><p>Open <b>Gatehouse</b>, see <a href='b.html'>B</a>.</p><script>evil()</script>\
             <ul><li>one</li><li>two<ol><li>x</li></ol></li></ul>\
             <table><tr><th>k</th><th>v</th></tr><tr><td>1</td><td>a|b</td></tr></table>\
             <pre>run\n  it</pre></body></html>",
        )
        .unwrap();
        assert_eq!(page.title.as_deref(), Some("Reset MFA"));
        assert_eq!(page.language.as_deref(), Some("en"));
        insta::assert_snapshot!(page.markdown, @r"
        # Reset

        Open Gatehouse, see [B](b.html).

        - one
        - two
            1. x

        | k | v |
        |---|---|
        | 1 | a\|b |

        ```
        run
          it
        ```
        ");
    }

    #[test]
    fn deep_nesting_is_refused() {
        assert!(read(&"<div>".repeat(100_000)).is_err());
        assert!(read(&"<p>x".repeat(5_000)).is_ok());
    }
}
