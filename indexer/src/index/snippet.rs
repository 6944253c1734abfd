//! The stretch of a passage that shows why it was found.

use super::terms::Concepts;

/// Characters shown, about.
const WIDTH: usize = 240;

/// Cuts the window with the most of the question's weight, at word borders, as plain text.
pub(crate) fn snippet(text: &str, concepts: &Concepts) -> String {
    // Where a word of the question begins, and its concept.
    let mut marks: Vec<(usize, usize)> = Vec::new();
    let mut words: Vec<(usize, usize)> = Vec::new();
    let mut begins = [false; 128];
    for stem in concepts.list.iter().flat_map(|c| &c.stems) {
        if let Some(first) = stem.bytes().next().filter(u8::is_ascii) {
            begins[usize::from(first)] = true;
            begins[usize::from(first.to_ascii_uppercase())] = true;
        }
    }
    let mut lower = String::new();
    for (start, word) in word_positions(text) {
        words.push((start, start + word.len()));
        // Most words begin like none that is looked for.
        if word.as_bytes()[0].is_ascii() && !begins[usize::from(word.as_bytes()[0])] {
            continue;
        }
        lower.clear();
        if word.is_ascii() {
            lower.push_str(word);
            lower.make_ascii_lowercase();
        } else {
            lower.extend(word.chars().flat_map(char::to_lowercase));
        }
        let concept = concepts
            .list
            .iter()
            .position(|c| c.stems.iter().any(|stem| lower.starts_with(stem.as_str())));
        if let Some(n) = concept {
            marks.push((start, n));
        }
    }
    let Some(&(_, text_end)) = words.last() else { return String::new() };
    if text_end <= WIDTH {
        return flat(text.get(..text_end.max(text.trim_end().len())).unwrap_or(text));
    }
    let mut best = (f64::MIN, 0);
    for &(start, _) in std::iter::once(&(0, 0)).chain(&marks) {
        let mut seen = 0u32;
        let weight: f64 = marks
            .iter()
            .filter(|(at, _)| (start..start + WIDTH).contains(at))
            .map(|(_, n)| {
                let fresh = seen & (1 << n) == 0;
                seen |= 1 << n;
                if fresh { concepts.list[*n].weight } else { 0.0 }
            })
            .sum();
        if weight > best.0 + 1e-9 {
            best = (weight, start);
        }
    }
    // A little context before the first match, from the start of a line if one is close.
    let mut start = best.1.saturating_sub(60);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    let lead = &text[start..best.1];
    if start > 0 {
        start += lead
            .rfind('\n')
            .map(|i| i + 1)
            .or_else(|| lead.find(' ').map(|i| i + 1))
            .unwrap_or(lead.len());
    }
    let end = words
        .iter()
        .map(|(_, end)| *end)
        .take_while(|end| *end <= start + WIDTH)
        .last()
        .unwrap_or(text_end)
        .max(start);
    let mut out = String::new();
    if start > 0 {
        out.push_str("… ");
    }
    out.push_str(&flat(&text[start..end]));
    if end < text_end {
        out.push_str(" …");
    }
    out
}

fn word_positions(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let base = text.as_ptr() as usize;
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|w| !w.is_empty())
        .map(move |w| (w.as_ptr() as usize - base, w))
}

fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
