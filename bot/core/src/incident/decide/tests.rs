use proptest::prelude::*;

use super::super::{Entry, key, read_key};
use super::*;

const ANN: &str = "ann@example.com";
const BEN: &str = "ben@example.com";

fn actor(email: &str, rank: Rank) -> Actor {
    Actor { email: email.to_owned(), rank }
}

fn declaration(suspected: bool) -> Declaration {
    Declaration {
        title: " Keystone   login fails ".into(),
        severity: Severity::Sev2,
        system: None,
        private: false,
        drill: false,
        suspected,
    }
}

/// A timeline that grows as things are done.
struct Told {
    entries: Vec<Entry>,
    state: State,
}

impl Told {
    fn declared(suspected: bool) -> Told {
        let fact = declare(declaration(suspected)).expect("it has a title");
        let first = Entry { seq: 1, at: 1_000, by: ANN.into(), fact };
        let state = State::replay([&first]).expect("it begins with a declaration");
        Told { entries: vec![first], state }
    }

    fn act(&mut self, who: &Actor, verb: Verb, now: i64) -> Result<(), Refusal> {
        let facts = decide(&self.state, verb, who, now)?;
        self.write(&who.email, facts, now);
        Ok(())
    }

    fn write(&mut self, by: &str, facts: Vec<Fact>, now: i64) {
        for fact in facts {
            let seq = self.state.version + 1;
            let entry = Entry { seq, at: now, by: by.to_owned(), fact };
            self.state.apply(&entry);
            self.entries.push(entry);
        }
    }
}

fn becomes(to: Status) -> Verb {
    Verb::Status { to, text: String::new() }
}

#[test]
fn an_incident_goes_from_declared_to_closed() {
    let mut told = Told::declared(false);
    let (ann, ben) = (actor(ANN, Rank::Responder), actor(BEN, Rank::Responder));
    assert_eq!(told.state.title, "Keystone login fails");
    told.act(&ben, Verb::Take { role: Role::Commander }, 2_000).expect("nobody commands it");
    for (to, at) in [
        (Status::Identified, 3_000),
        (Status::Monitoring, 4_000),
        (Status::Investigating, 5_000),
        (Status::Monitoring, 6_000),
        (Status::Resolved, 7_000),
    ] {
        told.act(&ann, becomes(to), at).expect("it may");
    }
    // Closing is the commander's.
    assert_eq!(told.act(&ann, becomes(Status::Closed), 8_000), Err(Refusal::Only(Rank::Commander)));
    told.act(&ben, becomes(Status::Closed), 8_000).expect("they command it");
    let stamps: Vec<_> = told.state.stamps.iter().map(|(stamp, at)| (*stamp, *at)).collect();
    assert_eq!(
        stamps,
        [
            (Stamp::Detected, 1_000),
            (Stamp::Declared, 1_000),
            (Stamp::Acknowledged, 2_000),
            (Stamp::Mitigated, 4_000),
            (Stamp::Resolved, 7_000),
        ]
    );
    assert_eq!(State::replay(&told.entries), Some(told.state));
}

#[test]
fn a_suspected_one_is_accepted_or_declined() {
    let ann = actor(ANN, Rank::Responder);
    let mut told = Told::declared(true);
    assert!(!told.state.stamps.contains_key(&Stamp::Declared));
    let wait = |told: &mut Told| told.act(&ann, becomes(Status::Identified), 2_000);
    assert_eq!(wait(&mut told), Err(Refusal::Not { status: Status::Triage, next: &[] }));
    told.act(&ann, Verb::Accept, 2_000).expect("it waits");
    assert_eq!(
        (told.state.status, told.state.stamps[&Stamp::Declared]),
        (Status::Investigating, 2_000)
    );

    let mut told = Told::declared(true);
    let decline = |reason: &str| Verb::Decline { reason: reason.into() };
    assert_eq!(told.act(&ann, decline(" "), 2_000), Err(Refusal::Missing("why it is none")));
    let guest = actor(BEN, Rank::Employee);
    assert_eq!(told.act(&guest, decline("x"), 2_000), Err(Refusal::Only(Rank::Responder)));
    told.act(&ann, decline("planned work"), 2_000).expect("it waits");
    assert_eq!(told.state.status, Status::Declined);
}

