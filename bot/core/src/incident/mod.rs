//! Incidents. What is known of one follows from its timeline alone: [`State::replay`] of the
//! entries is the incident. What may be done is in [`decide`], what people type in [`verb`].

pub mod decide;
pub mod verb;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::ticket::word_enum;

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
    /// For everybody concerned if `public`, else for those who work on it.
    Update {
        text: String,
        public: bool,
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
    /// A ticket hangs on it, or no longer does.
    Attached {
        ticket: String,
    },
    Detached {
        ticket: String,
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

/// An incident as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// The last entry's number.
    pub version: u32,
    pub title: String,
    pub severity: Severity,
    pub status: Status,
    /// Before it was merged or closed.
    was: Status,
    pub system: Option<String>,
    pub impact: String,
    pub private: bool,
    pub drill: bool,
    pub stamps: BTreeMap<Stamp, i64>,
    pub roles: BTreeMap<Role, String>,
    /// To whom command is offered, and since when.
    pub offer: Option<(String, i64)>,
    pub tasks: Vec<Task>,
    pub tickets: BTreeSet<String>,
    pub merged_into: Option<String>,
    /// What was last told everybody, and when.
    pub last_update: Option<(i64, String)>,
    /// Whoever did something in it, and whoever has a role.
    pub people: BTreeSet<String>,
}

impl State {
    /// The incident a timeline tells. `None` if it does not begin with a declaration.
    pub fn replay<'e>(entries: impl IntoIterator<Item = &'e Entry>) -> Option<State> {
        let mut entries = entries.into_iter();
        let mut state = State::begun(entries.next()?)?;
        entries.for_each(|entry| state.apply(entry));
        Some(state)
    }

    fn begun(first: &Entry) -> Option<State> {
        let Fact::Declared { title, severity, system, private, drill, suspected } = &first.fact
        else {
            return None;
        };
        let status = if *suspected { Status::Triage } else { Status::Investigating };
        let mut state = State {
            version: first.seq,
            title: title.clone(),
            severity: *severity,
            status,
            was: status,
            system: system.clone(),
            impact: String::new(),
            private: *private,
            drill: *drill,
            stamps: BTreeMap::from([(Stamp::Detected, first.at)]),
            roles: BTreeMap::new(),
            offer: None,
            tasks: Vec::new(),
            tickets: BTreeSet::new(),
            merged_into: None,
            last_update: None,
            people: BTreeSet::new(),
        };
        if !suspected {
            state.stamps.insert(Stamp::Declared, first.at);
        }
        state.meet(&first.by);
        Some(state)
    }

    fn meet(&mut self, who: &str) {
        if !who.is_empty() {
            self.people.insert(who.to_owned());
        }
    }

    /// Takes in the next entry.
    pub fn apply(&mut self, entry: &Entry) {
        self.version = entry.seq;
        self.meet(&entry.by);
        match &entry.fact {
            Fact::Declared { .. } => {}
            Fact::Accepted => {
                self.become_status(Status::Investigating);
                self.stamps.insert(Stamp::Declared, entry.at);
            }
            Fact::Declined { .. } => self.become_status(Status::Declined),
            Fact::Severity { to, .. } => self.severity = *to,
            Fact::Status { to, .. } => self.become_status(*to),
            Fact::Impact { text } => self.impact = text.clone(),
            Fact::Title { to, .. } => self.title = to.clone(),
            Fact::System { to, .. } => self.system = to.clone(),
            Fact::Private { private } => self.private = *private,
            Fact::Stamped { stamp, at, .. } => {
                self.stamps.insert(*stamp, *at);
            }
            Fact::Role { role, who } => {
                self.meet(who);
                self.roles.insert(role.clone(), who.clone());
                if *role == Role::Commander {
                    self.offer = None;
                }
            }
            Fact::RoleLeft { role, .. } => {
                self.roles.remove(role);
            }
            Fact::Offered { to } => {
                self.meet(to);
                self.offer = Some((to.clone(), entry.at));
            }
            Fact::OfferEnded { .. } => self.offer = None,
            Fact::Task { id, text, owner, due, follow_up } => self.tasks.push(Task {
                id: *id,
                text: text.clone(),
                owner: owner.clone(),
                due: *due,
                follow_up: *follow_up,
                state: TaskState::Open,
            }),
            Fact::TaskDone { id } => self.end_task(*id, TaskState::Done),
            Fact::TaskDropped { id, .. } => self.end_task(*id, TaskState::Dropped),
            Fact::Update { text, public: true } => {
                self.last_update = Some((entry.at, text.clone()));
            }
            Fact::MergedInto { key } => {
                self.become_status(Status::Merged);
                self.merged_into = Some(key.clone());
            }
            Fact::Unmerged { .. } if self.status == Status::Merged => {
                self.status = self.was;
                self.merged_into = None;
            }
            Fact::Attached { ticket } => {
                self.tickets.insert(ticket.clone());
            }
            Fact::Detached { ticket } => {
                self.tickets.remove(ticket);
            }
            Fact::Note { .. }
            | Fact::Decision { .. }
            | Fact::Update { .. }
            | Fact::Merged { .. }
            | Fact::Unmerged { .. }
            | Fact::Corrected { .. }
            | Fact::Hidden { .. } => {}
        }
    }

    fn become_status(&mut self, to: Status) {
        self.was = self.status;
        self.status = to;
    }

    fn end_task(&mut self, id: u32, how: TaskState) {
        self.tasks.iter_mut().filter(|task| task.id == id).for_each(|task| task.state = how);
    }

    pub fn commander(&self) -> Option<&str> {
        self.roles.get(&Role::Commander).map(String::as_str)
    }

    pub fn open_tasks(&self) -> impl Iterator<Item = &Task> {
        self.tasks.iter().filter(|task| task.state == TaskState::Open)
    }
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
