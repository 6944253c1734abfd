use super::*;
use crate::ticket::Criticality;

pub(super) fn shipped() -> Vec<Example> {
    let files = [
        include_str!("../../../../../prompts/examples/incident.jsonl"),
        include_str!("../../../../../prompts/examples/bug.jsonl"),
        include_str!("../../../../../prompts/examples/change.jsonl"),
        include_str!("../../../../../prompts/examples/process.jsonl"),
        include_str!("../../../../../prompts/examples/question.jsonl"),
        include_str!("../../../../../prompts/examples/none.jsonl"),
    ];
    let lines = files.iter().flat_map(|f| f.lines()).filter(|l| !l.trim().is_empty());
    lines.map(|l| serde_json::from_str(l).expect("a shipped example")).collect()
}

fn example(text: &str, kind: Kind, system: Option<&str>) -> Example {
    Example {
        text: text.into(),
        kind,
        system: system.map(Into::into),
        impact: None,
        urgency: None,
        sentiment: None,
        language: None,
    }
}

fn read(engine: &LocalEngine, text: &str) -> Assessment {
    engine.assess(&Request { text, ..Request::default() })
}

#[test]
fn training_is_deterministic_and_reading_never_fails() {
    let examples = shipped();
    let (a, b) = (
        LocalEngine::train(&examples, &[], &[], &[]),
        LocalEngine::train(&examples, &[], &[], &[]),
    );
    let huge = "keystone is down ".repeat(60_000);
    for text in ["the erp is down for everybody", "", "???", "🙏", "\u{200B}", "שלום", &huge]
    {
        assert_eq!(read(&a, text), read(&b, text), "{:.40}", text);
    }
    assert_eq!(read(&a, "").kind, Kind::None);
}

#[test]
fn an_engine_without_examples_still_answers() {
    let engine = LocalEngine::train(&[], &[], &[], &[]);
    let a = read(&engine, "printer broken");
    assert!(a.confidence <= 0.5);
    assert_eq!(a.language, "en");
}

#[test]
fn plain_requests_are_read_right() {
    let engine = LocalEngine::train(&shipped(), &[], &[], &[]);
    for (text, kind, language) in [
        (
            "Nobody in the Leeds office can log in to the CRM since this morning",
            Kind::Incident,
            "en",
        ),
        ("How do I export open items to Excel?", Kind::Question, "en"),
        ("Please add a column for the delivery date to the order list", Kind::Change, "en"),
        (
            "The total on the invoice is rounded wrongly, it shows 10.01 instead of 10.00",
            Kind::Bug,
            "en",
        ),
        (
            "Nobody knows who approves orders above 5000, sales says finance, finance says sales",
            Kind::Process,
            "en",
        ),
        ("thanks a lot, works again!", Kind::None, "en"),
        ("Wie kann ich meinen Urlaub eintragen?", Kind::Question, "de"),
        ("Seit heute morgen kann sich niemand anmelden", Kind::Incident, "de"),
    ] {
        let a = read(&engine, text);
        assert_eq!((a.kind, a.language.as_str()), (kind, language), "{text} {}", a.confidence);
    }
}

#[test]
fn a_correction_flips_paraphrases_and_nothing_else() {
    let examples = shipped();
    let catalogue = [System {
        name: "Keystone".into(),
        aliases: vec!["the ERP".into()],
        team: Some("erp-team".into()),
        criticality: Criticality::High,
        confidential: false,
    }];
    let plain = LocalEngine::train(&examples, &[], &[], &catalogue);
    for (corrected, to, paraphrases) in [
        (
            "label printer in hall 3 prints the old company logo",
            Kind::Change,
            [
                "the label printer in hall 3 still prints our old company logo",
                "hall 3 label printer prints company logo from before, the old one",
            ],
        ),
        (
            "goods receipt without purchase order is not possible",
            Kind::Bug,
            [
                "we can't post a goods receipt without a purchase order",
                "goods receipt not possible without purchase order",
            ],
        ),
    ] {
        let correction = [example(corrected, to, Some("Keystone"))];
        assert_ne!(read(&plain, corrected).kind, to, "already right: {corrected}");
        let taught = LocalEngine::train(&examples, &[], &correction, &catalogue);
        for text in paraphrases {
            let a = read(&taught, text);
            assert_eq!((a.kind, a.system.as_deref()), (to, Some("Keystone")), "{text}");
        }
        for text in [
            "how do I reset my password?",
            "mail is down for the whole office",
            "thanks, works again",
            "please add a field for the delivery date",
            "the printer on floor 2 is out of toner",
            "who owns the list of suppliers?",
        ] {
            let (before, after) = (read(&plain, text), read(&taught, text));
            assert_eq!((before.kind, before.system), (after.kind, after.system), "{text}");
        }
    }
}