#[test]
fn command_is_offered_and_taken() {
    let (ann, ben) = (actor(ANN, Rank::Responder), actor(BEN, Rank::Responder));
    let chief = actor("chief@example.com", Rank::Commander);
    let commander = |who: &str| Verb::Role { role: Role::Commander, who: who.into() };
    let mut told = Told::declared(false);
    told.act(&ann, commander(ANN), 0).expect("nobody commands it");
    let refused = told.act(&ben, Verb::Take { role: Role::Commander }, 0);
    assert_eq!(refused, Err(Refusal::Commands { who: ANN.into() }));
    assert_eq!(told.act(&ben, commander(BEN), 0), Err(Refusal::Commands { who: ANN.into() }));
    assert_eq!(told.act(&ben, Verb::AcceptCommand, 0), Err(Refusal::NotOffered));

    // Refused, timed out, accepted.
    told.act(&ann, commander(BEN), 1_000).expect("an offer");
    assert_eq!(told.state.commander(), Some(ANN), "until it is taken");
    told.act(&ben, Verb::RefuseCommand, 2_000).expect("it was offered to them");
    assert_eq!(told.state.offer, None);
    told.act(&ann, commander(BEN), 3_000).expect("an offer");
    let late = 3_001 + OFFER_MS;
    assert_eq!(told.act(&ben, Verb::AcceptCommand, late), Err(Refusal::NotOffered));
    assert_eq!(passes(&told.state, late - 1), []);
    let ended = passes(&told.state, late);
    assert_eq!(ended, [Fact::OfferEnded { to: BEN.into(), how: OfferEnd::TimedOut }]);
    told.write("", ended, late);
    told.act(&ann, commander(BEN), late).expect("an offer");
    told.act(&ben, Verb::AcceptCommand, late + 1).expect("it was offered to them");
    assert_eq!((told.state.commander(), &told.state.offer), (Some(BEN), &None));

    // Whoever leads incidents may step in.
    told.act(&chief, Verb::Take { role: Role::Commander }, late + 2).expect("they may");
    assert_eq!(told.state.commander(), Some("chief@example.com"));
    assert_eq!(State::replay(&told.entries), Some(told.state));
}

#[test]
fn what_may_not_be_done_says_what_may() {
    let employee = actor(BEN, Rank::Employee);
    let ann = actor(ANN, Rank::Responder);
    let told = Told::declared(false);
    let missing = |what| Refusal::Missing(what);
    for (who, verb, refusal) in [
        (&employee, becomes(Status::Identified), Refusal::Only(Rank::Responder)),
        (&ann, becomes(Status::Investigating), Refusal::AlreadySo),
        (&ann, Verb::Accept, not(Status::Investigating)),
        (&ann, becomes(Status::Closed), not(Status::Investigating)),
        (&ann, becomes(Status::Triage), not(Status::Investigating)),
        (&ann, becomes(Status::Merged), not(Status::Investigating)),
        (&ann, Verb::Private { private: true }, Refusal::Only(Rank::Commander)),
        (&ann, Verb::Note { text: " ".into() }, missing("the note")),
        (&ann, Verb::TaskDone { id: 1 }, Refusal::NoTask { id: 1 }),
        (&ann, Verb::Hide { seq: 2, hidden: true }, Refusal::NoEntry { seq: 2 }),
        (&ann, Verb::Leave { role: Role::Scribe }, Refusal::NobodyHas { role: Role::Scribe }),
        (
            &ann,
            Verb::Stamp { stamp: Stamp::Resolved, at: 8_000 },
            Refusal::NotYet { stamp: Stamp::Resolved },
        ),
        (
            &ann,
            Verb::Stamp { stamp: Stamp::Detected, at: 9_001 },
            Refusal::When { stamp: Stamp::Detected, against: None },
        ),
        (
            &ann,
            Verb::Stamp { stamp: Stamp::ImpactStarted, at: 1_001 },
            Refusal::When { stamp: Stamp::ImpactStarted, against: Some(Stamp::Detected) },
        ),
        (&ann, Verb::Severity { to: Severity::Sev2, why: String::new() }, Refusal::AlreadySo),
    ] {
        assert_eq!(decide(&told.state, verb.clone(), who, 9_000), Err(refusal), "{verb:?}");
    }
    let untitled = Declaration { title: " ".into(), ..declaration(false) };
    assert_eq!(declare(untitled), Err(missing("what is wrong")));
}

