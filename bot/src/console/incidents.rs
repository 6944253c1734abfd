//! `/incidents`: what is open and what is over; declaring one.

use axum::extract::State;
use axum::response::{Html, Redirect};
use firstline_core::incident::decide::Declaration;
use firstline_core::incident::{Severity, Stamp as Moment};
use firstline_core::words::incidents as words;
use minijinja::context;
use serde::Serialize;

use super::Web;
use super::fault::Fault;
use super::forms::{Asked, Fields};
use super::page::{self, Stamp, stamp, val};
use super::session::SignedIn;
use crate::flows::incident::Refusal;
use crate::store::records::Incident;

/// Incidents on a page.
const PAGE: i64 = 500;

/// What each severity means.
pub(super) const SEVERITIES: [(Severity, &str); 4] = [
    (Severity::Sev1, "the business stands still, or data is lost or exposed"),
    (Severity::Sev2, "something many need is down or badly degraded"),
    (Severity::Sev3, "a part is down, and there is a way around it"),
    (Severity::Sev4, "hardly anybody notices"),
];

#[derive(Debug, Serialize)]
pub(super) struct SeverityView {
    pub(super) word: &'static str,
    pub(super) means: &'static str,
}

pub(super) fn severities() -> Vec<SeverityView> {
    SEVERITIES.iter().map(|(word, means)| SeverityView { word: word.as_str(), means }).collect()
}

/// An incident as the board shows it.
#[derive(Debug, Serialize)]
struct Row {
    key: String,
    title: String,
    severity: &'static str,
    status: &'static str,
    drill: bool,
    private: bool,
    commander: Option<String>,
    impact: String,
    begun: Stamp,
    tasks: usize,
}

fn row(incident: Incident, now: i64, name: &impl Fn(&str) -> String) -> Row {
    let Incident { key, state, created_at, .. } = incident;
    Row {
        key,
        commander: state.commander().map(name),
        tasks: state.open_tasks().count(),
        severity: state.severity.as_str(),
        status: state.status.as_str(),
        drill: state.drill,
        private: state.private,
        begun: stamp(created_at, now),
        title: state.title,
        impact: state.impact,
    }
}

/// What a person is told of a refusal.
pub(super) fn refused(refusal: Refusal) -> Fault {
    match refusal {
        Refusal::NotFound => Fault::not_found(),
        Refusal::Unavailable(error) => error.into(),
        told => Fault::invalid(told.to_string()),
    }
}

pub(super) async fn list(
    State(web): State<Web>,
    signed: SignedIn,
    Asked(asked): Asked,
) -> Result<Html<String>, Fault> {
    let over = asked.get("over") == "1";
    let incidents = web.app.incidents(&signed.viewer);
    let found = incidents.list(!over, PAGE).await.map_err(refused)?;
    let name = page::namer(web.app.store.people().await?);
    let now = web.app.clock.now();
    let rows: Vec<Row> = found.into_iter().map(|incident| row(incident, now, &name)).collect();
    let values = context! { rows => val(rows), over, severities => val(severities()) };
    page::page(&web, &signed, "incidents.html", "incidents", values).await
}

pub(super) async fn declare(
    State(web): State<Web>,
    signed: SignedIn,
    fields: Fields,
) -> Result<Redirect, Fault> {
    let severity = Severity::parse(fields.get("severity"));
    let declaration = Declaration {
        title: fields.get("title").to_owned(),
        severity: severity.ok_or_else(|| Fault::invalid("Choose how severe it is."))?,
        system: fields.some("system").map(str::to_owned),
        private: fields.get("private") == "1",
        drill: fields.get("drill") == "1",
        suspected: fields.get("suspected") == "1",
    };
    let declared = web.app.incidents(&signed.viewer).declare(declaration).await;
    Ok(Redirect::to(&format!("/incidents/{}", declared.map_err(refused)?.key)))
}

/// A moment in the words of the page: `Impact started`.
pub(super) fn moment(stamp: Moment) -> String {
    let mut letters = words::moment(stamp).chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
}
