//! What goes wrong between Slack and the bot: requests nobody signed, payloads of any shape, calls
//! that fail halfway.

use acceptance::db::on_both;
use acceptance::slack::{FakeSlack, Fault, now, sign};
use serde_json::{Value, json};

use crate::slack::{Desk, QUESTION};

#[tokio::test]
async fn nothing_that_slack_did_not_sign_reaches_the_bot() {
    on_both(async |store| {
        let desk = Desk::new(store, "").await;
        let body = desk.slack.says("D1", "im", "UANA", QUESTION, None).to_string();
        let now = now();
        let good = sign(FakeSlack::SIGNING_SECRET, now, &body);
        let other = body.replace("vendor", "salary");
        let cases = [
            ("nothing", None, None, &body),
            ("no time", None, Some(good.clone()), &body),
            ("no signature", Some(now), None, &body),
            ("another secret", Some(now), Some(sign("guess", now, &body)), &body),
            ("another body", Some(now), Some(good.clone()), &other),
            ("another time", Some(now - 1), Some(good.clone()), &body),
            (
                "ten minutes old",
                Some(now - 600),
                Some(sign(FakeSlack::SIGNING_SECRET, now - 600, &body)),
                &body,
            ),
            (
                "ten minutes ahead",
                Some(now + 600),
                Some(sign(FakeSlack::SIGNING_SECRET, now + 600, &body)),
                &body,
            ),
            ("empty", Some(now), Some(String::new()), &body),
            ("cut", Some(now), Some(good[..20].to_owned()), &body),
        ];
        let http = reqwest::Client::new();
        for path in ["events", "interactions", "commands"] {
            for (name, at, signature, body) in &cases {
                let mut request =
                    http.post(format!("{}/slack/{path}", desk.url)).body((*body).clone());
                if let Some(at) = at {
                    request = request.header("X-Slack-Request-Timestamp", at.to_string());
                }
                if let Some(signature) = signature {
                    request = request.header("X-Slack-Signature", signature);
                }
                let status = request.send().await.unwrap().status().as_u16();
                assert_eq!(status, 401, "{path}: {name}");
            }
        }
        let challenge = json!({"type": "url_verification", "challenge": "abc"}).to_string();
        let unsigned = http.post(format!("{}/slack/events", desk.url)).body(challenge).send().await;
        assert_eq!(
            unsigned.unwrap().status(),
            401,
            "there is a secret, so the check is signed too"
        );
        assert_eq!(desk.bot.app.store.jobs(None, 10).await.unwrap().len(), 0);
    })
    .await;
}

#[tokio::test]
async fn the_address_can_be_checked_before_the_secret_is_known() {
    on_both(async |store| {
        let desk = Desk::with_secret(store, "", false).await;
        let http = reqwest::Client::new();
        let send = async |body: Value| {
            let reply = http.post(format!("{}/slack/events", desk.url)).body(body.to_string());
            let reply = reply.send().await.unwrap();
            (reply.status().as_u16(), reply.text().await.unwrap())
        };
        let challenge = json!({"type": "url_verification", "token": "t", "challenge": "abc"});
        assert_eq!(send(challenge).await, (200, "abc".to_owned()));
        let event = desk.slack.says("D1", "im", "UANA", QUESTION, None);
        assert_eq!(send(event).await.0, 401);
        assert_eq!(desk.bot.app.store.jobs(None, 10).await.unwrap().len(), 0);
    })
    .await;
}

#[tokio::test]
async fn a_reply_is_posted_once_whatever_becomes_of_the_call() {
    on_both(async |store| {
        let desk = Desk::new(store, "").await;
        for fault in [
            Fault::RateLimited { retry_after_s: 2 },
            Fault::Status(500),
            Fault::HalfBody,
            Fault::DoneButLost,
            Fault::Error("internal_error"),
        ] {
            let name = format!("{fault:?}");
            desk.slack.fail_next("chat.postMessage", fault);
            let asked = desk.says("D1", "UANA", QUESTION, None).await;
            // The delivery is tried again when its time has come.
            desk.bot.clock.advance(1_000);
            desk.bot.run().await;
            if name.starts_with("RateLimited") {
                assert_eq!(desk.replies("D1", &asked).len(), 0, "the wait Slack asked for is kept");
            }
            desk.bot.clock.advance(120_000);
            desk.bot.run().await;
            assert_eq!(desk.replies("D1", &asked).len(), 1, "{name}");
            desk.bot.assert_quiet().await;
        }
    })
    .await;
}

