//! Whether the Discord app is what the bot needs, and may do what it needs wherever it is.

use std::sync::Arc;

use serenity::model::Permissions;
use serenity::model::application::ApplicationFlags;

use super::{Finding, State};
use crate::config::{self, Config};
use crate::platform::discord::{
    App, CONTENT, Discord, DiscordError, Guild, link, missing, reads_content,
};
use crate::ports::{Clock, Store};

const CHECK: &str = "discord";
const APPS: &str = "https://discord.com/developers/applications";

pub(super) async fn discord(
    config: &Config,
    store: Option<&Store>,
    clock: Arc<dyn Clock>,
) -> Finding {
    let Some(settings) = &config.discord else {
        return Finding::skipped(
            CHECK,
            "off; docs/discord.md begins it, `firstline manifest discord` helps",
        );
    };
    let Some(store) = store else { return Finding::skipped(CHECK, "the database is needed") };
    let discord = match Discord::new(settings, config, store.clone(), clock) {
        Ok(discord) => discord,
        Err(e) => return Finding::bad(CHECK, format!("{e:#}"), "install ca-certificates"),
    };
    let found = the_app(discord.app().await, settings, config.reads_discord_channels());
    if found.state == State::Bad {
        return found;
    }
    the_servers(discord.guilds().await, settings, &found.found)
}

/// Compares the app with the configuration.
fn the_app(
    app: Result<App, DiscordError>,
    settings: &config::Discord,
    reads_channels: bool,
) -> Finding {
    let app = match app {
        Ok(app) => app,
        Err(e @ DiscordError::Refused { .. }) => {
            return Finding::bad(
                CHECK,
                format!("the bot's token is not taken: {e}"),
                format!("make a new one with Reset Token on the app's page Bot at {APPS}"),
            );
        }
        Err(e) => {
            return Finding::bad(CHECK, e.to_string(), "check the network and discord.api_url");
        }
    };
    let App { id, name, flags } = app;
    if id != settings.application_id {
        return Finding::bad(
            CHECK,
            format!("the token is of the app {name}, whose Application ID is {id}"),
            "correct discord.application_id, or take the token of the other app",
        );
    }
    if reads_channels && !reads_content(ApplicationFlags::from_bits_retain(flags)) {
        return Finding::bad(
            CHECK,
            format!(
                "{name} lacks the intent {}, so that in support channels it hears only what names \
                 it",
                CONTENT.name
            ),
            format!(
                "switch on Message Content Intent under Privileged Gateway Intents at \
                 {APPS}/{id}/bot, then start the service anew"
            ),
        );
    }
    Finding::good(CHECK, name)
}

/// Compares what the bot may do in each server with what is required.
fn the_servers(
    guilds: Result<Vec<Guild>, DiscordError>,
    settings: &config::Discord,
    app: &str,
) -> Finding {
    let guilds = match guilds {
        Ok(guilds) => guilds,
        Err(e) => {
            return Finding::bad(
                CHECK,
                format!("where {app} is cannot be told: {e}"),
                "run this again; check the network if it stays so",
            );
        }
    };
    let invitation = link(settings.application_id.parse().unwrap_or_default());
    if guilds.is_empty() {
        return Finding::bad(
            CHECK,
            format!("{app} is in no server"),
            format!("open {invitation} and choose yours"),
        );
    }
    let lacking = guilds.iter().filter_map(|guild| {
        let granted = Permissions::from_bits_retain(guild.permissions.parse().unwrap_or_default());
        let names: Vec<&str> = missing(granted).iter().map(|permission| permission.name).collect();
        (!names.is_empty()).then(|| format!("in {} it lacks {}", guild.name, names.join(", ")))
    });
    let lacking: Vec<String> = lacking.collect();
    if !lacking.is_empty() {
        return Finding::bad(
            CHECK,
            format!("{app} may not do what it needs: {}", lacking.join("; ")),
            format!(
                "open {invitation} again and choose that server, or grant them to its role under \
                 Server Settings > Roles"
            ),
        );
    }
    let many = guilds.len();
    let servers = if many == 1 { "1 server".to_owned() } else { format!("{many} servers") };
    Finding::good(CHECK, format!("{app} is in {servers} with every permission it needs"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> config::Discord {
        toml::from_str("token = \"t\"\napplication_id = \"42\"").expect("settings")
    }

    #[test]
    fn the_app_is_the_configured_one_and_reads_what_it_is_to_read() {
        let app =
            |id: &str, flags: u64| Ok(App { id: id.to_owned(), name: "Firstline".into(), flags });
        let refused = DiscordError::Refused { status: 401, code: 0, says: "no".into() };
        let content = 1 << 19;
        for (outcome, reads, state, says, mend) in [
            (app("42", content), true, State::Good, "Firstline", ""),
            (app("42", 0), false, State::Good, "Firstline", ""),
            (app("42", 0), true, State::Bad, "MESSAGE_CONTENT", "applications/42/bot"),
            (app("43", content), true, State::Bad, "43", "application_id"),
            (Err(refused), true, State::Bad, "not taken", "Reset Token"),
            (Err(DiscordError::Unknown("away".into())), true, State::Bad, "away", "network"),
        ] {
            let finding = the_app(outcome, &settings(), reads);
            assert_eq!(finding.state, state, "{finding:?}");
            assert!(finding.found.contains(says), "{finding:?}");
            assert!(finding.mend.as_deref().unwrap_or_default().contains(mend), "{finding:?}");
        }
    }

    #[test]
    fn each_server_is_named_with_what_is_missing() {
        let guild = |name: &str, permissions: u64| Guild {
            id: "1".into(),
            name: name.into(),
            permissions: permissions.to_string(),
        };
        // Administrator, and everything but Embed Links.
        let (all, some) = (1 << 3, !(1_u64 << 3 | 1 << 14));
        for (guilds, state, says, mend) in [
            (vec![guild("Acme", all)], State::Good, "1 server ", ""),
            (vec![guild("A", all), guild("B", all)], State::Good, "2 servers", ""),
            (vec![], State::Bad, "no server", "client_id=42"),
            (
                vec![guild("A", all), guild("B", some)],
                State::Bad,
                "in B it lacks Embed Links",
                "Roles",
            ),
        ] {
            let finding = the_servers(Ok(guilds), &settings(), "Firstline");
            assert_eq!(finding.state, state, "{finding:?}");
            assert!(finding.found.contains(says), "{finding:?}");
            assert!(finding.mend.as_deref().unwrap_or_default().contains(mend), "{finding:?}");
        }
        let limited = DiscordError::RateLimited(std::time::Duration::from_secs(1));
        assert_eq!(the_servers(Err(limited), &settings(), "F").state, State::Bad);
    }
}
