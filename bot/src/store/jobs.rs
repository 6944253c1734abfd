//! Durable jobs: leased to one worker at a time, one at a time per lane, fenced by
//! (id, worker, attempt). A job whose lease has ended is taken up again: that is the
//! whole recovery from a crash.

use sqlx::QueryBuilder;
use sqlx::postgres::PgPool;

use super::db::Pools;
use super::records::{JobCounts, JobRow, LeasedJob, MessageRow, NewJob};
use super::{Live, LiveKind, Result, Store, Tx};

#[derive(sqlx::FromRow)]
struct JobDb {
    id: String,
    kind: String,
    lane: String,
    state: String,
    run_at: i64,
    attempt: i64,
    max_attempts: i64,
    last_error: Option<String>,
    created_at: i64,
}

impl From<JobDb> for JobRow {
    fn from(row: JobDb) -> Self {
        JobRow {
            id: row.id,
            kind: row.kind,
            lane: row.lane,
            state: row.state,
            run_at: row.run_at,
            attempt: row.attempt,
            max_attempts: row.max_attempts,
            last_error: row.last_error,
            created_at: row.created_at,
        }
    }
}

/// Jobs added by one statement.
const AT_ONCE: usize = 64;

/// Ends a job held under ($1, $2, $3); whether another of its lane ($4) waits behind.
const FINISH: &str =
    "DELETE FROM job WHERE id = $1 AND lease_by = $2 AND attempt = $3 AND state = 'running'
     RETURNING EXISTS (SELECT 1 FROM job o WHERE o.lane = $4 AND o.id <> $1
         AND o.state = 'ready')";

/// The same, and message $5 has reached its platform.
const SENT: &str = "UPDATE message SET delivery = 'sent', sent_at = $6, sent_as = $7
     WHERE id = $5 AND delivery = 'pending' AND EXISTS (SELECT 1 FROM job
         WHERE id = $1 AND lease_by = $2 AND attempt = $3 AND state = 'running');
     DELETE FROM job WHERE id = $1 AND lease_by = $2 AND attempt = $3 AND state = 'running'
     RETURNING EXISTS (SELECT 1 FROM job o WHERE o.lane = $4 AND o.id <> $1
         AND o.state = 'ready')";
const SENT_PG: &str = "WITH held AS (DELETE FROM job
         WHERE id = $1 AND lease_by = $2 AND attempt = $3 AND state = 'running' RETURNING id),
     sent AS (UPDATE message SET delivery = 'sent', sent_at = $6, sent_as = $7
         WHERE id = $5 AND delivery = 'pending' AND EXISTS (SELECT 1 FROM held))
     SELECT EXISTS (SELECT 1 FROM job o WHERE o.lane = $4 AND o.id <> held.id
         AND o.state = 'ready') FROM held
     WHERE set_config('synchronous_commit', 'off', true) = 'off'";

/// One trip, and a commit of its own.
async fn enqueue_pg(jobs: &[NewJob], now: i64, pool: &PgPool) -> Result<()> {
    let texts = |of: fn(&NewJob) -> &str| jobs.iter().map(of).collect::<Vec<_>>();
    let numbers = |of: fn(&NewJob) -> i64| jobs.iter().map(of).collect::<Vec<_>>();
    sqlx::query(
        "INSERT INTO job (id, kind, lane, payload, priority, state, run_at, attempt, max_attempts,
             dedupe, created_at)
         SELECT id, kind, lane, payload, priority, 'ready', run_at, 0, max_attempts, dedupe, $8
         FROM UNNEST($1::TEXT[], $2::TEXT[], $3::TEXT[], $4::TEXT[], $5::BIGINT[], $6::BIGINT[],
             $7::BIGINT[], $9::TEXT[])
             AS new (id, kind, lane, payload, priority, run_at, max_attempts, dedupe)
         ON CONFLICT DO NOTHING",
    )
    .bind(texts(|job| &job.id))
    .bind(texts(|job| job.kind))
    .bind(texts(|job| &job.lane))
    .bind(texts(|job| &job.payload))
    .bind(numbers(|job| job.priority))
    .bind(numbers(|job| job.run_at))
    .bind(numbers(|job| job.max_attempts))
    .bind(now)
    .bind(jobs.iter().map(|job| job.dedupe.as_deref()).collect::<Vec<_>>())
    .execute(pool)
    .await?;
    Ok(())
}

