//! Kill the process anywhere while people write in a chat, start it again, let the platform repeat
//! what was not acknowledged: every message has its reply and at most one ticket. Slack can be
//! asked whether a reply is there, so it has each once; Teams cannot, so only a kill between
//! sending and noting it may double one there, and those are counted.

mod chats;

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use acceptance::db::TestDb;
use acceptance::process::Service;
use firstline::adapters::clock::SystemClock;
use firstline::ports::{Clock as _, Store};
use serde_json::Value;

use crate::crash::{Site, TEXTS};
use chats::{Chat, Discord, Slack, Teams};

/// A site connected to a chat.
struct Workplace<C> {
    site: Site,
    chat: C,
}

impl<C: Chat> Workplace<C> {
    async fn new(database: TestDb) -> Self {
        let chat = C::begin().await;
        let place = Workplace { site: Site::with(database, &chat.settings()).await, chat };
        let mut service = place.start("data", None).await.expect("it starts");
        place.chat.met(&place.site.database).await;
        service.kill().await;
        place
    }

    /// `None` when a planned crash came before it said where it is.
    async fn start(&self, replica: &str, crash_at: Option<&str>) -> Option<Service> {
        let environment = self.chat.environment();
        let mut environment: Vec<_> =
            environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
        environment.extend(crash_at.map(|plan| ("FIRSTLINE_CRASH_AT", plan)));
        self.site.start_in(replica, &environment).await
    }

    /// Sends everything at once; what was acknowledged and what is to be sent again.
    async fn load(&self, services: &[&Service], events: Vec<Value>) -> (Vec<Value>, Vec<Value>) {
        let sent = events.iter().enumerate().map(|(n, event)| {
            let service = services[n % services.len()];
            self.chat.sent(service, event)
        });
        let heard = futures::future::join_all(sent).await;
        let (mut acknowledged, mut again) = (Vec::new(), Vec::new());
        for (event, heard) in events.into_iter().zip(heard) {
            if heard { acknowledged.push(event) } else { again.push(event) }
        }
        (acknowledged, again)
    }

    /// Waits until nothing is left to do; then each event has its reply, and no request two
    /// tickets. How many replies came twice.
    async fn check(&self, service: &Service, events: &[Value]) -> usize {
        let checked = tokio::time::timeout(Duration::from_secs(120), self.checked(service, events));
        checked.await.expect("every reply comes")
    }

    async fn checked(&self, service: &Service, events: &[Value]) -> usize {
        let store = self.site.database.store().await;
        let replies = |event: &Value| self.chat.replies(event);
        while events.iter().any(|event| replies(event) == 0) || busy(&store).await {
            // Nobody outside is told, so this looks as often as the service finds the time.
            service.get("/readyz").await;
        }
        let doubled = events.iter().map(|event| replies(event) - 1).sum();
        assert!(!C::CAN.proof || doubled == 0, "{doubled} replies came twice");
        let dead = store.jobs(Some("dead"), 9).await.unwrap();
        assert!(dead.is_empty(), "no job is given up: {dead:?}");
        let tickets = store.tickets_after(0).await.unwrap();
        let requests: HashSet<_> = tickets.iter().map(|(_, ticket)| &ticket.request_id).collect();
        assert_eq!(requests.len(), tickets.len(), "a request has two tickets");
        store.close().await;
        doubled
    }
}

async fn busy(store: &Store) -> bool {
    let counts = store.job_counts(SystemClock.now()).await.unwrap();
    counts.ready + counts.running > 0
}

