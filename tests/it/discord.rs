//! The life of a request in Discord: the production loop, with workers running, against a stateful
//! stand-in for Discord and its gateway, on both databases.

use std::sync::Arc;
use std::time::Duration;

use acceptance::bot::TestBot;
use acceptance::db::on_both;
use acceptance::discord::{FakeDiscord, Fault, Posted, User};
use firstline::platform::Connections;
use firstline::ports::{Model, Store};
use firstline::store::records::{AccountKey, AccountLink, Ticket, TicketFilter, TicketPatch};
use firstline::{flows, worker};
use firstline_core::ticket::{Kind, Status};
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::pipeline::POST_INVOICE;

pub(crate) const QUESTION: &str = "how do I post a vendor invoice in Keystone?";
pub(crate) const FOLLOW_UP: &str = "and if posting is refused with KS-1180?";

pub(crate) const ANA: u64 = 101;
pub(crate) const BEN: u64 = 102;
pub(crate) const OLGA: u64 = 103;
/// Whom nobody vouches for.
pub(crate) const GUS: u64 = 104;
/// Support channels, and one that is none.
pub(crate) const HELP: u64 = 501;
pub(crate) const POSTS: u64 = 502;
pub(crate) const LOUNGE: u64 = 503;
/// In which the bot only suggests.
pub(crate) const SUGGEST: u64 = 504;

const CHANNELS: &str = "
[[channel]]
platform = \"discord\"
id = \"501\"
mode = \"act\"

[[channel]]
platform = \"discord\"
id = \"502\"
mode = \"act\"

[[channel]]
platform = \"discord\"
id = \"504\"
mode = \"suggest\"

[server]
public_url = \"https://help.example\"
";

/// The bot, listening to a server.
pub(crate) struct Desk {
    pub(crate) bot: TestBot,
    pub(crate) discord: FakeDiscord,
    stop: watch::Sender<bool>,
    parts: JoinSet<()>,
    _dir: TempDir,
}

impl Desk {
    pub(crate) async fn new(store: Store) -> Desk {
        Self::with_model(store, None).await
    }

    pub(crate) async fn with_model(store: Store, model: Option<Arc<dyn Model>>) -> Desk {
        acceptance::model::install_crypto();
        let discord = FakeDiscord::start().await;
        for (id, name) in [(ANA, "ana"), (BEN, "ben"), (OLGA, "olga"), (GUS, "gus")] {
            discord.add_member(User::new(id, name));
        }
        discord.add_channel(HELP, "help");
        discord.add_forum(POSTS, "posts");
        discord.add_channel(LOUNGE, "lounge");
        discord.add_channel(SUGGEST, "suggestions");
        for (id, name) in [(ANA, "ana"), (BEN, "ben"), (OLGA, "olga")] {
            let of = account(id);
            let link = AccountLink { of, name: name.into() };
            store.create_account_link(name, &link, 0, i64::MAX).await.unwrap();
            let email = format!("{name}@example.com");
            store.use_account_link(name, &email, 1).await.unwrap().unwrap();
        }
        let section = format!(
            "\n[discord]\ntoken = \"{}\"\napplication_id = \"{}\"\napi_url = \"{}\"\n{CHANNELS}",
            FakeDiscord::TOKEN,
            FakeDiscord::APPLICATION,
            discord.api_url()
        );
        let dir = TempDir::new().unwrap();
        let mut connected = None;
        let articles = [POST_INVOICE];
        let bot = TestBot::on(
            store,
            dir.path(),
            &articles,
            model,
            &section,
            |config, store, clock, _| {
                let connections = Connections::new(config, store, clock).unwrap();
                let chats = connections.chats(store);
                connected = Some(connections);
                Arc::new(chats)
            },
        )
        .await;
        let (stop, stopped) = watch::channel(false);
        let mut parts = JoinSet::new();
        parts.spawn(worker::run(bot.app.clone(), stopped.clone()));
        connected.unwrap().run(&bot.app, &stopped, &mut parts);
        // Time goes on: a worker that missed a wake-up looks for itself once a second.
        let clock = bot.clock.clone();
        let mut seconds = tokio::time::interval(Duration::from_secs(1));
        let mut stopping = stopped.clone();
        parts.spawn(async move {
            let goes_on = async {
                loop {
                    seconds.tick().await;
                    clock.advance(1_000);
                }
            };
            tokio::select! {
                () = goes_on => {}
                _ = stopping.wait_for(|stop| *stop) => {}
            }
        });
        discord.connected().await;
        Desk { bot, discord, stop, parts, _dir: dir }
    }

