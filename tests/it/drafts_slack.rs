//! Answers that are shown in Slack while a model composes them, over the wire: as a stream beside
//! the assistant, elsewhere as a message that is edited.

use std::sync::Arc;

use acceptance::composer::Composer;
use acceptance::db::on_both;
use acceptance::slack::{FakeSlack, Fault, Posted};
use firstline::flows;
use firstline::ports::{Shown, Store};
use firstline::worker;
use firstline_core::chat::Platform;
use serde_json::{Value, json};

use crate::drafts::{FIRST, SECOND, SECRET, THIRD, heard, paused, until};
use crate::slack::{Desk, QUESTION};

const HELP: &str = "\n[[channel]]\nplatform = \"slack\"\nid = \"CHELP\"\nmode = \"act\"\n";

async fn desk(store: Store) -> (Desk, Arc<Composer>) {
    let composer = Composer::new();
    let desk = Desk::with_model(store, HELP, composer.clone()).await;
    (desk, composer)
}

/// Sends an event while the steps are gone through.
async fn during(desk: &Desk, event: &Value, steps: impl Future<Output = ()>) {
    tokio::join!(async { assert_eq!(desk.event(event).await, 200) }, steps);
}

fn ts(event: &Value) -> &str {
    event["event"]["ts"].as_str().unwrap()
}

/// A whole answer: its sources and buttons are there, by its key, and it grows no more.
fn is_whole(answer: &Posted) -> bool {
    let blocks = answer.blocks.to_string();
    let key = answer.metadata["event_payload"]["key"].as_str().unwrap_or_default();
    blocks.contains("Not helpful")
        && blocks.contains("Post a vendor invoice")
        && !blocks.contains('…')
        && key.ends_with(":0")
        && !answer.streams
}

#[tokio::test]
async fn an_answer_grows_beside_the_assistant_and_ends_with_sources_and_buttons() {
    on_both(async |store| {
        let (desk, composer) = desk(store).await;
        let asked = desk.slack.says("D1", "im", "UANA", QUESTION, None);
        let mut live = desk.bot.app.store.live();
        let replies = || desk.replies("D1", ts(&asked));
        let appended = || desk.slack.calls("chat.appendStream");
        during(&desk, &asked, async {
            until(|| !desk.slack.calls("assistant.threads.setStatus").is_empty()).await;
            composer.begins(FIRST);
            until(|| replies().len() == 1).await;
            assert!(replies()[0].streams);
            composer.says(SECOND);
            composer.says(THIRD);
            heard(&mut live, THIRD).await;
            assert_eq!(appended().len(), 0, "the pace is kept");
            desk.bot.clock.advance(1_000);
            until(|| replies()[0].text.contains(THIRD)).await;
            composer.ends();
        })
        .await;

        let sign = desk.slack.calls("assistant.threads.setStatus").remove(0);
        assert_eq!((&sign["channel_id"], &sign["thread_ts"]), (&json!("D1"), &json!(ts(&asked))));
        assert!(!sign["status"].as_str().unwrap().is_empty());
        let begun = desk.slack.calls("chat.startStream").remove(0);
        assert_eq!(begun["recipient_user_id"], "UANA");
        assert_eq!(begun["recipient_team_id"], FakeSlack::TEAM);
        assert_eq!(appended().len(), 1, "what came meanwhile comes at once");

        assert_eq!(replies().len(), 1);
        let answer = replies().remove(0);
        assert!(is_whole(&answer), "{answer:?}");
        assert!(answer.blocks.to_string().contains("blocks posting"), "{}", answer.blocks);
        assert_eq!(desk.slack.calls("chat.postMessage").len(), 0);
        let store = &desk.bot.app.store;
        let team = FakeSlack::TEAM;
        let known = store.message_sent_as(Platform::Slack, team, "D1", &answer.ts).await.unwrap();
        assert_eq!(store.draft(&known.unwrap().id).await.unwrap(), None, "it is none any more");
        desk.bot.assert_quiet().await;
    })
    .await;
}

#[tokio::test]
async fn where_there_is_no_stream_a_message_is_edited() {
    on_both(async |store| {
        let (desk, composer) = desk(store).await;
        let mut live = desk.bot.app.store.live();
        for (channel, kind) in [("D1", "im"), ("CHELP", "channel")] {
            if kind == "im" {
                desk.slack.fail_next("chat.startStream", Fault::Error("unknown_method"));
            }
            let edited = desk.slack.calls("chat.update").len();
            let asked = desk.slack.says(channel, kind, "UANA", QUESTION, None);
            let replies = || desk.replies(channel, ts(&asked));
            during(&desk, &asked, async {
                composer.begins(FIRST);
                until(|| replies().len() == 1).await;
                let draft = replies()[0].blocks.to_string();
                assert!(draft.contains("goods receipt") && draft.contains('…'), "{draft}");
                assert!(!draft.contains("Not helpful"), "it is not to be judged yet");
                composer.says(SECOND);
                composer.says(THIRD);
                heard(&mut live, THIRD).await;
                desk.bot.clock.advance(1_000);
                until(|| replies()[0].blocks.to_string().contains("blocks posting")).await;
                composer.ends();
            })
            .await;
            assert_eq!(replies().len(), 1);
            assert!(is_whole(&replies()[0]), "{:?}", replies()[0]);
            assert_eq!(
                desk.slack.calls("chat.update").len() - edited,
                2,
                "one for both, and the end"
            );
        }
        assert_eq!(desk.slack.calls("chat.startStream").len(), 1, "never in a channel");
        desk.bot.assert_quiet().await;
    })
    .await;
}