async fn enqueue_some(jobs: &[NewJob], now: i64, tx: &mut Tx) -> Result<()> {
    on!(tx, |c| {
        let mut insert = QueryBuilder::new(
            "INSERT INTO job (id, kind, lane, payload, priority, state, run_at, attempt,
                 max_attempts, dedupe, created_at) ",
        );
        insert.push_values(jobs, |mut row, job| {
            row.push_bind(&job.id).push_bind(job.kind).push_bind(&job.lane);
            row.push_bind(&job.payload).push_bind(job.priority).push("'ready'");
            row.push_bind(job.run_at).push("0").push_bind(job.max_attempts);
            row.push_bind(&job.dedupe).push_bind(now);
        });
        insert.push(" ON CONFLICT DO NOTHING");
        insert.build().execute(c).await?;
    });
    Ok(())
}

impl Store {
    /// Adds a job and wakes a worker; `false` when a live job has its dedupe key.
    pub async fn enqueue(&self, job: NewJob, now: i64) -> Result<bool> {
        let mut tx = self.begin().await?;
        let added = tx.enqueue(&job, now).await?;
        tx.commit().await?;
        Ok(added)
    }

    /// Adds jobs in one go, and wakes a worker. Those whose dedupe key a live job has change
    /// nothing.
    pub async fn enqueue_all(&self, jobs: &[NewJob], now: i64) -> Result<()> {
        match &self.pools {
            Pools::Pg(pool) => enqueue_pg(jobs, now, pool).await?,
            Pools::Sqlite { .. } => {
                let mut tx = self.begin().await?;
                for some in jobs.chunks(AT_ONCE) {
                    enqueue_some(some, now, &mut tx).await?;
                }
                tx.commit().await?;
            }
        }
        self.hub.wake();
        Ok(())
    }

    /// Ends a job that is done; `false` when the lease was lost.
    pub async fn complete(&self, job: &LeasedJob) -> Result<bool> {
        let mut tx = self.begin_behind().await?;
        let done = tx.finish(job).await?;
        tx.commit().await?;
        Ok(done)
    }

    /// Puts a job back until `run_at`; `false` when the lease was lost.
    pub async fn retry(&self, job: &LeasedJob, run_at: i64, error: &str) -> Result<bool> {
        let mut tx = self.begin_behind().await?;
        let held = exec!(
            tx,
            sqlx::query(
                "UPDATE job SET state = 'ready', run_at = $4, last_error = $5, lease_by = NULL,
                 lease_until = NULL
             WHERE id = $1 AND lease_by = $2 AND attempt = $3 AND state = 'running'",
            )
            .bind(&job.id)
            .bind(&job.lease_by)
            .bind(job.attempt)
            .bind(run_at)
            .bind(error)
        );
        tx.wake();
        tx.commit().await?;
        Ok(held > 0)
    }

    /// Gives a job back unused, not to be run before `run_at`; `false` when the lease was lost.
    pub async fn hold_back(&self, job: &LeasedJob, run_at: i64, why: &str) -> Result<bool> {
        let mut tx = self.begin_behind().await?;
        let held = exec!(
            tx,
            sqlx::query(
                "UPDATE job SET state = 'ready', run_at = $4, last_error = $5, lease_by = NULL,
                 lease_until = NULL, attempt = attempt - 1
             WHERE id = $1 AND lease_by = $2 AND attempt = $3 AND state = 'running'",
            )
            .bind(&job.id)
            .bind(&job.lease_by)
            .bind(job.attempt)
            .bind(run_at)
            .bind(why)
        );
        tx.wake();
        tx.commit().await?;
        Ok(held > 0)
    }

    /// Makes a job a dead letter; `false` when the lease was lost.
    pub async fn kill(&self, job: &LeasedJob, error: &str) -> Result<bool> {
        let mut tx = self.begin_behind().await?;
        let held = exec!(tx, sqlx::query(
            "UPDATE job SET state = 'dead', last_error = $4, lease_by = NULL, lease_until = NULL,
                 dedupe = NULL
             WHERE id = $1 AND lease_by = $2 AND attempt = $3 AND state = 'running'",
        )
        .bind(&job.id)
        .bind(&job.lease_by)
        .bind(job.attempt)
        .bind(error));
        tx.wake();
        tx.commit().await?;
        Ok(held > 0)
    }

    /// Notes that the platform has a message, by the name it has there, and ends its job; `false`
    /// when the lease was lost.
    pub async fn mark_sent(
        &self,
        job: &LeasedJob,
        message: &MessageRow,
        sent_as: Option<&str>,
        now: i64,
    ) -> Result<bool> {
        macro_rules! sent {
            ($sql:expr, $on:expr) => {
                sqlx::query_scalar($sql)
                    .bind(&job.id)
                    .bind(&job.lease_by)
                    .bind(job.attempt)
                    .bind(&job.lane)
                    .bind(&message.id)
                    .bind(now)
                    .bind(sent_as)
                    .fetch_optional($on)
                    .await?
            };
        }
        let behind: Option<bool> = match &self.pools {
            Pools::Sqlite { .. } => {
                let mut tx = self.begin_soft().await?;
                let behind = on!(tx, |c| sent!(SENT, c));
                tx.commit().await?;
                behind
            }
            // One statement is a transaction of its own.
            Pools::Pg(pool) => sent!(SENT_PG, pool),
        };
        let Some(behind) = behind else { return Ok(false) };
        if behind {
            self.hub.wake();
        }
        self.hub.tell(Live {
            conversation_id: message.conversation_id.clone(),
            kind: LiveKind::Message { seq: message.seq },
        });
        Ok(true)
    }

