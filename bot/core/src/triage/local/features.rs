//! Text to numbers: hashed words, word pairs and character n-grams, as sorted sparse
//! vectors.

use super::lexicon;
use crate::text;

/// Buckets of the hash. Collisions among a few ten thousand features are rare and harmless.
pub(super) const BUCKETS: usize = 1 << 18;

/// A sparse vector: (bucket, value), sorted by bucket, buckets distinct.
pub(super) type Sparse = Vec<(u32, f32)>;

/// The families of features; each is normalised by itself, so that a long text's many
/// character n-grams do not drown its few words.
#[derive(Clone, Copy)]
enum Family {
    Word,
    Chars,
    Shape,
    Idea,
}

/// Following ideas that an idea is paired with.
const IDEA_REACH: usize = 3;

const FAMILY_WEIGHT: [f32; 4] = [0.8, 1.0, 0.4, 1.5];

fn hash(seed: u32, bytes: impl Iterator<Item = u8>) -> u32 {
    let mut h = 0x811C_9DC5_u32 ^ seed.wrapping_mul(0x9E37_79B1);
    for b in bytes {
        h = (h ^ u32::from(b)).wrapping_mul(0x0100_0193);
    }
    h ^= h >> 15;
    h = h.wrapping_mul(0x2C1B_3C6D);
    (h ^ (h >> 13)) & (BUCKETS as u32 - 1)
}

/// Digits become one sign each: `4711` and `0815` are the same kind of word.
fn normal(word: &str) -> String {
    word.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect()
}

/// Characters of scripts written without spaces; their n-grams are the words.
pub(crate) fn unspaced(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30FF}' | '\u{3400}'..='\u{9FFF}' | '\u{0E00}'..='\u{0E7F}')
}

/// Raw counts of one text, by family.
#[derive(Default)]
pub(super) struct Counts {
    families: [Vec<u32>; 4],
}

impl Counts {
    fn add(&mut self, family: Family, bucket: u32) {
        self.families[family as usize].push(bucket);
    }

    pub(super) fn of(input: &str) -> Counts {
        Counts::with_parts(input).0
    }

    /// The counts of a text and of each of its sentences as a text of its own; every
    /// sentence is looked at once.
    pub(super) fn with_parts(input: &str) -> (Counts, Vec<Counts>) {
        let mut counts = Counts::default();
        let sentences = text::sentences(input);
        let mut parts = Vec::with_capacity(sentences.len());
        for (index, sentence) in sentences.iter().enumerate() {
            let mut part = Counts::default();
            let end = part.sentence(sentence);
            for (all, own) in counts.families.iter_mut().zip(&part.families) {
                all.extend_from_slice(own);
            }
            part.last(end);
            part.shape(sentence, 1);
            parts.push(part);
            if index + 1 == sentences.len() {
                counts.last(end);
            }
        }
        counts.shape(input, sentences.len());
        (counts, parts)
    }

    fn last(&mut self, end: &str) {
        self.add(Family::Shape, hash(22, end.bytes()));
    }

