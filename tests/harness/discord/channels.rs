//! Calls about channels: messages, threads and reactions.

use serde_json::{Value, json};

use super::limits::{Wrong, check_message};
use super::rest::{Files, Outcome, Refusal, number, refuse};
use super::world::{Channel, World, application_flags, channel_kinds, intents, without_content};
use super::{FakeDiscord, Posted, id_of, list, text_of};

const BOT: u64 = FakeDiscord::BOT_USER;
/// Flags an app may set: no embeds, no notification.
const SETTABLE: u64 = SUPPRESS_EMBEDS | 1 << 12;
const SUPPRESS_EMBEDS: u64 = 1 << 2;
/// Bytes of all files of one message, where nobody paid for more.
const LARGEST_UPLOAD: usize = 10 << 20;

impl World {
    pub(super) fn channel_call(
        &mut self,
        method: &str,
        id: u64,
        rest: &[&str],
        with: &Value,
        files: Files,
    ) -> Outcome {
        let channel = self.channels.get(&id).ok_or_else(|| refuse(404, 10_003))?;
        let forum = channel.kind == channel_kinds::FORUM;
        match (method, rest) {
            ("GET", []) => Ok((200, self.channel(id))),
            ("POST", ["messages"]) if forum => Err(refuse(400, 50_008)),
            ("POST", ["messages"]) => self.create_message(id, with, files),
            ("GET", ["messages"]) => self.read_messages(id, with),
            ("GET", ["messages", message]) => {
                let posted = self.visible(id, message)?;
                Ok((200, self.read(&posted)))
            }
            ("PATCH", ["messages", message]) => {
                let posted = self.own(id, message)?;
                let posted = self.edit(posted, with, files)?;
                Ok((200, self.shown(&posted)))
            }
            ("DELETE", ["messages", message]) => {
                let posted = self.visible(id, message)?;
                if posted.author != BOT {
                    return Err(refuse(403, 50_013));
                }
                self.remove(&posted);
                Ok((204, Value::Null))
            }
            ("POST", ["typing"]) => Ok((204, Value::Null)),
            ("PUT", ["messages", message, "reactions", emoji, "@me"]) => {
                let posted = self.visible(id, message)?;
                self.react(posted, BOT, emoji);
                Ok((204, Value::Null))
            }
            ("DELETE", ["messages", message, "reactions", emoji, "@me"]) => {
                let mut posted = self.visible(id, message)?;
                posted.reactions.retain(|one| *one != (BOT, (*emoji).to_owned()));
                self.tell_reaction("MESSAGE_REACTION_REMOVE", &posted, BOT, emoji);
                self.keep(posted);
                Ok((204, Value::Null))
            }
            ("POST", ["messages", message, "threads"]) => {
                let posted = self.visible(id, message)?;
                self.thread_from(&posted, with)
            }
            ("POST", ["threads"]) if forum => self.create_forum_post(id, with, files),
            ("POST", ["threads"]) => {
                check_thread(with)?;
                self.only_text(id)?;
                let kind = with["type"].as_u64().unwrap_or(channel_kinds::PRIVATE_THREAD);
                let thread = self.next();
                self.open_thread(id, thread, kind, text_of(with, "name"), BOT);
                Ok((201, self.channel(thread)))
            }
            _ => Err(refuse(404, 0)),
        }
    }

    /// A message in a channel's history, where what only one person sees is not.
    fn visible(&self, channel: u64, message: &str) -> Result<Posted, Refusal> {
        let mut all = self.channels[&channel].messages.iter().filter(|m| !m.ephemeral());
        let found = all.find(|posted| posted.id == id_of(message));
        found.cloned().ok_or_else(|| refuse(404, 10_008))
    }

    fn own(&self, channel: u64, message: &str) -> Result<Posted, Refusal> {
        let posted = self.visible(channel, message)?;
        if posted.author == BOT { Ok(posted) } else { Err(refuse(403, 50_005)) }
    }

    /// As the bot may read it: without content, where the application was not given the intent.
    fn read(&self, posted: &Posted) -> Value {
        let shown = self.shown(posted);
        let given = self.application_flags & application_flags::GATEWAY_MESSAGE_CONTENT != 0;
        if given || self.needs_no_intent(posted) { shown } else { without_content(shown) }
    }

