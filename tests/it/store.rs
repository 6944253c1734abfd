//! The durable path on both databases: where a reaction stands, outcomes, live events.
//! Helpers for the other store tests are here too.
#![allow(clippy::unwrap_used)]

use acceptance::db::{TestDb, on_both, on_both_dbs};
use firstline::store::records::*;
use firstline::store::{Event, Live, LiveKind, Store, StoreError, conversation_id, new_id};
use firstline_core::chat::*;
use firstline_core::ticket::*;
use firstline_core::triage::Assessment;

pub(crate) fn event(id: &str, thread: &str) -> ChatEvent {
    ChatEvent {
        event_id: id.into(),
        conversation: ConversationKey {
            platform: Platform::Web,
            tenant: "local".into(),
            channel: "ann@example.com".into(),
            thread: thread.into(),
        },
        setting: Setting::Direct,
        from: Person { email: "ann@example.com".into(), name: "Ann".into(), ..Person::default() },
        outsiders: false,
        restraint: None,
        at: 1,
        body: EventBody::Said { text: format!("text {id}"), attachments: vec![], files: vec![] },
    }
}

pub(crate) fn job(lane: &str, run_at: i64) -> NewJob {
    NewJob {
        id: new_id(),
        kind: "event",
        lane: lane.into(),
        payload: "{}".into(),
        priority: 10,
        run_at,
        dedupe: None,
        max_attempts: 3,
    }
}

pub(crate) fn request(id: &str, event: &ChatEvent) -> RequestRow {
    RequestRow {
        id: id.into(),
        conversation_id: conversation_id(&event.conversation),
        requester: event.from.email.clone(),
        text: format!("words of {id}"),
        state: RequestState::Accepted,
        kind: None,
        system: None,
        confidence: None,
        action: None,
        abstained: None,
        answerable: None,
        decision: None,
        answer: None,
        ticket_key: None,
        verdict: None,
        redactions: 0,
        received_at: 100,
        settled_at: None,
    }
}

pub(crate) fn message(event: &ChatEvent, author: Author, text: &str, key: &str) -> NewMessage {
    NewMessage {
        id: new_id(),
        conversation_id: conversation_id(&event.conversation),
        author,
        email: event.from.email.clone(),
        name: "Ann".into(),
        body: Message { text: text.into(), ..Message::default() },
        request_id: None,
        delivery_key: key.into(),
        pending: author == Author::Bot,
    }
}

pub(crate) fn new_ticket(requester: &str, summary: &str) -> NewTicket {
    NewTicket {
        kind: Kind::Bug,
        system: Some("billing".into()),
        team: Some("finance".into()),
        impact: Impact::One,
        urgency: Urgency::Normal,
        priority: Priority::P4,
        status: Status::New,
        requester: requester.into(),
        summary: summary.into(),
        text: format!("{summary}, in full"),
        fields: [("steps".to_owned(), "open it".to_owned())].into(),
        language: "en".into(),
        sentiment: Sentiment::Neutral,
        confidence: 0.7,
        confidential: false,
        conversation_id: None,
        request_id: None,
        attachments: vec![],
        created_at: 1_000,
        resolved_at: None,
    }
}

pub(crate) fn viewer(email: &str, roles: &[Role], groups: &[&str]) -> Viewer {
    let mut all = vec!["everyone".to_owned()];
    all.extend(groups.iter().map(|g| g.to_string()));
    Viewer {
        email: email.into(),
        name: email.into(),
        roles: roles.to_vec(),
        groups: all,
        time_zone: None,
    }
}

/// What an event becomes when it makes request `id`.
pub(crate) fn rows<'e>(event: &'e ChatEvent, id: &str, now: i64) -> Event<'e> {
    let said = message(event, Author::Requester, "hello", &format!("in:{}", event.event_id));
    Event {
        event,
        raw: Some("raw"),
        message: Some(said),
        request: Some(request(id, event)),
        job: job(&event.conversation.lane(), now),
        holder: None,
        key: None,
    }
}

