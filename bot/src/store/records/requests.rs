//! The durable path: jobs, conversations, what was said, how it was read and settled.

use firstline_core::chat::{Message, Platform, Restraint, Setting, Verdict};
use firstline_core::ticket::Kind;
use firstline_core::triage::{Abstained, Assessment, Decision, Similar};
use serde::{Deserialize, Serialize};

use super::{AttachmentRow, NewTicket, Unsaid, Withheld};

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

impl NewJob {
    /// The same job as its first holder has it.
    pub(in crate::store) fn held_by(self, worker: &str, now: i64) -> LeasedJob {
        LeasedJob {
            id: self.id,
            kind: self.kind.to_owned(),
            lane: self.lane,
            payload: self.payload,
            attempt: 1,
            max_attempts: self.max_attempts,
            created_at: now,
            lease_by: worker.to_owned(),
        }
    }
}

/// Who holds a job from the moment it exists, in epoch milliseconds until when.
#[derive(Debug, Clone, PartialEq)]
pub struct Holder {
    pub worker: String,
    pub lease_until: i64,
}

/// What renewing a lease found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renewed {
    Held,
    /// The job is done: whoever held it has just settled it, or it was discarded.
    Ended,
    /// Another worker has it.
    Lost,
}

/// A job held by this worker until `lease_until`. (id, attempt) fences every write.
#[derive(Debug, Clone, PartialEq, Eq)]
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

/// What a reaction looks at before it thinks.
#[derive(Debug, Clone, PartialEq)]
pub struct Situation {
    pub conversation: ConversationRow,
    /// Messages in the conversation.
    pub said: i64,
    pub request: RequestRow,
    /// The newest open ticket filed from the conversation.
    pub open_here: Option<String>,
    /// What was done with the last settled request of the conversation, this one aside.
    pub last_action: Option<String>,
    /// The bot has said something in the conversation.
    pub spoken: bool,
    /// The request was taken up without a word.
    pub restraint: Option<Restraint>,
    pub stamps: Stamps,
}

/// How far what is kept in memory may have to catch up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stamps {
    /// Changes with every erasure, here or by another process; `None` before the first.
    pub erasure: Option<String>,
    /// The highest ticket number given; 0 before the first.
    pub ticket: i64,
    /// Grows with every correction and whenever one is taken back; 0 before the first.
    pub correction: i64,
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

/// What is known of a message that is shown while it is being composed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Draft {
    /// It may be there; what the platform calls it was not noted.
    Begun,
    /// It is there by this name, in the words of its platform.
    SentAs(String),
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

/// Under which a program may repeat a call without harm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepeatKey {
    /// Chosen by the caller, unique per person.
    pub key: String,
    /// SHA-256 of the body it goes with.
    pub body_hash: String,
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
    /// Filed with the request; its key is given by the store.
    pub ticket: Option<NewTicket>,
    /// Whose text bears the ticket's key in place of [`KEY_PLACEHOLDER`].
    pub reply: Option<Reply>,
    pub cited_documents: Vec<String>,
    /// What the requester said that belongs to a ticket already filed: (key, text).
    pub comments: Vec<(String, String)>,
    /// Ends the bot's part in the conversation.
    pub hand_over: bool,
    /// Sets the conversation's title if it has none.
    pub title: Option<String>,
    /// Kept in place of everything people would notice.
    pub unsaid: Option<Unsaid>,
}

impl Settlement {
    /// Nothing but what became of the request.
    pub fn of(request: RequestRow) -> Settlement {
        Settlement {
            request,
            assessments: Vec::new(),
            ticket: None,
            reply: None,
            cited_documents: Vec::new(),
            comments: Vec::new(),
            hand_over: false,
            title: None,
            unsaid: None,
        }
    }

    /// Takes everything out that people would notice, and keeps it as a draft where it is to be
    /// suggested to the owners of `team`.
    pub fn restrain(
        &mut self,
        restraint: Restraint,
        team: Option<String>,
        readers: &[String],
        says: Option<Message>,
    ) {
        let ticket = self.ticket.take();
        let comments = std::mem::take(&mut self.comments);
        let cited_documents = std::mem::take(&mut self.cited_documents);
        let hand_over = std::mem::take(&mut self.hand_over);
        let says = says.filter(|_| restraint == Restraint::Suggest);
        let draft = says.map(|says| Withheld {
            says,
            ticket,
            comments,
            hand_over,
            cited_documents,
            readers: readers.to_vec(),
        });
        self.unsaid = Some(Unsaid { restraint, team, draft });
    }
}

/// What the requester is told, and the job that tells the platform.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    pub message: NewMessage,
    pub delivery: NewJob,
    /// Until when whoever settles holds the delivery, to carry it out at once.
    pub lease_until: i64,
}

/// A reply that whoever settled delivers now; until then its job is theirs.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    pub job: LeasedJob,
    pub message: MessageRow,
}

/// Stands in message texts for the key of the ticket being filed.
pub const KEY_PLACEHOLDER: &str = "{ticket-key}";
