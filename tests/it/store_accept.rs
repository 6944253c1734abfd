//! Events becoming rows, on both databases: once each, whoever else is at it.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use acceptance::db::on_both;
use firstline::store::records::*;
use firstline::store::{Accepted, Event, Store, new_id};
use firstline_core::chat::*;

use crate::store::{accept, event, request, rows};

/// `worker` would run the job at once.
fn holder(worker: &str) -> Holder {
    Holder { worker: worker.to_owned(), lease_until: 1_000 }
}

#[tokio::test]
async fn an_event_is_accepted_once() {
    on_both(async |store: Store| {
        let event = event("e1", "t1");
        let file =
            store.put_attachment("ann@example.com", None, "log.txt", "text/plain", b"abc", 5).await;
        let file = file.unwrap();
        let mut said = event.clone();
        said.body = EventBody::Said {
            text: "hi".into(),
            attachments: vec![file.id.clone()],
            files: vec![],
        };
        let first = store.accept(rows(&said, "r1", 10), 10).await.unwrap().unwrap();
        assert_eq!(first.request_id.as_deref(), Some("r1"));
        let again = store.accept(rows(&said, "r2", 11), 11).await.unwrap().unwrap();
        assert!(again.duplicate);
        assert_eq!(again.request_id.as_deref(), Some("r1"));
        assert_eq!(again.conversation_id, first.conversation_id);
        assert_eq!(store.jobs(None, 10).await.unwrap().len(), 1);
        assert_eq!(store.request("r2").await.unwrap(), None);
        assert_eq!(store.request("r1").await.unwrap().unwrap(), request("r1", &said));

        let messages = store.messages(&first.conversation_id, 0, 10).await.unwrap();
        assert_eq!(messages.len(), 1);
        assert_eq!(messages[0].attachments, [file]);
        assert_eq!(store.message(&messages[0].id).await.unwrap().as_ref(), Some(&messages[0]));

        // A second event of the same conversation goes behind the first.
        accept(&store, &crate::store::event("e2", "t1"), 20).await;
        let seqs: Vec<i64> = store
            .messages(&first.conversation_id, 0, 10)
            .await
            .unwrap()
            .iter()
            .map(|m| m.seq)
            .collect();
        assert_eq!(seqs, [1, 2]);
        let after = store.messages(&first.conversation_id, 1, 10).await.unwrap();
        assert_eq!(after.len(), 1);
        let last = store.thread_turns(&first.conversation_id, 1).await.unwrap();
        assert_eq!(last[0].seq, 2);

        let row = store.conversation_by_key(&event.conversation).await.unwrap().unwrap();
        assert_eq!((row.created_at, row.updated_at), (10, 20));
        assert_eq!(store.conversation(&row.id).await.unwrap(), Some(row.clone()));
        accept(&store, &crate::store::event("e3", "t2"), 30).await;
        let mine = store.conversations_of("Ann@example.com", 10).await.unwrap();
        assert_eq!(mine.iter().map(|c| c.thread.as_str()).collect::<Vec<_>>(), ["t2", "t1"]);
        assert!(store.rename_conversation(&row.id, "Printer").await.unwrap());
        assert!(!store.rename_conversation("none", "x").await.unwrap());
        for over in [true, false] {
            assert!(store.hand_over(&row.id, over).await.unwrap());
            let now = store.conversation(&row.id).await.unwrap().unwrap();
            assert_eq!(now.handed_over, over);
        }
        assert!(!store.hand_over("none", true).await.unwrap());
        assert_eq!(store.conversation(&row.id).await.unwrap().unwrap().title, "Printer");
    })
    .await;
}

