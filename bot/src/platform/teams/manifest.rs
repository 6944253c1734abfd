//! What the Teams app needs: the package an administrator uploads, with its manifest and
//! icons. Pure; it owns the list of commands and permissions.

mod icon;
#[cfg(test)]
mod tests;

use std::io::{Cursor, Write as _};

use firstline_core::words::BOT_NAME;
use serde_json::{Value, json};
use zip::write::SimpleFileOptions;

/// The command among the actions on a message.
pub(super) const FILE_TICKET: &str = "fileTicket";

/// Stands in the manifest while no public address is configured.
const PLACEHOLDER_URL: &str = "https://firstline.example.com";

const ACCENT: &str = "#1F4E79";

const SHORT: &str = "Answers from your own articles and files tickets with the right team.";

const FULL: &str = "Ask a question or say what is wrong: in a chat with the bot, by mentioning it, \
     or in a support channel. Firstline answers in the thread, from your organisation's own \
     articles, and names them. When that does not help, it files a ticket with the right team and \
     tells the ticket's state in the same thread. Any message can be made a ticket from its \
     menu. It runs on your organisation's own server.";

/// What a package is made for.
#[derive(Debug, Clone, Copy)]
pub struct Package<'a> {
    /// Of the bot in Entra ID, a GUID; the app has the same.
    pub app_id: &'a str,
    /// Of this software; Teams takes a package again only when it rises.
    pub version: &'a str,
    /// Where people reach the console.
    pub public_url: Option<&'a str>,
    /// Whether the bot is to hear what is said where it is a member without being mentioned.
    /// Teams delivers nothing but mentions from channels and group chats otherwise, so support
    /// channels in which the bot answers by itself need it. The owners of each team or chat
    /// consent when they add the app; an administrator can forbid it.
    /// <https://learn.microsoft.com/microsoftteams/platform/bots/how-to/conversations/channel-messages-with-rsc>
    pub hear_everything: bool,
}

/// Granted per team and per chat.
const HEARING: [&str; 2] = ["ChannelMessage.Read.Group", "ChatMessage.Read.Chat"];

/// The manifest by version 1.22 of its schema.
/// <https://developer.microsoft.com/json-schemas/teams/v1.22/MicrosoftTeams.schema.json>
fn manifest(package: &Package<'_>) -> Value {
    // Teams takes no address but by TLS.
    let url = package.public_url.map(|url| url.trim_end_matches('/'));
    let base = url.filter(|url| url.starts_with("https://")).unwrap_or(PLACEHOLDER_URL);
    let scopes = ["personal", "team", "groupChat"];
    let mut manifest = json!({
        "$schema":
            "https://developer.microsoft.com/json-schemas/teams/v1.22/MicrosoftTeams.schema.json",
        "manifestVersion": "1.22",
        "version": package.version,
        "id": package.app_id,
        "developer": {
            "name": BOT_NAME,
            "websiteUrl": base,
            "privacyUrl": base,
            "termsOfUseUrl": base,
        },
        "name": { "short": BOT_NAME, "full": format!("{BOT_NAME} help desk") },
        "description": { "short": SHORT, "full": FULL },
        "icons": { "color": "color.png", "outline": "outline.png" },
        "accentColor": ACCENT,
        "bots": [{
            "botId": package.app_id,
            "scopes": scopes,
            // Files sent to the bot come with an address they can be fetched from.
            "supportsFiles": true,
            "isNotificationOnly": false,
            "commandLists": [{
                "scopes": scopes,
                "commands": [
                    { "title": "help", "description": "What I can do" },
                    { "title": "my tickets", "description": "Your open tickets" },
                    { "title": "review", "description": "Tickets that wait for your review" },
                ],
            }],
        }],
        "composeExtensions": [{
            "botId": package.app_id,
            "commands": [{
                "id": FILE_TICKET,
                "type": "action",
                "title": "File a ticket",
                "description": "Files a ticket from this message",
                "context": ["message"],
                "fetchTask": true,
            }],
        }],
        "permissions": ["identity", "messageTeamMembers"],
        "validDomains": [host(base)],
        "defaultInstallScope": "personal",
    });
    if package.hear_everything {
        let hearing: Vec<Value> =
            HEARING.iter().map(|name| json!({ "name": name, "type": "Application" })).collect();
        manifest["authorization"] = json!({ "permissions": { "resourceSpecific": hearing } });
        // Consent is given to this application; the resource only has to be an address.
        manifest["webApplicationInfo"] = json!({ "id": package.app_id, "resource": base });
    }
    manifest
}

/// The app package: a zip file with the manifest and two icons, the same for the same settings.
///
/// # Errors
/// When the archive cannot be written, which in memory it can.
pub fn package(package: &Package<'_>) -> zip::result::ZipResult<Vec<u8>> {
    let manifest = serde_json::to_vec_pretty(&manifest(package)).map_err(std::io::Error::from)?;
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default();
    for (name, content) in [
        ("manifest.json", manifest),
        ("color.png", icon::color()),
        ("outline.png", icon::outline()),
    ] {
        archive.start_file(name, options)?;
        archive.write_all(&content)?;
    }
    Ok(archive.finish()?.into_inner())
}

/// `help.example.org` from `https://help.example.org:8443/bot`: domains are named without
/// a port.
fn host(base: &str) -> &str {
    let rest = base.split_once("://").map_or(base, |(_, rest)| rest);
    rest.split(['/', ':', '?', '#']).next().unwrap_or(rest)
}
