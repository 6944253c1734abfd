//! The gateway: the connection over which Discord tells what happens. What it tells is handed
//! to a [`Receiver`]; staying connected, resuming and heartbeats are serenity's.

use std::sync::Arc;

use async_trait::async_trait;
use serenity::Client;
use serenity::client::{ClientBuilder, Context, EventHandler};
use serenity::gateway::{ConnectionStage, ShardStageUpdateEvent};
use serenity::http::{Http, HttpBuilder};
use serenity::model::application::Interaction;
use serenity::model::channel::{Channel, GuildChannel, Message};
use serenity::model::event::{MessageUpdateEvent, ResumedEvent};
use serenity::model::gateway::{GatewayIntents, Ready};
use serenity::model::id::{ChannelId, GuildId, MessageId, UserId};

use super::heard::{self, Deleted, Edited, Heard, Where};
use super::text::Named;

/// Takes what happened. Each call runs on a task of its own: it may wait for the database.
#[async_trait]
pub(super) trait Receiver: Send + Sync + 'static {
    /// The bot is connected, for the first time or again. What was said meanwhile is not told
    /// unless the connection was `resumed`.
    async fn connected(&self, resumed: bool);
    /// The connection is gone, until [`Receiver::connected`] says otherwise.
    async fn lost(&self);
    async fn heard(&self, heard: Heard);
    async fn edited(&self, edited: Edited);
    async fn deleted(&self, deleted: Deleted);
    /// To be answered within three seconds.
    async fn interaction(&self, interaction: Interaction);
}

/// What the gateway's client asks the REST API, at `root`: the address without its version. Any
/// but Discord's own (a proxy, or a test's fake) is trusted to know its own limits.
pub(super) fn http(token: &str, root: &str) -> Http {
    let builder = HttpBuilder::new(token);
    match root {
        "https://discord.com" => builder.build(),
        root => builder.proxy(root).ratelimiter_disabled(true).build(),
    }
}

/// A client that connects when it is started. The address of the gateway and the number of
/// shards are those the API tells.
///
/// # Errors
/// When the API cannot be reached or refuses the token. Without this question serenity would
/// connect to Discord's own gateway, whatever API it was given.
pub(super) async fn client(
    http: Http,
    intents: GatewayIntents,
    receiver: Arc<dyn Receiver>,
) -> serenity::Result<Client> {
    http.get_bot_gateway().await?;
    ClientBuilder::new_with_http(http, intents).event_handler(Handler { receiver }).await
}

struct Handler {
    receiver: Arc<dyn Receiver>,
}

#[async_trait]
impl EventHandler for Handler {
    async fn ready(&self, _: Context, _: Ready) {
        self.receiver.connected(false).await;
    }

    async fn resume(&self, _: Context, _: ResumedEvent) {
        self.receiver.connected(true).await;
    }

    async fn shard_stage_update(&self, _: Context, event: ShardStageUpdateEvent) {
        if event.old == ConnectionStage::Connected {
            self.receiver.lost().await;
        }
    }

    async fn message(&self, context: Context, message: Message) {
        let place = place(&context, message.guild_id, message.channel_id).await;
        let names = names(&context, message.guild_id);
        let bot = bot(&context);
        self.receiver.heard(heard::read(&message, place, bot, &names)).await;
    }

    async fn message_update(
        &self,
        context: Context,
        _: Option<Message>,
        _: Option<Message>,
        event: MessageUpdateEvent,
    ) {
        let names = names(&context, event.guild_id);
        let edited = heard::edited(&event, bot(&context), &names);
        if let Some(edited) = edited {
            self.receiver.edited(edited).await;
        }
    }

    async fn message_delete(
        &self,
        _: Context,
        channel: ChannelId,
        message: MessageId,
        guild: Option<GuildId>,
    ) {
        self.receiver.deleted(heard::deleted(guild, channel, &[message])).await;
    }

    async fn message_delete_bulk(
        &self,
        _: Context,
        channel: ChannelId,
        messages: Vec<MessageId>,
        guild: Option<GuildId>,
    ) {
        self.receiver.deleted(heard::deleted(guild, channel, &messages)).await;
    }

    async fn interaction_create(&self, _: Context, interaction: Interaction) {
        self.receiver.interaction(interaction).await;
    }
}

fn bot(context: &Context) -> UserId {
    context.cache.current_user().id
}

/// Where a message stands; where nobody will say, in a channel like any other.
async fn place(context: &Context, guild: Option<GuildId>, channel: ChannelId) -> Where {
    let Some(guild) = guild else { return Where::Direct };
    let Some(channel) = server_channel(context, guild, channel).await else {
        return Where::Channel;
    };
    if let Where::Channel = heard::whereabouts(&channel, None) {
        return Where::Channel;
    }
    let parent = match channel.parent_id {
        Some(parent) => server_channel(context, guild, parent).await,
        None => None,
    };
    heard::whereabouts(&channel, parent.as_ref())
}

/// A channel or thread from the cache, else from the API: threads that were archived when the
/// bot connected are in no cache.
async fn server_channel(context: &Context, guild: GuildId, id: ChannelId) -> Option<GuildChannel> {
    let cached = context.cache.guild(guild).and_then(|guild| {
        let thread = guild.threads.iter().find(|thread| thread.id == id);
        guild.channels.get(&id).or(thread).cloned()
    });
    if cached.is_some() {
        return cached;
    }
    match context.http.get_channel(id).await {
        Ok(Channel::Guild(channel)) => Some(channel),
        Ok(_) => None,
        Err(error) => {
            tracing::warn!(%error, channel = id.get(), "a channel cannot be looked up");
            None
        }
    }
}

/// Names of a server's roles and channels, as far as the cache knows them.
fn names(context: &Context, guild: Option<GuildId>) -> impl Fn(Named) -> Option<String> + Send {
    let cache = Arc::clone(&context.cache);
    move |named| {
        let guild = cache.guild(guild?)?;
        match named {
            Named::Role(id) => Some(guild.roles.get(&id.into())?.name.clone()),
            Named::Channel(id) => {
                let id = ChannelId::new(id.max(1));
                let thread = || guild.threads.iter().find(|thread| thread.id == id);
                Some(guild.channels.get(&id).or_else(thread)?.name.clone())
            }
            Named::User(_) => None,
        }
    }
}

#[cfg(test)]
mod tests;
