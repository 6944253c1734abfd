//! Ideas behind words: a small shipped lexicon that lets a request in one wording or
//! language teach about another. It only yields features; the learner weighs them.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::LazyLock;

/// Number of an idea, by its line in the lexicon.
pub(super) type Idea = u16;

type Map = HashMap<&'static str, Vec<Idea>, BuildHasherDefault<Quick>>;

/// FNV-1a: the keys are ours and short, and reading looks up some ten a word.
pub(super) struct Quick(u64);

impl Default for Quick {
    fn default() -> Quick {
        Quick(0xCBF2_9CE4_8422_2325)
    }
}

impl Hasher for Quick {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01B3);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// Words, phrases and beginnings of words, each with the ideas it stands for.
pub(super) struct Lexicon {
    /// Whole words and phrases of up to four words, blank-separated.
    exact: Map,
    /// Beginnings of words.
    stems: Map,
    /// Words of scripts written without spaces, found anywhere.
    anywhere: Vec<(&'static str, Idea)>,
    /// Names of the ideas.
    names: Vec<&'static str>,
}

const LONGEST_PHRASE: usize = 4;
/// Bytes of unspaced script that count as one word.
const WIDE_WORD: usize = 6;

static LEXICON: LazyLock<Lexicon> = LazyLock::new(|| Lexicon::parse(include_str!("lexicon.txt")));

impl Lexicon {
    /// Reads `name: word, word*, ...` lines; `#` opens a comment.
    pub(super) fn parse(source: &'static str) -> Lexicon {
        let mut lexicon = Lexicon {
            exact: Map::default(),
            stems: Map::default(),
            anywhere: Vec::new(),
            names: Vec::new(),
        };
        let lines = source.lines().filter(|l| !l.starts_with('#'));
        for (name, words) in lines.filter_map(|l| l.split_once(':')) {
            let idea = lexicon.names.len() as Idea;
            lexicon.names.push(name);
            for word in words.split(',').map(str::trim).filter(|w| !w.is_empty()) {
                if word.chars().any(super::features::unspaced) {
                    lexicon.anywhere.push((word, idea));
                } else if let Some(stem) = word.strip_suffix('*') {
                    push(&mut lexicon.stems, stem, idea);
                } else {
                    push(&mut lexicon.exact, word, idea);
                }
            }
        }
        lexicon
    }

    /// Number of ideas.
    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether `idea` is the one called `name`.
    pub(super) fn is(&self, idea: Idea, name: &str) -> bool {
        self.names.get(usize::from(idea)).is_some_and(|n| *n == name)
    }

    /// The ideas of a sentence with the word each starts at, in the order of its words.
    /// `words` are lower case.
    pub(super) fn find(
        &self,
        sentence: &str,
        words: &[String],
        mut found: impl FnMut(usize, Idea),
    ) {
        let mut phrase = String::new();
        for (at, word) in words.iter().enumerate() {
            phrase.clear();
            for next in words[at..].iter().take(LONGEST_PHRASE) {
                if !phrase.is_empty() {
                    phrase.push(' ');
                }
                phrase.push_str(next);
                let ideas = self.exact.get(phrase.as_str()).into_iter().flatten();
                ideas.for_each(|idea| found(at, *idea));
            }
            let ends = word.char_indices().map(|(end, _)| end).skip(2).chain([word.len()]);
            for end in ends {
                let ideas = self.stems.get(&word[..end]).into_iter().flatten();
                ideas.for_each(|idea| found(at, *idea));
            }
        }
        if sentence.chars().any(super::features::unspaced) {
            for (word, idea) in &self.anywhere {
                if let Some(at) = sentence.find(word) {
                    found(at / WIDE_WORD, *idea);
                }
            }
        }
    }
}

fn push(map: &mut Map, word: &'static str, idea: Idea) {
    let ideas = map.entry(word).or_default();
    if !ideas.contains(&idea) {
        ideas.push(idea);
    }
}

/// The ideas of a sentence, in the order of its words. `words` are lower case.
pub(super) fn ideas(sentence: &str, words: &[String]) -> Vec<Idea> {
    let mut found = Vec::new();
    LEXICON.find(sentence, words, |_, idea| found.push(idea));
    found
}

/// Whether words open a letter or a chat ("hi all", "guten Morgen").
pub(super) fn greets(words: &[String]) -> bool {
    let greeting = LEXICON.exact.get("hello").into_iter().flatten().next();
    greeting.is_some_and(|greeting| ideas("", words).first() == Some(greeting))
}
