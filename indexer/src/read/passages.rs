//! Blocks to passages of 150 to 250 words that carry their heading path.
//!
//! Small neighbouring sections share a passage, long ones are cut between sentences, rows or
//! lines. A row, a line of code or a sentence is never cut through.

use super::Passage;
use super::blocks::Block;
use crate::index::unspaced;

const MIN_WORDS: usize = 150;
const MAX_WORDS: usize = 250;
/// Code is kept whole up to here: half a script helps nobody.
const MAX_CODE_WORDS: usize = 400;
/// A part longer than this many bytes is cut even inside a "word": hostile or minified text.
const MAX_PART_BYTES: usize = 12_000;

/// Cuts an article. `title` is the path of text that stands before any heading.
pub(crate) fn cut(blocks: &[Block], title: &str) -> Vec<Passage> {
    let mut cutter =
        Cutter { title, path: Vec::new(), parts: Vec::new(), words: 0, out: Vec::new() };
    for block in blocks {
        match block {
            Block::Heading { level, text } => cutter.heading(*level, text),
            Block::Text(text) => cutter.split(text, MAX_WORDS, sentences),
            Block::Code(code) => cutter.code(code),
            Block::Table(rows) => cutter.table(rows),
        }
    }
    cutter.finish()
}

struct Part {
    path: Vec<(u8, String)>,
    text: String,
    words: usize,
}

struct Cutter<'a> {
    title: &'a str,
    path: Vec<(u8, String)>,
    parts: Vec<Part>,
    words: usize,
    out: Vec<Passage>,
}

impl Cutter<'_> {
    fn heading(&mut self, level: u8, text: &str) {
        // Enough gathered: a new section starts its own passage.
        if self.words >= MIN_WORDS {
            self.close();
        }
        self.path.retain(|(l, _)| *l < level);
        self.path.push((level, text.to_owned()));
    }

    fn part(&mut self, text: String) {
        let words = count_words(&text);
        if words == 0 {
            return;
        }
        let bytes: usize = self.parts.iter().map(|p| p.text.len()).sum();
        let full = self.words + words > MAX_WORDS || bytes + text.len() > MAX_PART_BYTES;
        if self.words > 0 && full {
            self.close();
        }
        self.words += words;
        self.parts.push(Part { path: self.path.clone(), text, words });
    }

    /// Adds text, in pieces of at most `max` words where it must be.
    fn split(&mut self, text: &str, max: usize, cut: fn(&str) -> Vec<&str>) {
        if count_words(text) <= max && text.len() <= MAX_PART_BYTES {
            return self.part(text.to_owned());
        }
        let mut piece = String::new();
        let mut words = 0;
        for bit in cut(text) {
            for bit in hard_pieces(bit, max) {
                let n = count_words(bit);
                if words > 0 && (words + n > max || piece.len() + bit.len() > MAX_PART_BYTES) {
                    self.part(std::mem::take(&mut piece).trim_end().to_owned());
                    words = 0;
                }
                piece.push_str(bit);
                words += n;
            }
        }
        self.part(piece.trim_end().to_owned());
    }

    fn code(&mut self, code: &str) {
        self.split(code, MAX_CODE_WORDS, |code| code.split_inclusive('\n').collect());
    }

    fn table(&mut self, rows: &[Vec<String>]) {
        let line = |row: &[String]| format!("| {} |", row.join(" | "));
        let Some((head, body)) = rows.split_first() else { return };
        let head = line(head);
        let head_words = count_words(&head);
        let mut text = head.clone();
        let mut words = head_words;
        for row in body {
            let row = line(row);
            let n = count_words(&row);
            // Every piece of a long table repeats the header, so its rows stay readable.
            if words > head_words && words + n > MAX_WORDS {
                self.part(std::mem::replace(&mut text, head.clone()));
                words = head_words;
            }
            text.push('\n');
            text.push_str(&row);
            words += n;
        }
        self.part(text);
    }

    fn close(&mut self) {
        let parts = std::mem::take(&mut self.parts);
        self.words = 0;
        let Some(first) = parts.first() else { return };
        // The common path of all parts heads the passage; deeper headings stand in the text.
        let mut common = first.path.len();
        for part in &parts {
            common =
                common.min(first.path.iter().zip(&part.path).take_while(|(a, b)| a == b).count());
        }
        let mut text = String::new();
        let mut said: &[(u8, String)] = &first.path[..common];
        for part in &parts {
            let same = said.iter().zip(&part.path).take_while(|(a, b)| a == b).count();
            for (_, heading) in &part.path[same.max(common)..] {
                push_line(&mut text, heading, "\n\n");
            }
            said = &part.path;
            let apart = separator(&text, &part.text);
            push_line(&mut text, &part.text, apart);
        }
        let heading = if common == 0 {
            self.title.to_owned()
        } else {
            first.path[..common].iter().map(|(_, t)| t.as_str()).collect::<Vec<_>>().join(" > ")
        };
        let words: usize = parts.iter().map(|p| p.words).sum();
        debug_assert!(words > 0);
        self.out.push(Passage { ordinal: self.out.len() as u32, heading, text });
    }

    fn finish(mut self) -> Vec<Passage> {
        self.close();
        self.out
    }
}

