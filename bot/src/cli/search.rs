//! `search`: the articles that match, at most one hit each.

use clap::Args;
use firstline_core::triage::Speaker;
use firstline_indexer::{Query, one_per_document};
use serde::Serialize;
use serde_json::json;

use super::{Done, Global, context, lines, output};
use crate::adapters::knowledge;
use crate::ports::Knowledge;
use crate::store::records::Viewer;

const EXAMPLES: &str = "\
Examples:
  firstline search \"credit note\"
  firstline search \"performance review\" --as tom.bauer@example.com --limit 3 --json
  firstline search --stdin < queries.jsonl > hits.jsonl

With --stdin each line is {\"id\",\"text\"} and perhaps \"thread\", as for ask.";

/// Passages asked for per article wanted: several of one article may come first.
const PASSAGES_PER_HIT: usize = 8;

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct SearchArgs {
    /// What to look for
    #[arg(required_unless_present = "stdin", conflicts_with = "stdin")]
    query: Option<String>,
    /// Who searches: decides what may be found [default: someone who may read what everyone
    /// may]
    #[arg(long = "as", value_name = "EMAIL")]
    reader: Option<String>,
    /// Articles at most
    #[arg(long, default_value_t = 10, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Read one JSON object a line, print one a line
    #[arg(long)]
    stdin: bool,
}

/// A hit as printed.
#[derive(Debug, Serialize)]
struct Shown {
    source: String,
    path: String,
    title: String,
    heading: String,
    score: f32,
    snippet: String,
}

pub(super) async fn run(global: &Global, args: SearchArgs) -> anyhow::Result<Done> {
    let opened = context::open(global).await?;
    let viewer = context::reader(&opened.store, args.reader.as_deref()).await?;
    let index = knowledge::open(&opened.store, &opened.data, opened.config.embeddings()).await?;
    let limit = usize::from(args.limit);
    if args.stdin {
        return lines::each(std::io::stdin().lock(), std::io::stdout().lock(), async |line| {
            let thread = line
                .thread
                .into_iter()
                .filter(|turn| turn.from == Speaker::Requester)
                .map(|turn| turn.text)
                .collect();
            Ok(json!({ "hits": search(&*index, &line.text, thread, &viewer, limit)? }))
        })
        .await;
    }
    let query = args.query.unwrap_or_default();
    let hits = search(&*index, &query, Vec::new(), &viewer, limit)?;
    if args.json {
        output::json(&json!({ "id": crate::store::new_id(), "hits": hits }))?;
    } else {
        output::text(&spoken(&hits, index.passages()))?;
    }
    Ok(Done::Well)
}

fn search(
    index: &dyn Knowledge,
    text: &str,
    thread: Vec<String>,
    viewer: &Viewer,
    limit: usize,
) -> anyhow::Result<Vec<Shown>> {
    let found = index.search(&Query {
        text: text.to_owned(),
        thread,
        audiences: viewer.groups.clone(),
        language: None,
        limit: limit * PASSAGES_PER_HIT,
    })?;
    let hits = one_per_document(found.hits).into_iter().take(limit);
    Ok(hits
        .map(|hit| Shown {
            source: hit.passage.source,
            path: hit.passage.path,
            title: hit.passage.title,
            heading: hit.passage.heading,
            score: hit.score,
            snippet: hit.snippet,
        })
        .collect())
}

fn spoken(hits: &[Shown], passages: u64) -> String {
    if hits.is_empty() && passages == 0 {
        return "Nothing is indexed yet; read documents with `firstline index FOLDER`.\n".into();
    }
    if hits.is_empty() {
        return "Nothing found.\n".into();
    }
    let mut text = String::new();
    for hit in hits {
        let heading = if hit.heading.is_empty() || hit.heading == hit.title {
            String::new()
        } else {
            format!(" > {}", hit.heading)
        };
        text.push_str(&format!(
            "{}{heading}\n  {}/{}\n  {}\n",
            output::one_line(&hit.title),
            hit.source,
            hit.path,
            output::one_line(&hit.snippet)
        ));
    }
    text
}
