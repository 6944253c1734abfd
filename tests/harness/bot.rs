//! [`TestBot`]: the production loop over a real database and a real index, with a chat
//! that remembers, a clock that stands still, and people of a small company.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use firstline::accept::{self, AcceptError, Arrival, Say};
use firstline::adapters::knowledge::{self, LocalKnowledge};
use firstline::app::{App, Parts};
use firstline::compute::Compute;
use firstline::config::Config;
use firstline::ports::{Chat, Clock, Model, SendError, Store};
use firstline::prompts::Prompts;
use firstline::store::Accepted;
use firstline::store::records::{
    ConversationRow, Draft, Group, MessageRow, NewDocument, PersonRow, Role, Viewer,
};
use firstline::worker;
use firstline_core::chat::{ConversationKey, Person, Platform, Setting, TicketForm};
use firstline_core::ticket::Kind;
use tokio::sync::Notify;

/// Noon on 2 November 2026, UTC.
pub const START: i64 = 1_793_620_800_000;

/// A clock that moves only when told to.
pub struct MockClock {
    now: AtomicI64,
    moved: Notify,
}

impl MockClock {
    pub fn at(now: i64) -> Arc<Self> {
        Arc::new(MockClock { now: AtomicI64::new(now), moved: Notify::new() })
    }

    pub fn advance(&self, ms: i64) {
        self.now.fetch_add(ms, Ordering::SeqCst);
        self.moved.notify_waiters();
    }
}

#[async_trait]
impl Clock for MockClock {
    fn now(&self) -> i64 {
        self.now.load(Ordering::SeqCst)
    }

    async fn sleep_until(&self, at: i64) {
        loop {
            let moved = self.moved.notified();
            if self.now() >= at {
                return;
            }
            moved.await;
        }
    }
}

/// A chat platform with a memory. It shows a message once per delivery key, as the real
/// ones do where they can, and can be told to fail.
#[derive(Default)]
pub struct FakeChat {
    shown: Mutex<Vec<(String, MessageRow)>>,
    fail_next: Mutex<Vec<SendError>>,
}

impl FakeChat {
    /// Messages shown in a conversation, oldest first.
    pub fn shown(&self, conversation_id: &str) -> Vec<MessageRow> {
        let shown = self.shown.lock().unwrap();
        shown.iter().filter(|(id, _)| id == conversation_id).map(|(_, m)| m.clone()).collect()
    }

    pub fn fail_next(&self, error: SendError) {
        self.fail_next.lock().unwrap().push(error);
    }
}

#[async_trait]
impl Chat for FakeChat {
    async fn deliver(
        &self,
        conversation: &ConversationRow,
        message: &MessageRow,
        _again: bool,
        _draft: Option<&Draft>,
    ) -> Result<Option<String>, SendError> {
        if let Some(error) = self.fail_next.lock().unwrap().pop() {
            return Err(error);
        }
        let mut shown = self.shown.lock().unwrap();
        if shown.iter().all(|(_, m)| m.id != message.id) {
            shown.push((conversation.id.clone(), message.clone()));
        }
        Ok(None)
    }
}

