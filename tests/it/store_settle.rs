//! Settling on both databases: all or nothing, and who delivers the reply.
#![allow(clippy::unwrap_used)]

use acceptance::db::on_both;
use firstline::store::records::*;
use firstline::store::{Store, conversation_id};
use firstline_core::ticket::*;
use firstline_core::triage::{Abstained, Decision, Plan};

use crate::store::{accept, assessment, event, job, message, new_ticket, request, settlement};

#[tokio::test]
async fn settling_writes_everything_or_nothing() {
    on_both(async |store: Store| {
        let event = event("e1", "t1");
        let id = accept(&store, &event, 10).await;
        let file = store.put_attachment("ann@example.com", None, "a", "b", b"c", 5).await.unwrap();
        let stale = store.lease("w1", 1, -1, 20).await.unwrap().remove(0);
        let leased = store.lease("w2", 1, 1_000, 20).await.unwrap().remove(0);
        assert_eq!((stale.attempt, leased.attempt), (1, 2));

        let mut done = settlement(request(&id, &event));
        done.request.state = RequestState::Settled;
        done.request.kind = Some(Kind::Bug);
        done.request.action = Some("file".into());
        done.request.confidence = Some(0.8);
        done.request.answerable = Some(0.1);
        done.request.abstained = Some(Abstained::NotCovered);
        done.request.settled_at = Some(300);
        done.request.decision = Some(Explanation {
            decision: Decision {
                plan: Plan::File { offer: false },
                impact: Impact::Team,
                urgency: Urgency::High,
                priority: Priority::P2,
                reasons: vec!["It is a bug.".into()],
            },
            passages: vec![],
            similar: vec![],
            unsent: vec![],
        });
        done.assessments = vec![assessment(&id)];
        let ticket = NewTicket {
            request_id: Some(id.clone()),
            conversation_id: Some(conversation_id(&event.conversation)),
            attachments: vec![file.id.clone()],
            ..new_ticket("ann@example.com", "It fails")
        };
        done.ticket = Some(ticket);
        let mut says = message(&event, Author::Bot, "Filed {ticket-key}.", "out:1");
        says.body.ticket = Some(KEY_PLACEHOLDER.into());
        let deliver = NewJob { dedupe: Some("d".into()), ..job("out", 300) };
        done.reply = Some(Reply { message: says, delivery: deliver, lease_until: 1_300 });
        done.cited_documents = vec!["doc".into()];
        done.hand_over = true;
        done.title = Some("It fails".into());

        assert_eq!(store.settle(&stale, done.clone(), 300).await.unwrap(), None);
        assert_eq!(store.last_ticket_number().await.unwrap(), 0);
        assert_eq!(store.request(&id).await.unwrap().unwrap().state, RequestState::Accepted);

        let settled = store.settle(&leased, done.clone(), 300).await.unwrap().unwrap();
        assert_eq!(settled.ticket_key.as_deref(), Some("FL-1"));
        assert_eq!(store.settle(&leased, done.clone(), 300).await.unwrap(), None);

        let row = store.request(&id).await.unwrap().unwrap();
        let expected = RequestRow { ticket_key: Some("FL-1".into()), ..done.request.clone() };
        assert_eq!(row, expected);
        assert_eq!(store.assessments(&id).await.unwrap(), done.assessments);
        let ticket = store.ticket("FL-1").await.unwrap().unwrap();
        assert_eq!(ticket.request_id.as_deref(), Some(id.as_str()));
        assert_eq!(store.attachments_of_ticket("FL-1").await.unwrap(), [file]);
        let said = store.thread_turns(&row.conversation_id, 1).await.unwrap().remove(0);
        assert_eq!(said.body.text, "Filed FL-1.");
        assert_eq!(said.body.ticket.as_deref(), Some("FL-1"));
        assert_eq!(said.sent_at, None);
        let conversation = store.conversation(&row.conversation_id).await.unwrap().unwrap();
        assert!(conversation.handed_over);
        assert_eq!(conversation.title, "It fails");

        // The delivery, held by whoever settled, and its record.
        let delivery = settled.delivery.unwrap();
        assert_eq!(delivery.message, said);
        assert!(store.lease("w3", 5, 1_000, 300).await.unwrap().is_empty());
        assert_eq!(store.next_due(300).await.unwrap(), Some(1_300));
        assert!(store.mark_sent(&delivery.job, &said, None, 310).await.unwrap());
        assert!(!store.mark_sent(&delivery.job, &said, None, 320).await.unwrap());
        assert_eq!(store.message(&said.id).await.unwrap().unwrap().sent_at, Some(310));
        assert_eq!(store.job_counts(400).await.unwrap(), JobCounts::default());

        // The same request again files nothing new, nor is the message repeated.
        store.enqueue(job("lane2", 400), 400).await.unwrap();
        let second = store.lease("w", 1, 1_000, 400).await.unwrap().remove(0);
        let settled = store.settle(&second, done, 400).await.unwrap().unwrap();
        assert_eq!((settled.ticket_key.as_deref(), settled.delivery), (Some("FL-1"), None));
        assert_eq!(store.last_ticket_number().await.unwrap(), 1);
        assert_eq!(store.job_counts(400).await.unwrap(), JobCounts::default());
        assert_eq!(store.messages(&row.conversation_id, 0, 10).await.unwrap().len(), 2);

        // Insight follows from it.
        let gaps = store.gaps(10).await.unwrap();
        assert_eq!(gaps.len(), 1);
        assert_eq!(
            (gaps[0].reason, gaps[0].ticket_key.as_deref()),
            (Abstained::NotCovered, Some("FL-1"))
        );
        let outcomes = store.outcomes(0, 1_000).await.unwrap();
        assert_eq!((outcomes.answered, outcomes.filed), (0, 1));
        assert_eq!(store.purge_raw(299).await.unwrap(), 0);
        assert_eq!(store.purge_raw(10_000).await.unwrap(), 1);
        assert_eq!(store.purge_raw(10_000).await.unwrap(), 0);
    })
    .await;
}

