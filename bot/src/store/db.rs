//! Pools, transactions and the macros that expand a body once per driver. The SQL is the
//! subset both speak: `$1` placeholders, `RETURNING`, `ON CONFLICT`.

use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Connection as _, Postgres, Sqlite, Transaction};
use tokio::sync::{Mutex, OwnedMutexGuard, watch};

use super::Result;
use super::flush::WalFlush;
use super::wakeups::{Hub, Live};

/// Runs the body with the pool for reading.
macro_rules! read {
    ($store:expr, |$c:ident| $body:expr) => {
        match &$store.pools {
            $crate::store::db::Pools::Sqlite { r: $c, .. } => $body,
            $crate::store::db::Pools::Pg($c) => $body,
        }
    };
}

/// Runs the body with the connection of a transaction. A body of several statements
/// uses `&mut *c` for each.
macro_rules! on {
    ($tx:expr, |$c:ident| $body:expr) => {
        match &mut $tx.inner {
            $crate::store::db::TxInner::Sqlite(tx) => {
                let $c = &mut **tx;
                $body
            }
            $crate::store::db::TxInner::Pg(tx) => {
                let $c = &mut **tx;
                $body
            }
        }
    };
}

/// Executes a statement in a transaction; how many rows it touched.
macro_rules! exec {
    ($tx:expr, $query:expr) => {
        match &mut $tx.inner {
            $crate::store::db::TxInner::Sqlite(tx) => {
                $query.execute(&mut **tx).await?.rows_affected()
            }
            $crate::store::db::TxInner::Pg(tx) => $query.execute(&mut **tx).await?.rows_affected(),
        }
    };
}

/// Several writes told to the database in one go, in the words of each.
pub(super) struct Together {
    pub(super) sqlite: &'static str,
    pub(super) pg: &'static str,
}

/// Puts statements together so that they cost one trip to the database: SQLite gets them
/// one after the other, PostgreSQL as one statement whose parts bear the name of their
/// table. So `FROM table` in a later part sees, on both, the rows a former part of that
/// table's name returned with the named columns; on SQLite all others too, wherefore such a part
/// names the rows it means. Parts must not touch the same row twice. All share their
/// placeholders; the last alone returns rows.
macro_rules! together {
    ($table:ident ($columns:literal) $sql:literal
     $(, $others:ident ($other_columns:literal) $other_sql:literal)*; $last:literal) => {
        $crate::store::db::Together {
            sqlite: concat!($sql, "; ", $($other_sql, "; ",)* $last),
            pg: concat!(
                "WITH ", stringify!($table), " AS (", $sql, " RETURNING ", $columns, ")",
                $(", ", stringify!($others), " AS (", $other_sql,
                  " RETURNING ", $other_columns, ")",)*
                " ", $last
            ),
        }
    };
}

/// SQLite: one connection writes, several read.
#[derive(Clone)]
pub(super) enum Pools {
    Sqlite { w: SqlitePool, r: SqlitePool, log: Arc<WalFlush>, turn: Arc<Mutex<()>> },
    Pg(PgPool),
}

pub(super) const SQLITE_WRITE: &str = "BEGIN IMMEDIATE";
pub(super) const PG_SOFT: &str = "BEGIN; SET LOCAL synchronous_commit TO off";
/// Two leasers at once could each miss what the other takes of a lane. The few jobs wanted are
/// to be read off the index of due ones in its order: the table is empty most of the time, so
/// the planner would rather sort all that wait, which takes longest when most do.
pub(super) const PG_LEASE: &str = "BEGIN; SET LOCAL synchronous_commit TO off;
    SET LOCAL enable_sort TO off; SET LOCAL enable_bitmapscan TO off;
    SET LOCAL enable_seqscan TO off; SET LOCAL enable_hashjoin TO off;
    SET LOCAL enable_mergejoin TO off;
    SELECT pg_advisory_xact_lock(hashtext('firstline lease'))";

pub(super) async fn connect_sqlite(path: &Path) -> Result<Pools> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // Whoever needs a commit to last waits for `WalFlush`.
        .synchronous(SqliteSynchronous::Normal)
        .busy_timeout(Duration::from_secs(10))
        .foreign_keys(true)
        .statement_cache_capacity(256)
        .pragma("temp_store", "memory")
        .pragma("cache_size", "-32000");
    let w = SqlitePoolOptions::new()
        .max_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .connect_with(options.clone())
        .await?;
    let r = SqlitePoolOptions::new()
        .max_connections(4)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .connect_with(options.read_only(true))
        .await?;
    let log = WalFlush::start(path)?;
    Ok(Pools::Sqlite { w, r, log, turn: Arc::default() })
}

/// A PostgreSQL connection unused for longer is tried before use.
const RESTED: Duration = Duration::from_millis(500);

