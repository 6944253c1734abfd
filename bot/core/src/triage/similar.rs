//! Texts like a text: TF-IDF cosine over inverted lists, kept up to date as texts come
//! and go. What may not be seen is left out before ranking.

use std::collections::HashMap;

use crate::text;

/// A text like the one asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit<'i, M> {
    pub key: &'i str,
    pub meta: &'i M,
    /// Cosine similarity, 0..1.
    pub score: f64,
}

struct Entry<M> {
    key: String,
    meta: M,
    /// Term and dampened count, by term.
    terms: Vec<(u32, f32)>,
}

/// The index. `M` is what a filter judges by: who may see the text, its state, ...
pub struct SimilarityIndex<M> {
    vocabulary: HashMap<String, u32>,
    /// For each term the slots of the texts that hold it, with its dampened count there.
    postings: Vec<Vec<(u32, f32)>>,
    slots: Vec<Option<Entry<M>>>,
    /// The length of each slot's vector, 0 where there is none. Weights drift as texts
    /// come and go, so all are measured anew whenever the index has grown by an eighth.
    lengths: Vec<f32>,
    measured_at: usize,
    free: Vec<u32>,
    by_key: HashMap<String, u32>,
}

impl<M> Default for SimilarityIndex<M> {
    fn default() -> Self {
        SimilarityIndex {
            vocabulary: HashMap::new(),
            postings: Vec::new(),
            slots: Vec::new(),
            lengths: Vec::new(),
            measured_at: 0,
            free: Vec::new(),
            by_key: HashMap::new(),
        }
    }
}

/// Most characters of a text that count.
const MAX_BYTES: usize = 8_000;

/// Terms of a text: words by their beginnings (so that endings matter less) and pairs
/// of neighbours; two-character pieces where a script has no blanks.
fn terms(input: &str) -> Vec<String> {
    let input = &input[..input.floor_char_boundary(MAX_BYTES)];
    let mut out = Vec::new();
    let mut before: Option<String> = None;
    for word in text::words(input) {
        if word.chars().any(super::local::unspaced) {
            let chars: Vec<char> = word.chars().collect();
            out.extend(chars.windows(2.min(chars.len())).map(|pair| pair.iter().collect()));
            before = None;
            continue;
        }
        let stem: String = if word.bytes().any(|b| b.is_ascii_digit()) {
            word
        } else {
            word.chars().take(6).collect()
        };
        if let Some(before) = before {
            out.push(format!("{before} {stem}"));
        }
        out.push(stem.clone());
        before = Some(stem);
    }
    out
}

impl<M> SimilarityIndex<M> {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn len(&self) -> usize {
        self.by_key.len()
    }

