//! What may be done with an incident: a pure function of how it stands, what is asked for, who asks
//! and when. What it allows becomes entries of the timeline; what it refuses says what is possible
//! instead.

use super::{Fact, OfferEnd, Role, Severity, Stamp, State, Status, TaskState};

/// What somebody wants done with an incident that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verb {
    /// A suspected one is one.
    Accept,
    Decline {
        reason: String,
    },
    Severity {
        to: Severity,
        why: String,
    },
    Status {
        to: Status,
        text: String,
    },
    Impact {
        text: String,
    },
    Title {
        to: String,
    },
    System {
        to: Option<String>,
    },
    Private {
        private: bool,
    },
    Stamp {
        stamp: Stamp,
        at: i64,
    },
    /// Command is offered to them unless nobody has it; other roles are given.
    Role {
        role: Role,
        who: String,
    },
    Take {
        role: Role,
    },
    Leave {
        role: Role,
    },
    AcceptCommand,
    RefuseCommand,
    Note {
        text: String,
    },
    Decision {
        what: String,
        why: String,
        instead: String,
    },
    Task {
        text: String,
        owner: Option<String>,
        due: Option<i64>,
        follow_up: bool,
    },
    TaskDone {
        id: u32,
    },
    TaskDrop {
        id: u32,
        reason: String,
    },
    Correct {
        seq: u32,
        text: String,
    },
    Hide {
        seq: u32,
        hidden: bool,
    },
}

/// A new incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declaration {
    pub title: String,
    pub severity: Severity,
    pub system: Option<String>,
    pub private: bool,
    pub drill: bool,
    /// It waits to be accepted.
    pub suspected: bool,
}

/// What somebody may do in incidents, by their groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    Employee,
    Responder,
    Commander,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    pub email: String,
    pub rank: Rank,
}

/// Why nothing was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// Not from this status; the ones it may go to.
    Not {
        status: Status,
        next: &'static [Status],
    },
    /// Who may.
    Only(Rank),
    /// It already is so.
    AlreadySo,
    /// A word is missing, by the name of what is to be said.
    Missing(&'static str),
    /// Somebody else commands it, and was not asked.
    Commands {
        who: String,
    },
    /// Nobody offered it to them.
    NotOffered,
    /// No such task that is open.
    NoTask {
        id: u32,
    },
    NoEntry {
        seq: u32,
    },
    /// It has not come to that; the moment cannot be corrected.
    NotYet {
        stamp: Stamp,
    },
    /// The moment lies in the future, or before one that comes first.
    When {
        stamp: Stamp,
        against: Option<Stamp>,
    },
    /// A private incident and one that everybody sees cannot become one.
    OnePrivate,
    /// Nobody has the role.
    NobodyHas {
        role: Role,
    },
}

/// Milliseconds an offer of command stands.
pub const OFFER_MS: i64 = 10 * 60_000;

/// The first entry of a new incident's timeline.
///
/// # Errors
/// Without a title.
pub fn declare(declaration: Declaration) -> Result<Fact, Refusal> {
    let Declaration { title, severity, system, private, drill, suspected } = declaration;
    let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
    if title.is_empty() {
        return Err(Refusal::Missing("what is wrong"));
    }
    Ok(Fact::Declared { title, severity, system, private, drill, suspected })
}

