//! Socket Mode over real connections to a stand-in for Slack. Nothing waits for time to pass,
//! only for what is to happen.
#![allow(clippy::unwrap_used)]

#[expect(dead_code, unreachable_pub, reason = "written for the acceptance tests too")]
#[path = "../../../../../tests/harness/slack/socket.rs"]
mod fake;
mod renewal;
mod scene;

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use super::*;
use fake::{End, SocketMode};
use scene::{Door, Scene, quick};

#[tokio::test]
async fn each_envelope_is_acknowledged_by_its_id_with_an_answer_only_where_one_is_taken() {
    let scene = Scene::begin(quick(2)).await;
    for (kind, known, answer) in [
        ("events_api", Some(Kind::Event), None),
        ("interactive", Some(Kind::Interaction), Some(json!({"response_action": "clear"}))),
        ("slash_commands", Some(Kind::Command), Some(json!({"response_action": "clear"}))),
        ("future_kind", None, None),
    ] {
        let payload = json!({"team": null, "answer": {"response_action": "clear"}, "of": kind});
        let id = scene.fake.deliver(kind, payload.clone());
        scene.acknowledged(&id).await;
        assert_eq!(scene.fake.acknowledged().last(), Some(&(id, answer)), "{kind}");
        let seen: Vec<_> = scene.desk.seen().into_iter().filter(|(_, p)| *p == payload).collect();
        assert_eq!(seen, known.map(|known| (known, payload)).into_iter().collect::<Vec<_>>());
    }
    let silent = scene.fake.deliver("interactive", json!({}));
    scene.acknowledged(&silent).await;
    assert_eq!(scene.fake.acknowledged().last(), Some(&(silent, None)));
    scene.end().await;
}

#[tokio::test]
async fn what_comes_twice_or_in_another_order_is_acknowledged_as_often() {
    let scene = Scene::begin(quick(2)).await;
    let numbers = [1, 2, 3];
    let ids = numbers.map(|number| scene.fake.envelope("events_api", json!({"number": number})));
    for id in ids.iter().rev().chain([&ids[1], &ids[1]]) {
        scene.fake.send(id).unwrap();
    }
    scene.fake.until("five", |fake| fake.acknowledged().len() == 5).await;
    assert_eq!(ids.map(|id| scene.fake.times(&id)), [1, 3, 1]);
    assert_eq!(scene.desk.seen().len(), 5);
    scene.end().await;
}

#[tokio::test]
async fn what_could_not_be_kept_is_not_acknowledged_until_it_is() {
    for trouble in ["refuse", "panic"] {
        let scene = Scene::begin(quick(2)).await;
        scene.desk.set(|desk| desk.trouble = true);
        let id = scene.fake.deliver("events_api", json!({trouble: true, "number": 1}));
        scene.desk.until(|desk| desk.seen.len() == 1 && desk.busy == 0).await;
        scene.desk.set(|desk| desk.trouble = false);
        scene.fake.send(&id).unwrap();
        scene.acknowledged(&id).await;
        scene.desk.until(|desk| desk.seen.len() == 2).await;
        // At the end nothing is on its way any more.
        let fake = scene.fake.clone();
        scene.end().await;
        assert_eq!(fake.times(&id), 1, "{trouble}");
    }
}

