use super::*;

fn passage() -> PassageText {
    PassageText {
        n: 2,
        title: "Discount limits".into(),
        heading: "Who approves".into(),
        text: "A sales person may give up to 15 % without approval. Ask in **Quote > Approval > \
               Reassign**, or try the price book `DEMO`. Freight above 10,000 EUR needs three days. Code \
               GH-412 means the clock is off; see https://help.larkfield.example/gh."
            .into(),
    }
}

#[test]
fn statements_stand_or_fall_with_their_passages() {
    for (text, cites, expected) in [
        ("You may give up to 15 % without approval.", &[2][..], None),
        ("You may give up to 15% without approval [2].", &[2], None),
        ("You may give up to 25 % without approval.", &[2], Some("25")),
        ("Open Quote > Approval > Reassign.", &[2], None),
        ("Open **Quote → Approval → Reassign** and pick a deputy.", &[2], None),
        ("Open Quote > Approval > Delete.", &[2], Some("Quote > Approval > Delete")),
        ("Freight above 10.000 EUR takes 3 days.", &[2], None),
        ("Freight takes five days.", &[2], Some("5")),
        ("GH-412 means the clock is off.", &[2], None),
        ("GH‑413 means the clock is off.", &[2], Some("GH-413")),
        ("Use the price book `DEMO`.", &[2], None),
        ("Use the price book `LIVE`.", &[2], Some("LIVE")),
        ("See https://help.larkfield.example/gh.", &[2], None),
        ("See https://evil.example/gh.", &[2], Some("https://evil.example/gh")),
        ("The limit is set by Salesforce for each person.", &[2], Some("Salesforce")),
        ("1. Ask for approval.", &[2], None),
    ] {
        let expected = expected.map(|e| Dropped::Unsupported(e.to_owned()));
        let outcome = check_statement(text, cites, &[passage()]);
        match (&outcome, &expected) {
            (Err(Dropped::Unsupported(a)), Some(Dropped::Unsupported(e))) => {
                assert!(a.starts_with(e.as_str()), "{text}: {a}");
            }
            _ => assert_eq!(outcome.as_ref().err(), expected.as_ref(), "{text}"),
        }
    }
}

#[test]
fn citations_must_exist_and_quotes_are_exact() {
    let passages = [passage()];
    assert_eq!(check_statement("Fine.", &[], &passages), Err(Dropped::NoCitation));
    assert_eq!(check_statement("Fine.", &[7], &passages), Err(Dropped::UnknownPassage(7)));
    assert_eq!(check_statement(" [2] ", &[2], &passages), Err(Dropped::Empty));
    for (text, expected) in [
        ("All open tickets have been closed.", Dropped::Unrelated),
        ("Hello @everyone, ask for approval.", Dropped::MassMention),
        ("<!channel> ask for approval.", Dropped::MassMention),
    ] {
        assert_eq!(check_statement(text, &[2], &passages), Err(expected), "{text}");
    }
    let checked = check_statement("Up to 15 % needs no approval [9].", &[2, 2], &passages);
    let checked = checked.expect("it is supported");
    assert_eq!(checked.text, "Up to 15 % needs no approval. [2]");
    assert_eq!(checked.quotes[0].quote, "A sales person may give up to 15 % without approval.");
    assert!(passages[0].text.contains(&checked.quotes[0].quote));
    let names = ["Tally".to_owned()];
    let named = check_statement_naming("Tally gives up to 15 %.", &[2], &passages, &names);
    assert_eq!(named, Err(Dropped::Unsupported("Tally".into())));
}

fn hit(path: &str, text: &str, score: f64, reviewed: &str) -> Hit {
    Hit {
        passage_id: format!("{path}#1"),
        source: "sample".into(),
        path: path.into(),
        title: path.trim_end_matches(".md").replace('-', " "),
        heading: String::new(),
        url: String::new(),
        text: text.into(),
        score,
        reviewed: Some(reviewed.into()),
    }
}