    pub fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }

    /// Adds a text, or replaces the one of this key.
    pub fn upsert(&mut self, key: &str, text: &str, meta: M) {
        self.remove(key);
        let mut counts: HashMap<u32, f32> = HashMap::new();
        for term in terms(text) {
            let next = self.vocabulary.len() as u32;
            let term = *self.vocabulary.entry(term).or_insert(next);
            *counts.entry(term).or_default() += 1.0;
        }
        self.postings.resize_with(self.vocabulary.len(), Vec::new);
        let mut terms: Vec<(u32, f32)> =
            counts.into_iter().map(|(term, n)| (term, 1.0 + n.ln())).collect();
        terms.sort_unstable_by_key(|(term, _)| *term);
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.lengths.push(0.0);
            self.slots.len() as u32 - 1
        });
        for (term, count) in &terms {
            self.postings[*term as usize].push((slot, *count));
        }
        self.by_key.insert(key.to_owned(), slot);
        let entry = Entry { key: key.to_owned(), meta, terms };
        self.lengths[slot as usize] = self.length(&entry);
        self.slots[slot as usize] = Some(entry);
        if self.len() * 8 > self.measured_at * 9 {
            self.measure();
        }
    }

    /// Removes a text; true when it was there.
    pub fn remove(&mut self, key: &str) -> bool {
        let Some(slot) = self.by_key.remove(key) else { return false };
        if let Some(entry) = self.slots[slot as usize].take() {
            for (term, _) in entry.terms {
                self.postings[term as usize].retain(|(s, _)| *s != slot);
            }
        }
        self.lengths[slot as usize] = 0.0;
        self.free.push(slot);
        true
    }

    /// The `k` texts most like `text` among those that `filter` lets through, best
    /// first, equals by key. Texts that share nothing are left out.
    pub fn query(&self, text: &str, k: usize, filter: &dyn Fn(&M) -> bool) -> Vec<Hit<'_, M>> {
        let mut wanted: HashMap<u32, f32> = HashMap::new();
        let mut unknown = 0usize;
        for term in terms(text) {
            match self.vocabulary.get(&term) {
                Some(term) => *wanted.entry(*term).or_default() += 1.0,
                None => unknown += 1,
            }
        }
        let rare = self.idf(0);
        // What no text holds still belongs to the question's length.
        let mut square = unknown as f32 * rare * rare;
        let mut dots = vec![0.0f32; self.slots.len()];
        let mut terms: Vec<(u32, f32)> = wanted.into_iter().collect();
        terms.sort_unstable_by_key(|(term, _)| *term);
        for (term, count) in terms {
            let postings = &self.postings[term as usize];
            let idf = self.idf(postings.len());
            let weight = (1.0 + count.ln()) * idf;
            square += weight * weight;
            for (slot, count) in postings {
                dots[*slot as usize] += weight * idf * count;
            }
        }
        let norm = square.sqrt();
        let mut best: Vec<Hit<'_, M>> = Vec::with_capacity(k + 1);
        for (slot, dot) in dots.into_iter().enumerate().filter(|(_, dot)| *dot > 0.0) {
            let length = self.lengths[slot] * norm;
            let score = f64::from(if length > 0.0 { dot / length } else { 0.0 }).clamp(0.0, 1.0);
            if best.len() == k && best.last().is_none_or(|last| score < last.score) {
                continue;
            }
            let Some(entry) = self.slots[slot].as_ref().filter(|e| filter(&e.meta)) else {
                continue;
            };
            let hit = Hit { key: &entry.key, meta: &entry.meta, score };
            let before = |other: &Hit<'_, M>| {
                other.score > score || (other.score == score && other.key < hit.key)
            };
            best.insert(best.partition_point(before), hit);
            best.truncate(k);
        }
        best
    }

    fn idf(&self, holders: usize) -> f32 {
        ((1.0 + self.by_key.len() as f32) / (1.0 + holders as f32)).ln() + 0.2
    }

    fn length(&self, entry: &Entry<M>) -> f32 {
        let square = |(term, count): &(u32, f32)| {
            let weight = count * self.idf(self.postings[*term as usize].len());
            weight * weight
        };
        entry.terms.iter().map(square).sum::<f32>().sqrt()
    }

    fn measure(&mut self) {
        self.lengths =
            self.slots.iter().map(|s| s.as_ref().map_or(0.0, |e| self.length(e))).collect();
        self.measured_at = self.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index() -> SimilarityIndex<&'static str> {
        let mut index = SimilarityIndex::new();
        for (key, text, audience) in [
            ("FL-1", "Goods receipt cannot be posted, document locked by another user", "all"),
            ("FL-2", "Invoice PDF misses the purchase order number", "all"),
            ("FL-3", "Salary letter shows the wrong bank account", "hr"),
            ("FL-4", "Dashboard of open orders is empty since Monday", "all"),
        ] {
            index.upsert(key, text, audience);
        }
        index
    }

    fn keys<'i>(index: &'i SimilarityIndex<&'static str>, text: &str) -> Vec<&'i str> {
        index.query(text, 2, &|audience| *audience == "all").iter().map(|h| h.key).collect()
    }

    #[test]
    fn the_like_come_first_and_the_hidden_not_at_all() {
        let index = index();
        assert_eq!(keys(&index, "posting a goods receipt fails, it says locked")[0], "FL-1");
        assert_eq!(keys(&index, "purchase order number missing on invoices")[0], "FL-2");
        assert!(keys(&index, "wrong bank account on salary letter").iter().all(|k| *k != "FL-3"));
        assert!(keys(&index, "zebra").is_empty());
        let same = "Dashboard of open orders is empty since Monday";
        assert!(index.query(same, 1, &|_| true)[0].score > 0.99);
    }

    #[test]
    fn texts_come_and_go() {
        let mut index = index();
        index.upsert("FL-2", "Card reader at gate two is dark", "all");
        assert_eq!(index.len(), 4);
        assert!(!keys(&index, "purchase order number missing on invoices").contains(&"FL-2"));
        assert_eq!(keys(&index, "the card reader is dark")[0], "FL-2");
        assert!(index.remove("FL-2") && !index.remove("FL-2"));
        assert!(!keys(&index, "the card reader is dark").contains(&"FL-2"));
    }
}