#[tokio::test]
async fn what_slack_gave_once_is_tried_until_it_is_taken_up() {
    on_both(async |store| {
        let desk = Desk::new(store, "").await;
        let event = desk.slack.says("D1", "im", "UANA", QUESTION, None);
        let ts = event["event"]["ts"].as_str().unwrap();
        desk.slack.fail_next("users.info", Fault::Status(500));
        assert_eq!(desk.event(&event).await, 200, "it is kept before it is read");
        assert_eq!(desk.replies("D1", ts).len(), 0, "who says it is not known yet");
        assert_eq!(desk.event(&event).await, 200, "Slack may send it again meanwhile");
        desk.bot.clock.advance(60_000);
        desk.bot.run().await;
        assert_eq!(desk.replies("D1", ts).len(), 1);
        assert_eq!(desk.event(&event).await, 200, "and afterwards");
        assert_eq!(desk.replies("D1", ts).len(), 1);
        desk.bot.assert_quiet().await;

        let long = "x".repeat(200_000);
        let asked = desk.says("D1", "UANA", &long, None).await;
        let refused = desk.replies("D1", &asked);
        assert!(refused.len() == 1 && refused[0].text.contains("longer than"), "{refused:?}");
    })
    .await;
}

#[tokio::test]
async fn odd_payloads_are_passed_over() {
    on_both(async |store| {
        let desk = Desk::new(store, "").await;
        for odd in [
            json!(null),
            json!([1, 2]),
            json!({"type": "event_callback", "team_id": null, "event": {"type": "future_event"}}),
            json!({"type": "event_callback", "event": {"type": "message", "user": 7}}),
            json!({"type": "app_rate_limited", "minute_rate_limited": 1}),
        ] {
            assert_eq!(desk.event(&odd).await, 200, "{odd}");
        }
        for odd in [
            json!(null),
            json!({"type": "future_interaction", "user": {"id": "UANA"}}),
            json!({"type": "block_actions", "team": null, "user": {"id": "UANA"}, "actions": [{"type": "future_picker"}]}),
            json!({"type": "block_actions", "user": {"id": "UANA"}, "actions": [{"action_id": "firstline.solved", "value": "no such request"}]}),
            json!({"type": "view_submission", "user": {"id": "UANA"}, "view": {"callback_id": "other"}}),
            json!({"type": "view_submission", "user": {"id": "UANA"}, "view": {"callback_id": "firstline.ticket", "private_metadata": "{"}}),
        ] {
            let reply = desk.slack.send_interaction(&desk.url, &odd).await;
            assert_eq!(reply.status(), 200, "{odd}");
        }
        assert_eq!(desk.bot.app.store.jobs(None, 10).await.unwrap().len(), 0);
    })
    .await;
}

