//! Connections that come and go while Slack goes on sending.

use std::collections::BTreeSet;

use super::*;

const NUMBERS: u64 = 200;
/// Unanswered at once, so that something is always on its way and nothing runs ahead.
const AHEAD: usize = 8;

/// Waits until no more than so many are unanswered. What was lost is sent again, as Slack does
/// it.
async fn settle(scene: &Scene, left: usize) {
    let settled = |fake: &SocketMode| fake.unacknowledged().len() <= left;
    while !settled(&scene.fake) {
        for id in scene.fake.lost() {
            scene.fake.send(&id);
        }
        let lost = |fake: &SocketMode| !fake.lost().is_empty() && !fake.connections().is_empty();
        scene.fake.until("answers", |fake| settled(fake) || lost(fake)).await;
    }
}

async fn send_number(scene: &Scene, number: u64) {
    settle(scene, AHEAD).await;
    scene.fake.deliver("events_api", json!({"number": number}));
}

fn numbers_seen(scene: &Scene) -> BTreeSet<u64> {
    scene.desk.seen().iter().filter_map(|(_, payload)| payload["number"].as_u64()).collect()
}

#[tokio::test]
async fn renewing_connections_loses_nothing_and_leaves_none_missing() {
    for (connections, reason) in
        [(1, "refresh_requested"), (1, "warning"), (2, "refresh_requested"), (3, "not known yet")]
    {
        let scene = Scene::begin(quick(connections)).await;
        let mut old = None;
        for number in 0..NUMBERS {
            send_number(&scene, number).await;
            match number % 20 {
                5 => {
                    let oldest = scene.fake.connections()[0];
                    // Slack may say it more than once.
                    scene.fake.disconnect(oldest, reason);
                    scene.fake.disconnect(oldest, reason);
                    old = Some(oldest);
                }
                15 => {
                    let more = |fake: &SocketMode| fake.connections().len() == connections + 1;
                    scene.fake.until("a new connection", more).await;
                    scene.fake.close(old.take().unwrap());
                }
                _ => {}
            }
        }
        settle(&scene, 0).await;
        assert_eq!(numbers_seen(&scene), (0..NUMBERS).collect(), "{connections} {reason}");
        assert_eq!(scene.fake.fewest(), connections, "{reason}");
        let renewed = usize::try_from(NUMBERS / 20).unwrap();
        assert_eq!(scene.fake.opened(), connections + renewed, "{connections} {reason}");
        scene.end().await;
    }
}

#[tokio::test]
async fn the_old_connection_is_heard_until_another_is_open() {
    let mut scene = Scene::begin(Settings { leave: Duration::ZERO, ..quick(1) }).await;
    let old = scene.fake.connections()[0];
    scene.door.hold(true);
    scene.fake.disconnect(old, "refresh_requested");
    for number in 0..20 {
        let id = scene.fake.deliver("events_api", json!({"number": number}));
        scene.acknowledged(&id).await;
    }
    assert_eq!((scene.fake.connections(), scene.door.asked()), (vec![old], 2));
    scene.door.hold(false);
    scene.fake.until("its end", |fake| fake.end_of(old) == Some(End::ClosedByApp)).await;
    scene.status("the other", |it| it.connected == 1).await;
    assert_eq!(scene.fake.fewest(), 1);
    scene.end().await;
}

#[tokio::test]
async fn what_has_begun_is_finished_although_its_connection_broke() {
    let scene = Scene::begin(quick(1)).await;
    let id = scene.fake.deliver("events_api", json!({"wait": true}));
    scene.desk.until(|desk| desk.busy == 1).await;
    scene.fake.break_off(scene.fake.connections()[0]);
    scene.fake.until("another", |fake| fake.opened() == 2).await;
    scene.desk.set(|desk| desk.open = true);
    scene.desk.until(|desk| desk.busy == 0).await;
    assert_eq!(scene.fake.unacknowledged(), [id]);
    scene.end().await;
}

