//! Every migration applied step by step over rows that were there before.
#![allow(clippy::unwrap_used)]

use std::path::PathBuf;

use acceptance::db::{TestDb, on_both_dbs};
use firstline::store::Store;
use firstline::store::records::Draft;
use firstline_core::chat::Platform;
use sqlx::migrate::Migrator;
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};

/// Rows as a service of that version leaves them, to be carried on by the next.
const SAMPLES: &[(i64, &[&str])] = &[(
    1,
    &[
        "INSERT INTO person (email, name, active, created_at) VALUES ('ann@example.com', 'Ann', true, 1)",
        "INSERT INTO conversation (id, platform, tenant, channel, thread, setting, requester, title,
             handed_over, last_seq, created_at, updated_at)
         VALUES ('c1', 'web', 'local', 'ann@example.com', 't1', 'direct', 'ann@example.com', 'Hi',
             false, 1, 1, 1)",
        "INSERT INTO message (id, conversation_id, seq, author, email, name, body, delivery,
             delivery_key, created_at)
         VALUES ('m1', 'c1', 1, 'requester', 'ann@example.com', 'Ann', '{\"text\":\"hello\"}', 'sent', 'k', 1)",
        "INSERT INTO job (id, kind, lane, payload, priority, state, run_at, attempt, max_attempts,
             created_at)
         VALUES ('j1', 'event', 'l', '{}', 1, 'ready', 1, 0, 3, 1)",
        "INSERT INTO ticket (number, key, kind, impact, urgency, priority, status, requester, summary,
             text, fields, language, sentiment, confidence, confidential, version, created_at, updated_at)
         VALUES (1, 'FL-1', 'bug', 'one', 'normal', 'P4', 'new', 'ann@example.com', 's', 't', '{}',
             'en', 'neutral', 0.5, false, 1, 1, 1)",
        "INSERT INTO counter (name, value) VALUES ('ticket', 1)",
    ],
), (
    3,
    &[
        "INSERT INTO account (platform, tenant, account, email, linked_at)
         VALUES ('discord', '*', '7', 'ann@example.com', 1)",
        "INSERT INTO account_link (token_hash, platform, tenant, account, name, expires_at)
         VALUES ('h', 'discord', '*', '8', 'Bo', 99)",
        "INSERT INTO duty (name, holder, held_until) VALUES ('d', 'p1', 9)",
    ],
), (
    4,
    &[
        "INSERT INTO draft (message_id, conversation_id, sent_as, begun_at)
         VALUES ('m2', 'c1', '12.3', 1)",
    ],
), (
    5,
    &[
        "INSERT INTO unsaid (request_id, conversation_id, restraint, state)
         VALUES ('r1', 'c1', 'watch', 'open')",
        "INSERT INTO ticket_follower (ticket_key, email, conversation_id, followed_at)
         VALUES ('FL-1', 'ann@example.com', 'c1', 1)",
    ],
), (
    6,
    &[
        "UPDATE person SET time_zone = 'Europe/Lisbon' WHERE email = 'ann@example.com'",
        "UPDATE account SET name = 'Ann' WHERE account = '7'",
    ],
), (
    7,
    &[
        "INSERT INTO place (platform, tenant, channel, team, outsiders, noted_at)
         VALUES ('teams', 't1', '19:c', '19:t', false, 1)",
    ],
)];

fn folder(kind: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../migrations").join(kind)
}

async fn versions(kind: &str) -> Vec<(i64, String)> {
    let migrator = Migrator::new(folder(kind)).await.unwrap();
    migrator.iter().map(|m| (m.version, m.sql.as_str().to_owned())).collect()
}

#[tokio::test]
async fn both_folders_hold_the_same_versions() {
    let numbers = async |kind| versions(kind).await.into_iter().map(|v| v.0).collect::<Vec<_>>();
    assert_eq!(numbers("sqlite").await, numbers("postgres").await);
}

#[tokio::test]
async fn rows_of_every_version_survive_each_step() {
    on_both_dbs(async |db: &TestDb| {
        let store = Store::connect(&db.url).await.unwrap();
        let kind = if store.is_sqlite() { "sqlite" } else { "postgres" };
        let all = versions(kind).await;
        assert_eq!(
            store.migrations_pending().await.unwrap(),
            all.iter().map(|v| v.0).collect::<Vec<_>>()
        );
        store.close().await;

        // One folder per step, each holding one migration more.
        for last in 1..=all.len() {
            let step = db.path(&format!("step{last}"));
            std::fs::create_dir(&step).unwrap();
            for (version, sql) in &all[..last] {
                std::fs::write(step.join(format!("{version:04}_step.sql")), sql).unwrap();
            }
            let migrator = Migrator::new(step).await.unwrap();
            let version = all[last - 1].0;
            let rows =
                SAMPLES.iter().filter(|(v, _)| *v == version).flat_map(|(_, rows)| rows.iter());
            if kind == "sqlite" {
                let mut c = SqliteConnection::connect(&db.url).await.unwrap();
                migrator.run(&mut c).await.unwrap();
                for sql in rows {
                    sqlx::query(AssertSqlSafe(*sql)).execute(&mut c).await.unwrap();
                }
                c.close().await.unwrap();
            } else {
                let mut c = PgConnection::connect(&db.url).await.unwrap();
                migrator.run(&mut c).await.unwrap();
                for sql in rows {
                    sqlx::query(AssertSqlSafe(*sql)).execute(&mut c).await.unwrap();
                }
                c.close().await.unwrap();
            }
        }

        let store = db.store().await;
        assert!(store.migrations_pending().await.unwrap().is_empty());
        store.migrate().await.unwrap();
        assert_eq!(store.messages("c1", 0, 9).await.unwrap()[0].body.text, "hello");
        assert_eq!(store.ticket("FL-1").await.unwrap().unwrap().requester, "ann@example.com");
        assert_eq!(store.lease("w", 9, 10, 5).await.unwrap().len(), 1);
        assert!(store.viewer("ann@example.com").await.unwrap().is_some());
        assert_eq!(store.last_ticket_number().await.unwrap(), 1);
        let accounts = store.accounts_of("ann@example.com").await.unwrap();
        assert_eq!(accounts.len(), 1);
        assert_eq!(store.account_link("h", 9).await.unwrap().unwrap().name, "Bo");
        assert_eq!(store.draft("m2").await.unwrap(), Some(Draft::SentAs("12.3".into())));
        assert_eq!(store.followed_by("ann@example.com").await.unwrap(), ["FL-1"]);
        assert_eq!(store.suggestion("r1").await.unwrap(), None);
        assert!(store.take_duty("d", "p1", 1, 20).await.unwrap());
        assert_eq!(store.places(Platform::Teams, 9).await.unwrap()[0].channel, "19:c");
        store.close().await;
    })
    .await;
}