/// An article given to the bot: path, audience, Markdown with front matter.
pub struct Article(pub &'static str, pub &'static str, pub &'static str);

pub struct TestBot {
    pub app: Arc<App>,
    pub clock: Arc<MockClock>,
    pub chat: Arc<FakeChat>,
    pub knowledge: Arc<LocalKnowledge>,
    events: AtomicI64,
}

/// The company every flow test plays in.
pub const COMPANY: &str = r#"
[[group]]
name = "erp-team"
role = "owner"
members = ["olga@example.com"]

[[group]]
name = "people-ops"
role = "owner"
members = ["hana@example.com"]

[[group]]
name = "finance"
members = ["fred@example.com"]

[[group]]
name = "admins"
role = "admin"
members = ["root@example.com"]

[[system]]
name = "Keystone"
aliases = ["the ERP"]
team = "erp-team"
criticality = "high"

[[system]]
name = "Peoplehub"
aliases = ["HR portal"]
team = "people-ops"
confidential = true
"#;

impl TestBot {
    /// A bot on `store` (already migrated) with its index under `dir`.
    pub async fn new(store: Store, dir: &Path, articles: &[Article]) -> TestBot {
        Self::with_model(store, dir, articles, None).await
    }

    pub async fn with_model(
        store: Store,
        dir: &Path,
        articles: &[Article],
        model: Option<Arc<dyn Model>>,
    ) -> TestBot {
        Self::of_company(store, dir, articles, model, "").await
    }

    /// As [`TestBot::with_model`], with `more` TOML after the company's.
    pub async fn of_company(
        store: Store,
        dir: &Path,
        articles: &[Article],
        model: Option<Arc<dyn Model>>,
        more: &str,
    ) -> TestBot {
        Self::on(store, dir, articles, model, more, |_, _, _, fake| fake).await
    }

    /// As [`TestBot::of_company`], speaking through the chat `connect` makes of configuration
    /// store and clock (the last is the chat that remembers, which is otherwise used).
    pub async fn on(
        store: Store,
        dir: &Path,
        articles: &[Article],
        model: Option<Arc<dyn Model>>,
        more: &str,
        connect: impl FnOnce(&Config, &Store, &Arc<dyn Clock>, Arc<dyn Chat>) -> Arc<dyn Chat>,
    ) -> TestBot {
        let config: Config = toml_config(&format!("{COMPANY}{more}"));
        let groups: Vec<Group> = config
            .group
            .iter()
            .map(|g| Group { name: g.name.clone(), role: g.role, members: g.members.clone() })
            .collect();
        store.sync_config_groups(&groups).await.unwrap();
        for name in ["ana", "ben", "olga", "hana", "fred", "root"] {
            let person = PersonRow {
                email: format!("{name}@example.com"),
                name: name.to_uppercase()[..1].to_owned() + &name[1..],
                active: true,
            };
            store.upsert_person(&person, START).await.unwrap();
        }
        let clock = MockClock::at(START);
        put_articles(&store, articles).await;
        let knowledge = knowledge::open(&store, dir, None).await.unwrap();
        let chat = Arc::new(FakeChat::default());
        let port: Arc<dyn Clock> = clock.clone();
        let speaks = connect(&config, &store, &port, chat.clone());
        let app = App::new(Parts {
            config,
            store,
            clock: clock.clone(),
            knowledge: knowledge.clone(),
            model,
            chat: speaks,
            prompts: Prompts::load(None).unwrap(),
            data_dir: dir.to_owned(),
            demo: false,
            compute: Compute::start().unwrap(),
        });
        TestBot { app, clock, chat, knowledge, events: AtomicI64::new(0) }
    }

    pub async fn viewer(&self, name: &str) -> Viewer {
        self.app.store.viewer(&format!("{name}@example.com")).await.unwrap().unwrap()
    }

    pub fn event_id(&self) -> String {
        format!("event-{}", self.events.fetch_add(1, Ordering::SeqCst))
    }

    /// Accepts what `who` says without running it.
    pub async fn accept(
        &self,
        who: &str,
        conversation: Option<&str>,
        text: &str,
    ) -> Result<Accepted, AcceptError> {
        let viewer = self.viewer(who).await;
        let say = Say {
            conversation: conversation.map(str::to_owned),
            text: text.to_owned(),
            attachments: Vec::new(),
            event_id: self.event_id(),
            platform: Platform::Web,
            key: None,
        };
        accept::say(&self.app, &viewer, say).await
    }

    /// `who` says `text`; the loop runs until nothing is due.
    pub async fn say(&self, who: &str, conversation: Option<&str>, text: &str) -> Accepted {
        let accepted = self.accept(who, conversation, text).await.unwrap();
        self.run().await;
        accepted
    }

    /// `who` has sent a form about Keystone; the ticket is there once the loop has run.
    pub async fn files(&self, who: &str, summary: &str) {
        let Viewer { email, name, .. } = self.viewer(who).await;
        let event_id = self.event_id();
        let conversation = ConversationKey {
            platform: Platform::Web,
            tenant: "local".into(),
            channel: email.clone(),
            thread: event_id.clone(),
        };
        let arrival = Arrival {
            conversation,
            setting: Setting::Direct,
            outsiders: false,
            from: Person { email, name, ..Person::default() },
            text: String::new(),
            files: Vec::new(),
            event_id,
        };
        let form = TicketForm {
            kind: Some(Kind::Bug),
            system: Some("Keystone".into()),
            summary: summary.into(),
            ..TicketForm::default()
        };
        accept::filed(&self.app, arrival, form).await.unwrap();
    }

    /// The production loop, turn by turn, until nothing is due.
    pub async fn run(&self) {
        while worker::step(&self.app).await.unwrap() > 0 {}
    }

    /// The conversation as its requester reads it.
    pub async fn transcript(&self, conversation_id: &str) -> String {
        let messages = self.app.store.messages(conversation_id, 0, 100).await.unwrap();
        let names = HashMap::from([("requester", "→"), ("bot", "←"), ("person", "⇐")]);
        let mut out = String::new();
        for message in messages {
            let author = serde_json::to_value(message.author).unwrap();
            let arrow = names[author.as_str().unwrap()];
            out.push_str(&format!("{arrow} {}\n", message.body.text));
        }
        out
    }

    /// The last thing the bot said in a conversation.
    pub async fn last_reply(&self, conversation_id: &str) -> Option<MessageRow> {
        let messages = self.app.store.messages(conversation_id, 0, 100).await.unwrap();
        messages.into_iter().rfind(|m| m.author == firstline::store::records::Author::Bot)
    }

    /// No job may be left dead or waiting at the end of a test.
    pub async fn assert_quiet(&self) {
        let counts = self.app.store.job_counts(self.clock.now()).await.unwrap();
        assert_eq!((counts.ready, counts.running, counts.dead), (0, 0, 0), "jobs are left over");
    }
}

/// A configuration from TOML text, without environment.
pub fn toml_config(text: &str) -> Config {
    toml::from_str(text).unwrap()
}

/// Writes articles as the indexer would.
pub async fn put_articles(store: &Store, articles: &[Article]) {
    let documents: Vec<NewDocument> = articles
        .iter()
        .map(|Article(path, audience, markdown)| {
            firstline::ingest::new_document(firstline_indexer::document_from_markdown(
                "handbook", path, markdown, audience,
            ))
        })
        .collect();
    if !documents.is_empty() {
        store.put_source("handbook", "folder", "handbook", "everyone", &[], START).await.unwrap();
        store.put_documents(documents, START).await.unwrap();
    }
}

/// A group's role by name, for readable tests.
pub fn role(name: &str) -> Role {
    serde_json::from_value(serde_json::Value::String(name.into())).unwrap()
}
