//! The company the permission probes are made in: once as it is, and once more without
//! its secrets. Whoever may not see the secrets must not be able to tell the two apart.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use acceptance::bot::{Article, START, TestBot, put_articles};
use acceptance::db::TestDb;
use acceptance::model::{Heard, Reply as Said, ScriptedModel, install_crypto};
use axum::Router;
use axum::body::{Body, HttpBody};
use axum::http::{Request, StatusCode, header};
use firstline::accept::{self, Arrival, Say};
use firstline::adapters::knowledge;
use firstline::adapters::model::{OpenAiModel, Unlimited};
use firstline::console;
use firstline::console::session::hash_token;
use firstline::flows::ticket;
use firstline::ports::Model;
use firstline::store::records::{ApiToken, NewJob, PersonRow};
use firstline::store::{Accepted, Live, LiveKind, new_id};
use firstline::{config, telemetry};
use firstline_core::chat::{ConversationKey, Person, Platform, Restraint, Setting};
use firstline_core::incident::Severity;
use firstline_core::incident::decide::Declaration;
use serde_json::json;
use tower::ServiceExt;

/// A team and a system beside the harness's own, foreign to both outsiders.
const MORE: &str = r#"
[[group]]
name = "desk-team"
role = "owner"
members = ["hana@example.com"]

[[system]]
name = "Harbour"
team = "desk-team"
"#;

/// After this a stream is taken never to tell more.
const PATIENCE: Duration = Duration::from_secs(20);

/// Words that stand in the secrets and nowhere else.
pub(crate) const MARKERS: &[&str] = &[
    "quincefall", // the confidential ticket's text
    "tamarisk",   // a note about it
    "brambleton", // a reply in its thread
    "wolframite", // its file, by name and content
    "larchwood",  // a plain ticket of another team
    "zebrafinch", // a restricted article's text
    "osprey",     // its title
    "cormorant",  // a file of its source that could not be read
    "hollowmere", // a dead letter's error
    "juniperus",  // a question about a confidential system that nobody could answer
    "sandpiper",  // a confidential word in a thread that also has a plain ticket
    "gannet",     // a restricted article quoted to somebody who may read it
    "marrowfat",  // a confidential request on which a reply is only suggested
    "ptarmigan",  // a private incident
    "zora@example.com",
];

const OPEN: &[Article] = &[
    Article(
        "keystone/orders.md",
        "everyone",
        "---\ntitle: Create a purchase order\nsystem: Keystone\nowner: olga@example.com\nreviewed: 2026-08-01\n---\n# Create a purchase order\n\nOpen **Keystone > Purchasing > New order**, choose the vendor and add the lines. See [how months are closed](../finance/close.md). Orders above 5000 EUR go to your manager.\n",
    ),
    Article(
        "peoplehub/leave.md",
        "everyone",
        "---\ntitle: Ask for leave\nsystem: Peoplehub\nowner: hana@example.com\nreviewed: 2026-08-01\n---\n# Ask for leave\n\nOpen **Peoplehub > My time** and choose the days. Your manager is told and agrees or not.\n",
    ),
];

const RESTRICTED: &[Article] = &[
    Article(
        "finance/close.md",
        "finance",
        "---\ntitle: Close the month for Osprey\nsystem: Keystone\nowner: fred@example.com\nreviewed: 2024-01-01\n---\n# Close the month for Osprey\n\nRun the accrual report zebrafinch on the second working day, then lock the period.\n",
    ),
    Article(
        "finance/cash.md",
        "finance",
        "---\ntitle: Petty cash limit\nsystem: Keystone\nowner: fred@example.com\nreviewed: 2026-08-01\n---\n# Petty cash limit\n\nThe petty cash limit of the gannet office is 731 EUR. Anything above goes through the bank.\n",
    ),
];

/// What the confidential ticket says, in two halves around its secret word.
pub(crate) const GRIEVANCE: (&str, &str) = (
    "Peoplehub shows the grievance of my colleague ",
    " to everybody since this morning, nobody in our team can work with it",
);

/// What came back.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    /// Where it leads, for a redirect.
    pub(crate) location: String,
    pub(crate) body: String,
}

pub(crate) struct World {
    pub(crate) bot: TestBot,
    pub(crate) router: Router,
    pub(crate) model: Option<ScriptedModel>,
    /// What the probes call by name.
    pub(crate) names: HashMap<&'static str, String>,
    db: TestDb,
}

