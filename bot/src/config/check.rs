//! What no type can refuse: values that would only fail later, each with its sentence.

use std::collections::HashSet;
use std::net::SocketAddr;

use firstline_core::chat::Platform;

use super::{Config, SlackMode, TeamsAuth, discord};

/// E-mail addresses are compared in lower case everywhere.
pub(super) fn normalise(config: &mut Config) {
    for group in &mut config.group {
        for member in &mut group.members {
            *member = member.trim().to_lowercase();
        }
    }
    for system in &mut config.system {
        for owner in &mut system.owners {
            *owner = owner.trim().to_lowercase();
        }
    }
}

/// The first problem as a sentence; the key is named in backticks.
pub(super) fn check(config: &Config) -> Result<(), String> {
    server(config)?;
    database(config)?;
    model(config)?;
    triage(config)?;
    groups(config)?;
    systems(config)?;
    sources(config)?;
    slack(config)?;
    teams(config)?;
    discord::check(config)?;
    for domain in &config.people.domains {
        refuse_if(domain.contains('@') || !domain.contains('.'), || {
            format!("`people.domains` holds {domain:?}; write a domain, as in \"example.com\".")
        })?;
    }
    if config.knowledge.stale_months == 0 {
        return Err("`knowledge.stale_months` must be at least 1.".into());
    }
    for channel in &config.channel {
        refuse_if(channel.id.trim().is_empty(), || "a `[[channel]]` has an empty `id`.".into())?;
        audience("channel.audience", &channel.audience)?;
        let known = Platform::parse(&channel.platform).is_some_and(Platform::is_foreign);
        refuse_if(!known, || {
            format!(
                "a `[[channel]]` is on \"{}\"; write \"slack\", \"teams\" or \"discord\".",
                channel.platform
            )
        })?;
    }
    Ok(())
}

pub(super) fn refuse_if(refused: bool, sentence: impl FnOnce() -> String) -> Result<(), String> {
    if refused { Err(sentence()) } else { Ok(()) }
}

fn server(config: &Config) -> Result<(), String> {
    let server = &config.server;
    listen("server.listen", &server.listen)?;
    if let Some(address) = &server.metrics_listen {
        listen("server.metrics_listen", address)?;
        refuse_if(*address == server.listen, || {
            "`server.metrics_listen` must be another address than `server.listen`; leave it out to \
             serve metrics there."
                .into()
        })?;
    }
    if let Some(url) = &server.public_url {
        web_address("server.public_url", url)?;
    }
    refuse_if(!(1..=64).contains(&server.workers), || {
        format!("`server.workers` must be between 1 and 64, not {}.", server.workers)
    })
}

fn listen(key: &str, address: &str) -> Result<(), String> {
    refuse_if(address.parse::<SocketAddr>().is_err(), || {
        format!("`{key}` must be an address and a port such as 127.0.0.1:8080, not \"{address}\".")
    })
}

pub(super) fn web_address(key: &str, url: &str) -> Result<(), String> {
    let good = reqwest::Url::parse(url)
        .is_ok_and(|u| matches!(u.scheme(), "http" | "https") && u.host_str().is_some());
    refuse_if(!good, || {
        format!("`{key}` must be an address that begins with http:// or https://, not \"{url}\".")
    })
}

fn database(config: &Config) -> Result<(), String> {
    let Some(url) = &config.database.url else { return Ok(()) };
    let known = ["sqlite:", "postgres://", "postgresql://"];
    // The address itself may hold a password, so it is not repeated.
    refuse_if(!known.iter().any(|k| url.starts_with(k)), || {
        "`database.url` must begin with sqlite: or postgres://.".into()
    })
}

fn model(config: &Config) -> Result<(), String> {
    let Some(model) = &config.model else { return Ok(()) };
    refuse_if(model.embeddings.as_ref().is_some_and(|f| f.as_os_str().is_empty()), || {
        "`model.embeddings` is empty; name the folder of a model, or leave it out.".into()
    })?;
    if model.base_url.is_empty() {
        let meant = !model.name.is_empty()
            || model.api_key.is_some()
            || model.api_key_file.is_some()
            || model.embeddings.is_none();
        return refuse_if(meant, || "`model.base_url` is missing; add it.".into());
    }
    web_address("model.base_url", &model.base_url)?;
    refuse_if(model.name.trim().is_empty(), || "`model.name` is empty.".into())?;
    refuse_if(model.timeout_s == 0, || "`model.timeout_s` must be at least 1.".into())?;
    refuse_if(model.concurrency == 0, || "`model.concurrency` must be at least 1.".into())?;
    let host = reqwest::Url::parse(&model.base_url)
        .ok()
        .and_then(|u| u.host_str().map(str::to_owned))
        .unwrap_or_default();
    let allowed = &config.privacy.destinations;
    refuse_if(!allowed.is_empty() && !allowed.contains(&host), || {
        format!(
            "`model.base_url` leads to {host}, which `privacy.destinations` does not list; add it \
             there or choose a model on a listed host."
        )
    })
}