#[test]
fn a_follow_up_is_read_in_the_light_of_its_thread() {
    let engine = LocalEngine::train(&shipped(), &[], &[], &[]);
    let turn = |from, text: &str| Turn { from, text: text.into() };
    let thread = [
        turn(Speaker::Requester, "How do I request a new customer account in the ERP?"),
        turn(Speaker::Bot, "Open the form under Requests."),
    ];
    let ask = |text| engine.assess(&Request { text, thread: &thread, ..Request::default() }).kind;
    assert_eq!(ask("and for vendors?"), Kind::Question);
    assert_eq!(ask("thanks!"), Kind::None);
    assert_eq!(
        standalone("and for vendors?", &thread),
        "How do I request a new customer account in the ERP?\nand for vendors?"
    );
    assert_eq!(standalone("my printer is broken", &[]), "my printer is broken");
}

#[test]
fn an_ask_at_the_end_of_a_long_message_counts() {
    let engine = LocalEngine::train(&shipped(), &[], &[], &[]);
    let a = read(
        &engine,
        "Hi all, hope you had a good weekend. We finished the move to the new floor and \
         everything is in place, thanks for the help with the boxes. The coffee machine works \
         too. One thing: could you please add Nina Roth to the distribution list of the sales team?",
    );
    assert_eq!(a.kind, Kind::Change, "{a:?}");
    assert!(a.summary.contains("distribution list"), "{}", a.summary);
    assert!(a.summary.chars().count() <= 90);
}

#[test]
fn impact_follows_the_people_named() {
    let engine = LocalEngine::train(&shipped(), &[], &[], &[]);
    for (text, impact) in [
        ("Lookout dashboards show an error for our whole team since this morning", Impact::Team),
        ("Ledger shows an error page for our entire team since this morning", Impact::Team),
        ("my screen stays black after the update", Impact::One),
        ("none of us in purchasing can open the order list", Impact::Team),
        ("customers tell us the checkout hangs", Impact::Many),
        ("alle Filialen im Norden haben kein Netz", Impact::Many),
        ("nobody in the whole company can send mail", Impact::Org),
        ("je ne peux plus ouvrir ma session", Impact::One),
        ("tutti i clienti ricevono un errore sul sito", Impact::Many),
    ] {
        assert_eq!(read(&engine, text).impact, impact, "{text}");
    }
}

#[test]
fn no_two_examples_are_nearly_alike() {
    let words = |e: &Example| -> std::collections::BTreeSet<String> {
        crate::text::words(&e.text).into_iter().collect()
    };
    let all: Vec<_> = shipped().iter().map(|e| (words(e), e.text.clone())).collect();
    for (i, (a, one)) in all.iter().enumerate().filter(|(_, (words, _))| words.len() > 2) {
        for (b, other) in &all[..i] {
            let share = a.intersection(b).count() as f64 / a.union(b).count().max(1) as f64;
            assert!(share < 0.6, "{one} | {other}");
        }
    }
}

#[test]
fn five_folds_hold_their_level() {
    let report = report::cross_validate(&shipped(), 5, 1);
    assert!(report.macro_f1 >= 0.74, "{report}");
    assert!(report.impact >= 0.76, "{report}");
    assert!(report.calibration_error <= 0.07, "{report}");
    assert!(report.language >= 0.93, "{report}");
}