/// As many as the workers use at once by default, and as many again, so that an
/// acknowledgement never waits for one of theirs.
const PG_CONNECTIONS: u32 = 16;

/// When the server was last seen to cut a connection: a restart cuts all of them, and the
/// listener, which always waits on its own, is the first to notice.
#[derive(Clone)]
pub(super) struct Cut(Arc<watch::Sender<Option<Instant>>>);

impl Cut {
    pub(super) fn seen(&self) {
        self.0.send_replace(Some(Instant::now()));
    }

    /// Whether a connection that was last used this long ago may be among those cut.
    fn may_concern(&self, idle_for: Duration) -> bool {
        // Not all of them are cut at the very same moment.
        self.0.borrow().is_some_and(|at| at.elapsed() <= idle_for + RESTED)
    }
}

pub(super) async fn connect_postgres(url: &str) -> Result<(PgPool, Cut)> {
    let options = PgConnectOptions::from_str(url)?.statement_cache_capacity(256);
    let cut = Cut(Arc::default());
    let known = cut.clone();
    let pool = PgPoolOptions::new()
        .max_connections(PG_CONNECTIONS)
        .acquire_timeout(Duration::from_secs(5))
        .test_before_acquire(false)
        // A busy connection is not asked each time whether it lives; one that rested, or was
        // there when others were cut, is, and if it is dead it is replaced unseen.
        .before_acquire(move |connection, meta| {
            let doubtful = meta.idle_for >= RESTED || known.may_concern(meta.idle_for);
            Box::pin(async move {
                if doubtful {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .connect_with(options)
        .await?;
    Ok((pool, cut))
}

pub(super) enum TxInner {
    Sqlite(Transaction<'static, Sqlite>),
    Pg(Transaction<'static, Postgres>),
}

/// A writing transaction with what is to be told once it is committed.
pub(super) struct Tx {
    pub(super) inner: TxInner,
    hub: Arc<Hub>,
    /// What must reach the disk before this is over; PostgreSQL sees to it itself.
    log: Option<Arc<WalFlush>>,
    /// Held while this one stands in the queue for the writing connection.
    turn: Option<OwnedMutexGuard<()>>,
    wake: bool,
    live: Vec<Live>,
}

impl Tx {
    pub(super) fn new(inner: TxInner, hub: Arc<Hub>, log: Option<Arc<WalFlush>>) -> Tx {
        Tx { inner, hub, log, turn: None, wake: false, live: Vec::new() }
    }

    /// The commit need not wait for the disk.
    pub(super) fn need_not_last(&mut self) {
        self.log = None;
    }

    /// Keeps a turn until the connection is free again.
    pub(super) fn took_turn(&mut self, turn: Option<OwnedMutexGuard<()>>) {
        self.turn = turn;
    }

    /// Workers are woken after the commit.
    pub(super) fn wake(&mut self) {
        self.wake = true;
    }

    /// Watchers of a conversation are told after the commit.
    pub(super) fn tell(&mut self, live: Live) {
        if self.live.last() != Some(&live) {
            self.live.push(live);
        }
    }

    pub(super) fn is_pg(&self) -> bool {
        matches!(self.inner, TxInner::Pg(_))
    }

    /// The words for this driver.
    pub(super) fn words(&self, of: &Together) -> &'static str {
        if self.is_pg() { of.pg } else { of.sqlite }
    }

    pub(super) async fn commit(self) -> Result<()> {
        match self.inner {
            TxInner::Sqlite(tx) => tx.commit().await?,
            TxInner::Pg(tx) => tx.commit().await?,
        }
        drop(self.turn);
        if let Some(log) = self.log {
            log.flushed().await?;
        }
        if self.wake {
            self.hub.wake();
        }
        for live in self.live {
            self.hub.tell(live);
        }
        Ok(())
    }

    /// Undoes everything at once, where dropping would do so a little later. What was
    /// read before lasts when this returns.
    pub(super) async fn rollback(self) -> Result<()> {
        match self.inner {
            TxInner::Sqlite(tx) => tx.rollback().await?,
            TxInner::Pg(tx) => tx.rollback().await?,
        }
        drop(self.turn);
        match self.log {
            Some(log) => log.flushed().await,
            None => Ok(()),
        }
    }

    /// The next value of a counter, which stays locked until the commit: whoever counts
    /// after us commits after us.
    pub(super) async fn next(&mut self, counter: &str, by: i64) -> Result<i64> {
        Ok(on!(self, |c| sqlx::query_scalar(
            "INSERT INTO counter (name, value) VALUES ($1, $2)
             ON CONFLICT (name) DO UPDATE SET value = counter.value + excluded.value
             RETURNING value",
        )
        .bind(counter)
        .bind(by)
        .fetch_one(c)
        .await?))
    }
}
