//! Reading a request: [`Assessment`] (what it is), [`Evidence`] (what surrounds it) and
//! the [`Plan`] policy makes of both. `local` is the engine that works without a model,
//! `cite` checks answers against their passages, `redact` removes secrets, `decide` is
//! the pure decision.

pub mod cite;
pub mod decide;
pub mod local;
pub mod read;
pub mod redact;
pub mod similar;

use serde::{Deserialize, Serialize};

use crate::ticket::{Criticality, Impact, Kind, Priority, Sentiment, TicketFields, Urgency};

/// What a reader (a model or the local engine) made of a request. It only advises.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Assessment {
    pub kind: Kind,
    /// Calibrated probability that `kind` is right, 0..1.
    pub confidence: f64,
    /// A catalogue name; with an empty catalogue the product named, lower case.
    pub system: Option<String>,
    pub impact: Impact,
    pub urgency: Urgency,
    pub sentiment: Sentiment,
    /// BCP 47.
    pub language: String,
    /// One line, neutral.
    pub summary: String,
    /// Structured fields read from the request.
    #[serde(default)]
    pub fields: TicketFields,
    /// Names of wanted fields ([`crate::ticket::fields_of`]) the request does not give.
    #[serde(default)]
    pub missing: Vec<String>,
}

/// Who said an earlier turn of a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Speaker {
    Requester,
    Bot,
    Person,
}

/// An earlier turn of a thread.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    pub from: Speaker,
    pub text: String,
}

/// One system of the organisation's catalogue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct System {
    pub name: String,
    #[serde(default)]
    pub aliases: Vec<String>,
    #[serde(default)]
    pub team: Option<String>,
    pub criticality: Criticality,
    #[serde(default)]
    pub confidential: bool,
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Abstained {
    /// Nothing in the base comes near.
    NoSource,
    /// Related articles exist, but none says what was asked.
    NotCovered,
    /// Sources contradict each other on the point.
    Conflict,
    /// Only outdated sources.
    Stale,
}

impl Abstained {
    pub fn as_str(self) -> &'static str {
        match self {
            Abstained::NoSource => "no_source",
            Abstained::NotCovered => "not_covered",
            Abstained::Conflict => "conflict",
            Abstained::Stale => "stale",
        }
    }
}

/// An earlier ticket like this request, already filtered by permission.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Similar {
    pub key: String,
    /// Cosine similarity, 0..1.
    pub score: f64,
}

/// An open ticket or incident that may be the same trouble.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OpenMatter {
    pub key: String,
    pub score: f64,
    /// The same person reported it.
    pub own: bool,
}

/// What surrounds a request; everything [`decide`](decide::decide) may look at beside
/// the assessment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Evidence {
    /// The bot must reply (direct message, web chat, mention).
    pub must_reply: bool,
    /// A person has taken over the thread, or the requester asked for one.
    pub handed_over: bool,
    /// This message asks for a person.
    pub wants_person: bool,
    /// The bot's last words in this thread were a clarifying question.
    pub already_asked: bool,
    /// Probability that the passages answer the request, 0..1.
    pub answerable: f64,
    /// The composed answer failed or was withheld for this reason.
    pub abstained: Option<Abstained>,
    /// Criticality of the assessed system, when it is in the catalogue.
    pub criticality: Option<Criticality>,
    /// Distinct people who reported something like this within the last hours.
    pub reports: usize,
    /// The best open ticket like this one.
    pub open_ticket: Option<OpenMatter>,
    /// The best open incident like this request.
    pub open_incident: Option<OpenMatter>,
    /// Words in the request, after redaction.
    pub words: usize,
}

/// Thresholds, from `[triage]` in the configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// From this probability on an answer is given.
    pub answer_at: f64,
    /// From this probability on, what the sources say is shown beside a filed ticket.
    pub hint_at: f64,
    /// Below this confidence the bot asks one question, if the request is short.
    pub clarify_below: f64,
    /// A request of at most this many words counts as short.
    pub clarify_words: usize,
    /// Above this confidence chatter is left alone.
    pub silent_at: f64,
    /// An open ticket of the same person at least this similar is a duplicate.
    pub duplicate_at: f64,
    /// An open incident at least this similar takes the request.
    pub attach_at: f64,
    /// Distinct reports that let impact rise above `team`.
    pub reports_for_many: usize,
}

impl Default for Policy {
    fn default() -> Self {
        Policy {
            answer_at: 0.5,
            hint_at: 0.85,
            clarify_below: 0.45,
            clarify_words: 6,
            silent_at: 0.6,
            duplicate_at: 0.8,
            attach_at: 0.6,
            reports_for_many: 3,
        }
    }
}

/// What is done with a request. One plan each, chosen by [`decide`](decide::decide).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Plan {
    /// Give the answer found.
    Answer,
    /// Ask one question before anything else.
    Clarify,
    /// File a ticket. `offer`: the requester confirms the form first (a question without
    /// an answer), otherwise it is filed at once.
    File { offer: bool },
    /// Add the requester to an open incident.
    Attach { key: String },
    /// Point to an open ticket of theirs.
    Duplicate { key: String },
    /// A person takes over; what is known is filed.
    Handover,
    /// Say nothing (in a direct message: a short courtesy).
    Silent,
}

impl Plan {
    /// The word in `ask --json` and in the store.
    pub fn action(&self) -> &'static str {
        match self {
            Plan::Answer => "answer",
            Plan::Clarify => "clarify",
            Plan::File { .. } => "file",
            Plan::Attach { .. } => "attach",
            Plan::Duplicate { .. } => "duplicate",
            Plan::Handover => "handover",
            Plan::Silent => "silent",
        }
    }
}

/// The decision with the values policy settled on, and its reasons in words for
/// "why the bot decided so".
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    pub plan: Plan,
    pub impact: Impact,
    pub urgency: Urgency,
    pub priority: Priority,
    /// Sentences for the reviewer, most important first.
    pub reasons: Vec<String>,
}

/// A labelled request: shipped, from a ticket, or a correction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Example {
    pub text: String,
    pub kind: Kind,
    #[serde(default)]
    pub system: Option<String>,
    #[serde(default)]
    pub impact: Option<Impact>,
    #[serde(default)]
    pub urgency: Option<Urgency>,
    #[serde(default)]
    pub sentiment: Option<Sentiment>,
    #[serde(default)]
    pub language: Option<String>,
}
