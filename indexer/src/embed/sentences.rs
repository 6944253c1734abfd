//! A sentence-transformer folder of BERT or XLM-R shape, read with candle: its tokenizer, its
//! lengths, and batches for the forward pass in [`bert`](super::bert).

use std::path::Path;

use anyhow::Context as _;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use tokenizers::Tokenizer;

use super::EmbedderError;
use super::bert::{Bert, Config, Pooling};
use crate::priority::step_back;

/// Tokens of a passage that are read: its title, its headings and how its text begins. The time it
/// takes grows with every token; what stands further down is still found by its words.
pub(crate) const PASSAGE_TOKENS: usize = 96;
/// Tokens of a question that are read, so that a pasted log costs no more than a long question.
pub(crate) const QUESTION_TOKENS: usize = 96;
/// Tokens computed together: more make no better use of a core and only take memory.
const BATCH_TOKENS: usize = 2048;
/// Bytes looked at for one token, at most: words are short, pasted data is not.
const BYTES_A_TOKEN: usize = 12;

/// How far computing passages steps back: a question is worth more than a vector that is not there
/// yet.
const NICE: i32 = 15;

/// The files a folder must hold.
pub(super) const CONFIG: &str = "config.json";
pub(super) const WEIGHTS: &str = "model.safetensors";
pub(super) const TOKENIZER: &str = "tokenizer.json";

/// A model in memory. It computes, so not from a thread that serves requests asynchronously.
pub(super) struct Sentences {
    tokenizer: Tokenizer,
    model: Bert,
    pooling: Pooling,
    pub(super) most_tokens: usize,
    pub(super) dimension: usize,
    /// SHA-256 of the weights.
    pub(super) id: [u8; 32],
    /// Where passages are computed: one thread, so that a large base leaves a core for answering.
    background: rayon::ThreadPool,
}

/// What sentence-transformers wrote beside the model about lengths.
#[derive(Default, Deserialize)]
struct Lengths {
    max_seq_length: Option<usize>,
}

/// The same about pooling.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Poolings {
    pooling_mode_cls_token: bool,
    pooling_mode_mean_tokens: bool,
}

impl Sentences {
    /// Reads the model in `folder`.
    pub(super) fn open(folder: &Path) -> Result<Self, EmbedderError> {
        let config_file = folder.join(CONFIG);
        let config: Config = serde_json::from_slice(&read(folder, CONFIG)?).map_err(|e| {
            unfit(&config_file, format!("it does not describe a BERT-shaped model ({e})"))
        })?;
        if !["bert", "roberta", "xlm-roberta"].contains(&config.model_type.as_str()) {
            return Err(unfit(
                &config_file,
                format!("it is a {} model; BERT and XLM-RoBERTa are known", config.model_type),
            ));
        }
        if config.num_attention_heads == 0
            || config.hidden_size == 0
            || !config.hidden_size.is_multiple_of(config.num_attention_heads)
        {
            return Err(unfit(&config_file, "hidden_size and num_attention_heads do not agree"));
        }
        let tokenizer_file = folder.join(TOKENIZER);
        let mut tokenizer = Tokenizer::from_bytes(read(folder, TOKENIZER)?)
            .map_err(|e| unfit(&tokenizer_file, e.to_string()))?;
        // Cut and laid out here, by what is asked for.
        tokenizer.with_padding(None);
        tokenizer.with_truncation(None).map_err(|e| unfit(&tokenizer_file, e.to_string()))?;
        if tokenizer.get_vocab_size(true) > config.vocab_size {
            return Err(unfit(&tokenizer_file, "it knows more words than the model has vectors"));
        }
        let lengths: Lengths = optional(folder, "sentence_bert_config.json")?;
        let poolings: Option<Poolings> = optional(folder, "1_Pooling/config.json")?;
        let pooling = match poolings {
            Some(p) if p.pooling_mode_cls_token => Pooling::First,
            Some(p) if !p.pooling_mode_mean_tokens => {
                let reason = "it asks for another pooling than the mean or the first token";
                return Err(unfit(&folder.join("1_Pooling/config.json"), reason));
            }
            _ => Pooling::Mean,
        };
        let weights = read(folder, WEIGHTS)?;
        let id = Sha256::digest(&weights).into();
        let model = Bert::load(weights, &config).map_err(|e| {
            unfit(&folder.join(WEIGHTS), format!("its weights are not those of config.json ({e})"))
        })?;
        let background = rayon::ThreadPoolBuilder::new()
            .num_threads(1)
            .thread_name(|_| "embeddings".to_owned())
            .start_handler(|_| step_back(NICE))
            .build()
            .map_err(|e| unfit(folder, e.to_string()))?;
        Ok(Self {
            tokenizer,
            model,
            pooling,
            most_tokens: lengths.max_seq_length.unwrap_or(usize::MAX).min(config.most_tokens()),
            dimension: config.hidden_size,
            id,
            background,
        })
    }