fn push_line(text: &mut String, line: &str, separator: &str) {
    if !text.is_empty() {
        text.push_str(separator);
    }
    text.push_str(line);
}

/// List items follow each other line by line, everything else stands apart.
fn separator(before: &str, next: &str) -> &'static str {
    let item = |line: &str| {
        let bare = line.trim_start();
        bare.starts_with("- ")
            || bare.split_once(". ").is_some_and(|(n, _)| {
                !n.is_empty() && n.len() < 5 && n.bytes().all(|b| b.is_ascii_digit())
            })
    };
    let last = before.lines().next_back().unwrap_or_default();
    if (item(last) || last.starts_with("  ")) && (item(next) || next.starts_with("  ")) {
        "\n"
    } else {
        "\n\n"
    }
}

/// Words of a text; of a script without spaces, two characters are counted as one.
pub(crate) fn count_words(text: &str) -> usize {
    let words = text.split_whitespace().filter(|w| w.chars().any(char::is_alphanumeric));
    words.map(|w| w.chars().filter(|c| unspaced(*c)).count().div_ceil(2).max(1)).sum()
}

/// Sentences with the space that follows them.
fn sentences(text: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let mut start = 0;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let ends = matches!(c, '.' | '!' | '?' | '。' | '\n');
        let space = chars.peek().is_none_or(|(_, n)| n.is_whitespace()) || c == '。' || c == '\n';
        if ends && space {
            let mut end = at + c.len_utf8();
            while let Some((i, n)) = chars.peek().copied() {
                if !n.is_whitespace() {
                    break;
                }
                end = i + n.len_utf8();
                chars.next();
            }
            out.push(&text[start..end]);
            start = end;
        }
    }
    if start < text.len() {
        out.push(&text[start..]);
    }
    out
}

/// Cuts a piece that is too long for any passage at words, then at bytes.
fn hard_pieces(text: &str, max: usize) -> Vec<&str> {
    if count_words(text) <= max && text.len() <= MAX_PART_BYTES {
        return vec![text];
    }
    let mut out = Vec::new();
    let (mut start, mut words) = (0, 0);
    let mut space_before = true;
    for (at, c) in text.char_indices() {
        if space_before && !c.is_whitespace() {
            words += 1;
        }
        space_before = c.is_whitespace();
        if words > max || at - start >= MAX_PART_BYTES {
            out.push(&text[start..at]);
            start = at;
            words = usize::from(!space_before);
        }
    }
    out.push(&text[start..]);
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::blocks::parse;
    use super::*;

    fn passages(md: &str) -> Vec<Passage> {
        cut(&parse(md).unwrap(), "Title")
    }

    fn words(n: usize) -> String {
        (0..n)
            .map(|i| format!("word{i}{}", if i % 12 == 11 { "." } else { "" }))
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn an_article_without_spaces_is_cut_too() {
        let p = passages(&format!("# 規程\n\n{}\n", "経費は翌月五日までに申請する。".repeat(60)));
        assert!(p.len() >= 2 && p.iter().all(|p| count_words(&p.text) <= MAX_WORDS), "{}", p.len());
    }

    #[test]
    fn small_sections_share_a_passage() {
        let p =
            passages("# Printer\n\n## Symptoms\n\nIt hums.\n\n## Cause\n\nDust.\n\n- one\n- two\n");
        assert_eq!(p.len(), 1);
        assert_eq!(p[0].heading, "Printer");
        assert_eq!(p[0].text, "Symptoms\n\nIt hums.\n\nCause\n\nDust.\n\n- one\n- two");
    }

    #[test]
    fn long_sections_are_cut_between_sentences() {
        let md = format!("# A\n\n## B\n\n{}\n\n## C\n\n{}\n", words(600), words(40));
        let p = passages(&md);
        assert!(p.iter().all(|p| count_words(&p.text) <= MAX_WORDS));
        assert!(p[0].text.ends_with('.'));
        assert_eq!(p[0].heading, "A > B");
        let all: usize = p.iter().map(|p| count_words(&p.text)).sum();
        assert!(all >= 640, "nothing is lost: {all}");
    }

    #[test]
    fn tables_repeat_their_header_and_keep_rows_whole() {
        let rows: String = (0..120).map(|i| format!("| key{i} | a value of row {i} |\n")).collect();
        let p = passages(&format!("# T\n\n| Key | Value |\n|---|---|\n{rows}"));
        assert!(p.len() > 1);
        for passage in &p {
            assert!(passage.text.starts_with("| Key | Value |"));
            assert!(passage.text.lines().all(|l| l.starts_with('|') && l.ends_with('|')));
        }
    }

    #[test]
    fn code_lines_stay_whole() {
        let code: String = (0..300).map(|i| format!("set value {i} now\n")).collect();
        let p = passages(&format!("# C\n\n```\n{code}```\n"));
        assert!(p.len() > 1);
        assert!(p.iter().all(|p| p.text.lines().all(|l| l.ends_with("now"))));
    }

    #[test]
    fn text_without_headings_carries_the_title() {
        assert_eq!(passages("Only words.")[0].heading, "Title");
    }

    #[test]
    fn endless_word_is_cut() {
        let p = passages(&"x".repeat(200_000));
        assert!(p.iter().all(|p| p.text.len() <= MAX_PART_BYTES));
    }
}
