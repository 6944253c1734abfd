//! Ideas behind words: a small shipped lexicon that lets a request in one wording or
//! language teach about another. It only yields features; the learner weighs them.

use std::collections::HashMap;
use std::sync::LazyLock;

/// Number of an idea, by its line in the lexicon.
pub(super) type Idea = u16;

struct Lexicon {
    /// Whole words and phrases of up to four words, blank-separated.
    exact: HashMap<&'static str, Vec<Idea>>,
    /// Beginnings of words.
    stems: HashMap<&'static str, Vec<Idea>>,
    /// Words of scripts written without spaces, found anywhere.
    anywhere: Vec<(&'static str, Idea)>,
}

const LONGEST_PHRASE: usize = 4;

static LEXICON: LazyLock<Lexicon> = LazyLock::new(|| {
    let mut lexicon =
        Lexicon { exact: HashMap::new(), stems: HashMap::new(), anywhere: Vec::new() };
    let lines = include_str!("lexicon.txt").lines();
    let entries = lines.filter(|l| !l.starts_with('#')).filter_map(|l| l.split_once(':'));
    for (idea, (_, words)) in entries.enumerate() {
        let idea = idea as Idea;
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
});

fn push(map: &mut HashMap<&'static str, Vec<Idea>>, word: &'static str, idea: Idea) {
    let ideas = map.entry(word).or_default();
    if !ideas.contains(&idea) {
        ideas.push(idea);
    }
}

/// The ideas of a sentence, in the order of its words. `words` are lower case.
pub(super) fn ideas(sentence: &str, words: &[String]) -> Vec<Idea> {
    let lexicon = &*LEXICON;
    let mut found = Vec::new();
    let mut phrase = String::new();
    for (at, word) in words.iter().enumerate() {
        phrase.clear();
        for next in words[at..].iter().take(LONGEST_PHRASE) {
            if !phrase.is_empty() {
                phrase.push(' ');
            }
            phrase.push_str(next);
            found.extend(lexicon.exact.get(phrase.as_str()).into_iter().flatten());
        }
        for (end, _) in word.char_indices().skip(2) {
            found.extend(lexicon.stems.get(&word[..end]).into_iter().flatten());
        }
        found.extend(lexicon.stems.get(word.as_str()).into_iter().flatten());
    }
    if sentence.chars().any(super::features::unspaced) {
        let here = lexicon.anywhere.iter().filter(|(w, _)| sentence.contains(w));
        found.extend(here.map(|(_, idea)| idea));
    }
    found
}

/// Whether words open a letter or a chat ("hi all", "guten Morgen").
pub(super) fn greets(words: &[String]) -> bool {
    let greeting = LEXICON.exact.get("hello").into_iter().flatten().next();
    greeting.is_some_and(|greeting| ideas("", words).first() == Some(greeting))
}
