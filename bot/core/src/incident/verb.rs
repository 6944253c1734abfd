//! What people type about incidents: `declare SEV2 login is down`, `sev 1`, `INC-7 resolve`. The verb
//! comes first, or after an incident's key. Words that other products taught people are understood.

use jiff::civil::{Date, Weekday};
use jiff::{Timestamp, ToSpan as _, tz::TimeZone};

use super::decide::{Declaration, Verb};
use super::{Role, Severity, Stamp, Status, read_key};

/// What somebody asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// What can be done here.
    Menu,
    List,
    Declare(Declaration),
    /// Of the incident that is named, or else the one meant here.
    About {
        key: Option<String>,
        what: What,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    Do(Verb),
    /// How it stands.
    Show,
    Timeline,
    /// What happened, for whoever joins.
    Summary,
    Who,
    Tasks,
    MergeInto {
        key: String,
    },
    Unmerge,
}

/// Why a text is no act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Misread {
    /// No verb; the nearest one.
    NoVerb { word: String, nearest: Option<&'static str> },
    /// How the verb is used.
    Usage(&'static str),
}

/// A verb: how it is used, and its other names. The first word of the usage is its own name.
struct Known {
    usage: &'static str,
    names: &'static [&'static str],
}

const fn known(usage: &'static str, names: &'static [&'static str]) -> Known {
    Known { usage, names }
}

const KNOWN: [Known; 36] = [
    known("declare [SEV1-SEV4] WHAT IS WRONG", &["declare", "new", "create", "report", "open"]),
    known("suspect WHAT MAY BE WRONG", &["suspect", "triage"]),
    known("drill [SEV1-SEV4] WHAT IS PRACTISED", &["drill", "test"]),
    known("list", &["list", "ls", "incidents"]),
    known("show", &["show", "info", "card"]),
    known("accept [command]", &["accept"]),
    known("decline WHY", &["decline", "cancel", "reject"]),
    known("sev 1-4 [WHY]", &["sev", "severity"]),
    known(
        "status investigating|identified|monitoring|resolved|closed [TEXT]",
        &["status", "state"],
    ),
    known("mitigate [TEXT]", &["mitigate", "mitigated"]),
    known("resolve [TEXT]", &["resolve", "resolved"]),
    known("close [TEXT]", &["close"]),
    known("reopen [WHY]", &["reopen"]),
    known("impact WHO IS AFFECTED, AND HOW", &["impact"]),
    known("title NEW TITLE", &["title", "rename"]),
    known("system NAME", &["system"]),
    known("private", &["private"]),
    known("public", &["public"]),
    known("role ROLE PERSON", &["role", "roles", "assign"]),
    known("take [ROLE]", &["take", "claim"]),
    known("leave ROLE", &["leave"]),
    known("handover PERSON", &["handover", "hand-over"]),
    known("who", &["who", "participants", "responders"]),
    known("note TEXT", &["note", "log"]),
    known("timeline [TEXT]", &["timeline"]),
    known("decision WHAT [because WHY] [instead of WHAT]", &["decision", "decide", "decided"]),
    known("task WHAT [@PERSON] [by DAY]", &["task", "todo", "action", "follow-up", "followup"]),
    known("done TASK NUMBER", &["done"]),
    known("drop TASK NUMBER WHY", &["drop"]),
    known("tasks", &["tasks"]),
    known("update TEXT", &["update"]),
    known("internal TEXT", &["internal"]),
    known("summary", &["summary", "catchup", "catch-up", "catch", "summarize"]),
    known("merge INC-NUMBER", &["merge", "dup", "duplicate"]),
    known("unmerge", &["unmerge"]),
    known("refuse", &["refuse"]),
];

/// How each verb is used.
pub fn usages() -> impl Iterator<Item = &'static str> {
    KNOWN.iter().map(|known| known.usage)
}

/// What a text asks for, at a time (epoch ms) that days are counted from.
///
/// # Errors
/// When it begins with no verb, or lacks what the verb needs.
pub fn read(text: &str, now: i64) -> Result<Asked, Misread> {
    let text = text.trim();
    let (first, rest) = head(text);
    if first.is_empty() {
        return Ok(Asked::Menu);
    }
    let named =
        (!first.bytes().all(|byte| byte.is_ascii_digit())).then(|| read_key(first)).flatten();
    let (key, word, rest) = match named {
        Some(key) if rest.is_empty() => {
            return Ok(Asked::About { key: Some(key), what: What::Show });
        }
        Some(key) => {
            let (word, rest) = head(rest);
            (Some(key), word, rest)
        }
        None => (None, first, rest),
    };
    let word = word.to_lowercase();
    let Some(known) = KNOWN.iter().find(|known| known.names.contains(&word.as_str())) else {
        return Err(Misread::NoVerb { nearest: nearest(&word), word });
    };
    act(known, key, &word, rest, now).ok_or(Misread::Usage(known.usage))
}

