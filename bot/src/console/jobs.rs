//! `/jobs`, for admins: what waits, and dead letters to retry or discard.

use axum::extract::{Path, State};
use axum::response::{Html, Redirect};
use minijinja::context;
use serde::Serialize;

use super::Web;
use super::fault::Fault;
use super::forms::Asked;
use super::page::{self, Stamp, duration, stamp, val};
use super::session::SignedIn;
use crate::store::records::JobRow;

const SHOWN: i64 = 100;

#[derive(Debug, Serialize)]
struct JobView {
    id: String,
    kind: String,
    state: String,
    attempt: i64,
    error: Option<String>,
    at: Stamp,
}

impl JobView {
    fn of(row: JobRow, now: i64) -> Self {
        JobView {
            at: stamp(row.created_at, now),
            id: row.id,
            kind: row.kind,
            state: row.state,
            attempt: row.attempt,
            error: row.last_error,
        }
    }
}

/// To everyone else the page does not exist.
fn admins_only(signed: &SignedIn) -> Result<(), Fault> {
    if signed.viewer.is_admin() { Ok(()) } else { Err(Fault::not_found()) }
}

pub(super) async fn show(
    State(web): State<Web>,
    signed: SignedIn,
    Asked(asked): Asked,
) -> Result<Html<String>, Fault> {
    admins_only(&signed)?;
    let now = web.app.clock.now();
    let store = &web.app.store;
    let counts = store.job_counts(now).await?;
    let jobs = store.jobs(None, SHOWN * 2).await?;
    let dead = store.jobs(Some("dead"), SHOWN).await?;
    let live = jobs.into_iter().filter(|j| j.state != "dead");
    let values = context! {
        oldest => duration(counts.oldest_due_ms),
        counts => val(counts),
        dead => val(dead.into_iter().map(|j| JobView::of(j, now)).collect::<Vec<_>>()),
        live => val(live.map(|j| JobView::of(j, now)).collect::<Vec<_>>()),
        flash => match asked.get("said") {
            "retried" => Some("It will be tried again now."),
            "discarded" => Some("Discarded."),
            "gone" => Some("That job is no longer there."),
            _ => None,
        },
    };
    page::page(&web, &signed, "jobs.html", "jobs", values).await
}

pub(super) async fn retry_all(State(web): State<Web>, signed: SignedIn) -> Result<Redirect, Fault> {
    admins_only(&signed)?;
    web.app.store.retry_dead(None, web.app.clock.now()).await?;
    Ok(Redirect::to("/jobs?said=retried"))
}

pub(super) async fn retry(
    State(web): State<Web>,
    signed: SignedIn,
    Path(id): Path<String>,
) -> Result<Redirect, Fault> {
    admins_only(&signed)?;
    let retried = web.app.store.retry_dead(Some(&id), web.app.clock.now()).await?;
    let said = if retried > 0 { "retried" } else { "gone" };
    Ok(Redirect::to(&format!("/jobs?said={said}")))
}

pub(super) async fn discard(
    State(web): State<Web>,
    signed: SignedIn,
    Path(id): Path<String>,
) -> Result<Redirect, Fault> {
    admins_only(&signed)?;
    let said = if web.app.store.discard(&id).await? { "discarded" } else { "gone" };
    Ok(Redirect::to(&format!("/jobs?said={said}")))
}