    /// Adds a sentence and returns its closing mark.
    fn sentence(&mut self, sentence: &str) -> &'static str {
        let words: Vec<String> = text::words(sentence).iter().map(|w| normal(w)).collect();
        for (i, word) in words.iter().enumerate() {
            self.add(Family::Word, hash(1, word.bytes()));
            if let Some(next) = words.get(i + 1) {
                self.add(Family::Word, hash(2, word.bytes().chain([b' ']).chain(next.bytes())));
            }
            if let Some(next) = words.get(i + 2) {
                self.add(Family::Word, hash(3, word.bytes().chain([b'_']).chain(next.bytes())));
            }
            self.chars(word);
        }
        for (place, word) in words.iter().take(2).enumerate() {
            self.add(Family::Word, hash(10 + place as u32, word.bytes()));
        }
        let end = match sentence.trim_end_matches(['"', ')', '\'']).chars().next_back() {
            Some('?' | '？') => "?",
            Some('!' | '！') => "!",
            Some('.' | '。') => ".",
            Some(':') => ":",
            _ => "",
        };
        self.add(Family::Shape, hash(20, end.bytes()));
        if let Some(first) = words.first() {
            // A sentence's opening word with its closing mark: "is ... ?" against "is ... .".
            self.add(Family::Word, hash(21, first.bytes().chain(end.bytes())));
        }
        self.ideas(sentence, &words, end);
        end
    }

    fn ideas(&mut self, sentence: &str, words: &[String], end: &str) {
        let ideas = lexicon::ideas(sentence, words);
        let bytes = |idea: u16| idea.to_le_bytes().into_iter();
        // What a sentence opens with: "move the ..." asks, "the move ..." tells.
        if let Some(&opening) = ideas.first() {
            self.add(Family::Idea, hash(53, bytes(opening)));
        }
        for (i, &idea) in ideas.iter().enumerate() {
            self.add(Family::Idea, hash(50, bytes(idea)));
            self.add(Family::Idea, hash(51, bytes(idea).chain(end.bytes())));
            for &next in ideas.iter().skip(i + 1).take(IDEA_REACH) {
                self.add(Family::Idea, hash(52, bytes(idea).chain(bytes(next))));
            }
        }
    }

    fn chars(&mut self, word: &str) {
        let padded: Vec<char> = std::iter::once(' ').chain(word.chars()).chain([' ']).collect();
        let lengths = if word.chars().any(unspaced) { 1..=3 } else { 3..=4 };
        for n in lengths {
            for gram in padded.windows(n) {
                let mut buffer = [0u8; 20];
                let mut len = 0;
                for c in gram {
                    len += c.encode_utf8(&mut buffer[len..]).len();
                }
                self.add(Family::Chars, hash(30, buffer[..len].iter().copied()));
            }
        }
    }

    fn shape(&mut self, input: &str, sentences: usize) {
        let words = input.split_whitespace().count();
        let mut mark = |name: &str| self.add(Family::Shape, hash(40, name.bytes()));
        let length = match words {
            0..=3 => "w3",
            4..=8 => "w8",
            9..=16 => "w16",
            17..=30 => "w30",
            31..=60 => "w60",
            _ => "w100",
        };
        mark(length);
        mark(match sentences {
            0..=1 => "s1",
            2 => "s2",
            3..=4 => "s4",
            _ => "s9",
        });
        let letters = input.chars().filter(|c| c.is_alphabetic()).count();
        let capitals = input.chars().filter(|c| c.is_uppercase()).count();
        if letters > 8 && capitals * 2 > letters {
            mark("shout");
        }
        if input.contains(['?', '？', '¿']) {
            mark("asks");
        }
        if input.contains("!!") || input.contains("??") {
            mark("insists");
        }
        if input.contains(['"', '“', '„', '«', '「']) {
            mark("quotes");
        }
        if input.chars().any(|c| c.is_ascii_digit()) {
            mark("figures");
        }
        let picture = |c: &char| matches!(c, '\u{2600}'..='\u{27BF}' | '\u{1F300}'..='\u{1FAFF}');
        let pictures: Vec<char> = input.chars().filter(picture).collect();
        if !pictures.is_empty() {
            mark("emoji");
        }
        for picture in pictures {
            self.add(Family::Word, hash(41, (picture as u32).to_le_bytes().into_iter()));
        }
    }

    /// Distinct buckets of the text, for counting in how many texts each occurs.
    pub(super) fn distinct(&self) -> Vec<u32> {
        let mut all: Vec<u32> = self.families.iter().flatten().copied().collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The weighted vector: dampened counts times `idf`, each family of its own length.
    pub(super) fn weigh(&self, idf: impl Fn(u32) -> f32) -> Sparse {
        let mut out = Sparse::new();
        for (family, weight) in self.families.iter().zip(FAMILY_WEIGHT) {
            let mut buckets = family.clone();
            buckets.sort_unstable();
            let from = out.len();
            for run in buckets.chunk_by(|a, b| a == b) {
                let value = (1.0 + (run.len() as f32).ln()) * idf(run[0]);
                if value > 0.0 {
                    out.push((run[0], value));
                }
            }
            let norm = out[from..].iter().map(|(_, v)| v * v).sum::<f32>().sqrt();
            if norm > 0.0 {
                out[from..].iter_mut().for_each(|(_, v)| *v *= weight / norm);
            }
        }
        out.sort_unstable_by_key(|(bucket, _)| *bucket);
        out.dedup_by(|b, a| {
            let same = a.0 == b.0;
            if same {
                a.1 += b.1;
            }
            same
        });
        out
    }
}