#[tokio::test]
async fn a_channel_is_spoken_to_no_faster_than_slack_allows() {
    on_both(async |store| {
        let help = "\n[[channel]]\nplatform = \"slack\"\nid = \"CHELP\"\nmode = \"act\"\n";
        let desk = Desk::new(store, help).await;
        for _ in 0..8 {
            desk.says("CHELP", "UANA", QUESTION, None).await;
        }
        let posted = || desk.slack.calls("chat.postMessage").len();
        assert_eq!(posted(), 5, "a burst, and no more");
        for more in 1..=3 {
            desk.bot.clock.advance(1_000);
            desk.bot.run().await;
            assert_eq!(posted(), 5 + more, "then one a second");
        }
        desk.says("D1", "UANA", QUESTION, None).await;
        assert_eq!(posted(), 9, "another place has a measure of its own");
        desk.bot.assert_quiet().await;
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_taken_up_at_all_is_said_and_kept_for_the_operator() {
    on_both(async |store| {
        let desk = Desk::new(store, "").await;
        for _ in 0..20 {
            desk.slack.fail_next("users.info", Fault::Error("missing_scope"));
        }
        let asked = desk.says("D1", "UANA", QUESTION, None).await;
        for _ in 0..20 {
            desk.bot.clock.advance(3_600_000);
            desk.bot.run().await;
        }
        let told = desk.replies("D1", &asked);
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].text.starts_with("Something failed on my side."), "{told:?}");
        let dead = desk.bot.app.store.jobs(Some("dead"), 9).await.unwrap();
        assert!(dead.len() == 1 && dead[0].kind == "heard", "{dead:?}");
        assert!(dead[0].last_error.as_ref().unwrap().contains("missing_scope"), "{dead:?}");
        // What was said is nobody's to keep for longer than other raw events.
        let store = &desk.bot.app.store;
        assert_eq!(store.purge_raw(dead[0].created_at).await.unwrap(), 0);
        assert_eq!(store.purge_raw(dead[0].created_at + 1).await.unwrap(), 1);
        desk.bot.assert_quiet().await;
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_kept_is_not_acknowledged() {
    on_both(async |store| {
        let desk = Desk::new(store.clone(), "").await;
        let event = desk.slack.says("D1", "im", "UANA", QUESTION, None);
        store.close().await;
        let status = desk.slack.send_event(&desk.url, &event).await.status();
        assert_eq!(status, 503);
    })
    .await;
}

#[tokio::test]
async fn a_burst_delivered_four_times_at_once_is_answered_once_and_in_order() {
    on_both(async |store| {
        let desk = Desk::new(store, "").await;
        let first = desk.slack.says("D1", "im", "UANA", QUESTION, None);
        let thread = first["event"]["ts"].as_str().unwrap();
        let follow_up = desk.slack.says("D1", "im", "UANA", "and who approves it?", Some(thread));
        let mut events = vec![first.clone(), follow_up];
        for n in 0..40 {
            events.push(desk.slack.says(&format!("D{}", n % 20 + 2), "im", "UBEN", QUESTION, None));
        }
        // The order of the two in a thread is that of their arrival.
        for event in &events[..2] {
            assert_eq!(desk.slack.send_event(&desk.url, event).await.status(), 200);
        }
        let four_times = events.iter().flat_map(|event| [event; 4]);
        let sent = four_times.map(|event| desk.slack.send_event(&desk.url, event));
        for reply in futures::future::join_all(sent).await {
            assert_eq!(reply.status(), 200);
        }
        all_done(&desk).await;
        for event in &events[2..] {
            let (channel, ts) = (event["event"]["channel"].as_str(), event["event"]["ts"].as_str());
            assert_eq!(desk.replies(channel.unwrap(), ts.unwrap()).len(), 1);
        }
        let conversation = desk.slack.messages("D1", Some(thread));
        let who: Vec<_> = conversation.iter().map(|m| m.user.as_str()).collect();
        assert_eq!(who, ["UANA", "UANA", "UBOT", "UBOT"], "two replies, to the two that were said");
        desk.bot.assert_quiet().await;
    })
    .await;
}

/// Works until nothing is left to do, however late it is due.
async fn all_done(desk: &Desk) {
    let app = &desk.bot.app;
    while app.store.job_counts(app.clock.now()).await.unwrap().ready > 0 {
        desk.bot.run().await;
        desk.bot.clock.advance(1_000);
    }
}

#[tokio::test]
async fn twenty_problems_delivered_four_times_at_once_are_twenty_tickets() {
    on_both(async |store| {
        let desk = Desk::new(store, "").await;
        let systems = ["Keystone", "Northwind", "Payday", "Ledger"];
        let events: Vec<_> = (0..20)
            .map(|n| {
                let text = format!(
                    "{} rejects every vendor invoice with error KS-99{n} since this morning",
                    systems[n % systems.len()]
                );
                desk.slack.says(&format!("D{n}"), "im", "UANA", &text, None)
            })
            .collect();
        let four_times = (0..4).flat_map(|_| &events);
        let sent = four_times.map(|event| desk.slack.send_event(&desk.url, event));
        for reply in futures::future::join_all(sent).await {
            assert_eq!(reply.status(), 200);
        }
        all_done(&desk).await;
        assert_eq!(desk.tickets().await.len(), 20);
        desk.bot.assert_quiet().await;
    })
    .await;
}