    /// Newest first, as many as asked for: those nearest to the message named.
    fn read_messages(&self, channel: u64, with: &Value) -> Outcome {
        let limit = usize::try_from(number(with, "limit", 50, 100)?).unwrap_or(100);
        let all = self.channels[&channel].messages.iter().filter(|m| !m.ephemeral());
        let all: Vec<_> = all.collect();
        let place = |key: &str| {
            let given = with[key].as_str().map(id_of)?;
            Some((all.partition_point(|m| m.id < given), all.partition_point(|m| m.id <= given)))
        };
        let (from, to) = if let Some((before, after)) = place("around") {
            let half = limit / 2;
            (before.saturating_sub(half), after + half)
        } else if let Some((_, after)) = place("after") {
            (after, after + limit)
        } else {
            let to = place("before").map_or(all.len(), |(before, _)| before);
            (to.saturating_sub(limit), to)
        };
        let page = all[from..to.min(all.len())].iter().rev();
        Ok((200, page.map(|posted| self.read(posted)).collect()))
    }

    fn create_message(&mut self, channel: u64, with: &Value, files: Files) -> Outcome {
        let posted = self.read_post(channel, with, files)?;
        let same = |old: &&Posted| old.author == BOT && old.nonce == posted.nonce;
        if with["enforce_nonce"] == true
            && !posted.nonce.is_null()
            && let Some(earlier) = self.channels[&channel].messages.iter().find(same)
        {
            return Ok((200, self.shown(earlier)));
        }
        let posted = self.put(posted);
        Ok((200, self.shown(&posted)))
    }

    /// What the bot wants to post, if Discord lets it.
    pub(super) fn read_post(
        &self,
        channel: u64,
        with: &Value,
        files: Files,
    ) -> Result<Posted, Refusal> {
        check_message(with)?;
        let reference = &with["message_reference"];
        let to = reference["message_id"].as_str().map(id_of);
        let found = to.filter(|to| self.channels[&channel].messages.iter().any(|m| m.id == *to));
        if to.is_some() && found.is_none() && reference["fail_if_not_exists"] != false {
            let mut wrong = Wrong::default();
            let code = "MESSAGE_REFERENCE_UNKNOWN_MESSAGE";
            wrong.add("message_reference", code, "Unknown message");
            return Err(wrong.into_refusal());
        }
        let posted = Posted {
            channel,
            author: BOT,
            kind: if found.is_some() { 19 } else { 0 },
            content: text_of(with, "content").to_owned(),
            embeds: with["embeds"].clone(),
            components: with["components"].clone(),
            files,
            nonce: with["nonce"].clone(),
            reply_to: found,
            flags: with["flags"].as_u64().unwrap_or_default() & SETTABLE,
            allowed_mentions: with["allowed_mentions"].clone(),
            ..Posted::default()
        };
        check_whole(posted)
    }

    /// What an edit leaves out stays as it was.
    pub(super) fn edit(
        &mut self,
        mut posted: Posted,
        with: &Value,
        files: Files,
    ) -> Result<Posted, Refusal> {
        check_message(with)?;
        if let Some(content) = with.get("content") {
            posted.content = content.as_str().unwrap_or_default().trim().to_owned();
        }
        for (kept, key) in [
            (&mut posted.embeds, "embeds"),
            (&mut posted.components, "components"),
            (&mut posted.allowed_mentions, "allowed_mentions"),
        ] {
            if let Some(new) = with.get(key) {
                *kept = new.clone();
            }
        }
        // Of the flags an edit changes this one alone.
        if let Some(flags) = with["flags"].as_u64() {
            posted.flags = posted.flags & !SUPPRESS_EMBEDS | flags & SUPPRESS_EMBEDS;
        }
        posted.files.extend(files);
        let posted = check_whole(posted)?;
        Ok(self.update(Posted { edited: true, ..posted }))
    }

    pub(super) fn react(&mut self, mut posted: Posted, user: u64, emoji: &str) {
        let reaction = (user, emoji.to_owned());
        if !posted.reactions.contains(&reaction) {
            posted.reactions.push(reaction);
            self.tell_reaction("MESSAGE_REACTION_ADD", &posted, user, emoji);
            self.keep(posted);
        }
    }

