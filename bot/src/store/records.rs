//! What the store gives and takes: one plain record per row or use case. Times are
//! epoch milliseconds; e-mail addresses are lower case.

use firstline_core::chat::{Message, Platform, Setting, Verdict};
use firstline_core::ticket::{Impact, Kind, Priority, Sentiment, Status, TicketFields, Urgency};
use firstline_core::triage::{Abstained, Assessment, Decision, Similar};
use serde::{Deserialize, Serialize};

// --- People ---------------------------------------------------------------------

/// What a group lets its members do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Employee,
    Owner,
    Commander,
    Admin,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    pub name: String,
    pub role: Role,
    pub members: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PersonRow {
    pub email: String,
    pub name: String,
    pub active: bool,
}

/// A person with what their groups give them: the only thing permissions are judged by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Viewer {
    pub email: String,
    pub name: String,
    pub roles: Vec<Role>,
    /// Names of all their groups: audiences they may read and teams they belong to.
    /// `everyone` is always among them.
    pub groups: Vec<String>,
}

impl Viewer {
    pub fn is(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    pub fn is_admin(&self) -> bool {
        self.is(Role::Admin)
    }

    /// A support owner of this team (admins own every team).
    pub fn owns(&self, team: Option<&str>) -> bool {
        self.is_admin()
            || (self.is(Role::Owner)
                && team.is_some_and(|team| self.groups.iter().any(|g| g == team)))
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Session {
    pub email: String,
    pub csrf: String,
    pub expires_at: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ApiToken {
    pub id: String,
    pub name: String,
    pub email: String,
    /// `requests`, `tickets:read`, `tickets:write`, `search`, `metrics`
    pub scopes: Vec<String>,
    pub created_at: i64,
    pub last_used_at: Option<i64>,
    pub revoked_at: Option<i64>,
}

// --- The durable path -------------------------------------------------------------

/// A job to be enqueued, in the transaction of what causes it.
#[derive(Debug, Clone, PartialEq)]
pub struct NewJob {
    pub id: String,
    pub kind: &'static str,
    pub lane: String,
    /// Versioned JSON, see `job.rs`.
    pub payload: String,
    /// Lower runs first.
    pub priority: i64,
    pub run_at: i64,
    /// At most one live job has this key; a second is dropped.
    pub dedupe: Option<String>,
    pub max_attempts: i64,
}

/// A job held by this worker until `lease_until`. (id, attempt) fences every write.
#[derive(Debug, Clone, PartialEq)]
pub struct LeasedJob {
    pub id: String,
    pub kind: String,
    pub lane: String,
    pub payload: String,
    pub attempt: i64,
    pub max_attempts: i64,
    pub created_at: i64,
    pub lease_by: String,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct JobRow {
    pub id: String,
    pub kind: String,
    pub lane: String,
    pub state: String,
    pub run_at: i64,
    pub attempt: i64,
    pub max_attempts: i64,
    pub last_error: Option<String>,
    pub created_at: i64,
}

/// Live jobs by state, and the age of the oldest that is due.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct JobCounts {
    pub ready: i64,
    pub running: i64,
    pub dead: i64,
    /// Milliseconds the oldest due job has waited; 0 when none is due.
    pub oldest_due_ms: i64,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ConversationRow {
    pub id: String,
    pub platform: Platform,
    pub tenant: String,
    pub channel: String,
    pub thread: String,
    pub setting: Setting,
    pub requester: String,
    pub title: String,
    pub handed_over: bool,
    pub created_at: i64,
    pub updated_at: i64,
}

/// Who said a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Author {
    Requester,
    Bot,
    /// Someone else: a support owner replying.
    Person,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MessageRow {
    pub id: String,
    pub conversation_id: String,
    pub seq: i64,
    pub author: Author,
    pub email: String,
    pub name: String,
    pub body: Message,
    pub request_id: Option<String>,
    pub created_at: i64,
    pub sent_at: Option<i64>,
    pub attachments: Vec<AttachmentRow>,
}

/// A message to be written; the store gives it its place in the conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct NewMessage {
    pub id: String,
    pub conversation_id: String,
    pub author: Author,
    pub email: String,
    pub name: String,
    pub body: Message,
    pub request_id: Option<String>,
    /// Unique; a second message with the same key is dropped.
    pub delivery_key: String,
    /// Whether a platform still has to be told.
    pub pending: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestState {
    Accepted,
    Settled,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RequestRow {
    pub id: String,
    pub conversation_id: String,
    pub requester: String,
    /// Redacted.
    pub text: String,
    pub state: RequestState,
    pub kind: Option<Kind>,
    pub system: Option<String>,
    pub confidence: Option<f64>,
    pub action: Option<String>,
    pub abstained: Option<Abstained>,
    pub answerable: Option<f64>,
    pub decision: Option<Explanation>,
    pub answer: Option<Message>,
    pub ticket_key: Option<String>,
    pub verdict: Option<Verdict>,
    pub redactions: i64,
    pub received_at: i64,
    pub settled_at: Option<i64>,
}

/// Why the bot decided so: kept with the request, shown to reviewers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    pub decision: Decision,
    /// Passages it saw, best first.
    pub passages: Vec<PassageSeen>,
    pub similar: Vec<Similar>,
    /// What it would have said but did not, with the reason.
    #[serde(default)]
    pub unsent: Vec<Unsent>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PassageSeen {
    pub passage_id: String,
    pub document_id: String,
    pub title: String,
    pub heading: String,
    pub score: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Unsent {
    pub text: String,
    pub because: String,
}

/// One reading of a request, kept whether or not it was followed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AssessmentRow {
    pub id: String,
    pub request_id: String,
    /// `local` or `model:NAME`.
    pub engine: String,
    pub prompt_hash: String,
    pub input_hash: String,
    pub passages: Vec<String>,
    /// `None` when the engine failed; then `failure` says how.
    pub result: Option<Assessment>,
    pub failure: Option<String>,
    /// The reading that was followed.
    pub chosen: bool,
    pub duration_ms: i64,
    pub tokens_in: i64,
    pub tokens_out: i64,
    pub created_at: i64,
}

/// Everything one finished request changes, written in one transaction.
#[derive(Debug, Clone, PartialEq)]
pub struct Settlement {
    pub request: RequestRow,
    pub assessments: Vec<AssessmentRow>,
    /// Filed with the request; its key is given by the store and put in place of
    /// [`KEY_PLACEHOLDER`] in `messages`.
    pub ticket: Option<NewTicket>,
    pub messages: Vec<NewMessage>,
    pub jobs: Vec<NewJob>,
    pub cited_documents: Vec<String>,
    /// What the requester said that belongs to a ticket already filed: (key, text).
    pub comments: Vec<(String, String)>,
    /// Ends the bot's part in the conversation.
    pub hand_over: bool,
    /// Sets the conversation's title if it has none.
    pub title: Option<String>,
}

/// Stands in message texts for the key of the ticket being filed.
pub const KEY_PLACEHOLDER: &str = "{ticket-key}";

// --- Tickets ----------------------------------------------------------------------

#[derive(Debug, Clone, PartialEq)]
pub struct NewTicket {
    pub kind: Kind,
    pub system: Option<String>,
    pub team: Option<String>,
    pub impact: Impact,
    pub urgency: Urgency,
    pub priority: Priority,
    pub status: Status,
    pub requester: String,
    pub summary: String,
    pub text: String,
    pub fields: TicketFields,
    pub language: String,
    pub sentiment: Sentiment,
    pub confidence: f64,
    pub confidential: bool,
    pub conversation_id: Option<String>,
    pub request_id: Option<String>,
    /// Attachments already stored that belong to it.
    pub attachments: Vec<String>,
    /// When it was filed; past tickets keep their own time.
    pub created_at: i64,
    pub resolved_at: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ticket {
    pub key: String,
    pub kind: Kind,
    pub system: Option<String>,
    pub team: Option<String>,
    pub impact: Impact,
    pub urgency: Urgency,
    pub priority: Priority,
    pub status: Status,
    pub requester: String,
    pub assignee: Option<String>,
    pub summary: String,
    pub text: String,
    pub fields: TicketFields,
    pub language: String,
    pub sentiment: Sentiment,
    pub confidence: f64,
    pub confidential: bool,
    pub conversation_id: Option<String>,
    pub request_id: Option<String>,
    pub merged_into: Option<String>,
    /// Rises with each change; the `ETag` of `GET /tickets/{key}`.
    pub version: i64,
    pub reviewed_by: Option<String>,
    pub created_at: i64,
    pub updated_at: i64,
    pub resolved_at: Option<i64>,
}

/// The closed list of what happens to a ticket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum TicketEvent {
    Filed,
    /// One field changed; `teaches` when it is an owner's correction.
    Changed {
        field: String,
        from: Option<String>,
        to: Option<String>,
        teaches: bool,
    },
    Comment {
        text: String,
    },
    /// Internal: owners only.
    Note {
        text: String,
    },
    MergedInto {
        key: String,
    },
    Absorbed {
        key: String,
    },
    Unmerged {
        key: String,
    },
    Attached {
        name: String,
    },
    Reviewed,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TicketEventRow {
    pub id: String,
    pub ticket_key: String,
    pub at: i64,
    pub actor: String,
    pub internal: bool,
    pub event: TicketEvent,
}

/// A change of fields by a person. `None` leaves a field as it is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TicketPatch {
    pub kind: Option<Kind>,
    /// Empty text clears it.
    pub system: Option<String>,
    pub team: Option<String>,
    pub impact: Option<Impact>,
    pub urgency: Option<Urgency>,
    pub priority: Option<Priority>,
    pub status: Option<Status>,
    /// Empty text clears it.
    pub assignee: Option<String>,
    pub summary: Option<String>,
    pub fields: Option<TicketFields>,
    /// Follows from the system; never given by a person.
    #[serde(skip)]
    pub confidential: Option<bool>,
}

/// The outcome of an optimistic write.
#[derive(Debug, Clone, PartialEq)]
pub enum Written<T> {
    Done(T),
    /// Someone else changed it first; the current version.
    Stale(i64),
    NotFound,
}

/// Which tickets, in which order. Visibility comes from the viewer, never from here.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TicketFilter {
    pub kind: Option<Kind>,
    pub system: Option<String>,
    pub priority: Option<Priority>,
    pub status: Option<Status>,
    /// Only open (`Some(true)`) or only ended ones.
    pub open: Option<bool>,
    pub team: Option<String>,
    pub assignee: Option<String>,
    pub requester: Option<String>,
    pub max_confidence: Option<f64>,
    /// Created at or after, epoch ms.
    pub since: Option<i64>,
    /// Created before, epoch ms.
    pub before: Option<i64>,
    /// Words that all occur in key, summary or text.
    pub q: Option<String>,
    pub unreviewed: bool,
    pub order: TicketOrder,
    pub cursor: Option<String>,
    pub limit: Option<u32>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TicketOrder {
    #[default]
    Newest,
    Oldest,
    /// The review queue.
    LeastConfident,
    Priority,
    Updated,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Give it back as `cursor` for the next page.
    pub next: Option<String>,
    pub total: i64,
}

/// An owner's correction: what teaches. Reversible.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Correction {
    pub id: i64,
    pub ticket_key: String,
    pub text: String,
    pub kind: Kind,
    pub system: Option<String>,
    pub impact: Impact,
    pub urgency: Urgency,
    pub by_email: String,
    pub at: i64,
    pub reverted_at: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AttachmentRow {
    pub id: String,
    pub name: String,
    pub mime: String,
    pub size: i64,
}

/// An attachment with what decides who may open it.
#[derive(Debug, Clone, PartialEq)]
pub struct AttachmentFull {
    pub row: AttachmentRow,
    pub email: String,
    pub conversation_id: Option<String>,
    pub ticket_key: Option<String>,
    pub bytes: Vec<u8>,
}

// --- Knowledge --------------------------------------------------------------------

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SourceRow {
    pub name: String,
    pub kind: String,
    pub location: String,
    pub audience: String,
    pub documents: i64,
    /// What the last run skipped, with its reasons.
    pub skipped: Vec<(String, String)>,
    pub indexed_at: i64,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DocumentRow {
    pub id: String,
    pub source: String,
    pub path: String,
    pub title: String,
    pub system: Option<String>,
    pub owner: Option<String>,
    pub audience: String,
    pub reviewed: Option<String>,
    pub language: String,
    pub url: String,
    /// Requests whose answer cited it.
    pub cited: i64,
    /// Of those, how many were "not helpful".
    pub not_helpful: i64,
    pub updated_at: i64,
}

#[derive(Debug, Clone, PartialEq)]
pub struct PassageRow {
    pub id: String,
    pub ordinal: i64,
    pub heading: String,
    pub text: String,
}

/// A document to be written, in place of the one from the same source and path.
#[derive(Debug, Clone, PartialEq)]
pub struct NewDocument {
    pub source: String,
    /// Relative to the source's folder.
    pub path: String,
    pub title: String,
    pub system: Option<String>,
    pub owner: Option<String>,
    pub audience: String,
    pub reviewed: Option<String>,
    pub language: String,
    pub url: String,
    /// Of the content, to tell what changed.
    pub hash: String,
    pub markdown: String,
    pub passages: Vec<NewPassage>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct NewPassage {
    /// Headings above it, joined with ` > `.
    pub heading: String,
    pub text: String,
}

/// One step of the change sequence, for the index followers.
#[derive(Debug, Clone, PartialEq)]
pub struct DocumentChange {
    pub sequence: i64,
    pub document: DocumentRow,
    pub deleted: bool,
    pub passages: Vec<PassageRow>,
}

/// A question asked and not answered.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Gap {
    pub request_id: String,
    pub text: String,
    pub system: Option<String>,
    pub reason: Abstained,
    pub ticket_key: Option<String>,
    pub at: i64,
}

/// Outcomes, reported side by side and never added up.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Outcomes {
    pub answered: i64,
    pub confirmed: i64,
    pub assumed: i64,
    pub asked_again: i64,
    pub escalated: i64,
    pub filed: i64,
}

/// Model use on one UTC day.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ModelUsage {
    pub calls: i64,
    pub failures: i64,
    pub tokens_in: i64,
    pub tokens_out: i64,
}
