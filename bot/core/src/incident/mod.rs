//! Incidents. What is known of one follows from its timeline alone: [`State::replay`] of the
//! entries is the incident. What may be done is in [`decide`], what people type in [`verb`].

pub mod decide;
mod state;
pub mod verb;

use serde::{Deserialize, Serialize};

use crate::ticket::word_enum;

pub use state::State;

word_enum! {
    /// How bad it is; SEV1 is the worst. The organisation's definitions are in its configuration.
    Severity { Sev1 = "SEV1", Sev2 = "SEV2", Sev3 = "SEV3", Sev4 = "SEV4" }
}

word_enum! {
    Status {
        /// Suspected; somebody accepts or declines it.
        Triage = "triage",
        Investigating = "investigating",
        /// The cause is known.
        Identified = "identified",
        /// It is mitigated and watched.
        Monitoring = "monitoring",
        Resolved = "resolved",
        /// Nothing is left to do with it.
        Closed = "closed",
        /// It was none.
        Declined = "declined",
        /// It goes on in another incident.
        Merged = "merged",
    }
}

word_enum! {
    /// Moments an incident is measured by.
    Stamp {
        ImpactStarted = "impact_started",
        Detected = "detected",
        Declared = "declared",
        /// Somebody commands it.
        Acknowledged = "acknowledged",
        Mitigated = "mitigated",
        Resolved = "resolved",
    }
}

impl Severity {
    /// `SEV2`, `sev-2`, `2`.
    pub fn read(word: &str) -> Option<Severity> {
        let word = word.to_lowercase();
        let number = word.strip_prefix("sev").unwrap_or(&word).trim_start_matches(['-', ' ']);
        Severity::parse(&format!("SEV{number}"))
    }
}

impl Status {
    /// Somebody works on it.
    pub fn is_active(self) -> bool {
        matches!(self, Status::Investigating | Status::Identified | Status::Monitoring)
    }

    pub fn is_open(self) -> bool {
        self == Status::Triage || self.is_active()
    }

    /// Where it may go from here by saying so. Accepting, declining, merging and unmerging are acts
    /// of their own.
    pub fn next(self) -> &'static [Status] {
        use Status::*;
        match self {
            Investigating => &[Identified, Monitoring, Resolved],
            Identified => &[Investigating, Monitoring, Resolved],
            Monitoring => &[Investigating, Identified, Resolved],
            // Back to work: it was not over.
            Resolved => &[Investigating, Closed],
            Closed => &[Investigating],
            Triage | Declined | Merged => &[],
        }
    }
}

/// What somebody does in an incident.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Role {
    Commander,
    Deputy,
    Scribe,
    Communications,
    Operations,
    Expert,
    /// An organisation's own, in lower case.
    Custom(String),
}

impl Role {
    pub const KNOWN: [(Role, &str); 6] = [
        (Role::Commander, "commander"),
        (Role::Deputy, "deputy"),
        (Role::Scribe, "scribe"),
        (Role::Communications, "communications"),
        (Role::Operations, "operations"),
        (Role::Expert, "expert"),
    ];

    /// The role a word names, also by what other products call it; any other word is a role of the
    /// organisation's own.
    pub fn named(word: &str) -> Role {
        let word = word.trim().to_lowercase();
        match word.as_str() {
            "commander" | "ic" | "lead" | "incident commander" | "manager" => Role::Commander,
            "deputy" | "second" => Role::Deputy,
            "scribe" | "notes" => Role::Scribe,
            "communications" | "comms" | "communication" | "liaison" => Role::Communications,
            "operations" | "ops" => Role::Operations,
            "expert" | "sme" | "subject-matter expert" => Role::Expert,
            _ => Role::Custom(word),
        }
    }

    pub fn as_str(&self) -> &str {
        match self {
            Role::Custom(word) => word,
            known => Role::KNOWN.iter().find(|(role, _)| role == known).map_or("", |(_, w)| w),
        }
    }
}

impl From<String> for Role {
    fn from(word: String) -> Role {
        Role::named(&word)
    }
}

impl From<Role> for String {
    fn from(role: Role) -> String {
        role.as_str().to_owned()
    }
}

/// How an offer of command ended without being taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OfferEnd {
    Refused,
    Withdrawn,
    TimedOut,
}

