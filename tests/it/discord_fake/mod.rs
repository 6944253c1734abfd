//! The stand-in for Discord, spoken to by the client the bot uses.

mod answers;
mod limits;
mod places;

use std::sync::Arc;

use acceptance::discord::{FakeDiscord, Order, User, intents};
use serenity::all::{
    ChannelId, Client, ClientBuilder, CommandOptionType, CommandType, Context,
    CreateAllowedMentions, CreateAttachment, CreateCommand, CreateCommandOption, CreateMessage,
    EditMessage, EventHandler, GatewayError, GatewayIntents, GetMessages, Guild, GuildChannel,
    GuildId, GuildMemberUpdateEvent, Http, HttpBuilder, HttpError, Interaction, Member, Message,
    MessageId, MessageUpdateEvent, Nonce, Reaction, UserId,
};
use serenity::async_trait;
use serenity::gateway::ShardManager;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

const ANA: u64 = 101;
const OLGA: u64 = 102;
const HELP: u64 = 501;
const HELP_CHANNEL: ChannelId = ChannelId::new(HELP);
const LEADS: u64 = 701;

/// What the client was told.
#[derive(Debug)]
enum Told {
    Guild(Box<Guild>),
    Said(Box<Message>),
    Did(Box<Interaction>),
    /// An event of another kind.
    Other(String),
}

struct Ears(UnboundedSender<Told>);

#[async_trait]
impl EventHandler for Ears {
    async fn guild_create(&self, _: Context, guild: Guild, _: Option<bool>) {
        let _ = self.0.send(Told::Guild(Box::new(guild)));
    }
    async fn message(&self, _: Context, message: Message) {
        let _ = self.0.send(Told::Said(Box::new(message)));
    }
    async fn message_update(
        &self,
        _: Context,
        _: Option<Message>,
        _: Option<Message>,
        event: MessageUpdateEvent,
    ) {
        let _ = self.0.send(Told::Other(format!("edited: {}", event.content.unwrap())));
    }
    async fn message_delete(&self, _: Context, _: ChannelId, id: MessageId, _: Option<GuildId>) {
        let _ = self.0.send(Told::Other(format!("deleted: {id}")));
    }
    async fn reaction_add(&self, _: Context, reaction: Reaction) {
        let _ = self.0.send(Told::Other(format!("reacted: {}", reaction.emoji)));
    }
    async fn thread_create(&self, _: Context, thread: GuildChannel) {
        let _ = self.0.send(Told::Other(format!("thread: {}", thread.name)));
    }
    async fn guild_member_update(
        &self,
        _: Context,
        _: Option<Member>,
        _: Option<Member>,
        event: GuildMemberUpdateEvent,
    ) {
        let _ = self.0.send(Told::Other(format!("roles: {:?}", event.roles)));
    }
    async fn interaction_create(&self, _: Context, interaction: Interaction) {
        let _ = self.0.send(Told::Did(Box::new(interaction)));
    }
}

/// A guild with a channel and two members, and a client that listens.
struct Desk {
    discord: FakeDiscord,
    http: Arc<Http>,
    told: UnboundedReceiver<Told>,
    shards: Arc<ShardManager>,
}

impl Drop for Desk {
    fn drop(&mut self) {
        let shards = self.shards.clone();
        tokio::spawn(async move { shards.shutdown_all().await });
    }
}

fn http(discord: &FakeDiscord, token: &str) -> Http {
    HttpBuilder::new(token)
        .application_id(FakeDiscord::APPLICATION.into())
        .proxy(discord.url())
        .ratelimiter_disabled(true)
        .build()
}

async fn guild() -> FakeDiscord {
    let discord = FakeDiscord::start().await;
    discord.add_member(User { global_name: Some("Ana".into()), ..User::new(ANA, "ana") });
    discord.add_member(User::new(OLGA, "olga"));
    discord.add_role(LEADS, "leads", 1 << 13);
    discord.give_role(OLGA, LEADS);
    discord.add_channel(HELP, "help");
    discord
}

async fn client(
    discord: &FakeDiscord,
    token: &str,
    intents: GatewayIntents,
) -> (Client, UnboundedReceiver<Told>) {
    let (told, hear) = unbounded_channel();
    let client = ClientBuilder::new_with_http(http(discord, token), intents);
    (client.event_handler(Ears(told)).await.unwrap(), hear)
}

impl Desk {
    async fn new() -> Desk {
        Desk::listening_to(GatewayIntents::all() - GatewayIntents::GUILD_PRESENCES).await
    }

    async fn listening_to(intents: GatewayIntents) -> Desk {
        let discord = guild().await;
        let (mut client, told) = client(&discord, FakeDiscord::TOKEN, intents).await;
        let (http, shards) = (client.http.clone(), client.shard_manager.clone());
        tokio::spawn(async move { client.start().await });
        discord.connected().await;
        Desk { discord, http, told, shards }
    }

    async fn heard(&mut self) -> Message {
        loop {
            if let Told::Said(message) = self.told.recv().await.unwrap() {
                return *message;
            }
        }
    }

