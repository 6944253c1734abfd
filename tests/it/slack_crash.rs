//! Kill the process anywhere while people write in Slack, start it again, let Slack repeat what
//! was not acknowledged: every message has one reply in its thread and at most one ticket.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use acceptance::db::TestDb;
use acceptance::process::Service;
use acceptance::slack::{FakeSlack, User};
use firstline::adapters::clock::SystemClock;
use firstline::ports::{Clock as _, Store};
use serde_json::Value;

use crate::crash::{Site, TEXTS};

/// A site connected to a workspace in which Ana writes.
struct Workplace {
    site: Site,
    slack: FakeSlack,
    api_url: String,
}

impl Workplace {
    async fn new(database: TestDb) -> Workplace {
        let site = Site::new(database).await;
        let slack = FakeSlack::start().await;
        let email = Some("ana@example.com".to_owned());
        slack.add_user(User { id: "UANA".into(), name: "Ana".into(), email, ..User::default() });
        let api_url = slack.api_url();
        Workplace { site, slack, api_url }
    }

    /// `None` when a planned crash came before it said where it is.
    async fn start(&self, crash_at: Option<&str>) -> Option<Service> {
        let mut environment = vec![
            ("FIRSTLINE__SLACK__BOT_TOKEN", FakeSlack::BOT_TOKEN),
            ("FIRSTLINE__SLACK__SIGNING_SECRET", FakeSlack::SIGNING_SECRET),
            ("FIRSTLINE__SLACK__API_URL", &self.api_url),
        ];
        environment.extend(crash_at.map(|plan| ("FIRSTLINE_CRASH_AT", plan)));
        self.site.start(&environment).await
    }

    /// Whether the service acknowledged the event.
    async fn sent(&self, service: &Service, event: &Value) -> bool {
        self.slack.try_event(&service.url, event).await == Some(200)
    }

    /// What the bot said in the thread an event began.
    fn replies(&self, event: &Value) -> usize {
        let thread = event["event"]["ts"].as_str().unwrap();
        let thread = self.slack.messages("D1", Some(thread));
        thread.iter().filter(|m| m.user == FakeSlack::BOT_USER).count()
    }

    /// Waits until nothing is left to do; then each event has one reply, and no request two
    /// tickets.
    async fn check(&self, service: &Service, events: &HashMap<String, Value>) {
        let store = self.site.database.store().await;
        let done = async {
            while events.values().any(|event| self.replies(event) == 0) || busy(&store).await {
                // Nobody outside is told, so this looks as often as the service finds the time.
                service.get("/readyz").await;
            }
        };
        tokio::time::timeout(Duration::from_secs(120), done).await.expect("every reply comes");
        for (key, event) in events {
            assert_eq!(self.replies(event), 1, "{key}");
        }
        let dead = store.jobs(Some("dead"), 9).await.unwrap();
        assert!(dead.is_empty(), "no job is given up: {dead:?}");
        let tickets = store.tickets_after(0).await.unwrap();
        let requests: HashSet<_> = tickets.iter().map(|(_, ticket)| &ticket.request_id).collect();
        assert_eq!(requests.len(), tickets.len(), "a request has two tickets");
        store.close().await;
    }
}

async fn busy(store: &Store) -> bool {
    let counts = store.job_counts(SystemClock.now()).await.unwrap();
    counts.ready + counts.running > 0
}

#[tokio::test(flavor = "multi_thread")]
async fn slack_hears_one_reply_after_a_kill_at_each_named_point() {
    for database in [TestDb::sqlite(), TestDb::postgres().await] {
        let place = Workplace::new(database).await;
        for (at, point) in
            ["accepted", "leased", "assessed", "settled", "sent"].into_iter().enumerate()
        {
            let event = place.slack.says("D1", "im", "UANA", TEXTS[at % TEXTS.len()], None);
            let mut service = place.start(Some(&format!("{point}:1"))).await.unwrap();
            place.sent(&service, &event).await;
            service.died().await;
            drop(service);
            let mut service = place.start(None).await.unwrap();
            assert!(place.sent(&service, &event).await, "{point}");
            place.check(&service, &HashMap::from([(point.to_owned(), event)])).await;
            service.kill().await;
        }
        place.site.database.discard().await;
    }
}

/// Messages sent at once in each life of the process, and points each of them passes.
const LOAD: u64 = 4;
const POINTS: u64 = 5;
/// After so many lives one may finish what the others left.
const RESPITE: u64 = 10;

async fn killed_while_people_write(database: TestDb) {
    let kills: u64 =
        std::env::var("FIRSTLINE_TEST_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(200);
    let place = Workplace::new(database).await;
    let mut acknowledged: HashMap<String, Value> = HashMap::new();
    let mut repeat: Vec<(String, Value)> = Vec::new();
    for round in 0..kills {
        let plan = format!("any:{}", (round * 7 + 3) % (LOAD * POINTS) + 1);
        let mut events = std::mem::take(&mut repeat);
        for n in 0..LOAD {
            let text = TEXTS[((round + n) % 4) as usize];
            let event = place.slack.says("D1", "im", "UANA", text, None);
            events.push((format!("r{round}-{n}"), event));
        }
        let heard = match place.start(Some(&plan)).await {
            Some(mut service) => {
                let sent = events.iter().map(|(_, event)| place.sent(&service, event));
                let heard = futures::future::join_all(sent).await;
                service.died().await;
                heard
            }
            None => vec![false; events.len()],
        };
        for ((key, event), heard) in events.into_iter().zip(heard) {
            if heard {
                acknowledged.insert(key, event);
            } else {
                // Slack sends it again.
                repeat.push((key, event));
            }
        }
        if round % RESPITE == RESPITE - 1 {
            let mut service = place.start(None).await.unwrap();
            place.check(&service, &acknowledged).await;
            service.kill().await;
        }
    }
    let mut service = place.start(None).await.unwrap();
    for (key, event) in repeat {
        assert!(place.sent(&service, &event).await, "{key}");
        acknowledged.insert(key, event);
    }
    assert_eq!(acknowledged.len() as u64, kills * LOAD, "every message is accepted in the end");
    place.check(&service, &acknowledged).await;
    service.kill().await;
    place.site.database.discard().await;
}

// Two tests, so that the databases are tried side by side.
#[tokio::test(flavor = "multi_thread")]
async fn slack_hears_one_reply_after_200_kills_on_sqlite() {
    killed_while_people_write(TestDb::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slack_hears_one_reply_after_200_kills_on_postgres() {
    killed_while_people_write(TestDb::postgres().await).await;
}