#[test]
fn steps_stay_whole_and_carry_their_source() {
    let hits = [
        hit(
            "new-phone.md",
            "Gatehouse asks for a second factor.\n\nMove the factor to the new phone like this:\n\n\
             1. Open **My account**.\n2. Confirm with the old phone.\n\n3. Scan the code with the new phone.\n\n\
             If the phone was stolen, say so.",
            9.0,
            "2026-09-01",
        ),
        hit("payslip.md", "Payslips are posted on the 25th.", 2.0, "2026-09-01"),
    ];
    let answer = compose_local("how do I move MFA to my new phone", &hits, "2026-11-01", 12);
    insta::assert_snapshot!(answer.text, @r"
    **new phone**

    Move the factor to the new phone like this:

    1. Open **My account**.
    2. Confirm with the old phone.

    3. Scan the code with the new phone. [1]
    ");
    assert_eq!(answer.citations.len(), 1);
    assert!(hits[0].text.contains(&answer.citations[0].quote));
    assert_eq!((answer.notes, answer.abstained), (Notes::default(), None));
}

#[test]
fn contradictions_and_age_are_noted() {
    let hits = [
        hit(
            "limits.md",
            "A sales person may give a discount of up to 15 % off list price without approval.",
            9.0,
            "2026-03-02",
        ),
        hit(
            "quotes.md",
            "Send it from the quote page.\n\nA discount of up to 20 % off the list price goes out without approval.",
            8.0,
            "2024-01-10",
        ),
    ];
    let answer =
        compose_local("what discount may I give without approval?", &hits, "2026-11-01", 18);
    let conflict = answer.notes.conflict.expect("they contradict each other");
    assert_eq!((conflict.first.0, conflict.second.0), (0, 1));
    assert_eq!(answer.citations.len(), 2);
    assert_eq!(
        answer.notes.stale,
        [Stale { title: "quotes".into(), reviewed: "2024-01-10".into() }]
    );
    assert!(conflict_between("who may park where?", &hits).is_none());
    let agreeing = [hits[0].clone(), hit("c.md", &hits[0].text, 1.0, "2026-01-01")];
    assert!(conflict_between("what discount may I give?", &agreeing).is_none());
}

#[test]
fn tables_stay_tables_and_nothing_is_said_about_nothing() {
    let table = "Approvers:\n\n| Discount | Approver |\n|---|---|\n| up to 25 % | line manager |";
    let answer = compose_local(
        "who is the discount approver",
        &[hit("a.md", table, 3.0, "")],
        "2026-11-01",
        12,
    );
    assert_eq!(answer.text, format!("**a**\n\n{table}\n\n[1]"));
    let none = compose_local("x", &[], "2026-11-01", 12);
    assert_eq!(none.abstained, Some(crate::triage::Abstained::NoSource));
    let other = compose_local("zebra crossing", &[hit("a.md", table, 3.0, "")], "2026-11-01", 12);
    assert_eq!(other.abstained, Some(crate::triage::Abstained::NotCovered));
}

#[test]
fn tables_are_shown_as_tables() {
    let shown = |passage: &str| {
        compose_local(
            "error 798 no certificate",
            &[hit("vpn.md", passage, 3.0, "")],
            "2026-11-01",
            12,
        )
        .text
    };
    let bare = "| Code | Meaning |\n| 691 | Password changed |\n| 798 | No certificate found |";
    assert!(shown(bare).contains("| Code | Meaning |\n|---|---|\n| 691 |"), "{}", shown(bare));
    let ruled = "| Code | Meaning |\n|---|:-:|\n| 798 | No certificate found |";
    assert!(shown(ruled).contains(ruled), "{}", shown(ruled));
    let led = "The codes:\n| Code | Meaning |\n| 798 | No certificate found |";
    assert!(shown(led).contains("codes:\n\n| Code | Meaning |\n|---|---|\n"), "{}", shown(led));
}