    pub async fn job_counts(&self, now: i64) -> Result<JobCounts> {
        let states: Vec<(String, i64)> =
            read!(self, |c| sqlx::query_as("SELECT state, count(*) FROM job GROUP BY state")
                .fetch_all(c)
                .await?);
        let oldest: Option<i64> = read!(self, |c| sqlx::query_scalar(
            "SELECT min(run_at) FROM job WHERE state = 'ready' AND run_at <= $1"
        )
        .bind(now)
        .fetch_one(c)
        .await?);
        let of = |state: &str| states.iter().find(|(s, _)| s == state).map_or(0, |(_, n)| *n);
        Ok(JobCounts {
            ready: of("ready"),
            running: of("running"),
            dead: of("dead"),
            oldest_due_ms: oldest.map_or(0, |at| now - at),
        })
    }

    /// Jobs, oldest first; `state` is `ready`, `running` or `dead`.
    pub async fn jobs(&self, state: Option<&str>, limit: i64) -> Result<Vec<JobRow>> {
        let rows: Vec<JobDb> = read!(self, |c| {
            sqlx::query_as(
            "SELECT id, kind, lane, state, run_at, attempt, max_attempts, last_error, created_at
             FROM job WHERE CAST($1 AS TEXT) IS NULL OR state = $1 ORDER BY id LIMIT $2",
        )
        .bind(state)
        .bind(limit)
        .fetch_all(c)
        .await?
        });
        Ok(rows.into_iter().map(JobRow::from).collect())
    }

    /// Makes a dead letter, or all of them, due again with all its tries; how many.
    pub async fn retry_dead(&self, id: Option<&str>, now: i64) -> Result<u64> {
        let mut tx = self.begin().await?;
        let revived = exec!(
            tx,
            sqlx::query(
                "UPDATE job SET state = 'ready', attempt = 0, run_at = $2
             WHERE state = 'dead' AND (CAST($1 AS TEXT) IS NULL OR id = $1)",
            )
            .bind(id)
            .bind(now)
        );
        tx.wake();
        tx.commit().await?;
        Ok(revived)
    }

    /// Drops a dead letter; `false` when there is none of this id.
    pub async fn discard(&self, id: &str) -> Result<bool> {
        let mut tx = self.begin().await?;
        let dropped =
            exec!(tx, sqlx::query("DELETE FROM job WHERE id = $1 AND state = 'dead'").bind(id));
        tx.commit().await?;
        Ok(dropped > 0)
    }
}

impl Tx {
    /// Adds a job, to be told after the commit; `false` when a live one has its key.
    pub(super) async fn enqueue(&mut self, job: &NewJob, now: i64) -> Result<bool> {
        let added = exec!(
            self,
            sqlx::query(
                "INSERT INTO job (id, kind, lane, payload, priority, state, run_at, attempt,
                              max_attempts, dedupe, created_at)
             VALUES ($1, $2, $3, $4, $5, 'ready', $6, 0, $7, $8, $9) ON CONFLICT DO NOTHING",
            )
            .bind(&job.id)
            .bind(job.kind)
            .bind(&job.lane)
            .bind(&job.payload)
            .bind(job.priority)
            .bind(job.run_at)
            .bind(job.max_attempts)
            .bind(&job.dedupe)
            .bind(now)
        );
        self.wake();
        Ok(added > 0)
    }

    /// Deletes a job if its lease is still ours, which frees its lane.
    pub(super) async fn finish(&mut self, job: &LeasedJob) -> Result<bool> {
        let behind: Option<bool> = on!(self, |c| sqlx::query_scalar(FINISH)
            .bind(&job.id)
            .bind(&job.lease_by)
            .bind(job.attempt)
            .bind(&job.lane)
            .fetch_optional(c)
            .await?);
        if let Some(behind) = behind {
            self.lane_freed(behind);
        }
        Ok(behind.is_some())
    }

    /// A job of a lane has ended; somebody is woken if another waits behind it.
    pub(super) fn lane_freed(&mut self, behind: bool) {
        if behind {
            self.wake();
        }
    }
}
