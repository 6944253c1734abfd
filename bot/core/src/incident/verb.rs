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

const KNOWN: [Known; 34] = [
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
mod tests;
