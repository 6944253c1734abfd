#![allow(clippy::unwrap_used)]
use super::*;

fn passage(doc: &str, title: &str, text: &str, audience: &str, language: &str) -> IndexedPassage {
    IndexedPassage {
        passage_id: format!("{doc}-0"),
        document_id: doc.to_owned(),
        source: "s".to_owned(),
        path: format!("{doc}.md"),
        title: title.to_owned(),
        heading: title.to_owned(),
        text: text.to_owned(),
        url: String::new(),
        system: None,
        owner: None,
        reviewed: None,
        audience: audience.to_owned(),
        language: language.to_owned(),
    }
}

fn upsert(p: IndexedPassage) -> Change {
    Change::Upsert { document_id: p.document_id.clone(), passages: vec![p] }
}

fn ask(index: &LocalIndex, text: &str) -> Vec<String> {
    ask_as(index, text, &["everyone"])
}

pub(crate) fn ask_as(index: &LocalIndex, text: &str, audiences: &[&str]) -> Vec<String> {
    let query = Query {
        text: text.to_owned(),
        audiences: audiences.iter().map(|a| (*a).to_owned()).collect(),
        limit: 5,
        ..Query::default()
    };
    index.search(&query).unwrap().hits.into_iter().map(|h| h.passage.document_id).collect()
}

fn sample() -> LocalIndex {
    let index = LocalIndex::in_memory().unwrap();
    index
        .apply(
            &[
                upsert(passage("mfa", "Reset multi-factor authentication", "If sign-in stops with AADSTS50105, open Gatehouse and reset the second factor. The business is informed.", "everyone", "en")),
                upsert(passage("so", "Sales order stays open", "Order SO-1042 stays open when a shipment line was not posted. Business rules apply.", "everyone", "en")),
                upsert(passage("pay", "Payroll bands", "Salary bands for managers and the business.", "managers", "en")),
                upsert(passage("de", "Rechnungen stornieren", "Eine gebuchte Rechnung wird mit einer Gutschrift storniert.", "everyone", "de")),
                upsert(passage("shop", "Connect a web shop", "The web shop sends orders. A shop on the web. web shop.", "everyone", "en")),
                upsert(passage("shop2", "Web shop prices", "The web shop shows prices. Business business.", "everyone", "en")),
                upsert(passage("shop3", "Web shop returns", "The web shop takes returns.", "everyone", "en")),
            ],
            7,
        )
        .unwrap();
    index
}

#[test]
fn finds_by_words_codes_and_other_forms() {
    let index = sample();
    for (question, want) in [
        ("AADSTS50105", "mfa"),
        ("what is aadsts50105?", "mfa"),
        ("so1042", "so"),
        ("SO-1042 is still open", "so"),
        ("resetting my authentications", "mfa"),
        ("Wie storniere ich eine Rechnung?", "de"),
        ("Gutschriften", "de"),
        ("webshop returns", "shop3"),
        ("the shipmnet was not posted", "so"),
        ("zyxqv qwrtp mnbvx plkjh vbnmq wrtyp hgfds jklzx returns", "shop3"),
    ] {
        assert_eq!(ask(&index, question).first().map(String::as_str), Some(want), "{question}");
    }
}

#[test]
fn audience_comes_before_ranking() {
    let index = sample();
    assert!(!ask(&index, "salary bands payroll").contains(&"pay".to_owned()));
    assert_eq!(ask_as(&index, "salary bands", &["everyone", "managers"])[0], "pay");
    assert!(ask_as(&index, "salary bands", &[]).is_empty());
}

#[test]
fn text_is_never_query_syntax() {
    let index = sample();
    for text in [
        "audience:managers AND *",
        "\"unclosed ((",
        "title:pay~2^9",
        "+-!{}[]",
        "",
        "\u{202e}\u{200b}",
        "the of and",
    ] {
        assert!(!ask(&index, text).contains(&"pay".to_owned()), "{text}");
    }
    let huge = "payroll salary ".repeat(70_000);
    assert!(!ask(&index, &huge).contains(&"pay".to_owned()));
}

#[test]
fn follow_up_is_read_in_its_thread() {
    let index = sample();
    let query = Query {
        text: "and when it stays open?".to_owned(),
        thread: vec!["my sales order was shipped".to_owned()],
        audiences: vec!["everyone".to_owned()],
        limit: 3,
        ..Query::default()
    };
    assert_eq!(index.search(&query).unwrap().hits[0].passage.document_id, "so");
}

#[test]
fn changes_replace_and_remove() {
    let index = sample();
    index.apply(&[upsert(passage("so", "Zebra", "stripes", "everyone", "en"))], 8).unwrap();
    assert_eq!(ask(&index, "zebra stripes"), ["so"]);
    assert!(ask(&index, "SO-1042").is_empty());
    index.apply(&[Change::Remove { document_id: "so".to_owned() }], 9).unwrap();
    assert!(ask(&index, "zebra").is_empty());
    assert_eq!(index.passages(), 6);
}

#[test]
fn coverage_and_answerable_tell_known_from_unknown() {
    let index = sample();
    let found = |text: &str| {
        let query = Query {
            text: text.to_owned(),
            audiences: vec!["everyone".to_owned()],
            limit: 3,
            ..Query::default()
        };
        index.search(&query).unwrap()
    };
    let known = found("reset multi-factor authentication");
    let unknown = found("who repairs the forklift charger in the business hall");
    assert!(known.answerable > 0.5 && known.coverage > 0.9, "{known:?}");
    assert!(unknown.answerable < 0.5 && unknown.coverage < 0.5, "{unknown:?}");
    assert_eq!(found("qwxyz").answerable, 0.0);
}

