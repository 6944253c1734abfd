use super::*;
use crate::chat::ReviewLine;
use crate::ticket::{Impact, Kind, Priority, Sentiment, Status, Urgency};
use crate::triage::cite::{Conflict, Notes, Stale};
use crate::triage::redact::SecretKind;
use crate::triage::{Abstained, Assessment};

fn facts<'a>(missing: &'a [String]) -> TicketFacts<'a> {
    TicketFacts {
        key: "FL-12",
        kind: Kind::Incident,
        summary: "Keystone is down",
        system: Some("Keystone"),
        team: Some("erp-team"),
        priority: Priority::P2,
        missing,
    }
}

#[test]
fn a_filed_ticket_says_where_it_went_and_what_would_help() {
    let missing = ["since".to_owned(), "affected".to_owned()];
    insta::assert_snapshot!(filed(&facts(&missing), "en").text, @r"
    I filed **FL-12**: Keystone is down

    incident · Keystone · P2

    It is with **erp-team** now. I'll tell you here when something happens. It would help to know: since when and who is affected. Just reply here.
    ");
    insta::assert_snapshot!(filed(&facts(&missing), "de-DE").text, @r"
    Ich habe **FL-12** angelegt: Keystone is down

    Störung · Keystone · P2

    Es liegt jetzt bei **erp-team**. Ich sage dir hier, wenn sich etwas tut. Hilfreich wäre noch: seit wann und wer betroffen ist. Antworte einfach hier.
    ");
}

#[test]
fn footers_name_what_disagrees_and_what_is_old() {
    let side = |at, title: &str, says: &str| (at, title.to_owned(), says.to_owned());
    let notes = Notes {
        conflict: Some(Conflict {
            first: side(0, "Limits", "Up to 15 %."),
            second: side(1, "Quotes", "Up to 20 %."),
        }),
        stale: vec![Stale { title: "Quotes".into(), reviewed: "2024-01-10".into() }],
    };
    insta::assert_snapshot!(answer_footer(&notes, "en"), @r"
    ⚠ Two articles disagree here. **Limits** says: “Up to 15 %.” **Quotes** says: “Up to 20 %.” Please ask the owners before you rely on either.

    ⚠ **Quotes** was last reviewed on 2024-01-10 and may be out of date.
    ");
    assert_eq!(answer_footer(&Notes::default(), "en"), "");
}

#[test]
fn one_question_fitted_to_what_was_understood() {
    let mut assessment = Assessment {
        kind: Kind::Incident,
        confidence: 0.3,
        system: Some("Beacon".into()),
        impact: Impact::One,
        urgency: Urgency::Normal,
        sentiment: Sentiment::Neutral,
        language: "en".into(),
        summary: String::new(),
        fields: Default::default(),
        missing: vec![],
    };
    insta::assert_snapshot!(clarify(&assessment).text, @"I'd like to get this right: what happens with Beacon, and what did you expect instead?");
    assessment.system = None;
    assessment.kind = Kind::Question;
    insta::assert_snapshot!(clarify(&assessment).text, @"What would you like to know or do? Is something not working, or is it a question?");
}

#[test]
fn secrets_are_named_and_to_be_replaced() {
    let found = [SecretKind::Password, SecretKind::ApiKey, SecretKind::Password];
    insta::assert_snapshot!(secret_removed(&found, "en"), @"I removed this from your message before keeping it: an API key and a password. It was shown in a chat, so please replace it with a new one.");
    insta::assert_snapshot!(secret_removed(&[SecretKind::Card], "de"), @"Das habe ich vor dem Speichern aus deiner Nachricht entfernt: eine Kartennummer.");
}

#[test]
fn tickets_move_on_in_words() {
    insta::assert_snapshot!(status_changed("FL-3", Status::Resolved, Some("Restarted.\nDone."), "en").text, @r"
    **FL-3** is resolved.

    > Restarted.
    > Done.

    If it is not solved for you, type `reopen FL-3`.
    ");
    insta::assert_snapshot!(handover(Some("FL-3"), None, "en").text, @"Of course: someone from support will answer you here, and I'll keep quiet. What you told me is in **FL-3**, so you need not repeat it.");
    insta::assert_snapshot!(offer_ticket(Some(Abstained::NoSource), Default::default(), "en").text, @"I found nothing about this in the articles you can read. Shall I pass it on as a ticket? Please check the form and send it.");
    insta::assert_snapshot!(comment_relayed("FL-3", "Priya", "<b>Which</b> printer?", "en").text, @r"
    Priya wrote about **FL-3**:

    > <b>Which</b> printer?

    Reply here and they will see it.
    ");
}

#[test]
fn every_sentence_is_calm_in_both_languages() {
    for language in ["en", "de", "pl", ""] {
        let mut all = vec![
            help(language),
            greeting(language),
            courtesy(language),
            empty(language),
            binary(language),
            error(language),
            solved(language),
            not_helpful(language),
            reopened("FL-1", None, language),
            attached("FL-1", language),
            no_such_ticket("FL-1", language),
            my_tickets(&[], Told::default(), language),
            duplicate("FL-1", "s", Status::New, language),
            did_you_mean("help", language),
            already_open("FL-1", Status::Waiting, language),
            following("FL-1", Status::New, None, language),
            following("FL-1", Status::New, Some("Ana"), language),
            unfollowed("FL-1", true, None, language),
            unfollowed("FL-1", false, Some("Ana"), language),
        ];
        all.extend(Status::ALL.iter().map(|s| status_changed("FL-1", *s, None, language)));
        for message in all {
            assert!(!message.text.is_empty() && !message.text.contains('!'), "{}", message.text);
        }
        for reason in
            [Abstained::NoSource, Abstained::NotCovered, Abstained::Conflict, Abstained::Stale]
        {
            assert!(abstained(reason, language).ends_with('.'));
        }
    }
}

#[test]
fn owners_hear_what_waits_and_what_became_of_it() {
    let line = ReviewLine {
        key: "FL-12".into(),
        summary: "Keystone is down".into(),
        facts: ticket_facts(Kind::Incident, Priority::P2, Status::New, Some("Keystone"), "en"),
    };
    assert_eq!(line.facts, "incident · P2 · new · Keystone");
    let list = review(vec![line.clone()], "en");
    assert!(list.text.contains(REVIEW_QUEUE) && list.review == [line], "{list:?}");
    assert_eq!(review(Vec::new(), "de").text, "Nichts wartet auf deine Prüfung.");
    insta::assert_snapshot!(corrected("FL-12", "bug · P3 · new", "en"), @"You corrected **FL-12**: bug · P3 · new. I'll remember that.");
}

#[test]
fn a_tickets_state_says_since_when_where_its_reader_is() {
    let ticket = |changed: i64| Standing {
        key: "FL-12".into(),
        summary: "Keystone is down".into(),
        status: Status::InProgress,
        filed: 1_793_620_800_000 - 3 * 86_400_000,
        changed,
    };
    let told = Told { now: 1_793_620_800_000, zone: Some("Europe/Berlin") };
    let (moved, fresh) = (ticket(told.now - 3_600_000), ticket(told.now - 3 * 86_400_000));
    for (ticket, language, text) in [
        (
            &moved,
            "en",
            "**FL-12** (Keystone is down) is being worked on. Filed Fri 30 Oct 13:00, last changed today 12:00.",
        ),
        (&fresh, "en", "**FL-12** (Keystone is down) is being worked on. Filed Fri 30 Oct 13:00."),
        (
            &moved,
            "de",
            "**FL-12** (Keystone is down): in Arbeit. Angelegt Fr 30. Oktober 13:00, zuletzt geändert heute 12:00.",
        ),
    ] {
        assert_eq!(ticket_status(ticket, told, language).text, text);
    }
    let list = my_tickets(&[moved], told, "en").text;
    assert!(
        list.ends_with("- **FL-12** Keystone is down (being worked on, today 12:00)"),
        "{list}"
    );
}
