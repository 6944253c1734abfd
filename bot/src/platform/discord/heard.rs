//! What is said in Discord, as far as it concerns the bot: only people are heard, and what is
//! new or oddly shaped is passed over.

use serenity::model::channel::{Attachment, ChannelType, GuildChannel, Message, MessageType};
use serenity::model::event::MessageUpdateEvent;
use serenity::model::id::{ChannelId, GuildId, MessageId, UserId};
use serenity::model::user::User;

use super::text::{Named, to_markdown};

/// Where a message stands. A message tells only its channel's id, so this comes from the
/// cache or the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Where {
    /// Between one person and the bot.
    Direct,
    Channel,
    Thread {
        /// The channel or forum the thread is in.
        parent: u64,
        forum: bool,
    },
}

/// Where a server's channel is, with the channel it is below. A thread whose parent is unknown
/// is none in a forum.
pub(super) fn whereabouts(channel: &GuildChannel, parent: Option<&GuildChannel>) -> Where {
    use ChannelType::{NewsThread, PrivateThread, PublicThread};
    match (channel.kind, channel.parent_id) {
        (PublicThread | PrivateThread | NewsThread, Some(id)) => Where::Thread {
            parent: id.get(),
            forum: parent.is_some_and(|parent| parent.kind == ChannelType::Forum),
        },
        _ => Where::Channel,
    }
}

/// A message, as far as it concerns the bot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Heard {
    Said(Said),
    /// Somebody said something whose text Discord keeps back: the bot was not granted the
    /// message content intent. Nobody can send a message without anything in it, so one that
    /// comes empty was emptied; those that name the bot and direct messages never are
    /// (<https://docs.discord.com/developers/events/gateway#message-content-intent>).
    Withheld {
        channel: u64,
    },
    /// Nothing for us; the kind is counted.
    PassedOver {
        kind: &'static str,
    },
}

/// Somebody wrote something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) guild: Option<u64>,
    /// The channel, or the one a thread is in.
    pub(super) channel: u64,
    pub(super) thread: Option<u64>,
    /// The thread is a post in a forum; its first message has the thread's own id.
    pub(super) thread_is_forum_post: bool,
    pub(super) message_id: u64,
    pub(super) author: Author,
    /// Markdown, without the bot's own name, which only calls it.
    pub(super) text: String,
    /// The bot is named in it, or one of its messages is replied to.
    pub(super) mention: bool,
    pub(super) direct: bool,
    pub(super) attachments: Vec<Attached>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Author {
    pub(super) id: u64,
    /// As others see it here.
    pub(super) name: String,
}

/// A file, to be fetched from Discord.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Attached {
    pub(super) name: String,
    pub(super) url: String,
    /// Bytes, as Discord counts them.
    pub(super) size: u64,
    pub(super) content_type: Option<String>,
}

/// A message now says something else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Edited {
    pub(super) guild: Option<u64>,
    /// The channel or thread it stands in.
    pub(super) place: u64,
    pub(super) message_id: u64,
    /// Markdown.
    pub(super) text: String,
}

/// Messages are gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Deleted {
    pub(super) guild: Option<u64>,
    /// The channel or thread they stood in.
    pub(super) place: u64,
    pub(super) message_ids: Vec<u64>,
}

/// Reads a message that stands at `place`. `name_of` knows roles and channels; the people a
/// message names come with it.
pub(super) fn read(
    message: &Message,
    place: Where,
    bot: UserId,
    name_of: &dyn Fn(Named) -> Option<String>,
) -> Heard {
    if let Some(kind) = not_a_person(&message.author, message.webhook_id.is_some(), message.kind) {
        return Heard::PassedOver { kind };
    }
    let direct = place == Where::Direct;
    let mention = message.mentions.iter().any(|user| user.id == bot);
    let posted = message.channel_id.get();
    if is_empty(message) && !direct && !mention {
        return Heard::Withheld { channel: posted };
    }
    let (channel, thread, forum) = match place {
        Where::Thread { parent, forum } => (parent, Some(posted), forum),
        Where::Direct | Where::Channel => (posted, None, false),
    };
    let nick = message.member.as_ref().and_then(|member| member.nick.clone());
    Heard::Said(Said {
        guild: message.guild_id.map(GuildId::get),
        channel,
        thread,
        thread_is_forum_post: forum,
        message_id: message.id.get(),
        author: Author {
            id: message.author.id.get(),
            name: nick.unwrap_or_else(|| shown(&message.author)),
        },
        text: markdown(&message.content, &message.mentions, bot, name_of),
        mention,
        direct,
        attachments: message.attachments.iter().map(attached).collect(),
    })
}

/// Reads an edit. Discord also tells of messages below which a preview appeared, and of those
/// whose text it keeps back: neither says anything new.
pub(super) fn edited(
    event: &MessageUpdateEvent,
    bot: UserId,
    name_of: &dyn Fn(Named) -> Option<String>,
) -> Option<Edited> {
    let author = event.author.as_ref()?;
    let hook = event.webhook_id.flatten().is_some();
    if not_a_person(author, hook, event.kind.unwrap_or_default()).is_some() {
        return None;
    }
    event.edited_timestamp?;
    let content = event.content.as_deref().filter(|content| !content.is_empty())?;
    let mentions = event.mentions.as_deref().unwrap_or_default();
    Some(Edited {
        guild: event.guild_id.map(GuildId::get),
        place: event.channel_id.get(),
        message_id: event.id.get(),
        text: markdown(content, mentions, bot, name_of),
    })
}

/// Reads a deletion, of one message or of many at once.
pub(super) fn deleted(
    guild: Option<GuildId>,
    channel: ChannelId,
    messages: &[MessageId],
) -> Deleted {
    Deleted {
        guild: guild.map(GuildId::get),
        place: channel.get(),
        message_ids: messages.iter().map(|id| id.get()).collect(),
    }
}

/// Why a message is not one that a person wrote. Bots, this one above all, are not talked to;
/// other kinds than these report what happened, or repeat the message a thread began with.
fn not_a_person(author: &User, hook: bool, kind: MessageType) -> Option<&'static str> {
    if hook {
        Some("webhook")
    } else if author.bot {
        Some("bot")
    } else if author.system {
        Some("system")
    } else if !matches!(kind, MessageType::Regular | MessageType::InlineReply) {
        Some("report")
    } else {
        None
    }
}

fn is_empty(message: &Message) -> bool {
    message.content.is_empty()
        && message.attachments.is_empty()
        && message.embeds.is_empty()
        && message.components.is_empty()
        && message.sticker_items.is_empty()
        && message.message_snapshots.is_empty()
        && message.poll.is_none()
}

fn markdown(
    content: &str,
    mentions: &[User],
    bot: UserId,
    name_of: &dyn Fn(Named) -> Option<String>,
) -> String {
    let named = |named: Named| match named {
        Named::User(id) if id == bot.get() => None,
        Named::User(id) => mentions.iter().find(|user| user.id.get() == id).map(shown),
        other => name_of(other),
    };
    to_markdown(content, &named).trim().to_owned()
}

fn shown(user: &User) -> String {
    let nick = user.member.as_ref().and_then(|member| member.nick.as_ref());
    nick.or(user.global_name.as_ref()).unwrap_or(&user.name).clone()
}

fn attached(attachment: &Attachment) -> Attached {
    Attached {
        name: attachment.filename.clone(),
        url: attachment.url.clone(),
        size: u64::from(attachment.size),
        content_type: attachment.content_type.clone(),
    }
}

#[cfg(test)]
mod tests;