#[test]
fn reopens_with_its_sequence_and_rebuilds_what_is_broken() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("index");
    let opened = LocalIndex::open(&path).unwrap();
    assert!((opened.sequence, opened.rebuilt) == (0, false));
    opened.index.apply(&[upsert(passage("a", "Alpha", "beta", "everyone", "en"))], 41).unwrap();
    assert!(LocalIndex::open(&path).err().unwrap().to_string().contains("in use"));
    drop(opened);

    let opened = LocalIndex::open(&path).unwrap();
    assert_eq!((opened.sequence, opened.rebuilt, opened.index.passages()), (41, false, 1));
    drop(opened);

    for damage in ["meta.json", "store"] {
        let victim = std::fs::read_dir(&path)
            .unwrap()
            .map(|e| e.unwrap().path())
            .find(|p| p.to_string_lossy().ends_with(damage))
            .unwrap();
        let mut bytes = std::fs::read(&victim).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x55;
        bytes[0] ^= 0x55;
        std::fs::write(&victim, bytes).unwrap();
        let opened = LocalIndex::open(&path).unwrap();
        assert_eq!(
            (opened.sequence, opened.rebuilt, opened.index.passages()),
            (0, true, 0),
            "{damage}"
        );
        opened.index.apply(&[upsert(passage("a", "Alpha", "beta", "everyone", "en"))], 42).unwrap();
    }
}

#[test]
fn one_hit_a_document() {
    let index = LocalIndex::in_memory().unwrap();
    let passages: Vec<IndexedPassage> = (0..6)
        .map(|i| {
            let mut p = passage(
                "a",
                "Printer",
                &format!("The printer jams in tray {i}."),
                "everyone",
                "en",
            );
            p.passage_id = format!("a-{i}");
            p
        })
        .collect();
    index.apply(&[Change::Upsert { document_id: "a".to_owned(), passages }], 1).unwrap();
    index.apply(&[upsert(passage("b", "Other", "A printer.", "everyone", "en"))], 2).unwrap();
    let query = Query {
        text: "printer jams".to_owned(),
        audiences: vec!["everyone".to_owned()],
        limit: 10,
        ..Query::default()
    };
    let hits = index.search(&query).unwrap().hits;
    assert_eq!(hits.len(), 4, "three of the long article leave room for the other");
    assert_eq!(one_per_document(hits).len(), 2);
}

#[test]
fn small_bases_know_what_they_know() {
    let articles = [
        (
            "Post a vendor invoice in Keystone",
            "Open Purchasing, choose Invoices and press New. Enter the vendor, the number on the paper and the lines. Press Post.",
        ),
        (
            "Reset your second factor",
            "Sign in to Gatehouse, open Security and choose New phone. Scan the code that is shown.",
        ),
        (
            "Approve leave in PeopleHub",
            "Open the request from your inbox, look at the team calendar and press Approve.",
        ),
        (
            "Merge duplicate accounts",
            "Open both accounts in Beacon, choose Merge and pick the one to keep.",
        ),
    ];
    for count in [1, 2, 4] {
        let index = LocalIndex::in_memory().unwrap();
        let changes: Vec<Change> = articles[..count]
            .iter()
            .enumerate()
            .map(|(i, (title, text))| {
                upsert(passage(&i.to_string(), title, text, "everyone", "en"))
            })
            .collect();
        index.apply(&changes, 1).unwrap();
        let answerable = |text: &str| {
            let query = Query {
                text: text.to_owned(),
                audiences: vec!["everyone".to_owned()],
                limit: 5,
                ..Query::default()
            };
            index.search(&query).unwrap().answerable
        };
        for (question, known) in [
            ("how do I post a vendor invoice in Keystone?", true),
            ("how to post a supplier bill", true),
            ("how do I book a parking space for a visitor?", false),
            ("what is for lunch in the canteen today?", false),
        ] {
            let p = answerable(question);
            assert_eq!(p >= 0.5, known, "{question} in {count}: {p}");
        }
    }
}

#[test]
fn words_of_other_audiences_weigh_nothing() {
    let open = || {
        vec![
            passage("d1", "Orders", "Create a purchase order for a report.", "everyone", "en"),
            passage("d2", "Travel", "Book a flight with the travel desk.", "everyone", "en"),
        ]
    };
    let hidden = passage("d3", "Close", "The accrual report runs on day two.", "managers", "en");
    let (few, more) = (LocalIndex::in_memory().unwrap(), LocalIndex::in_memory().unwrap());
    let put = |index: &LocalIndex, passages: Vec<IndexedPassage>| {
        let changes: Vec<Change> = passages.into_iter().map(upsert).collect();
        index.apply(&changes, 1).unwrap();
    };
    put(&few, open());
    put(&more, open().into_iter().chain([hidden]).collect());
    // Known only there, mistyped, and made of two words.
    for text in ["accrual report", "acrual report", "purchase order on day two", "accrualreport"] {
        let ask = |index: &LocalIndex| {
            let query = Query {
                text: text.to_owned(),
                audiences: vec!["everyone".to_owned()],
                limit: 5,
                ..Query::default()
            };
            let found = index.search(&query).unwrap();
            let hits: Vec<String> = found.hits.into_iter().map(|h| h.passage.passage_id).collect();
            (hits, found.coverage)
        };
        assert_eq!(ask(&few), ask(&more), "{text}");
    }
}