impl World {
    /// A company with one ticket of Ben's and one of the ERP team's, and nothing to hide.
    pub(crate) async fn new(db: TestDb, with_model: bool) -> World {
        let scripted = if with_model { ScriptedModel::start(read).await.ok() } else { None };
        let store = db.store().await;
        // Nobody's address is part of another's.
        let zora =
            PersonRow { email: "zora@example.com".into(), name: "Zora".into(), active: true };
        store.upsert_person(&zora, START).await.unwrap();
        let bot =
            TestBot::of_company(store, &db.path("index"), OPEN, adapter(scripted.as_ref()), MORE)
                .await;
        for name in ["zora", "ben", "olga", "hana", "fred", "root"] {
            let email = format!("{name}@example.com");
            let (hash, csrf) = (hash_token(&format!("session-{name}")), format!("csrf-{name}"));
            bot.app.store.create_session(&hash, &email, &csrf, START, i64::MAX).await.unwrap();
        }
        let router = console::router(Arc::clone(&bot.app), Some(telemetry::metrics()));
        let mut world = World { bot, router, model: scripted, names: HashMap::new(), db };
        let own = world.bot.say("ben", None, "Keystone is down, I cannot post an order").await;
        world.name("own", world.ticket_of(&own).await);
        world.name("mychat", own.conversation_id);
        let erp = world.bot.say("olga", None, "Keystone is down, no receipts can be booked").await;
        world.name("erp", world.ticket_of(&erp).await);
        let documents = world.bot.app.store.documents(&world.bot.viewer("ben").await).await;
        let open = documents.unwrap().into_iter().find(|d| d.path == OPEN[0].0).unwrap();
        world.name("open", open.id);
        world
    }

    /// The secrets: tickets, notes, a file, articles, a dead letter, unanswered questions.
    pub(crate) async fn plant(&mut self) {
        let store = self.bot.app.store.clone();
        put_articles(&store, RESTRICTED).await;
        let unread = [("cormorant.pdf".to_owned(), "is damaged".to_owned())];
        store.put_source("ledger", "folder", "ledger", "finance", &unread, START).await.unwrap();
        knowledge::catch_up(&self.bot.knowledge, &store).await.unwrap();
        let documents = store.documents(&self.bot.viewer("fred").await).await.unwrap();
        let article = documents.into_iter().find(|d| d.path == RESTRICTED[0].0).unwrap();
        let passages = store.document(&article.id).await.unwrap().unwrap().2;
        self.name("passage", passages[0].id.clone());
        self.name("article", article.id);

        let (before, after) = GRIEVANCE;
        let file = store
            .put_attachment(
                "zora@example.com",
                None,
                "wolframite.txt",
                "application/octet-stream",
                b"wolframite",
                START,
            )
            .await
            .unwrap();
        let text = format!("{before}quincefall{after}");
        let said = self.say_with("zora", &text, vec![file.id.clone()]).await;
        self.name("file", file.id);
        self.name("chat", said.conversation_id.clone());
        self.name("request", said.request_id.clone().unwrap());
        let secret = self.ticket_of(&said).await;
        let hana = self.bot.viewer("hana").await;
        let app = &self.bot.app;
        ticket::comment(app, &hana, &secret, "tamarisk", true).await.unwrap();
        ticket::comment(app, &hana, &secret, "Ask brambleton", false).await.unwrap();
        self.name("hr", secret);

        let plain = "Harbour is down: the larchwood queue takes no cases since this morning";
        let said = self.bot.say("zora", None, plain).await;
        self.name("plain", self.ticket_of(&said).await);
        let hanas = self.bot.say("hana", None, "Harbour is down, cases are lost").await;
        self.name("hanas", self.ticket_of(&hanas).await);

        // Asked of a confidential system and not answered.
        self.bot.say("zora", None, "How does Peoplehub compute the juniperus allowance?").await;
        // One thread, two tickets: what belongs to the confidential one is not the ERP
        // team's, though the thread is.
        let text = "Peoplehub is down for the sandpiper investigation, nobody can read its files";
        let mixed = self.bot.say("zora", None, text).await;
        let chat = Some(mixed.conversation_id.as_str());
        let other = self.bot.say("zora", chat, "Also Keystone is down, orders are lost").await;
        self.name("mixed", self.ticket_of(&other).await);
        // An answer from an article that the team of the ticket may not read.
        let quoted = self.bot.say("fred", None, "What is the petty cash limit in Keystone?").await;
        let chat = Some(quoted.conversation_id.as_str());
        let down = self.bot.say("fred", chat, "And Keystone is down, I see an error page").await;
        self.name("quoting", self.ticket_of(&down).await);
        self.name("quote", quoted.request_id.unwrap());
        // Asked in a channel in which the bot only suggests.
        let overheard = Arrival {
            conversation: ConversationKey {
                platform: Platform::Slack,
                tenant: "T1".into(),
                channel: "CSUG".into(),
                thread: "1.0".into(),
            },
            setting: Setting::Channel,
            outsiders: false,
            from: Person {
                email: "zora@example.com".into(),
                name: "Zora".into(),
                ..Person::default()
            },
            text: "Peoplehub is down, nobody can read the marrowfat files".into(),
            files: Vec::new(),
            event_id: "overheard".into(),
        };
        let kept = accept::overheard(&self.bot.app, overheard, Some(Restraint::Suggest)).await;
        self.name("suggestion", kept.unwrap().request_id.unwrap());
        self.bot.run().await;
        let zora = self.bot.viewer("zora").await;
        let private = Declaration {
            title: "Payroll of the ptarmigan project was read by others".into(),
            severity: Severity::Sev1,
            system: None,
            private: true,
            drill: false,
            suspected: false,
        };
        let declared = self.bot.app.incidents(&zora).declare(private).await.unwrap();
        self.name("incident", declared.key);
        self.name("job", self.dead_letter().await);
        self.bot.run().await;
    }

