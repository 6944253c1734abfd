//! Measures retrieval on a folder and a file of questions:
//!
//! `cargo run --release -p firstline-indexer --example quality -- FOLDER QUESTIONS.jsonl [THRESHOLD]`
//!
//! Each line of the file is `{"id","text","paths"}`, paths being relative to the folder; no paths
//! means that the folder does not hold the answer. Prints a line a question and the sums. With
//! `--signals FILE` the signals behind `answerable` are written as well, one JSON object a line.

#[path = "common/mod.rs"]
mod common;

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;
use firstline_indexer::{LocalIndex, Query, one_per_document};

#[derive(serde::Deserialize)]
struct Question {
    id: String,
    text: String,
    paths: Vec<String>,
}

fn main() -> anyhow::Result<()> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut signals_out = None;
    if let Some(at) = arguments.iter().position(|a| a == "--signals") {
        let file = arguments.get(at + 1).context("--signals wants a file")?;
        signals_out = Some(std::fs::File::create(file)?);
        arguments.drain(at..=at + 1);
    }
    let mut arguments = arguments.into_iter();
    let folder = PathBuf::from(arguments.next().context("usage: quality FOLDER QUESTIONS.jsonl")?);
    let questions = arguments.next().context("usage: quality FOLDER QUESTIONS.jsonl")?;
    let threshold: f64 = arguments.next().map_or(Ok(0.5), |t| t.parse())?;

    let (documents, _) = common::read(&folder)?;
    let index = LocalIndex::in_memory()?;
    let changes: Vec<_> = documents.iter().map(|d| common::change(d, 0)).collect();
    index.apply(&changes, 1)?;
    println!("{} articles, {} passages", documents.len(), index.passages());

    let (mut known, mut first, mut five, mut kept) = (0, 0, 0, 0);
    let (mut unknown, mut abstained) = (0, 0);
    for line in std::fs::read_to_string(&questions)?.lines().filter(|l| !l.trim().is_empty()) {
        let q: Question = serde_json::from_str(line)?;
        let found = index.search(&Query {
            text: q.text.clone(),
            audiences: vec!["everyone".to_owned()],
            limit: 30,
            ..Query::default()
        })?;
        let answerable = found.answerable;
        let s = found.signals;
        let hits = one_per_document(found.hits);
        let rank = hits.iter().position(|h| q.paths.contains(&h.passage.path)).map(|i| i + 1);
        if q.paths.is_empty() {
            unknown += 1;
            abstained += usize::from(answerable < threshold);
        } else {
            known += 1;
            first += usize::from(rank == Some(1));
            five += usize::from(rank.is_some_and(|r| r <= 5));
            kept += usize::from(answerable >= threshold);
        }
        let place = rank.map_or_else(|| "-".to_owned(), |r| r.to_string());
        let expected = if q.paths.is_empty() { "not answerable" } else { "answerable" };
        let top = hits.first().map_or("", |h| h.passage.path.as_str());
        println!("{:10} {expected:14} rank {place:>2} answerable {answerable:.2}  {top}", q.id);
        if let Some(out) = &mut signals_out {
            let row = serde_json::json!({
                "id": q.id, "known": !q.paths.is_empty(), "rank": rank,
                "x": [s.coverage, s.article, s.pairs, s.title, s.named, s.missing, s.density, s.gap, s.words],
            });
            writeln!(out, "{row}")?;
        }
    }
    println!("right article first:    {first}/{known}");
    println!("among the first five:   {five}/{known}");
    println!("answered (>= {threshold}):      {kept}/{known}");
    println!("abstained (< {threshold}):      {abstained}/{unknown}");
    Ok(())
}