pub(crate) async fn accept(store: &Store, event: &ChatEvent, now: i64) -> String {
    let id = new_id();
    let accepted = store.accept(rows(event, &id, now), now).await.unwrap().unwrap();
    assert!(!accepted.duplicate);
    id
}

pub(crate) fn assessment(request_id: &str) -> AssessmentRow {
    AssessmentRow {
        id: new_id(),
        request_id: request_id.into(),
        engine: "local".into(),
        prompt_hash: "p".into(),
        input_hash: "i".into(),
        passages: vec!["d.1".into()],
        result: Some(Assessment {
            kind: Kind::Bug,
            confidence: 0.8,
            system: Some("billing".into()),
            impact: Impact::Team,
            urgency: Urgency::High,
            sentiment: Sentiment::Negative,
            language: "en".into(),
            summary: "It fails".into(),
            fields: TicketFields::new(),
            missing: vec!["steps".into()],
        }),
        failure: None,
        chosen: true,
        duration_ms: 3,
        tokens_in: 0,
        tokens_out: 0,
        created_at: 200,
    }
}

pub(crate) fn settlement(request: RequestRow) -> Settlement {
    Settlement::of(request)
}

#[tokio::test]
async fn a_reaction_sees_where_it_stands() {
    on_both(async |store: Store| {
        assert_eq!(store.stamps().await.unwrap(), Stamps::default());
        let event = event("e1", "t1");
        let id = accept(&store, &event, 10).await;
        let conversation = conversation_id(&event.conversation);
        let alone = store.situation(&conversation, &id).await.unwrap().unwrap();
        assert_eq!(alone.conversation.id, conversation);
        assert_eq!(alone.conversation.requester, "ann@example.com");
        assert_eq!(alone.request, request(&id, &event));
        assert_eq!((alone.said, alone.open_here, alone.last_action), (1, None, None));
        assert_eq!(store.situation(&conversation, "none").await.unwrap(), None);
        assert_eq!(store.situation("none", &id).await.unwrap(), None);

        let leased = store.lease("w", 1, 1_000, 10).await.unwrap().remove(0);
        let mut done = settlement(request(&id, &event));
        done.request.state = RequestState::Settled;
        done.request.action = Some("file".into());
        done.ticket = Some(NewTicket {
            request_id: Some(id.clone()),
            conversation_id: Some(conversation.clone()),
            ..new_ticket("ann@example.com", "It fails")
        });
        store.settle(&leased, done, 20).await.unwrap().unwrap();
        let next = accept(&store, &self::event("e2", "t1"), 30).await;
        let behind = store.situation(&conversation, &next).await.unwrap().unwrap();
        assert_eq!((behind.said, behind.open_here.as_deref()), (2, Some("FL-1")));
        assert_eq!(behind.last_action.as_deref(), Some("file"));
        assert_eq!(behind.stamps, store.stamps().await.unwrap());
        assert_eq!(behind.stamps.ticket, 1);
        store.erase_person("bo@example.com", 40).await.unwrap();
        assert_ne!(store.stamps().await.unwrap().erasure, behind.stamps.erasure);
    })
    .await;
}

