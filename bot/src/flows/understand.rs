//! From a request to a decision: gather, assess, answer, decide. Nothing is written
//! here, so `ask`, the API and the chats share it.

mod read;

use firstline_core::ticket::Kind;
use firstline_core::triage::decide::decide;
use firstline_core::triage::{
    Abstained, Assessment, Decision, Evidence, OpenMatter, Plan, Similar, Speaker, Turn,
};
use firstline_indexer::{Found, Query};

use crate::app::App;
use crate::flows::answer::{Answer, Drafted, PASSAGES_FOR_MODEL, answer};
use crate::flows::heed::{self, Heeded, NOT_FOLLOWED, heed};
use crate::ports::Knowledge;
use crate::store::records::{AssessmentRow, PassageSeen, Stamps, Ticket, Unsent, Viewer};
use crate::telemetry::metric;
use read::assess;

/// Passages searched for: as many as a model is shown.
const PASSAGES: usize = PASSAGES_FOR_MODEL;
/// Similar tickets considered.
const SIMILAR: usize = 5;
/// A report counts as the same trouble from this similarity on, within [`REPORT_WINDOW_MS`].
const SAME_TROUBLE: f64 = 0.35;
const REPORT_WINDOW_MS: i64 = 4 * 60 * 60 * 1_000;

/// A request with what is known about where it was asked.
pub struct Asked<'a> {
    /// Names the request in what is kept.
    pub request_id: String,
    /// Redacted.
    pub text: &'a str,
    /// Earlier turns of the thread, oldest first.
    pub thread: &'a [Turn],
    pub viewer: &'a Viewer,
    pub must_reply: bool,
    pub handed_over: bool,
    pub wants_person: bool,
    pub already_asked: bool,
    /// The open ticket filed from this conversation, which a further word belongs to.
    pub open_here: Option<String>,
    /// Read with the request.
    pub stamps: &'a Stamps,
}

/// How much there is of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SoFar {
    /// A model composes on.
    Part,
    Whole,
}

/// Hears an answer grow by checked sentences; the whole text each time.
pub type Heard<'a> = &'a (dyn Fn(&str, SoFar) + Send + Sync);

/// All that was found out about a request.
pub struct Understanding {
    /// Every reading made; the chosen one is marked.
    pub readings: Vec<AssessmentRow>,
    pub assessment: Assessment,
    pub decision: Decision,
    pub answer: Option<Answer>,
    pub abstained: Option<Abstained>,
    pub answerable: f64,
    pub passages: Vec<PassageSeen>,
    /// Ids of the documents the answer cites.
    pub cited_documents: Vec<String>,
    pub similar: Vec<Similar>,
    pub unsent: Vec<Unsent>,
}

impl Understanding {
    /// `local` or `model:NAME`: who made the reading that was followed.
    pub fn engine(&self) -> &str {
        self.readings.iter().find(|r| r.chosen).map_or("local", |r| r.engine.as_str())
    }
}

/// Reads, answers and decides. What the message or a passage tells the bot to do is set
/// aside first: it is neither searched with nor read, and no model is shown it.
pub async fn understand(
    app: &App,
    asked: &Asked<'_>,
    heard: Heard<'_>,
) -> anyhow::Result<Understanding> {
    let Gathered { heeded, found, similar } = gather(app, asked).await?;
    let instructed = !heeded.instructions.is_empty();
    let asked = &Asked {
        request_id: asked.request_id.clone(),
        text: &heeded.text,
        thread: &heeded.thread,
        open_here: asked.open_here.clone(),
        ..*asked
    };
    let keys: Vec<&str> = similar.iter().map(|s| s.key.as_str()).collect();
    let similar_tickets = app.store.visible_tickets(&keys, asked.viewer).await?;

    let (assessment, mut readings) =
        assess(app, asked, heeded.nothing_else, &found, &similar, &similar_tickets).await?;
    crate::crash::point("assessed");

    let drafted = answer(app, asked, &assessment, &found, heard, &mut readings).await?;
    let evidence =
        evidence(app, asked, &assessment, &drafted, &found, &similar, &similar_tickets).await?;
    let mut decision =
        decide(&assessment, &evidence, &app.config.triage, &app.config.priority.matrix);
    if instructed {
        decision.reasons.push(NOT_FOLLOWED.into());
    }

    let mut understanding = Understanding {
        readings,
        assessment,
        decision,
        answer: drafted.answer,
        abstained: drafted.abstained,
        answerable: drafted.answerable,
        passages: seen(&found),
        cited_documents: Vec::new(),
        similar,
        unsent: drafted.unsent,
    };
    withhold_unsent_answer(&mut understanding, app.config.triage.hint_at);
    understanding.cited_documents = cited_documents(&understanding, &found);
    Ok(understanding)
}

/// An answer the decision does not give is kept for the reviewer, never sent.
fn withhold_unsent_answer(understanding: &mut Understanding, hint_at: f64) {
    let given = match understanding.decision.plan {
        Plan::Answer => true,
        Plan::File { offer: false } => understanding.answerable >= hint_at,
        _ => false,
    };
    if given {
        return;
    }
    if let Some(answer) = understanding.answer.take() {
        let because = match understanding.abstained {
            Some(reason) => format!("the answer was withheld: {}", reason.as_str()),
            None => format!("the decision was to {}", understanding.decision.plan.action()),
        };
        understanding.unsent.push(Unsent { text: answer.text, because });
    }
}

