//! `doctor`: prints what each check found.

use std::sync::Arc;

use clap::Args;

use super::{Done, Global, context, output};
use crate::adapters::clock::SystemClock;
use crate::config::Config;
use crate::doctor::{self, Finding, State};

const EXAMPLES: &str = "\
Examples:
  firstline doctor
  firstline --config /etc/firstline/firstline.toml doctor --json

Exit 0 when nothing is wrong, 1 otherwise.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct DoctorArgs {
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(global: &Global, args: DoctorArgs) -> anyhow::Result<Done> {
    let data = global.data_dir();
    let config = Config::load(global.config_path().as_deref(), context::environment());
    let url = |config: &Config| context::database_url(config, &data);
    let findings = doctor::examine(&config, &data, url, Arc::new(SystemClock)).await;
    for finding in &findings {
        if args.json { output::json(finding)? } else { output::text(&line(finding))? }
    }
    let bad = findings.iter().any(|f| f.state == State::Bad);
    Ok(if bad { Done::WithFailures } else { Done::Well })
}

fn line(finding: &Finding) -> String {
    let mark = match finding.state {
        State::Good => '✓',
        State::Bad => '✗',
        State::Skipped => '-',
    };
    let found = output::one_line(&finding.found);
    let mut text = format!("{mark} {:<13} {found}", finding.check);
    if let Some(mend) = &finding.mend {
        text.push_str(&format!("\n  {:<13} -> {mend}", ""));
    }
    text
}