#[tokio::test]
async fn a_key_stands_for_one_body() {
    on_both(async |store: Store| {
        let taken = async |event_id: &str, key: &str, body: &str| {
            let event = event(event_id, event_id);
            let key = RepeatKey { key: key.into(), body_hash: body.into() };
            let rows = Event { key: Some(key), ..rows(&event, &new_id(), 1) };
            store.accept(rows, 1).await.unwrap()
        };
        let first = taken("e1", "k", "one").await.unwrap();
        let again = taken("e1", "k", "one").await.unwrap();
        assert_eq!((again.duplicate, &again.request_id), (true, &first.request_id));
        // Another body, as the same event or as one of its own.
        assert_eq!(taken("e1", "k", "two").await, None);
        assert_eq!(taken("e2", "k", "two").await, None);
        assert_eq!(store.conversations_of("ann@example.com", 9).await.unwrap().len(), 1);
        assert_eq!(store.jobs(None, 9).await.unwrap().len(), 1);
        assert!(!taken("e2", "k2", "two").await.unwrap().duplicate);
    })
    .await;
}

#[tokio::test]
async fn the_first_word_of_a_conversation_may_start_at_once() {
    on_both(async |store: Store| {
        let taken = async |event_id: &str, thread: &str, worker: Option<&str>| {
            let event = event(event_id, thread);
            let rows = Event { holder: worker.map(holder), ..rows(&event, &new_id(), 1) };
            store.accept(rows, 1).await.unwrap().unwrap().job
        };
        assert_eq!(taken("e0", "t0", None).await, None);
        let held = taken("e1", "t1", Some("w")).await.unwrap();
        assert_eq!((held.attempt, held.lease_by.as_str(), held.created_at), (1, "w", 1));
        assert_eq!(taken("e1", "t1", Some("w")).await, None, "a repeated delivery starts nothing");
        // What follows in the same conversation waits behind it, in the queue.
        assert_eq!(taken("e2", "t1", Some("w")).await, None);
        let free = store.lease("v", 9, 1_000, 2).await.unwrap();
        assert_eq!(free.len(), 1, "only the other conversation's: {free:?}");
        // It is held like any other: fenced, and taken up again when its lease has ended.
        let again = store.lease("v", 9, 1_000, 1_000).await.unwrap().remove(0);
        assert_eq!((again.id.as_str(), again.attempt), (held.id.as_str(), 2));
        assert!(!store.complete(&held).await.unwrap());
        assert!(store.complete(&again).await.unwrap());
        assert_eq!(store.lease("v", 9, 1_000, 1_001).await.unwrap().len(), 1);
    })
    .await;
}

/// Eight deliveries at once, of the events made here.
async fn at_once(
    store: &Store,
    event: impl Fn(usize) -> ChatEvent,
    worker: Option<&str>,
) -> Vec<Accepted> {
    let tasks = (0..8).map(|n| {
        let (store, event) = (store.clone(), event(n));
        let holder = worker.map(holder);
        tokio::spawn(async move {
            let rows = Event { holder, ..rows(&event, &format!("r{n}"), 1) };
            store.accept(rows, 1).await.unwrap().unwrap()
        })
    });
    let taken = futures::future::join_all(tasks).await;
    taken.into_iter().map(Result::unwrap).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_first_words_said_at_once_one_starts() {
    on_both(async |store: Store| {
        let taken = at_once(&store, |n| event(&format!("e{n}"), "t"), Some("w")).await;
        assert_eq!(taken.iter().filter(|accepted| accepted.job.is_some()).count(), 1);
        assert_eq!(store.jobs(Some("ready"), 10).await.unwrap().len(), 7);
        assert_eq!(store.lease("w", 9, 1_000, 2).await.unwrap(), []);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_deliveries_of_one_event_make_one_request() {
    on_both(async |store: Store| {
        let taken = at_once(&store, |_| event("same", "t"), None).await;
        let firsts = taken.iter().filter(|accepted| !accepted.duplicate).count();
        let requests: BTreeSet<_> = taken.iter().map(|accepted| &accepted.request_id).collect();
        assert_eq!((firsts, requests.len()), (1, 1));
        assert_eq!(store.jobs(None, 10).await.unwrap().len(), 1);
    })
    .await;
}