    async fn dead_letter(&self) -> String {
        let job = NewJob {
            id: new_id(),
            kind: "deliver",
            lane: "none".into(),
            payload: "{}".into(),
            priority: 0,
            run_at: START,
            dedupe: None,
            max_attempts: 1,
        };
        let (id, store) = (job.id.clone(), &self.bot.app.store);
        store.enqueue(job, START).await.unwrap();
        let leased = store.lease("probe", 9, 1_000, START).await.unwrap();
        assert!(store.kill(&leased[0], "hollowmere cannot be reached").await.unwrap());
        id
    }

    pub(crate) fn name(&mut self, name: &'static str, value: String) {
        self.names.insert(name, value);
    }

    async fn say_with(&self, who: &str, text: &str, attachments: Vec<String>) -> Accepted {
        let viewer = self.bot.viewer(who).await;
        let say = Say {
            conversation: None,
            text: text.to_owned(),
            attachments,
            event_id: self.bot.event_id(),
            platform: Platform::Web,
            key: None,
        };
        let accepted = accept::say(&self.bot.app, &viewer, say).await.unwrap();
        self.bot.run().await;
        accepted
    }

    async fn ticket_of(&self, said: &Accepted) -> String {
        let id = said.request_id.clone().unwrap();
        let request = self.bot.app.store.request(&id).await.unwrap().unwrap();
        request.ticket_key.clone().unwrap_or_else(|| panic!("no ticket for {request:?}"))
    }

    /// `text` with `{name}` replaced by what `names` calls so.
    fn fill(text: &str, names: &HashMap<&'static str, String>) -> String {
        let mut text = text.to_owned();
        for (name, value) in names {
            text = text.replace(&format!("{{{name}}}"), value);
        }
        text
    }

    /// Sends one probe. `who` is a person with a session, `nobody`, `token:PERSON/SCOPE+SCOPE`
    /// or `token:none`.
    pub(crate) async fn send(
        &self,
        names: &HashMap<&'static str, String>,
        who: &str,
        method: &str,
        path: &str,
        body: &str,
    ) -> Reply {
        let (path, body) = (Self::fill(path, names), Self::fill(body, names));
        let mut request =
            Request::builder().method(method).uri(&path).header(header::HOST, "desk.test");
        let mut sent = body.clone();
        if let Some(token) = who.strip_prefix("token:") {
            request = request
                .header(header::CONTENT_TYPE, "application/json")
                .header(header::IF_MATCH, "\"1\"");
            if token != "none" {
                let bearer = format!("Bearer {}", self.token(token).await);
                request = request.header(header::AUTHORIZATION, bearer);
            }
        } else {
            request = request
                .header(header::ACCEPT, "text/html")
                .header(header::ORIGIN, "http://desk.test")
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .header(header::COOKIE, format!("firstline=session-{who}"));
            if method != "GET" {
                sent = format!("csrf=csrf-{who}&{body}");
            }
        }
        let request = request.body(Body::from(sent)).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let text = |name| {
            parts.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned()
        };
        let streams = text(header::CONTENT_TYPE).starts_with("text/event-stream");
        let body = if streams { self.backlog(&path, body).await } else { whole(body).await };
        Reply { status: parts.status, location: text(header::LOCATION), body }
    }