fn cited_documents(understanding: &Understanding, found: &Found) -> Vec<String> {
    let Some(answer) = &understanding.answer else { return Vec::new() };
    let mut documents: Vec<String> = Vec::new();
    for citation in &answer.citations {
        let document = found
            .hits
            .iter()
            .find(|hit| hit.passage.passage_id == citation.passage_id)
            .map(|hit| hit.passage.document_id.clone());
        if let Some(document) = document.filter(|d| !documents.contains(d)) {
            documents.push(document);
        }
    }
    documents
}

/// What a request says and what there is about it.
struct Gathered {
    heeded: Heeded,
    found: Found,
    similar: Vec<Similar>,
}

async fn gather(app: &App, asked: &Asked<'_>) -> anyhow::Result<Gathered> {
    app.similar.catch_up(&app.store, asked.stamps).await?;
    let (knowledge, tickets) = (app.knowledge.clone(), app.similar.clone());
    let (text, thread) = (asked.text.to_owned(), asked.thread.to_vec());
    let viewer = asked.viewer.clone();
    app.compute
        .run(move || {
            let heeded = heed(&text, &thread);
            let mut found = search(knowledge.as_ref(), &heeded, &viewer)?;
            heed::clean_passages(&mut found);
            let similar = tickets.search(&heeded.text, SIMILAR, &viewer);
            Ok(Gathered { heeded, found, similar })
        })
        .await?
}

fn search(knowledge: &dyn Knowledge, heeded: &Heeded, viewer: &Viewer) -> anyhow::Result<Found> {
    let started = std::time::Instant::now();
    let found = knowledge.search(&Query {
        text: heeded.text.clone(),
        thread: heeded
            .thread
            .iter()
            .filter(|turn| turn.from == Speaker::Requester)
            .map(|turn| turn.text.clone())
            .collect(),
        audiences: viewer.groups.clone(),
        language: None,
        limit: PASSAGES,
    })?;
    metrics::histogram!(metric::SEARCH_TIME).record(started.elapsed().as_secs_f64());
    Ok(found)
}

fn seen(found: &Found) -> Vec<PassageSeen> {
    found
        .hits
        .iter()
        .map(|hit| PassageSeen {
            passage_id: hit.passage.passage_id.clone(),
            document_id: hit.passage.document_id.clone(),
            title: hit.passage.title.clone(),
            heading: hit.passage.heading.clone(),
            score: f64::from(hit.score),
        })
        .collect()
}

async fn evidence(
    app: &App,
    asked: &Asked<'_>,
    assessment: &Assessment,
    drafted: &Drafted,
    found: &Found,
    similar: &[Similar],
    tickets: &[Ticket],
) -> anyhow::Result<Evidence> {
    let addition = asked.open_here.clone().filter(|_| adds_to_ticket(assessment, drafted));
    let open_ticket = match addition {
        Some(key) => Some(OpenMatter { key, score: 1.0, own: true }),
        None => own_open_ticket(asked, similar, tickets),
    };
    let reports = match assessment.kind {
        Kind::Incident => reports(app, asked).await?,
        _ => 0,
    };
    Ok(Evidence {
        must_reply: asked.must_reply,
        handed_over: asked.handed_over,
        wants_person: asked.wants_person,
        already_asked: asked.already_asked,
        answerable: if drafted.answer.is_some() { found.answerable } else { 0.0 },
        abstained: drafted.abstained,
        criticality: app.system(assessment.system.as_deref()).map(|s| s.criticality),
        reports,
        open_ticket,
        open_incident: None,
        words: asked.text.split_whitespace().count(),
    })
}

/// The best of the requester's own open tickets like this request.
fn own_open_ticket(
    asked: &Asked<'_>,
    similar: &[Similar],
    tickets: &[Ticket],
) -> Option<OpenMatter> {
    similar.iter().find_map(|s| {
        let ticket = tickets.iter().find(|t| t.key == s.key)?;
        let own = ticket.requester == asked.viewer.email;
        (own && ticket.status.is_open()).then(|| OpenMatter {
            key: s.key.clone(),
            score: s.score,
            own,
        })
    })
}

/// Whether a further message in a thread with an open ticket only adds to it: it is no
/// question that knowledge answers, and it does not surely report something of its own.
fn adds_to_ticket(assessment: &Assessment, drafted: &Drafted) -> bool {
    let sure = assessment.confidence >= 0.75;
    match assessment.kind {
        Kind::Question => drafted.answer.is_none() && !sure,
        Kind::None => !sure,
        _ => !sure,
    }
}

/// How many people reported something like this lately, this one included. Only the
/// number leaves this function, so tickets this person may not see count too.
async fn reports(app: &App, asked: &Asked<'_>) -> anyhow::Result<usize> {
    let (tickets, text) = (app.similar.clone(), asked.text.to_owned());
    let alike: Vec<String> = app
        .compute
        .run(move || tickets.search_all(&text, 20))
        .await?
        .into_iter()
        .filter(|s| s.score >= SAME_TROUBLE)
        .map(|s| s.key)
        .collect();
    let since = app.clock.now() - REPORT_WINDOW_MS;
    Ok(app.store.reporters_since(&alike, since, &asked.viewer.email).await? as usize + 1)
}
