//! A vector for each of some thirty thousand English words and parts of words, and nothing else:
//! a text is the sum of its words' vectors. How the table was made is told in
//! `indexer/words/README.md`.
//!
//! Words are cut here and not by a tokenizer of a library, because indexing cuts millions of them
//! and this is about twenty times quicker for the one case there is.

use std::collections::HashMap;

use sha2::{Digest as _, Sha256};

use super::normalise;

/// One word a line; what continues a word begins with `##`.
static LIST: &str = include_str!("../../words/english.txt");
/// See [`Words::row`] for the layout.
static TABLE: &[u8] = include_bytes!("../../words/english.bin");

/// Share of a text's words that must be there as such: of English nearly all are, of other
/// languages the few that are written alike.
const UNDERSTOOD: f64 = 0.6;
/// Letters from which on a word tells the language.
const TELLING: usize = 3;
/// Bytes of a text that are read.
const MOST: usize = 12_000;
/// A longer run of letters is data, not a word.
const LONGEST: usize = 40;
/// Four bits hold -7 to 7, kept as 1 to 15.
const ZERO: i8 = 8;

pub(super) struct Words {
    begin: HashMap<&'static str, u32>,
    /// Without the `##`.
    go_on: HashMap<&'static str, u32>,
    pub(super) dimension: usize,
    pub(super) id: [u8; 32],
}

impl Words {
    pub(super) fn english() -> Self {
        let (mut begin, mut go_on) = (HashMap::new(), HashMap::new());
        let mut count = 0;
        for word in LIST.lines() {
            match word.strip_prefix("##") {
                Some(part) => go_on.insert(part, count),
                None => begin.insert(word, count),
            };
            count += 1;
        }
        // A scale of four bytes and half a byte a number for each word.
        let dimension = (TABLE.len() / (count as usize).max(1)).saturating_sub(4) * 2;
        let id = Sha256::new().chain_update(LIST).chain_update(TABLE).finalize().into();
        Self { begin, go_on, dimension, id }
    }

    /// The vector of a text, of length one; zero when no word is known.
    pub(super) fn embed(&self, text: &str) -> Vec<f32> {
        let mut sum = vec![0.0; self.dimension];
        each_word(text, |word| self.add(word, &mut sum));
        normalise(&mut sum);
        sum
    }

    /// Whether the words of a text are, by and large, in the table. The shortest do not count:
    /// those of one language look like those of another.
    pub(super) fn understands(&self, text: &str) -> bool {
        let (mut words, mut whole) = (0u32, 0u32);
        each_word(text, |word| {
            if word.len() >= TELLING {
                words += 1;
                whole += u32::from(self.begin.contains_key(word));
            }
        });
        words > 0 && f64::from(whole) >= UNDERSTOOD * f64::from(words)
    }

    /// Adds a word, or the longest parts it is made of. A word that is not made of known parts
    /// adds nothing.
    fn add(&self, word: &str, sum: &mut [f32]) {
        if let Some(row) = self.begin.get(word) {
            return self.row(*row, sum);
        }
        let mut parts = Vec::new();
        let mut rest = word;
        while !rest.is_empty() {
            let known = if parts.is_empty() { &self.begin } else { &self.go_on };
            let longest = (1..=rest.len())
                .rev()
                .filter(|end| rest.is_char_boundary(*end))
                .find_map(|end| known.get(&rest[..end]).map(|row| (*row, end)));
            let Some((row, end)) = longest else { return };
            parts.push(row);
            rest = &rest[end..];
        }
        parts.into_iter().for_each(|row| self.row(row, sum));
    }

    /// Adds one row: a scale (`f32`, little endian), then two numbers a byte, one of the first
    /// half in the lower four bits and its fellow of the second half in the upper.
    fn row(&self, row: u32, sum: &mut [f32]) {
        let half = self.dimension / 2;
        let from = row as usize * (4 + half);
        let Some((scale, numbers)) =
            TABLE.get(from..from + 4 + half).and_then(|row| row.split_first_chunk::<4>())
        else {
            return;
        };
        let scale = f32::from_le_bytes(*scale);
        let (first, second) = sum.split_at_mut(half);
        for ((first, second), byte) in first.iter_mut().zip(second).zip(numbers) {
            *first += scale * f32::from((byte & 15) as i8 - ZERO);
            *second += scale * f32::from((byte >> 4) as i8 - ZERO);
        }
    }
}

/// The words of a text in lower case; numbers are of no language and say little.
fn each_word(text: &str, mut take: impl FnMut(&str)) {
    let mut lower = String::new();
    let end = text.floor_char_boundary(MOST);
    let runs = text[..end].split(|c: char| !c.is_alphanumeric());
    for run in runs.filter(|run| !run.is_empty() && run.len() <= LONGEST) {
        if run.bytes().all(|b| b.is_ascii_digit()) {
            continue;
        }
        lower.clear();
        lower.extend(run.chars().flat_map(char::to_lowercase));
        take(&lower);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn likeness(a: &str, b: &str) -> f32 {
        let words = Words::english();
        let (a, b) = (words.embed(a), words.embed(b));
        a.iter().zip(&b).map(|(x, y)| x * y).sum()
    }

    #[test]
    fn what_means_much_the_same_is_near() {
        let asked = "the van was sold, how do I take it off the books";
        let right = "Dispose of a vehicle: record the sale of a fixed asset";
        for wrong in
            ["Reset a forgotten password", "Print a packing slip", "Request parental leave"]
        {
            assert!(likeness(asked, right) > likeness(asked, wrong) + 0.1, "{wrong}");
        }
    }

    #[test]
    fn a_text_of_another_language_is_not_understood() {
        let words = Words::english();
        let understood = |text: &str| words.understands(text);
        assert!(understood(
            "my laptop cant connect to the wifi in the Rotterdam office, err 0x80070035"
        ));
        assert!(understood("passwords?"));
        assert!(!understood("wie kann ich mein passwort zurücksetzen"));
        assert!(!understood("je n'arrive plus à me connecter au VPN depuis ce matin"));
        assert!(!understood("no puedo abrir la factura del proveedor"));
        assert!(!understood("请重置我的密码"));
        assert!(!understood("") && !understood("4711 0815"));
    }

    #[test]
    fn case_and_punctuation_do_not_matter() {
        let words = Words::english();
        assert_eq!(words.embed("Close the PERIOD!"), words.embed("close (the) period"));
        assert!(words.embed("§ 12").iter().all(|x| *x == 0.0));
    }
}
