//! What the Slack app needs: the manifest an administrator pastes into Slack's pages, and
//! the scopes that `doctor` compares with those granted. Pure; it owns the list of both.

use firstline_core::words::BOT_NAME;
use serde_json::{Value, json};

use super::assistant;
use super::render::{FILE, FILE_FROM_MESSAGE};
use crate::config::SlackMode;

/// Where Slack delivers, below the public address.
pub(super) const EVENTS_PATH: &str = "/slack/events";
pub(super) const INTERACTIONS_PATH: &str = "/slack/interactions";
pub(super) const COMMANDS_PATH: &str = "/slack/commands";

/// The slash command.
pub(super) const COMMAND: &str = "/firstline";

/// Stands in the manifest while no public address is configured.
pub(super) const PLACEHOLDER_URL: &str = "https://firstline.example.com";

const DESCRIPTION: &str =
    "Answers questions from your organisation's articles and files tickets with the right team.";

const LONG_DESCRIPTION: &str = "Ask a question or say what is wrong: in a direct message, by \
     mentioning the bot, or in a support channel. Firstline answers in the thread, from your \
     organisation's own articles, and names them. When that does not help, it files a ticket with \
     the right team and tells the ticket's state in the same thread. It runs on your \
     organisation's own server.";

/// A permission of the bot's token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scope {
    pub name: &'static str,
    /// What the bot can do because of it.
    pub why: &'static str,
}

/// Every scope the bot needs, and no other.
pub(super) const SCOPES: &[Scope] = &[
    Scope { name: "app_mentions:read", why: "Messages that mention the bot reach it." },
    Scope {
        name: "assistant:write",
        why: "The bot offers prompts to begin with and shows that an answer is coming.",
    },
    Scope {
        name: "channels:history",
        why: "Messages in public channels the bot is in reach it, and it finds its own replies \
              there again.",
    },
    Scope {
        name: "channels:read",
        why: "The bot sees which public channels it is in, to read what was said while it was \
              away.",
    },
    Scope { name: "chat:write", why: "The bot writes its answers and what becomes of tickets." },
    Scope { name: "commands", why: "People can type /firstline." },
    Scope { name: "files:read", why: "Files and screenshots are attached to the ticket." },
    Scope {
        name: "groups:history",
        why: "Messages in private channels the bot is in reach it, and it finds its own replies \
              there again.",
    },
    Scope {
        name: "groups:read",
        why: "The bot sees which private channels it is in, to read what was said while it was \
              away.",
    },
    Scope {
        name: "im:history",
        why: "Direct messages to the bot reach it, and it finds its own replies there again.",
    },
    Scope {
        name: "im:read",
        why: "The bot sees who has written to it, to read what was said while it was away.",
    },
    Scope {
        name: "im:write",
        why: "The bot opens a direct message to answer those who type /firstline.",
    },
    Scope {
        name: "mpim:history",
        why: "Messages in group conversations the bot is in reach it, and it finds its own \
              replies there again.",
    },
    Scope {
        name: "mpim:read",
        why: "The bot sees which group conversations it is in, to read what was said while it \
              was away.",
    },
    Scope { name: "reactions:read", why: "An emoji under a message makes a ticket of it." },
    Scope {
        name: "users:read",
        why: "The bot sees a sender's name, and whether it is a guest, a bot or somebody of \
              another organisation.",
    },
    Scope {
        name: "users:read.email",
        why: "The bot sees a sender's e-mail address, by which people are matched.",
    },
];

/// The events the bot subscribes to.
pub(super) const EVENTS: &[&str] = &[
    "app_home_opened",
    "app_mention",
    "message.channels",
    "message.groups",
    "message.im",
    "message.mpim",
    "reaction_added",
];

/// The app manifest: with the addresses below `public_url`, or with none for Socket Mode.
pub fn manifest(public_url: Option<&str>, mode: SlackMode) -> Value {
    let mut manifest = over_http(public_url);
    if mode == SlackMode::Socket {
        manifest["settings"]["socket_mode_enabled"] = true.into();
        for pointer in [
            "/settings/event_subscriptions",
            "/settings/interactivity",
            "/features/slash_commands/0",
        ] {
            let part = manifest.pointer_mut(pointer).and_then(Value::as_object_mut);
            if let Some(part) = part {
                part.retain(|name, _| !matches!(name.as_str(), "request_url" | "url"));
            }
        }
    }
    manifest
}

