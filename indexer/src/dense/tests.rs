#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::sync::Arc;

use super::{Progress, Vectors};
use crate::embed::{Embedder, tiny};
use crate::index::tests::ask_as;
use crate::index::{Change, IndexedPassage, LocalIndex};

/// Words of one group mean the same to the model; some are made up, so that nothing else joins them.
const GROUPS: [&str; 8] = [
    "car zorbik",
    "charge quelny",
    "printer",
    "paper",
    "salary remuneration",
    "bands",
    "door gate",
    "key",
];

fn model() -> (tempfile::TempDir, Arc<Embedder>) {
    let folder = tempfile::tempdir().unwrap();
    tiny::write(folder.path(), "bert", &GROUPS);
    let embedder = Arc::new(Embedder::open(folder.path()).unwrap());
    (folder, embedder)
}

fn article(id: &str, text: &str, audience: &str) -> Change {
    let passage = IndexedPassage {
        passage_id: format!("{id}-0"),
        document_id: id.to_owned(),
        source: "s".to_owned(),
        path: format!("{id}.md"),
        title: text.to_owned(),
        heading: String::new(),
        text: text.to_owned(),
        url: String::new(),
        system: None,
        owner: None,
        reviewed: None,
        audience: audience.to_owned(),
        language: "en".to_owned(),
    };
    Change::Upsert { document_id: id.to_owned(), passages: vec![passage] }
}

fn articles() -> Vec<Change> {
    vec![
        article("car", "charge car", "everyone"),
        article("printer", "printer paper", "everyone"),
        article("pay", "salary bands", "managers"),
        article("door", "door key", "everyone"),
    ]
}

/// Computes everything; the number of passages that were missing.
fn complete(index: &LocalIndex) -> u64 {
    let before = index.embedded().unwrap();
    while !index.embed_some(2).unwrap().unwrap().complete() {}
    index.embedded().unwrap().embedded - before.embedded
}

fn records(vectors: &Path) -> usize {
    let length = std::fs::metadata(vectors.join("passages.vec")).unwrap().len() as usize;
    (length - 44) / (16 + tiny::HIDDEN)
}

#[test]
fn what_shares_no_word_is_found_once_all_is_embedded() {
    let (_folder, embedder) = model();
    let index = LocalIndex::in_memory().unwrap();
    index.apply(&articles(), 1).unwrap();
    assert!(ask_as(&index, "quelny zorbik", &["everyone"]).is_empty());
    assert_eq!((index.embedded(), index.embed_some(9).unwrap()), (None, None));

    index.use_embeddings(embedder, Vectors::InMemory).unwrap();
    let progress = index.embed_some(3).unwrap().unwrap();
    assert_eq!(progress, Progress { embedded: 3, passages: 4 });
    assert!(ask_as(&index, "quelny zorbik", &["everyone"]).is_empty(), "not before it is ready");
    complete(&index);
    assert_eq!(ask_as(&index, "quelny zorbik", &["everyone"])[0], "car");
    assert_eq!(ask_as(&index, "gate key", &["everyone"])[0], "door");
    assert!(ask_as(&index, " ", &["everyone"]).is_empty());
}

#[test]
fn audience_comes_before_likeness() {
    let (_folder, embedder) = model();
    let index = LocalIndex::in_memory().unwrap();
    index.apply(&articles(), 1).unwrap();
    index.use_embeddings(embedder, Vectors::InMemory).unwrap();
    complete(&index);
    let reads = |audiences: &[&str]| {
        ask_as(&index, "remuneration bands", audiences).contains(&"pay".to_owned())
    };
    assert!(!reads(&["everyone"]) && !reads(&[]) && reads(&["managers", "everyone"]));
    assert_eq!(ask_as(&index, "remuneration bands", &["managers"]), ["pay"]);

    // The same content, now for everyone: nothing is computed, and it is found at once.
    index.apply(&[article("pay", "salary bands", "everyone")], 2).unwrap();
    assert_eq!(index.embedded().unwrap(), Progress { embedded: 4, passages: 4 });
    assert!(reads(&["everyone"]));
    index.apply(&[article("pay", "salary bands", "managers")], 3).unwrap();
    assert!(!reads(&["everyone"]));
}

