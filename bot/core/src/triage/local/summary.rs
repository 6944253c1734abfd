//! One neutral line: the sentence that bears the ask, without greeting or shouting.

use crate::text;
use crate::triage::local::linear::softmax;

use super::pool::Views;

/// Most characters of a summary.
const MAX: usize = 90;

/// The sentence that speaks most for the kind `best`, shortened to whole words.
pub(super) fn summarise(input: &str, views: &Views, best: usize) -> String {
    let sentences = text::sentences(input);
    let rate = |at: usize, scores: &[f32; 6]| {
        let mut p = *scores;
        softmax(&mut p);
        let words = text::words(sentences[at]).len();
        let substance = (words as f32 / 6.0).min(1.0);
        let code = if looks_like_code(sentences[at]) { 0.3 } else { 1.0 };
        (0.15 + p[best]) * (0.2 + substance) * code
    };
    let rated = views.sentences.iter().map(|(at, scores)| (*at, rate(*at, scores)));
    let chosen = rated.reduce(|a, b| if b.1 > a.1 { b } else { a });
    let line = chosen.map_or(input.trim(), |(at, _)| sentences[at]);
    let line = calm(without_greeting(line));
    text::shorten(&line, MAX)
}

/// Stack frames, headers and payloads rarely summarise.
fn looks_like_code(line: &str) -> bool {
    let odd = line
        .chars()
        .filter(|c| matches!(c, '{' | '}' | '=' | '<' | '>' | '/' | '\\' | '_'))
        .count();
    odd * 12 > line.len() || line.trim_start().starts_with("at ") && line.contains('(')
}

/// Drops "Hi Sam," and "Hello team -" before the sentence proper.
fn without_greeting(line: &str) -> &str {
    let Some(at) =
        line.char_indices().take(28).find(|(_, c)| matches!(c, ',' | '!' | ':' | '-' | ')'))
    else {
        return line;
    };
    let (head, rest) = line.split_at(at.0);
    let words = text::words(head);
    let greets = super::lexicon::greets(&words);
    let rest = rest.trim_start_matches(|c: char| {
        !c.is_alphanumeric() && !matches!(c, '"' | '„' | '“' | '¿' | '¡')
    });
    if greets && words.len() <= 4 && text::words(rest).len() >= 3 { rest } else { line }
}

/// One line, no shouting: capitals throughout become a sentence, `!!!` becomes nothing.
fn calm(line: &str) -> String {
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    let letters = line.chars().filter(|c| c.is_alphabetic()).count();
    let capitals = line.chars().filter(|c| c.is_uppercase()).count();
    let line = if letters > 12 && capitals * 10 > letters * 8 { line.to_lowercase() } else { line };
    let asks = line.contains('?');
    let line = line.trim_end_matches(['!', '.', '?', ' ', '。', '！']);
    let mut out = String::with_capacity(line.len() + 1);
    let mut chars = line.chars();
    out.extend(chars.next().into_iter().flat_map(char::to_uppercase));
    out.push_str(chars.as_str());
    if asks && !out.ends_with('?') && line.len() < 88 {
        out.push('?');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_calm_and_start_at_the_point() {
        for (line, expected) in [
            ("THE WHOLE SITE IS DOWN!!!", "The whole site is down"),
            ("Hi Sam, the export fails.", "The export fails"),
            ("Yes, the export fails.", "Yes, the export fails"),
            ("how do i   reset it???", "How do i reset it?"),
        ] {
            assert_eq!(calm(without_greeting(line)), expected);
        }
    }
}
