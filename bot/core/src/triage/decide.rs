//! The decision: a pure function of what was read, what surrounds it and policy.
//!
//! Order of precedence, first match wins:
//! 1. a person has taken over: silent;
//! 2. a person is asked for: handover;
//! 3. an open incident like it (for what may be trouble): attach;
//! 4. not a request, surely enough: silent;
//! 5. an open ticket of the same person like it: duplicate;
//! 6. a question, or anything else that knowledge answers very clearly: answer;
//! 7. too short and too unclear: clarify, once;
//! 8. a question without an answer: offer a ticket;
//! 9. the rest: file.

use crate::ticket::{Criticality, Impact, Kind, Priority, PriorityMatrix, Urgency};

use super::{Assessment, Decision, Evidence, OpenMatter, Plan, Policy};

/// How much of the way from `answer_at` to certainty a request that is no question must
/// go before it is answered rather than filed: somebody who asks for a thing to be done
/// wants it done.
const CLEARLY: f64 = 0.9;

/// Decides on a request. `assessment` only advises: an impact above `team` and priority
/// P1 need a second signal.
pub fn decide(
    assessment: &Assessment,
    evidence: &Evidence,
    policy: &Policy,
    matrix: &PriorityMatrix,
) -> Decision {
    let mut reasons = Vec::new();
    let plan = plan(assessment, evidence, policy, &mut reasons);
    let impact = settle_impact(assessment, evidence, policy, &mut reasons);
    let urgency = settle_urgency(assessment, impact, evidence, &mut reasons);
    let priority = settle_priority(impact, urgency, evidence, policy, matrix, &mut reasons);
    Decision { plan, impact, urgency, priority, reasons }
}

fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

fn plan(a: &Assessment, e: &Evidence, policy: &Policy, reasons: &mut Vec<String>) -> Plan {
    let mut because = |reason: String, plan: Plan| {
        reasons.push(reason);
        plan
    };
    if e.handed_over {
        let reason = "A person has taken over this thread, so the bot stays out of it.";
        return because(reason.into(), Plan::Silent);
    }
    if e.wants_person {
        return because("The requester asked for a person.".into(), Plan::Handover);
    }
    // "Thanks" in the middle of an outage is still thanks; a doubtful "none" is not.
    let chatter = a.kind == Kind::None && a.confidence >= policy.silent_at;
    if let Some(incident) = near(&e.open_incident, policy.attach_at)
        && !chatter
        && may_be_trouble(a)
    {
        let reason = format!(
            "The open incident {} is {} like this request.",
            incident.key,
            percent(incident.score)
        );
        return because(reason, Plan::Attach { key: incident.key.clone() });
    }
    if a.kind == Kind::None && (chatter || !e.must_reply) {
        let reason = format!("It is not a request ({} sure).", percent(a.confidence));
        return because(reason, Plan::Silent);
    }
    if let Some(ticket) = near(&e.open_ticket, policy.duplicate_at).filter(|t| t.own) {
        let reason = format!(
            "The requester's open ticket {} is {} like this request.",
            ticket.key,
            percent(ticket.score)
        );
        return because(reason, Plan::Duplicate { key: ticket.key.clone() });
    }
    if let Some(reason) = answers(a, e, policy) {
        return because(reason, Plan::Answer);
    }
    let short = e.words <= policy.clarify_words;
    if short && a.confidence < policy.clarify_below && !e.already_asked {
        let reason = format!(
            "{} words leave open what is meant (only {} sure), so one question comes first.",
            e.words,
            percent(a.confidence)
        );
        return because(reason, Plan::Clarify);
    }
    match a.kind {
        Kind::Question | Kind::None => {
            let why = match e.abstained {
                Some(reason) => abstained_words(reason).to_owned(),
                None => format!(
                    "the passages answer it only with {} probability ({} is needed)",
                    percent(e.answerable),
                    percent(policy.answer_at)
                ),
            };
            because(
                format!("It got no answer: {why}; a ticket is offered."),
                Plan::File { offer: true },
            )
        }
        kind => because(
            format!(
                "It is {} ({} sure), which needs a ticket.",
                with_article(kind),
                percent(a.confidence)
            ),
            Plan::File { offer: false },
        ),
    }
}

fn near(matter: &Option<OpenMatter>, at: f64) -> Option<&OpenMatter> {
    matter.as_ref().filter(|m| m.score >= at)
}

/// Trouble reports join an incident; so does a question about it ("is mail down?") and
/// what was read with doubt.
fn may_be_trouble(a: &Assessment) -> bool {
    matches!(a.kind, Kind::Incident | Kind::Bug | Kind::Question) || a.confidence < 0.5
}

/// Why the request is answered, if it is.
fn answers(a: &Assessment, e: &Evidence, policy: &Policy) -> Option<String> {
    if e.abstained.is_some() {
        return None;
    }
    let needed = match a.kind {
        Kind::Question | Kind::None => policy.answer_at,
        Kind::Change | Kind::Process => policy.answer_at + CLEARLY * (1.0 - policy.answer_at),
        // Broken things need somebody to mend them, whatever the articles say.
        Kind::Incident | Kind::Bug => return None,
    };
    let kind = with_article(a.kind);
    (e.answerable >= needed).then(|| match a.kind {
        Kind::Question | Kind::None => {
            format!("The passages answer it with {} probability.", percent(e.answerable))
        }
        _ => format!(
            "It reads as {kind}, but the passages say how to do it oneself ({} probability).",
            percent(e.answerable)
        ),
    })
}

