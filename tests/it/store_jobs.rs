//! Jobs on both databases: leases, lanes, fencing, dead letters, races.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};

use acceptance::db::{TestDb, on_both, on_both_dbs};
use firstline::store::Store;
use firstline::store::records::*;

use crate::store::job;

async fn add(store: &Store, lane: &str, run_at: i64) -> String {
    let job = job(lane, run_at);
    let id = job.id.clone();
    assert!(store.enqueue(job, 1).await.unwrap());
    id
}

fn ids(jobs: &[LeasedJob]) -> Vec<&str> {
    jobs.iter().map(|j| j.id.as_str()).collect()
}

#[tokio::test]
async fn a_lane_is_worked_one_at_a_time_and_in_order() {
    on_both(async |store: Store| {
        let a1 = add(&store, "a", 10).await;
        let a2 = add(&store, "a", 5).await;
        let b1 = add(&store, "b", 20).await;
        let later = add(&store, "c", 1_000).await;
        assert_eq!(store.next_due(0).await.unwrap(), Some(10));
        // Nothing before its time; of `a` only the first.
        assert!(store.lease("w", 9, 100, 4).await.unwrap().is_empty());
        let first = store.lease("w", 9, 100, 50).await.unwrap();
        assert_eq!(ids(&first), [&a1, &b1]);
        assert!(store.lease("w", 9, 100, 50).await.unwrap().is_empty());
        assert_eq!(store.next_due(50).await.unwrap(), Some(150));
        let counts = store.job_counts(60).await.unwrap();
        assert_eq!((counts.ready, counts.running, counts.dead), (2, 2, 0));
        assert_eq!(counts.oldest_due_ms, 55);
        assert!(store.complete(&first[0]).await.unwrap());
        let second = store.lease("w", 9, 100, 50).await.unwrap();
        assert_eq!(ids(&second), [&a2]);
        assert!(store.complete(&second[0]).await.unwrap());
        // A retried head keeps its place: what is behind it waits.
        assert!(store.retry(&first[1], 500, "busy").await.unwrap());
        let b2 = add(&store, "b", 1).await;
        assert!(store.lease("w", 9, 100, 60).await.unwrap().is_empty());
        assert_eq!(store.next_due(60).await.unwrap(), Some(500));
        let head = store.lease("w", 9, 100, 500).await.unwrap();
        assert_eq!(ids(&head), [&b1]);
        // A dead one does not block.
        assert!(store.kill(&head[0], "no").await.unwrap());
        assert_eq!(ids(&store.lease("w", 9, 100, 505).await.unwrap()), [&b2]);
        assert_eq!(store.jobs(Some("ready"), 9).await.unwrap()[0].id, later);
    })
    .await;
}

#[tokio::test]
async fn priority_goes_before_age() {
    on_both(async |store: Store| {
        let slow = add(&store, "a", 1).await;
        let mut urgent = job("b", 2);
        urgent.priority = 1;
        let fast = urgent.id.clone();
        store.enqueue(urgent, 2).await.unwrap();
        assert_eq!(ids(&store.lease("w", 1, 100, 5).await.unwrap()), [&fast]);
        assert_eq!(ids(&store.lease("w", 1, 100, 5).await.unwrap()), [&slow]);
    })
    .await;
}