#[test]
fn vectors_follow_what_is_removed_changed_and_copied() {
    let (_folder, embedder) = model();
    let dir = tempfile::tempdir().unwrap();
    let vectors = dir.path().join("vectors");
    let index = LocalIndex::open(&dir.path().join("index")).unwrap().index;
    index.use_embeddings(embedder.clone(), Vectors::Owned(&vectors)).unwrap();
    index.apply(&articles(), 1).unwrap();
    assert_eq!(complete(&index), 4);
    assert_eq!(records(&vectors), 4);

    index.apply(&[Change::Remove { document_id: "car".to_owned() }], 2).unwrap();
    assert!(!ask_as(&index, "quelny zorbik", &["everyone"]).contains(&"car".to_owned()));
    index.forget_removed().unwrap();
    assert_eq!(records(&vectors), 3);
    assert_eq!(ask_as(&index, "gate key", &["everyone"])[0], "door", "others kept theirs");

    index.apply(&[article("copy", "door key", "everyone")], 3).unwrap();
    assert_eq!((complete(&index), records(&vectors)), (0, 3));
    index.apply(&[article("door", "printer key", "everyone")], 4).unwrap();
    assert_eq!(complete(&index), 1);
    index.forget_removed().unwrap();
    assert_eq!(records(&vectors), 4, "the copy still has the old content");
}

#[test]
fn vectors_outlive_the_process_and_the_index() {
    let (folder, embedder) = model();
    let dir = tempfile::tempdir().unwrap();
    let (home, vectors) = (dir.path().join("index"), dir.path().join("index/vectors"));
    let open = |embedder: &Arc<Embedder>| {
        let index = LocalIndex::open(&home).unwrap().index;
        index.use_embeddings(embedder.clone(), Vectors::Owned(&vectors)).unwrap();
        index
    };
    let on_disk = |e: &Embedder| LocalIndex::embedded_on_disk(&home, &vectors, e).unwrap();
    assert_eq!(on_disk(&embedder), None);
    let index = open(&embedder);
    index.apply(&articles(), 1).unwrap();
    index.embed_some(1).unwrap();
    assert_eq!(on_disk(&embedder), Some(Progress { embedded: 1, passages: 4 }));
    complete(&index);

    // A second process beside it reads what is there and writes nothing.
    let beside = LocalIndex::in_memory().unwrap();
    beside.apply(&articles(), 1).unwrap();
    beside.use_embeddings(embedder.clone(), Vectors::Shared(&vectors)).unwrap();
    assert_eq!(ask_as(&beside, "quelny zorbik", &["everyone"])[0], "car");
    beside.apply(&[article("new", "car paper", "everyone")], 2).unwrap();
    assert_eq!((complete(&beside), records(&vectors)), (1, 4));
    drop((index, beside));

    let index = open(&embedder);
    assert_eq!(ask_as(&index, "quelny zorbik", &["everyone"])[0], "car", "nothing computed again");
    drop(index);
    std::fs::write(home.join("meta.json"), b"{").unwrap();
    let index = open(&embedder);
    index.apply(&articles(), 1).unwrap();
    assert_eq!(complete(&index), 0, "a rebuilt index finds its vectors");
    drop(index);

    tiny::write(folder.path(), "bert", &["car", "zorbik"]);
    let other = Arc::new(Embedder::open(folder.path()).unwrap());
    assert_eq!(on_disk(&other).unwrap().embedded, 0);
    assert_eq!(open(&other).embedded().unwrap().embedded, 0, "another model begins anew");
}

#[test]
fn the_table_of_words_needs_no_model_and_no_time() {
    let dir = tempfile::tempdir().unwrap();
    let (home, vectors) = (dir.path().join("index"), dir.path().join("words"));
    let length = || std::fs::metadata(vectors.join("passages.vec")).unwrap().len();
    let asked = "how do I get the van off the books";
    {
        let index = LocalIndex::open(&home).unwrap().index;
        index.apply(&[article("soup", "Monday soup menu", "everyone")], 1).unwrap();
        index.use_embeddings(Arc::new(Embedder::english()), Vectors::Owned(&vectors)).unwrap();
        assert_eq!(index.embedded(), None, "nothing takes time");
        let one = length();
        let disposal = article("asset", "Dispose of a vehicle and record its sale", "finance");
        index.apply(&[disposal, article("key", "Reset a password", "finance")], 2).unwrap();
        assert!(length() > one);
        assert_eq!(ask_as(&index, asked, &["finance"])[0], "asset");
        assert!(!ask_as(&index, asked, &["everyone"]).contains(&"asset".to_owned()));
        assert!(ask_as(&index, "wie verkaufe ich einen lieferwagen", &["finance"]).is_empty());
    }
    // A lost file is made again at the start.
    let before = length();
    std::fs::remove_file(vectors.join("passages.vec")).unwrap();
    let index = LocalIndex::open(&home).unwrap().index;
    index.use_embeddings(Arc::new(Embedder::english()), Vectors::Owned(&vectors)).unwrap();
    assert_eq!(length(), before);
    assert_eq!(ask_as(&index, asked, &["finance"])[0], "asset");
    index.apply(&[Change::Remove { document_id: "asset".to_owned() }], 3).unwrap();
    index.forget_removed().unwrap();
    assert!(length() < before);
}
