//! Kill the process anywhere and start it again: every accepted message has one answer
//! and at most one ticket. What was sent is counted where it arrives: by a browser's
//! stand-in that keeps the conversations open across the kills.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::time::Duration;

use acceptance::far_side::{FarSide, Record, Shown};
use acceptance::process::{Service, Taken, firstline, run};
use acceptance::{bot, db};
use firstline::adapters::clock::SystemClock;
use firstline::console::session::hash_token;
use firstline::ports::{Clock as _, Store};
use firstline::store::records::{Author, MessageRow};
use tempfile::TempDir;

/// A service's folder, configuration and token, able to be started again and again.
pub(crate) struct Site {
    dir: TempDir,
    token: String,
    pub(crate) database: db::TestDb,
}

impl Site {
    pub(crate) async fn new(database: db::TestDb) -> Site {
        Site::with(database, "").await
    }

    /// With further lines in its configuration.
    pub(crate) async fn with(database: db::TestDb, more: &str) -> Site {
        let dir = TempDir::new().unwrap();
        let config = format!(
            "[server]\nlease_s = 1\n[database]\nurl = \"{}\"\n{}{more}",
            database.url,
            bot::COMPANY
        );
        std::fs::write(dir.path().join("firstline.toml"), config).unwrap();
        std::fs::create_dir(dir.path().join("docs")).unwrap();
        std::fs::write(dir.path().join("docs/post-invoice.md"), crate::pipeline::POST_INVOICE.2)
            .unwrap();
        let site = Site { dir, token: String::new(), database };
        site.command(&["migrate"]).await;
        site.command(&["user", "add", "ana@example.com", "Ana"]).await;
        let docs = site.path().join("docs");
        site.command(&["index", docs.to_str().unwrap()]).await;
        let printed = site
            .command(&[
                "token",
                "create",
                "crash",
                "--as",
                "ana@example.com",
                "--scope",
                "requests",
            ])
            .await;
        let token = printed.split_whitespace().find(|w| w.starts_with("fl_")).unwrap().to_owned();
        Site { token, ..site }
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    async fn command(&self, arguments: &[&str]) -> String {
        let mut command = firstline(&self.path().join("data"));
        command.arg("--config").arg(self.path().join("firstline.toml")).args(arguments);
        run(command).await
    }

    pub(crate) async fn start(&self, environment: &[(&str, &str)]) -> Option<Service> {
        self.start_in("data", environment).await
    }

    /// Starts a service with a data folder of its own on the same database.
    pub(crate) async fn start_in(
        &self,
        folder: &str,
        environment: &[(&str, &str)],
    ) -> Option<Service> {
        let config = self.path().join("firstline.toml");
        Service::start(&self.path().join(folder), &config, &self.token, environment).await
    }

    /// A browser in which Ana is signed in.
    pub(crate) async fn browser(&self) -> FarSide {
        let store = self.database.store().await;
        let hash = hash_token("session");
        store.create_session(&hash, "ana@example.com", "csrf", bot::START, i64::MAX).await.unwrap();
        store.close().await;
        FarSide::new("session", "csrf")
    }

    /// One answer and at most one ticket were sent for every accepted message, and nothing
    /// was sent but what the store holds. Closes the pages; the tickets that were filed.
    pub(crate) async fn check(
        &self,
        service: &Service,
        far: &mut FarSide,
        accepted: &HashMap<String, Taken>,
    ) -> Vec<String> {
        for taken in accepted.values() {
            far.open(&taken.conversation);
        }
        for taken in accepted.values() {
            service.settled(&taken.request).await;
        }
        far.until("an answer to each message", |record| {
            accepted.values().all(|taken| !answers(record, taken).is_empty())
        })
        .await;
        let store = self.database.store().await;
        delivered(&store, service).await;
        let dead = store.jobs(Some("dead"), 9).await.unwrap();
        assert!(dead.is_empty(), "no job is given up: {dead:?}");
        let record = far.record();
        let mut tickets = Vec::new();
        for (key, taken) in accepted {
            let request = service.get(&format!("/api/v1/requests/{}", taken.request)).await;
            assert_eq!(request["state"], "settled", "{key}: {request}");
            let answers = answers(&record, taken);
            assert_eq!(answers.len(), 1, "{key} has one answer: {answers:#?}");
            // Without a ticket of its own it may be offered one that others filed.
            if let Some(ticket) = request["ticket"].as_str() {
                assert_eq!(answers[0].ticket.as_deref(), Some(ticket), "{key}");
                tickets.push(ticket.to_owned());
            }
            let held = store.messages(&taken.conversation, 0, 1_000).await.unwrap();
            let held: Vec<Shown> = held.iter().map(as_shown).collect();
            assert_eq!(record[&taken.conversation], held, "{key}: sent and held");
        }
        store.close().await;
        far.close_all();
        tickets
    }

    /// `filed`, by one message each, are all the tickets there are and all that were shown.
    pub(crate) async fn check_tickets(&self, record: &Record, filed: &[String]) {
        let once: HashSet<&String> = filed.iter().collect();
        assert_eq!(once.len(), filed.len(), "a ticket was filed by two messages: {filed:?}");
        let shown = record.values().flatten().filter_map(|shown| shown.ticket.as_ref());
        assert_eq!(shown.collect::<HashSet<_>>(), once, "tickets shown and tickets filed");
        let store = self.database.store().await;
        let held = store.tickets_after(0).await.unwrap().len();
        store.close().await;
        assert_eq!(held, once.len(), "tickets in the store and tickets told about");
    }
}

/// Waits until nothing is left to do: an answer may be seen before it is delivered, and a
/// delivery that a kill cut short is taken up again when its lease ends. Nobody outside is
/// told of that, so this looks as often as the service finds the time to answer.
async fn delivered(store: &Store, service: &Service) {
    let done = async {
        loop {
            let counts = store.job_counts(SystemClock.now()).await.unwrap();
            if counts.ready + counts.running == 0 {
                return;
            }
            service.get("/readyz").await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), done).await.expect("every job is done in time");
}

/// What the bot was seen to say to this message.
fn answers<'r>(record: &'r Record, taken: &Taken) -> Vec<&'r Shown> {
    let shown = record.get(&taken.conversation).into_iter().flatten();
    shown.filter(|m| m.author == "bot" && m.request.as_ref() == Some(&taken.request)).collect()
}

