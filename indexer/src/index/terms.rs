//! A question to weighted concepts: each a word with all the forms in which the index may hold it.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use tantivy::tokenizer::TextAnalyzer;
use tantivy::{Searcher, Term};

use super::Query;
use super::analysis::{self, UNSTEMMED};
use super::schema::{Fields, TextField};
use super::visible::Visible;

/// A question longer than this keeps its most telling words: an error page has thousands.
pub(crate) const MAX_CONCEPTS: usize = 20;
/// Words looked at in all, so that a megabyte of text costs no more than a page.
const MAX_WORDS: usize = 400;
/// In a base with fewer passages rarity says little; words are weighed as if it had so many.
const SMALL_BASE: u64 = 100;
/// Unknown words for which near ones are looked up.
const MAX_REPAIRED: usize = 2;
/// Weights of earlier messages, the latest first.
const THREAD: [f64; 3] = [0.4, 0.25, 0.15];

/// One form of a concept: the word in one language, a synonym, or an identifier.
pub(crate) struct Form {
    pub(crate) term: Term,
    /// What it counts beside the word as asked: 1, or less for a synonym.
    pub(crate) factor: f64,
    /// Passages that hold it.
    pub(crate) df: u64,
    /// A whole identifier rather than a word.
    pub(crate) code: bool,
}

/// What an identifier counts beside a word.
const CODE_FACTOR: f64 = 2.5;
/// What a synonym counts beside the word itself.
const SYNONYM: f64 = 0.5;
/// English stem to the stems that share a group with it.
static THESAURUS: LazyLock<HashMap<String, Vec<String>>> = LazyLock::new(|| {
    let mut analyzer = analysis::analyzer("en");
    let mut out: HashMap<String, Vec<String>> = HashMap::new();
    for line in include_str!("thesaurus_en.txt").lines().filter(|l| !l.starts_with('#')) {
        let mut stems = analysis::tokens(&mut analyzer, line);
        stems.dedup();
        for stem in &stems {
            let others = out.entry(stem.clone()).or_default();
            for other in &stems {
                if other != stem && !others.contains(other) {
                    others.push(other.clone());
                }
            }
        }
    }
    out
});

/// One word of the question.
pub(crate) struct Concept {
    /// Rarity in this index times the word's role in the question.
    pub(crate) weight: f64,
    /// Role and place in the thread alone, 0 to 1.
    pub(crate) role: f64,
    /// Empty when the index does not know the word.
    pub(crate) forms: Vec<Form>,
    /// Number of the word within the question, for telling neighbours.
    pub(crate) order: usize,
    /// Beginnings by which the word is recognised in shown text.
    pub(crate) stems: Vec<String>,
}

pub(crate) struct Concepts {
    pub(crate) list: Vec<Concept>,
}

struct Lookup<'a> {
    searcher: &'a Searcher,
    visible: &'a Visible<'a>,
    /// Languages that occur in this index, the most frequent first, with their analyzers.
    languages: Vec<(TextField, TextAnalyzer)>,
    total: f64,
}

pub(crate) fn concepts(
    searcher: &Searcher,
    visible: &Visible<'_>,
    fields: &Fields,
    query: &Query,
) -> anyhow::Result<Concepts> {
    let mut used: Vec<(u64, TextField)> = Vec::new();
    for text in &fields.texts {
        let mut tokens = 0;
        for segment in searcher.segment_readers() {
            tokens += segment.inverted_index(text.field)?.total_num_tokens();
        }
        if tokens > 0 {
            used.push((tokens, *text));
        }
    }
    used.sort_by_key(|(tokens, _)| Reverse(*tokens));
    let languages = used.iter().map(|(_, t)| (*t, analysis::analyzer(t.suffix))).collect();
    let total = searcher.num_docs().max(SMALL_BASE) as f64;
    let mut lookup = Lookup { searcher, visible, languages, total };
    let language = language(query);

    let mut words: Vec<(String, f64)> = Vec::new();
    let mut seen: HashMap<String, usize> = HashMap::new();
    let earlier = query.thread.iter().rev().zip(THREAD).map(|(text, w)| (text.as_str(), w));
    for (text, weight) in std::iter::once((query.text.as_str(), 1.0)).chain(earlier) {
        for word in split(text) {
            if words.len() >= MAX_WORDS {
                break;
            }
            if !seen.contains_key(&word) {
                seen.insert(word.clone(), words.len());
                words.push((word, weight));
            }
        }
    }
    let telling = words.iter().any(|(w, _)| analysis::role(w, language) > 0.0);
    let mut list: Vec<Concept> = Vec::new();
    let mut stems_seen: HashSet<String> = HashSet::new();
    let mut repaired = 0;
    for (order, (word, share)) in words.iter().enumerate() {
        // A question of nothing but small words is searched by them.
        let role = if telling { analysis::role(word, language) } else { 1.0 } * share;
        if role == 0.0 {
            continue;
        }
        let mut parts = vec![lookup.forms(word)?];
        if parts[0].forms.is_empty()
            && repaired < MAX_REPAIRED
            && role > 0.3
            && !synonym_known(&parts[0].stems)
        {
            repaired += 1;
            parts = lookup.repair(word, parts)?;
        }
        let share = role / parts.len() as f64;
        for mut part in parts {
            // Two words of one stem are one concept.
            let key = part.stems.first().cloned().unwrap_or_default();
            if !stems_seen.insert(key) {
                continue;
            }
            if analysis::suffix(language) == "en" {
                lookup.synonyms(&mut part)?;
            }
            list.push(Concept {
                weight: lookup.idf(part.df) * share,
                role: share,
                forms: part.forms,
                order,
                stems: part.stems,
            });
        }
    }
    for word in query.text.split_whitespace().take(MAX_WORDS) {
        let Some(id) = analysis::identifier(word) else { continue };
        let term = Term::from_field_text(fields.code, &id);
        let df = visible.doc_freq(&term)?;
        if df > 0 {
            let form = Form { term, factor: CODE_FACTOR, df, code: true };
            let weight = lookup.idf(df);
            list.push(Concept {
                weight,
                role: 1.0,
                forms: vec![form],
                order: usize::MAX,
                stems: vec![],
            });
        }
    }
    if list.len() > MAX_CONCEPTS {
        list.sort_by(|a, b| b.weight.total_cmp(&a.weight));
        list.truncate(MAX_CONCEPTS);
        list.sort_by_key(|c| c.order);
    }
    Ok(Concepts { list })
}

