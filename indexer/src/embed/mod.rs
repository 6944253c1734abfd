//! Sentences to vectors, in the process. Either by the table of English words that is part of the
//! program (`words`), or by a sentence-transformer folder of the operator's choice (`sentences`).
//! Nothing is downloaded and nothing leaves the machine.

mod bert;
mod gelu;
mod sentences;
#[cfg(test)]
pub(crate) mod tiny;
mod words;

use std::path::{Path, PathBuf};

pub(crate) use bert::normalise;
use sentences::Sentences;
use words::Words;

/// What keeps a folder from being used as a model.
#[derive(Debug, thiserror::Error)]
pub enum EmbedderError {
    #[error(
        "the embeddings folder {folder} has no {file}; a sentence-transformer folder holds \
         config.json, model.safetensors and tokenizer.json"
    )]
    Missing { folder: PathBuf, file: &'static str },
    #[error("{file} cannot be read: {reason}")]
    Unreadable { file: PathBuf, reason: String },
    #[error("{file} cannot be used: {reason}")]
    Unfit { file: PathBuf, reason: String },
}

/// Makes vectors. All methods take `&self` and may be called from any thread.
pub struct Embedder {
    id: [u8; 32],
    dimension: usize,
    encoder: Encoder,
}

/// What vectors are made of. Likeness means more in one kind than in the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Whole sentences, read by a model: milliseconds for each.
    Sentences,
    /// The sum of the words: microseconds, so that passages have theirs as soon as they are indexed.
    Words,
}

enum Encoder {
    Sentences(Box<Sentences>),
    Words(Words),
}

impl std::fmt::Debug for Embedder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Embedder").field("id", &self.id()).finish_non_exhaustive()
    }
}

impl Embedder {
    /// Reads the sentence-transformer in `folder`.
    ///
    /// # Errors
    /// When a file is missing, cannot be read, or is not of a shape this program knows.
    pub fn open(folder: &Path) -> Result<Self, EmbedderError> {
        let model = Sentences::open(folder)?;
        Ok(Self {
            id: model.id,
            dimension: model.dimension,
            encoder: Encoder::Sentences(Box::new(model)),
        })
    }

    /// The table of English words that is part of the program: weaker than a sentence-transformer
    /// and about a thousand times faster. It says nothing about other languages.
    pub fn english() -> Self {
        let words = Words::english();
        Self { id: words.id, dimension: words.dimension, encoder: Encoder::Words(words) }
    }

    /// Tells models apart: a SHA-256 in hexadecimal.
    pub fn id(&self) -> String {
        hex::encode(self.id)
    }

    pub(crate) fn id_bytes(&self) -> &[u8; 32] {
        &self.id
    }

    /// Numbers a vector has.
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    pub(crate) fn kind(&self) -> Kind {
        match self.encoder {
            Encoder::Sentences(_) => Kind::Sentences,
            Encoder::Words(_) => Kind::Words,
        }
    }

    /// One vector of length one for each text, in their order; for a short text that someone
    /// waits for. What lies beyond about a hundred words may not be read.
    ///
    /// # Errors
    /// When a text cannot be cut into tokens.
    pub fn embed(&self, texts: &[&str]) -> anyhow::Result<Vec<Vec<f32>>> {
        match &self.encoder {
            Encoder::Sentences(model) => model.questions(texts),
            Encoder::Words(words) => Ok(texts.iter().map(|text| words.embed(text)).collect()),
        }
    }

    /// Whether a vector says something about this text: a model was chosen for the languages that
    /// are spoken here, the table of words knows only English.
    pub(crate) fn understands(&self, text: &str) -> bool {
        match &self.encoder {
            Encoder::Sentences(_) => true,
            Encoder::Words(words) => words.understands(text),
        }
    }

    /// The vectors of passages: longer texts, in the order that is quickest.
    pub(crate) fn embed_passages(&self, texts: &[&str]) -> anyhow::Result<Vec<Vec<f32>>> {
        match &self.encoder {
            Encoder::Sentences(model) => model.passages(texts),
            Encoder::Words(words) => Ok(texts.iter().map(|text| words.embed(text)).collect()),
        }
    }
}

#[cfg(test)]
mod tests;
