//! The store: one type over SQLite and PostgreSQL. A method is one use case in one
//! transaction; `db` holds the pools and the macros that write each use case once for
//! both, every other file one area of the schema.

use std::path::PathBuf;
use std::sync::Arc;

use firstline_core::chat::ConversationKey;
use sha2::{Digest, Sha256};
use sqlx::migrate::Migrator;

#[macro_use]
mod db;

mod accounts;
mod attachments;
mod backup;
mod clock;
mod corrections;
mod drafts;
mod encode;
mod error;
mod flush;
mod followers;
mod inbox;
mod incidents;
mod insight;
mod jobs;
mod knowledge;
mod leases;
mod messages;
mod pauses;
mod people;
mod places;
mod privacy;
pub mod records;
mod sessions;
mod settle;
mod situation;
mod ticket_list;
mod ticket_patch;
mod ticket_rows;
mod tickets;
mod unsaid;
mod usage;
mod wakeups;

pub use error::{Result, StoreError};
pub use inbox::{Accepted, Event};
pub use incidents::Lines;
pub use knowledge::{document_id, may_read};
pub use people::{EVERYONE, PUBLIC};
pub use privacy::Erased;
pub use settle::Settled;
pub use tickets::may_see;
pub use unsaid::may_decide;
pub use wakeups::{Live, LiveKind, Wakeups};

use db::{Pools, SQLITE_WRITE, Tx, TxInner};
use wakeups::Hub;