/// The words of a text as the index writes them, unstemmed. Repetitions included.
fn split(text: &str) -> Vec<String> {
    let mut end = text.len().min(20_000);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    // "don't" is one small word, not a "don" and a "t".
    let text = text[..end].replace(['\'', '’'], "");
    analysis::tokens(&mut analysis::analyzer(UNSTEMMED), &text)
}

/// The thesaurus knows what this word means, so it is no slip.
fn synonym_known(stems: &[String]) -> bool {
    stems.first().is_some_and(|s| THESAURUS.contains_key(s))
}

/// The question's language as it was told, else as its text looks; English when in doubt.
pub(crate) fn language(query: &Query) -> &str {
    query.language.as_deref().unwrap_or_else(|| guess_language(&query.text))
}

fn guess_language(text: &str) -> &'static str {
    let mut end = text.len().min(600);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let text = &text[..end];
    if text.len() < 12 || analysis::plainly_english(text) {
        return "en";
    }
    match whatlang::detect(text) {
        Some(info) if info.is_reliable() => match info.lang() {
            whatlang::Lang::Deu => "de",
            whatlang::Lang::Fra => "fr",
            whatlang::Lang::Spa => "es",
            whatlang::Lang::Por => "pt",
            whatlang::Lang::Ita => "it",
            whatlang::Lang::Nld => "nl",
            _ => "en",
        },
        _ => "en",
    }
}

