//! A model's checked statements as one answer: markers renumbered in the order they
//! appear, one citation for each.

use crate::chat::Citation;

use super::{Checked, Hit};

/// The answer `kept` makes. Statement numbers count `hits` from 1, as the model was shown
/// them; the answer's own run 1, 2, 3 in reading order.
pub fn join_checked(kept: &[Checked], hits: &[Hit]) -> (String, Vec<Citation>) {
    let mut citations: Vec<Citation> = Vec::new();
    let mut shown: Vec<usize> = Vec::new();
    let mut parts: Vec<String> = Vec::new();
    for statement in kept {
        let mut marks = String::new();
        for quote in &statement.quotes {
            let Some(hit) = quote.n.checked_sub(1).and_then(|at| hits.get(at)) else { continue };
            let number = match shown.iter().position(|n| *n == quote.n) {
                Some(at) => at + 1,
                None => {
                    shown.push(quote.n);
                    citations.push(Citation {
                        n: shown.len(),
                        source: hit.source.clone(),
                        path: hit.path.clone(),
                        title: hit.title.clone(),
                        heading: hit.heading.clone(),
                        url: hit.url.clone(),
                        quote: quote.quote.clone(),
                        passage_id: hit.passage_id.clone(),
                    });
                    shown.len()
                }
            };
            marks.push_str(&format!("[{number}]"));
        }
        parts.push(format!("{} {marks}", super::without_markers(&statement.text).trim()));
    }
    let steps = parts.iter().any(|part| part.trim_start().starts_with(['-', '*', '1', '2']));
    (parts.join(if steps { "\n" } else { " " }), citations)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::triage::cite::Quote;

    #[test]
    fn markers_run_in_reading_order() {
        let hit = |title: &str| Hit { title: title.into(), ..Hit::default() };
        let hits = [hit("A"), hit("B"), hit("C")];
        let said = |text: &str, n: &[usize]| Checked {
            text: text.into(),
            quotes: n.iter().map(|n| Quote { n: *n, quote: format!("q{n}") }).collect(),
        };
        let (text, citations) =
            join_checked(&[said("First. [3]", &[3]), said("Then. [1][3]", &[1, 3])], &hits);
        assert_eq!(text, "First. [1] Then. [2][1]");
        let named: Vec<_> =
            citations.iter().map(|c| (c.n, c.title.as_str(), c.quote.as_str())).collect();
        assert_eq!(named, [(1, "C", "q3"), (2, "A", "q1")]);
    }
}
