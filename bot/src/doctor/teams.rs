//! Whether the Teams bot can be reached and can answer.

use std::sync::Arc;

use super::Finding;
use crate::config::{Config, TeamsAuth};
use crate::platform::teams::{Readable, Teams, TeamsError};
use crate::ports::{Clock, Store};

const CHECK: &str = "teams";
const PORTAL: &str = "https://portal.azure.com";
const ADMIN: &str = "https://admin.teams.microsoft.com";
const HERE: &str = "the app's password is good, and Teams has been here";

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
        Ok(true) => missed(teams.readable().await),
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

/// Whether what is missed while the service is down can be read, which is for the administrator to
/// choose.
fn missed(readable: anyhow::Result<Option<Readable>>) -> Finding {
    let consent = format!(
        "to have it read, upload the package of `firstline manifest teams --hear-everything` at \
         {ADMIN} and add the app to the team or chat anew, or grant the application permissions \
         ChannelMessage.Read.All and Chat.Read.All of Microsoft Graph under API permissions at \
         {PORTAL}"
    );
    match readable {
        Ok(Some(Readable { known: 0, .. })) => Finding::good(
            CHECK,
            format!(
                "{HERE}; whether what is missed can be read shows once Teams has told of \
                 something in a team or a chat with several people"
            ),
        ),
        Ok(Some(Readable { known, readable })) => {
            let found = format!(
                "{HERE}; what is missed while the service is down can be read in {readable} of \
                 {known} teams and chats with several people"
            );
            match readable < known {
                true => Finding::could(CHECK, found, consent),
                false => Finding::good(CHECK, found),
            }
        }
        Ok(None) => Finding::could(
            CHECK,
            format!("{HERE}; what is missed while the service is down is not read"),
            "name your cloud's Microsoft Graph in teams.graph_url, beside teams.token_url",
        ),
        Err(error) => Finding::could(
            CHECK,
            format!("{HERE}; whether what is missed can be read is not known: {error:#}"),
            "check the network and teams.graph_url",
        ),
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
    fn what_cannot_be_read_is_a_note_and_no_fault() {
        let of = |known, readable| Ok(Some(Readable { known, readable }));
        for (readable, found, note) in [
            (of(0, 0), "once Teams has told", ""),
            (of(3, 3), "3 of 3 teams", ""),
            (of(3, 1), "1 of 3 teams", "--hear-everything"),
            (Ok(None), "is not read", "teams.graph_url"),
            (Err(anyhow::anyhow!("no answer")), "no answer", "network"),
        ] {
            let finding = missed(readable);
            assert_eq!(finding.state, super::super::State::Good);
            assert!(finding.found.contains(found), "{}", finding.found);
            let said = finding.mend.unwrap_or_default();
            assert!(said.contains(note) && said.is_empty() == note.is_empty(), "{said}");
        }
    }

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
