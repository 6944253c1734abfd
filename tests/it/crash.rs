//! Kill the process anywhere and start it again: every accepted message has one answer
//! and at most one ticket.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use acceptance::process::{Service, firstline, run};
use acceptance::{bot, db};
use firstline::store::records::Author;
use tempfile::TempDir;

/// A service's folder, configuration and token, able to be started again and again.
pub(crate) struct Site {
    dir: TempDir,
    token: String,
    pub(crate) database: db::TestDb,
}

impl Site {
    pub(crate) async fn new(database: db::TestDb) -> Site {
        let dir = TempDir::new().unwrap();
        let config = format!(
            "[server]\nlease_s = 1\n[database]\nurl = \"{}\"\n{}",
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

    async fn start(&self, environment: &[(&str, &str)]) -> Option<Service> {
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

    /// Waits until `service` has settled what was accepted and nothing is given up; those
    /// in `settled` are known to be.
    async fn caught_up(
        &self,
        service: &Service,
        accepted: &HashMap<String, String>,
        settled: &mut HashSet<String>,
    ) {
        for id in accepted.values() {
            if settled.insert(id.clone()) {
                service.settled(id).await;
            }
        }
        let store = self.database.store().await;
        let dead = store.jobs(Some("dead"), 9).await.unwrap();
        store.close().await;
        assert!(dead.is_empty(), "no job is given up: {dead:?}");
    }

    /// One answer and at most one ticket for every accepted request.
    async fn check(&self, service: &Service, accepted: &HashMap<String, String>) {
        self.caught_up(service, accepted, &mut HashSet::new()).await;
        let store = self.database.store().await;
        let mut tickets = HashSet::new();
        for (key, id) in accepted {
            let request = service.get(&format!("/api/v1/requests/{id}")).await;
            assert_eq!(request["state"], "settled", "{key}: {request}");
            let row = store.request(id).await.unwrap().unwrap();
            let said = store.messages(&row.conversation_id, 0, 1_000).await.unwrap();
            let replies = said
                .iter()
                .filter(|m| m.author == Author::Bot && m.request_id.as_deref() == Some(id))
                .count();
            assert_eq!(replies, 1, "{key} has one reply: {request}");
            if let Some(ticket) = request["ticket"].as_str() {
                assert!(tickets.insert(ticket.to_owned()), "{ticket} is named by two requests");
            }
        }
        let filed = store.tickets_after(0).await.unwrap().len();
        store.close().await;
        assert_eq!(filed, tickets.len(), "tickets in the store and tickets told about");
    }
}

async fn on_both(test: impl AsyncFn(&Site)) {
    for database in [db::TestDb::sqlite(), db::TestDb::postgres().await] {
        let site = Site::new(database).await;
        test(&site).await;
        site.database.discard().await;
    }
}

const TEXTS: [&str; 4] = [
    "Keystone is down for the whole warehouse, nobody can post a goods receipt since 9",
    "how do I post an invoice in Keystone?",
    "please add a cost centre field to the Keystone purchase order form",
    "the total on the Keystone order report is off by one cent, expected 10.00 but got 9.99",
];

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_each_named_point() {
    on_both(async |site| {
        let mut accepted = HashMap::new();
        for (at, point) in
            ["accepted", "leased", "assessed", "settled", "sent"].into_iter().enumerate()
        {
            let plan = format!("{point}:1");
            let mut service = site.start(&[("FIRSTLINE_CRASH_AT", &plan)]).await.unwrap();
            let key = format!("{point}-1");
            let first = service.post(&key, TEXTS[at % TEXTS.len()]).await;
            service.died().await;
            drop(service);

            let mut service = site.start(&[]).await.unwrap();
            // The sender repeats what was not acknowledged, and may repeat what was.
            let again = service.post(&key, TEXTS[at % TEXTS.len()]).await.unwrap();
            if let Some(first) = first {
                assert_eq!(first, again, "the same message is the same request");
            }
            accepted.insert(key, again);
            site.check(&service, &accepted).await;
            service.kill().await;
        }
    })
    .await;
}

/// Messages sent at once in each life of the process.
const LOAD: u64 = 4;
/// After so many lives one may finish what the others left, before it is killed as well.
const RESPITE: u64 = 20;

/// Kills the process at 200 points (or `FIRSTLINE_TEST_KILLS`) while messages come in.
async fn killed_under_load(database: db::TestDb) {
    let kills: u64 =
        std::env::var("FIRSTLINE_TEST_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(200);
    let site = Site::new(database).await;
    let mut accepted: HashMap<String, String> = HashMap::new();
    let mut settled: HashSet<String> = HashSet::new();
    let mut repeat: Vec<(String, &str)> = Vec::new();
    for round in 0..kills {
        // Any of the points that the messages pass, in a fixed but scattered order.
        let plan = format!("any:{}", (round * 7 + 3) % (LOAD * 4) + 1);
        let mut messages = std::mem::take(&mut repeat);
        for n in 0..LOAD {
            messages.push((format!("r{round}-{n}"), TEXTS[((round + n) % 4) as usize]));
        }
        // It may die of work left from before, even before it says where it is.
        let ids = match site.start(&[("FIRSTLINE_CRASH_AT", &plan)]).await {
            Some(mut service) => {
                let posts = messages.iter().map(|(key, text)| service.post(key, text));
                let ids = futures::future::join_all(posts).await;
                service.died().await;
                ids
            }
            None => vec![None; messages.len()],
        };
        for ((key, text), id) in messages.into_iter().zip(ids) {
            match id {
                Some(id) => {
                    accepted.insert(key, id);
                }
                None => repeat.push((key, text)),
            }
        }
        if round % RESPITE == RESPITE - 1 {
            let mut service = site.start(&[]).await.unwrap();
            site.caught_up(&service, &accepted, &mut settled).await;
            service.kill().await;
        }
    }
    let mut service = site.start(&[]).await.unwrap();
    for (key, text) in repeat {
        let id = service.post(&key, text).await.unwrap();
        accepted.insert(key, id);
    }
    assert_eq!(accepted.len() as u64, kills * LOAD, "every message is accepted in the end");
    site.check(&service, &accepted).await;
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