fn with_article(kind: Kind) -> &'static str {
    match kind {
        Kind::Incident => "an incident",
        Kind::Bug => "a bug",
        Kind::Change => "a change request",
        Kind::Process => "a trouble with a process",
        Kind::Question => "a question",
        Kind::None => "not a request",
    }
}

fn abstained_words(reason: super::Abstained) -> &'static str {
    match reason {
        super::Abstained::NoSource => "nothing in the knowledge base comes near it",
        super::Abstained::NotCovered => "related articles exist, but none says what was asked",
        super::Abstained::Conflict => "the sources contradict each other",
        super::Abstained::Stale => "only outdated sources cover it",
    }
}

/// The first signal beside the reader's word that many may be affected.
fn second_signal(e: &Evidence, policy: &Policy) -> Option<String> {
    if e.reports >= policy.reports_for_many {
        return Some(format!("{} people reported something like it", e.reports));
    }
    if e.criticality == Some(Criticality::High) && e.reports > 1 {
        return Some(format!("{} people reported it on a highly critical system", e.reports));
    }
    let incident = near(&e.open_incident, policy.attach_at)?;
    Some(format!("the open incident {} is about it", incident.key))
}

fn settle_impact(
    a: &Assessment,
    e: &Evidence,
    policy: &Policy,
    reasons: &mut Vec<String>,
) -> Impact {
    if a.impact <= Impact::Team {
        return a.impact;
    }
    match second_signal(e, policy) {
        Some(signal) => {
            reasons.push(format!("Impact {} stands, because {signal}.", a.impact));
            a.impact
        }
        None => {
            reasons.push(format!(
                "Impact {} was lowered to team: no second report, incident or other signal confirms it yet.",
                a.impact
            ));
            Impact::Team
        }
    }
}

/// An incident presses by what it stops, not by how calmly it is told: at least normal,
/// and high when it stops a team on a highly critical system.
fn settle_urgency(
    a: &Assessment,
    impact: Impact,
    e: &Evidence,
    reasons: &mut Vec<String>,
) -> Urgency {
    if a.kind != Kind::Incident {
        return a.urgency;
    }
    let stops_a_team = impact >= Impact::Team && e.criticality == Some(Criticality::High);
    let least = if stops_a_team { Urgency::High } else { Urgency::Normal };
    if a.urgency < least {
        reasons.push(if stops_a_team {
            "Urgency was raised to high: a team cannot work with a highly critical system.".into()
        } else {
            "Urgency was raised to normal, the least an incident has.".into()
        });
    }
    a.urgency.max(least)
}

