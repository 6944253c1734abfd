//! Users, members, channels and the guild as Discord writes them.

use serde_json::{Value, json};

use super::world::{World, channel_kinds, intents, stamp};
use super::{FakeDiscord, id_of, text_of, with};

/// Between the ids of one guild and those of the next.
const OTHER: u64 = 1_000_000;
const ADMINISTRATOR: u64 = 1 << 3;
/// Every permission there is.
const EVERYTHING: u64 = (1 << 50) - 1;

impl World {
    /// Nobody's address is in it.
    pub(super) fn user(&self, id: u64) -> Value {
        let user = self.users.get(&id);
        let named = |user: &super::User| user.username.clone();
        json!({
            "id": id.to_string(), "username": user.map_or_else(|| "deleted_user".into(), named),
            "global_name": user.and_then(|it| it.global_name.clone()), "discriminator": "0",
            "avatar": null, "bot": user.is_some_and(|it| it.bot), "public_flags": 0,
        })
    }

    /// The bot, as only it sees itself.
    pub(super) fn me(&self) -> Value {
        let more = json!({"verified": true, "mfa_enabled": true, "email": null, "flags": 0});
        with(self.user(FakeDiscord::BOT_USER), more)
    }

    pub(super) fn application(&self) -> Value {
        let (id, flags) = (FakeDiscord::APPLICATION.to_string(), self.application_flags);
        json!({"id": id, "flags": flags})
    }

    /// A member without the user; for a stranger, `Null`.
    pub(super) fn member(&self, user: u64) -> Value {
        let Some(roles) = self.members.get(&user) else { return Value::Null };
        json!({
            "roles": roles.iter().map(u64::to_string).collect::<Vec<_>>(), "nick": null,
            "avatar": null, "joined_at": stamp(FakeDiscord::GUILD), "premium_since": null,
            "deaf": false, "mute": false, "flags": 0, "pending": false,
            "communication_disabled_until": null,
        })
    }

    pub(super) fn full_member(&self, user: u64) -> Value {
        with(self.member(user), json!({"user": self.user(user)}))
    }

    /// What a member may do; no channel of this guild overwrites it.
    pub(super) fn permissions(&self, user: u64) -> u64 {
        let own = self.members.get(&user).into_iter().flatten();
        let roles = own.chain([&FakeDiscord::GUILD]).filter_map(|id| self.roles.get(id));
        let all = roles.fold(0, |all, (_, permissions)| all | permissions);
        let may_all = user == FakeDiscord::OWNER || all & ADMINISTRATOR != 0;
        if may_all { EVERYTHING } else { all }
    }

    pub(super) fn channel(&self, id: u64) -> Value {
        let channel = &self.channels[&id];
        let last = channel.messages.iter().rfind(|m| !m.ephemeral()).map(|m| m.id.to_string());
        let shown = json!({
            "id": id.to_string(), "type": channel.kind, "last_message_id": last, "flags": 0,
        });
        if channel.is_direct() {
            return with(shown, json!({"recipients": [self.user(channel.person)]}));
        }
        let shown = with(
            shown,
            json!({
                "guild_id": FakeDiscord::GUILD.to_string(), "name": channel.name,
                "parent_id": channel.parent.map(|it| it.to_string()), "rate_limit_per_user": 0,
            }),
        );
        match channel.kind {
            channel_kinds::PUBLIC_THREAD | channel_kinds::PRIVATE_THREAD => {
                let count = channel.messages.len();
                let thread = json!({
                    "owner_id": channel.person.to_string(), "message_count": count,
                    "total_message_sent": count, "member_count": 1, "applied_tags": [],
                    "thread_metadata": {
                        "archived": false, "auto_archive_duration": 1440, "locked": false,
                        "archive_timestamp": stamp(id), "create_timestamp": stamp(id),
                    },
                });
                with(shown, thread)
            }
            _ => {
                let rest = json!({
                    "position": 0, "permission_overwrites": [], "nsfw": false, "topic": null,
                    "available_tags": [],
                });
                with(shown, rest)
            }
        }
    }

    /// Threads or, without them, what is above.
    pub(super) fn guild_channels(&self, threads: bool) -> Vec<Value> {
        let all = self.channels.values().filter(|it| !it.is_direct());
        all.filter(|it| it.parent.is_some() == threads).map(|it| self.channel(it.id)).collect()
    }

    pub(super) fn guild(&self) -> Value {
        let roles = self.roles.iter().map(|(id, (name, permissions))| {
            json!({
                "id": id.to_string(), "name": name, "permissions": permissions.to_string(),
                "color": 0, "hoist": false, "managed": false, "mentionable": false,
                "position": u8::from(*id != FakeDiscord::GUILD), "flags": 0,
                "colors": {"primary_color": 0, "secondary_color": null, "tertiary_color": null},
            })
        });
        json!({
            "id": FakeDiscord::GUILD.to_string(), "name": "Acme", "icon": null, "splash": null,
            "discovery_splash": null, "owner_id": FakeDiscord::OWNER.to_string(),
            "afk_channel_id": null, "afk_timeout": 300, "verification_level": 1,
            "default_message_notifications": 1, "explicit_content_filter": 0, "mfa_level": 0,
            "roles": roles.collect::<Vec<_>>(), "emojis": [], "stickers": [], "features": [],
            "application_id": null, "system_channel_id": null, "system_channel_flags": 0,
            "rules_channel_id": null, "public_updates_channel_id": null, "description": null,
            "safety_alerts_channel_id": null, "vanity_url_code": null, "banner": null,
            "preferred_locale": "en-US", "premium_tier": 0, "nsfw_level": 0,
            "premium_progress_bar_enabled": false,
        })
    }

    pub(super) fn guild_ids(&self) -> impl Iterator<Item = u64> + use<> {
        (0..=self.other_guilds).map(|n| FakeDiscord::GUILD + n * OTHER)
    }

    /// A guild as those who join it are told of it. All but the first are like it, with ids of
    /// their own.
    pub(super) fn guild_created(&self, guild: u64, wanted: u64) -> Value {
        let mut created = self.first_guild_created(wanted);
        let further = guild - FakeDiscord::GUILD;
        if further > 0 {
            created["id"] = json!(guild.to_string());
            created["threads"] = json!([]);
            for role in created["roles"].as_array_mut().into_iter().flatten() {
                role["id"] = json!((id_of(text_of(role, "id")) + further).to_string());
            }
            for channel in created["channels"].as_array_mut().into_iter().flatten() {
                channel["guild_id"] = json!(guild.to_string());
                channel["id"] = json!((id_of(text_of(channel, "id")) + further).to_string());
            }
        }
        created
    }

    /// Only those who follow members are told who they are.
    fn first_guild_created(&self, wanted: u64) -> Value {
        let all = wanted & intents::GUILD_MEMBERS != 0;
        let members = self.members.keys().filter(|id| all || **id == FakeDiscord::BOT_USER);
        let more = json!({
            "joined_at": stamp(FakeDiscord::GUILD), "large": false, "unavailable": false,
            "member_count": self.members.len(), "channels": self.guild_channels(false),
            "threads": self.guild_channels(true), "presences": [], "voice_states": [],
            "members": members.map(|id| self.full_member(*id)).collect::<Vec<_>>(),
            "stage_instances": [], "guild_scheduled_events": [], "soundboard_sounds": [],
        });
        with(self.guild(), more)
    }
}