    /// The token `PERSON/SCOPE+SCOPE`, made at its first use.
    async fn token(&self, wanted: &str) -> String {
        let (person, scopes) = wanted.split_once('/').unwrap();
        let store = &self.bot.app.store;
        let hash = hash_token(wanted);
        if store.token_by_hash(&hash, START).await.unwrap().is_none() {
            let row = ApiToken {
                id: new_id(),
                name: "probe".into(),
                email: format!("{person}@example.com"),
                scopes: scopes.split('+').map(str::to_owned).collect(),
                created_at: START,
                last_used_at: None,
                revoked_at: None,
            };
            store.create_token(&row, &hash).await.unwrap();
        }
        wanted.to_owned()
    }

    /// What a stream of events tells of what was there before. A conversation's goes on, so
    /// a sign of typing is made in it, which follows all that; the API's ends by itself.
    async fn backlog(&self, path: &str, body: Body) -> String {
        const TYPING: &str = "event: typing";
        let mut body = Box::pin(body);
        if let Some(id) = path.strip_prefix("/chat/").and_then(|rest| rest.split('/').next()) {
            let mark = Live { conversation_id: id.to_owned(), kind: LiveKind::Typing };
            self.bot.app.store.publish_live(&mark);
        }
        // A ticket's page that says no version it has seen is told to look at once.
        let ends = [TYPING, "event: changed"];
        let enough = |text: &str| ends.iter().any(|end| text.contains(end));
        let heard = read_until(&mut body, enough, PATIENCE).await;
        assert!(!path.starts_with("/chat/") || heard.contains(TYPING), "{path}: {heard}");
        heard
    }

    /// Where its database is.
    pub(crate) fn url(&self) -> &str {
        &self.db.url
    }

    pub(crate) async fn discard(self) {
        self.bot.app.store.close().await;
        self.db.discard().await;
    }
}

async fn whole(body: Body) -> String {
    let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Reads a stream until `enough` of what was read, its end, or a pause this long.
pub(crate) async fn read_until(
    body: &mut std::pin::Pin<Box<Body>>,
    enough: impl Fn(&str) -> bool,
    pause: Duration,
) -> String {
    let mut text = String::new();
    while !enough(&text) {
        let next = std::future::poll_fn(|context| body.as_mut().poll_frame(context));
        let Ok(Some(Ok(frame))) = tokio::time::timeout(pause, next).await else { break };
        if let Ok(bytes) = frame.into_data() {
            text.push_str(&String::from_utf8_lossy(&bytes));
        }
    }
    text
}

fn adapter(server: Option<&ScriptedModel>) -> Option<Arc<dyn Model>> {
    install_crypto();
    let config = config::Model {
        embeddings: None,
        base_url: server?.base_url().to_owned(),
        name: "scripted".into(),
        api_key: None,
        api_key_file: None,
        timeout_s: 20,
        daily_tokens: None,
        concurrency: 2,
    };
    let clock = Arc::new(firstline::adapters::clock::SystemClock);
    Some(Arc::new(OpenAiModel::new(&config, &[], Arc::new(Unlimited), clock).unwrap()))
}

/// The script: outages are incidents, the rest questions; the system is the first one
/// named; answers repeat the first passage.
fn read(heard: &Heard) -> Said {
    if heard.schema_name() == "assessment" {
        let request = heard.request();
        let down = request.contains("is down") || request.contains("grievance");
        let system = ["Peoplehub", "Keystone", "Harbour"]
            .into_iter()
            .filter_map(|name| Some((request.find(name)?, name)))
            .min();
        return Said::Say(json!({
            "kind": if down { "incident" } else { "question" },
            "confidence": 0.95,
            "system": system.map_or("none", |(_, name)| name),
            "impact": "one",
            "urgency": "normal",
            "sentiment": "neutral",
            "language": "en",
            "summary": request,
            "fields": {},
        }));
    }
    let passages = heard.data("PASSAGES");
    let text = passages[0]["text"].as_str().unwrap_or_default();
    let sentence = text.lines().rfind(|line| line.ends_with('.')).unwrap_or_default();
    let sentence = sentence.split_inclusive(". ").next().unwrap_or_default().trim();
    if sentence.is_empty() {
        return Said::Say(json!({"statements": [], "abstain": "not_covered"}));
    }
    Said::Say(json!({"statements": [{"text": sentence, "cites": [1]}], "abstain": null}))
}
