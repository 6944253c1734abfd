//! Taking jobs: which are due, for how long they are held, and when the next will be.

use super::db::Pools;
use super::records::{LeasedJob, Renewed};
use super::{Result, Store, Tx};

/// A worker that dies takes several jobs with it, most of them blameless: a job may be
/// lost with its worker this many times more often than it may fail.
const PATIENCE: i64 = 8;

/// Why a job that took its worker down each time is dead.
const VANISHED: &str = "The worker vanished while it ran this job, as often as it may be tried.";

#[derive(sqlx::FromRow)]
struct LeasedDb {
    id: String,
    kind: String,
    lane: String,
    payload: String,
    attempt: i64,
    max_attempts: i64,
    created_at: i64,
    priority: i64,
    run_at: i64,
}

impl LeasedDb {
    fn record(self, worker: &str) -> LeasedJob {
        LeasedJob {
            id: self.id,
            kind: self.kind,
            lane: self.lane,
            payload: self.payload,
            attempt: self.attempt,
            max_attempts: self.max_attempts,
            created_at: self.created_at,
            lease_by: worker.to_owned(),
        }
    }
}

/// Nothing else of the lane may run, and nothing of it may be waiting before: no live job
/// with a smaller id, none under a lease that still holds. Dead jobs block nothing. What
/// runs under an ended lease blocks only those behind it.
macro_rules! lane_free {
    () => {
        "NOT EXISTS (SELECT 1 FROM job o WHERE o.lane = j.lane AND o.id <> j.id
             AND o.state IN ('ready', 'running')
             AND (o.id < j.id OR (o.state = 'running' AND o.lease_until > $3)))"
    };
}