/// `None` when something is missing.
fn act(known: &Known, key: Option<String>, word: &str, rest: &str, now: i64) -> Option<Asked> {
    let text = || rest.to_owned();
    let becomes = |to: Status| Verb::Status { to, text: rest.to_owned() };
    let what = match known.names.first().copied()? {
        "declare" => return declared(rest, false, false),
        "suspect" => return declared(rest, false, true),
        "drill" => return declared(rest, true, false),
        "list" => return Some(Asked::List),
        "show" => What::Show,
        "who" => What::Who,
        "summary" => What::Summary,
        "timeline" if rest.is_empty() => What::Timeline,
        "tasks" => What::Tasks,
        "unmerge" => What::Unmerge,
        "merge" => What::MergeInto { key: read_key(head(rest).0)? },
        "accept" if head(rest).0 == "command" => What::Do(Verb::AcceptCommand),
        "role" if rest.is_empty() => What::Who,
        name => What::Do(match name {
            "accept" => Verb::Accept,
            "decline" => Verb::Decline { reason: text() },
            "sev" => {
                let (to, why) = head(rest);
                Verb::Severity { to: Severity::read(to)?, why: why.to_owned() }
            }
            "status" => {
                let (to, text) = head(rest);
                Verb::Status { to: Status::parse(&to.to_lowercase())?, text: text.to_owned() }
            }
            "mitigate" => becomes(Status::Monitoring),
            "resolve" => becomes(Status::Resolved),
            "close" => becomes(Status::Closed),
            "reopen" => becomes(Status::Investigating),
            "impact" if head(rest).0 == "started" => {
                Verb::Stamp { stamp: Stamp::ImpactStarted, at: moment(head(rest).1, now)? }
            }
            "impact" => Verb::Impact { text: text() },
            "title" => Verb::Title { to: text() },
            "system" => Verb::System { to: Some(text()).filter(|name| !name.is_empty()) },
            "private" => Verb::Private { private: true },
            "public" => Verb::Private { private: false },
            "role" => {
                let (role, who) = rest.rsplit_once(char::is_whitespace)?;
                Verb::Role { role: Role::named(role), who: person(who)? }
            }
            "take" => Verb::Take {
                role: if rest.is_empty() { Role::Commander } else { Role::named(rest) },
            },
            "leave" if rest.is_empty() => return None,
            "leave" => Verb::Leave { role: Role::named(rest) },
            "handover" => Verb::Role { role: Role::Commander, who: person(rest)? },
            "note" | "timeline" => Verb::Note { text: text() },
            "decision" => decision(rest),
            "task" => task(rest, word.starts_with("follow"), now),
            "done" => Verb::TaskDone { id: task_number(rest)? },
            "drop" => Verb::TaskDrop { id: task_number(rest)?, reason: head(rest).1.to_owned() },
            "update" => Verb::Update { text: text(), public: true },
            "internal" => Verb::Update { text: text(), public: false },
            "refuse" => Verb::RefuseCommand,
            _ => return None,
        }),
    };
    Some(Asked::About { key, what })
}

fn task_number(rest: &str) -> Option<u32> {
    head(rest).0.trim_start_matches('#').parse().ok()
}

fn declared(rest: &str, drill: bool, suspected: bool) -> Option<Asked> {
    let (first, after) = head(rest);
    // A bare number begins many a sentence.
    let told = Severity::read(first).filter(|_| !first.starts_with(|c: char| c.is_ascii_digit()));
    let (severity, mut title) = told.map_or((None, rest), |severity| (Some(severity), after));
    let private = head(title).0 == "private";
    if private {
        title = head(title).1;
    }
    if title.is_empty() {
        return None;
    }
    // If nobody is sure, the higher of the two in the middle.
    let severity = severity.unwrap_or(Severity::Sev2);
    let title = title.to_owned();
    Some(Asked::Declare(Declaration { title, severity, system: None, private, drill, suspected }))
}

fn decision(rest: &str) -> Verb {
    let (rest, instead) = parted(rest, " instead of ");
    let (what, why) = parted(rest, " because ");
    Verb::Decision { what: bare(what), why: bare(why), instead: bare(instead) }
}

