//! What is said of incidents: how one stands, what its timeline tells, why an act was not done. For
//! the command line and the console, in English; times are UTC, as in the record.

use jiff::Timestamp;

use crate::incident::decide::{Rank, Refusal};
use crate::incident::verb::Misread;
use crate::incident::{Entry, Fact, OfferEnd, Role, Stamp, State, Status, TaskState};

/// From an address to the name people know.
pub type Names<'a> = &'a dyn Fn(&str) -> String;

/// A sentence, and the entries of the timeline it rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sentence {
    pub text: String,
    pub cites: Vec<u32>,
}

/// Why nothing was done, and what is possible instead.
pub fn refusal(refusal: &Refusal) -> String {
    match refusal {
        Refusal::Not { status, next: [] } => match status {
            Status::Triage => "It is only suspected: accept or decline it first.".to_owned(),
            Status::Merged => "It was merged into another incident; unmerge it first.".to_owned(),
            other => format!("It is {other}; nothing more can be done with it."),
        },
        Refusal::Not { status, next } => {
            let words: Vec<&str> = next.iter().map(|next| next.as_str()).collect();
            format!("It is {status}. From there it can become {}.", words.join(", "))
        }
        Refusal::Only(Rank::Commander) => {
            "Only its commander and people in a commander group can do that.".to_owned()
        }
        Refusal::Only(_) => {
            "Only its commander, support owners and people in a commander group can do that."
                .to_owned()
        }
        Refusal::AlreadySo => "It already is so.".to_owned(),
        Refusal::Missing(what) => format!("Say {what}."),
        Refusal::Commands { who } => {
            format!("{who} commands it. Ask them to hand command over, or to offer it.")
        }
        Refusal::NotOffered => {
            "Nobody offers command now; `take commander` asks for it.".to_owned()
        }
        Refusal::NoTask { id } => format!("There is no open task {id}; `tasks` lists them."),
        Refusal::NoEntry { seq } => {
            format!("The timeline has no entry {seq}; `timeline` lists them.")
        }
        Refusal::NotYet { stamp } => {
            format!("It was not {} yet, so that moment cannot be corrected.", moment(*stamp))
        }
        Refusal::When { against: None, .. } => "That moment lies in the future.".to_owned(),
        Refusal::When { stamp, against: Some(other) } => {
            format!("{} and {} would be the wrong way round.", moment(*stamp), moment(*other))
        }
        Refusal::OnePrivate => {
            "A private incident and a public one cannot be merged: one would tell of the other."
                .to_owned()
        }
        Refusal::NobodyHas { role } => format!("Nobody is {}.", role.as_str()),
    }
}

/// What was typed was no act.
pub fn misread(misread: &Misread) -> String {
    match misread {
        Misread::NoVerb { word, nearest: Some(nearest) } => {
            format!("{word} is no verb here. Did you mean {nearest}?")
        }
        Misread::NoVerb { word, nearest: None } => format!("{word} is no verb here."),
        Misread::Usage(usage) => format!("It is used like this: {usage}"),
    }
}

/// A moment in words.
pub fn moment(stamp: Stamp) -> &'static str {
    match stamp {
        Stamp::ImpactStarted => "impact started",
        Stamp::Detected => "detected",
        Stamp::Declared => "declared",
        Stamp::Acknowledged => "acknowledged",
        Stamp::Mitigated => "mitigated",
        Stamp::Resolved => "resolved",
    }
}

/// `25 Nov 2026, 12:00 UTC`.
pub fn utc(at: i64) -> String {
    let at = Timestamp::from_millisecond(at).unwrap_or_default();
    at.strftime("%-d %b %Y, %H:%M UTC").to_string()
}

