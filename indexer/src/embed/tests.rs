#![allow(clippy::unwrap_used)]

use super::sentences::{CONFIG, TOKENIZER, WEIGHTS};
use super::*;

const GROUPS: [&str; 3] = ["car automobile", "printer", "invoice bill"];

fn made(kind: &str) -> (tempfile::TempDir, Embedder) {
    let folder = tempfile::tempdir().unwrap();
    tiny::write(folder.path(), kind, &GROUPS);
    let embedder = Embedder::open(folder.path()).unwrap();
    (folder, embedder)
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

#[test]
fn both_shapes_are_read_and_meanings_come_through() {
    for kind in ["bert", "xlm-roberta"] {
        let (_folder, embedder) = made(kind);
        let v = embedder.embed(&["the car", "The Automobile", "a printer"]).unwrap();
        assert!(v.iter().all(|v| v.len() == tiny::HIDDEN && (cosine(v, v) - 1.0).abs() < 1e-5));
        assert!(cosine(&v[0], &v[1]) > 0.999, "{kind}: the same word, said otherwise");
        assert!(cosine(&v[0], &v[2]) < 0.95, "{kind}");
    }
}

#[test]
fn a_text_means_the_same_alone_and_among_others() {
    let (_folder, embedder) = made("bert");
    let texts = ["car", "printer invoice car bill", "", "invoice invoice"];
    let together = embedder.embed(&texts).unwrap();
    for (text, there) in texts.iter().zip(&together) {
        let alone = embedder.embed(&[text]).unwrap();
        assert!(cosine(&alone[0], there) > 0.9999, "{text}");
    }
    let passages = embedder.embed_passages(&texts).unwrap();
    assert!(passages.iter().zip(&together).all(|(a, b)| cosine(a, b) > 0.9999));
}

#[test]
fn long_texts_are_cut_at_what_the_model_can_read() {
    let (folder, embedder) = made("xlm-roberta");
    let model = || Sentences::open(folder.path()).unwrap();
    // One token less than there are positions, because the padding has one too.
    assert_eq!(model().tokens(&"car ".repeat(500), 1000).unwrap().len(), 502);
    assert_eq!(model().most_tokens, 39);
    let cut = model().tokens(&"car ".repeat(500), 39).unwrap();
    assert_eq!((cut.len(), cut[0], cut[38]), (39, 2, 3));
    embedder.embed(&["é".repeat(100_000).as_str(), &"car ".repeat(500)]).unwrap();
    std::fs::write(folder.path().join("sentence_bert_config.json"), r#"{"max_seq_length": 9}"#)
        .unwrap();
    assert_eq!(model().most_tokens, 9);
}

#[test]
fn models_are_told_apart_by_their_weights() {
    let (folder, embedder) = made("bert");
    assert_eq!(embedder.id(), Embedder::open(folder.path()).unwrap().id());
    tiny::write(folder.path(), "bert", &["car", "printer", "invoice", "bill automobile"]);
    assert_ne!(embedder.id(), Embedder::open(folder.path()).unwrap().id());
}

#[test]
fn what_is_wrong_with_a_folder_is_told() {
    let (folder, _) = made("bert");
    let path = folder.path();
    let refusal = || Embedder::open(path).unwrap_err().to_string();
    let config = std::fs::read_to_string(path.join(CONFIG)).unwrap();
    for (from, to, told) in [
        ("\"bert\"", "\"t5\"", "it is a t5 model"),
        ("\"hidden_size\":32", "\"hidden_size\":64", "its weights are not those of config.json"),
        ("\"num_attention_heads\":4", "\"num_attention_heads\":5", "do not agree"),
        ("\"gelu\"", "\"swish\"", "does not describe a BERT-shaped model"),
        ("\"vocab_size\":9", "\"vocab_size\":5", "more words than the model has vectors"),
    ] {
        let changed = config.replace(from, to);
        assert_ne!(changed, config, "{from}");
        std::fs::write(path.join(CONFIG), changed).unwrap();
        assert!(refusal().contains(told), "{told}: {}", refusal());
    }
    std::fs::write(path.join(CONFIG), &config).unwrap();
    std::fs::write(path.join(WEIGHTS), b"not a safetensors file").unwrap();
    assert!(refusal().contains("model.safetensors cannot be used"), "{}", refusal());
    for file in [WEIGHTS, TOKENIZER, CONFIG] {
        std::fs::remove_file(path.join(file)).unwrap();
        assert!(refusal().contains(&format!("has no {file};")), "{}", refusal());
    }
}

#[test]
fn the_first_token_is_taken_where_the_model_says_so() {
    let (folder, mean) = made("bert");
    std::fs::create_dir(folder.path().join("1_Pooling")).unwrap();
    let pooling = folder.path().join("1_Pooling/config.json");
    std::fs::write(&pooling, r#"{"pooling_mode_cls_token": true}"#).unwrap();
    let first = Embedder::open(folder.path()).unwrap();
    let of = |e: &Embedder| e.embed(&["car printer"]).unwrap().remove(0);
    assert!(cosine(&of(&mean), &of(&first)) < 0.999);
    std::fs::write(&pooling, r#"{"pooling_mode_max_tokens": true}"#).unwrap();
    assert!(Embedder::open(folder.path()).unwrap_err().to_string().contains("another pooling"));
}