    /// Everything ends in order, and nothing is left over.
    pub(crate) async fn end(mut self) {
        self.settled().await;
        let left = self.bot.app.store.jobs(None, 9).await.unwrap();
        assert!(left.is_empty(), "{left:?}");
        self.stop.send_replace(true);
        while self.parts.join_next().await.is_some() {}
    }

    /// Waits until this holds.
    pub(crate) async fn eventually(&self, what: impl AsyncFn() -> bool) {
        let wait = async {
            while !what().await {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), wait).await.expect("it never came");
    }

    /// Jobs that wait, and those at work.
    pub(crate) async fn jobs(&self) -> (i64, i64) {
        let counts = self.bot.app.store.job_counts(self.bot.app.clock.now()).await.unwrap();
        (counts.ready, counts.running)
    }

    /// No job is left.
    pub(crate) async fn settled(&self) {
        self.eventually(async || self.jobs().await == (0, 0)).await;
    }

    /// The same, while time goes on: what failed is tried again.
    pub(crate) async fn settled_in_time(&self) {
        // Not under somebody at work: they would lose their lease.
        self.eventually(async || self.jobs().await.1 == 0).await;
        self.bot.clock.advance(60_000);
        let turns = std::cell::Cell::new(0_u32);
        self.eventually(async || {
            turns.set(turns.get() + 1);
            if turns.get().is_multiple_of(200) {
                // A worker that looked just before must look again.
                self.bot.clock.advance(1_000);
            }
            self.jobs().await == (0, 0)
        })
        .await;
    }

    /// What the bot wrote in a channel or thread.
    pub(crate) fn said(&self, channel: u64) -> Vec<Posted> {
        let mut posted = self.discord.messages(channel);
        posted.retain(|m| m.author == FakeDiscord::BOT_USER);
        posted
    }

    /// The same, once there are so many.
    pub(crate) async fn replies(&self, channel: u64, many: usize) -> Vec<Posted> {
        self.discord.until(|_| self.said(channel).len() >= many).await;
        let said = self.said(channel);
        assert_eq!(said.len(), many, "{said:?}");
        said
    }

    /// What an interaction was answered with: type and data.
    pub(crate) async fn answer(&self, interaction: u64) -> (u64, Value) {
        self.discord.until(|it| it.answer(interaction).is_some()).await;
        let answer = self.discord.answer(interaction).unwrap();
        (answer["type"].as_u64().unwrap(), answer["data"].clone())
    }