/// What an entry tells, without when and by whom.
pub fn entry(fact: &Fact, names: Names<'_>) -> String {
    let with = |head: String, text: &str| match text {
        "" => head,
        text => format!("{head}: {text}"),
    };
    match fact {
        Fact::Declared { title, severity, private, drill, suspected, .. } => {
            let what = if *suspected { "suspected" } else { "declared" };
            let kind = match (private, drill) {
                (false, false) => "an incident",
                (true, false) => "a private incident",
                (false, true) => "a drill",
                (true, true) => "a private drill",
            };
            format!("{what} {kind} of {severity}: {title}")
        }
        Fact::Accepted => "accepted it as an incident".to_owned(),
        Fact::Declined { reason } => format!("declined it: {reason}"),
        Fact::Severity { from, to, why } => with(format!("changed severity {from} to {to}"), why),
        Fact::Status { to, text, .. } => with(format!("set status {to}"), text),
        Fact::Impact { text } => format!("impact: {text}"),
        Fact::Title { to, .. } => format!("renamed it: {to}"),
        Fact::System { to, .. } => {
            format!("system: {}", to.as_deref().unwrap_or("none"))
        }
        Fact::Private { private: true } => "made it private".to_owned(),
        Fact::Private { private: false } => "made it public".to_owned(),
        Fact::Stamped { stamp, at, was: None } => format!("{} {}", moment(*stamp), utc(*at)),
        Fact::Stamped { stamp, at, was: Some(was) } => {
            format!("corrected {} from {} to {}", moment(*stamp), utc(*was), utc(*at))
        }
        Fact::Role { role, who } => format!("{} is {}", names(who), role.as_str()),
        Fact::RoleLeft { role, who } => format!("{} is no longer {}", names(who), role.as_str()),
        Fact::Offered { to } => format!("offered command to {}", names(to)),
        Fact::OfferEnded { to, how } => match how {
            OfferEnd::Refused => format!("{} did not take command", names(to)),
            OfferEnd::Withdrawn => format!("took back the offer of command to {}", names(to)),
            OfferEnd::TimedOut => format!("{} did not answer the offer of command", names(to)),
        },
        Fact::Note { text } => format!("noted: {text}"),
        Fact::Decision { what, why, instead } => {
            let why = if why.is_empty() { String::new() } else { format!(" because {why}") };
            let instead =
                if instead.is_empty() { String::new() } else { format!(" instead of {instead}") };
            format!("decided: {what}{why}{instead}")
        }
        Fact::Task { id, text, owner, due, follow_up } => {
            let kind = if *follow_up { "follow-up" } else { "task" };
            let owner = owner.as_deref().map(|who| format!(", for {}", names(who)));
            let due = due.map(|due| format!(", by {}", utc(due)));
            let (owner, due) = (owner.unwrap_or_default(), due.unwrap_or_default());
            format!("{kind} {id}: {text}{owner}{due}")
        }
        Fact::TaskDone { id } => format!("finished task {id}"),
        Fact::TaskDropped { id, reason } => format!("dropped task {id}: {reason}"),
        Fact::MergedInto { key } => format!("merged it into {key}"),
        Fact::Merged { key } => format!("merged {key} into it"),
        Fact::Unmerged { key } => format!("separated it from {key}"),
        Fact::Corrected { seq, text } => format!("entry {seq} reads instead: {text}"),
        Fact::Hidden { seq, hidden: true } => {
            format!("keeps entry {seq} out of the public version")
        }
        Fact::Hidden { seq, hidden: false } => format!("entry {seq} is public again"),
    }
}

/// What happened, for whoever joins: each sentence with the entries it rests on. What nobody has
/// said is called unknown.
pub fn summary(state: &State, timeline: &[Entry], names: Names<'_>) -> Vec<Sentence> {
    let last = |is: &dyn Fn(&Fact) -> bool| timeline.iter().rfind(|entry| is(&entry.fact));
    let cites = |entry: Option<&Entry>| entry.map(|entry| entry.seq).into_iter().collect();
    let mut all = Vec::new();
    let mut say = |text: String, cites: Vec<u32>| all.push(Sentence { text, cites });

    let declared = last(&|fact| matches!(fact, Fact::Declared { .. }));
    let titled = last(&|fact| matches!(fact, Fact::Title { .. })).or(declared);
    let ranked = last(&|fact| matches!(fact, Fact::Severity { .. })).or(declared);
    let stands = last(&|fact| matches!(fact, Fact::Status { .. } | Fact::Accepted)).or(declared);
    let mut what: Vec<u32> =
        [titled, ranked, stands].into_iter().flatten().map(|entry| entry.seq).collect();
    what.dedup();
    let drill = if state.drill { "This is a drill. " } else { "" };
    say(format!("{drill}{} ({}, {}).", state.title, state.severity, state.status), what);

    let started = last(&|fact| matches!(fact, Fact::Stamped { stamp: Stamp::ImpactStarted, .. }));
    match (state.stamps.get(&Stamp::ImpactStarted), state.stamps.get(&Stamp::Detected)) {
        (Some(at), _) => say(format!("It began on {}.", utc(*at)), cites(started)),
        (None, Some(at)) => {
            let text = format!("When it began is unknown; it was noticed on {}.", utc(*at));
            say(text, cites(declared));
        }
        (None, None) => say("When it began is unknown.".to_owned(), vec![]),
    }
    match last(&|fact| matches!(fact, Fact::Impact { .. })) {
        Some(entry) => say(format!("Impact: {}", ended(&state.impact)), vec![entry.seq]),
        None => say("The impact is unknown.".to_owned(), vec![]),
    }
    let led = last(&|fact| matches!(fact, Fact::Role { role: Role::Commander, .. }));
    match state.commander() {
        Some(who) => say(format!("{} commands it.", names(who)), cites(led)),
        None => say("Nobody commands it.".to_owned(), vec![]),
    }
    for entry in timeline {
        if let Fact::Decision { what, why, .. } = &entry.fact {
            let why = if why.is_empty() { String::new() } else { format!(" because {why}") };
            say(format!("Decided: {}", ended(&format!("{what}{why}"))), vec![entry.seq]);
        }
    }
    for task in state.tasks.iter().filter(|task| task.state == TaskState::Done) {
        let done = last(&|fact| matches!(fact, Fact::TaskDone { id } if *id == task.id));
        say(format!("Done: {}", ended(&task.text)), cites(done));
    }
    match last(&|fact| matches!(fact, Fact::Note { .. })) {
        Some(Entry { seq, at, fact: Fact::Note { text }, .. }) => {
            say(format!("The latest, on {}: {}", utc(*at), ended(text)), vec![*seq]);
        }
        _ => say("Nothing was reported since.".to_owned(), vec![]),
    }
    let open: Vec<_> = state.open_tasks().collect();
    if open.is_empty() {
        say("What is next is unknown: no task is open.".to_owned(), vec![]);
    }
    for task in open {
        let given = last(&|fact| matches!(fact, Fact::Task { id, .. } if *id == task.id));
        let owner = task.owner.as_deref().map_or("nobody".to_owned(), names);
        say(format!("Next, by {owner}: {}", ended(&task.text)), cites(given));
    }
    all
}

