//! A tiny model for tests, made on the spot: random weights from a fixed seed, except that words
//! given as one group share a word vector, so that the model knows them as the same.
#![allow(clippy::unwrap_used)]

use std::collections::HashMap;
use std::path::Path;

use candle_core::{Device, Tensor};
use serde_json::json;

pub(crate) const HIDDEN: usize = 32;
const WIDE: usize = 64;
const LAYERS: usize = 2;
const POSITIONS: usize = 40;

struct Chance(u64);

impl Chance {
    fn tensor(&mut self, shape: &[usize], spread: f32) -> Tensor {
        let count = shape.iter().product();
        let numbers: Vec<f32> = (0..count)
            .map(|_| {
                self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                ((self.0 >> 40) as f32 / (1u64 << 24) as f32 - 0.5) * 2.0 * spread
            })
            .collect();
        Tensor::from_vec(numbers, shape, &Device::Cpu).unwrap()
    }
}

/// Writes a model that knows these groups of words. `kind` is `bert` or `xlm-roberta`.
pub(crate) fn write(folder: &Path, kind: &str, groups: &[&str]) {
    std::fs::create_dir_all(folder).unwrap();
    let mut words: Vec<(String, usize)> = Vec::new();
    for special in ["[PAD]", "[UNK]", "[CLS]", "[SEP]"] {
        words.push((special.to_owned(), words.len()));
    }
    for (n, group) in groups.iter().enumerate() {
        words.extend(group.split(' ').map(|w| (w.to_owned(), 4 + n)));
    }
    let count = words.len();
    let config = json!({
        "model_type": kind, "vocab_size": count, "hidden_size": HIDDEN,
        "num_hidden_layers": LAYERS, "num_attention_heads": 4, "intermediate_size": WIDE,
        "hidden_act": "gelu", "max_position_embeddings": POSITIONS, "type_vocab_size": 1,
        "layer_norm_eps": 1e-12, "pad_token_id": 0,
    });
    std::fs::write(folder.join("config.json"), config.to_string()).unwrap();
    let vocabulary: serde_json::Map<String, serde_json::Value> =
        words.iter().enumerate().map(|(i, (w, _))| (w.clone(), json!(i))).collect();
    let special = |name: &str, id: u32| json!({"id": name, "ids": [id], "tokens": [name]});
    let tokenizer = json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": [],
        "normalizer": {"type": "Lowercase"}, "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {"type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}},
                {"Sequence": {"id": "A", "type_id": 0}},
                {"SpecialToken": {"id": "[SEP]", "type_id": 0}}],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}},
                {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {"[CLS]": special("[CLS]", 2), "[SEP]": special("[SEP]", 3)}},
        "decoder": null,
        "model": {"type": "WordLevel", "unk_token": "[UNK]", "vocab": vocabulary},
    });
    std::fs::write(folder.join("tokenizer.json"), tokenizer.to_string()).unwrap();

    let mut chance = Chance(7);
    let mut tensors: HashMap<String, Tensor> = HashMap::new();
    let meanings = chance.tensor(&[4 + groups.len(), HIDDEN], 1.0);
    let rows: Vec<u32> = words.iter().map(|(_, meaning)| *meaning as u32).collect();
    let rows = Tensor::new(rows, &Device::Cpu).unwrap();
    let mut put = |name: &str, tensor: Tensor| {
        tensors.insert(name.to_owned(), tensor);
    };
    put("embeddings.word_embeddings.weight", meanings.index_select(&rows, 0).unwrap());
    put("embeddings.position_embeddings.weight", chance.tensor(&[POSITIONS, HIDDEN], 0.02));
    put("embeddings.token_type_embeddings.weight", chance.tensor(&[1, HIDDEN], 0.02));
    let mut norms = vec!["embeddings.LayerNorm".to_owned()];
    for n in 0..LAYERS {
        let layer = format!("encoder.layer.{n}");
        for (name, rows, columns) in [
            ("attention.self.query", HIDDEN, HIDDEN),
            ("attention.self.key", HIDDEN, HIDDEN),
            ("attention.self.value", HIDDEN, HIDDEN),
            ("attention.output.dense", HIDDEN, HIDDEN),
            ("intermediate.dense", WIDE, HIDDEN),
            ("output.dense", HIDDEN, WIDE),
        ] {
            put(&format!("{layer}.{name}.weight"), chance.tensor(&[rows, columns], 0.1));
            put(&format!("{layer}.{name}.bias"), chance.tensor(&[rows], 0.1));
        }
        norms.push(format!("{layer}.attention.output.LayerNorm"));
        norms.push(format!("{layer}.output.LayerNorm"));
    }
    for norm in norms {
        put(&format!("{norm}.weight"), chance.tensor(&[HIDDEN], 0.1).affine(1.0, 1.0).unwrap());
        put(&format!("{norm}.bias"), chance.tensor(&[HIDDEN], 0.1));
    }
    candle_core::safetensors::save(&tensors, folder.join("model.safetensors")).unwrap();
}