#[tokio::test]
async fn a_reply_goes_behind_those_still_on_their_way() {
    on_both(async |store: Store| {
        let event = event("e1", "t1");
        let id = accept(&store, &event, 10).await;
        let leased = store.lease("w", 1, 1_000, 10).await.unwrap().remove(0);
        let earlier = job("out", 10);
        store.enqueue(earlier.clone(), 10).await.unwrap();
        let reply = |text: &str| Reply {
            message: message(&event, Author::Bot, text, &format!("out:{text}")),
            delivery: job("out", 20),
            lease_until: 1_020,
        };
        let mut done = settlement(request(&id, &event));
        done.reply = Some(reply("later"));
        let settled = store.settle(&leased, done, 20).await.unwrap().unwrap();
        assert_eq!(settled.delivery, None);
        let first = store.lease("w", 9, 1_000, 20).await.unwrap();
        assert_eq!(first.len(), 1);
        assert_eq!(first[0].id, earlier.id);
        assert!(store.complete(&first[0]).await.unwrap());
        let second = store.lease("w", 9, 1_000, 20).await.unwrap();
        assert_eq!((second.len(), second[0].attempt), (1, 1));
        assert!(store.complete(&second[0]).await.unwrap());

        // With nothing before it whoever settles has it; if they vanish, another takes it.
        let id = accept(&store, &self::event("e2", "t1"), 30).await;
        let leased = store.lease("w", 1, 1_000, 30).await.unwrap().remove(0);
        let mut done = settlement(request(&id, &event));
        done.reply = Some(reply("now"));
        let settled = store.settle(&leased, done, 30).await.unwrap().unwrap();
        let mine = settled.delivery.unwrap();
        assert_eq!((mine.job.lease_by.as_str(), mine.message.seq), ("w", 4));
        assert_eq!(store.renew(&mine.job, 1_040, 40).await.unwrap(), Renewed::Held);
        assert!(store.lease("w2", 9, 1_000, 1_039).await.unwrap().is_empty());
        let taken = store.lease("w2", 9, 1_000, 1_040).await.unwrap().remove(0);
        assert_eq!((&taken.id, taken.attempt), (&mine.job.id, 2));
        assert!(!store.mark_sent(&mine.job, &mine.message, None, 1_041).await.unwrap());
        let kept = store.message(&mine.message.id).await.unwrap().unwrap();
        assert_eq!(kept.sent_at, None);
        assert!(store.mark_sent(&taken, &kept, None, 1_042).await.unwrap());
    })
    .await;
}
