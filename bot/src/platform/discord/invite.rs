//! What the Discord app needs: the link by which an administrator invites the bot, and the
//! permissions and intents that `doctor` compares with those granted. Pure; it owns the lists.

use serenity::model::Permissions;
use serenity::model::application::ApplicationFlags;
use serenity::model::gateway::GatewayIntents;

/// A permission of the bot in a server
/// (<https://docs.discord.com/developers/topics/permissions>).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permission {
    /// As Discord's settings word it.
    pub name: &'static str,
    pub bits: Permissions,
    /// What the bot can do because of it.
    pub why: &'static str,
}

/// Every permission the bot needs, and no other: it mentions nobody at large, reacts to nothing,
/// sends no files and manages neither messages nor people.
pub const PERMISSIONS: &[Permission] = &[
    Permission {
        name: "View Channels",
        bits: Permissions::VIEW_CHANNEL,
        why: "Messages in the channels the bot is in reach it.",
    },
    Permission {
        name: "Send Messages",
        bits: Permissions::SEND_MESSAGES,
        why: "The bot writes its answers where no thread can be.",
    },
    Permission {
        name: "Create Public Threads",
        bits: Permissions::CREATE_PUBLIC_THREADS,
        why: "Each question in a channel gets a thread of its own.",
    },
    Permission {
        name: "Send Messages in Threads",
        bits: Permissions::SEND_MESSAGES_IN_THREADS,
        why: "The bot writes its answers, and what becomes of tickets, in threads.",
    },
    Permission {
        name: "Embed Links",
        bits: Permissions::EMBED_LINKS,
        why: "The sources of an answer stand in a frame below it.",
    },
    Permission {
        name: "Read Message History",
        bits: Permissions::READ_MESSAGE_HISTORY,
        why: "The bot can reply to a message, and reads what was said while it was away.",
    },
];

/// A kind of events the bot is sent
/// (<https://docs.discord.com/developers/events/gateway#gateway-intents>).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Intent {
    /// As Discord's documentation names it.
    pub name: &'static str,
    pub bits: GatewayIntents,
    /// What the bot can do because of it.
    pub why: &'static str,
}

/// What the bot needs wherever it is.
pub const INTENTS: &[Intent] = &[
    Intent {
        name: "GUILDS",
        bits: GatewayIntents::GUILDS,
        why: "The bot knows which channels are threads, and of which channel or forum.",
    },
    Intent {
        name: "GUILD_MESSAGES",
        bits: GatewayIntents::GUILD_MESSAGES,
        why: "Messages in a server's channels reach the bot.",
    },
    Intent {
        name: "DIRECT_MESSAGES",
        bits: GatewayIntents::DIRECT_MESSAGES,
        why: "Direct messages to the bot reach it.",
    },
];

/// What it needs to read messages that do not name it, in support channels. An administrator
/// switches it on in the app's settings; Discord ends the connection of an app that asks for it
/// and was not granted it.
pub const CONTENT: Intent = Intent {
    name: "MESSAGE_CONTENT",
    bits: GatewayIntents::MESSAGE_CONTENT,
    why: "The bot reads questions in support channels that do not name it.",
};

/// The link that invites the app of this id, with its commands, into a server.
pub fn link(client_id: u64) -> String {
    let permissions = needed().bits();
    format!(
        "https://discord.com/oauth2/authorize?client_id={client_id}\
         &scope=bot+applications.commands&permissions={permissions}"
    )
}

fn needed() -> Permissions {
    PERMISSIONS.iter().fold(Permissions::empty(), |all, permission| all | permission.bits)
}

/// The permissions the bot needs and was not granted, in the order of [`PERMISSIONS`]. Whoever
/// may administrate may do everything.
pub fn missing(granted: Permissions) -> Vec<&'static Permission> {
    let all = granted.contains(Permissions::ADMINISTRATOR);
    let lacks = |permission: &&Permission| !all && !granted.contains(permission.bits);
    PERMISSIONS.iter().filter(lacks).collect()
}

/// The intents to connect with. `content`: there are support channels, and [`reads_content`].
pub(super) fn intents(content: bool) -> GatewayIntents {
    let always = INTENTS.iter().fold(GatewayIntents::empty(), |all, intent| all | intent.bits);
    if content { always | CONTENT.bits } else { always }
}

/// Whether an app with these flags (GET `/applications/@me`) was granted [`CONTENT`]: by
/// review, or, in fewer than a hundred servers, by its own settings.
pub fn reads_content(flags: ApplicationFlags) -> bool {
    flags.intersects(
        ApplicationFlags::GATEWAY_MESSAGE_CONTENT
            | ApplicationFlags::GATEWAY_MESSAGE_CONTENT_LIMITED,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers are those of Discord's documentation.
    #[test]
    fn the_link_asks_for_what_is_needed() {
        let bits = (1 << 10) | (1 << 11) | (1 << 14) | (1 << 16) | (1_u64 << 35) | (1_u64 << 38);
        assert_eq!(
            link(42),
            format!(
                "https://discord.com/oauth2/authorize?client_id=42&scope=bot+applications.commands&permissions={bits}"
            )
        );
        assert!(!needed().intersects(Permissions::ADMINISTRATOR | Permissions::MENTION_EVERYONE));
    }

    #[test]
    fn missing_names_what_was_not_granted() {
        let names = |granted: Permissions| -> Vec<&str> {
            missing(granted).iter().map(|permission| permission.name).collect()
        };
        let all: Vec<&str> = PERMISSIONS.iter().map(|permission| permission.name).collect();
        for (case, granted, expected) in [
            ("all", needed(), vec![]),
            ("more than needed", needed() | Permissions::ADD_REACTIONS, vec![]),
            ("administrator", Permissions::ADMINISTRATOR, vec![]),
            ("nothing", Permissions::empty(), all),
            (
                "something else",
                Permissions::CREATE_PRIVATE_THREADS | (needed() - Permissions::EMBED_LINKS),
                vec!["Embed Links"],
            ),
        ] {
            assert_eq!(names(granted), expected, "{case}");
        }
    }

    #[test]
    fn only_support_channels_need_the_privileged_intent() {
        assert_eq!(intents(false).bits(), 1 | (1 << 9) | (1 << 12));
        assert!(!intents(false).is_privileged());
        assert_eq!(intents(true).bits() - intents(false).bits(), 1 << 15);
    }

    #[test]
    fn the_apps_flags_tell_whether_it_was_granted() {
        for (flags, granted) in [
            (0, false),
            (1 << 18, true),
            (1 << 19, true),
            ((1 << 12) | (1 << 14), false),
            ((1 << 19) | (1 << 23), true),
        ] {
            assert_eq!(
                reads_content(ApplicationFlags::from_bits_retain(flags)),
                granted,
                "{flags}"
            );
        }
    }

    #[test]
    fn everything_says_why() {
        let whys = PERMISSIONS.iter().map(|permission| permission.why);
        let intents = INTENTS.iter().chain([&CONTENT]).map(|intent| intent.why);
        for why in whys.chain(intents) {
            assert!(why.ends_with('.') && !why.contains("  "), "{why}");
        }
    }
}
