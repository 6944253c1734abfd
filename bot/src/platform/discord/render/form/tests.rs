#![allow(clippy::unwrap_used)]

use serenity::model::application::{ComponentInteractionData, ModalInteractionData};

use super::*;

const REQUEST: &str = "0198c0de-0000-7000-8000-000000000001";

fn systems() -> Vec<String> {
    vec!["Beacon".to_owned(), "Keystone".to_owned()]
}

fn known() -> TicketForm {
    TicketForm {
        kind: Some(Kind::Incident),
        system: Some("Keystone".to_owned()),
        summary: "Keystone\nis down".to_owned(),
        fields: [("since".to_owned(), "9:00".to_owned())].into(),
    }
}

/// Every component in rows.
fn components(data: &Value) -> Vec<Value> {
    let rows = data["components"].as_array().cloned().unwrap_or_default();
    assert!(rows.len() <= 5 && rows.iter().all(|row| row["type"] == ROW));
    rows.iter().flat_map(|row| row["components"].as_array().cloned().unwrap_or_default()).collect()
}

/// What Discord sends when a dialog was sent as it opened, in rows or in labels.
fn sent_back(modal: &Value, labels: bool) -> Value {
    let rows = components(modal).into_iter().map(|input| {
        let input = json!({
            "type": 4, "custom_id": input["custom_id"],
            "value": input["value"].as_str().unwrap_or_default(),
        });
        if labels {
            json!({ "type": 18, "component": input })
        } else {
            json!({ "type": 1, "components": [input] })
        }
    });
    json!({ "custom_id": modal["custom_id"], "components": rows.collect::<Vec<_>>() })
}

#[test]
fn the_form_makes_the_round() {
    let opened = Opened::new(Some(REQUEST), &known());
    let message = choices(&opened, &systems()).unwrap_or_default();
    assert_eq!(message["flags"], EPHEMERAL);
    let shown = components(&message);
    let types: Vec<u64> = shown.iter().filter_map(|it| it["type"].as_u64()).collect();
    assert_eq!(types, [3, 3, 2]);
    let chosen = |at: usize| -> Vec<&str> {
        let options = shown[at]["options"].as_array().into_iter().flatten();
        options.filter(|it| it["default"] == true).filter_map(|it| it["label"].as_str()).collect()
    };
    assert_eq!((chosen(0), chosen(1)), (vec!["Something is down"], vec!["Keystone"]));

    let write = shown[2]["custom_id"].as_str().and_then(Opened::read);
    assert_eq!(write, Some((Step::Write, opened.clone())));
    let dialog = modal(&opened, &known());
    let names: Vec<Value> = components(&dialog).iter().map(|it| it["custom_id"].clone()).collect();
    assert_eq!(names, ["summary", "since", "affected", "error"]);
    let expected = TicketForm { summary: "Keystone is down".to_owned(), ..known() };
    for labels in [false, true] {
        let back = form_of(&sent_back(&dialog, labels), &systems());
        assert_eq!(back, Ok((opened.clone(), expected.clone())));
    }
}

#[test]
fn what_is_chosen_is_carried_on() {
    let opened = Opened::new(None, &TicketForm::default());
    assert_eq!((opened.kind, opened.system(&systems())), (Kind::Question, None));
    let opened = opened.chosen(Step::Kind, &json!({ "values": ["bug"] }));
    let opened = opened.chosen(Step::System, &json!({ "values": [mark("Beacon")] }));
    assert_eq!((opened.kind, opened.system(&systems())), (Kind::Bug, Some("Beacon")));
    assert_eq!(opened.system(&["Keystone".to_owned()]), None, "no such system any more");
    for data in [json!(null), json!({ "values": ["none"] }), json!({ "values": [7] })] {
        assert_eq!(opened.clone().chosen(Step::Kind, &data), opened, "{data}");
    }
    let cleared = opened.chosen(Step::System, &json!({ "values": [] }));
    assert_eq!(cleared.system(&systems()), None);
}

/// The client reads an interaction and gives it on; nothing may be lost on the way.
#[test]
fn the_client_loses_nothing() {
    let opened = Opened::new(Some(REQUEST), &known());
    let list = json!({ "custom_id": "x", "component_type": 3, "values": ["bug"] });
    let list: ComponentInteractionData = serde_json::from_value(list).unwrap();
    let chosen = opened.clone().chosen(Step::Kind, &serde_json::to_value(&list).unwrap());
    assert_eq!(chosen.kind, Kind::Bug);

    let sent = sent_back(&modal(&opened, &known()), false);
    let typed: ModalInteractionData = serde_json::from_value(sent.clone()).unwrap();
    let given_on = serde_json::to_value(&typed).unwrap();
    assert_eq!(form_of(&given_on, &systems()), form_of(&sent, &systems()));
    assert!(form_of(&given_on, &systems()).is_ok());
}