    async fn asked(&mut self) -> Interaction {
        loop {
            if let Told::Did(interaction) = self.told.recv().await.unwrap() {
                return *interaction;
            }
        }
    }

    async fn learned(&mut self) -> String {
        loop {
            if let Told::Other(event) = self.told.recv().await.unwrap() {
                return event;
            }
        }
    }

    async fn registers(&self) {
        let system = CreateCommandOption::new(CommandOptionType::String, "system", "Which one");
        let commands = vec![
            CreateCommand::new("ticket").description("Files a ticket").add_option(system),
            CreateCommand::new("File a ticket").kind(CommandType::Message),
        ];
        self.http.create_global_commands(&commands).await.unwrap();
    }
}

/// Status, code and errors of a refusal.
fn refusal<T>(result: serenity::Result<T>) -> (u16, isize, Vec<String>) {
    match result.err() {
        Some(serenity::Error::Http(HttpError::UnsuccessfulRequest(response))) => {
            let errors = response.error.errors.into_iter();
            let errors = errors.map(|one| format!("{} {}", one.path, one.code)).collect();
            (response.status_code.as_u16(), response.error.code, errors)
        }
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn a_message_is_heard_and_answered() {
    let mut desk = Desk::new().await;
    let Some(Told::Guild(guild)) = desk.told.recv().await else { panic!("no guild came") };
    assert_eq!(guild.id, GuildId::new(FakeDiscord::GUILD));
    assert_eq!(guild.channels[&ChannelId::new(HELP)].name, "help");
    assert_eq!(guild.members[&UserId::new(OLGA)].roles, [LEADS]);

    let id = desk.discord.says(HELP, ANA, "The ERP is down");
    let message = desk.heard().await;
    assert_eq!((message.id, &*message.content), (MessageId::new(id), "The ERP is down"));
    assert_eq!(message.author.global_name.as_deref(), Some("Ana"));
    assert_eq!(message.author.email, None);
    assert_eq!(message.guild_id, Some(GuildId::new(FakeDiscord::GUILD)));
    assert_eq!(message.timestamp, message.id.created_at());

    let answer = CreateMessage::new()
        .content("Looking, <@101> @everyone")
        .reference_message(&message)
        .allowed_mentions(CreateAllowedMentions::new())
        .add_file(CreateAttachment::bytes(*b"a,b", "tickets.csv"));
    let sent = message.channel_id.send_message(&desk.http, answer).await.unwrap();
    let echo = desk.heard().await;
    assert_eq!((echo.id, echo.author.id.get()), (sent.id, FakeDiscord::BOT_USER));
    assert_eq!((echo.mentions.len(), echo.mention_everyone), (0, false), "nobody was to be pinged");

    let kept = desk.discord.messages(HELP);
    assert_eq!(kept[1].reply_to, Some(id));
    assert_eq!(kept[1].files, [("tickets.csv".to_owned(), b"a,b".to_vec())]);

    let edit = EditMessage::new().content("Found it");
    HELP_CHANNEL.edit_message(&desk.http, sent.id, edit).await.unwrap();
    desk.http.create_reaction(HELP_CHANNEL, message.id, &'👀'.into()).await.unwrap();
    assert_eq!(desk.discord.messages(HELP)[1].content, "Found it");
    assert_eq!(
        desk.discord.message(id).unwrap().reactions,
        [(FakeDiscord::BOT_USER, "👀".to_owned())]
    );
    let others =
        refusal(HELP_CHANNEL.edit_message(&desk.http, id, EditMessage::new().content("x")).await);
    assert_eq!(others, (403, 50_005, vec![]));
    HELP_CHANNEL.delete_message(&desk.http, sent.id).await.unwrap();
    assert_eq!(desk.discord.messages(HELP).len(), 1);
}

#[tokio::test]
async fn what_becomes_of_messages_and_members_is_told() {
    let mut desk = Desk::new().await;
    let id = desk.discord.says(HELP, ANA, "The EPR is down");
    desk.discord.edits(id, "The ERP is down");
    desk.discord.reacts(OLGA, id, "👍");
    desk.discord.creates_thread(OLGA, HELP, "ERP", Some(id));
    desk.discord.give_role(ANA, LEADS);
    desk.discord.deletes(id);
    let deleted = format!("deleted: {id}");
    for wanted in
        ["edited: The ERP is down", "reacted: 👍", "thread: ERP", "roles: [RoleId(701)]", &deleted]
    {
        assert_eq!(desk.learned().await, wanted);
    }
}

#[tokio::test]
async fn a_nonce_gives_back_the_message_it_made() {
    let desk = Desk::new().await;
    let post = |enforce| {
        let nonce = Nonce::String("n1".into());
        let message = CreateMessage::new().content("once").nonce(nonce).enforce_nonce(enforce);
        HELP_CHANNEL.send_message(&desk.http, message)
    };
    let first = post(true).await.unwrap();
    assert_eq!(post(true).await.unwrap().id, first.id);
    assert_ne!(post(false).await.unwrap().id, first.id, "only where it is to be enforced");
    assert_eq!(desk.discord.messages(HELP).len(), 2);
    assert_eq!(desk.discord.calls("POST /channels/{id}/messages").len(), 3);
}

#[tokio::test]
async fn nothing_is_lost_when_the_connection_is() {
    type Loss = fn(&FakeDiscord);
    let losses: [(&str, Loss); 3] = [
        ("dropped", FakeDiscord::drop_connections),
        ("asked to reconnect", FakeDiscord::ask_to_reconnect),
        ("closed", |discord| discord.close_connections(4000)),
    ];
    for (name, lose) in losses {
        let mut desk = Desk::new().await;
        desk.discord.says(HELP, ANA, "before");
        assert_eq!(desk.heard().await.content, "before", "{name}");
        lose(&desk.discord);
        desk.discord.says(HELP, ANA, "meanwhile 1");
        desk.discord.says(HELP, ANA, "meanwhile 2");
        for expected in ["meanwhile 1", "meanwhile 2"] {
            assert_eq!(desk.heard().await.content, expected, "{name}");
        }
        desk.discord.connected().await;
        desk.discord.says(HELP, ANA, "after");
        assert_eq!(desk.heard().await.content, "after", "{name}");
        assert_eq!((desk.discord.resumes(), desk.discord.identifies().len()), (1, 1), "{name}");
    }
}

#[tokio::test]
async fn an_invalid_session_loses_what_only_the_history_keeps() {
    let mut desk = Desk::new().await;
    desk.discord.invalidate_sessions();
    desk.discord.says(HELP, ANA, "missed");
    desk.discord.connected().await;
    desk.discord.says(HELP, ANA, "after");
    assert_eq!(desk.heard().await.content, "after");
    assert_eq!((desk.discord.resumes(), desk.discord.identifies().len()), (0, 2));
    let history = HELP_CHANNEL.messages(&desk.http, GetMessages::new()).await.unwrap();
    let texts: Vec<_> = history.iter().map(|message| &*message.content).collect();
    assert_eq!(texts, ["after", "missed"]);
}

#[tokio::test]
async fn a_client_without_rights_is_turned_away() {
    let discord = guild().await;
    let intents = GatewayIntents::non_privileged() | GatewayIntents::MESSAGE_CONTENT;
    let all = GatewayIntents::all();
    for (token, intents, error) in [
        ("another-token", intents, GatewayError::InvalidAuthentication),
        (FakeDiscord::TOKEN, all, GatewayError::DisallowedGatewayIntents),
    ] {
        let (mut client, _) = client(&discord, token, intents).await;
        let refused = client.start().await.unwrap_err();
        assert_eq!(refused.to_string(), serenity::Error::Gateway(error).to_string());
    }
    let unknown = http(&discord, "another-token").get_current_user().await;
    assert_eq!(refusal(unknown), (401, 0, vec![]));
    discord.set_application_flags(0);
    let (mut content, _) = client(&discord, FakeDiscord::TOKEN, intents).await;
    assert!(content.start().await.is_err(), "the application lost its intents");
    assert_eq!(discord.identifies().len(), 3);
}

#[tokio::test]
async fn without_the_intent_only_what_is_meant_for_the_bot_is_readable() {
    let told = GatewayIntents::non_privileged();
    let mut desk = Desk::listening_to(told).await;
    let posted = HELP_CHANNEL.say(&desk.http, "mine").await.unwrap();
    let bot = FakeDiscord::BOT_USER;
    desk.discord.says(HELP, ANA, "a secret");
    desk.discord.mentions(HELP, ANA, "hello");
    desk.discord.replies(ANA, "thanks", posted.id.get());
    desk.discord.says(desk.discord.dm(ANA), ANA, "psst");
    let wanted = ["mine", "", &format!("<@{bot}> hello"), "thanks", "psst"];
    for wanted in wanted {
        let message = desk.heard().await;
        assert_eq!(message.content, wanted);
        assert_eq!(message.guild_id.is_none(), wanted == "psst");
    }
    // The history shows more: that goes by what the application was given.
    let read = async || HELP_CHANNEL.messages(&desk.http, GetMessages::new()).await.unwrap();
    assert_eq!(read().await[2].content, "a secret");
    desk.discord.set_application_flags(0);
    assert_eq!(read().await[2].content, "");
    assert_eq!(read().await[3].content, "mine");
    assert_eq!(desk.discord.identifies()[0]["intents"], told.bits());
    assert_eq!(told.bits() & intents::MESSAGE_CONTENT, 0);
}

#[tokio::test]
async fn events_come_late_twice_or_in_another_order() {
    let mut desk = Desk::new().await;
    desk.discord.hold_events();
    desk.discord.says(HELP, ANA, "first");
    desk.discord.says(HELP, ANA, "second");
    desk.discord.release_events(Order::Reversed);
    desk.discord.deliver_again("MESSAGE_CREATE");
    for wanted in ["second", "first", "first"] {
        assert_eq!(desk.heard().await.content, wanted);
    }
}