async fn killed_at_each_named_point<C: Chat>() {
    for database in [TestDb::sqlite(), TestDb::postgres().await] {
        let place = Workplace::<C>::new(database).await;
        let points = ["accepted", "leased", "assessed", "settled", "sent"];
        for (at, point) in C::BEFORE.iter().copied().chain(points).enumerate() {
            let event = place.chat.says(at as u64, TEXTS[at % TEXTS.len()]);
            let mut service = place.start("data", Some(&format!("{point}:1"))).await.unwrap();
            place.chat.sent(&service, &event).await;
            service.died().await;
            drop(service);
            let mut service = place.start("data", None).await.unwrap();
            assert!(place.chat.sent(&service, &event).await, "{point}");
            let doubled = place.check(&service, &[event]).await;
            assert!(doubled == 0 || point == "sent", "{point}");
            service.kill().await;
        }
        place.site.database.discard().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn slack_hears_one_reply_after_a_kill_at_each_named_point() {
    killed_at_each_named_point::<Slack>().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn teams_hears_a_reply_after_a_kill_at_each_named_point() {
    killed_at_each_named_point::<Teams>().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn discord_hears_one_reply_after_a_kill_at_each_named_point() {
    killed_at_each_named_point::<Discord>().await;
}

/// Messages sent at once in each life of the process, and points each of them passes.
const LOAD: u64 = 4;
const POINTS: u64 = 5;
/// After so many lives one may finish what the others left.
const RESPITE: u64 = 10;

fn kills(usually: u64) -> u64 {
    std::env::var("FIRSTLINE_TEST_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(usually)
}

/// `replicas` processes share the database; one of them is killed in each round.
async fn killed_while_people_write<C: Chat>(database: TestDb, kills: u64, replicas: &[&str]) {
    let place = Workplace::<C>::new(database).await;
    let mut acknowledged: Vec<Value> = Vec::new();
    let mut repeat: Vec<Value> = Vec::new();
    let mut running: HashMap<&str, Service> = HashMap::new();
    let others = &replicas[1..];
    for round in 0..kills {
        for replica in others {
            if !running.contains_key(replica) {
                let service = place.start(replica, None).await.expect("a replica starts");
                running.insert(replica, service);
            }
        }
        let plan = format!("any:{}", (round * 7 + 3) % (LOAD * POINTS) + 1);
        let mut events = std::mem::take(&mut repeat);
        for n in 0..LOAD {
            events.push(place.chat.says(round * LOAD + n, TEXTS[((round + n) % 4) as usize]));
        }
        match place.start(replicas[0], Some(&plan)).await {
            Some(mut service) => {
                // The one that is to die hears it all; what it does not take, others do.
                let (heard, again) = place.load(&[&service], events).await;
                acknowledged.extend(heard);
                repeat = again;
                if others.is_empty() {
                    service.died().await;
                } else {
                    service.kill().await;
                }
            }
            None => repeat = events,
        }
        if !others.is_empty() {
            let services: Vec<&Service> = running.values().collect();
            let (heard, again) = place.load(&services, std::mem::take(&mut repeat)).await;
            acknowledged.extend(heard);
            repeat = again;
        } else if round % RESPITE == RESPITE - 1 {
            let mut service = place.start(replicas[0], None).await.unwrap();
            place.check(&service, &acknowledged).await;
            service.kill().await;
        }
    }
    let mut service = place.start(replicas[0], None).await.unwrap();
    let (heard, again) = place.load(&[&service], repeat).await;
    assert!(again.is_empty(), "a service that is well takes everything");
    acknowledged.extend(heard);
    assert_eq!(acknowledged.len() as u64, kills * LOAD, "every message is accepted in the end");
    let doubled = place.check(&service, &acknowledged).await;
    println!("{kills} kills, {} messages, {doubled} replies twice", acknowledged.len());
    assert!(doubled as u64 <= kills * LOAD, "only what is on its way in a kill comes twice");
    service.kill().await;
    for service in running.values_mut() {
        service.kill().await;
    }
    place.site.database.discard().await;
}

// Two tests, so that the databases are tried side by side.
#[tokio::test(flavor = "multi_thread")]
async fn slack_hears_one_reply_after_200_kills_on_sqlite() {
    killed_while_people_write::<Slack>(TestDb::sqlite(), kills(200), &["data"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slack_hears_one_reply_after_200_kills_on_postgres() {
    killed_while_people_write::<Slack>(TestDb::postgres().await, kills(200), &["data"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn teams_hears_a_reply_after_kills_on_sqlite() {
    killed_while_people_write::<Teams>(TestDb::sqlite(), kills(40), &["data"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn teams_hears_a_reply_after_kills_on_postgres() {
    killed_while_people_write::<Teams>(TestDb::postgres().await, kills(40), &["data"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn discord_hears_one_reply_after_kills_on_sqlite() {
    killed_while_people_write::<Discord>(TestDb::sqlite(), kills(40), &["data"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn discord_hears_one_reply_after_kills_on_postgres() {
    killed_while_people_write::<Discord>(TestDb::postgres().await, kills(40), &["data"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slack_hears_one_reply_while_one_of_three_processes_is_killed() {
    let replicas = ["one", "two", "three"];
    killed_while_people_write::<Slack>(TestDb::postgres().await, kills(40), &replicas).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn teams_hears_a_reply_while_one_of_three_processes_is_killed() {
    let replicas = ["one", "two", "three"];
    killed_while_people_write::<Teams>(TestDb::postgres().await, kills(20), &replicas).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn discord_hears_one_reply_while_one_of_three_processes_is_killed() {
    let replicas = ["one", "two", "three"];
    killed_while_people_write::<Discord>(TestDb::postgres().await, kills(20), &replicas).await;
}
