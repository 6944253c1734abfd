//! Markdown to HTML that is safe whatever the Markdown says: raw HTML is shown as text,
//! pictures become their description, links lead to the web, to mail or into the
//! console, and nowhere else.

use pulldown_cmark::{
    Event, HeadingLevel, LinkType, Options, Parser, Tag, TagEnd, TextMergeStream, html,
};

/// What `[n]` in an answer leads to.
#[derive(Debug, Clone)]
pub(super) struct Chip {
    pub(super) n: usize,
    /// `None`: the source cannot be opened any more.
    pub(super) href: Option<String>,
    /// Whether it opens in the reading panel.
    pub(super) internal: bool,
    /// Title and heading, for the tooltip and for screen readers.
    pub(super) label: String,
}

/// An answer, with its `[n]` markers as chips. Markers of no source stay text.
pub(super) fn message(markdown: &str, chips: &[Chip]) -> String {
    let renderer = Renderer { chips, resolve: &|_| None };
    renderer.html(parse(markdown))
}

/// Events of an article or message, text in one piece.
pub(super) fn parse(markdown: &str) -> Vec<Event<'_>> {
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    TextMergeStream::new(Parser::new_ext(markdown, options)).collect()
}

/// How links that name no scheme are led on.
type Resolve<'a> = &'a dyn Fn(&str) -> Option<String>;

pub(super) struct Renderer<'a> {
    pub(super) chips: &'a [Chip],
    /// Address for a link relative to the text; `None` drops the link, not its words.
    pub(super) resolve: Resolve<'a>,
}

impl Renderer<'_> {
    pub(super) fn html(&self, events: Vec<Event<'_>>) -> String {
        let mut safe: Vec<Event<'_>> = Vec::with_capacity(events.len());
        // What closes each open link: nothing, a tag, or a bracket.
        let mut open: Vec<&'static str> = Vec::new();
        let mut code = 0_usize;
        for event in events {
            match event {
                Event::Html(raw) | Event::InlineHtml(raw) => {
                    if !raw.trim_start().starts_with("<!--") {
                        safe.push(Event::Text(raw));
                    }
                }
                Event::Start(Tag::HtmlBlock) | Event::End(TagEnd::HtmlBlock) => {}
                Event::Start(Tag::Image { .. }) | Event::End(TagEnd::Image) => {}
                Event::Start(Tag::Link { link_type, dest_url, .. }) => {
                    let reference = matches!(
                        link_type,
                        LinkType::Reference | LinkType::Collapsed | LinkType::Shortcut
                    );
                    if reference && !self.chips.is_empty() {
                        // In an answer `[1]` is a citation even if the text defines `[1]: ...`.
                        safe.push(Event::Text("[".into()));
                        open.push("]");
                    } else if let Some(href) = self.href(&dest_url) {
                        safe.push(Event::InlineHtml(link(&href).into()));
                        open.push("</a>");
                    } else {
                        open.push("");
                    }
                }
                Event::End(TagEnd::Link) => match open.pop() {
                    Some("]") => safe.push(Event::Text("]".into())),
                    Some(end) if !end.is_empty() => safe.push(Event::InlineHtml(end.into())),
                    _ => {}
                },
                // The page has its own first heading.
                Event::Start(Tag::Heading { level: HeadingLevel::H1, id, classes, attrs }) => {
                    let level = HeadingLevel::H2;
                    safe.push(Event::Start(Tag::Heading { level, id, classes, attrs }));
                }
                Event::End(TagEnd::Heading(HeadingLevel::H1)) => {
                    safe.push(Event::End(TagEnd::Heading(HeadingLevel::H2)));
                }
                Event::Start(Tag::CodeBlock(kind)) => {
                    code += 1;
                    safe.push(Event::Start(Tag::CodeBlock(kind)));
                }
                Event::End(TagEnd::CodeBlock) => {
                    code = code.saturating_sub(1);
                    safe.push(Event::End(TagEnd::CodeBlock));
                }
                other => safe.push(other),
            }
            // Brackets added above sit beside their text: one piece again for the markers.
            join_text(&mut safe);
        }
        let mut out = String::new();
        let mut in_code = 0_usize;
        let mut in_link = 0_usize;
        let with_chips = safe.into_iter().flat_map(|event| {
            match &event {
                Event::Start(Tag::CodeBlock(_)) => in_code += 1,
                Event::End(TagEnd::CodeBlock) => in_code = in_code.saturating_sub(1),
                Event::InlineHtml(raw) if raw.starts_with("<a ") => in_link += 1,
                Event::InlineHtml(raw) if raw.as_ref() == "</a>" => {
                    in_link = in_link.saturating_sub(1);
                }
                _ => {}
            }
            match event {
                Event::Text(text) if in_code == 0 && in_link == 0 => self.mark(&text),
                other => vec![other],
            }
        });
        html::push_html(&mut out, with_chips);
        out
    }

    fn href(&self, dest: &str) -> Option<String> {
        let dest = dest.trim();
        let scheme = dest.split_once(':').map(|(s, _)| s.to_ascii_lowercase());
        let has_scheme = scheme.as_ref().is_some_and(|s| {
            !s.is_empty() && s.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
        });
        if has_scheme {
            return scheme
                .is_some_and(|s| ["http", "https", "mailto"].contains(&s.as_str()))
                .then(|| dest.to_owned());
        }
        // Ours, but not `//elsewhere` nor what browsers read as that.
        if dest.starts_with('/') && !dest.starts_with("//") && !dest.contains('\\') {
            return Some(dest.to_owned());
        }
        (self.resolve)(dest)
    }

    /// Text with its markers as chips.
    fn mark(&self, text: &str) -> Vec<Event<'static>> {
        let mut out = Vec::new();
        let mut rest = text;
        let mut plain = String::new();
        while let Some(at) = rest.find('[') {
            let after = &rest[at + 1..];
            let digits = after.bytes().take_while(u8::is_ascii_digit).count();
            let chip = (digits > 0 && after[digits..].starts_with(']'))
                .then(|| after[..digits].parse::<usize>().ok())
                .flatten()
                .and_then(|n| self.chips.iter().find(|c| c.n == n));
            match chip {
                Some(chip) => {
                    plain.push_str(&rest[..at]);
                    out.push(Event::Text(std::mem::take(&mut plain).into()));
                    out.push(Event::InlineHtml(chip_html(chip).into()));
                    rest = &after[digits + 1..];
                }
                None => {
                    plain.push_str(&rest[..=at]);
                    rest = after;
                }
            }
        }
        plain.push_str(rest);
        out.push(Event::Text(plain.into()));
        out
    }
}

