//! The loop that runs durable jobs: lease, run, settle. A job is held by a lease that is
//! renewed while it runs; what a crashed worker held is taken up again when the lease
//! ends. [`step`] is one turn of the loop; tests call it directly.

use std::sync::Arc;

use anyhow::Context;
use firstline_core::retry::{self, Failure, Verdict};
use thiserror::Error;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tracing::Instrument;

use crate::app::App;
use crate::flows;
use crate::flows::react::Said;
use crate::job::Job;
use crate::store::records::{Holder, LeasedJob, Renewed};
use crate::telemetry::{metric, request_span};

/// How a job went wrong; the decision travels with the error.
#[derive(Debug, Error)]
pub enum JobError {
    /// Worth another try, with backoff.
    #[error("{0:#}")]
    Retry(#[from] anyhow::Error),
    /// Nothing was done, and nothing is to be for this many milliseconds. No try was used up.
    #[error("{reason:#}")]
    HeldBack { reason: anyhow::Error, after_ms: i64 },
    /// No try will help: a dead letter at once.
    #[error("{0:#}")]
    Fail(anyhow::Error),
    /// Another worker holds the job now; nothing was written.
    #[error("the lease was lost to another worker")]
    LeaseLost,
}

impl From<crate::store::StoreError> for JobError {
    fn from(error: crate::store::StoreError) -> Self {
        JobError::Retry(error.into())
    }
}

/// Runs until `shutdown` turns true, then lets running jobs finish.
pub async fn run(app: Arc<App>, mut shutdown: watch::Receiver<bool>) {
    let all = app.config.server.workers.max(1);
    let slots = app.slots.clone();
    slots.add_permits(all);
    let mut lookout = Lookout::default();
    loop {
        if *shutdown.borrow() {
            break;
        }
        // Wait for a free slot first: a leased job must start at once.
        let Ok(slot) = slots.clone().acquire_owned().await else { break };
        let mut free = slots.available_permits() + 1;
        if app.spool.in_a_rush() {
            // One thing at a time, so that what comes in is kept in time.
            if free < all {
                drop(slot);
                app.clock.sleep_until(app.clock.now() + RUSH_MS).await;
                continue;
            }
            free = 1;
        }
        let leased = match lookout.lease(&app, free as i64).await {
            Ok(leased) => leased,
            Err(error) => {
                tracing::error!(error = %error, "jobs cannot be leased; trying again");
                drop(slot);
                let now = app.clock.now();
                wait(&app, &mut shutdown, now + LOOK_MS).await;
                continue;
            }
        };
        let count = leased.len();
        let mut slot = Some(slot);
        for job in leased {
            let permit = match slot.take() {
                Some(permit) => permit,
                None => match slots.clone().acquire_owned().await {
                    Ok(permit) => permit,
                    Err(_) => return,
                },
            };
            Slot { app: app.clone(), permit }.run(job);
        }
        drop(slot);
        if count < free {
            let until = lookout.next(&app, count).await;
            wait(&app, &mut shutdown, until).await;
        }
    }
    // All slots free again means every running job has settled; no other may begin.
    if let Ok(slots) = slots.acquire_many(all as u32).await {
        slots.forget();
    }
}

/// Room to run one job at once.
pub struct Slot {
    app: Arc<App>,
    permit: OwnedSemaphorePermit,
}

/// A slot that is free just now: what is accepted then starts without passing through the
/// queue, which costs a trip to the database more.
pub fn free_slot(app: &App) -> Option<Slot> {
    if app.spool.in_a_rush() {
        return None;
    }
    let permit = app.slots.clone().try_acquire_owned().ok()?;
    Some(Slot { app: app.shared()?, permit })
}

impl Slot {
    /// By whom a job is held that runs here from `now` on.
    pub fn holder(&self, now: i64) -> Holder {
        Holder { worker: self.app.worker_name.clone(), lease_until: now + self.app.lease_ms() }
    }

    pub fn run(self, job: LeasedJob) {
        tokio::spawn(async move {
            run_one(&self.app, job).await;
            drop(self.permit);
        });
    }
}

/// In a rush, how soon the next job is looked for while one runs.
const RUSH_MS: i64 = 5;

/// How often ended leases are looked for, and jobs that nobody told of.
const LOOK_MS: i64 = 1_000;

/// What need not be asked each time: whether a lease has ended, when the next job is due.
#[derive(Default)]
struct Lookout {
    /// When ended leases are looked for again, in epoch milliseconds.
    ended_at: i64,
    /// When the next job is due, as far as known.
    due: i64,
}

impl Lookout {
    async fn lease(&mut self, app: &App, n: i64) -> crate::store::Result<Vec<LeasedJob>> {
        let (worker, now) = (&app.worker_name, app.clock.now());
        if now < self.ended_at {
            return app.store.lease_ready(worker, n, app.lease_ms(), now).await;
        }
        let leased = app.store.lease(worker, n, app.lease_ms(), now).await?;
        self.ended_at = now + LOOK_MS;
        Ok(leased)
    }