/// What stands before and after a word, whatever its case.
fn parted<'t>(text: &'t str, word: &str) -> (&'t str, &'t str) {
    match text.to_ascii_lowercase().find(word) {
        Some(at) => (&text[..at], &text[at + word.len()..]),
        None => (text, ""),
    }
}

fn bare(text: &str) -> String {
    text.trim().trim_matches(['"', '“', '”']).trim().to_owned()
}

fn task(rest: &str, follow_up: bool, now: i64) -> Verb {
    let mut words: Vec<&str> = rest.split_whitespace().collect();
    let mut due = None;
    if let [.., by, when] = words[..]
        && by.eq_ignore_ascii_case("by")
        && let Some(day) = day(when, now)
    {
        due = Some(day);
        words.truncate(words.len() - 2);
    }
    let owner = words.iter().rposition(|word| word.starts_with('@') && word.len() > 1);
    let owner = owner.and_then(|at| person(words.remove(at)));
    Verb::Task { text: bare(&words.join(" ")), owner, due, follow_up }
}

/// Whom a word names: an address, or a name that is looked up.
fn person(word: &str) -> Option<String> {
    let word = word.trim().trim_start_matches('@').trim_end_matches([',', '.']);
    (!word.is_empty()).then(|| word.to_lowercase())
}

/// The end of a day (epoch ms, UTC): `today`, `friday`, `2026-12-01`.
fn day(word: &str, now: i64) -> Option<i64> {
    let today = Timestamp::from_millisecond(now).ok()?.to_zoned(TimeZone::UTC).date();
    let word = word.to_lowercase();
    let weekday = match word.get(..3)? {
        "mon" => Some(Weekday::Monday),
        "tue" => Some(Weekday::Tuesday),
        "wed" => Some(Weekday::Wednesday),
        "thu" => Some(Weekday::Thursday),
        "fri" => Some(Weekday::Friday),
        "sat" => Some(Weekday::Saturday),
        "sun" => Some(Weekday::Sunday),
        _ => None,
    };
    let date = match word.as_str() {
        "today" => today,
        "tomorrow" => today.tomorrow().ok()?,
        _ => match weekday {
            Some(weekday) => today.nth_weekday(1, weekday).ok()?,
            None => word.parse::<Date>().ok()?,
        },
    };
    let end = date.at(23, 59, 59, 0).to_zoned(TimeZone::UTC).ok()?;
    Some(end.timestamp().as_millisecond())
}

/// A moment (epoch ms): `10:30` (UTC, the last time it was that), `20m ago`, or as RFC 3339 has it.
fn moment(text: &str, now: i64) -> Option<i64> {
    let text = text.trim();
    if let Some(ago) = text.strip_suffix("ago").map(str::trim) {
        let unit = ago.chars().last()?;
        let many: i64 = ago.strip_suffix(unit)?.trim().parse().ok()?;
        let ms = match unit {
            'm' => 60_000,
            'h' => 3_600_000,
            'd' => 86_400_000,
            _ => return None,
        };
        return (0..=366 * 24 * 60).contains(&many).then(|| now - many * ms);
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at.as_millisecond());
    }
    let time: jiff::civil::Time = text.parse().ok()?;
    let here = Timestamp::from_millisecond(now).ok()?.to_zoned(TimeZone::UTC);
    let at = here.date().to_datetime(time).to_zoned(TimeZone::UTC).ok()?;
    let at = if at > here { at.checked_sub(1.day()).ok()? } else { at };
    Some(at.timestamp().as_millisecond())
}

fn nearest(word: &str) -> Option<&'static str> {
    let names = KNOWN.iter().flat_map(|known| known.names).copied();
    let near = names.map(|name| (strsim::osa_distance(word, name), name));
    near.filter(|(slips, name)| *slips <= name.len().div_ceil(3)).min().map(|(_, name)| name)
}

/// The first word, and what follows it.
fn head(text: &str) -> (&str, &str) {
    let text = text.trim();
    match text.split_once(char::is_whitespace) {
        Some((first, rest)) => (first, rest.trim()),
        None => (text, ""),
    }
}

#[cfg(test)]
mod tests {
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
            (
                "sev 1 it spreads",
                does(Verb::Severity { to: Severity::Sev1, why: text("it spreads") }),
            ),
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
            (
                "update we rolled back",
                does(Verb::Update { text: text("we rolled back"), public: true }),
            ),
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
}