fn not(status: Status) -> Refusal {
    Refusal::Not { status, next: status.next() }
}

#[test]
fn anybody_may_help_and_responders_may_relieve_them() {
    let mut told = Told::declared(false);
    let take = || Verb::Take { role: Role::Scribe };
    told.act(&actor(ANN, Rank::Employee), take(), 2_000).expect("nobody is scribe");
    let ben = |rank| actor(BEN, rank);
    let refused = told.act(&ben(Rank::Employee), take(), 3_000);
    assert_eq!(refused, Err(Refusal::Only(Rank::Responder)));
    told.act(&ben(Rank::Responder), take(), 3_000).expect("they may");
    assert_eq!(told.state.roles[&Role::Scribe], BEN);
}

#[test]
fn merged_ones_go_on_elsewhere_until_unmerged() {
    let ann = actor(ANN, Rank::Responder);
    let (mut one, mut other) = (Told::declared(false), Told::declared(true));
    let pair = merge(("INC-2", &other.state), ("INC-1", &one.state), &ann);
    let (there, here) = pair.expect("both are open");
    other.write(ANN, vec![there], 2_000);
    one.write(ANN, vec![here], 2_000);
    assert_eq!(other.state.status, Status::Merged);
    assert_eq!(other.state.merged_into.as_deref(), Some("INC-1"));
    let again = merge(("INC-2", &other.state), ("INC-1", &one.state), &ann);
    assert_eq!(again, Err(not(Status::Merged)));
    let (there, here) = unmerge("INC-2", &other.state, &ann).expect("it is merged");
    other.write(ANN, vec![there], 3_000);
    one.write(ANN, vec![here], 3_000);
    assert_eq!((other.state.status, &other.state.merged_into), (Status::Triage, &None));
    assert_eq!(one.state.status, Status::Investigating);
    let same = merge(("INC-1", &one.state), ("INC-1", &one.state), &ann);
    assert_eq!(same, Err(Refusal::AlreadySo));
    let employee = actor(BEN, Rank::Employee);
    let refused = merge(("INC-2", &other.state), ("INC-1", &one.state), &employee);
    assert_eq!(refused, Err(Refusal::Only(Rank::Responder)));
}

#[test]
fn tasks_are_numbered_and_ended_once() {
    let ann = actor(ANN, Rank::Employee);
    let mut told = Told::declared(false);
    let task = |text: &str, follow_up| Verb::Task {
        text: text.into(),
        owner: Some(BEN.into()),
        due: None,
        follow_up,
    };
    told.act(&ann, task("roll back", false), 2_000).expect("anybody may");
    told.act(&ann, task("add an alarm", true), 3_000).expect("anybody may");
    told.act(&ann, Verb::TaskDone { id: 1 }, 4_000).expect("it is open");
    assert_eq!(told.act(&ann, Verb::TaskDone { id: 1 }, 5_000), Err(Refusal::NoTask { id: 1 }));
    let open: Vec<_> = told.state.open_tasks().map(|task| (task.id, task.follow_up)).collect();
    assert_eq!(open, [(2, true)]);
    let dropped = Verb::TaskDrop { id: 2, reason: "there is one".into() };
    told.act(&ann, dropped, 6_000).expect("it is open");
    assert_eq!(told.state.open_tasks().count(), 0);
}

