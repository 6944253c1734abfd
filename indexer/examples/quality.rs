//! Measures retrieval on a folder and a file of questions:
//!
//! `cargo run --release -p firstline-indexer --example quality -- FOLDER QUESTIONS.jsonl [THRESHOLD]`
//!
//! Each line of the file is `{"id","text","paths"}`, paths being relative to the folder; no paths
//! means that the folder does not hold the answer. Prints a line a question and the sums. With
//! `--signals FILE` the signals behind `answerable` are written as well, one JSON object a line.
//!
//! Searches as the service does without configuration: by words and by the program's own table of
//! English words. `--embeddings none` leaves the words alone; `--embeddings MODEL` takes a
//! sentence-transformer folder instead. Its vectors are kept in the file
//! `target/quality/NAME/passages.vec`, NAME being the folder's, so that only the first run computes
//! them all.

#[path = "common/mod.rs"]
mod common;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context as _;
use firstline_indexer::{Embedder, LocalIndex, Query, Vectors, one_per_document};

#[derive(serde::Deserialize)]
struct Question {
    id: String,
    text: String,
    paths: Vec<String>,
}

fn main() -> anyhow::Result<()> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let signals_file = option(&mut arguments, "--signals")?;
    let mut signals_out = signals_file.map(std::fs::File::create).transpose()?;
    let model = option(&mut arguments, "--embeddings")?;
    let mut arguments = arguments.into_iter();
    let folder = PathBuf::from(arguments.next().context("usage: quality FOLDER QUESTIONS.jsonl")?);
    let questions = arguments.next().context("usage: quality FOLDER QUESTIONS.jsonl")?;
    let threshold: f64 = arguments.next().map_or(Ok(0.5), |t| t.parse())?;

    let (documents, _) = common::read(&folder)?;
    let index = LocalIndex::in_memory()?;
    let changes: Vec<_> = documents.iter().map(|d| common::change(d, 0)).collect();
    index.apply(&changes, 1)?;
    println!("{} articles, {} passages", documents.len(), index.passages());
    match model.as_deref() {
        None => index.use_embeddings(Arc::new(Embedder::english()), Vectors::InMemory)?,
        Some("none") => {}
        Some(model) => embed(&index, Path::new(model), &folder)?,
    }

    let (mut known, mut first, mut five, mut kept) = (0, 0, 0, 0);
    let (mut unknown, mut abstained) = (0, 0);
    let mut times = Vec::new();
    for line in std::fs::read_to_string(&questions)?.lines().filter(|l| !l.trim().is_empty()) {
        let q: Question = serde_json::from_str(line)?;
        let begin = Instant::now();
        let found = index.search(&Query {
            text: q.text.clone(),
            audiences: vec!["everyone".to_owned()],
            limit: 30,
            ..Query::default()
        })?;
        times.push(begin.elapsed());
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
                "x": [s.coverage, s.article, s.pairs, s.title, s.named, s.missing, s.density, s.gap, s.words, s.likeness],
            });
            writeln!(out, "{row}")?;
        }
    }
    println!("right article first:    {first}/{known}");
    println!("among the first five:   {five}/{known}");
    println!("answered (>= {threshold}):      {kept}/{known}");
    println!("abstained (< {threshold}):      {abstained}/{unknown}");
    times.sort();
    if let (Some(middle), Some(most)) = (times.get(times.len() / 2), times.last()) {
        println!("search:                 {middle:.1?} in the middle, {most:.1?} at most");
    }
    Ok(())
}

/// Takes an option and its value out of the arguments.
fn option(arguments: &mut Vec<String>, name: &str) -> anyhow::Result<Option<String>> {
    let Some(at) = arguments.iter().position(|a| a == name) else { return Ok(None) };
    anyhow::ensure!(at + 1 < arguments.len(), "{name} wants a value");
    Ok(arguments.drain(at..=at + 1).next_back())
}

fn embed(index: &LocalIndex, model: &Path, folder: &Path) -> anyhow::Result<()> {
    let begin = Instant::now();
    let embedder = Arc::new(Embedder::open(model)?);
    println!("model loaded in {:.0?}", begin.elapsed());
    let name = folder.file_name().context("the folder has no name")?;
    index.use_embeddings(embedder, Vectors::Owned(&Path::new("target/quality").join(name)))?;
    let before = index.embedded().map_or(0, |p| p.embedded);
    let begin = Instant::now();
    while let Some(progress) = index.embed_some(64)? {
        eprint!("\r{} of {} passages embedded ", progress.embedded, progress.passages);
        if progress.complete() {
            let (count, took) = (progress.embedded - before, begin.elapsed());
            let rate = count as f64 / took.as_secs_f64();
            eprintln!();
            println!("{count} passages embedded in {took:.1?}, {rate:.1} a second");
            break;
        }
    }
    index.forget_removed()
}
