//! What follows from a timeline.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Entry, Fact, OPERATOR, Role, Severity, Stamp, Status, Task, TaskState};

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
    pub merged_into: Option<String>,
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
            merged_into: None,
            people: BTreeSet::new(),
        };
        if !suspected {
            state.stamps.insert(Stamp::Declared, first.at);
        }
        state.meet(&first.by);
        Some(state)
    }

    fn meet(&mut self, who: &str) {
        if !who.is_empty() && who != OPERATOR {
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
            Fact::MergedInto { key } => {
                self.become_status(Status::Merged);
                self.merged_into = Some(key.clone());
            }
            Fact::Unmerged { .. } if self.status == Status::Merged => {
                self.status = self.was;
                self.merged_into = None;
            }
            Fact::Note { .. }
            | Fact::Decision { .. }
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
