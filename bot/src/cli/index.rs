//! `index PATH...`: reads documents into the store.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use firstline_indexer::SourceSpec;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::sync::mpsc::UnboundedReceiver;

use super::{Done, Global, context, output};
use crate::adapters::clock::SystemClock;
use crate::ingest::{self, Outcome, Progress};
use crate::ports::Store;

const EXAMPLES: &str = "\
Examples:
  firstline index ./handbook
  firstline index ./finance-docs --source finance --audience finance
  firstline index ./handbook --watch      keep reading what changes, until Ctrl-C

A file that is gone is removed from answers. What could not be read is named with its
reason.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct IndexArgs {
    /// Folders or single files
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// What the source is called [default: the folder's name]
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// Who may read it: a group, or everyone [default: everyone]
    #[arg(long, value_name = "GROUP")]
    audience: Option<String>,
    /// Stay and read what changes
    #[arg(long)]
    watch: bool,
    /// Print the totals as JSON, one object for each path
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(global: &Global, args: IndexArgs) -> anyhow::Result<Done> {
    anyhow::ensure!(
        args.source.is_none() || args.paths.len() == 1,
        "one name cannot stand for several paths; index them one by one with --source."
    );
    let opened = context::open(global).await?;
    let store = &opened.store;
    let audience = audience(store, args.audience.as_deref()).await?;
    let mut specs = Vec::new();
    for path in &args.paths {
        specs.push(spec(store, path, args.source.as_deref(), &audience).await?);
    }
    if args.audience.is_none() {
        eprintln!("Everyone may read these documents; --audience GROUP would limit that.");
    }
    // Watched before it is read, so that nothing changes unseen in between.
    let watching = if args.watch { Some(Watching::begin(&specs)?) } else { None };
    for spec in &specs {
        read(store, spec, args.json).await?;
    }
    if let Some(watching) = watching {
        watching.follow(store, &specs, args.json).await?;
    }
    Ok(Done::Well)
}

async fn audience(store: &Store, named: Option<&str>) -> anyhow::Result<String> {
    let Some(name) = named else { return Ok("everyone".to_owned()) };
    let known = store.groups().await?.iter().any(|g| g.name == name);
    anyhow::ensure!(
        known || matches!(name, "everyone" | "public"),
        "there is no group \"{name}\"; `firstline group list` shows all, `firstline group add \
         {name}` makes it."
    );
    Ok(name.to_owned())
}

async fn spec(
    store: &Store,
    path: &Path,
    name: Option<&str>,
    audience: &str,
) -> anyhow::Result<SourceSpec> {
    let root = path
        .canonicalize()
        .with_context(|| format!("{} cannot be read; check the path", path.display()))?;
    let named = name.map(str::to_owned);
    let name = named.clone().or_else(|| Some(root.file_stem()?.to_string_lossy().into_owned()));
    let name = name.context("a source needs a name; give one with --source.")?;
    if named.is_none() {
        // Two folders called `docs` would otherwise replace one another.
        let other = store.sources().await?.into_iter().find(|s| s.name == name);
        if let Some(other) = other.filter(|s| Path::new(&s.location) != root) {
            anyhow::bail!(
                "the source \"{name}\" is read from {} already; name this one with --source, or \
                 give --source {name} to replace it.",
                other.location
            );
        }
    }
    Ok(SourceSpec { name, root, audience: audience.to_owned() })
}

async fn read(store: &Store, spec: &SourceSpec, json: bool) -> anyhow::Result<()> {
    let bar = progress_bar();
    let outcome = ingest::ingest(store, &SystemClock, spec.clone(), ingest::extractor()?, {
        let bar = bar.clone();
        move |progress| match progress {
            Progress::Found { bytes, .. } => bar.set_length(bytes),
            Progress::Bytes(bytes) => bar.set_position(bytes),
        }
    })
    .await;
    bar.finish_and_clear();
    let outcome =
        outcome.with_context(|| format!("{} could not be indexed", spec.root.display()))?;
    if json {
        let mut value = serde_json::to_value(&outcome)?;
        value["source"] = spec.name.clone().into();
        return output::json(&value);
    }
    output::text(&summary(&spec.name, &outcome))
}

fn progress_bar() -> ProgressBar {
    let target = if std::io::stderr().is_terminal() {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    };
    let style = ProgressStyle::with_template("{bar:30} {bytes} of {total_bytes}, {eta} left")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::with_draw_target(Some(0), target).with_style(style)
}

/// The totals, and the skipped files by reason with a few names each.
fn summary(name: &str, outcome: &Outcome) -> String {
    let mut text = format!(
        "{name}: {} read ({} passages), {} unchanged, {} removed, {} skipped; {:.1} MB.\n",
        outcome.read,
        outcome.passages,
        outcome.unchanged,
        outcome.removed,
        outcome.skipped.len(),
        outcome.bytes as f64 / 1e6,
    );
    let mut by_reason: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (path, reason) in &outcome.skipped {
        by_reason.entry(reason).or_default().push(path);
    }
    for (reason, paths) in by_reason {
        let some: Vec<String> = paths.iter().take(3).map(|p| output::one_line(p)).collect();
        let more = match paths.len() - some.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        text.push_str(&format!("  skipped: {}{more} {reason}\n", some.join(", ")));
    }
    text
}

/// Sources under watch.
struct Watching {
    /// Places in the list of sources, as they change.
    changes: UnboundedReceiver<usize>,
    _watches: Vec<firstline_indexer::Watch>,
}

impl Watching {
    fn begin(specs: &[SourceSpec]) -> anyhow::Result<Self> {
        let (changed, changes) = tokio::sync::mpsc::unbounded_channel();
        let mut watches = Vec::new();
        for (at, spec) in specs.iter().enumerate() {
            let changed = changed.clone();
            watches.push(firstline_indexer::watch(spec, move || {
                // Nobody listens any more once the command is ending.
                let _ = changed.send(at);
            })?);
        }
        Ok(Watching { changes, _watches: watches })
    }

    /// Reads each source again after it changed, until Ctrl-C.
    async fn follow(
        mut self,
        store: &Store,
        specs: &[SourceSpec],
        json: bool,
    ) -> anyhow::Result<()> {
        eprintln!("Watching for changes; Ctrl-C ends it.");
        loop {
            tokio::select! {
                Some(at) = self.changes.recv() => {
                    // A source that is away for a moment must not end the watch.
                    if let Err(error) = read(store, &specs[at], json).await {
                        eprintln!("firstline: {}", output::sentence(&error));
                    }
                }
                _ = tokio::signal::ctrl_c() => return Ok(()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skipped_files_are_grouped_by_reason() {
        let skip = |path: &str, reason: &str| (path.to_owned(), reason.to_owned());
        let outcome = Outcome {
            read: 2,
            bytes: 1_250_000,
            passages: 9,
            skipped: vec![
                skip("a.png", "is of a kind Firstline does not read"),
                skip("b.png", "is of a kind Firstline does not read"),
                skip("c.png", "is of a kind Firstline does not read"),
                skip("d.png", "is of a kind Firstline does not read"),
                skip("e.pdf", "is damaged"),
            ],
            ..Outcome::default()
        };
        insta::assert_snapshot!(summary("handbook", &outcome), @r"
        handbook: 2 read (9 passages), 0 unchanged, 0 removed, 5 skipped; 1.2 MB.
          skipped: e.pdf is damaged
          skipped: a.png, b.png, c.png and 1 more is of a kind Firstline does not read
        ");
    }
}
