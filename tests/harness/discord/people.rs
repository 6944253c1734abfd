//! What people do on Discord, of which the gateway tells the bot at once. Ids are panicked
//! over where Discord would offer a person no such thing.

use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use super::interactions::kinds;
use super::world::{Channel, Interaction, World, channel_kinds};
use super::{FakeDiscord, Posted, list, text_of, with};

impl FakeDiscord {
    /// The direct channel between someone and the bot.
    pub fn dm(&self, user: u64) -> u64 {
        self.change(|world| world.direct(user))
    }

    /// Someone writes; the message's id.
    pub fn says(&self, channel: u64, user: u64, text: &str) -> u64 {
        let content = text.to_owned();
        let posted = Posted { channel, author: user, content, ..Posted::default() };
        self.change(|world| world.put(posted).id)
    }

    /// Someone writes and sends a file along.
    pub fn sends_file(&self, channel: u64, user: u64, text: &str, name: &str, bytes: &[u8]) -> u64 {
        let (content, files) = (text.to_owned(), vec![(name.to_owned(), bytes.to_vec())]);
        let posted = Posted { channel, author: user, content, files, ..Posted::default() };
        self.change(|world| world.put(posted).id)
    }

    /// Someone replies to a message, which mentions its author.
    pub fn replies(&self, user: u64, text: &str, to: u64) -> u64 {
        self.change(|world| {
            let channel = world.find(to).unwrap().channel;
            let (content, reply_to) = (text.to_owned(), Some(to));
            let posted = Posted { channel, author: user, content, reply_to, ..Posted::default() };
            world.put(Posted { kind: 19, ..posted }).id
        })
    }

    /// Someone addresses the bot.
    pub fn mentions(&self, channel: u64, user: u64, text: &str) -> u64 {
        self.says(channel, user, &format!("<@{}> {text}", Self::BOT_USER))
    }

    /// Whoever wrote a message writes it anew.
    pub fn edits(&self, message: u64, text: &str) {
        self.change(|world| {
            let old = world.find(message).unwrap().clone();
            world.update(Posted { content: text.to_owned(), edited: true, ..old });
        });
    }

    pub fn deletes(&self, message: u64) {
        self.change(|world| {
            let gone = world.find(message).unwrap().clone();
            world.remove(&gone);
        });
    }

    pub fn reacts(&self, user: u64, message: u64, emoji: &str) {
        self.change(|world| {
            let posted = world.find(message).unwrap().clone();
            world.react(posted, user, emoji);
        });
    }

    /// Someone begins a thread: with a message of the channel, or with none. The thread's id.
    pub fn creates_thread(&self, user: u64, channel: u64, name: &str, from: Option<u64>) -> u64 {
        self.change(|world| {
            let id = from.unwrap_or_else(|| world.next());
            world.open_thread(channel, id, channel_kinds::PUBLIC_THREAD, name, user);
            id
        })
    }

    /// Someone posts in a forum; the id of the thread and of its first message, which is one.
    pub fn creates_forum_post(&self, user: u64, forum: u64, title: &str, text: &str) -> u64 {
        self.change(|world| {
            let id = world.next();
            world.open_thread(forum, id, channel_kinds::PUBLIC_THREAD, title, user);
            let content = text.to_owned();
            world.put(Posted { id, channel: id, author: user, content, ..Posted::default() }).id
        })
    }

    /// Someone presses a button; the interaction's id, as of all below.
    pub fn presses(&self, user: u64, message: u64, custom_id: &str) -> u64 {
        self.uses_component(user, message, custom_id, json!({}))
    }

    /// Someone chooses in a select menu.
    pub fn selects(&self, user: u64, message: u64, custom_id: &str, values: &[&str]) -> u64 {
        self.uses_component(user, message, custom_id, json!({"values": values}))
    }

    fn uses_component(&self, user: u64, message: u64, custom_id: &str, more: Value) -> u64 {
        self.change(|world| {
            let posted = world.find(message).unwrap().clone();
            let mut parts = list(&posted.components).flat_map(|row| list(&row["components"]));
            let part = parts.find(|part| part["custom_id"] == custom_id).unwrap();
            assert!(part["disabled"] != true, "{custom_id} is disabled");
            let data = json!({"custom_id": custom_id, "component_type": part["type"]});
            let rest = json!({"data": with(data, more), "message": world.shown(&posted)});
            world.interaction(kinds::COMPONENT, user, posted.channel, Some(message), rest)
        })
    }