fn over_http(public_url: Option<&str>) -> Value {
    let base = public_url.unwrap_or(PLACEHOLDER_URL).trim_end_matches('/');
    let scopes: Vec<&str> = SCOPES.iter().map(|scope| scope.name).collect();
    json!({
        "display_information": {
            "name": BOT_NAME,
            "description": DESCRIPTION,
            "long_description": LONG_DESCRIPTION,
        },
        "features": {
            "app_home": {
                "home_tab_enabled": true,
                "messages_tab_enabled": true,
                "messages_tab_read_only_enabled": false,
            },
            // New apps have this in place of the assistant's view
            // (https://docs.slack.dev/ai/migrating-to-agent-messaging/).
            "agent_view": {
                "agent_description": DESCRIPTION,
                "suggested_prompts": assistant::prompts(),
            },
            "bot_user": { "display_name": BOT_NAME, "always_online": true },
            "shortcuts": [
                {
                    "type": "global",
                    "name": "File a ticket",
                    "callback_id": FILE,
                    "description": "Say in a form what is wrong or what you need",
                },
                {
                    "type": "message",
                    "name": "File a ticket",
                    "callback_id": FILE_FROM_MESSAGE,
                    "description": "Make a ticket of this message",
                },
            ],
            "slash_commands": [{
                "command": COMMAND,
                "url": format!("{base}{COMMANDS_PATH}"),
                "description": "Ask a question or say what is wrong",
                "usage_hint": "how do I renew my VPN certificate?",
                "should_escape": false,
            }],
        },
        "oauth_config": { "scopes": { "bot": scopes } },
        "settings": {
            "event_subscriptions": {
                "request_url": format!("{base}{EVENTS_PATH}"),
                "bot_events": EVENTS,
            },
            "interactivity": {
                "is_enabled": true,
                "request_url": format!("{base}{INTERACTIONS_PATH}"),
            },
            "org_deploy_enabled": false,
            "socket_mode_enabled": false,
            "token_rotation_enabled": false,
        },
    })
}