    /// The vectors of short texts that someone waits for.
    pub(super) fn questions(&self, texts: &[&str]) -> anyhow::Result<Vec<Vec<f32>>> {
        self.compute(texts, QUESTION_TOKENS)
    }

    /// The same for passages: longer, on one thread, in the order of their lengths.
    pub(super) fn passages(&self, texts: &[&str]) -> anyhow::Result<Vec<Vec<f32>>> {
        self.background.install(|| self.compute(texts, PASSAGE_TOKENS))
    }

    fn compute(&self, texts: &[&str], most: usize) -> anyhow::Result<Vec<Vec<f32>>> {
        let most = most.min(self.most_tokens).max(2);
        let cut: Vec<Vec<u32>> =
            texts.iter().map(|text| self.tokens(text, most)).collect::<anyhow::Result<_>>()?;
        let mut order: Vec<usize> = (0..cut.len()).collect();
        order.sort_by_key(|i| cut[*i].len());
        let mut out = vec![Vec::new(); texts.len()];
        let mut rest = order.as_slice();
        while !rest.is_empty() {
            let mut sum = 0;
            let fit = rest.iter().take_while(|i| {
                sum += cut[**i].len();
                sum <= BATCH_TOKENS
            });
            let (batch, later) = rest.split_at(fit.count().max(1));
            rest = later;
            let tokens: Vec<&[u32]> = batch.iter().map(|i| cut[*i].as_slice()).collect();
            let vectors = self
                .model
                .embed(&tokens, self.pooling)
                .context("the embedding model could not read a text")?;
            for (i, vector) in batch.iter().zip(vectors) {
                out[*i] = vector;
            }
        }
        Ok(out)
    }

    pub(super) fn tokens(&self, text: &str, most: usize) -> anyhow::Result<Vec<u32>> {
        let mut end = text.len().min(most * BYTES_A_TOKEN);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let encoding = self
            .tokenizer
            .encode_fast(&text[..end], true)
            .map_err(|e| anyhow::anyhow!("a text could not be cut into tokens: {e}"))?;
        let mut ids = encoding.get_ids().to_vec();
        if ids.len() > most {
            // The last token closes the text.
            let last = ids[ids.len() - 1];
            ids.truncate(most - 1);
            ids.push(last);
        }
        anyhow::ensure!(!ids.is_empty(), "the tokenizer makes nothing of an empty text");
        Ok(ids)
    }
}

fn unfit(file: &Path, reason: impl Into<String>) -> EmbedderError {
    EmbedderError::Unfit { file: file.to_owned(), reason: reason.into() }
}

fn read(folder: &Path, file: &'static str) -> Result<Vec<u8>, EmbedderError> {
    let path = folder.join(file);
    std::fs::read(&path).map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => EmbedderError::Missing { folder: folder.to_owned(), file },
        _ => EmbedderError::Unreadable { file: path, reason: e.to_string() },
    })
}

/// A file that need not be there, and then says nothing.
fn optional<T: Default + for<'a> Deserialize<'a>>(
    folder: &Path,
    file: &'static str,
) -> Result<T, EmbedderError> {
    match read(folder, file) {
        Ok(bytes) => {
            serde_json::from_slice(&bytes).map_err(|e| unfit(&folder.join(file), e.to_string()))
        }
        Err(EmbedderError::Missing { .. }) => Ok(T::default()),
        Err(other) => Err(other),
    }
}