static SQLITE: Migrator = sqlx::migrate!("../migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("../migrations/postgres");

/// A new row id: a UUID of version 7, so ids of one process sort by the time they were made.
pub fn new_id() -> String {
    uuid::Uuid::now_v7().to_string()
}

/// The id of a conversation, the same wherever it is computed.
pub fn conversation_id(key: &ConversationKey) -> String {
    let mut hash = Sha256::new();
    for part in [key.platform.as_str(), &key.tenant, &key.channel, &key.thread] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.finalize()[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid().to_string()
}

/// Cheap to clone.
#[derive(Clone)]
pub struct Store {
    pools: Pools,
    hub: Arc<Hub>,
    /// Ends the talk with other processes with the last clone.
    others: Option<Arc<wakeups::Others>>,
}

impl Store {
    /// Opens `sqlite:PATH` (made if it is missing) or `postgres://...`. Does not migrate.
    pub async fn connect(url: &str) -> Result<Store> {
        if let Some(path) = sqlite_path(url) {
            let (pools, hub) = (db::connect_sqlite(&path).await?, Arc::new(Hub::alone()));
            return Ok(Store { pools, hub, others: None });
        }
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            return Err(StoreError::Other(
                "The database URL must start with sqlite: or postgres://. Correct database.url."
                    .into(),
            ));
        }
        let (pool, cut) = db::connect_postgres(url).await?;
        let (others, hub) = wakeups::Others::start(&pool, cut);
        Ok(Store { pools: Pools::Pg(pool), hub, others: Some(Arc::new(others)) })
    }

    /// Applies every migration that is missing.
    pub async fn migrate(&self) -> Result<()> {
        match &self.pools {
            Pools::Sqlite { w, log, .. } => {
                SQLITE.run(w).await?;
                log.flushed().await?;
            }
            Pools::Pg(pool) => POSTGRES.run(pool).await?,
        }
        Ok(())
    }

    /// Versions of the migrations this binary has and the database has not.
    pub async fn migrations_pending(&self) -> Result<Vec<i64>> {
        let known = match &self.pools {
            Pools::Sqlite { .. } => &SQLITE,
            Pools::Pg(_) => &POSTGRES,
        };
        let exists: i64 = match &self.pools {
            Pools::Sqlite { r, .. } => {
                sqlx::query_scalar(
                    "SELECT count(*) FROM sqlite_master WHERE name = '_sqlx_migrations'",
                )
                .fetch_one(r)
                .await?
            }
            Pools::Pg(pool) => {
                sqlx::query_scalar(
                    "SELECT count(*) FROM information_schema.tables
                     WHERE table_schema = current_schema() AND table_name = '_sqlx_migrations'",
                )
                .fetch_one(pool)
                .await?
            }
        };
        let applied: Vec<i64> = if exists == 0 {
            Vec::new()
        } else {
            read!(self, |c| sqlx::query_scalar(
                "SELECT version FROM _sqlx_migrations WHERE success"
            )
            .fetch_all(c)
            .await?)
        };
        Ok(known.iter().map(|m| m.version).filter(|v| !applied.contains(v)).collect())
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<()> {
        let _: i64 =
            read!(self, |c| sqlx::query_scalar("SELECT CAST(1 AS BIGINT)").fetch_one(c).await?);
        Ok(())
    }

    pub fn is_sqlite(&self) -> bool {
        matches!(self.pools, Pools::Sqlite { .. })
    }

    /// Closes every connection. Clones can do nothing afterwards.
    pub async fn close(&self) {
        if let Some(others) = &self.others {
            others.stop(&self.hub).await;
        }
        match &self.pools {
            Pools::Sqlite { w, r, .. } => {
                r.close().await;
                w.close().await;
            }
            Pools::Pg(pool) => pool.close().await,
        }
    }

    /// A named fact about this installation.
    pub async fn meta(&self, name: &str) -> Result<Option<String>> {
        Ok(read!(self, |c| sqlx::query_scalar("SELECT value FROM meta WHERE name = $1")
            .bind(name)
            .fetch_optional(c)
            .await?))
    }

    pub async fn set_meta(&self, name: &str, value: &str) -> Result<()> {
        let mut tx = self.begin().await?;
        exec!(
            tx,
            sqlx::query(
                "INSERT INTO meta (name, value) VALUES ($1, $2)
             ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            )
            .bind(name)
            .bind(value)
        );
        tx.commit().await
    }

    /// A writing transaction that lasts once it is committed.
    async fn begin(&self) -> Result<Tx> {
        self.begin_with(SQLITE_WRITE, "BEGIN").await
    }

    /// The same for the work behind the scenes. Of these only one at a time stands in the
    /// queue for SQLite's writing connection, so that whoever waits for an acknowledgement
    /// waits for one of them at most.
    async fn begin_behind(&self) -> Result<Tx> {
        self.behind("BEGIN").await
    }

    /// The same, and a power cut may undo it: for what may as well be done again.
    async fn begin_soft(&self) -> Result<Tx> {
        let mut tx = self.behind(db::PG_SOFT).await?;
        tx.need_not_last();
        Ok(tx)
    }

    /// The same for taking jobs, one process at a time.
    async fn begin_lease(&self) -> Result<Tx> {
        let mut tx = self.behind(db::PG_LEASE).await?;
        tx.need_not_last();
        Ok(tx)
    }

    async fn behind(&self, pg: &'static str) -> Result<Tx> {
        let turn = match &self.pools {
            Pools::Sqlite { turn, .. } => Some(turn.clone().lock_owned().await),
            Pools::Pg(_) => None,
        };
        let mut tx = self.begin_with(SQLITE_WRITE, pg).await?;
        tx.took_turn(turn);
        Ok(tx)
    }

    /// A writing transaction begun with the driver's own words.
    async fn begin_with(&self, sqlite: &'static str, pg: &'static str) -> Result<Tx> {
        Ok(match &self.pools {
            Pools::Sqlite { w, log, .. } => {
                log.check()?;
                let inner = TxInner::Sqlite(w.begin_with(sqlite).await?);
                Tx::new(inner, self.hub.clone(), Some(log.clone()))
            }
            Pools::Pg(pool) => {
                Tx::new(TxInner::Pg(pool.begin_with(pg).await?), self.hub.clone(), None)
            }
        })
    }
}

/// The file behind `sqlite:PATH` or `sqlite://PATH`.
fn sqlite_path(url: &str) -> Option<PathBuf> {
    let rest = url.strip_prefix("sqlite:")?;
    Some(PathBuf::from(rest.strip_prefix("//").unwrap_or(rest)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use firstline_core::chat::Platform;

    #[test]
    fn conversation_ids_tell_neighbouring_keys_apart() {
        let key = |channel: &str, thread: &str| ConversationKey {
            platform: Platform::Web,
            tenant: "local".into(),
            channel: channel.into(),
            thread: thread.into(),
        };
        assert_eq!(conversation_id(&key("a", "b")), conversation_id(&key("a", "b")));
        assert_ne!(conversation_id(&key("a", "bc")), conversation_id(&key("ab", "c")));
    }

    #[test]
    fn ids_sort_by_time() {
        let ids: Vec<String> = (0..100).map(|_| new_id()).collect();
        assert!(ids.is_sorted());
    }
}
