//! Whether the Teams bot can be reached and can answer.

use std::sync::Arc;

use super::Finding;
use crate::config::{Config, TeamsAuth};
use crate::platform::teams::{Teams, TeamsError};
use crate::ports::{Clock, Store};

const CHECK: &str = "teams";
const PORTAL: &str = "https://portal.azure.com";

/// Tries the app's password and the published keys, and says whether anything came yet.
pub(super) async fn teams(
    config: &Config,
    store: Option<&Store>,
    clock: Arc<dyn Clock>,
) -> Finding {
    let Some(settings) = &config.teams else {
        return Finding::skipped(CHECK, "off; docs/teams.md begins it");
    };
    let Some(store) = store else { return Finding::skipped(CHECK, "the database is needed") };
    if settings.auth == TeamsAuth::None {
        return Finding::bad(
            CHECK,
            "auth is \"none\": anybody is believed to be anybody",
            "remove `teams.auth` unless an emulator on this machine is all there is",
        );
    }
    let (public_url, now) = (config.server.public_url.clone(), clock.now());
    let teams = match Teams::new(settings, config, store.clone(), clock) {
        Ok(teams) => teams,
        Err(e) => return Finding::bad(CHECK, format!("{e:#}"), "install ca-certificates"),
    };
    if let Some(finding) = refused(teams.check(now / 1000).await) {
        return finding;
    }
    if !public_url.as_deref().is_some_and(|url| url.starts_with("https://")) {
        return Finding::bad(
            CHECK,
            "server.public_url is not an https address, and Teams sends to no other",
            format!(
                "put a proxy with TLS in front, set it, and name it with /api/messages as the \
                 bot's messaging endpoint at {PORTAL}"
            ),
        );
    }
    match teams.was_reached().await {
        Ok(true) => Finding::good(CHECK, "the app's password is good, and Teams has been here"),
        Ok(false) => Finding::bad(
            CHECK,
            "the app's password is good, but nothing has come from Teams yet",
            format!(
                "check the messaging endpoint under the bot's Configuration at {PORTAL}, upload \
                 the package of `firstline manifest teams`, and write to the bot"
            ),
        ),
        Err(error) => Finding::bad(CHECK, error.to_string(), "see the finding about the database"),
    }
}

/// What is wrong with an attempt to reach Microsoft; nothing when nothing is.
fn refused(tried: Result<(), TeamsError>) -> Option<Finding> {
    let error = tried.err()?;
    let mend = match &error {
        TeamsError::Token(_) => format!(
            "make a new client secret under Certificates & secrets of the app registration at \
             {PORTAL}, and compare teams.app_id and teams.tenant_id with its Overview"
        ),
        _ => "check the network, teams.openid_metadata_url and teams.token_url".to_owned(),
    };
    Some(Finding::bad(CHECK, error.to_string(), mend))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refusal_says_what_mends_it() {
        assert!(refused(Ok(())).is_none());
        for (error, mend) in [
            (TeamsError::Token("invalid_client".into()), "client secret"),
            (TeamsError::Unknown("no answer".into()), "network"),
        ] {
            let finding = refused(Err(error)).expect("a finding");
            assert!(finding.mend.unwrap_or_default().contains(mend));
        }
    }
}
