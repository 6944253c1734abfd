//! Whether the Slack app is installed with what the bot needs.

use std::sync::Arc;

use super::{Finding, State};
use crate::config::{self, Config, SlackMode};
use crate::platform::slack::{Granted, Slack, SlackError, check_socket, missing};
use crate::ports::{Clock, Store};

const CHECK: &str = "slack";
const APPS: &str = "https://api.slack.com/apps";
/// Without it nobody's address is known.
const EMAIL: &str = "users:read.email";

/// Compares what Slack granted with what is required.
pub(super) async fn slack(
    config: &Config,
    store: Option<&Store>,
    clock: Arc<dyn Clock>,
) -> Finding {
    let Some(settings) = &config.slack else {
        return Finding::skipped(
            CHECK,
            "off; `firstline manifest slack` begins it (docs/slack.md)",
        );
    };
    let Some(store) = store else { return Finding::skipped(CHECK, "the database is needed") };
    let slack = match Slack::new(settings, config, store.clone(), clock) {
        Ok(slack) => slack,
        Err(e) => return Finding::bad(CHECK, format!("{e:#}"), "install ca-certificates"),
    };
    let slack = Arc::new(slack);
    let found = judge(slack.granted().await, settings);
    if found.state == State::Bad || settings.mode == SlackMode::Http {
        return found;
    }
    match check_socket(&slack).await {
        Ok(_) => found,
        Err(error) => Finding::bad(
            CHECK,
            format!("Socket Mode does not work: {error}"),
            format!(
                "turn it on under Socket Mode, and make an app-level token with connections:write \
                 under Basic Information at {APPS}"
            ),
        ),
    }
}

fn judge(granted: Result<Granted, SlackError>, settings: &config::Slack) -> Finding {
    let granted = match granted {
        Ok(granted) => granted,
        Err(e @ SlackError::Refused(_)) => {
            return Finding::bad(
                CHECK,
                format!("the bot's token is not taken: {e}"),
                format!("copy the Bot User OAuth Token from OAuth & Permissions at {APPS}"),
            );
        }
        Err(e) => return Finding::bad(CHECK, e.to_string(), "check the network and slack.api_url"),
    };
    let who = format!("{} in {}", granted.user, granted.team);
    let scopes: Vec<&str> = granted.scopes.iter().flatten().map(String::as_str).collect();
    let missing: Vec<&str> = match granted.scopes {
        Some(_) => missing(&scopes).into_iter().map(|scope| scope.name).collect(),
        // Not every server tells; then there is nothing to compare.
        None => Vec::new(),
    };
    if !missing.is_empty() {
        return Finding::bad(
            CHECK,
            format!("{who} lacks {}", missing.join(", ")),
            format!(
                "add them under OAuth & Permissions > Bot Token Scopes at {APPS}, then reinstall \
                 the app{}",
                match missing.contains(&EMAIL) {
                    true => "; until then people are guests who have not typed `/firstline link`",
                    false => "",
                }
            ),
        );
    }
    if settings.mode == SlackMode::Http && settings.signing_secret.is_none() {
        return Finding::bad(
            CHECK,
            format!(
                "{who} is installed, but slack.signing_secret is not set, so that every event is refused"
            ),
            format!("copy the Signing Secret from Basic Information at {APPS}"),
        );
    }
    Finding::good(CHECK, format!("installed as {who} with every scope it needs"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(secret: bool) -> config::Slack {
        let secret = if secret { "signing_secret = \"s\"" } else { "" };
        toml::from_str(&format!("bot_token = \"xoxb-1\"\n{secret}")).expect("settings")
    }

    fn granted(scopes: Option<&[&str]>) -> Granted {
        Granted {
            team: "Example".into(),
            team_id: "T1".into(),
            user: "firstline".into(),
            user_id: "UBOT".into(),
            scopes: scopes.map(|list| list.iter().map(|s| (*s).to_owned()).collect()),
        }
    }

    #[test]
    fn each_finding_says_what_mends_it() {
        let all: Vec<&str> = missing(&[]).iter().map(|scope| scope.name).collect();
        for (outcome, secret, state, says, mend) in [
            (Ok(granted(Some(&all))), true, State::Good, "every scope", ""),
            (Ok(granted(None)), true, State::Good, "every scope", ""),
            (Ok(granted(Some(&all))), false, State::Bad, "signing_secret", "Basic Information"),
            (Ok(granted(Some(&all[1..]))), true, State::Bad, all[0], "reinstall"),
            (
                Err(SlackError::Refused("invalid_auth".into())),
                true,
                State::Bad,
                "invalid_auth",
                "OAuth & Permissions",
            ),
            (
                Err(SlackError::Unknown("no answer".into())),
                true,
                State::Bad,
                "no answer",
                "network",
            ),
        ] {
            let finding = judge(outcome, &settings(secret));
            assert_eq!(finding.state, state, "{finding:?}");
            assert!(finding.found.contains(says), "{finding:?}");
            assert!(finding.mend.unwrap_or_default().contains(mend));
        }
    }
}
