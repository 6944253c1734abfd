//! Which system a request is about: named in it, named in its thread, learnt from
//! tickets, or carried by what retrieval found.

use crate::text;
use crate::triage::System;

use super::Request;

/// Share of the votes of passages and tickets that names a system unasked.
const MAJORITY: f64 = 0.55;
/// Probability from which on the learnt choice counts by itself.
const LEARNT: f32 = 0.6;

/// The team of a catalogue system.
pub fn team_of(system: Option<&str>, catalogue: &[System]) -> Option<String> {
    let system = system?;
    catalogue.iter().find(|s| s.name.eq_ignore_ascii_case(system))?.team.clone()
}

/// The system, by the strongest ground there is; `None` when nothing supports one.
pub(super) fn find<'t>(
    catalogue: &[System],
    text: &str,
    thread: impl Iterator<Item = &'t str>,
    request: &Request<'_>,
    learnt: Option<(&str, f32)>,
) -> Option<String> {
    let votes = votes(request);
    if catalogue.is_empty() {
        return uncatalogued(text, &votes);
    }
    if let Some(system) = named(catalogue, text, &votes) {
        return Some(system);
    }
    if let Some(system) = thread.filter_map(|t| named(catalogue, t, &votes)).next() {
        return Some(system);
    }
    let total: f64 = votes.iter().map(|(_, weight)| weight).sum();
    let canonical = |name: &str| catalogue.iter().find(|s| s.name.eq_ignore_ascii_case(name));
    let mut best: Option<(&System, f64)> = None;
    for system in catalogue {
        let voted = votes.iter().filter(|(n, _)| n.eq_ignore_ascii_case(&system.name));
        let share = if total > 0.0 { voted.map(|(_, w)| w).sum::<f64>() / total } else { 0.0 };
        if share > best.map_or(0.0, |(_, s)| s) {
            best = Some((system, share));
        }
    }
    match (learnt, best) {
        (Some((name, p)), _) if p >= LEARNT => canonical(name).map(|s| s.name.clone()),
        // Two weaker grounds that agree are one good ground.
        (Some((name, p)), Some((system, share)))
            if system.name == name && p + share as f32 > 0.6 =>
        {
            Some(system.name.clone())
        }
        (_, Some((system, share))) if share >= MAJORITY && total >= ENOUGH_WEIGHT => {
            Some(system.name.clone())
        }
        _ => None,
    }
}

/// Weight below which the votes are hearsay.
const ENOUGH_WEIGHT: f64 = 0.5;

/// Systems of the best passages and of similar tickets with their weight; a passage's
/// vote falls with its rank, a ticket's with its distance.
fn votes(request: &Request<'_>) -> Vec<(String, f64)> {
    let top = request.passages_systems.first().map_or(0.0, |(_, s)| *s).max(f64::MIN_POSITIVE);
    let passages = request.passages_systems.iter().take(5).filter_map(|(system, score)| {
        let share = (score / top).clamp(0.0, 1.0);
        Some((system.clone()?, share * share))
    });
    let tickets = request.similar.iter().take(5).filter(|(_, _, score)| *score >= 0.25);
    let tickets = tickets.filter_map(|(system, _, score)| Some((system.clone()?, 1.5 * score)));
    passages.chain(tickets).collect()
}

/// The system `text` names: a name counts more than an alias, an exact word more than a
/// mistyped one; among equals what retrieval favours, then what is named first.
fn named(catalogue: &[System], text: &str, votes: &[(String, f64)]) -> Option<String> {
    let words = text::words(text);
    let mut best: Option<(&System, f64)> = None;
    for system in catalogue {
        let mut score: f64 = 0.0;
        for (name, weight) in std::iter::once((&system.name, 1.0))
            .chain(system.aliases.iter().map(|alias| (alias, 0.8)))
        {
            score = score.max(weight * mention(&words, name));
        }
        if score > 0.0 {
            let voted = votes.iter().filter(|(n, _)| n.eq_ignore_ascii_case(&system.name));
            let score = score + 0.05 * voted.map(|(_, w)| w).sum::<f64>().min(2.0);
            if best.is_none_or(|(_, s)| score > s) {
                best = Some((system, score));
            }
        }
    }
    best.map(|(system, _)| system.name.clone())
}