fn slack(config: &Config) -> Result<(), String> {
    let Some(slack) = &config.slack else { return Ok(()) };
    web_address("slack.api_url", &slack.api_url)?;
    let token = slack.bot_token.as_deref().unwrap_or_default();
    refuse_if(!token.starts_with("xoxb-"), || {
        "`slack.bot_token` must be the bot's token, which begins with xoxb-; it is on the app's \
         page OAuth & Permissions once the app is installed."
            .into()
    })?;
    let app_token = slack.app_token.as_deref().unwrap_or_default();
    refuse_if(slack.mode == SlackMode::Socket && !app_token.starts_with("xapp-"), || {
        "`slack.app_token` must be an app-level token, which begins with xapp-; Socket Mode needs \
         one with connections:write, from the app's page Basic Information."
            .into()
    })?;
    refuse_if(slack.ticket_emoji.trim_matches(':').is_empty(), || {
        "`slack.ticket_emoji` is empty; name an emoji, as in \"ticket\".".into()
    })?;
    refuse_if(slack.signing_secret.as_ref().is_some_and(|s| s.trim().is_empty()), || {
        "`slack.signing_secret` is empty; copy it from the app's page Basic Information, or leave \
         it out until you have it."
            .into()
    })
}

fn teams(config: &Config) -> Result<(), String> {
    let Some(teams) = &config.teams else { return Ok(()) };
    for (key, id) in [("app_id", &teams.app_id), ("tenant_id", &teams.tenant_id)] {
        // Activities name their tenant by its GUID, so a domain would never match.
        refuse_if(uuid::Uuid::try_parse(id).is_err(), || {
            format!(
                "`teams.{key}` must be a GUID such as 00000000-0000-0000-0000-000000000000, as the \
                 overview of the bot's app registration shows it."
            )
        })?;
    }
    for (key, url) in [
        ("teams.openid_metadata_url", &teams.openid_metadata_url),
        ("teams.token_url", &teams.token_url),
        ("teams.graph_url", &teams.graph_url),
    ] {
        if let Some(url) = url {
            web_address(key, url)?;
        }
    }
    let password = teams.app_password.as_deref().unwrap_or_default().trim();
    refuse_if(teams.auth == TeamsAuth::Jwt && password.is_empty(), || {
        "`teams.app_password` is missing; it is a client secret of the bot's app registration, \
         under Certificates & secrets."
            .into()
    })
}

fn triage(config: &Config) -> Result<(), String> {
    let policy = &config.triage;
    for (key, value) in [
        ("answer_at", policy.answer_at),
        ("clarify_below", policy.clarify_below),
        ("silent_at", policy.silent_at),
        ("duplicate_at", policy.duplicate_at),
        ("attach_at", policy.attach_at),
    ] {
        refuse_if(!(0.0..=1.0).contains(&value), || {
            format!("`triage.{key}` is a probability between 0 and 1, not {value}.")
        })?;
    }
    Ok(())
}

fn groups(config: &Config) -> Result<(), String> {
    let mut names = HashSet::new();
    for group in &config.group {
        let name = &group.name;
        refuse_if(name.trim().is_empty(), || "a `[[group]]` has an empty `name`.".into())?;
        refuse_if(matches!(name.as_str(), "everyone" | "public"), || {
            format!("the group name \"{name}\" is reserved; everybody is in it already.")
        })?;
        refuse_if(!names.insert(name), || format!("the group \"{name}\" is there twice."))?;
        for member in &group.members {
            address(&format!("the group \"{name}\""), member)?;
        }
    }
    Ok(())
}

fn address(place: &str, email: &str) -> Result<(), String> {
    let good = email.split_once('@').is_some_and(|(user, host)| {
        !user.is_empty() && !host.is_empty() && !email.contains(char::is_whitespace)
    });
    refuse_if(!good, || format!("{place} names \"{email}\", which is not an e-mail address."))
}

fn systems(config: &Config) -> Result<(), String> {
    let mut names = HashSet::new();
    for system in &config.system {
        let name = &system.name;
        refuse_if(name.trim().is_empty(), || "a `[[system]]` has an empty `name`.".into())?;
        for word in std::iter::once(name).chain(&system.aliases) {
            refuse_if(!names.insert(word.to_lowercase()), || {
                format!("two systems answer to \"{word}\"; each name and alias must be used once.")
            })?;
        }
        for owner in &system.owners {
            address(&format!("the system \"{name}\""), owner)?;
        }
        if let Some(url) = &system.status_url {
            web_address("system.status_url", url)?;
        }
    }
    Ok(())
}

fn sources(config: &Config) -> Result<(), String> {
    let mut names = HashSet::new();
    for source in &config.source {
        let name = &source.name;
        refuse_if(name.trim().is_empty(), || "a `[[source]]` has an empty `name`.".into())?;
        refuse_if(!names.insert(name), || format!("the source \"{name}\" is there twice."))?;
        refuse_if(source.kind != "folder", || {
            format!(
                "the source \"{name}\" has the kind \"{}\"; this version reads \"folder\".",
                source.kind
            )
        })?;
        audience(&format!("source \"{name}\": audience"), &source.audience)?;
    }
    Ok(())
}

fn audience(key: &str, name: &str) -> Result<(), String> {
    refuse_if(name.trim().is_empty(), || {
        format!("`{key}` is empty; name a group, or \"everyone\".")
    })
}