/// The entries that what was asked for leaves in the timeline.
///
/// # Errors
/// When it may not be done, or not now.
pub fn decide(state: &State, verb: Verb, actor: &Actor, now: i64) -> Result<Vec<Fact>, Refusal> {
    let is_commander = state.commander() == Some(actor.email.as_str());
    let needs = |rank: Rank| {
        if actor.rank >= rank || is_commander { Ok(()) } else { Err(Refusal::Only(rank)) }
    };
    let not_now = || Refusal::Not { status: state.status, next: state.status.next() };
    let worked_on = || if state.status.is_active() { Ok(()) } else { Err(not_now()) };
    match verb {
        Verb::Accept => {
            needs(Rank::Responder)?;
            if state.status != Status::Triage {
                return Err(not_now());
            }
            Ok(vec![Fact::Accepted])
        }
        Verb::Decline { reason } => {
            needs(Rank::Responder)?;
            if state.status != Status::Triage {
                return Err(not_now());
            }
            Ok(vec![Fact::Declined { reason: said(reason, "why it is none")? }])
        }
        Verb::Severity { to, why } => {
            needs(Rank::Responder)?;
            if !state.status.is_open() {
                return Err(not_now());
            }
            let from = changed(&state.severity, &to)?;
            Ok(vec![Fact::Severity { from: *from, to, why }])
        }
        Verb::Status { to, text } => {
            needs(Rank::Responder)?;
            become_status(state, to, text, now, needs(Rank::Commander))
        }
        Verb::Impact { text } => {
            needs(Rank::Responder)?;
            worked_on()?;
            let text = said(text, "who is affected, and how")?;
            changed(&state.impact, &text)?;
            Ok(vec![Fact::Impact { text }])
        }
        Verb::Title { to } => {
            needs(Rank::Responder)?;
            let to = said(to, "the new title")?;
            let from = changed(&state.title, &to)?.clone();
            Ok(vec![Fact::Title { from, to }])
        }
        Verb::System { to } => {
            needs(Rank::Responder)?;
            let from = changed(&state.system, &to)?.clone();
            Ok(vec![Fact::System { from, to }])
        }
        Verb::Private { private } => {
            needs(Rank::Commander)?;
            changed(&state.private, &private)?;
            Ok(vec![Fact::Private { private }])
        }
        Verb::Stamp { stamp, at } => {
            needs(Rank::Responder)?;
            let was = state.stamps.get(&stamp).copied();
            if was.is_none() && !matches!(stamp, Stamp::ImpactStarted | Stamp::Detected) {
                return Err(Refusal::NotYet { stamp });
            }
            in_order(state, stamp, at, now)?;
            changed(&was, &Some(at))?;
            Ok(vec![Fact::Stamped { stamp, at, was }])
        }
        Verb::Role { role, who } => {
            needs(Rank::Responder)?;
            worked_on()?;
            give(state, role, who, actor, now)
        }
        Verb::Take { role } => {
            worked_on()?;
            take(state, role, actor, now)
        }
        Verb::Leave { role } => {
            let Some(who) = state.roles.get(&role).cloned() else {
                return Err(Refusal::NobodyHas { role });
            };
            if who != actor.email {
                needs(Rank::Responder)?;
            }
            Ok(vec![Fact::RoleLeft { role, who }])
        }
        Verb::AcceptCommand => {
            worked_on()?;
            match &state.offer {
                Some((to, since)) if *to == actor.email && now - since <= OFFER_MS => {
                    Ok(commanded_by(state, &actor.email, now))
                }
                _ => Err(Refusal::NotOffered),
            }
        }
        Verb::RefuseCommand => match &state.offer {
            Some((to, _)) if *to == actor.email => {
                Ok(vec![Fact::OfferEnded { to: to.clone(), how: OfferEnd::Refused }])
            }
            Some((to, _)) if is_commander => {
                Ok(vec![Fact::OfferEnded { to: to.clone(), how: OfferEnd::Withdrawn }])
            }
            _ => Err(Refusal::NotOffered),
        },
        Verb::Note { text } => Ok(vec![Fact::Note { text: said(text, "the note")? }]),
        Verb::Decision { what, why, instead } => {
            Ok(vec![Fact::Decision { what: said(what, "what was decided")?, why, instead }])
        }
        Verb::Task { text, owner, due, follow_up } => {
            let text = said(text, "what is to be done")?;
            let id = state.tasks.iter().map(|task| task.id).max().unwrap_or(0) + 1;
            Ok(vec![Fact::Task { id, text, owner, due, follow_up }])
        }
        Verb::TaskDone { id } => {
            open_task(state, id)?;
            Ok(vec![Fact::TaskDone { id }])
        }
        Verb::TaskDrop { id, reason } => {
            open_task(state, id)?;
            Ok(vec![Fact::TaskDropped { id, reason: said(reason, "why it is dropped")? }])
        }
        Verb::Correct { seq, text } => {
            needs(Rank::Responder)?;
            known(state, seq)?;
            Ok(vec![Fact::Corrected { seq, text: said(text, "how it reads instead")? }])
        }
        Verb::Hide { seq, hidden } => {
            needs(Rank::Responder)?;
            known(state, seq)?;
            Ok(vec![Fact::Hidden { seq, hidden }])
        }
    }
}

