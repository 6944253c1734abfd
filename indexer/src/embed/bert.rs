//! The forward pass of BERT-shaped encoders (BERT, RoBERTa, XLM-RoBERTa).
//!
//! Texts of one batch are laid one after the other without padding: the dense layers see all
//! tokens at once and attention looks at each text alone. So no work is spent on filling, and a
//! text's vector does not depend on what stands beside it.

use candle_core::{DType, Device, Result, Tensor};
use candle_nn::{LayerNorm, Linear, Module as _, VarBuilder, layer_norm, linear, ops};
use serde::Deserialize;

use super::gelu::Gelu;

/// What is read of `config.json`.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Config {
    #[serde(default = "bert")]
    pub(crate) model_type: String,
    pub(crate) vocab_size: usize,
    pub(crate) hidden_size: usize,
    pub(crate) num_hidden_layers: usize,
    pub(crate) num_attention_heads: usize,
    pub(crate) intermediate_size: usize,
    #[serde(default)]
    pub(crate) hidden_act: Activation,
    pub(crate) max_position_embeddings: usize,
    #[serde(default = "one")]
    pub(crate) type_vocab_size: usize,
    #[serde(default = "epsilon")]
    pub(crate) layer_norm_eps: f64,
    #[serde(default)]
    pub(crate) pad_token_id: usize,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Activation {
    #[default]
    Gelu,
    #[serde(alias = "gelu_pytorch_tanh")]
    GeluNew,
    Relu,
}

fn bert() -> String {
    "bert".to_owned()
}

fn one() -> usize {
    1
}

fn epsilon() -> f64 {
    1e-12
}

impl Config {
    /// Position of the first token: RoBERTa counts on from its padding token.
    pub(crate) fn first_position(&self) -> usize {
        if self.model_type == "bert" { 0 } else { self.pad_token_id + 1 }
    }

    /// Most tokens a text may have.
    pub(crate) fn most_tokens(&self) -> usize {
        self.max_position_embeddings.saturating_sub(self.first_position())
    }
}

/// How the tokens' vectors become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pooling {
    Mean,
    First,
}

pub(crate) struct Bert {
    words: Tensor,
    positions: Tensor,
    kind: Tensor,
    norm: LayerNorm,
    layers: Vec<Layer>,
    heads: usize,
    first_position: usize,
    activation: Activation,
}

struct Layer {
    /// Query (already divided by the root of the head's size), key and value in one.
    attention: Linear,
    attended: Linear,
    attended_norm: LayerNorm,
    wide: Linear,
    narrow: Linear,
    norm: LayerNorm,
}

impl Bert {
    /// Takes the weights from the bytes of a safetensors file.
    pub(crate) fn load(weights: Vec<u8>, c: &Config) -> Result<Self> {
        let all = VarBuilder::from_buffered_safetensors(weights, DType::F32, &Device::Cpu)?;
        // Saved alone, or within a model with a head.
        let root = ["", "bert", "roberta"]
            .into_iter()
            .find(|prefix| {
                all.pp(prefix).pp("embeddings.word_embeddings").contains_tensor("weight")
            })
            .unwrap_or_default();
        let vb = if root.is_empty() { all } else { all.pp(root) };
        let (hidden, embeddings) = (c.hidden_size, vb.pp("embeddings"));
        let kinds =
            embeddings.pp("token_type_embeddings").get((c.type_vocab_size, hidden), "weight")?;
        let layers = (0..c.num_hidden_layers)
            .map(|n| Layer::load(&vb.pp("encoder.layer").pp(n), c))
            .collect::<Result<_>>()?;
        Ok(Self {
            words: embeddings.pp("word_embeddings").get((c.vocab_size, hidden), "weight")?,
            positions: embeddings
                .pp("position_embeddings")
                .get((c.max_position_embeddings, hidden), "weight")?,
            kind: kinds.get(0)?,
            norm: layer_norm(hidden, c.layer_norm_eps, embeddings.pp("LayerNorm"))?,
            layers,
            heads: c.num_attention_heads,
            first_position: c.first_position(),
            activation: c.hidden_act,
        })
    }