#[test]
fn keys_roles_and_severities_are_read_as_people_write_them() {
    for (word, read) in [("INC-12", Some(12)), ("inc 7", Some(7)), ("#3", Some(3)), ("x", None)] {
        assert_eq!(read_key(word), read.map(key), "{word}");
    }
    for (word, role) in [
        ("IC", Role::Commander),
        ("lead", Role::Commander),
        ("comms", Role::Communications),
        ("SME", Role::Expert),
        ("Legal", Role::Custom("legal".into())),
    ] {
        assert_eq!(Role::named(word), role);
        assert_eq!(Role::named(role.as_str()), role, "and as it is kept");
    }
    for (word, severity) in [
        ("SEV1", Some(Severity::Sev1)),
        ("sev-2", Some(Severity::Sev2)),
        ("3", Some(Severity::Sev3)),
        ("5", None),
        ("", None),
    ] {
        assert_eq!(Severity::read(word), severity, "{word}");
    }
}

fn verbs() -> impl Strategy<Value = Verb> {
    let role = prop::sample::select(vec![Role::Commander, Role::Scribe, Role::Expert]);
    let who = prop::sample::select(vec![ANN, BEN, "cleo@example.com"]);
    let text = prop::sample::select(vec!["", "because"]).prop_map(str::to_owned);
    prop_oneof![
        Just(Verb::Accept),
        text.clone().prop_map(|reason| Verb::Decline { reason }),
        prop::sample::select(Status::ALL).prop_map(becomes),
        prop::sample::select(Severity::ALL)
            .prop_map(|to| Verb::Severity { to, why: String::new() }),
        (role.clone(), who).prop_map(|(role, who)| Verb::Role { role, who: who.into() }),
        role.clone().prop_map(|role| Verb::Take { role }),
        role.prop_map(|role| Verb::Leave { role }),
        Just(Verb::AcceptCommand),
        Just(Verb::RefuseCommand),
        (prop::sample::select(Stamp::ALL), -50..50_i64)
            .prop_map(|(stamp, at)| Verb::Stamp { stamp, at: at * 1_000 }),
        text.prop_map(|text| Verb::Task { text, owner: None, due: None, follow_up: false }),
        (1..4_u32).prop_map(|id| Verb::TaskDone { id }),
    ]
}

proptest! {
    #[test]
    fn whatever_is_done_the_timeline_tells_it_and_nothing_illegal_happens(
        suspected in any::<bool>(),
        acts in prop::collection::vec((verbs(), 0..3_usize, 0..3_usize, 0..400_000_i64), 0..40),
    ) {
        let ranks = [Rank::Employee, Rank::Responder, Rank::Commander];
        let people = [ANN, BEN, "cleo@example.com"];
        let mut told = Told::declared(suspected);
        let mut now = 1_000;
        for (verb, who, rank, later) in acts {
            now += later;
            let before = told.state.clone();
            let who = actor(people[who], ranks[rank]);
            if told.act(&who, verb.clone(), now).is_err() {
                prop_assert_eq!(&told.state, &before, "a refusal changes nothing");
                continue;
            }
            let (from, to) = (before.status, told.state.status);
            let accepted = from == Status::Triage
                && matches!(to, Status::Investigating | Status::Declined);
            prop_assert!(from == to || accepted || from.next().contains(&to), "{from} -> {to}");
            prop_assert!(who.rank > Rank::Employee || before.commander() == Some(&who.email)
                || from == to, "{verb:?}");
            for (stamp, at) in &told.state.stamps {
                prop_assert!(*at <= now, "{stamp} lies ahead");
            }
        }
        let replayed = State::replay(&told.entries);
        prop_assert_eq!(replayed.as_ref(), Some(&told.state));
        for pair in told.entries.windows(2) {
            prop_assert_eq!(pair[0].seq + 1, pair[1].seq);
        }
        // It is kept as JSON and read again.
        let kept = serde_json::to_string(&told.entries).expect("it is JSON");
        let read: Vec<Entry> = serde_json::from_str(&kept).expect("as it was written");
        prop_assert_eq!(read, told.entries);
    }
}