/// Merging an incident into another one that goes on: what each timeline says.
///
/// # Errors
/// Unless both are open and the actor may.
pub fn merge(
    from: (&str, &State),
    into: (&str, &State),
    actor: &Actor,
) -> Result<(Fact, Fact), Refusal> {
    may_merge(from.1, actor)?;
    if from.0 == into.0 {
        return Err(Refusal::AlreadySo);
    }
    // Either timeline would tell of the other to people who may not know of it.
    if from.1.private != into.1.private {
        return Err(Refusal::OnePrivate);
    }
    for state in [from.1, into.1] {
        if !state.status.is_open() {
            return Err(Refusal::Not { status: state.status, next: state.status.next() });
        }
    }
    Ok((Fact::MergedInto { key: into.0.to_owned() }, Fact::Merged { key: from.0.to_owned() }))
}

/// Undoes a merge: what both timelines say.
///
/// # Errors
/// Unless it is merged and the actor may.
pub fn unmerge(key: &str, state: &State, actor: &Actor) -> Result<(Fact, Fact), Refusal> {
    may_merge(state, actor)?;
    match &state.merged_into {
        Some(into) => {
            Ok((Fact::Unmerged { key: into.clone() }, Fact::Unmerged { key: key.to_owned() }))
        }
        None => Err(Refusal::Not { status: state.status, next: state.status.next() }),
    }
}

fn may_merge(state: &State, actor: &Actor) -> Result<(), Refusal> {
    let commands = state.commander() == Some(actor.email.as_str());
    let may = commands || actor.rank >= Rank::Responder;
    if may { Ok(()) } else { Err(Refusal::Only(Rank::Responder)) }
}

/// What Firstline does by itself as time passes.
pub fn passes(state: &State, now: i64) -> Vec<Fact> {
    let timed_out = state.offer.iter().filter(|(_, since)| now - since > OFFER_MS);
    timed_out.map(|(to, _)| Fact::OfferEnded { to: to.clone(), how: OfferEnd::TimedOut }).collect()
}

fn become_status(
    state: &State,
    to: Status,
    text: String,
    now: i64,
    may_close: Result<(), Refusal>,
) -> Result<Vec<Fact>, Refusal> {
    let from = *changed(&state.status, &to)?;
    if !from.next().contains(&to) {
        return Err(Refusal::Not { status: from, next: from.next() });
    }
    if to == Status::Closed || from == Status::Closed {
        may_close?;
    }
    let mut facts = vec![Fact::Status { from, to, text }];
    let stamp = match to {
        Status::Monitoring => Some(Stamp::Mitigated),
        Status::Resolved => Some(Stamp::Resolved),
        _ => None,
    };
    if let Some(stamp) = stamp {
        // What is resolved is mitigated; a second time counts anew only for what comes last.
        if stamp == Stamp::Resolved && !state.stamps.contains_key(&Stamp::Mitigated) {
            facts.push(Fact::Stamped { stamp: Stamp::Mitigated, at: now, was: None });
        }
        let was = state.stamps.get(&stamp).copied();
        if stamp == Stamp::Resolved || was.is_none() {
            facts.push(Fact::Stamped { stamp, at: now, was });
        }
    }
    Ok(facts)
}

