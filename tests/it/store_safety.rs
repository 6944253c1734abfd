//! Backup, restore, and what is held of a person, on both databases.
#![allow(clippy::unwrap_used)]

use acceptance::db::{TestDb, on_both_dbs};
use firstline::store::records::*;
use firstline::store::{Store, StoreError};
use firstline_core::ticket::Kind;

use crate::store::{accept, event, new_ticket};

async fn fill(store: &Store) {
    let everyone =
        Group { name: "finance".into(), role: Role::Owner, members: vec!["bo@example.com".into()] };
    store.put_group(&everyone).await.unwrap();
    let event = event("e1", "t1");
    accept(store, &event, 10).await;
    store.put_attachment("ann@example.com", None, "a", "b", &[0, 255, 7], 5).await.unwrap();
    let ticket = NewTicket { confidential: true, ..new_ticket("ann@example.com", "It fails") };
    store.file_ticket(ticket, "bo@example.com", 20).await.unwrap();
    let many = (0..250).map(|n| new_ticket("cy@example.com", &format!("past {n}"))).collect();
    store.import_tickets(many).await.unwrap();
    let patch = TicketPatch { kind: Some(Kind::Incident), ..TicketPatch::default() };
    store
        .patch_ticket("FL-1", None, &patch, "bo@example.com", true, vec![], vec![], 30)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_backup_restores_into_either_database() {
    on_both_dbs(async |db: &TestDb| {
        let store = db.store().await;
        fill(&store).await;
        let file = db.path("backup.db");
        store.backup(&file).await.unwrap();
        assert!(matches!(store.backup(&file).await, Err(StoreError::Conflict(_))));
        // What comes after the backup is not in it.
        store.set_meta("late", "x").await.unwrap();

        for target in [TestDb::sqlite(), TestDb::postgres().await] {
            Store::restore(&target.url, &file).await.unwrap();
            let restored = target.store().await;
            assert_eq!(restored.meta("late").await.unwrap(), None);
            assert_eq!(restored.ticket("FL-1").await.unwrap(), store.ticket("FL-1").await.unwrap());
            assert_eq!(restored.last_ticket_number().await.unwrap(), 251);
            let expected = store.export_person("ann@example.com").await.unwrap();
            assert_eq!(restored.export_person("ann@example.com").await.unwrap(), expected);
            assert_eq!(restored.corrections_of("FL-1").await.unwrap().len(), 1);
            // The restored service goes on where the other stopped.
            let next = restored.file_ticket(new_ticket("a@b.c", "new"), "a@b.c", 50).await.unwrap();
            assert_eq!(next.key, "FL-252");
            assert_eq!(restored.lease("w", 5, 1_000, 100).await.unwrap().len(), 1);
            restored.close().await;
            let refused = Store::restore(&target.url, &file).await;
            assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
            target.discard().await;
        }
        let not_ours = db.path("other");
        std::fs::write(&not_ours, "text").unwrap();
        let target = TestDb::sqlite();
        assert!(matches!(Store::restore(&target.url, &not_ours).await, Err(StoreError::Other(_))));
        assert!(Store::restore(&target.url, &db.path("missing")).await.is_err());
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn an_erased_person_leaves_no_words() {
    on_both_dbs(async |db: &TestDb| {
        let store = db.store().await;
        fill(&store).await;
        let ann = PersonRow { email: "ann@example.com".into(), name: "Ann".into(), active: true };
        store.upsert_person(&ann, 1).await.unwrap();
        store
            .comment("FL-1", "ann@example.com", "my secret words", false, vec![], vec![], 40)
            .await
            .unwrap();
        store
            .comment("FL-2", "ann@example.com", "elsewhere", false, vec![], vec![], 41)
            .await
            .unwrap();
        let stamp = store.stamps().await.unwrap().correction;
        let held = store.export_person("ann@example.com").await.unwrap();
        assert_eq!(held["tickets"][0]["ticket"]["key"], "FL-1");
        assert_eq!(held["conversations"][0]["messages"][0]["body"]["text"], "hello");
        assert_eq!(held["attachments"][0]["base64"], "AP8H");

        let erased = store.erase_person("Ann@example.com", 50).await.unwrap();
        assert_eq!((erased.conversations, erased.messages, erased.requests), (1, 1, 1));
        assert_eq!((erased.attachments, erased.tickets, erased.corrections), (1, 1, 1));
        let ticket = store.ticket("FL-1").await.unwrap().unwrap();
        assert!(ticket.requester.starts_with("erased-"), "{}", ticket.requester);
        assert_eq!((ticket.text.as_str(), ticket.summary.as_str()), ("", ""));
        assert_ne!(store.stamps().await.unwrap().correction, stamp);
        assert_eq!(store.job_counts(100).await.unwrap(), JobCounts::default());
        assert_eq!(store.person("ann@example.com").await.unwrap(), None);

        // Nothing anywhere names them or repeats their words.
        let file = db.path("after.db");
        store.backup(&file).await.unwrap();
        let bytes = std::fs::read(&file).unwrap();
        for word in ["ann@example.com", "my secret words", "elsewhere", "It fails", "hello"] {
            let found = bytes.windows(word.len()).any(|w| w == word.as_bytes());
            assert!(!found, "{word} is still there");
        }
        let held = store.export_person("ann@example.com").await.unwrap();
        assert_eq!(held["tickets"], serde_json::json!([]));
        store.close().await;
    })
    .await;
}
