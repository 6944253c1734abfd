//! What goes over the wire: types of their own, so that the inside can change without
//! breaking anyone's script.

use std::collections::BTreeMap;

use firstline_core::chat::Citation;
use firstline_core::ticket::TicketFields;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::store::records::{RequestRow, RequestState, Ticket};

/// A request to be taken up.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewRequest {
    /// What is asked or reported, in the person's own words.
    pub(super) text: String,
    /// Goes on with an earlier conversation of the same person.
    #[serde(default)]
    pub(super) conversation_id: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AcceptedRequest {
    pub(super) id: String,
    pub(super) conversation_id: String,
    /// The same key was used before; this is what it made then.
    pub(super) duplicate: bool,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Cited {
    n: usize,
    source: String,
    path: String,
    title: String,
    /// Heading path joined with ` > `.
    heading: String,
    url: String,
    /// An exact part of the passage.
    quote: String,
}

impl From<Citation> for Cited {
    fn from(c: Citation) -> Self {
        Cited {
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

/// What was said in reply. `text` is Markdown with `[n]` markers.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Answer {
    pub(super) text: String,
    pub(super) citations: Vec<Cited>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RequestView {
    id: String,
    conversation_id: String,
    /// `accepted` until it is dealt with, then `settled`.
    state: &'static str,
    text: String,
    kind: Option<&'static str>,
    system: Option<String>,
    /// Probability that the kind is right, 0..1.
    confidence: Option<f64>,
    /// `answer`, `clarify`, `file`, `attach`, `duplicate`, `handover` or `silent`.
    action: Option<String>,
    /// Why there is no answer: `no_source`, `not_covered`, `conflict` or `stale`.
    abstained: Option<&'static str>,
    answerable: Option<f64>,
    answer: Option<Answer>,
    ticket: Option<String>,
    /// `solved` or `not_helpful`, once the person said so.
    feedback: Option<&'static str>,
    /// Secrets removed from the text.
    redactions: i64,
    received_at: String,
    settled_at: Option<String>,
}

/// RFC 3339, UTC.
fn time(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).unwrap_or_default().to_string()
}

impl From<RequestRow> for RequestView {
    fn from(r: RequestRow) -> Self {
        RequestView {
            id: r.id,
            conversation_id: r.conversation_id,
            state: match r.state {
                RequestState::Accepted => "accepted",
                RequestState::Settled => "settled",
            },
            text: r.text,
            kind: r.kind.map(|k| k.as_str()),
            system: r.system,
            confidence: r.confidence,
            action: r.action,
            abstained: r.abstained.map(|a| a.as_str()),
            answerable: r.answerable,
            answer: r.answer.map(|m| Answer {
                text: m.text,
                citations: m.citations.into_iter().map(Cited::from).collect(),
            }),
            ticket: r.ticket_key,
            feedback: r.verdict.map(|v| v.as_str()),
            redactions: r.redactions,
            received_at: time(r.received_at),
            settled_at: r.settled_at.map(time),
        }
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Feedback {
    /// `solved` or `not_helpful`.
    pub(super) verdict: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TicketJson {
    key: String,
    kind: &'static str,
    system: Option<String>,
    team: Option<String>,
    impact: &'static str,
    urgency: &'static str,
    priority: &'static str,
    status: &'static str,
    requester: String,
    assignee: Option<String>,
    summary: String,
    text: String,
    /// By field name; which there are depends on the kind.
    fields: BTreeMap<String, String>,
    language: String,
    sentiment: &'static str,
    confidence: f64,
    confidential: bool,
    conversation_id: Option<String>,
    request_id: Option<String>,
    merged_into: Option<String>,
    /// Also the `ETag`, in quotes.
    version: i64,
    reviewed_by: Option<String>,
    created_at: String,
    updated_at: String,
    resolved_at: Option<String>,
}

impl From<Ticket> for TicketJson {
    fn from(t: Ticket) -> Self {
        TicketJson {
            key: t.key,
            kind: t.kind.as_str(),
            system: t.system,
            team: t.team,
            impact: t.impact.as_str(),
            urgency: t.urgency.as_str(),
            priority: t.priority.as_str(),
            status: t.status.as_str(),
            requester: t.requester,
            assignee: t.assignee,
            summary: t.summary,
            text: t.text,
            fields: t.fields,
            language: t.language,
            sentiment: t.sentiment.as_str(),
            confidence: t.confidence,
            confidential: t.confidential,
            conversation_id: t.conversation_id,
            request_id: t.request_id,
            merged_into: t.merged_into,
            version: t.version,
            reviewed_by: t.reviewed_by,
            created_at: time(t.created_at),
            updated_at: time(t.updated_at),
            resolved_at: t.resolved_at.map(time),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TicketList {
    pub(super) items: Vec<TicketJson>,
    /// Give it back as `cursor` for the next page.
    pub(super) next: Option<String>,
    pub(super) total: i64,
}

/// What is to change; absent fields stay. Empty text clears `system`, `team`, `assignee`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TicketChange {
    pub(super) kind: Option<String>,
    pub(super) system: Option<String>,
    pub(super) team: Option<String>,
    pub(super) impact: Option<String>,
    pub(super) urgency: Option<String>,
    pub(super) priority: Option<String>,
    pub(super) status: Option<String>,
    pub(super) assignee: Option<String>,
    pub(super) summary: Option<String>,
    pub(super) fields: Option<TicketFields>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SearchHit {
    pub(super) source: String,
    pub(super) path: String,
    pub(super) title: String,
    pub(super) heading: String,
    pub(super) score: f32,
    pub(super) snippet: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SearchResult {
    pub(super) hits: Vec<SearchHit>,
}