/// How surely `words` mention `name`: 1 for the words themselves, less for a mistyped
/// name, 0 for none. Earlier mentions count a little more.
fn mention(words: &[String], name: &str) -> f64 {
    let name = text::words(name);
    let name = match name.split_first() {
        Some((article, rest)) if article == "the" && !rest.is_empty() => rest,
        _ => &name[..],
    };
    if name.is_empty() {
        return 0.0;
    }
    let early = |at: usize| 0.04 / (1.0 + at as f64);
    if let Some(at) =
        words.windows(name.len()).position(|w| w.iter().zip(name).all(|(w, n)| same(w, n)))
    {
        return 1.0 + early(at);
    }
    let [name] = name else { return 0.0 };
    let length = name.chars().count();
    if length < 6 {
        return 0.0;
    }
    let slips = if length >= 9 { 2 } else { 1 };
    let near = |word: &String| {
        word.chars().next() == name.chars().next()
            && word.chars().count().abs_diff(length) <= slips
            && strsim::osa_distance(word, name) <= slips
    };
    words.iter().position(near).map_or(0.0, |at| 0.6 + early(at))
}

/// A name as inflected: "Keystone's", "dashboards", "Beacon-Konto".
fn same(word: &str, name: &str) -> bool {
    word.strip_prefix(name)
        .is_some_and(|rest| matches!(rest, "" | "s" | "'s") || rest.starts_with('-'))
}

/// Without a catalogue: the passages' system, when the text names it or most agree.
fn uncatalogued(text: &str, votes: &[(String, f64)]) -> Option<String> {
    let words = text::words(text);
    let total: f64 = votes.iter().map(|(_, w)| w).sum();
    if let Some((name, _)) = votes.iter().find(|(n, _)| mention(&words, n) > 0.0) {
        return Some(name.to_lowercase());
    }
    let (name, _) = votes.first()?;
    let share: f64 = votes.iter().filter(|(n, _)| n == name).map(|(_, w)| w).sum();
    (share / total >= MAJORITY).then(|| name.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ticket::{Criticality, Kind};

    fn catalogue() -> Vec<System> {
        let system = |name: &str, aliases: &[&str], team: &str| System {
            name: name.into(),
            aliases: aliases.iter().map(|a| (*a).into()).collect(),
            team: Some(team.into()),
            criticality: Criticality::High,
            confidential: false,
        };
        vec![
            system("Beacon", &["the CRM"], "revenue-systems"),
            system("Keystone", &["the ERP", "keystone erp"], "erp-team"),
            system("Lookout", &["BI", "dashboards"], "data-team"),
            system("Peoplehub", &["HR portal", "people hub"], "people-ops"),
        ]
    }

    fn found(text: &str, thread: &[&str], request: &Request<'_>) -> Option<String> {
        find(&catalogue(), text, thread.iter().copied(), request, None)
    }

    #[test]
    fn names_aliases_slips_and_threads() {
        let none = Request::default();
        for (text, thread, expected) in [
            ("beacon is slow", &[][..], Some("Beacon")),
            ("can't post in keystone's ledger", &[], Some("Keystone")),
            ("the crm again", &[], Some("Beacon")),
            ("my dashboards are empty", &[], Some("Lookout")),
            ("kyestone will not open", &[], Some("Keystone")),
            ("the HR portal asks for a code", &[], Some("Peoplehub")),
            ("and for vendors?", &["how do I add one in Keystone"], Some("Keystone")),
            ("my bike is gone", &[], None),
        ] {
            assert_eq!(found(text, thread, &none).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn retrieval_decides_only_with_a_majority() {
        let s = |n: &str| Some(n.to_owned());
        let clear = [(s("Beacon"), 9.0), (s("Beacon"), 8.0), (s("Lookout"), 4.0)];
        let split = [(s("Beacon"), 9.0), (s("Lookout"), 9.0), (s("Keystone"), 8.5)];
        for (passages, expected) in [(&clear[..], Some("Beacon")), (&split[..], None), (&[], None)]
        {
            let request = Request { passages_systems: passages, ..Request::default() };
            assert_eq!(found("quote is wrong", &[], &request).as_deref(), expected);
        }
        let similar = [(s("Keystone"), Kind::Bug, 0.8)];
        let request = Request { similar: &similar, ..Request::default() };
        assert_eq!(found("stock is wrong", &[], &request).as_deref(), Some("Keystone"));
    }

    #[test]
    fn without_a_catalogue_the_product_is_lower_case() {
        let passages = [(Some("Teams Rooms".to_owned()), 3.0), (None, 2.0)];
        let request = Request { passages_systems: &passages, ..Request::default() };
        let found = find(&[], "screen stays dark", std::iter::empty(), &request, None);
        assert_eq!(found.as_deref(), Some("teams rooms"));
        assert_eq!(find(&[], "x", std::iter::empty(), &Request::default(), None), None);
        assert_eq!(team_of(Some("keystone"), &catalogue()).as_deref(), Some("erp-team"));
        assert_eq!(team_of(None, &catalogue()), None);
    }
}