/// Somebody commands it from now on.
fn commanded_by(state: &State, who: &str, now: i64) -> Vec<Fact> {
    let mut facts = vec![Fact::Role { role: Role::Commander, who: who.to_owned() }];
    if !state.stamps.contains_key(&Stamp::Acknowledged) {
        facts.push(Fact::Stamped { stamp: Stamp::Acknowledged, at: now, was: None });
    }
    facts
}

fn give(
    state: &State,
    role: Role,
    who: String,
    actor: &Actor,
    now: i64,
) -> Result<Vec<Fact>, Refusal> {
    let who = said(who, "who")?;
    let has = state.roles.get(&role);
    changed(&has, &Some(&who))?;
    match has {
        Some(commander) if role == Role::Commander => {
            if *commander != actor.email && actor.rank < Rank::Commander {
                return Err(Refusal::Commands { who: commander.clone() });
            }
            Ok(vec![Fact::Offered { to: who }])
        }
        None if role == Role::Commander => Ok(commanded_by(state, &who, now)),
        _ => Ok(vec![Fact::Role { role, who }]),
    }
}

fn take(state: &State, role: Role, actor: &Actor, now: i64) -> Result<Vec<Fact>, Refusal> {
    let has = state.roles.get(&role);
    changed(&has.map(String::as_str), &Some(actor.email.as_str()))?;
    // Whoever is there may help; to lead, and to take a role from somebody, is for responders.
    let helps = role != Role::Commander && has.is_none();
    if !helps && actor.rank < Rank::Responder {
        return Err(Refusal::Only(Rank::Responder));
    }
    if role != Role::Commander {
        return Ok(vec![Fact::Role { role, who: actor.email.clone() }]);
    }
    let offered = state.offer.as_ref().is_some_and(|(to, _)| *to == actor.email);
    match has {
        // Whoever leads incidents may step in; the timeline says so.
        Some(who) if !offered && actor.rank < Rank::Commander => {
            Err(Refusal::Commands { who: who.clone() })
        }
        _ => Ok(commanded_by(state, &actor.email, now)),
    }
}

/// Moments come one after the other, and none lies ahead.
fn in_order(state: &State, stamp: Stamp, at: i64, now: i64) -> Result<(), Refusal> {
    if at > now {
        return Err(Refusal::When { stamp, against: None });
    }
    // When it was declared and acknowledged depends on people, so only these bound each other.
    let order = [Stamp::ImpactStarted, Stamp::Detected, Stamp::Mitigated, Stamp::Resolved];
    let place = order.iter().position(|known| *known == stamp);
    for (n, other) in order.iter().enumerate() {
        let (Some(place), Some(known)) = (place, state.stamps.get(other)) else { continue };
        if (n < place && *known > at) || (n > place && *known < at) {
            return Err(Refusal::When { stamp, against: Some(*other) });
        }
    }
    Ok(())
}

fn open_task(state: &State, id: u32) -> Result<(), Refusal> {
    let open = state.tasks.iter().any(|task| task.id == id && task.state == TaskState::Open);
    if open { Ok(()) } else { Err(Refusal::NoTask { id }) }
}

fn known(state: &State, seq: u32) -> Result<(), Refusal> {
    if (1..=state.version).contains(&seq) { Ok(()) } else { Err(Refusal::NoEntry { seq }) }
}

fn said(text: String, what: &'static str) -> Result<String, Refusal> {
    let text = text.trim();
    if text.is_empty() { Err(Refusal::Missing(what)) } else { Ok(text.to_owned()) }
}

/// What was, if it is to be something else.
fn changed<'a, T: PartialEq>(was: &'a T, to: &T) -> Result<&'a T, Refusal> {
    if was == to { Err(Refusal::AlreadySo) } else { Ok(was) }
}

#[cfg(test)]
mod tests;