/// A stored message as its requester's page shows it.
fn as_shown(row: &MessageRow) -> Shown {
    let author = match row.author {
        Author::Requester => "mine",
        Author::Bot => "bot",
        Author::Person => "person",
    };
    Shown {
        seq: row.seq,
        author: author.to_owned(),
        request: row.request_id.clone(),
        ticket: row.body.ticket.clone(),
    }
}

async fn on_both(test: impl AsyncFn(&Site)) {
    for database in [db::TestDb::sqlite(), db::TestDb::postgres().await] {
        let site = Site::new(database).await;
        test(&site).await;
        site.database.discard().await;
    }
}

pub(crate) const TEXTS: [&str; 4] = [
    "Keystone is down for the whole warehouse, nobody can post a goods receipt since 9",
    "how do I post an invoice in Keystone?",
    "please add a cost centre field to the Keystone purchase order form",
    "the total on the Keystone order report is off by one cent, expected 10.00 but got 9.99",
];

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_each_named_point() {
    on_both(async |site| {
        let mut far = site.browser().await;
        let mut filed = Vec::new();
        for (at, point) in
            ["accepted", "leased", "assessed", "settled", "sent"].into_iter().enumerate()
        {
            let plan = format!("{point}:1");
            let mut service = site.start(&[("FIRSTLINE_CRASH_AT", &plan)]).await.unwrap();
            far.served_at(&service.url);
            let first = far.say(point, TEXTS[at % TEXTS.len()]).await;
            if let Some(first) = &first {
                far.open(&first.conversation);
            }
            service.died().await;
            drop(service);

            let mut service = site.start(&[]).await.unwrap();
            far.served_at(&service.url);
            // The sender repeats what was not acknowledged, and may repeat what was.
            let again = far.say(point, TEXTS[at % TEXTS.len()]).await.unwrap();
            if let Some(first) = first {
                assert_eq!(first, again, "the same message is the same request");
            }
            let accepted = HashMap::from([(point.to_owned(), again)]);
            filed.extend(site.check(&service, &mut far, &accepted).await);
            service.kill().await;
        }
        site.check_tickets(&far.record(), &filed).await;
    })
    .await;
}