#[tokio::test]
async fn outcomes_are_counted_side_by_side() {
    on_both(async |store: Store| {
        const DAY: i64 = 24 * 60 * 60 * 1000;
        // (thread, received, verdict, filed)
        let cases = [
            ("confirmed", 100, Some(Verdict::Solved), false),
            ("assumed", 100, None, false),
            ("again", 100, None, false),
            ("again", 200, None, false),
            ("escalated", 100, Some(Verdict::NotHelpful), true),
            ("fresh", DAY, None, false),
        ];
        for (n, (thread, at, verdict, filed)) in cases.into_iter().enumerate() {
            let event = event(&format!("e{n}"), thread);
            let id = accept(&store, &event, at).await;
            let leased = store.lease("w", 1, 1_000, at).await.unwrap().remove(0);
            let mut done = settlement(RequestRow { received_at: at, ..request(&id, &event) });
            done.request.state = RequestState::Settled;
            done.request.action = Some("answer".into());
            if filed {
                done.ticket = Some(new_ticket("ann@example.com", "x"));
            }
            store.settle(&leased, done, at).await.unwrap().unwrap();
            if let Some(verdict) = verdict {
                assert!(store.set_verdict(&id, verdict, at).await.unwrap());
            }
        }
        assert!(!store.set_verdict("none", Verdict::Solved, 1).await.unwrap());
        // Requests were received at 100 as `accept` writes them; see the cases.
        let outcomes = store.outcomes(0, DAY + 500).await.unwrap();
        assert_eq!(outcomes.answered, 6);
        assert_eq!(outcomes.confirmed, 1);
        assert_eq!(outcomes.escalated, 1);
        assert_eq!(outcomes.filed, 1);
    })
    .await;
}

#[tokio::test]
async fn processes_hear_of_each_other() {
    on_both_dbs(async |db: &TestDb| {
        let store = db.store().await;
        // On SQLite one process serves; on PostgreSQL a second one listens too.
        let other = if store.is_sqlite() { store.clone() } else { db.store().await };
        let mut live = other.live();
        let wakeups = other.wakeups();
        if !store.is_sqlite() {
            // The listener says so itself once it listens.
            wakeups.job_added().await;
        }
        let event = event("e1", "t1");
        accept(&store, &event, 10).await;
        wakeups.job_added().await;
        let conversation = conversation_id(&event.conversation);
        let heard = live.recv().await.unwrap();
        assert_eq!(
            heard,
            Live { conversation_id: conversation.clone(), kind: LiveKind::Message { seq: 1 } }
        );
        for length in [10, 20_000] {
            let text = "x".repeat(length);
            let kind = LiveKind::Draft { request_id: "r".into(), text };
            let draft = Live { conversation_id: conversation.clone(), kind };
            store.publish_live(&draft);
            let heard = live.recv().await.unwrap();
            if store.is_sqlite() || length < 8000 {
                assert_eq!(heard, draft);
            } else {
                assert_eq!(heard.kind, LiveKind::Changed);
            }
        }
        store.say(message(&event, Author::Bot, "sorry", "failed:1"), vec![], 20).await.unwrap();
        assert_eq!(live.recv().await.unwrap().kind, LiveKind::Message { seq: 2 });
        store.enqueue(job("x", 1), 1).await.unwrap();
        other.job_added().await;
        store.close().await;
        other.close().await;
    })
    .await;
}

#[tokio::test]
async fn facts_are_kept_and_a_closed_store_says_so() {
    on_both(async |store: Store| {
        assert_eq!(store.meta("demo").await.unwrap(), None);
        store.set_meta("demo", "1").await.unwrap();
        store.set_meta("demo", "2").await.unwrap();
        assert_eq!(store.meta("demo").await.unwrap().as_deref(), Some("2"));
        store.add_usage("2026-01-02", "m", 1, 0, 10, 5).await.unwrap();
        store.add_usage("2026-01-02", "m", 2, 1, 1, 1).await.unwrap();
        let usage = store.usage("2026-01-02", "m").await.unwrap();
        let expected = ModelUsage { calls: 3, failures: 1, tokens_in: 11, tokens_out: 6 };
        assert_eq!(usage, expected);
        assert_eq!(store.usage("2026-01-03", "m").await.unwrap(), ModelUsage::default());
        store.ping().await.unwrap();
        store.close().await;
        assert!(matches!(store.ping().await, Err(StoreError::Unavailable(_))));
        assert!(matches!(store.set_meta("a", "b").await, Err(StoreError::Unavailable(_))));
    })
    .await;
    assert!(matches!(Store::connect("mysql://x").await, Err(StoreError::Other(_))));
}