/// Takes up to `$4` of the due jobs in `$from`'s words. `$lock` is the driver's.
macro_rules! lease_sql {
    ($due:literal, $lock:literal) => {
        concat!(
            "UPDATE job SET state = 'running', lease_until = $1, lease_by = $2,
                 attempt = attempt + 1
             WHERE id IN (SELECT j.id FROM job j WHERE ",
            $due,
            " AND ",
            lane_free!(),
            " ORDER BY j.priority, j.run_at, j.id LIMIT $4 ",
            $lock,
            ") RETURNING id, kind, lane, payload, attempt, max_attempts, created_at, priority,
                run_at"
        )
    };
}

const EXPIRED: &str = lease_sql!("j.state = 'running' AND j.lease_until <= $3", "");
const READY: &str = lease_sql!("j.state = 'ready' AND j.run_at <= $3", "");
const EXPIRED_PG: &str =
    lease_sql!("j.state = 'running' AND j.lease_until <= $3", "FOR UPDATE OF j SKIP LOCKED");
const READY_PG: &str =
    lease_sql!("j.state = 'ready' AND j.run_at <= $3", "FOR UPDATE OF j SKIP LOCKED");

fn in_order(mut rows: Vec<LeasedDb>, worker: &str) -> Vec<LeasedJob> {
    rows.sort_by(|a, b| (a.priority, a.run_at, &a.id).cmp(&(b.priority, b.run_at, &b.id)));
    rows.into_iter().map(|row| row.record(worker)).collect()
}

impl Store {
    /// Takes up to `n` due jobs for `lease_ms`, first priority first; those whose lease has
    /// ended too. Of a lane only its earliest live job is taken, and only while no other of
    /// the lane runs.
    pub async fn lease(
        &self,
        worker: &str,
        n: i64,
        lease_ms: i64,
        now: i64,
    ) -> Result<Vec<LeasedJob>> {
        let mut tx = self.begin_lease().await?;
        let expired: i64 = on!(tx, |c| sqlx::query_scalar(
            "SELECT count(*) FROM job WHERE state = 'running' AND lease_until <= $1"
        )
        .bind(now)
        .fetch_one(c)
        .await?);
        let mut rows = Vec::new();
        if expired > 0 {
            exec!(
                tx,
                sqlx::query(
                    "UPDATE job SET state = 'dead', last_error = $2, lease_by = NULL,
                     lease_until = NULL, dedupe = NULL
                 WHERE state = 'running' AND lease_until <= $1 AND attempt >= max_attempts * $3",
                )
                .bind(now)
                .bind(VANISHED)
                .bind(PATIENCE)
            );
            let sql = if tx.is_pg() { EXPIRED_PG } else { EXPIRED };
            rows = tx.take(sql, worker, n, lease_ms, now).await?;
        }
        let room = n - rows.len() as i64;
        if room > 0 {
            let sql = if tx.is_pg() { READY_PG } else { READY };
            rows.extend(tx.take(sql, worker, room, lease_ms, now).await?);
        }
        tx.commit().await?;
        Ok(in_order(rows, worker))
    }

    /// [`Store::lease`] without those whose lease has ended, which need looking for now and
    /// then only.
    pub async fn lease_ready(
        &self,
        worker: &str,
        n: i64,
        lease_ms: i64,
        now: i64,
    ) -> Result<Vec<LeasedJob>> {
        let rows = if let Pools::Sqlite { w, turn, .. } = &self.pools {
            // One statement is a transaction of its own, and need not last.
            let _turn = turn.lock().await;
            sqlx::query_as(READY)
                .bind(now + lease_ms)
                .bind(worker)
                .bind(now)
                .bind(n)
                .fetch_all(w)
                .await?
        } else {
            let mut tx = self.begin_lease().await?;
            let rows = tx.take(READY_PG, worker, n, lease_ms, now).await?;
            tx.commit().await?;
            rows
        };
        Ok(in_order(rows, worker))
    }

    /// Ends every lease at the start of the only process that works on a SQLite database: who
    /// held them is gone, and nobody need wait for their end. On PostgreSQL others may live,
    /// so nothing is changed. How many were ended.
    pub async fn end_leases(&self, now: i64) -> Result<u64> {
        if matches!(self.pools, Pools::Pg(_)) {
            return Ok(0);
        }
        let mut tx = self.begin_soft().await?;
        let ended = exec!(
            tx,
            sqlx::query(
                "UPDATE job SET lease_until = $1 WHERE state = 'running' AND lease_until > $1"
            )
            .bind(now)
        );
        tx.commit().await?;
        Ok(ended)
    }

    /// Keeps a job until `until`, if it is still held.
    pub async fn renew(&self, job: &LeasedJob, until: i64, _now: i64) -> Result<Renewed> {
        let mut tx = self.begin_soft().await?;
        let held = exec!(
            tx,
            sqlx::query(
                "UPDATE job SET lease_until = $4
             WHERE id = $1 AND lease_by = $2 AND attempt = $3 AND state = 'running'",
            )
            .bind(&job.id)
            .bind(&job.lease_by)
            .bind(job.attempt)
            .bind(until)
        );
        let there: bool = held > 0
            || on!(tx, |c| sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM job WHERE id = $1)")
                .bind(&job.id)
                .fetch_one(c)
                .await?);
        tx.commit().await?;
        Ok(match (held, there) {
            (0, false) => Renewed::Ended,
            (0, true) => Renewed::Lost,
            _ => Renewed::Held,
        })
    }

    /// When a job may next be leased: the earliest due time at the head of a lane, or the
    /// earliest end of a lease. At or before `now` when one is due.
    pub async fn next_due(&self, _now: i64) -> Result<Option<i64>> {
        Ok(read!(self, |c| sqlx::query_scalar(
            "SELECT min(CASE WHEN j.state = 'ready' THEN j.run_at ELSE j.lease_until END)
             FROM job j WHERE j.state IN ('ready', 'running')
               AND (j.state = 'running' OR NOT EXISTS (
                   SELECT 1 FROM job o WHERE o.lane = j.lane AND o.id <> j.id
                     AND (o.state = 'running' OR (o.state = 'ready' AND o.id < j.id))))",
        )
        .fetch_one(c)
        .await?))
    }
}

impl Tx {
    async fn take(
        &mut self,
        sql: &'static str,
        worker: &str,
        n: i64,
        lease_ms: i64,
        now: i64,
    ) -> Result<Vec<LeasedDb>> {
        Ok(on!(self, |c| sqlx::query_as(sql)
            .bind(now + lease_ms)
            .bind(worker)
            .bind(now)
            .bind(n)
            .fetch_all(c)
            .await?))
    }
}
