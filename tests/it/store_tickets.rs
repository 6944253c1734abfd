//! Tickets on both databases: who sees what, lists, patches, corrections, merges.
#![allow(clippy::unwrap_used)]

use acceptance::db::on_both;
use firstline::store::records::*;
use firstline::store::{Store, StoreError, may_see};
use firstline_core::ticket::*;

use crate::store::{accept, event, message, new_ticket, viewer};

const ANN: &str = "ann@example.com";
const BO: &str = "bo@example.com";

/// Who, with which roles and groups, sees FL-1, sees FL-2.
type Probe<'a> = (&'a str, &'a [Role], &'a [&'a str], bool, bool);

async fn patch(store: &Store, key: &str, patch: TicketPatch, teaches: bool) -> Ticket {
    match store.patch_ticket(key, None, &patch, BO, teaches, vec![], vec![], 2_000).await.unwrap() {
        Written::Done(ticket) => ticket,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn only_those_concerned_see_a_ticket() {
    on_both(async |store: Store| {
        store.file_ticket(new_ticket(ANN, "invoice"), ANN, 1_000).await.unwrap();
        let teamless = NewTicket { team: None, ..new_ticket(BO, "badge") };
        store.file_ticket(teamless, BO, 1_000).await.unwrap();
        assert!(store.add_participant("FL-2", "Cy@example.com").await.unwrap());
        assert!(!store.add_participant("FL-2", "cy@example.com").await.unwrap());
        let probes: [Probe; 9] = [
            (ANN, &[Role::Employee], &[], true, false),
            (BO, &[Role::Employee], &[], false, true),
            ("cy@example.com", &[Role::Employee], &[], false, true),
            ("di@example.com", &[Role::Employee], &["finance"], true, false),
            ("di@example.com", &[Role::Employee, Role::Owner], &["finance"], true, false),
            ("ed@example.com", &[Role::Employee, Role::Owner], &["hr"], false, false),
            ("ed@example.com", &[Role::Employee, Role::Commander], &["fin_nce", "%"], false, false),
            ("outsider@example.com", &[Role::Employee], &[], false, false),
            ("root@example.com", &[Role::Employee, Role::Admin], &[], true, true),
        ];
        for (email, roles, groups, first, second) in probes {
            let who = viewer(email, roles, groups);
            for (key, sees) in [("FL-1", first), ("FL-2", second)] {
                let ticket = store.ticket(key).await.unwrap().unwrap();
                let participants = store.participants(key).await.unwrap();
                assert_eq!(may_see(&who, &ticket, &participants), sees, "{email} {key}");
                let shown = store.visible_ticket(key, &who).await.unwrap();
                assert_eq!(shown.is_some(), sees, "{email} {key}");
                let named = store.visible_tickets(&[key], &who).await.unwrap();
                assert_eq!(named.len(), usize::from(sees), "{email} {key}");
                for filter in [
                    TicketFilter::default(),
                    TicketFilter { q: Some("FL".into()), ..TicketFilter::default() },
                    TicketFilter { q: Some(ticket.summary.clone()), ..TicketFilter::default() },
                    TicketFilter {
                        requester: Some(ticket.requester.clone()),
                        ..TicketFilter::default()
                    },
                ] {
                    let page = store.tickets(&filter, &who).await.unwrap();
                    let listed = page.items.iter().any(|t| t.key == key);
                    assert_eq!(listed, sees, "{email} {key} {filter:?}");
                    assert_eq!(page.total, page.items.len() as i64);
                }
            }
            assert_eq!(store.visible_ticket("FL-99", &who).await.unwrap(), None);
        }
        assert!(
            store.visible_tickets(&[] as &[&str], &viewer(ANN, &[], &[])).await.unwrap().is_empty()
        );
    })
    .await;
}

#[tokio::test]
async fn lists_are_filtered_ordered_and_paged() {
    on_both(async |store: Store| {
        let base = || new_ticket(ANN, "printer stuck");
        let tickets = vec![
            NewTicket { created_at: 300, confidence: 0.9, ..base() },
            NewTicket { created_at: 100, confidence: 0.2, priority: Priority::P1, ..base() },
            NewTicket { created_at: 200, confidence: 0.5, kind: Kind::Change, ..base() },
            NewTicket {
                created_at: 400,
                confidence: 0.5,
                status: Status::Closed,
                resolved_at: Some(900),
                ..base()
            },
            NewTicket {
                created_at: 200,
                system: None,
                team: None,
                requester: BO.into(),
                summary: "100% ÜBER_voll".into(),
                text: "a badge".into(),
                ..base()
            },
        ];
        assert_eq!(store.import_tickets(tickets).await.unwrap(), 5);
        assert_eq!(store.last_ticket_number().await.unwrap(), 5);
        let numbers: Vec<i64> =
            store.tickets_after(3).await.unwrap().into_iter().map(|(n, _)| n).collect();
        assert_eq!(numbers, [4, 5]);
        patch(
            &store,
            "FL-3",
            TicketPatch { assignee: Some(BO.into()), ..TicketPatch::default() },
            false,
        )
        .await;
        store.mark_reviewed("FL-1", BO, 1_500).await.unwrap();

        let admin = viewer("root@example.com", &[Role::Admin], &[]);
        let all = TicketFilter::default();
        let on = |change: &dyn Fn(&mut TicketFilter)| {
            let mut filter = all.clone();
            change(&mut filter);
            filter
        };
        let cases: Vec<(TicketFilter, &[i64])> = vec![
            (all.clone(), &[4, 1, 5, 3, 2]),
            (on(&|f| f.order = TicketOrder::Oldest), &[2, 3, 5, 1, 4]),
            (on(&|f| f.order = TicketOrder::LeastConfident), &[2, 4, 3, 5, 1]),
            (on(&|f| f.order = TicketOrder::Priority), &[2, 5, 4, 3, 1]),
            (on(&|f| f.order = TicketOrder::Updated), &[3, 1, 4, 5, 2]),
            (on(&|f| f.kind = Some(Kind::Change)), &[3]),
            (on(&|f| f.system = Some("billing".into())), &[4, 1, 3, 2]),
            (on(&|f| f.priority = Some(Priority::P1)), &[2]),
            (on(&|f| f.status = Some(Status::Closed)), &[4]),
            (on(&|f| f.open = Some(true)), &[1, 5, 3, 2]),
            (on(&|f| f.open = Some(false)), &[4]),
            (on(&|f| f.team = Some("finance".into())), &[4, 1, 3, 2]),
            (on(&|f| f.assignee = Some("BO@example.com".into())), &[3]),
            (on(&|f| f.requester = Some(BO.into())), &[5]),
            (on(&|f| f.max_confidence = Some(0.5)), &[4, 3, 2]),
            (on(&|f| f.since = Some(300)), &[4, 1]),
            (on(&|f| f.before = Some(200)), &[2]),
            (on(&|f| f.q = Some("STUCK printer".into())), &[4, 1, 3, 2]),
            (on(&|f| f.q = Some("fl-5".into())), &[5]),
            (on(&|f| f.q = Some("% _voll".into())), &[5]),
            (on(&|f| f.q = Some("ÜBER".into())), &[5]),
            (on(&|f| f.q = Some("printer nowhere".into())), &[]),
            (on(&|f| f.unreviewed = true), &[4, 5, 3, 2]),
            (
                on(&|f| {
                    f.unreviewed = true;
                    f.order = TicketOrder::LeastConfident;
                    f.open = Some(true);
                }),
                &[2, 3, 5],
            ),
        ];
        for (filter, expected) in cases {
            // In one page, and one by one.
            let page = store.tickets(&filter, &admin).await.unwrap();
            let keys: Vec<String> = page.items.into_iter().map(|t| t.key).collect();
            let expected: Vec<String> = expected.iter().map(|n| key(*n)).collect();
            assert_eq!(keys, expected, "{filter:?}");
            assert_eq!(page.next, None);
            assert_eq!(page.total, keys.len() as i64);
            let mut paged = Vec::new();
            let mut cursor = None;
            loop {
                let step = TicketFilter { limit: Some(1), cursor, ..filter.clone() };
                let page = store.tickets(&step, &admin).await.unwrap();
                assert_eq!(page.total, keys.len() as i64);
                paged.extend(page.items.into_iter().map(|t| t.key));
                cursor = page.next;
                if cursor.is_none() {
                    break;
                }
            }
            assert_eq!(paged, keys, "{filter:?}");
        }
        let bad = TicketFilter { cursor: Some("x".into()), ..all };
        assert!(matches!(store.tickets(&bad, &admin).await, Err(StoreError::Conflict(_))));

        let keys = ["FL-2", "FL-4", "FL-5"];
        assert_eq!(store.reporters_since(&keys, 0, "x@example.com").await.unwrap(), 2);
        assert_eq!(store.reporters_since(&keys, 250, "x@example.com").await.unwrap(), 1);
        assert_eq!(store.reporters_since(&keys, 0, ANN).await.unwrap(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_patch_is_an_optimistic_write_with_its_events() {
    on_both(async |store: Store| {
        let filed = store.file_ticket(new_ticket(ANN, "invoice"), ANN, 1_000).await.unwrap();
        assert_eq!((filed.key.as_str(), filed.version), ("FL-1", 1));
        let change = TicketPatch {
            kind: Some(Kind::Bug),
            status: Some(Status::Resolved),
            system: Some(String::new()),
            summary: Some("Invoice wrong".into()),
            fields: Some(
                [("steps".to_owned(), String::new()), ("where".to_owned(), "web".to_owned())]
                    .into(),
            ),
            ..TicketPatch::default()
        };
        let event = event("e1", "t1");
        accept(&store, &event, 5).await;
        let tell = vec![message(&event, Author::Bot, "Resolved.", "n1")];
        let written = store
            .patch_ticket("FL-1", Some(1), &change, ANN, false, tell, vec![], 2_000)
            .await
            .unwrap();
        let Written::Done(after) = written else { panic!("{written:?}") };
        assert_eq!((after.version, after.updated_at, after.resolved_at), (2, 2_000, Some(2_000)));
        assert_eq!((after.system.as_deref(), after.summary.as_str()), (None, "Invoice wrong"));
        assert_eq!(after.fields, [("where".to_owned(), "web".to_owned())].into());
        let events = store.ticket_events("FL-1", false).await.unwrap();
        let fields: Vec<String> = events
            .iter()
            .filter_map(|e| match &e.event {
                TicketEvent::Changed { field, teaches, .. } if !teaches => Some(field.clone()),
                _ => None,
            })
            .collect();
        assert_eq!(fields, ["system", "status", "summary", "steps", "where"]);
        assert_eq!(
            store
                .messages(&crate::store::request("r", &event).conversation_id, 1, 9)
                .await
                .unwrap()
                .len(),
            1
        );

        let stale =
            store.patch_ticket("FL-1", Some(1), &change, BO, true, vec![], vec![], 3_000).await;
        assert_eq!(stale.unwrap(), Written::Stale(2));
        let none = store.patch_ticket("FL-9", None, &change, BO, true, vec![], vec![], 3_000).await;
        assert_eq!(none.unwrap(), Written::NotFound);
        // What changes nothing writes nothing.
        let same = patch(
            &store,
            "FL-1",
            TicketPatch { kind: Some(Kind::Bug), ..TicketPatch::default() },
            true,
        )
        .await;
        assert_eq!(same, after);
        // Reopened.
        let open = TicketPatch { status: Some(Status::Triaged), ..TicketPatch::default() };
        assert_eq!(patch(&store, "FL-1", open, false).await.resolved_at, None);
        assert_eq!(store.stamps().await.unwrap().correction, 0);

        let row =
            store.comment("FL-1", BO, "Look", true, vec![], vec![], 4_000).await.unwrap().unwrap();
        assert_eq!(row.event, TicketEvent::Note { text: "Look".into() });
        store.comment("FL-1", ANN, "Thanks", false, vec![], vec![], 4_001).await.unwrap().unwrap();
        assert_eq!(store.comment("FL-9", BO, "x", false, vec![], vec![], 1).await.unwrap(), None);
        let public = store.ticket_events("FL-1", false).await.unwrap();
        assert!(public.iter().all(|e| !e.internal));
        assert_eq!(store.ticket_events("FL-1", true).await.unwrap().len(), public.len() + 1);
        assert!(store.mark_reviewed("FL-1", BO, 5_000).await.unwrap());
        assert!(!store.mark_reviewed("FL-9", BO, 5_000).await.unwrap());
        assert_eq!(store.ticket("FL-1").await.unwrap().unwrap().reviewed_by.as_deref(), Some(BO));
    })
    .await;
}

#[tokio::test]
async fn an_owners_corrections_teach_until_reverted() {
    on_both(async |store: Store| {
        store.file_ticket(new_ticket(ANN, "invoice"), ANN, 1_000).await.unwrap();
        let secret = NewTicket { confidential: true, ..new_ticket(ANN, "salary") };
        store.file_ticket(secret, ANN, 1_000).await.unwrap();
        assert!(store.labelled_tickets(10).await.unwrap().is_empty());
        let to = |kind| TicketPatch { kind: Some(kind), ..TicketPatch::default() };
        let first = patch(&store, "FL-1", to(Kind::Incident), true).await;
        assert_eq!(first.reviewed_by.as_deref(), Some(BO));
        let stamp = store.stamps().await.unwrap().correction;
        patch(&store, "FL-1", to(Kind::Change), true).await;
        patch(&store, "FL-2", to(Kind::Change), true).await;
        assert_ne!(store.stamps().await.unwrap().correction, stamp);
        // The last word of each ticket, and nothing of a confidential one.
        let corrections = store.corrections().await.unwrap();
        assert_eq!(corrections.len(), 1);
        assert_eq!((corrections[0].kind, corrections[0].by_email.as_str()), (Kind::Change, BO));
        assert_eq!(corrections[0].text, "invoice, in full");
        let labelled = store.labelled_tickets(10).await.unwrap();
        assert_eq!(labelled.len(), 1);
        assert_eq!(labelled[0].kind, Kind::Change);

        let stamp = store.stamps().await.unwrap().correction;
        assert!(store.revert_correction(corrections[0].id, BO, 3_000).await.unwrap());
        assert!(!store.revert_correction(corrections[0].id, BO, 3_000).await.unwrap());
        assert_ne!(store.stamps().await.unwrap().correction, stamp);
        assert_eq!(store.corrections().await.unwrap()[0].kind, Kind::Incident);
        let all = store.corrections_of("FL-1").await.unwrap();
        assert_eq!(all.iter().map(|c| c.reverted_at).collect::<Vec<_>>(), [None, Some(3_000)]);
    })
    .await;
}

#[tokio::test]
async fn merging_joins_people_and_can_be_undone() {
    on_both(async |store: Store| {
        store.file_ticket(new_ticket(ANN, "a"), ANN, 1_000).await.unwrap();
        store.file_ticket(new_ticket(BO, "b"), BO, 1_000).await.unwrap();
        store.file_ticket(new_ticket(BO, "c"), BO, 1_000).await.unwrap();
        let merge =
            async |key: &str, into: &str| store.merge(key, into, BO, vec![], vec![], 2_000).await;
        let Written::Done(merged) = merge("FL-2", "FL-1").await.unwrap() else { panic!() };
        assert_eq!((merged.merged_into.as_deref(), merged.status), (Some("FL-1"), Status::Closed));
        assert_eq!(store.participants("FL-1").await.unwrap(), [BO]);
        assert_eq!(merge("FL-9", "FL-1").await.unwrap(), Written::NotFound);
        for (key, into) in [("FL-1", "FL-1"), ("FL-2", "FL-3"), ("FL-3", "FL-2")] {
            assert!(matches!(merge(key, into).await, Err(StoreError::Conflict(_))), "{key} {into}");
        }
        merge("FL-3", "FL-1").await.unwrap();
        let undo = async |key: &str| store.unmerge(key, BO, vec![], vec![], 3_000).await.unwrap();
        let Written::Done(back) = undo("FL-2").await else { panic!() };
        assert_eq!(
            (back.merged_into, back.status, back.resolved_at),
            (None, Status::Triaged, None)
        );
        // The other merge still keeps its requester there.
        assert_eq!(store.participants("FL-1").await.unwrap(), [BO]);
        undo("FL-3").await;
        assert!(store.participants("FL-1").await.unwrap().is_empty());
        assert_eq!(undo("FL-3").await, Written::NotFound);
        let events: Vec<TicketEvent> = store
            .ticket_events("FL-1", false)
            .await
            .unwrap()
            .into_iter()
            .map(|e| e.event)
            .collect();
        assert!(events.contains(&TicketEvent::Absorbed { key: "FL-2".into() }));
        assert!(events.contains(&TicketEvent::Unmerged { key: "FL-2".into() }));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_filing_gives_each_its_number() {
    on_both(async |store: Store| {
        let tasks: Vec<_> = (0..24)
            .map(|n| {
                let store = store.clone();
                tokio::spawn(async move {
                    // Each request twice.
                    let request_id = Some(format!("r{}", n / 2));
                    let ticket = NewTicket { request_id, ..new_ticket(ANN, "x") };
                    store.file_ticket(ticket, ANN, 1).await
                })
            })
            .collect();
        let mut keys = std::collections::BTreeSet::new();
        for task in tasks {
            match task.await.unwrap() {
                Ok(ticket) => {
                    assert!(ticket.request_id.is_some() && keys.insert(ticket.key) | true)
                }
                // The second of a pair that raced past the first look.
                Err(error) => assert!(matches!(error, StoreError::Conflict(_)), "{error}"),
            }
        }
        assert_eq!(keys.len(), 12);
    })
    .await;
}
