//! A question to weighted concepts: each a word with all the forms in which the index may hold it.

use std::collections::HashMap;
use std::sync::LazyLock;

use tantivy::schema::Field;
use tantivy::tokenizer::TextAnalyzer;
use tantivy::{Searcher, Term};

use super::Query;
use super::analysis::{self, UNSTEMMED};
use super::schema::Fields;

/// A question longer than this keeps its most telling words: an error page has thousands.
pub(crate) const MAX_CONCEPTS: usize = 20;
/// Words looked at in all, so that a megabyte of text costs no more than a page.
const MAX_WORDS: usize = 400;
/// Unknown words for which near ones are looked up.
const MAX_REPAIRED: usize = 2;
/// Weights of earlier messages, the latest first.
const THREAD: [f64; 3] = [0.4, 0.25, 0.15];

/// Where a form of a concept may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Title,
    Heading,
    Body,
    Code,
}

/// One form of a concept in one field.
pub(crate) struct Form {
    pub(crate) term: Term,
    pub(crate) place: Place,
    /// What makes the word equally rare in every field. Fields score by their own rarity, and a
    /// plain word is rare among titles; without this, chance hits in titles would win.
    pub(crate) levelling: f64,
}

/// What a synonym counts beside the word itself.
const SYNONYM: f64 = 0.5;
/// Stem to the words that share a group with it.
static THESAURUS: LazyLock<HashMap<String, Vec<&'static str>>> = LazyLock::new(|| {
    let mut analyzer = analysis::analyzer("en");
    let mut out: HashMap<String, Vec<&'static str>> = HashMap::new();
    for line in include_str!("thesaurus_en.txt").lines().filter(|l| !l.starts_with('#')) {
        for word in line.split(' ') {
            for stem in analysis::tokens(&mut analyzer, word) {
                out.entry(stem).or_default().extend(line.split(' ').filter(|w| *w != word));
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
    fields: &'a Fields,
    /// Languages that occur in this index, with their analyzers.
    languages: Vec<(usize, TextAnalyzer)>,
    total: f64,
}

pub(crate) fn concepts(
    searcher: &Searcher,
    fields: &Fields,
    query: &Query,
) -> anyhow::Result<Concepts> {
    let mut languages = Vec::new();
    for (i, texts) in fields.texts.iter().enumerate() {
        let mut used = 0;
        for segment in searcher.segment_readers() {
            used += segment.inverted_index(texts.body)?.total_num_tokens();
        }
        if used > 0 {
            languages.push((i, analysis::analyzer(texts.suffix)));
        }
    }
    let total = searcher.num_docs() as f64;
    let mut lookup = Lookup { searcher, fields, languages, total };
    let guess;
    let language = match &query.language {
        Some(language) => language.as_str(),
        None => {
            guess = guess_language(&query.text);
            guess
        }
    };

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
    let mut stems_seen: HashMap<Vec<u8>, usize> = HashMap::new();
    let mut repaired = 0;
    for (order, (word, share)) in words.iter().enumerate() {
        // A question of nothing but small words is searched by them.
        let role = if telling { analysis::role(word, language) } else { 1.0 } * share;
        if role == 0.0 {
            continue;
        }
        let mut parts = vec![word.clone()];
        if !lookup.known(word)? && !synonym_known(word) && repaired < MAX_REPAIRED && role > 0.3 {
            repaired += 1;
            parts = lookup.repair(word)?;
        }
        let share = role / parts.len() as f64;
        for part in &parts {
            let (mut forms, mut df, mut stems) = lookup.forms(part)?;
            // Two words of one stem are one concept.
            if let Some(form) = forms.first() {
                let key = form.term.serialized_value_bytes().to_vec();
                if stems_seen.contains_key(&key) {
                    continue;
                }
                stems_seen.insert(key, list.len());
            }
            if analysis::suffix(language) == "en" {
                df = lookup.synonyms(part, df, &mut forms, &mut stems)?;
            }
            list.push(Concept { weight: lookup.idf(df) * share, role: share, forms, order, stems });
        }
    }
    for word in query.text.split_whitespace().take(MAX_WORDS) {
        let Some(id) = analysis::identifier(word) else { continue };
        let term = Term::from_field_text(fields.code, &id);
        let df = searcher.doc_freq(&term)?;
        if df > 0 {
            let form = Form { term, place: Place::Code, levelling: 1.0 };
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
fn synonym_known(word: &str) -> bool {
    let stems = analysis::tokens(&mut analysis::analyzer("en"), word);
    stems.first().is_some_and(|s| THESAURUS.contains_key(s))
}

fn guess_language(text: &str) -> &'static str {
    if text.len() < 12 {
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

    fn surface_df(&self, word: &str) -> anyhow::Result<u64> {
        Ok(self.searcher.doc_freq(&Term::from_field_text(self.fields.surface, word))?)
    }

    fn known(&mut self, word: &str) -> anyhow::Result<bool> {
        Ok(self.surface_df(word)? > 0 || !self.forms(word)?.0.is_empty())
    }

    /// All forms of a word that occur, the number of passages that hold it, and its stems.
    fn forms(&mut self, word: &str) -> anyhow::Result<(Vec<Form>, u64, Vec<String>)> {
        let mut forms = Vec::new();
        let mut stems: Vec<String> = Vec::new();
        let mut df = 0;
        for (i, analyzer) in &mut self.languages {
            let texts = self.fields.texts[*i];
            let Some(stem) = analysis::tokens(analyzer, word).into_iter().next() else { continue };
            let places: [(Field, Place); 3] = [
                (texts.title, Place::Title),
                (texts.heading, Place::Heading),
                (texts.body, Place::Body),
            ];
            let mut most = 0;
            for (field, place) in places {
                let term = Term::from_field_text(field, &stem);
                let n = self.searcher.doc_freq(&term)?;
                if n > 0 {
                    forms.push(Form { term, place, levelling: n as f64 });
                    most = most.max(n);
                }
            }
            df = df.max(most);
            if !stems.contains(&stem) {
                stems.push(stem);
            }
        }
        for form in &mut forms {
            let own = self.idf(form.levelling as u64);
            form.levelling = self.idf(df) / own.max(1e-6);
        }
        Ok((forms, df, stems))
    }

    /// Adds the forms of a word's synonyms and gives back how many passages hold the meaning:
    /// a rare word with a frequent synonym is not a rare wish.
    fn synonyms(
        &mut self,
        word: &str,
        df: u64,
        forms: &mut Vec<Form>,
        stems: &mut Vec<String>,
    ) -> anyhow::Result<u64> {
        let stem = analysis::tokens(&mut analysis::analyzer("en"), word);
        let Some(others) = stem.first().and_then(|s| THESAURUS.get(s)) else { return Ok(df) };
        let mut most = df;
        for other in others {
            let (more, n, more_stems) = self.forms(other)?;
            most = most.max(n);
            let own = self.idf(n).max(1e-6);
            for mut form in more {
                if forms.iter().any(|f| f.term == form.term) {
                    continue;
                }
                // Never worth more than the word that was asked.
                form.levelling *= SYNONYM * (self.idf(df.max(1)) / own).min(1.0);
                forms.push(form);
            }
            stems.extend(more_stems);
        }
        Ok(if df == 0 { most } else { df })
    }

    /// What an unknown word may have meant: the nearest known word, or the two known words it is
    /// made of, else itself.
    fn repair(&self, word: &str) -> anyhow::Result<Vec<String>> {
        let length = word.chars().count();
        if length < 4 || word.chars().any(|c| c.is_ascii_digit()) {
            return Ok(vec![word.to_owned()]);
        }
        if let Some(parts) = self.compound(word)? {
            return Ok(parts);
        }
        Ok(vec![self.near(word, length)?.unwrap_or_else(|| word.to_owned())])
    }

    fn compound(&self, word: &str) -> anyhow::Result<Option<Vec<String>>> {
        let mut best: Option<(u64, Vec<String>)> = None;
        for (at, _) in word.char_indices().skip(3) {
            let (a, b) = word.split_at(at);
            if b.chars().count() < 3 {
                break;
            }
            let df = self.surface_df(a)?.min(self.surface_df(b)?);
            if df >= 3 && best.as_ref().is_none_or(|(most, _)| df > *most) {
                best = Some((df, vec![a.to_owned(), b.to_owned()]));
            }
        }
        Ok(best.map(|(_, parts)| parts))
    }

    /// The known word within one slip (two in long words) that starts with the same letter, the
    /// more frequent if several.
    fn near(&self, word: &str, length: usize) -> anyhow::Result<Option<String>> {
        let Some(first) = word.chars().next().filter(char::is_ascii_alphabetic) else {
            return Ok(None);
        };
        let allowed = if length >= 8 { 2 } else { 1 };
        let target: Vec<char> = word.chars().collect();
        let (low, high) = ([first as u8], [first as u8 + 1]);
        let mut best: Option<(usize, u64, String)> = None;
        for segment in self.searcher.segment_readers() {
            let inverted = segment.inverted_index(self.fields.surface)?;
            let mut stream = inverted.terms().range().ge(low).lt(high).into_stream()?;
            while stream.advance() {
                let Ok(candidate) = std::str::from_utf8(stream.key()) else { continue };
                if candidate.len().abs_diff(word.len()) > allowed {
                    continue;
                }
                let Some(distance) = slips(&target, candidate, allowed) else { continue };
                let df = u64::from(stream.value().doc_freq);
                let better = best
                    .as_ref()
                    .is_none_or(|(d, n, _)| distance < *d || (distance == *d && df > *n));
                if better {
                    best = Some((distance, df, candidate.to_owned()));
                }
            }
        }
        // A word seen once may be a slip itself.
        Ok(best.filter(|(_, df, _)| *df >= 2).map(|(_, _, word)| word))
    }
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