/// With a full stop, unless it ends with a sign of its own.
fn ended(text: &str) -> String {
    let text = text.trim();
    if text.ends_with(['.', '!', '?', '…']) { text.to_owned() } else { format!("{text}.") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incident::Severity;

    fn timeline(facts: Vec<Fact>) -> (State, Vec<Entry>) {
        let at = |n: usize| 1_795_608_000_000 + n as i64 * 60_000;
        let first = Fact::Declared {
            title: "Keystone login fails".into(),
            severity: Severity::Sev1,
            system: None,
            private: false,
            drill: false,
            suspected: false,
        };
        let entry = |(n, fact): (usize, Fact)| Entry {
            seq: u32::try_from(n).unwrap_or_default() + 1,
            at: at(n),
            by: "ann@example.com".into(),
            fact,
        };
        let all: Vec<Entry> = std::iter::once(first).chain(facts).enumerate().map(entry).collect();
        (State::replay(&all).expect("declared"), all)
    }

    fn told(facts: Vec<Fact>) -> String {
        let (state, all) = timeline(facts);
        let names = |email: &str| email.split('@').next().unwrap_or_default().to_owned();
        let line = |it: Sentence| format!("{} {:?}", it.text, it.cites);
        summary(&state, &all, &names).into_iter().map(line).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn what_nobody_said_is_unknown() {
        insta::assert_snapshot!(told(vec![]), @r"
        Keystone login fails (SEV1, investigating). [1]
        When it began is unknown; it was noticed on 25 Nov 2026, 12:00 UTC. [1]
        The impact is unknown. []
        Nobody commands it. []
        Nothing was reported since. []
        What is next is unknown: no task is open. []
        ");
    }

    #[test]
    fn every_sentence_rests_on_entries() {
        let text = |text: &str| text.to_owned();
        let task = |id, what: &str| Fact::Task {
            id,
            text: text(what),
            owner: Some(text("ben@example.com")),
            due: None,
            follow_up: false,
        };
        insta::assert_snapshot!(told(vec![
            Fact::Role { role: Role::Commander, who: text("ben@example.com") },
            Fact::Impact { text: text("nobody can log in") },
            Fact::Decision { what: text("roll back"), why: text("it began with 4.2"), instead: text("") },
            task(1, "roll back"),
            task(2, "tell the branches"),
            Fact::TaskDone { id: 1 },
            Fact::Note { text: text("logins work again on one host") },
        ]), @r"
        Keystone login fails (SEV1, investigating). [1]
        When it began is unknown; it was noticed on 25 Nov 2026, 12:00 UTC. [1]
        Impact: nobody can log in. [3]
        ben commands it. [2]
        Decided: roll back because it began with 4.2. [4]
        Done: roll back. [7]
        The latest, on 25 Nov 2026, 12:07 UTC: logins work again on one host. [8]
        Next, by ben: tell the branches. [6]
        ");
    }

    #[test]
    fn a_refusal_says_what_is_possible() {
        for (refused, sentence) in [
            (
                Refusal::Not { status: Status::Resolved, next: Status::Resolved.next() },
                "It is resolved. From there it can become investigating, closed.",
            ),
            (
                Refusal::Not { status: Status::Triage, next: &[] },
                "It is only suspected: accept or decline it first.",
            ),
            (Refusal::Missing("the note"), "Say the note."),
        ] {
            assert_eq!(refusal(&refused), sentence);
        }
        let typo = Misread::NoVerb { word: "reslove".into(), nearest: Some("resolve") };
        assert_eq!(misread(&typo), "reslove is no verb here. Did you mean resolve?");
    }
}