    /// One vector a text, of length one.
    pub(crate) fn embed(&self, texts: &[&[u32]], pooling: Pooling) -> Result<Vec<Vec<f32>>> {
        let tokens: Vec<u32> = texts.concat();
        let first = self.first_position as u32;
        let positions: Vec<u32> =
            texts.iter().flat_map(|t| first..first + t.len() as u32).collect();
        let mut ranges = Vec::with_capacity(texts.len());
        let mut at = 0;
        for text in texts {
            ranges.push((at, text.len()));
            at += text.len();
        }
        let words = self.words.index_select(&Tensor::new(tokens, &Device::Cpu)?, 0)?;
        let places = self.positions.index_select(&Tensor::new(positions, &Device::Cpu)?, 0)?;
        let mut x = self.norm.forward(&(words + places)?.broadcast_add(&self.kind)?)?;
        for layer in &self.layers {
            x = layer.forward(&x, &ranges, self.heads, self.activation)?;
        }
        ranges
            .into_iter()
            .map(|(start, length)| {
                let pooled = match pooling {
                    Pooling::Mean => x.narrow(0, start, length)?.mean(0)?,
                    Pooling::First => x.get(start)?,
                };
                let mut vector = pooled.to_vec1::<f32>()?;
                normalise(&mut vector);
                Ok(vector)
            })
            .collect()
    }
}

/// Brings a vector to length one; a zero vector stays.
pub(crate) fn normalise(vector: &mut [f32]) {
    let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    if length > 0.0 {
        vector.iter_mut().for_each(|x| *x /= length);
    }
}

impl Layer {
    fn load(vb: &VarBuilder<'_>, c: &Config) -> Result<Self> {
        let (hidden, wide) = (c.hidden_size, c.intermediate_size);
        let own = vb.pp("attention.self");
        let scale = 1.0 / ((hidden / c.num_attention_heads) as f64).sqrt();
        let part = |name: &str, scale: f64| -> Result<(Tensor, Tensor)> {
            let vb = own.pp(name);
            let weight = (vb.get((hidden, hidden), "weight")? * scale)?;
            Ok((weight, (vb.get(hidden, "bias")? * scale)?))
        };
        let (query, key, value) = (part("query", scale)?, part("key", 1.0)?, part("value", 1.0)?);
        let weight = Tensor::cat(&[query.0, key.0, value.0], 0)?;
        let bias = Tensor::cat(&[query.1, key.1, value.1], 0)?;
        let out = vb.pp("attention.output");
        let norm = |vb: VarBuilder<'_>| layer_norm(hidden, c.layer_norm_eps, vb.pp("LayerNorm"));
        Ok(Self {
            attention: Linear::new(weight, Some(bias)),
            attended: linear(hidden, hidden, out.pp("dense"))?,
            attended_norm: norm(out)?,
            wide: linear(hidden, wide, vb.pp("intermediate.dense"))?,
            narrow: linear(wide, hidden, vb.pp("output.dense"))?,
            norm: norm(vb.pp("output"))?,
        })
    }

    fn forward(
        &self,
        x: &Tensor,
        ranges: &[(usize, usize)],
        heads: usize,
        activation: Activation,
    ) -> Result<Tensor> {
        let hidden = x.dim(1)?;
        let all = self.attention.forward(x)?;
        let mut attended = Vec::with_capacity(ranges.len());
        for (start, length) in ranges {
            let own = all.narrow(0, *start, *length)?;
            // [heads, tokens, size of a head]
            let part = |n: usize| -> Result<Tensor> {
                own.narrow(1, n * hidden, hidden)?
                    .reshape((*length, heads, hidden / heads))?
                    .transpose(0, 1)?
                    .contiguous()
            };
            let scores = ops::softmax_last_dim(&part(0)?.matmul(&part(1)?.t()?)?)?;
            let mixed = scores.matmul(&part(2)?)?;
            attended.push(mixed.transpose(0, 1)?.reshape((*length, hidden))?);
        }
        let attended = self.attended.forward(&Tensor::cat(&attended, 0)?)?;
        let x = self.attended_norm.forward(&(x + attended)?)?;
        let wide = self.wide.forward(&x)?;
        let wide = match activation {
            Activation::Gelu => wide.apply_op1_no_bwd(&Gelu)?,
            Activation::GeluNew => wide.gelu()?,
            Activation::Relu => wide.relu()?,
        };
        self.norm.forward(&(self.narrow.forward(&wide)? + x)?)
    }
}