/// Messages sent at once in each life of the process.
const LOAD: u64 = 4;
/// Points that each of them passes: accepted, leased, assessed, settled, sent.
const POINTS: u64 = 5;
/// After so many lives one may finish what the others left, before it is killed as well.
const RESPITE: u64 = 10;

/// Sends a message by one of the two front doors, always the same for the same message.
async fn send(service: &Service, far: &FarSide, key: &str, text: &str) -> Option<Taken> {
    if key.ends_with(['0', '2']) { far.say(key, text).await } else { service.post(key, text).await }
}

/// Kills the process at 200 points (or `FIRSTLINE_TEST_KILLS`) while messages come in and
/// their conversations are being watched.
async fn killed_under_load(database: db::TestDb) {
    let kills: u64 =
        std::env::var("FIRSTLINE_TEST_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(200);
    let site = Site::new(database).await;
    let mut far = site.browser().await;
    // Those not yet checked, and how many were.
    let mut accepted: HashMap<String, Taken> = HashMap::new();
    let mut checked = 0;
    let mut filed = Vec::new();
    let mut repeat: Vec<(String, &str)> = Vec::new();
    for round in 0..kills {
        // Any of the points that the messages pass, in a fixed but scattered order.
        let plan = format!("any:{}", (round * 7 + 3) % (LOAD * POINTS) + 1);
        let mut messages = std::mem::take(&mut repeat);
        for n in 0..LOAD {
            messages.push((format!("r{round}-{n}"), TEXTS[((round + n) % 4) as usize]));
        }
        // It may die of work left from before, even before it says where it is.
        let taken = match site.start(&[("FIRSTLINE_CRASH_AT", &plan)]).await {
            Some(mut service) => {
                far.served_at(&service.url);
                let sent = messages.iter().map(|(key, text)| send(&service, &far, key, text));
                let taken = futures::future::join_all(sent).await;
                for taken in taken.iter().flatten() {
                    far.open(&taken.conversation);
                }
                service.died().await;
                taken
            }
            None => vec![None; messages.len()],
        };
        for ((key, text), taken) in messages.into_iter().zip(taken) {
            match taken {
                Some(taken) => {
                    accepted.insert(key, taken);
                }
                None => repeat.push((key, text)),
            }
        }
        if round % RESPITE == RESPITE - 1 {
            let mut service = site.start(&[]).await.unwrap();
            far.served_at(&service.url);
            filed.extend(site.check(&service, &mut far, &accepted).await);
            checked += accepted.drain().count();
            service.kill().await;
        }
    }
    let mut service = site.start(&[]).await.unwrap();
    far.served_at(&service.url);
    for (key, text) in repeat {
        let taken = send(&service, &far, &key, text).await.unwrap();
        accepted.insert(key, taken);
    }
    checked += accepted.len();
    assert_eq!(checked as u64, kills * LOAD, "every message is accepted in the end");
    filed.extend(site.check(&service, &mut far, &accepted).await);
    site.check_tickets(&far.record(), &filed).await;
    service.kill().await;
    site.database.discard().await;
}

// Two tests, so that the databases are tried side by side.
#[tokio::test(flavor = "multi_thread")]
async fn killed_at_200_points_under_load_on_sqlite() {
    killed_under_load(db::TestDb::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_200_points_under_load_on_postgres() {
    killed_under_load(db::TestDb::postgres().await).await;
}