/// The scopes the bot needs and was not granted, in the order of [`SCOPES`].
pub fn missing(granted: &[&str]) -> Vec<&'static Scope> {
    SCOPES.iter().filter(|scope| !granted.iter().any(|name| name.trim() == scope.name)).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn text<'a>(manifest: &'a Value, pointer: &str) -> &'a str {
        manifest.pointer(pointer).and_then(Value::as_str).expect(pointer)
    }

    #[test]
    fn addresses_lie_below_the_public_one() {
        for (public_url, base) in [
            (None, "https://firstline.example.com"),
            (Some("https://help.example.org"), "https://help.example.org"),
            (Some("https://help.example.org/"), "https://help.example.org"),
            (Some("https://example.org/bot"), "https://example.org/bot"),
        ] {
            let manifest = over_http(public_url);
            for (pointer, path) in [
                ("/settings/event_subscriptions/request_url", "/slack/events"),
                ("/settings/interactivity/request_url", "/slack/interactions"),
                ("/features/slash_commands/0/url", "/slack/commands"),
            ] {
                assert_eq!(text(&manifest, pointer), format!("{base}{path}"), "{public_url:?}");
            }
        }
    }

    /// The lengths are those of Slack's published schema for manifests.
    #[test]
    fn texts_keep_to_slacks_limits() {
        let manifest = over_http(None);
        for (pointer, limits) in [
            ("/display_information/name", 1..=35),
            ("/display_information/description", 1..=140),
            ("/display_information/long_description", 175..=4000),
            ("/features/agent_view/agent_description", 1..=300),
            ("/features/shortcuts/0/name", 1..=24),
            ("/features/shortcuts/0/description", 1..=150),
            ("/features/shortcuts/1/name", 1..=24),
            ("/features/shortcuts/1/description", 1..=150),
            ("/features/bot_user/display_name", 1..=80),
            ("/features/slash_commands/0/command", 2..=32),
            ("/features/slash_commands/0/description", 1..=2000),
            ("/features/slash_commands/0/usage_hint", 1..=1000),
        ] {
            let length = text(&manifest, pointer).chars().count();
            assert!(limits.contains(&length), "{pointer} has {length} characters");
        }
    }

    #[test]
    fn direct_messages_can_be_written_and_buttons_pressed() {
        let manifest = over_http(None);
        for (pointer, expected) in [
            ("/features/app_home/home_tab_enabled", true),
            ("/features/app_home/messages_tab_enabled", true),
            ("/features/app_home/messages_tab_read_only_enabled", false),
            ("/settings/interactivity/is_enabled", true),
            ("/settings/org_deploy_enabled", false),
            ("/settings/socket_mode_enabled", false),
            ("/settings/token_rotation_enabled", false),
        ] {
            assert_eq!(manifest.pointer(pointer), Some(&json!(expected)), "{pointer}");
        }
    }

    #[test]
    fn every_event_and_the_command_have_their_scope() {
        let manifest = over_http(None);
        let scopes = manifest.pointer("/oauth_config/scopes/bot").expect("scopes");
        let scopes: HashSet<&str> =
            scopes.as_array().expect("a list").iter().filter_map(Value::as_str).collect();
        assert_eq!(scopes.len(), SCOPES.len(), "no scope is there twice");
        for event in EVENTS {
            let needed = match *event {
                // Slack tells of these without a permission of their own.
                "app_home_opened" => "chat:write",
                "app_mention" => "app_mentions:read",
                "reaction_added" => "reactions:read",
                "message.channels" => "channels:history",
                "message.groups" => "groups:history",
                "message.im" => "im:history",
                "message.mpim" => "mpim:history",
                other => panic!("{other} has no known scope"),
            };
            assert!(scopes.contains(needed), "{event} needs {needed}");
        }
        assert!(scopes.contains("commands"));
        assert_eq!(
            manifest.pointer("/settings/event_subscriptions/bot_events"),
            Some(&json!(EVENTS))
        );
        assert_eq!(text(&manifest, "/features/slash_commands/0/command"), "/firstline");
    }

    #[test]
    fn socket_mode_needs_no_address() {
        let manifest = manifest(Some("https://help.example.org"), SlackMode::Socket);
        assert_eq!(manifest.pointer("/settings/socket_mode_enabled"), Some(&json!(true)));
        assert!(!manifest.to_string().contains("help.example.org"), "{manifest}");
        assert_eq!(text(&manifest, "/features/slash_commands/0/command"), "/firstline");
    }

    #[test]
    fn every_scope_says_why() {
        for scope in SCOPES {
            assert!(scope.why.ends_with('.') && !scope.why.contains("  "), "{}", scope.name);
        }
    }

    #[test]
    fn missing_names_what_was_not_granted() {
        let all: Vec<&str> = SCOPES.iter().map(|scope| scope.name).collect();
        let most: Vec<&str> =
            all.iter().copied().filter(|name| !name.starts_with("users:")).collect();
        let padded: Vec<String> = all.iter().map(|name| format!(" {name}")).collect();
        let padded: Vec<&str> = padded.iter().map(String::as_str).collect();
        let more: Vec<&str> = all.iter().copied().chain(["stars:read"]).collect();
        let similar: Vec<&str> = all
            .iter()
            .map(|name| if *name == "users:read" { "users:read.email" } else { name })
            .collect();
        for (case, granted, expected) in [
            ("all", &all, vec![]),
            ("all, after commas with spaces", &padded, vec![]),
            ("more than needed", &more, vec![]),
            ("nothing", &vec![], all.clone()),
            ("neither of two", &most, vec!["users:read", "users:read.email"]),
            ("one that begins like another", &similar, vec!["users:read"]),
        ] {
            let found: Vec<&str> = missing(granted).iter().map(|scope| scope.name).collect();
            assert_eq!(found, expected, "{case}");
        }
    }
}
