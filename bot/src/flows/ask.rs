//! One request, nothing filed: what `firstline ask` and its JSON say.

use firstline_core::chat::Citation;
use firstline_core::text;
use firstline_core::ticket::{Impact, Kind, Priority, Sentiment, TicketFields, Urgency};
use firstline_core::triage::redact::redact;
use firstline_core::triage::{Abstained, Plan, Similar, Turn};
use firstline_core::{command, words};
use serde::Serialize;

use crate::app::App;
use crate::flows::understand::{Asked, understand};
use crate::store::new_id;
use crate::store::records::Viewer;

/// What Firstline would do with a request; the shape of `ask --json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AskResult {
    pub id: String,
    pub kind: Kind,
    pub confidence: f64,
    pub system: Option<String>,
    pub team: Option<String>,
    pub impact: Impact,
    pub urgency: Urgency,
    pub priority: Priority,
    pub language: String,
    pub sentiment: Sentiment,
    pub summary: String,
    /// `answer|clarify|file|attach|duplicate|handover|silent`
    pub action: &'static str,
    pub answerable: f64,
    pub answer: Option<AnswerOut>,
    pub abstained: Option<Abstained>,
    pub question: Option<String>,
    /// The structured fields of the ticket that would be filed.
    pub ticket: Option<TicketFields>,
    pub similar: Vec<Similar>,
    pub engine: String,
    pub redactions: usize,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AnswerOut {
    pub text: String,
    pub citations: Vec<CitationOut>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CitationOut {
    pub n: usize,
    pub source: String,
    pub path: String,
    pub title: String,
    pub heading: String,
    pub url: String,
    pub quote: String,
}

impl From<Citation> for CitationOut {
    fn from(c: Citation) -> Self {
        CitationOut {
            n: c.n,
            source: c.source,
            path: c.path,
            title: c.title,
            heading: c.heading,
            url: c.url,
            quote: c.quote,
        }
    }
}

/// Someone of whom nothing is known: may read what `everyone` may.
pub fn anyone() -> Viewer {
    Viewer {
        email: String::new(),
        name: String::new(),
        roles: Vec::new(),
        groups: vec!["everyone".into()],
        time_zone: None,
    }
}

/// Reads and answers one request as `viewer`, without keeping or filing anything.
pub async fn ask_once(
    app: &App,
    id: String,
    raw: &str,
    thread: &[Turn],
    viewer: &Viewer,
) -> anyhow::Result<AskResult> {
    let redacted = redact(text::clean(raw, text::MAX_CHARS).text.trim(), &app.redact_options);
    let stamps = app.store.stamps().await?;
    let asked = Asked {
        request_id: new_id(),
        stamps: &stamps,
        text: &redacted.text,
        thread,
        viewer,
        must_reply: true,
        handed_over: false,
        wants_person: matches!(
            command::parse(&redacted.text),
            Some(command::Command::TalkToPerson)
        ),
        already_asked: false,
        open_here: None,
    };
    let understood = understand(app, &asked, &|_, _| {}).await?;
    let engine = understood.engine().to_owned();
    let assessment = understood.assessment;
    let decision = understood.decision;
    let question = (decision.plan == Plan::Clarify).then(|| words::clarify(&assessment).text);
    let ticket = matches!(decision.plan, Plan::File { .. } | Plan::Handover)
        .then(|| assessment.fields.clone());
    Ok(AskResult {
        id,
        kind: assessment.kind,
        confidence: assessment.confidence,
        team: app.system(assessment.system.as_deref()).and_then(|s| s.team.clone()),
        system: assessment.system,
        impact: decision.impact,
        urgency: decision.urgency,
        priority: decision.priority,
        language: assessment.language,
        sentiment: assessment.sentiment,
        summary: assessment.summary,
        action: decision.plan.action(),
        answerable: understood.answerable,
        answer: understood.answer.map(|answer| AnswerOut {
            text: answer.text,
            citations: answer.citations.into_iter().map(CitationOut::from).collect(),
        }),
        abstained: understood.abstained,
        question,
        ticket,
        similar: understood.similar,
        engine,
        redactions: redacted.found.len(),
    })
}