    /// Without telling anybody.
    fn keep(&mut self, posted: Posted) {
        let channel = self.channels.get_mut(&posted.channel).unwrap();
        let old = channel.messages.iter_mut().find(|old| old.id == posted.id);
        *old.unwrap() = posted;
    }

    fn tell_reaction(&mut self, name: &'static str, posted: &Posted, user: u64, emoji: &str) {
        // A custom emoji is called `name:id`; any other is itself.
        let (name_of, id) = emoji.split_once(':').map_or((emoji, None), |(n, id)| (n, Some(id)));
        let reaction = json!({
            "user_id": user.to_string(), "channel_id": posted.channel.to_string(),
            "message_id": posted.id.to_string(), "emoji": {"id": id, "name": name_of},
            "message_author_id": posted.author.to_string(), "burst": false, "type": 0,
        });
        let needs = [intents::GUILD_MESSAGE_REACTIONS, intents::DIRECT_MESSAGE_REACTIONS];
        self.tell(name, needs, posted.channel, reaction);
    }

    fn thread_from(&mut self, posted: &Posted, with: &Value) -> Outcome {
        check_thread(with)?;
        self.only_text(posted.channel)?;
        // A thread has the id of the message it began with.
        if self.channels.contains_key(&posted.id) {
            return Err(refuse(400, 160_004));
        }
        let kind = channel_kinds::PUBLIC_THREAD;
        self.open_thread(posted.channel, posted.id, kind, text_of(with, "name"), BOT);
        Ok((201, self.channel(posted.id)))
    }

    fn only_text(&self, channel: u64) -> Result<(), Refusal> {
        let text = self.channels[&channel].kind == channel_kinds::TEXT;
        if text { Ok(()) } else { Err(refuse(400, 50_024)) }
    }

    /// Where it began with a message, the thread shows that first.
    pub(super) fn open_thread(&mut self, parent: u64, id: u64, kind: u64, name: &str, by: u64) {
        let mut thread =
            Channel { parent: Some(parent), person: by, ..Channel::new(id, kind, name) };
        if let Some(first) = self.find(id).cloned() {
            let shown = self.next();
            let (author, reply_to) = (first.author, Some(id));
            let first = Posted { id: shown, channel: id, author, kind: 21, ..Posted::default() };
            thread.messages.push(Posted { reply_to, ..first });
        }
        self.add_channel(thread);
    }

    /// A thread whose first message has its id.
    fn create_forum_post(&mut self, forum: u64, with: &Value, files: Files) -> Outcome {
        check_thread(with)?;
        let mut posted = self.read_post(forum, &with["message"], files)?;
        let id = self.next();
        (posted.id, posted.channel) = (id, id);
        self.open_thread(forum, id, channel_kinds::PUBLIC_THREAD, text_of(with, "name"), BOT);
        let posted = self.put(posted);
        let message = self.shown(&posted);
        Ok((201, super::with(self.channel(id), json!({"message": message}))))
    }
}

/// There is something to see, and not too much to carry.
fn check_whole(posted: Posted) -> Result<Posted, Refusal> {
    let nothing = posted.content.trim().is_empty()
        && list(&posted.embeds).next().is_none()
        && posted.files.is_empty();
    if nothing {
        return Err(refuse(400, 50_006));
    }
    let bytes: usize = posted.files.iter().map(|(_, bytes)| bytes.len()).sum();
    if bytes > LARGEST_UPLOAD { Err(refuse(413, 40_005)) } else { Ok(posted) }
}

fn check_thread(with: &Value) -> Result<(), Refusal> {
    let mut wrong = Wrong::default();
    wrong.length(&with["name"], "name", 1..=100);
    let archived_after = with["auto_archive_duration"].as_u64();
    if archived_after.is_some_and(|minutes| ![60, 1440, 4320, 10_080].contains(&minutes)) {
        let values = "Value must be one of {60, 1440, 4320, 10080}.";
        wrong.add("auto_archive_duration", "BASE_TYPE_CHOICES", values);
    }
    wrong.or()
}