#[tokio::test]
async fn an_old_connection_that_slack_forgets_is_closed_after_a_while() {
    let scene = Scene::begin(Settings { leave: Duration::from_millis(5), ..quick(1) }).await;
    let old = scene.fake.connections()[0];
    let slow = scene.fake.deliver("events_api", json!({"wait": true}));
    scene.desk.until(|desk| desk.busy == 1).await;
    scene.fake.disconnect(old, "refresh_requested");
    scene.fake.until("another", |fake| fake.opened() == 2).await;
    scene.desk.set(|desk| desk.open = true);
    scene.fake.until("its end", |fake| fake.end_of(old) == Some(End::ClosedByApp)).await;
    assert_eq!((scene.fake.times(&slow), scene.fake.fewest()), (1, 1));
    scene.end().await;
}

#[tokio::test]
async fn connections_that_break_lose_nothing_that_is_sent_again() {
    let scene = Scene::begin(quick(2)).await;
    for number in 0..NUMBERS {
        send_number(&scene, number).await;
        if number % 20 == 7 {
            let opened = scene.fake.opened();
            let oldest = scene.fake.connections()[0];
            if number % 40 == 7 {
                scene.fake.break_off(oldest);
            } else {
                scene.fake.close(oldest);
            }
            scene.fake.until("another", |fake| fake.opened() > opened).await;
        }
    }
    settle(&scene, 0).await;
    assert_eq!(numbers_seen(&scene), (0..NUMBERS).collect());
    assert_eq!(scene.fake.fewest(), 1);
    scene.end().await;
}

#[tokio::test]
async fn a_connection_that_falls_silent_is_given_up() {
    let brief = Duration::from_millis(20);
    let patience = Duration::from_millis(200);
    let settings = Settings { silence: brief, patience, ..quick(1) };
    let mut scene = Scene::begin(settings).await;
    let silent = scene.fake.connections()[0];
    scene.door.hold(true);
    scene.fake.ignore(silent);
    let told = "Slack fell silent";
    scene.status(told, |it| it.error.as_deref() == Some(told) && it.connected == 0).await;
    scene.door.hold(false);
    scene.fake.until("another", |fake| fake.opened() >= 2).await;
    scene.end().await;
}

#[tokio::test]
async fn a_quiet_connection_that_answers_is_kept() {
    // Never at rest: whoever does not answer a ping in twenty seconds fails the test.
    let scene = Scene::begin(Settings { silence: Duration::from_millis(1), ..quick(1) }).await;
    scene.fake.until("pings", |fake| fake.pings() >= 20).await;
    assert_eq!(scene.fake.opened(), 1);
    scene.end().await;
}

#[tokio::test]
async fn turning_socket_mode_off_is_told_and_trying_goes_on() {
    let mut scene = Scene::begin(quick(1)).await;
    scene.fake.greet_with(Some(json!({"type": "disconnect", "reason": "link_disabled"})));
    let connection = scene.fake.connections()[0];
    scene.fake.disconnect(connection, "link_disabled");
    scene.status("off", |it| says(it, "turned off") && it.connected == 0).await;
    scene.fake.greet_with(None);
    scene.status("on again", |it| it.connected == 1 && it.error.is_none()).await;
    let id = scene.fake.deliver("events_api", json!({}));
    scene.acknowledged(&id).await;
    scene.end().await;
}

#[tokio::test]
async fn the_status_says_since_when_nobody_or_somebody_hears() {
    let mut scene = Scene::prepare(quick(2)).await;
    let before = scene.since();
    scene.start();
    scene.status("both", |it| it.connected == 2 && it.since > before).await;
    let since = scene.since();
    let oldest = scene.fake.connections()[0];
    scene.fake.break_off(oldest);
    scene.fake.until("another", |fake| fake.opened() == 3).await;
    scene.status("both again", |it| it.connected == 2 && it.since == since).await;
    scene.stop();
    scene.status("none", |it| it.connected == 0 && it.since > since).await;
    scene.end().await;
}
