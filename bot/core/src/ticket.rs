//! Tickets: kinds, the fields of each kind, the priority matrix and the lifecycle.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

macro_rules! word_enum {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum $name { $($(#[$vmeta])* #[serde(rename = $word)] $variant),+ }

        impl $name {
            pub const ALL: &[$name] = &[$($name::$variant),+];

            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word),+ }
            }

            /// The variant of exactly this word; `None` for anything else.
            pub fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some($name::$variant),)+ _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

pub(crate) use word_enum;

word_enum! {
    /// What a request is about (ITIL's practices, in the words of a chat).
    Kind {
        /// Something that worked is unavailable, failing or badly degraded.
        Incident = "incident",
        /// A system behaves or computes wrongly; no outage; needs a fix.
        Bug = "bug",
        /// Something is to be added, altered, granted or removed.
        Change = "change",
        /// The trouble is in how work is done.
        Process = "process",
        /// How-to or information that knowledge can answer.
        Question = "question",
        /// Not a request.
        None = "none",
    }
}

word_enum! {
    /// How many are affected.
    Impact { One = "one", Team = "team", Many = "many", Org = "org" }
}

word_enum! {
    Urgency { Low = "low", Normal = "normal", High = "high" }
}

word_enum! {
    /// From the impact x urgency matrix; P1 is the most pressing.
    Priority { P1 = "P1", P2 = "P2", P3 = "P3", P4 = "P4" }
}

word_enum! {
    Sentiment { Negative = "negative", Neutral = "neutral", Positive = "positive" }
}

word_enum! {
    /// A system's weight for the business, from the catalogue.
    Criticality { Low = "low", Medium = "medium", High = "high" }
}

word_enum! {
    Status {
        New = "new",
        Triaged = "triaged",
        InProgress = "in_progress",
        Waiting = "waiting",
        Resolved = "resolved",
        Closed = "closed",
    }
}

impl Status {
    pub fn is_open(self) -> bool {
        !matches!(self, Status::Resolved | Status::Closed)
    }

    /// Whether a person may move a ticket from `self` to `to`. Reopening leads to
    /// `triaged`; nothing returns to `new`; what is closed can only be reopened.
    pub fn may_become(self, to: Status) -> bool {
        use Status::*;
        match (self, to) {
            (_, New) => false,
            (from, to) if from == to => false,
            (Closed, to) => to == Triaged,
            (Resolved, to) => matches!(to, Triaged | Closed),
            (_, _) => true,
        }
    }
}

/// Priority by impact and urgency; rows are impacts in [`Impact::ALL`] order, columns
/// urgencies in [`Urgency::ALL`] order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PriorityMatrix(pub [[Priority; 3]; 4]);

impl Default for PriorityMatrix {
    fn default() -> Self {
        use Priority::*;
        PriorityMatrix([
            // low, normal, high
            [P4, P4, P3], // one
            [P4, P3, P2], // team
            [P3, P2, P1], // many
            [P3, P1, P1], // org
        ])
    }
}

impl PriorityMatrix {
    pub fn priority(&self, impact: Impact, urgency: Urgency) -> Priority {
        self.0[impact as usize][urgency as usize]
    }
}

/// Values of a ticket's structured fields, by field name.
pub type TicketFields = BTreeMap<String, String>;

/// A structured field of a kind of ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct FieldSpec {
    /// Name in JSON and in the store.
    pub name: &'static str,
    pub label: &'static str,
    /// Asked for when the request does not say it.
    pub wanted: bool,
    pub multiline: bool,
}

const fn field(
    name: &'static str,
    label: &'static str,
    wanted: bool,
    multiline: bool,
) -> FieldSpec {
    FieldSpec { name, label, wanted, multiline }
}

/// The structured fields of each kind, in the order a form shows them.
pub fn fields_of(kind: Kind) -> &'static [FieldSpec] {
    const INCIDENT: &[FieldSpec] = &[
        field("since", "Since when", true, false),
        field("affected", "Who is affected", true, false),
        field("error", "Error text", false, true),
    ];
    const BUG: &[FieldSpec] = &[
        field("steps", "Steps", true, true),
        field("expected", "Expected", true, false),
        field("actual", "What happens instead", true, false),
        field("where", "Where", false, false),
    ];
    const CHANGE: &[FieldSpec] = &[
        field("what", "What is to change", true, true),
        field("why", "Why", true, false),
        field("needed_by", "Needed by", false, false),
        field("approver", "Approver", false, false),
    ];
    const PROCESS: &[FieldSpec] = &[
        field("process", "Process", true, false),
        field("trouble", "What goes wrong", true, true),
        field("parties", "Who takes part", false, false),
    ];
    const QUESTION: &[FieldSpec] = &[field("tried", "What was tried", false, true)];
    match kind {
        Kind::Incident => INCIDENT,
        Kind::Bug => BUG,
        Kind::Change => CHANGE,
        Kind::Process => PROCESS,
        Kind::Question => QUESTION,
        Kind::None => &[],
    }
}

/// `FL-123` from 123.
pub fn key(number: i64) -> String {
    format!("FL-{number}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_variants_agree() {
        for kind in Kind::ALL {
            assert_eq!(Kind::parse(kind.as_str()), Some(*kind));
        }
        assert_eq!(Kind::parse("Incident"), None);
        assert_eq!(serde_json::to_string(&Priority::P1).ok().as_deref(), Some("\"P1\""));
    }

    #[test]
    fn lifecycle() {
        use Status::*;
        for (from, to, may) in [
            (New, Triaged, true),
            (New, Resolved, true),
            (Triaged, New, false),
            (Triaged, Triaged, false),
            (Waiting, InProgress, true),
            (Resolved, Triaged, true),
            (Resolved, Closed, true),
            (Resolved, Waiting, false),
            (Closed, Triaged, true),
            (Closed, Resolved, false),
        ] {
            assert_eq!(from.may_become(to), may, "{from} -> {to}");
        }
    }

    #[test]
    fn priorities_rise_with_impact_and_with_urgency() {
        let matrix = PriorityMatrix::default();
        for impact in Impact::ALL {
            for pair in Urgency::ALL.windows(2) {
                assert!(matrix.priority(*impact, pair[1]) <= matrix.priority(*impact, pair[0]));
            }
        }
        assert_eq!(matrix.priority(Impact::One, Urgency::Normal), Priority::P4);
        assert_eq!(matrix.priority(Impact::Org, Urgency::High), Priority::P1);
    }
}