#[test]
fn only_our_own_names_are_read() {
    for (custom_id, step) in [
        ("firstline.form:kind:bug::r", Some(Step::Kind)),
        ("firstline.form:system2:bug:abc:r", Some(Step::System)),
        ("firstline.form:write:bug::", Some(Step::Write)),
        ("firstline.form:sent:none::r", None),
        ("firstline.form:sent:bug::r:more", None),
        ("firstline.form:sent:bug:r", None),
        ("firstline.form:future:bug::r", None),
        ("firstline.solved:r", None),
        ("", None),
    ] {
        assert_eq!(Opened::read(custom_id).map(|(step, _)| step), step, "{custom_id}");
    }
}

#[test]
fn everything_keeps_discords_limits() {
    let mut systems: Vec<String> = (0..150).map(|n| format!("System {n}")).collect();
    systems.extend(["x".repeat(101), "x".repeat(100), "System 1".to_owned(), " ".into()]);
    systems.push("Keystone".to_owned());
    for (kind, _) in KINDS {
        let long = "😀\n".repeat(9000);
        let fields = fields_of(kind).iter().map(|field| (field.name.to_owned(), long.clone()));
        let form = TicketForm {
            kind: Some(kind),
            summary: long.clone(),
            fields: fields.collect(),
            ..known()
        };
        let opened = Opened::new(Some(REQUEST), &form);
        let message = choices(&opened, &systems).unwrap_or_default();
        let lists: Vec<Value> =
            components(&message).into_iter().filter(|it| it["type"] == STRING_SELECT).collect();
        assert_eq!(lists.len(), 4);
        let mut ids = BTreeSet::new();
        for list in components(&message) {
            let id = list["custom_id"].as_str().unwrap_or_default().to_owned();
            assert!((1..=100).contains(&text::size(&id)), "{id}");
            assert!(ids.insert(id));
            assert!(text::size(list["placeholder"].as_str().unwrap_or_default()) <= 150);
            let options = list["options"].as_array().cloned().unwrap_or_default();
            assert!(options.len() <= 25);
            for part in ["label", "value"] {
                let length = |it: &Value| text::size(it[part].as_str().unwrap_or_default());
                assert!(options.iter().all(|it| (1..=100).contains(&length(it))));
            }
        }
        assert!(message.to_string().contains("\"default\":true,\"label\":\"Keystone\""));

        let dialog = modal(&opened, &form);
        assert!(text::size(dialog["title"].as_str().unwrap_or_default()) <= 45);
        assert!(text::size(dialog["custom_id"].as_str().unwrap_or_default()) <= 100);
        assert_eq!(asked(kind).count(), fields_of(kind).len(), "no field is left out");
        for input in components(&dialog) {
            assert!(text::size(input["label"].as_str().unwrap_or_default()) <= 45);
            assert!(text::size(input["value"].as_str().unwrap_or_default()) <= 4000);
        }
    }
    let opened = Opened::new(Some(&"r".repeat(100)), &known());
    assert_eq!(choices(&opened, &systems), None);
}

#[test]
fn a_form_without_systems_has_no_list_of_them() {
    let opened = Opened::new(Some(REQUEST), &TicketForm::default());
    let message = choices(&opened, &[]).unwrap_or_default();
    assert_eq!(components(&message).len(), 2);
    let dialog = modal(&opened, &TicketForm { summary: " ".to_owned(), ..TicketForm::default() });
    assert!(components(&dialog).iter().all(|input| input.get("value").is_none()));
}

#[test]
fn what_is_missing_is_said_by_field() {
    let sent = "firstline.form:sent:bug::r";
    for (data, fields) in [
        (json!(null), vec!["kind"]),
        (json!({ "custom_id": "firstline.form:write:bug::r" }), vec!["kind"]),
        (json!({ "custom_id": sent }), vec!["summary"]),
        (
            json!({ "custom_id": sent, "components": [{ "components": [7, { "custom_id": "summary", "value": " " }] }] }),
            vec!["summary"],
        ),
        (
            json!({ "custom_id": sent, "components": [{ "components": [{ "custom_id": "summary", "value": "x" }] }] }),
            vec![],
        ),
    ] {
        let wrong = form_of(&data, &[]).err().unwrap_or_default();
        let found: Vec<&str> = wrong.iter().map(|(field, _)| field.as_str()).collect();
        assert_eq!(found, fields, "{data}");
    }
}
