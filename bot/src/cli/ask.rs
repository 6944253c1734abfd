//! `ask`: what Firstline would do with a request. Nothing is kept or filed.

use clap::Args;

use super::{Done, Global, context, lines, output};
use crate::flows::ask::{AskResult, ask_once};

const EXAMPLES: &str = "\
Examples:
  firstline ask \"how do I renew my VPN certificate?\"
  firstline ask \"who approves my order?\" --as ana.silva@example.com --json
  firstline ask --stdin < requests.jsonl > answers.jsonl

With --stdin each line is {\"id\",\"text\"} and perhaps \"thread\": what was said before,
oldest first, as {\"from\":\"requester\"|\"bot\"|\"person\",\"text\"}.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct AskArgs {
    /// The request
    #[arg(required_unless_present = "stdin", conflicts_with = "stdin")]
    text: Option<String>,
    /// Who asks: decides what may be quoted [default: someone who may read what everyone
    /// may]
    #[arg(long = "as", value_name = "EMAIL")]
    reader: Option<String>,
    /// Print the whole reading as JSON
    #[arg(long)]
    json: bool,
    /// Read one JSON object a line, print one a line
    #[arg(long)]
    stdin: bool,
}

pub(super) async fn run(global: &Global, args: AskArgs) -> anyhow::Result<Done> {
    let opened = context::open(global).await?;
    let viewer = context::reader(&opened.store, args.reader.as_deref()).await?;
    let app = context::build(opened).await?.app;
    if args.stdin {
        return lines::each(std::io::stdin().lock(), std::io::stdout().lock(), async |line| {
            let result = ask_once(&app, String::new(), &line.text, &line.thread, &viewer).await?;
            Ok(serde_json::to_value(result)?)
        })
        .await;
    }
    let text = args.text.unwrap_or_default();
    anyhow::ensure!(!text.trim().is_empty(), "the request is empty; write what you need.");
    let result = ask_once(&app, crate::store::new_id(), &text, &[], &viewer).await?;
    if args.json {
        output::json(&result)?
    } else {
        output::text(&spoken(&result))?
    }
    Ok(Done::Well)
}

/// The result for a person at a terminal.
fn spoken(result: &AskResult) -> String {
    let mut text = String::new();
    if let Some(answer) = &result.answer {
        text.push_str(&answer.text);
        text.push_str("\n\n");
        for c in &answer.citations {
            let heading = if c.heading.is_empty() || c.heading == c.title {
                String::new()
            } else {
                format!(" > {}", c.heading)
            };
            text.push_str(&format!("[{}] {}{heading} ({}/{})\n", c.n, c.title, c.source, c.path));
        }
        text.push('\n');
    } else if let Some(question) = &result.question {
        text.push_str(question);
        text.push_str("\n\n");
    } else if let Some(reason) = result.abstained {
        text.push_str(&format!("No answer ({}).\n\n", reason.as_str()));
    }
    let system = result.system.as_deref().unwrap_or("no known system");
    let team = result.team.as_ref().map(|t| format!(", team {t}")).unwrap_or_default();
    text.push_str(&format!(
        "Read as: {} about {system}{team}, {} ({:.0} % sure, by {}). Would: {}.\n",
        result.kind,
        result.priority,
        result.confidence * 100.0,
        result.engine,
        result.action,
    ));
    if result.redactions > 0 {
        text.push_str(&format!(
            "{} secrets or personal details were removed.\n",
            result.redactions
        ));
    }
    text
}