    /// What whoever did something reads alone.
    pub(crate) async fn told(&self, interaction: u64) -> String {
        let (kind, data) = self.answer(interaction).await;
        assert_eq!((kind, data["flags"].as_u64().unwrap_or_default() & 64), (4, 64), "{data}");
        data["content"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn presses(&self, user: u64, on: &Posted, button: &str) -> u64 {
        let id = component(on, button);
        self.discord.presses(user, on.id, &id)
    }

    pub(crate) async fn tickets(&self) -> Vec<Ticket> {
        let root = self.bot.viewer("root").await;
        self.bot.app.store.tickets(&TicketFilter::default(), &root).await.unwrap().items
    }

    /// Goes through both steps of a form that an interaction opened, and sends it.
    pub(crate) async fn files(&self, user: u64, opened: u64, kind: &str, summary: &str) -> u64 {
        // At once, or put off while words are read for the first time.
        let (answered, _) = self.answer(opened).await;
        assert!([4, 5].contains(&answered), "a private message with lists: {answered}");
        self.discord.until(|it| !it.responses(opened)[0].loading()).await;
        let step = self.discord.responses(opened).remove(0);
        assert!(step.ephemeral());
        let list = component(&step, "firstline.form:kind");
        let chose = self.discord.selects(user, step.id, &list, &[kind]);
        assert_eq!(self.answer(chose).await.0, 7, "the lists, altered");
        let step = self.discord.message(step.id).unwrap();
        let wrote = self.presses(user, &step, "firstline.form:write").await;
        assert_eq!(self.answer(wrote).await.0, 9, "a dialog");
        let sent = self.discord.submits_modal(user, wrote, &[("summary", summary)]);
        assert_eq!(self.answer(sent).await.0, 7);
        sent
    }
}

pub(crate) fn account(user: u64) -> AccountKey {
    AccountKey { platform: "discord".into(), tenant: "*".into(), account: user.to_string() }
}

/// The name of a component that begins so.
pub(crate) fn component(on: &Posted, begins: &str) -> String {
    let all = components(on);
    let found = all.iter().find(|id| id.starts_with(begins));
    found.unwrap_or_else(|| panic!("no {begins} in {all:?}")).clone()
}

pub(crate) fn components(on: &Posted) -> Vec<String> {
    let rows = on.components.as_array().into_iter().flatten();
    let all = rows.flat_map(|row| row["components"].as_array().into_iter().flatten());
    all.filter(|it| it["disabled"] != true)
        .filter_map(|it| it["custom_id"].as_str().map(str::to_owned))
        .collect()
}

#[tokio::test]
async fn a_request_lives_in_direct_messages_from_question_to_resolution() {
    on_both(async |store| {
        let desk = Desk::new(store).await;
        let dm = desk.discord.dm(ANA);
        desk.discord.says(dm, ANA, QUESTION);
        let answer = desk.replies(dm, 1).await.remove(0);
        assert!(answer.content.contains("Purchasing > Invoices > New"), "{}", answer.content);
        assert!(answer.embeds.to_string().contains("[1]"), "{}", answer.embeds);
        assert_eq!(answer.allowed_mentions["parse"], serde_json::json!([]));

        desk.discord.says(dm, ANA, FOLLOW_UP);
        let second = desk.replies(dm, 2).await.remove(1);
        assert!(second.content.contains("finance controller"), "{}", second.content);

        let pressed = desk.presses(ANA, &second, "firstline.not_helpful").await;
        assert_eq!(desk.answer(pressed).await.0, 7);
        desk.replies(dm, 3).await;
        let second = desk.discord.message(second.id).unwrap();
        assert!(second.components.to_string().contains("not helpful"), "{}", second.components);
        assert!(components(&second).iter().all(|id| !id.starts_with("firstline.solved")));

        let opened = desk.presses(ANA, &second, "firstline.file_ticket").await;
        desk.files(ANA, opened, "bug", "KS-1180 though the period is open").await;
        let filed = desk.replies(dm, 4).await.remove(3);
        let ticket = desk.tickets().await.remove(0);
        assert_eq!((ticket.requester.as_str(), ticket.kind), ("ana@example.com", Kind::Bug));
        assert_eq!(ticket.summary, "KS-1180 though the period is open");
        assert!(filed.content.contains(&ticket.key), "{}", filed.content);

        let olga = desk.bot.viewer("olga").await;
        let done = TicketPatch { status: Some(Status::Resolved), ..TicketPatch::default() };
        flows::ticket::patch(&desk.bot.app, &olga, &ticket.key, None, done).await.unwrap();
        let told = desk.replies(dm, 5).await.remove(4);
        assert!(told.content.contains(&ticket.key), "{}", told.content);

        // That an answer is being worked on is shown where a model is asked.
        let app = &desk.bot.app;
        let all = app.store.conversations_of("ana@example.com", 9).await.unwrap();
        assert_eq!(all.len(), 1, "what is said within an hour is one conversation");
        app.chat.working(&all[0]).await;
        assert_eq!(desk.discord.calls("POST /channels/{id}/typing").len(), 1);
        desk.settled().await;
        desk.bot.clock.advance(60 * 60_000);
        desk.discord.says(dm, ANA, QUESTION);
        desk.replies(dm, 6).await;
        let all = app.store.conversations_of("ana@example.com", 9).await.unwrap();
        assert_eq!(all.len(), 2, "after an hour, another one begins");
        desk.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_question_in_a_channel_begins_a_thread_that_goes_on_unnamed() {
    on_both(async |store| {
        let desk = Desk::new(store).await;
        let ignored = desk.discord.says(LOUNGE, ANA, QUESTION);
        let asked = desk.discord.says(HELP, ANA, QUESTION);
        let answer = desk.replies(asked, 1).await.remove(0);
        assert!(answer.content.contains("Purchasing"), "{}", answer.content);
        assert!(answer.content.starts_with("<@101> "), "the asker learns of the thread");
        assert_eq!(answer.allowed_mentions["users"], serde_json::json!(["101"]));
        assert_eq!(desk.discord.threads(HELP), [asked]);
        let named = desk.discord.calls("POST /channels/{id}/messages/{id}/threads");
        assert_eq!(named[0]["name"], QUESTION);

        desk.discord.says(asked, ANA, FOLLOW_UP);
        let second = desk.replies(asked, 2).await.remove(1);
        assert!(second.content.contains("finance controller"), "{}", second.content);
        assert_eq!(second.allowed_mentions, serde_json::json!({ "parse": [] }));

        // Somebody else's word ends its part, until it is named again.
        desk.discord.says(asked, BEN, "I can show you, come over");
        desk.eventually(async || {
            let all = desk.bot.app.store.conversations_of("ana@example.com", 9).await.unwrap();
            all.iter().any(|conversation| conversation.handed_over)
        })
        .await;
        desk.discord.says(asked, ANA, "and where is the due date?");
        desk.discord.mentions(asked, ANA, QUESTION);
        desk.replies(asked, 3).await;

        // Where nobody has described the channel, anybody may read along.
        let named = desk.discord.mentions(LOUNGE, ANA, QUESTION);
        let answer = desk.replies(named, 1).await.remove(0);
        assert!(!answer.content.contains("Purchasing"), "{}", answer.content);
        assert!(desk.said(ignored).is_empty(), "nobody asked the bot");
        desk.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_post_in_a_forum_is_a_request() {
    on_both(async |store| {
        let desk = Desk::new(store).await;
        let post = desk.discord.creates_forum_post(ANA, POSTS, "Invoices", QUESTION);
        let answer = desk.replies(post, 1).await.remove(0);
        assert!(answer.content.contains("Purchasing"), "{}", answer.content);
        desk.discord.says(post, ANA, FOLLOW_UP);
        desk.replies(post, 2).await;
        assert_eq!(desk.discord.calls("POST /channels/{id}/messages/{id}/threads").len(), 0);

        // Called into a thread, it reads what was said there before.
        let begun = desk.discord.says(LOUNGE, BEN, "about the network of the branch");
        let thread = desk.discord.creates_thread(BEN, LOUNGE, "branch", Some(begun));
        desk.discord.says(thread, BEN, "it is down since Monday");
        desk.discord.mentions(thread, BEN, "");
        desk.replies(thread, 1).await;
        let all = desk.bot.app.store.conversations_of("ben@example.com", 9).await.unwrap();
        let heard = desk.bot.app.store.messages(&all[0].id, 0, 1).await.unwrap().remove(0);
        assert!(heard.body.text.contains("of the branch"), "{}", heard.body.text);
        assert!(heard.body.text.contains("since Monday"), "{}", heard.body.text);
        desk.end().await;
    })
    .await;
}

#[tokio::test]
async fn changes_and_deletions_are_followed() {
    on_both(async |store| {
        let desk = Desk::new(store).await;
        let dm = desk.discord.dm(ANA);
        let asked = desk.discord.says(dm, ANA, "how do I post it?");
        desk.replies(dm, 1).await;
        desk.discord.edits(asked, QUESTION);
        let anew = desk.replies(dm, 2).await.remove(1);
        assert!(anew.content.contains("Purchasing"), "{}", anew.content);
        desk.discord.deliver_again("MESSAGE_UPDATE");
        desk.discord.deletes(asked);
        let store = &desk.bot.app.store;
        let all = store.conversations_of("ana@example.com", 9).await.unwrap();
        desk.eventually(async || {
            let left = store.messages(&all[0].id, 0, 99).await.unwrap();
            left.iter().all(|m| m.body.text != QUESTION)
        })
        .await;
        desk.settled().await;
        assert_eq!(desk.said(dm).len(), 2, "one change, one answer");
        desk.end().await;
    })
    .await;
}

#[tokio::test]
async fn an_answer_whose_posting_is_unsure_stands_there_once() {
    on_both(async |store| {
        let desk = Desk::new(store).await;
        let route = "POST /channels/{id}/messages";
        let dm = desk.discord.dm(ANA);
        for (nth, fault) in [
            Fault::DoneButLost,
            Fault::HalfBody,
            Fault::Status(502),
            Fault::RateLimited { retry_after_s: 30.0, global: false },
        ]
        .into_iter()
        .enumerate()
        {
            desk.discord.fail_next(route, fault.clone());
            let tries = desk.discord.calls(route).len();
            desk.discord.says(dm, ANA, &format!("{QUESTION} {}", "please ".repeat(nth)));
            desk.discord.until(|it| it.calls(route).len() > tries).await;
            desk.eventually(async || desk.jobs().await.1 == 0).await;
            desk.settled_in_time().await;
            assert_eq!(desk.said(dm).len(), nth + 1, "{fault:?}");
            let again = usize::from(nth > 1);
            assert_eq!(desk.discord.calls(route).len(), tries + 1 + again, "{fault:?}");
        }
        desk.end().await;
    })
    .await;
}