    /// Until when to wait after `leased` jobs, fewer than there was room for. Every new job
    /// and every retry wakes, so that the store is asked only when it had none.
    async fn next(&mut self, app: &App, leased: usize) -> i64 {
        let now = app.clock.now();
        if leased == 0 {
            let due = app.store.next_due(now).await.ok().flatten();
            if due.is_some_and(|due| due <= now) {
                // It could not be leased as ready: its lease has ended.
                self.ended_at = now;
            }
            self.due = due.unwrap_or(i64::MAX).clamp(now + 1, now + LOOK_MS);
        }
        self.due
    }
}

/// Until `at`, or until a job may be due: woken by an enqueue here or on another replica.
async fn wait(app: &App, shutdown: &mut watch::Receiver<bool>, at: i64) {
    tokio::select! {
        () = app.store.job_added() => {}
        () = app.clock.sleep_until(at) => {}
        _ = shutdown.changed() => {}
    }
}

/// Leases and runs what is due now, one after the other; how many there were. The same
/// code as [`run`] without its waiting, so a test can follow each step.
pub async fn step(app: &App) -> anyhow::Result<usize> {
    let leased = app.store.lease(&app.worker_name, 16, app.lease_ms(), app.clock.now()).await?;
    let count = leased.len();
    for job in leased {
        run_one(app, job).await;
    }
    Ok(count)
}

/// Runs a job, and delivers at once what it says.
async fn run_one(app: &App, job: LeasedJob) {
    crate::crash::point("leased");
    // Boxed: what a reaction holds while it waits is large, and is moved about otherwise.
    if let Some(said) = held(app, &job, Box::pin(dispatch(app, &job))).await.flatten() {
        let delivery = flows::deliver::deliver(app, &said.job, &said.conversation, &said.message);
        held(app, &said.job, Box::pin(delivery)).await;
    }
}

/// Does the work of `job` while its lease holds, and records how it failed if it does.
async fn held<T>(
    app: &App,
    job: &LeasedJob,
    work: impl Future<Output = Result<T, JobError>>,
) -> Option<T> {
    let span = tracing::info_span!("job", job.id = %job.id, job.kind = %job.kind, job.attempt = job.attempt);
    async {
        let outcome = tokio::select! {
            outcome = work => outcome,
            () = renew_until_lost(app, job) => Err(JobError::LeaseLost),
        };
        match outcome {
            Ok(done) => Some(done),
            Err(error) => {
                settle_failure(app, job, error).await;
                None
            }
        }
    }
    .instrument(span)
    .await
}

/// Keeps the lease; returns when another worker has it.
async fn renew_until_lost(app: &App, job: &LeasedJob) {
    loop {
        let now = app.clock.now();
        app.clock.sleep_until(now + app.lease_ms() / 3).await;
        let now = app.clock.now();
        match app.store.renew(job, now + app.lease_ms(), now).await {
            Ok(Renewed::Held) => {}
            // The work itself has just ended the job, and goes on with what comes after.
            Ok(Renewed::Ended) => std::future::pending().await,
            Ok(Renewed::Lost) => return,
            // The store may be back before the lease ends.
            Err(error) => tracing::warn!(error = %error, "a lease could not be renewed"),
        }
    }
}

async fn dispatch(app: &App, leased: &LeasedJob) -> Result<Option<Said>, JobError> {
    let job: Job = serde_json::from_str(&leased.payload)
        .context("the job's payload was written by a version this one cannot read")
        .map_err(JobError::Fail)?;
    match job {
        Job::Heard { platform, payload, .. } => {
            let app = app.shared().ok_or(JobError::LeaseLost)?;
            app.chat.clone().hear(app.clone(), platform, &payload).await?;
            crate::crash::point("heard");
            if app.store.complete(leased).await? { Ok(None) } else { Err(JobError::LeaseLost) }
        }
        Job::Event { conversation_id, request_id, event } => {
            flows::react::react(app, leased, &conversation_id, &request_id, &event)
                .instrument(request_span(&request_id))
                .await
        }
        Job::Deliver { conversation_id, message_id } => {
            flows::deliver::deliver_kept(app, leased, &conversation_id, &message_id).await?;
            Ok(None)
        }
    }
}

async fn settle_failure(app: &App, job: &LeasedJob, error: JobError) {
    let now = app.clock.now();
    let text = format!("{error:#}");
    let failure = match error {
        JobError::LeaseLost => {
            tracing::warn!("the lease was lost; another worker has the job");
            return;
        }
        JobError::Fail(_) => Failure::Lasting,
        JobError::Retry(_) => Failure::Passing,
        JobError::HeldBack { after_ms, .. } => {
            tracing::debug!(reason = %text, after_ms, "a job is held back");
            if let Err(error) = app.store.hold_back(job, now + after_ms.max(1), &text).await {
                tracing::error!(%error, "a job could not be held back");
            }
            return;
        }
    };
    let schedule = retry::Schedule {
        attempts: u32::try_from(job.max_attempts).unwrap_or(u32::MAX),
        ..retry::Schedule::default()
    };
    let attempt = u32::try_from(job.attempt).unwrap_or(u32::MAX);
    let written = match retry::judge(&schedule, attempt, failure, rand::random()) {
        Verdict::Retry { after_ms } => {
            tracing::warn!(error = %text, after_ms, "a job failed and will be tried again");
            app.store.retry(job, now + after_ms as i64, &text).await
        }
        Verdict::Dead => {
            tracing::error!(error = %text, "a job failed for good; see `firstline jobs dead`");
            metrics::counter!(metric::JOBS_DEAD, "kind" => job.kind.clone()).increment(1);
            flows::react::tell_failure(app, job).await;
            app.store.kill(job, &text).await
        }
    };
    if let Err(error) = written {
        // The lease will end and the job be taken up again.
        tracing::error!(error = %error, "the failure of a job could not be recorded");
    }
}