/// What happened, as the timeline keeps it. People are named by their addresses; times are epoch
/// milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "snake_case")]
pub enum Fact {
    Declared {
        title: String,
        severity: Severity,
        system: Option<String>,
        private: bool,
        drill: bool,
        /// It waits to be accepted.
        suspected: bool,
    },
    Accepted,
    Declined {
        reason: String,
    },
    Severity {
        from: Severity,
        to: Severity,
        why: String,
    },
    Status {
        from: Status,
        to: Status,
        text: String,
    },
    Impact {
        text: String,
    },
    Title {
        from: String,
        to: String,
    },
    System {
        from: Option<String>,
        to: Option<String>,
    },
    Private {
        private: bool,
    },
    /// `was` is what a correction replaces.
    Stamped {
        stamp: Stamp,
        at: i64,
        was: Option<i64>,
    },
    Role {
        role: Role,
        who: String,
    },
    RoleLeft {
        role: Role,
        who: String,
    },
    /// Command is offered, and stays where it is until it is taken.
    Offered {
        to: String,
    },
    OfferEnded {
        to: String,
        how: OfferEnd,
    },
    Note {
        text: String,
    },
    Decision {
        what: String,
        why: String,
        instead: String,
    },
    Task {
        id: u32,
        text: String,
        owner: Option<String>,
        due: Option<i64>,
        follow_up: bool,
    },
    TaskDone {
        id: u32,
    },
    TaskDropped {
        id: u32,
        reason: String,
    },
    MergedInto {
        key: String,
    },
    /// On the other one: what was merged into it.
    Merged {
        key: String,
    },
    Unmerged {
        key: String,
    },
    /// An earlier entry reads so now.
    Corrected {
        seq: u32,
        text: String,
    },
    /// An earlier entry is kept out of the public version, or no longer is.
    Hidden {
        seq: u32,
        hidden: bool,
    },
}

impl Fact {
    /// What people said in it.
    pub fn texts(&mut self) -> Vec<&mut String> {
        match self {
            Fact::Declared { title, .. } => vec![title],
            Fact::Declined { reason } | Fact::TaskDropped { reason, .. } => vec![reason],
            Fact::Severity { why, .. } => vec![why],
            Fact::Title { to, .. } => vec![to],
            Fact::Decision { what, why, instead } => vec![what, why, instead],
            Fact::Status { text, .. }
            | Fact::Impact { text }
            | Fact::Note { text }
            | Fact::Task { text, .. }
            | Fact::Corrected { text, .. } => vec![text],
            Fact::System { to, .. } => to.iter_mut().collect(),
            Fact::Accepted
            | Fact::Private { .. }
            | Fact::Stamped { .. }
            | Fact::Role { .. }
            | Fact::RoleLeft { .. }
            | Fact::Offered { .. }
            | Fact::OfferEnded { .. }
            | Fact::TaskDone { .. }
            | Fact::MergedInto { .. }
            | Fact::Merged { .. }
            | Fact::Unmerged { .. }
            | Fact::Hidden { .. } => vec![],
        }
    }
}

/// Stands for whoever ran a command on the data without saying who they are.
pub const OPERATOR: &str = "operator";

/// One line of a timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// From 1, without gaps.
    pub seq: u32,
    pub at: i64,
    /// Who did it; empty for Firstline itself.
    pub by: String,
    pub fact: Fact,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    pub id: u32,
    pub text: String,
    pub owner: Option<String>,
    pub due: Option<i64>,
    /// It is still to be done when the incident is over.
    pub follow_up: bool,
    pub state: TaskState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskState {
    Open,
    Done,
    Dropped,
}

/// The key of an incident by its number: `INC-12`.
pub fn key(number: i64) -> String {
    format!("INC-{number}")
}

/// The key a word is: `INC-12`, `inc 12`, `#12`, `12`.
pub fn read_key(word: &str) -> Option<String> {
    let word = word.trim().to_lowercase();
    let number = word.strip_prefix("inc").unwrap_or(&word).trim_start_matches(['-', ' ', '#']);
    let digits = !number.is_empty() && number.len() <= 9;
    (digits && number.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| number.parse().ok().map(key))
        .flatten()
}
