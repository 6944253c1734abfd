//! An article with the cited passage marked. Passages are cut from the article's text,
//! so the blocks that belong to one are found by their words, whatever became of their
//! markup on the way.

use pulldown_cmark::{Event, Tag};

use super::render::{Renderer, parse};

/// The article as HTML. `passage` is the text to mark, `title` the heading not to repeat.
pub(super) fn article(
    markdown: &str,
    title: &str,
    passage: Option<&str>,
    resolve: &dyn Fn(&str) -> Option<String>,
) -> String {
    let renderer = Renderer { chips: &[], resolve };
    let mut blocks = split(parse(without_front_matter(markdown)));
    let repeats = blocks.first().is_some_and(|b| {
        matches!(b.first(), Some(Event::Start(Tag::Heading { .. }))) && words(b) == bare(title)
    });
    if repeats {
        blocks.remove(0);
    }
    let marked = passage.map_or(0..0, |text| run(&blocks, text));
    let mut out = String::new();
    for (at, block) in blocks.into_iter().enumerate() {
        if at == marked.start && !marked.is_empty() {
            out.push_str("<div class=\"cited\" id=\"cited\">");
        }
        out.push_str(&renderer.html(block));
        if at + 1 == marked.end {
            out.push_str("</div>");
        }
    }
    out
}

fn without_front_matter(markdown: &str) -> &str {
    let text = markdown.trim_start_matches('\u{feff}');
    text.strip_prefix("---\n")
        .and_then(|rest| rest.split_once("\n---\n"))
        .map_or(text, |(_, body)| body)
}

/// Top-level blocks.
fn split(events: Vec<Event<'_>>) -> Vec<Vec<Event<'_>>> {
    let mut blocks = Vec::new();
    let mut block = Vec::new();
    let mut depth = 0_usize;
    for event in events {
        match &event {
            Event::Start(_) => depth += 1,
            Event::End(_) => depth = depth.saturating_sub(1),
            _ => {}
        }
        block.push(event);
        if depth == 0 {
            blocks.push(std::mem::take(&mut block));
        }
    }
    if !block.is_empty() {
        blocks.push(block);
    }
    blocks
}

fn words(block: &[Event<'_>]) -> Vec<String> {
    let mut text = String::new();
    for event in block {
        match event {
            Event::Text(t) | Event::Code(t) => {
                text.push_str(t);
            }
            Event::SoftBreak | Event::HardBreak | Event::End(_) => text.push(' '),
            _ => {}
        }
    }
    bare(&text)
}

fn bare(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|w| !w.is_empty())
        .map(str::to_lowercase)
        .collect()
}

/// The longest run of blocks whose words stand in the passage.
fn run(blocks: &[Vec<Event<'_>>], passage: &str) -> std::ops::Range<usize> {
    let padded = |words: &[String]| format!(" {} ", words.join(" "));
    let whole = padded(&bare(passage));
    let inside = |words: &[String]| {
        if words.is_empty() {
            return false;
        }
        // A passage may start or end inside a long block: one end of it is enough.
        const END: usize = 10;
        whole.contains(&padded(words))
            || (words.len() > END
                && (whole.contains(&padded(&words[..END]))
                    || whole.contains(&padded(&words[words.len() - END..]))))
            || (whole.len() > 2 && padded(words).contains(&whole))
    };
    let (mut best, mut best_words) = (0..0, 0);
    let (mut start, mut count) = (0, 0);
    for (at, block) in blocks.iter().enumerate() {
        let words = words(block);
        if inside(&words) {
            count += words.len();
            if count > best_words {
                (best, best_words) = (start..at + 1, count);
            }
        } else {
            (start, count) = (at + 1, 0);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARTICLE: &str = "---\ntitle: T\n---\n# Lost card\n\nBlock it **at once**.\n\n## Abroad\n\nCall the [bank](bank.md) first.\n\n- then tell finance\n- and keep the number\n";

    #[test]
    fn the_passage_is_marked_and_the_title_not_repeated() {
        let html = article(
            ARTICLE,
            "Lost card",
            Some("Abroad\nCall the bank first. then tell finance and keep the number"),
            &|link| (link == "bank.md").then(|| "/articles/b".to_owned()),
        );
        insta::assert_snapshot!(html, @r#"
        <p>Block it <strong>at once</strong>.</p>
        <div class="cited" id="cited"><h2>Abroad</h2>
        <p>Call the <a href="/articles/b">bank</a> first.</p>
        <ul>
        <li>then tell finance</li>
        <li>and keep the number</li>
        </ul>
        </div>
        "#);
    }

    #[test]
    fn a_passage_that_is_gone_marks_nothing() {
        let html = article(ARTICLE, "x", Some("entirely different words"), &|_| None);
        assert!(!html.contains("cited") && html.contains("Lost card"), "{html}");
    }
}
