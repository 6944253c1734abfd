//! Tickets, what happens to them, and what owners teach by correcting them.

use firstline_core::chat::Setting;
use firstline_core::ticket::{Impact, Kind, Priority, Sentiment, Status, TicketFields, Urgency};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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

/// Who is told what becomes of a ticket, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Follower {
    pub email: String,
    pub conversation_id: String,
    pub setting: Setting,
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
