//! Sources, documents and the change sequence on both databases.
#![allow(clippy::unwrap_used)]

use acceptance::db::on_both;
use firstline::store::records::*;
use firstline::store::{Store, may_read};
use firstline_core::chat::Verdict;

use crate::store::{accept, event, request, settlement, viewer};

fn document(path: &str, audience: &str, passages: &[&str]) -> NewDocument {
    NewDocument {
        source: "handbook".into(),
        path: path.into(),
        title: format!("About {path}"),
        system: Some("billing".into()),
        owner: Some("finance".into()),
        audience: audience.into(),
        reviewed: Some("2026-01-01".into()),
        language: "en".into(),
        url: format!("https://kb/{path}"),
        hash: format!("hash of {path} {}", passages.len()),
        markdown: passages.join("\n\n"),
        passages: passages
            .iter()
            .map(|text| NewPassage { heading: "Top > Part".into(), text: text.to_string() })
            .collect(),
    }
}

#[tokio::test]
async fn followers_hear_of_every_change_in_order() {
    on_both(async |store: Store| {
        assert_eq!(store.last_change().await.unwrap(), 0);
        let skipped = [("a.bin".to_owned(), "not a known format".to_owned())];
        store.put_source("handbook", "folder", "/kb", "everyone", &skipped, 5).await.unwrap();
        let batch =
            vec![document("a.md", "everyone", &["one", "two"]), document("b.md", "hr", &["three"])];
        assert_eq!(store.put_documents(batch, 10).await.unwrap(), 2);
        let source = store.sources().await.unwrap().remove(0);
        assert_eq!((source.documents, source.skipped), (2, skipped.to_vec()));
        let hashes = store.known_hashes("handbook").await.unwrap();
        assert_eq!(hashes["a.md"], "hash of a.md 2");

        let changes = store.changes_after(0, 1).await.unwrap();
        assert_eq!(changes.len(), 1);
        let texts: Vec<_> =
            changes[0].passages.iter().map(|p| (p.ordinal, p.text.as_str())).collect();
        assert_eq!(texts, [(0, "one"), (1, "two")]);
        let id = changes[0].document.id.clone();

        // A new version keeps its id and comes last.
        store.put_documents(vec![document("a.md", "everyone", &["new"])], 20).await.unwrap();
        let changes = store.changes_after(1, 10).await.unwrap();
        let order: Vec<_> =
            changes.iter().map(|c| (c.sequence, c.document.path.as_str())).collect();
        assert_eq!(order, [(2, "b.md"), (3, "a.md")]);
        assert_eq!(changes[1].document.id, id);
        let (row, markdown, passages) = store.document(&id).await.unwrap().unwrap();
        assert_eq!((row.updated_at, markdown.as_str(), passages.len()), (20, "new", 1));

        // A removal is a change too.
        assert_eq!(store.remove_documents("handbook", &["a.md".into()], 30).await.unwrap(), 4);
        let change = store.changes_after(3, 10).await.unwrap().remove(0);
        assert!(change.deleted && change.passages.is_empty());
        assert_eq!(store.document(&id).await.unwrap(), None);
        assert_eq!(store.last_change().await.unwrap(), 4);
        assert!(store.remove_source("handbook", 40).await.unwrap());
        assert!(!store.remove_source("handbook", 41).await.unwrap());
        assert_eq!(store.last_change().await.unwrap(), 5);
        assert!(store.known_hashes("handbook").await.unwrap().is_empty());
        assert!(store.sources().await.unwrap().is_empty());
        // And it may come back.
        store.put_documents(vec![document("a.md", "everyone", &["back"])], 50).await.unwrap();
        assert_eq!(store.document(&id).await.unwrap().unwrap().2[0].text, "back");
    })
    .await;
}

#[tokio::test]
async fn documents_are_shown_to_their_audience() {
    on_both(async |store: Store| {
        let batch = ["everyone", "hr", "public"].map(|a| document(&format!("{a}.md"), a, &["x"]));
        store.put_documents(batch.to_vec(), 10).await.unwrap();
        for (who, expected) in [
            (viewer("ann@example.com", &[Role::Employee], &[]), vec!["everyone.md", "public.md"]),
            (
                viewer("bo@example.com", &[Role::Employee], &["hr"]),
                vec!["everyone.md", "hr.md", "public.md"],
            ),
            (
                viewer("root@example.com", &[Role::Admin], &[]),
                vec!["everyone.md", "hr.md", "public.md"],
            ),
        ] {
            let seen = store.documents(&who).await.unwrap();
            assert_eq!(seen.iter().map(|d| d.path.as_str()).collect::<Vec<_>>(), expected);
            assert!(seen.iter().all(|d| may_read(&who, d)));
        }
    })
    .await;
}

#[tokio::test]
async fn citations_are_counted() {
    on_both(async |store: Store| {
        store.put_documents(vec![document("a.md", "everyone", &["x"])], 10).await.unwrap();
        let admin = viewer("root@example.com", &[Role::Admin], &[]);
        let id = store.documents(&admin).await.unwrap()[0].id.clone();
        for (n, verdict) in [Verdict::Solved, Verdict::NotHelpful].into_iter().enumerate() {
            let event = event(&format!("e{n}"), "t");
            let request_id = accept(&store, &event, 10).await;
            let leased = store.lease("w", 1, 1_000, 10).await.unwrap().remove(0);
            let mut done = settlement(request(&request_id, &event));
            done.cited_documents = vec![id.clone(), id.clone()];
            store.settle(&leased, done, 20).await.unwrap().unwrap();
            store.set_verdict(&request_id, verdict, 30).await.unwrap();
        }
        let row = store.documents(&admin).await.unwrap().remove(0);
        assert_eq!((row.cited, row.not_helpful), (2, 1));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_indexing_leaves_no_gap_behind_a_follower() {
    on_both(async |store: Store| {
        let writers: Vec<_> = (0..6)
            .map(|n| {
                let store = store.clone();
                tokio::spawn(async move {
                    for k in 0..5 {
                        let batch = vec![document(&format!("{n}-{k}.md"), "everyone", &["x"])];
                        store.put_documents(batch, 1).await.unwrap();
                    }
                })
            })
            .collect();
        // The sequence a follower has seen never misses an earlier one that appears later.
        let mut seen = 0;
        while seen < 30 {
            for change in store.changes_after(seen, 3).await.unwrap() {
                assert_eq!(change.sequence, seen + 1);
                seen = change.sequence;
            }
            tokio::task::yield_now().await;
        }
        for writer in writers {
            writer.await.unwrap();
        }
    })
    .await;
}
