//! PostgreSQL cuts every connection, as when it is restarted: nothing accepted is lost, and
//! whoever comes afterwards notices nothing.

use std::collections::HashMap;
use std::time::Duration;

use acceptance::db::TestDb;
use acceptance::process::{Service, Taken};
use firstline::store::{Live, LiveKind};
use futures::future::join_all;

use crate::crash::{Site, TEXTS};

/// What takes longer does not happen any more.
const NEVER: Duration = Duration::from_secs(60);

/// Waits for a line of the log that holds `words`.
async fn logged(service: &mut Service, words: &str) {
    let line = async {
        while let Some(line) = service.log.recv().await {
            if line.contains(words) {
                return;
            }
        }
        panic!("the log ended without: {words}");
    };
    tokio::time::timeout(NEVER, line).await.expect(words);
}

#[tokio::test(flavor = "multi_thread")]
async fn cut_in_the_middle_of_work_nothing_is_lost() {
    let site = Site::new(TestDb::postgres().await).await;
    let mut service = site.start(&[]).await.unwrap();
    let mut far = site.browser().await;
    far.served_at(&service.url);
    let mut accepted: HashMap<String, Taken> = HashMap::new();
    for round in 0..6 {
        let mut waiting: Vec<(String, &str)> =
            (0..8).map(|n| (format!("c{round}-{n}"), TEXTS[(round + n) % TEXTS.len()])).collect();
        // Half of the rounds are cut while messages come in, the others while they are read.
        let first = join_all(waiting.iter().map(|(key, text)| far.say(key, text)));
        let mut taken = if round % 2 == 0 {
            futures::join!(first, site.database.cut()).0
        } else {
            let taken = first.await;
            site.database.cut().await;
            taken
        };
        // Whoever was not told that it is accepted sends it again, as the page offers.
        while !waiting.is_empty() {
            let mut left = Vec::new();
            for (message, taken) in waiting.into_iter().zip(taken) {
                match taken {
                    Some(taken) => {
                        far.open(&taken.conversation);
                        accepted.insert(message.0, taken);
                    }
                    None => left.push(message),
                }
            }
            taken = join_all(left.iter().map(|(key, text)| far.say(key, text))).await;
            waiting = left;
        }
        logged(&mut service, "listening on the database again").await;
    }
    let filed = site.check(&service, &mut far, &accepted).await;
    site.check_tickets(&far.record(), &filed).await;
    service.kill().await;
    site.database.discard().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cut_while_idle_nobody_notices() {
    let site = Site::new(TestDb::postgres().await).await;
    let mut service = site.start(&[]).await.unwrap();
    for round in 0..3 {
        let key = |n: usize| format!("i{round}-{n}");
        let taken = join_all((0..12).map(async |n| service.post(&key(n), TEXTS[1]).await)).await;
        let ids: Vec<String> = taken.into_iter().map(|taken| taken.unwrap().request).collect();
        join_all(ids.iter().map(|id| service.settled(id))).await;

        // Each connection of the pool was in use a moment ago, so none counts as rested.
        let paths: Vec<String> = ids.iter().map(|id| format!("/api/v1/requests/{id}")).collect();
        join_all(paths.iter().map(|path| service.get(path))).await;
        site.database.cut().await;
        logged(&mut service, "listening on the database was interrupted").await;
        for request in join_all(paths.iter().map(|path| service.get(path))).await {
            assert_eq!(request["state"], "settled", "{request}");
        }
        let after = service.post(&key(99), TEXTS[1]).await.expect("accepted after the cut");
        assert_eq!(service.settled(&after.request).await["state"], "settled");
        logged(&mut service, "listening on the database again").await;
    }
    service.kill().await;
    site.database.discard().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_hear_of_each_other_again_after_a_cut() {
    let database = TestDb::postgres().await;
    let (here, there) = (database.store().await, database.store().await);
    let mut live = here.live();
    for round in 0..3 {
        let event = Live { conversation_id: format!("c{round}"), kind: LiveKind::Typing };
        // Said again until it is heard: who was not listening yet hears nothing of it.
        let heard = async {
            loop {
                there.publish_live(&event);
                let soon = tokio::time::timeout(Duration::from_millis(100), live.recv());
                match soon.await {
                    Ok(heard) if heard.as_ref() == Ok(&event) => return,
                    _ => {}
                }
            }
        };
        tokio::time::timeout(NEVER, heard).await.expect("the other process is heard");
        database.cut().await;
    }
    here.close().await;
    there.close().await;
    database.discard().await;
}
