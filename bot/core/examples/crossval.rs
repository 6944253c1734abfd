//! Five-fold cross-validation of the local engine over the shipped example requests.
//! From the repository's root: `cargo run --release -p firstline-core --example crossval`,
//! with numbers after it for other ways to deal the folds, `--misread` for what is misread.

use std::time::Instant;

use firstline_core::ticket::Kind;
use firstline_core::triage::Example;
use firstline_core::triage::local::report::cross_validate;
use firstline_core::triage::local::{LocalEngine, Request};

/// Deals the folds of the published figures; tuning used others.
const FRESH: u64 = 2026;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut examples: Vec<Example> = Vec::new();
    for kind in Kind::ALL {
        let path = format!("prompts/examples/{kind}.jsonl");
        let lines =
            std::fs::read_to_string(&path).map_err(|e| format!("cannot read {path}: {e}"))?;
        for line in lines.lines().filter(|l| !l.trim().is_empty()) {
            examples.push(serde_json::from_str(line)?);
        }
    }
    let seeds: Vec<u64> = std::env::args().skip(1).filter_map(|a| a.parse().ok()).collect();
    let misread = std::env::args().any(|a| a == "--misread");
    for seed in if seeds.is_empty() { vec![FRESH] } else { seeds } {
        let report = cross_validate(&examples, 5, seed);
        println!("{report}");
        for (index, read) in report.misread.iter().filter(|_| misread) {
            println!("{} read as {read}: {:?}", examples[*index].kind, examples[*index].text);
        }
    }

    let start = Instant::now();
    let engine = LocalEngine::train(&examples, &[], &[], &[]);
    println!("Training on {} examples: {:.0?}", examples.len(), start.elapsed());
    let many: Vec<Example> = examples.iter().cycle().take(5_000).cloned().collect();
    let start = Instant::now();
    LocalEngine::train(&examples, &many, &[], &[]);
    println!("with 5000 tickets more: {:.0?}", start.elapsed());
    // The quickest of several passes: other work on the machine only ever adds.
    let pass = || {
        let start = Instant::now();
        for example in &examples {
            engine.assess(&Request { text: &example.text, ..Request::default() });
        }
        start.elapsed()
    };
    let quickest = (0..7).map(|_| pass()).min().unwrap_or_default();
    println!("Reading one request: {:.0?}", quickest / examples.len() as u32);
    Ok(())
}