#[tokio::test]
async fn frames_nobody_understands_disturb_nothing() {
    let scene = Scene::begin(quick(1)).await;
    let connection = scene.fake.connections()[0];
    let mut large = json!({"type": "events_api", "payload": ""}).to_string();
    large.insert_str(1, &" ".repeat(1024 * 1024 - large.len()));
    for frame in [
        Message::text("no JSON"),
        Message::text("[]"),
        Message::text("null"),
        Message::text(""),
        Message::text(r#"{"type":"events_api","payload":{"number":1}}"#),
        Message::text(r#"{"type":"hello","num_connections":1}"#),
        Message::text(r#"{"type":null,"envelope_id":null}"#),
        Message::text(large),
        Message::binary(vec![0xff; 100]),
        Message::Pong("unasked".into()),
        Message::Ping("asked".into()),
    ] {
        scene.fake.send_frame(connection, frame);
    }
    let id = scene.fake.deliver("events_api", json!({"number": 2}));
    scene.acknowledged(&id).await;
    scene.fake.until("an answer to the ping", |fake| fake.pongs() == 1).await;
    assert_eq!(scene.desk.seen(), [(Kind::Event, json!({"number": 2}))]);
    assert_eq!((scene.fake.opened(), scene.fake.acknowledged().len()), (1, 1));
    scene.end().await;
}

#[tokio::test]
async fn a_frame_too_large_ends_the_connection_and_another_takes_its_place() {
    let mut scene = Scene::begin(quick(1)).await;
    let connection = scene.fake.connections()[0];
    scene.door.hold(true);
    scene.fake.send_frame(connection, Message::text(" ".repeat(1024 * 1024 + 1)));
    scene.status("too large", |it| says(it, "too long") && it.connected == 0).await;
    scene.door.hold(false);
    scene.fake.until("another", |fake| fake.opened() == 2).await;
    let id = scene.fake.deliver("events_api", json!({}));
    scene.acknowledged(&id).await;
    scene.end().await;
}

#[tokio::test]
async fn a_slow_one_holds_up_no_other_and_no_more_begin_than_there_is_room_for() {
    let scene = Scene::begin(Settings { at_once: 3, ..quick(1) }).await;
    let slow = scene.fake.deliver("events_api", json!({"wait": true}));
    let quick = scene.fake.deliver("events_api", json!({}));
    scene.acknowledged(&quick).await;
    assert_eq!(scene.fake.unacknowledged(), [slow]);
    for _ in 0..9 {
        scene.fake.deliver("events_api", json!({"wait": true}));
    }
    scene.desk.until(|desk| desk.busy == 3).await;
    scene.desk.set(|desk| desk.open = true);
    scene.fake.until("all", |fake| fake.unacknowledged().is_empty()).await;
    assert_eq!(scene.desk.peak(), 3);
    scene.end().await;
}

#[tokio::test]
async fn what_is_under_way_at_the_end_is_acknowledged_before_the_connection_is_closed() {
    let mut scene = Scene::begin(quick(2)).await;
    let connections = scene.fake.connections();
    let ids = [1, 2, 3].map(|_| scene.fake.deliver("events_api", json!({"wait": true})));
    scene.desk.until(|desk| desk.busy == 3).await;
    scene.stop();
    scene.status("nobody hears", |it| it.connected == 0).await;
    // Nobody reads it any more: Slack will send it to another process.
    let late = scene.fake.deliver("events_api", json!({"late": true}));
    scene.desk.set(|desk| desk.open = true);
    let fake = scene.fake.clone();
    scene.end().await;
    assert_eq!(ids.map(|id| fake.times(&id)), [1, 1, 1]);
    assert_eq!(fake.times(&late), 0);
    for connection in connections {
        fake.until("the end", |fake| fake.end_of(connection) == Some(End::ClosedByApp)).await;
    }
}

#[tokio::test]
async fn the_end_does_not_wait_for_ever() {
    let scene = Scene::begin(Settings { stop: Duration::from_millis(20), ..quick(1) }).await;
    let id = scene.fake.deliver("events_api", json!({"wait": true}));
    scene.desk.until(|desk| desk.busy == 1).await;
    let fake = scene.fake.clone();
    scene.end().await;
    assert_eq!(fake.times(&id), 0);
}

#[tokio::test]
async fn a_refusal_is_told_and_tried_again() {
    for (error, told) in [
        (
            SlackError::Refused("invalid_auth".into()),
            "no address to connect to: Slack says invalid_auth",
        ),
        (
            SlackError::Refused("internal_error".into()),
            "no address to connect to: Slack says internal_error",
        ),
        (
            SlackError::RateLimited(Duration::from_millis(3)),
            "no address to connect to: Slack asks to wait 0 s",
        ),
        (
            SlackError::Unknown("status 500".into()),
            "no address to connect to: Slack did not answer: status 500",
        ),
    ] {
        let mut scene = Scene::prepare(quick(1)).await;
        scene.door.refuse([error]);
        scene.start();
        scene.status(told, |it| it.error.as_deref() == Some(told) && it.connected == 0).await;
        scene.status("connected", |it| it.connected == 1 && it.error.is_none()).await;
        assert_eq!(scene.door.asked(), 2, "{told}");
        scene.end().await;
    }
}

#[tokio::test]
async fn without_a_greeting_there_is_no_connection() {
    let hello = Duration::from_millis(30);
    for (greeting, hello, told) in [
        (Value::Null, hello, "greet in time"),
        (json!({"type": "future"}), hello, "greet in time"),
        (json!({"type": "disconnect", "reason": "link_disabled"}), quick(1).hello, "turned off"),
        (json!({"type": "disconnect", "reason": "too_many_websockets"}), quick(1).hello, "as many"),
        (json!({"type": "disconnect", "reason": "warning"}), quick(1).hello, "closed"),
    ] {
        let mut scene = Scene::prepare(Settings { hello, ..quick(1) }).await;
        scene.fake.greet_with(Some(greeting.clone()));
        scene.start();
        scene.status(told, |it| says(it, told) && it.connected == 0).await;
        scene.end().await;
    }
}

#[tokio::test]
async fn a_check_counts_the_connections_or_says_what_is_wrong() {
    let fake = SocketMode::start().await;
    let door = Door::new(&fake);
    assert!(matches!(check(&*door, &quick(1)).await, Ok(Some(1))));
    fake.until("its end", |fake| fake.connections().is_empty()).await;
    door.refuse([SlackError::Refused("not_allowed_token_type".into())]);
    let wrong = check(&*door, &quick(1)).await.unwrap_err().to_string();
    assert!(wrong.contains("not_allowed_token_type"), "{wrong}");
    door.lead_to("ws://127.0.0.1:1/link/?ticket=secret");
    let wrong = check(&*door, &quick(1)).await.unwrap_err().to_string();
    assert!(wrong.starts_with("the connection to Slack failed") && !wrong.contains("secret"));
    let used = fake.address()["url"].as_str().unwrap().to_owned();
    door.lead_to(&used);
    assert!(check(&*door, &quick(1)).await.is_ok());
    let wrong = check(&*door, &quick(1)).await.unwrap_err().to_string();
    assert!(wrong.contains("403") && !wrong.contains("ticket="), "{wrong}");
}

#[test]
fn waits_double_are_cut_by_chance_and_are_long_where_only_people_can_help() {
    let settings = Settings::default();
    let address = |error| Some(LinkError::Address(error));
    let refused = |word: &str| address(SlackError::Refused(word.to_owned()));
    let limited = |seconds| address(SlackError::RateLimited(Duration::from_secs(seconds)));
    for (failures, error, chance, expected_ms) in [
        (0, None, 1.0, 1_000),
        (0, None, 0.0, 0),
        (1, Some(LinkError::Closed), 1.0, 2_000),
        (5, Some(LinkError::Silent), 0.5, 16_000),
        (6, Some(LinkError::NoHello), 1.0, 60_000),
        (u32::MAX, Some(LinkError::TooMany), 1.0, 60_000),
        (0, Some(LinkError::TurnedOff), 0.0, 60_000),
        (0, refused("invalid_auth"), 0.0, 60_000),
        (0, refused("a_word_not_known"), 0.0, 60_000),
        (2, refused("internal_error"), 0.5, 2_000),
        (0, limited(90), 0.5, 90_500),
        (0, limited(u64::MAX), 1.0, 601_000),
    ] {
        let waited = wait(&settings, failures, error.as_ref(), chance).as_millis();
        assert_eq!(waited, expected_ms, "{failures} {error:?} {chance}");
    }
}

fn says(status: &Status, words: &str) -> bool {
    status.error.as_deref().is_some_and(|error| error.contains(words))
}