    /// Someone sends off the form that an interaction was answered with; what is not filled in
    /// keeps the value it began with.
    pub fn submits_modal(&self, user: u64, interaction: u64, values: &[(&str, &str)]) -> u64 {
        self.change(|world| {
            let from = &world.interactions[&interaction];
            let (channel, source) = (from.channel, from.source);
            let modal = from.answer.as_ref().unwrap()["data"].clone();
            let mut unknown: Vec<_> = values.to_vec();
            let rows = list(&modal["components"]).map(|row| {
                let inputs = list(&row["components"]).map(|input| {
                    let id = text_of(input, "custom_id");
                    let given = values.iter().find(|(name, _)| *name == id);
                    unknown.retain(|(name, _)| *name != id);
                    let value = given.map_or(text_of(input, "value"), |(_, value)| value);
                    assert!(input["required"] == false || !value.is_empty(), "{id} is required");
                    json!({"type": 4, "custom_id": id, "value": value})
                });
                json!({"type": 1, "components": inputs.collect::<Vec<_>>()})
            });
            let rows: Vec<_> = rows.collect();
            assert!(unknown.is_empty(), "the form does not ask for {unknown:?}");
            let mut rest = json!({"data": {"custom_id": modal["custom_id"], "components": rows}});
            if let Some(message) = source.and_then(|id| world.find(id)) {
                rest["message"] = world.shown(message);
            }
            world.interaction(kinds::MODAL, user, channel, source, rest)
        })
    }

    /// Someone uses a registered slash command. Options as Discord sends them: a list of
    /// `{"name", "type", "value"}` or, of a subcommand, `{"name", "type": 1, "options"}`.
    pub fn command(&self, user: u64, channel: u64, name: &str, options: Value) -> u64 {
        self.uses_command(kinds::COMMAND, user, channel, name, options)
    }

    /// Someone is typing a slash command; the option being typed says `"focused": true`.
    pub fn autocomplete(&self, user: u64, channel: u64, name: &str, options: Value) -> u64 {
        self.uses_command(kinds::AUTOCOMPLETE, user, channel, name, options)
    }

    fn uses_command(&self, kind: u64, user: u64, channel: u64, name: &str, options: Value) -> u64 {
        self.change(|world| {
            let data = json!({"id": world.command(1, name), "name": name, "type": 1});
            let data = with(data, json!({"options": options}));
            world.interaction(kind, user, channel, None, json!({"data": data}))
        })
    }

    /// Someone picks a registered command from a message's menu, which lets the bot read the
    /// message whatever its intents.
    pub fn message_command(&self, user: u64, name: &str, message: u64) -> u64 {
        self.change(|world| {
            let posted = world.find(message).unwrap();
            let channel = posted.channel;
            let target = Map::from_iter([(message.to_string(), world.shown(posted))]);
            let data = json!({
                "id": world.command(3, name), "name": name, "type": 3,
                "target_id": message.to_string(), "resolved": {"messages": target},
            });
            world.interaction(kinds::COMMAND, user, channel, None, json!({"data": data}))
        })
    }
}

impl World {
    fn command(&self, kind: u64, name: &str) -> Value {
        let mut registered = self.commands.iter();
        let command = registered.find(|it| it["type"] == kind && it["name"] == name);
        command.unwrap_or_else(|| panic!("no command {name:?} is registered"))["id"].clone()
    }

    /// What every interaction says, and the rest.
    fn interaction(
        &mut self,
        kind: u64,
        user: u64,
        channel: u64,
        source: Option<u64>,
        rest: Value,
    ) -> u64 {
        let id = self.next();
        let token = format!("interaction{id}");
        let Channel { kind: channel_kind, .. } = self.channels[&channel];
        let direct = channel_kind == channel_kinds::DM;
        let permissions = self.permissions(FakeDiscord::BOT_USER).to_string();
        let locale = self.users.get(&user).map_or("en-US", |it| &it.locale);
        let mut payload = json!({
            "id": id.to_string(), "application_id": FakeDiscord::APPLICATION.to_string(),
            "type": kind, "token": token, "version": 1, "channel_id": channel.to_string(),
            "channel": self.channel(channel), "app_permissions": permissions,
            "locale": locale, "entitlements": [], "attachment_size_limit": 10 << 20,
            "context": u8::from(direct),
            "authorizing_integration_owners": {"0": FakeDiscord::GUILD.to_string()},
        });
        if direct {
            payload["user"] = self.user(user);
        } else {
            payload["guild_id"] = json!(FakeDiscord::GUILD.to_string());
            payload["guild_locale"] = json!("en-US");
            let permissions = self.permissions(user).to_string();
            payload["member"] = with(self.full_member(user), json!({"permissions": permissions}));
        }
        let interaction = Interaction {
            token,
            kind,
            channel,
            source,
            given: Instant::now(),
            aged: Duration::ZERO,
            answer: None,
            original: None,
            messages: Vec::new(),
        };
        self.interactions.insert(id, interaction);
        let event = super::world::Event::new("INTERACTION_CREATE", 0, with(payload, rest));
        self.dispatch(event);
        id
    }
}