fn join_text(events: &mut Vec<Event<'_>>) {
    if let [.., Event::Text(_), Event::Text(_)] = events.as_slice() {
        let (Some(Event::Text(second)), Some(Event::Text(first))) = (events.pop(), events.pop())
        else {
            return;
        };
        events.push(Event::Text(format!("{first}{second}").into()));
    }
}

fn link(href: &str) -> String {
    if href.starts_with('/') {
        format!("<a href=\"{}\">", escape(href))
    } else {
        format!(
            "<a href=\"{}\" rel=\"noopener noreferrer nofollow\" target=\"_blank\">",
            escape(href)
        )
    }
}

fn chip_html(chip: &Chip) -> String {
    let (n, label) = (chip.n, escape(&chip.label));
    match &chip.href {
        Some(href) => {
            let href = escape(href);
            let opens = if chip.internal {
                "data-article"
            } else {
                "rel=\"noopener noreferrer\" target=\"_blank\""
            };
            format!(
                "<a class=\"cite\" href=\"{href}\" {opens} title=\"{label}\" aria-label=\"Source {n}: {label}\">{n}</a>"
            )
        }
        None => format!("<span class=\"cite\" title=\"{label}\">{n}</span>"),
    }
}

/// For HTML text and quoted attributes.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chips() -> Vec<Chip> {
        vec![Chip {
            n: 1,
            href: Some("/articles/a?passage=p".into()),
            internal: true,
            label: "Receipts > \"Lost\"".into(),
        }]
    }

    #[test]
    fn hostile_markdown_is_text() {
        for (markdown, absent) in [
            ("<script>alert(1)</script>", "<script"),
            ("<img src=x onerror=alert(1)>", "<img"),
            ("a <b onclick=x>b</b>", "<b "),
            ("![x](http://evil.example/pixel.png)", "<img"),
            ("[x](javascript:alert(1))", "href"),
            ("[x](JaVaScRiPt:alert(1))", "href"),
            ("[x](data:text/html,hi)", "href"),
            ("[x](//evil.example)", "href"),
            ("[x](/\\evil.example)", "href"),
            ("[x](vbscript:x)", "href"),
            ("<https://ok.example/\"onmouseover=\"x>", "href=\"https://ok.example/\""),
            ("[x](http://ok.example/'\"><script>)", "<script"),
        ] {
            let html = message(markdown, &[]);
            assert!(!html.contains(absent), "{markdown} gave {html}");
        }
    }

    #[test]
    fn the_first_heading_is_the_pages() {
        let html = message("# One\n\n## Two", &[]);
        assert_eq!(html, "<h2>One</h2>\n<h2>Two</h2>\n");
    }

    #[test]
    fn markers_become_chips() {
        let html = message("Keep it [1], not [2] and `[1]`.", &chips());
        insta::assert_snapshot!(html, @r#"
        <p>Keep it <a class="cite" href="/articles/a?passage=p" data-article title="Receipts &gt; &quot;Lost&quot;" aria-label="Source 1: Receipts &gt; &quot;Lost&quot;">1</a>, not [2] and <code>[1]</code>.</p>
        "#);
    }

    #[test]
    fn a_defined_reference_cannot_forge_a_citation() {
        let html = message("See [1].\n\n[1]: https://evil.example", &chips());
        assert!(html.contains("/articles/a") && !html.contains("evil.example"), "{html}");
    }

    #[test]
    fn good_links_stay() {
        let html =
            message("[a](https://ok.example) [b](mailto:x@y.example) [c](/tickets/FL-1)", &[]);
        assert_eq!(html.matches("<a href").count(), 3, "{html}");
    }
}
