//! Questions to start with on the first screen.

use serde::Serialize;

use super::Web;
use crate::store::new_id;

#[derive(Debug, Serialize)]
pub(super) struct Example {
    tag: &'static str,
    kind: &'static str,
    text: String,
    event_id: String,
}

/// Tag, kind (for the icon) and words that the sample company's people would type.
const DEMO: &[(&str, &str, &str)] = &[
    ("How-to", "question", "I have a new phone. How do I move my Gatehouse MFA to it?"),
    (
        "Policy",
        "question",
        "How big a discount can I give in Beacon before someone has to approve it?",
    ),
    (
        "Something is down",
        "incident",
        "Lookout dashboards have been showing an error for our whole team since this morning",
    ),
    (
        "A change",
        "change",
        "Please give our new colleague access to the Beacon quotes of the Hamburg territory, needed by Monday",
    ),
];

pub(super) fn for_start(web: &Web) -> Vec<Example> {
    let example = |(tag, kind, text): (&'static str, &'static str, String)| Example {
        tag,
        kind,
        text,
        event_id: new_id(),
    };
    if web.app.demo {
        return DEMO.iter().map(|(t, k, s)| example((t, k, (*s).to_owned()))).collect();
    }
    // One per weighty system of the catalogue.
    type Phrased = (&'static str, &'static str, fn(&str) -> String);
    let phrased: &[Phrased] = &[
        ("Access", "change", |s| format!("How do I get access to {s}?")),
        ("Something is down", "incident", |s| {
            format!("{s} has not been working for our team since this morning")
        }),
        ("How-to", "question", |s| format!("Where do I find the instructions for {s}?")),
        ("A change", "change", |s| format!("Please change a setting in {s} for our team")),
    ];
    let mut systems: Vec<_> = web.app.catalogue.iter().filter(|s| !s.confidential).collect();
    systems.sort_by_key(|s| std::cmp::Reverse(s.criticality));
    phrased
        .iter()
        .zip(systems)
        .map(|((tag, kind, say), system)| example((tag, kind, say(&system.name))))
        .collect()
}
