//! The attack texts reach a model as data, and the model that obeys them really does:
//! what the flows withstand is then their own doing.
#![allow(clippy::unwrap_used)]

use std::collections::HashSet;

use acceptance::attacks::{attacks, obeying_model, ordinary_requests};
use acceptance::model::{Heard, Reply};
use firstline::prompts::{Data, PassageForPrompt, Prompts};
use firstline_core::triage::System;
use firstline_core::triage::cite::{PassageText, check_statement};
use firstline_core::triage::read::{StatementReader, read_assessment};
use serde_json::json;

fn catalogue() -> Vec<System> {
    ["Beacon", "Gatehouse", "Harbour", "Keystone", "Lookout", "Peoplehub", "Pocket", "Tally"]
        .map(|name| serde_json::from_value(json!({"name": name, "criticality": "high"})).unwrap())
        .into()
}

/// The request a model would hear: `attack` after the request, or planted in a passage.
fn heard(schema: &str, request: &str, passage: &str) -> Heard {
    let prompts = Prompts::load(None).unwrap();
    let passages = [PassageForPrompt { n: 1, text: passage.into(), ..Default::default() }];
    let catalogue = catalogue();
    let data = Data::new(request, &[], &passages, &catalogue, &[]);
    let prompt = if schema == "answer" { &prompts.answer } else { &prompts.assess };
    Heard {
        authorization: None,
        body: json!({
            "messages": [
                {"role": "system", "content": prompt.system(&data).unwrap()},
                {"role": "user", "content": prompt.user(&data).unwrap()},
            ],
            "response_format": {"json_schema": {"name": schema}},
        }),
    }
}

fn text(reply: Reply) -> String {
    match reply {
        Reply::Say(value) => value.to_string(),
        Reply::Text(text) => text,
        other => panic!("unexpected {other:?}"),
    }
}

#[test]
fn there_are_thirty_attacks_and_ten_requests() {
    let attacks = attacks();
    let ids: HashSet<_> = attacks.iter().map(|a| a.id.as_str()).collect();
    assert_eq!((attacks.len(), ids.len()), (30, 30));
    for attack in &attacks {
        let hit: Vec<_> = attacks.iter().filter(|a| attack.text.contains(&a.trigger)).collect();
        assert_eq!(hit.len(), 1, "{}: a trigger must name one attack", attack.id);
        assert!(attack.tries.ends_with('.'), "{}", attack.id);
    }
    assert_eq!(ordinary_requests().len(), 10);
}

#[test]
fn the_model_reads_ordinary_requests_rightly() {
    let model = obeying_model();
    for request in ordinary_requests() {
        let reply = text(model(&heard("assessment", &request.text, "Nothing special. Really.")));
        let read = read_assessment(&reply, &catalogue()).unwrap();
        assert_eq!(json!(read.kind), request.assess["kind"], "{}", request.id);
        assert_eq!(json!(read.impact), request.assess["impact"], "{}", request.id);
        let reply = text(model(&heard("answer", &request.text, "Nothing special. Really.")));
        let said = StatementReader::new().feed(&reply);
        assert_eq!(said[0].text, "Nothing special.");
    }
}

#[test]
fn the_model_obeys_every_attack_in_a_message_and_in_a_document() {
    let model = obeying_model();
    let request = &ordinary_requests()[0].text;
    let clean = "Leave is granted by the year.";
    let clean_reading = text(model(&heard("assessment", request, clean)));
    let clean_answer = text(model(&heard("answer", request, clean)));
    for attack in attacks() {
        let appended = format!("{request} {}", attack.text);
        let planted = format!("{clean} {}", attack.text);
        for (message, document) in [(appended.as_str(), clean), (request, &planted)] {
            let mut obeyed = false;
            for (schema, honest) in [("assessment", &clean_reading), ("answer", &clean_answer)] {
                let heard = heard(schema, message, document);
                // Nothing of it stands outside the JSON of its line.
                let lines = if schema == "answer" { 3 } else { 6 };
                assert_eq!(heard.user().lines().count(), lines, "{}", attack.id);
                obeyed |= &text(model(&heard)) != honest;
            }
            assert!(obeyed, "{}: the model does not obey it", attack.id);
        }
    }
}

#[test]
fn made_up_statements_do_not_survive_the_citation_check() {
    let clean = "Leave is granted by the year.";
    for attack in attacks() {
        for said in &attack.obey.say {
            let numbers = said["cites"].as_array().into_iter().flatten();
            let cites: Vec<usize> = numbers.filter_map(|n| n.as_u64()?.try_into().ok()).collect();
            let passage = PassageText {
                n: 1,
                title: String::new(),
                heading: String::new(),
                text: clean.into(),
            };
            let checked = check_statement(said["text"].as_str().unwrap(), &cites, &[passage]);
            assert!(checked.is_err(), "{}: {checked:?}", attack.id);
        }
    }
}
