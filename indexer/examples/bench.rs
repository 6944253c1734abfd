//! Measures speed on a folder:
//!
//! `cargo run --release -p firstline-indexer --example bench -- FOLDER [PASSAGES] [QUESTIONS.jsonl...]`
//!
//! Reads the folder (MB/s), indexes it, then fills an index on disk with PASSAGES passages
//! (100,000 unless told), made of the folder's own with their words shifted about, and searches it
//! with the questions, or with titles of the folder where none are given.

#[path = "common/mod.rs"]
mod common;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use firstline_indexer::{Change, Embedder, LocalIndex, Query, Vectors};

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(
        arguments.next().context("usage: bench FOLDER [PASSAGES] [QUESTIONS.jsonl...]")?,
    );
    let wanted: u64 = arguments.next().map_or(Ok(100_000), |n| n.parse())?;
    let mut questions = Vec::new();
    for file in arguments {
        for line in std::fs::read_to_string(&file)?.lines() {
            let value: serde_json::Value = serde_json::from_str(line)?;
            questions.extend(value["text"].as_str().or(value["query"].as_str()).map(str::to_owned));
        }
    }

    let begin = Instant::now();
    let (documents, bytes) = common::read(&folder)?;
    let reading = begin.elapsed();
    let megabytes = bytes as f64 / 1e6;
    println!(
        "read      {megabytes:.1} MB, {} articles: {:.1} MB/s",
        documents.len(),
        rate(megabytes, reading)
    );

    let dir = tempfile::tempdir()?;
    let index = LocalIndex::open(&dir.path().join("index"))?.index;
    let vectors = dir.path().join("words");
    index.use_embeddings(Arc::new(Embedder::english()), Vectors::Owned(&vectors))?;
    let begin = Instant::now();
    let changes: Vec<Change> = documents.iter().map(|d| common::change(d, 0)).collect();
    index.apply(&changes, 1)?;
    let indexing = begin.elapsed();
    println!("indexed   {} passages: {:.1} MB/s", index.passages(), rate(megabytes, indexing));
    println!("together  {:.1} MB/s on one thread", rate(megabytes, reading + indexing));

    let mut copy = 1;
    let begin = Instant::now();
    while index.passages() < wanted && !documents.is_empty() {
        let room = (wanted - index.passages()) as usize;
        let mut passages = 0;
        let changes: Vec<Change> = documents
            .iter()
            .map(|d| shifted(common::change(d, copy), copy, &documents))
            .take_while(|c| {
                let Change::Upsert { passages: p, .. } = c else { return false };
                passages += p.len();
                passages <= room + p.len()
            })
            .collect();
        index.apply(&changes, 1 + copy as i64)?;
        copy += 1;
    }
    println!("filled to {} passages in {:.1} s", index.passages(), begin.elapsed().as_secs_f64());

    if questions.is_empty() {
        questions = documents.iter().step_by(5).map(|d| d.title.clone()).collect();
    }
    let search = |text: &str| {
        index.search(&Query {
            text: text.to_owned(),
            audiences: vec!["everyone".to_owned()],
            limit: 8,
            ..Query::default()
        })
    };
    for text in questions.iter().take(50) {
        search(text)?;
    }
    let mut times = Vec::new();
    while times.len() < 1000 {
        for text in &questions {
            let begin = Instant::now();
            search(text)?;
            times.push((begin.elapsed(), text));
        }
    }
    times.sort();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].0.as_secs_f64() * 1e3;
    println!(
        "search    {} questions: p50 {:.2} ms, p90 {:.2} ms, p99 {:.2} ms, most {:.2} ms",
        times.len(),
        at(0.5),
        at(0.9),
        at(0.99),
        at(1.0)
    );
    if let Some((_, slowest)) = times.get((times.len() - 1) * 99 / 100) {
        println!("slow      {slowest}");
    }
    let begin = Instant::now();
    for (i, document) in documents.iter().take(20).enumerate() {
        index.apply(&[common::change(document, 0)], 10_000 + i as i64)?;
    }
    println!(
        "change    one article made visible in {:.1} ms",
        begin.elapsed().as_secs_f64() * 1e3 / 20.0
    );
    if let Ok(status) = std::fs::read_to_string("/proc/self/status") {
        for line in status.lines().filter(|l| l.starts_with("VmRSS") || l.starts_with("VmHWM")) {
            println!("{line}");
        }
    }
    Ok(())
}

fn rate(megabytes: f64, time: Duration) -> f64 {
    megabytes / time.as_secs_f64().max(1e-9)
}

/// Makes a copy differ from its model: every seventh word comes from another article, so that
/// rarities are spread like those of a larger base.
fn shifted(change: Change, copy: usize, documents: &[firstline_indexer::Document]) -> Change {
    let Change::Upsert { document_id, mut passages } = change else { return change };
    for (n, passage) in passages.iter_mut().enumerate() {
        let other = &documents[(copy * 7919 + n * 31 + document_id.len() * 17) % documents.len()];
        let mut donor = other.passages.iter().flat_map(|p| p.text.split(' ')).cycle();
        passage.text = passage
            .text
            .split(' ')
            .enumerate()
            .map(|(i, word)| if i % 7 == copy % 7 { donor.next().unwrap_or(word) } else { word })
            .collect::<Vec<_>>()
            .join(" ");
        passage.title =
            format!("{} {}", passage.title, other.title.split(' ').next().unwrap_or_default());
    }
    Change::Upsert { document_id, passages }
}