fn settle_priority(
    impact: Impact,
    urgency: Urgency,
    e: &Evidence,
    policy: &Policy,
    matrix: &PriorityMatrix,
    reasons: &mut Vec<String>,
) -> Priority {
    let priority = matrix.priority(impact, urgency);
    // An organisation's own matrix may reach P1 for a team; the word of one reader
    // still does not.
    if priority == Priority::P1 && second_signal(e, policy).is_none() {
        reasons.push("Priority P1 was lowered to P2: it needs a second signal or a person.".into());
        return Priority::P2;
    }
    reasons
        .push(format!("Priority {priority} follows from impact {impact} and urgency {urgency}."));
    priority
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::triage::Abstained;

    fn assessment(kind: Kind, confidence: f64) -> Assessment {
        Assessment {
            kind,
            confidence,
            system: None,
            impact: Impact::One,
            urgency: Urgency::Normal,
            sentiment: crate::ticket::Sentiment::Neutral,
            language: "en".into(),
            summary: "s".into(),
            fields: Default::default(),
            missing: vec![],
        }
    }

    fn evidence() -> Evidence {
        Evidence { must_reply: true, words: 12, ..Evidence::default() }
    }

    fn matter(key: &str, score: f64, own: bool) -> Option<OpenMatter> {
        Some(OpenMatter { key: key.into(), score, own })
    }

    fn planned(a: &Assessment, e: &Evidence) -> Plan {
        decide(a, e, &Policy::default(), &PriorityMatrix::default()).plan
    }

    #[test]
    fn every_plan_and_its_precedence() {
        use Kind::*;
        let file = Plan::File { offer: false };
        let offer = Plan::File { offer: true };
        let attach = Plan::Attach { key: "INC-1".into() };
        let duplicate = Plan::Duplicate { key: "FL-7".into() };
        let like_incident = Evidence { open_incident: matter("INC-1", 0.7, false), ..evidence() };
        let own_ticket = Evidence { open_ticket: matter("FL-7", 0.9, true), ..evidence() };
        let answerable = Evidence { answerable: 0.8, ..evidence() };
        let short = Evidence { words: 3, ..evidence() };
        for (name, kind, confidence, e, expected) in [
            (
                "handed over beats all",
                Incident,
                0.9,
                Evidence { handed_over: true, wants_person: true, ..like_incident.clone() },
                Plan::Silent,
            ),
            (
                "a person asked for",
                None,
                0.9,
                Evidence { wants_person: true, ..evidence() },
                Plan::Handover,
            ),
            ("an incident takes trouble", Incident, 0.9, like_incident.clone(), attach.clone()),
            (
                "and questions about it",
                Question,
                0.9,
                Evidence { answerable: 0.9, ..like_incident.clone() },
                attach.clone(),
            ),
            ("but no clear change", Change, 0.9, like_incident.clone(), file.clone()),
            ("nor thanks", None, 0.9, like_incident.clone(), Plan::Silent),
            (
                "attach beats duplicate",
                Bug,
                0.8,
                Evidence { open_ticket: matter("FL-7", 0.95, true), ..like_incident.clone() },
                attach,
            ),
            (
                "a far incident does not attach",
                Incident,
                0.9,
                Evidence { open_incident: matter("INC-1", 0.59, false), ..evidence() },
                file.clone(),
            ),
            ("chatter", None, 0.7, evidence(), Plan::Silent),
            (
                "doubtful chatter in a channel",
                None,
                0.4,
                Evidence { must_reply: false, ..evidence() },
                Plan::Silent,
            ),
            ("doubtful chatter where a reply is due", None, 0.5, evidence(), offer.clone()),
            ("the same ticket again", Incident, 0.9, own_ticket.clone(), duplicate.clone()),
            (
                "a duplicate question too",
                Question,
                0.9,
                Evidence { answerable: 0.9, ..own_ticket },
                duplicate,
            ),
            (
                "another person's ticket is no duplicate",
                Incident,
                0.9,
                Evidence { open_ticket: matter("FL-7", 0.99, false), ..evidence() },
                file.clone(),
            ),
            ("an answer", Question, 0.9, answerable.clone(), Plan::Answer),
            (
                "no answer to a failure",
                Incident,
                0.9,
                Evidence { answerable: 0.99, ..evidence() },
                file.clone(),
            ),
            ("a change not clearly answered", Change, 0.9, answerable.clone(), file.clone()),
            (
                "a change that one can do oneself",
                Change,
                0.9,
                Evidence { answerable: 0.97, ..evidence() },
                Plan::Answer,
            ),
            (
                "an answer withheld",
                Question,
                0.9,
                Evidence { abstained: Some(Abstained::Conflict), ..answerable.clone() },
                offer.clone(),
            ),
            ("short and unclear", Incident, 0.3, short.clone(), Plan::Clarify),
            (
                "short but answerable",
                Question,
                0.3,
                Evidence { words: 3, ..answerable },
                Plan::Answer,
            ),
            (
                "asked only once",
                Incident,
                0.3,
                Evidence { already_asked: true, ..short.clone() },
                file.clone(),
            ),
            ("short but clear", Incident, 0.8, short, file.clone()),
            ("a question without an answer", Question, 0.9, evidence(), offer),
            ("a bug", Bug, 0.9, evidence(), file.clone()),
            ("a process", Process, 0.9, evidence(), file),
        ] {
            assert_eq!(planned(&assessment(kind, confidence), &e), expected, "{name}");
        }
    }

    #[test]
    fn a_reader_alone_raises_neither_impact_nor_p1() {
        use Criticality::{High, Medium};
        for (impact, criticality, reports, incident, expected, priority) in [
            (Impact::Org, None, 0, false, Impact::Team, Priority::P2),
            (Impact::Many, Some(High), 1, false, Impact::Team, Priority::P2),
            (Impact::Many, Some(High), 2, false, Impact::Many, Priority::P1),
            (Impact::Many, Some(Medium), 2, false, Impact::Team, Priority::P2),
            (Impact::Org, Some(Medium), 3, false, Impact::Org, Priority::P1),
            (Impact::Org, None, 0, true, Impact::Org, Priority::P1),
            (Impact::Team, None, 9, true, Impact::Team, Priority::P2),
        ] {
            let a =
                Assessment { impact, urgency: Urgency::High, ..assessment(Kind::Incident, 0.9) };
            let open_incident = incident.then(|| matter("INC-1", 0.9, false)).flatten();
            let e = Evidence { criticality, reports, open_incident, ..evidence() };
            let d = decide(&a, &e, &Policy::default(), &PriorityMatrix::default());
            assert_eq!((d.impact, d.priority), (expected, priority), "{impact} {reports}");
            assert!(d.reasons.iter().all(|r| r.ends_with('.')), "{:?}", d.reasons);
        }
        let strict = PriorityMatrix([[Priority::P1; 3]; 4]);
        let d = decide(&assessment(Kind::Incident, 0.9), &evidence(), &Policy::default(), &strict);
        assert_eq!(d.priority, Priority::P2);
        assert!(d.reasons.iter().any(|r| r.contains("second signal")), "{:?}", d.reasons);
    }
}