/// One answer stands there, whole, whatever becomes of its draft.
#[tokio::test]
async fn whatever_becomes_of_a_draft_one_answer_stands_there() {
    on_both(async |store| {
        let (desk, composer) = desk(store).await;
        let mut live = desk.bot.app.store.live();
        for (channel, what) in [
            ("D1", "Slack ends it"),
            ("D1", "it is taken away"),
            ("D1", "its beginning is lost"),
            ("D1", "its beginning fails"),
            ("D1", "other words come"),
            ("D1", "a wait in the middle"),
            ("D1", "a wait at the end"),
            ("D1", "the end is lost"),
            ("CHELP", "it is taken away"),
            ("CHELP", "its beginning is lost"),
            ("CHELP", "its beginning fails"),
            ("CHELP", "other words come"),
            ("CHELP", "a wait in the middle"),
            ("CHELP", "a wait at the end"),
            ("CHELP", "the end is lost"),
        ] {
            let direct = channel == "D1";
            let (kind, begin, go_on) = match direct {
                true => ("im", "chat.startStream", "chat.appendStream"),
                false => ("channel", "chat.postMessage", "chat.update"),
            };
            let wait = || Fault::RateLimited { retry_after_s: 5 };
            let calls = |method: &str| desk.slack.calls(method).len();
            let text = if what == "other words come" { SECRET } else { QUESTION };
            let asked = desk.slack.says(channel, kind, "UANA", text, None);
            let replies = || desk.replies(channel, ts(&asked));
            let begun = calls(begin);
            match what {
                "its beginning is lost" => desk.slack.fail_next(begin, Fault::DoneButLost),
                "its beginning fails" => desk.slack.fail_next(begin, Fault::Status(500)),
                _ => {}
            }
            during(&desk, &asked, async {
                composer.begins(FIRST);
                until(|| calls(begin) > begun).await;
                if what != "its beginning fails" {
                    until(|| replies().len() == 1).await;
                }
                match what {
                    "Slack ends it" => desk.slack.end_streams(),
                    "it is taken away" => {
                        desk.slack.deletes(channel, &replies()[0].ts);
                    }
                    "a wait in the middle" => {
                        let gone_on = calls(go_on);
                        desk.slack.fail_next(go_on, wait());
                        composer.says(SECOND);
                        heard(&mut live, SECOND).await;
                        desk.bot.clock.advance(1_000);
                        paused(&mut live).await;
                        composer.says(THIRD);
                        heard(&mut live, THIRD).await;
                        desk.bot.clock.advance(4_000);
                        assert_eq!(calls(go_on), gone_on + 1, "the wait Slack asked for is kept");
                        desk.bot.clock.advance(1_000);
                        until(|| calls(go_on) == gone_on + 2).await;
                    }
                    "a wait at the end" => desk.slack.fail_next("chat.update", wait()),
                    "the end is lost" => desk.slack.fail_next("chat.update", Fault::DoneButLost),
                    _ => {}
                }
                composer.ends();
            })
            .await;
            desk.bot.clock.advance(120_000);
            desk.bot.run().await;
            let replies = replies();
            assert_eq!(replies.len(), 1, "{channel}: {what}: {replies:?}");
            assert!(is_whole(&replies[0]), "{channel}: {what}: {replies:?}");
            desk.bot.assert_quiet().await;
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_said_of_a_failure_takes_the_place_of_the_draft() {
    on_both(async |store| {
        let (desk, _) = desk(store).await;
        let app = &desk.bot.app;
        let asked = desk.slack.says("D1", "im", "UANA", QUESTION, None);
        assert_eq!(desk.slack.send_event(&desk.url, &asked).await.status(), 200);
        assert_eq!(worker::step(app).await.unwrap(), 1, "it is heard");
        let leased = app.store.lease("w", 1, 60_000, app.clock.now()).await.unwrap().remove(0);
        let all = app.store.conversations_of("ana@example.com", 9).await.unwrap();
        app.store.begin_draft(&leased.id, &all[0].id, 1).await.unwrap();
        let shown = Shown { message_id: leased.id.clone(), ..Shown::default() };
        let sent_as = app.chat.draft(&all[0], &shown, FIRST).await.unwrap();
        app.store.name_draft(&leased.id, &sent_as).await.unwrap();
        flows::react::tell_failure(app, &leased).await;
        app.store.complete(&leased).await.unwrap();
        desk.bot.run().await;
        let replies = desk.replies("D1", ts(&asked));
        assert_eq!(replies.len(), 1, "{replies:?}");
        let said = replies[0].blocks.to_string();
        assert!(!replies[0].streams && !said.contains("goods receipt"), "{said}");
        desk.bot.assert_quiet().await;
    })
    .await;
}
