//! What the bot keeps to itself in channels of mode suggest or watch.

use firstline_core::chat::{Message, Restraint};
use firstline_core::ticket::Kind;
use serde::{Deserialize, Serialize};

use super::NewTicket;

/// A request about which nothing was said, kept beside it.
#[derive(Debug, Clone, PartialEq)]
pub struct Unsaid {
    pub restraint: Restraint,
    /// The team whose owners decide; `None` where no system was named.
    pub team: Option<String>,
    /// `None` when nothing would have been said, or it is only watched.
    pub draft: Option<Withheld>,
}

/// What would have been said, and done with it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Withheld {
    pub says: Message,
    pub ticket: Option<NewTicket>,
    /// Words for tickets already filed: (key, text).
    pub comments: Vec<(String, String)>,
    pub hand_over: bool,
    pub cited_documents: Vec<String>,
    /// Audiences it was written for.
    pub readers: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SuggestionState {
    /// Nobody has decided, and nobody has replied.
    Waiting,
    /// Somebody replied first: it can be read, not posted.
    Overtaken,
    Posted,
    Dismissed,
}

impl SuggestionState {
    pub const ALL: [SuggestionState; 4] = [
        SuggestionState::Waiting,
        SuggestionState::Overtaken,
        SuggestionState::Posted,
        SuggestionState::Dismissed,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            SuggestionState::Waiting => "waiting",
            SuggestionState::Overtaken => "overtaken",
            SuggestionState::Posted => "posted",
            SuggestionState::Dismissed => "dismissed",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        SuggestionState::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// A suggestion as support owners decide on it.
#[derive(Debug, Clone, PartialEq)]
pub struct Suggestion {
    pub request_id: String,
    pub conversation_id: String,
    pub team: Option<String>,
    pub state: SuggestionState,
    pub draft: Withheld,
    pub requester: String,
    /// Redacted.
    pub text: String,
    pub kind: Option<Kind>,
    pub system: Option<String>,
    pub confidence: f64,
    pub action: String,
    /// Filed when it was posted.
    pub ticket_key: Option<String>,
    pub received_at: i64,
    /// When the request was last settled: changes with the draft.
    pub version: i64,
    pub decided_by: Option<String>,
    pub decided_at: Option<i64>,
}

/// How posting a suggestion ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Posting {
    /// With the key of the ticket that was filed with it.
    Posted(Option<String>),
    /// Somebody replied first.
    Overtaken,
    /// It was decided before, or reads differently by now.
    Changed,
}