#[tokio::test]
async fn a_lost_lease_writes_nothing() {
    on_both(async |store: Store| {
        add(&store, "a", 1).await;
        let old = store.lease("w1", 1, 10, 1).await.unwrap().remove(0);
        // Ended but not taken again: still ours.
        assert_eq!(store.renew(&old, 20, 15).await.unwrap(), Renewed::Held);
        assert!(store.lease("w2", 1, 10, 19).await.unwrap().is_empty());
        let new = store.lease("w2", 1, 10, 20).await.unwrap().remove(0);
        assert_eq!((new.attempt, new.lease_by.as_str()), (2, "w2"));
        let message = MessageRow {
            id: "m".into(),
            conversation_id: "c".into(),
            seq: 1,
            author: Author::Bot,
            email: String::new(),
            name: "Bot".into(),
            body: Default::default(),
            request_id: None,
            created_at: 1,
            sent_at: None,
            attachments: vec![],
        };
        for lost in [
            store.complete(&old).await,
            store.retry(&old, 1, "x").await,
            store.kill(&old, "x").await,
            store.mark_sent(&old, &message, None, 1).await,
        ] {
            assert!(!lost.unwrap());
        }
        assert_eq!(store.renew(&old, 90, 21).await.unwrap(), Renewed::Lost);
        // Even the same worker under a later attempt.
        let same = store.lease("w1", 1, 10, 31).await.unwrap().remove(0);
        assert!(!store.complete(&LeasedJob { attempt: 1, ..same.clone() }).await.unwrap());
        assert!(store.complete(&same).await.unwrap());
        assert_eq!(store.renew(&same, 90, 32).await.unwrap(), Renewed::Ended);
        assert!(store.jobs(None, 9).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn ended_leases_are_looked_for_only_where_asked() {
    on_both(async |store: Store| {
        let lost = add(&store, "a", 1).await;
        assert_eq!(ids(&store.lease_ready("w1", 9, 10, 1).await.unwrap()), [&lost]);
        let behind = add(&store, "a", 1).await;
        let free = add(&store, "b", 2).await;
        assert_eq!(ids(&store.lease_ready("w2", 9, 10, 20).await.unwrap()), [&free]);
        let taken = store.lease("w2", 9, 10, 20).await.unwrap();
        assert_eq!(ids(&taken), [&lost]);
        // Ending it wakes somebody for what stood behind it.
        let wakeups = store.wakeups();
        wakeups.job_added().await;
        assert!(store.complete(&taken[0]).await.unwrap());
        wakeups.job_added().await;
        assert_eq!(ids(&store.lease_ready("w2", 9, 10, 20).await.unwrap()), [&behind]);
    })
    .await;
}

#[tokio::test]
async fn a_start_takes_up_at_once_what_was_left_where_nobody_else_can_hold_it() {
    for (database, ended) in [(TestDb::sqlite(), 1), (TestDb::postgres().await, 0)] {
        let store = database.store().await;
        let left = add(&store, "a", 1).await;
        assert_eq!(ids(&store.lease("gone", 9, 1_000, 1).await.unwrap()), [&left]);
        assert_eq!(store.end_leases(2).await.unwrap(), ended);
        assert_eq!(store.lease("w", 9, 1_000, 2).await.unwrap().len() as u64, ended);
        store.close().await;
        database.discard().await;
    }
}

#[tokio::test]
async fn jobs_added_in_one_go_are_whole_and_each_key_lives_once() {
    on_both(async |store: Store| {
        let mut many: Vec<_> = (0..150).map(|n| job(&format!("lane {n}"), 1)).collect();
        many[70].payload = "{\"text\": \"a \\\"quoted\\\", {curly} \\\\ line\"}".into();
        many[70].priority = 3;
        many[70].run_at = 2;
        many[3].dedupe = Some("key".into());
        many[149].dedupe = Some("key".into());
        store.enqueue_all(&[], 1).await.unwrap();
        store.enqueue_all(&many, 1).await.unwrap();
        store.enqueue_all(&many[..2], 1).await.unwrap();
        assert_eq!(store.jobs(None, 999).await.unwrap().len(), 149);
        let leased = store.lease("w", 1, 1_000, 5).await.unwrap().remove(0);
        assert_eq!((&leased.id, leased.attempt), (&many[70].id, 1));
        assert_eq!((&leased.payload, &leased.lane), (&many[70].payload, &many[70].lane));
    })
    .await;
}

#[tokio::test]
async fn dead_letters_are_listed_retried_and_discarded() {
    on_both(async |store: Store| {
        let mut once = job("a", 1);
        once.dedupe = Some("one".into());
        let id = once.id.clone();
        assert!(store.enqueue(once.clone(), 1).await.unwrap());
        let double = NewJob { id: "other".into(), ..once.clone() };
        assert!(!store.enqueue(double.clone(), 1).await.unwrap());
        let leased = store.lease("w", 1, 10, 1).await.unwrap().remove(0);
        assert!(store.kill(&leased, "It cannot be.").await.unwrap());
        let dead = store.jobs(Some("dead"), 9).await.unwrap();
        assert_eq!(dead[0].last_error.as_deref(), Some("It cannot be."));
        assert_eq!(store.job_counts(1).await.unwrap().dead, 1);
        assert_eq!(store.retry_dead(Some("unknown"), 5).await.unwrap(), 0);
        assert_eq!(store.retry_dead(Some(&id), 5).await.unwrap(), 1);
        let again = store.lease("w", 1, 10, 5).await.unwrap().remove(0);
        assert_eq!(again.attempt, 1);
        assert!(!store.discard(&id).await.unwrap(), "only dead letters are discarded");
        assert!(store.kill(&again, "Still not.").await.unwrap());
        // A dead letter does not hold its key.
        assert!(store.enqueue(double, 1).await.unwrap());
        assert!(store.discard(&id).await.unwrap());
        assert_eq!(store.retry_dead(None, 5).await.unwrap(), 0);

        // A job that takes its worker down each time ends as a dead letter too.
        let vanishing = store.lease("w", 1, 10, 10).await.unwrap().remove(0);
        assert_eq!(vanishing.id, "other");
        // Eight times as often as it may fail: a dying worker takes blameless jobs along.
        let often = vanishing.max_attempts * 8;
        for turn in 1..often {
            assert_eq!(store.lease("w", 1, 10, 10 + 20 * turn).await.unwrap().len(), 1);
        }
        assert!(store.lease("w", 1, 10, 10 + 20 * often).await.unwrap().is_empty());
        assert_eq!(store.jobs(Some("dead"), 9).await.unwrap()[0].id, "other");
    })
    .await;
}

/// Eight leasers, on PostgreSQL three processes among them: each job once, and never two
/// of a lane at the same time.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn racing_workers_share_the_jobs() {
    const LANES: usize = 12;
    const EACH: usize = 8;
    on_both_dbs(async |db: &TestDb| {
        let store = db.store().await;
        let mut wanted: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for n in 0..LANES * EACH {
            let lane = format!("lane{}", n % LANES);
            let id = add(&store, &lane, 1).await;
            wanted.entry(lane).or_default().push(id);
        }
        let mut stores = vec![store.clone()];
        if !store.is_sqlite() {
            stores.extend([db.store().await, db.store().await]);
        }
        let done = std::sync::Arc::new(std::sync::Mutex::new((
            BTreeMap::<String, Vec<String>>::new(),
            BTreeSet::<String>::new(),
        )));
        let workers: Vec<_> = (0..8)
            .map(|n| {
                let store = stores[n % stores.len()].clone();
                let done = done.clone();
                tokio::spawn(async move {
                    let worker = format!("w{n}");
                    loop {
                        let leased = store.lease(&worker, 3, 60_000, 10).await.unwrap();
                        if leased.is_empty() {
                            let counts = store.job_counts(10).await.unwrap();
                            if counts.ready + counts.running == 0 {
                                return;
                            }
                            tokio::task::yield_now().await;
                        }
                        for job in leased {
                            {
                                let mut seen = done.lock().unwrap();
                                let alone = seen.1.insert(job.lane.clone());
                                assert!(alone, "two of {} at once", job.lane);
                                seen.0.entry(job.lane.clone()).or_default().push(job.id.clone());
                            }
                            tokio::task::yield_now().await;
                            done.lock().unwrap().1.remove(&job.lane);
                            assert!(store.complete(&job).await.unwrap());
                        }
                    }
                })
            })
            .collect();
        for worker in workers {
            worker.await.unwrap();
        }
        assert_eq!(done.lock().unwrap().0, wanted);
        for store in stores {
            store.close().await;
        }
    })
    .await;
}