impl Lookup<'_> {
    fn idf(&self, df: u64) -> f64 {
        let df = df as f64;
        (1.0 + (self.total - df + 0.5).max(0.0) / (df + 0.5)).ln()
    }

    /// All forms of a word that occur, the number of passages that hold it, and its stems.
    fn forms(&mut self, word: &str) -> anyhow::Result<Forms> {
        let mut out = Forms::default();
        for (text, analyzer) in &mut self.languages {
            let Some(stem) = analysis::tokens(analyzer, word).into_iter().next() else { continue };
            let term = Term::from_field_text(text.field, &stem);
            let df = self.visible.doc_freq(&term)?;
            if df > 0 {
                out.forms.push(Form { term, factor: 1.0, df, code: false });
                out.df = out.df.max(df);
            }
            if !out.stems.contains(&stem) {
                out.stems.push(stem);
            }
        }
        Ok(out)
    }

    /// Adds the forms of a word's synonyms. A word the index does not know is as rare as the
    /// most frequent of them: an unknown word with a frequent synonym is not a rare wish.
    fn synonyms(&self, part: &mut Forms) -> anyhow::Result<()> {
        let Some((text, _)) = self.languages.iter().find(|(t, _)| t.suffix == "en") else {
            return Ok(());
        };
        let Some(others) = part.stems.first().and_then(|s| THESAURUS.get(s)) else { return Ok(()) };
        let mut most = part.df;
        for stem in others {
            let term = Term::from_field_text(text.field, stem);
            let df = self.visible.doc_freq(&term)?;
            if df == 0 || part.forms.iter().any(|f| f.term == term) {
                continue;
            }
            most = most.max(df);
            // Never worth more than the word that was asked.
            let asked = if part.df == 0 { df } else { part.df };
            let factor = SYNONYM * (self.idf(asked) / self.idf(df).max(1e-6)).min(1.0);
            part.forms.push(Form { term, factor, df, code: false });
            part.stems.push(stem.clone());
        }
        if part.df == 0 {
            part.df = most;
        }
        Ok(())
    }

    /// What an unknown word may have meant: the two known words it is made of, or the nearest
    /// known word, else itself.
    fn repair(&mut self, word: &str, itself: Vec<Forms>) -> anyhow::Result<Vec<Forms>> {
        let length = word.chars().count();
        if length < 4 || word.chars().any(|c| c.is_ascii_digit()) {
            return Ok(itself);
        }
        if let Some(parts) = self.compound(word)? {
            return Ok(parts);
        }
        let stem = itself.iter().flat_map(|f| f.stems.first()).next().cloned();
        match self.near(stem.as_deref().unwrap_or(word), length)? {
            Some(near) => Ok(vec![near]),
            None => Ok(itself),
        }
    }

    fn compound(&mut self, word: &str) -> anyhow::Result<Option<Vec<Forms>>> {
        let mut best: Option<(u64, Vec<Forms>)> = None;
        for (at, _) in word.char_indices().skip(3) {
            let (a, b) = word.split_at(at);
            if b.chars().count() < 3 {
                break;
            }
            let (a, b) = (self.forms(a)?, self.forms(b)?);
            let df = a.df.min(b.df);
            if df >= 3 && best.as_ref().is_none_or(|(most, _)| df > *most) {
                best = Some((df, vec![a, b]));
            }
        }
        Ok(best.map(|(_, parts)| parts))
    }

    /// The known stem within one slip (two in long words) that starts with the same letter, the
    /// more frequent if several.
    fn near(&self, stem: &str, length: usize) -> anyhow::Result<Option<Forms>> {
        let Some((text, _)) = self.languages.first() else { return Ok(None) };
        let Some(first) = stem.chars().next().filter(char::is_ascii_alphabetic) else {
            return Ok(None);
        };
        let allowed = if length >= 8 { 2 } else { 1 };
        let target: Vec<char> = stem.chars().collect();
        let letters = letters(stem.as_bytes());
        let (low, high) = ([first as u8], [first as u8 + 1]);
        let mut best: Option<(usize, u64, String)> = None;
        for segment in self.searcher.segment_readers() {
            let inverted = segment.inverted_index(text.field)?;
            let mut stream = inverted.terms().range().ge(low).lt(high).into_stream()?;
            while stream.advance() {
                let key = stream.key();
                // Each slip changes at most two of the letters that occur: cheap, and true for
                // all but a few of the words.
                if key.len().abs_diff(stem.len()) > allowed
                    || (self::letters(key) ^ letters).count_ones() as usize > 2 * allowed
                {
                    continue;
                }
                let Ok(candidate) = std::str::from_utf8(key) else { continue };
                let Some(distance) = slips(&target, candidate, allowed) else { continue };
                let better = |df: u64| {
                    best.as_ref()
                        .is_none_or(|(d, n, _)| distance < *d || (distance == *d && df > *n))
                };
                let mut df = u64::from(stream.value().doc_freq);
                if better(df) {
                    let term = Term::from_field_text(text.field, candidate);
                    df = df.min(self.visible.doc_freq(&term)?);
                }
                if df > 0 && better(df) {
                    best = Some((distance, df, candidate.to_owned()));
                }
            }
        }
        // A word seen once may be a slip itself.
        let Some((_, _, stem)) = best.filter(|(_, df, _)| *df >= 2) else { return Ok(None) };
        let term = Term::from_field_text(text.field, &stem);
        let df = self.visible.doc_freq(&term)?;
        let forms = vec![Form { term, factor: 1.0, df, code: false }];
        Ok(Some(Forms { forms, df, stems: vec![stem] }))
    }
}

/// A word's forms in the index.
#[derive(Default)]
struct Forms {
    forms: Vec<Form>,
    /// Passages that hold it in the language that uses it most.
    df: u64,
    stems: Vec<String>,
}

/// One bit for each letter that occurs.
fn letters(word: &[u8]) -> u32 {
    word.iter().fold(0, |bits, b| bits | 1 << (b & 31))
}

/// Edit distance with swapped neighbours as one slip, if it is at most `max`.
fn slips(a: &[char], b: &str, max: usize) -> Option<usize> {
    let b: Vec<char> = b.chars().collect();
    let width = b.len() + 1;
    let mut before: Vec<usize> = vec![0; width];
    let mut last: Vec<usize> = (0..width).collect();
    for (i, ca) in a.iter().enumerate() {
        let mut row = vec![i + 1; width];
        let mut least = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let mut d = (last[j] + usize::from(ca != cb)).min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *ca == b[j - 1] && a[i - 1] == *cb {
                d = d.min(before[j - 1] + 1);
            }
            row[j + 1] = d;
            least = least.min(d);
        }
        if least > max {
            return None;
        }
        before = std::mem::replace(&mut last, row);
    }
    last.last().copied().filter(|d| *d <= max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_counted() {
        let s = |a: &str, b: &str| slips(&a.chars().collect::<Vec<_>>(), b, 2);
        assert_eq!(s("buisness", "business"), Some(1));
        assert_eq!(s("invoice", "invoice"), Some(0));
        assert_eq!(s("invioces", "invoices"), Some(1));
        assert_eq!(s("cat", "elephant"), None);
    }
}
