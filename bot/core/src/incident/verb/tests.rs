use super::*;

/// A Wednesday, 12:00 UTC.
const NOW: i64 = 1_795_608_000_000;

fn here(what: What) -> Asked {
    Asked::About { key: None, what }
}

fn does(verb: Verb) -> Asked {
    here(What::Do(verb))
}

fn declares(severity: Severity, title: &str) -> Declaration {
    Declaration {
        title: title.into(),
        severity,
        system: None,
        private: false,
        drill: false,
        suspected: false,
    }
}

#[test]
fn verbs_and_their_other_names() {
    let text = |text: &str| text.to_owned();
    let becomes = |to: Status, text: &str| Verb::Status { to, text: text.into() };
    for (typed, asked) in [
        ("", Asked::Menu),
        ("list", Asked::List),
        ("declare login is down", Asked::Declare(declares(Severity::Sev2, "login is down"))),
        ("new SEV1 login is down", Asked::Declare(declares(Severity::Sev1, "login is down"))),
        (
            "declare 3 of 5 hosts are down",
            Asked::Declare(declares(Severity::Sev2, "3 of 5 hosts are down")),
        ),
        (
            "declare sev-3 private someone reads mail",
            Asked::Declare(Declaration {
                private: true,
                ..declares(Severity::Sev3, "someone reads mail")
            }),
        ),
        (
            "drill SEV1 practise",
            Asked::Declare(Declaration { drill: true, ..declares(Severity::Sev1, "practise") }),
        ),
        ("sev 1 it spreads", does(Verb::Severity { to: Severity::Sev1, why: text("it spreads") })),
        ("Status identified bad disk", does(becomes(Status::Identified, "bad disk"))),
        ("mitigate", does(becomes(Status::Monitoring, ""))),
        ("resolved rolled back", does(becomes(Status::Resolved, "rolled back"))),
        (
            "INC-7 resolve",
            Asked::About {
                key: Some(text("INC-7")),
                what: What::Do(becomes(Status::Resolved, "")),
            },
        ),
        ("inc-7", Asked::About { key: Some(text("INC-7")), what: What::Show }),
        ("catchup", here(What::Summary)),
        ("catch up", here(What::Summary)),
        ("roles", here(What::Who)),
        (
            "role ic @Ann@Example.com",
            does(Verb::Role { role: Role::Commander, who: text("ann@example.com") }),
        ),
        (
            "assign incident commander ben",
            does(Verb::Role { role: Role::Commander, who: text("ben") }),
        ),
        ("take", does(Verb::Take { role: Role::Commander })),
        ("take scribe", does(Verb::Take { role: Role::Scribe })),
        ("accept", does(Verb::Accept)),
        ("accept command", does(Verb::AcceptCommand)),
        ("dup INC-3", here(What::MergeInto { key: text("INC-3") })),
        ("timeline", here(What::Timeline)),
        ("timeline failover began", does(Verb::Note { text: text("failover began") })),
        (
            "decision \"roll back\" because \"it is new\" instead of \"fixing it\"",
            does(Verb::Decision {
                what: text("roll back"),
                why: text("it is new"),
                instead: text("fixing it"),
            }),
        ),
        ("tasks", here(What::Tasks)),
        ("done #2", does(Verb::TaskDone { id: 2 })),
        ("drop 2 not needed", does(Verb::TaskDrop { id: 2, reason: text("not needed") })),
    ] {
        assert_eq!(read(typed, NOW), Ok(asked), "{typed}");
    }
}

#[test]
fn tasks_have_owners_and_days() {
    let until = |text: &str| text.parse::<Timestamp>().expect("a time").as_millisecond();
    for (typed, what, owner, due) in [
        ("task roll back", "roll back", None, None),
        (
            "task \"roll back\" @ann by friday",
            "roll back",
            Some("ann"),
            Some(until("2026-11-27T23:59:59Z")),
        ),
        ("todo ask @ben@example.com", "ask", Some("ben@example.com"), None),
        ("task fix it by 2026-12-01", "fix it", None, Some(until("2026-12-01T23:59:59Z"))),
        ("task pass by reception", "pass by reception", None, None),
    ] {
        let owner = owner.map(str::to_owned);
        let task = Verb::Task { text: what.into(), owner, due, follow_up: false };
        assert_eq!(read(typed, NOW), Ok(does(task)), "{typed}");
    }
    assert!(matches!(
        read("follow-up add an alarm", NOW),
        Ok(Asked::About { what: What::Do(Verb::Task { follow_up: true, .. }), .. })
    ));
}

#[test]
fn moments_lie_behind() {
    for (typed, at) in [
        ("20m ago", Some(NOW - 20 * 60_000)),
        ("10:30", Some(NOW - 90 * 60_000)),
        ("13:00", Some(NOW - 23 * 3_600_000)),
        ("2026-11-25T11:00:00Z", Some(NOW - 3_600_000)),
        ("yesterday", None),
        ("9999999999999h ago", None),
    ] {
        assert_eq!(moment(typed, NOW), at, "{typed}");
    }
}

#[test]
fn what_is_no_verb_is_answered_with_the_nearest_or_how_it_is_used() {
    for (typed, misread) in [
        ("decalre it is down", ("decalre", Some("declare"))),
        ("reslove", ("reslove", Some("resolve"))),
        ("xyzzy", ("xyzzy", None)),
        ("7", ("7", None)),
    ] {
        let (word, nearest) = misread;
        let no_verb = Misread::NoVerb { word: word.into(), nearest };
        assert_eq!(read(typed, NOW), Err(no_verb), "{typed}");
    }
    for typed in ["declare", "sev", "sev 9", "status up", "done x", "merge soon", "leave"] {
        assert!(matches!(read(typed, NOW), Err(Misread::Usage(_))), "{typed}");
    }
    let mut names: Vec<_> = KNOWN.iter().flat_map(|known| known.names).collect();
    let all = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), all, "no name means two things");
}

proptest::proptest! {
    #[test]
    fn anything_is_read_or_refused(text in ".{0,80}", verb in 0..KNOWN.len(), nth in 0..6_usize) {
        let names = KNOWN[verb].names;
        let _ = read(&text, NOW);
        let _ = read(&format!("{} {text}", names[nth % names.len()]), NOW);
    }
}
