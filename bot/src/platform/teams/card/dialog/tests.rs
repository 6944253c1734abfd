use super::*;

fn known() -> TicketForm {
    TicketForm {
        kind: Some(Kind::Incident),
        system: Some("Keystone".to_owned()),
        summary: "Keystone\nis down".to_owned(),
        fields: [("since".to_owned(), "9:00".to_owned())].into(),
    }
}

/// What Teams would send if nothing was altered and the button with this title was pressed.
fn sent_back(form: &Value, title: &str) -> Value {
    let body = || form["body"].as_array().into_iter().flatten();
    let rows = body().flat_map(|element| element["actions"].as_array().into_iter().flatten());
    let own = form["actions"].as_array().into_iter().flatten();
    let button = rows.chain(own).find(|action| action["title"] == title);
    let mut data = button.map(|action| action["data"].clone()).unwrap_or_default();
    for input in body().filter(|element| element.get("id").is_some()) {
        let id = input["id"].as_str().unwrap_or_default();
        data[id] = input.get("value").cloned().unwrap_or_else(|| json!(""));
    }
    data
}

const FILE: &str = "File the ticket";
const SHOW: &str = "Show the fields of this kind";

fn ids(form: &Value) -> Vec<&str> {
    let body = form["body"].as_array().into_iter().flatten();
    body.filter_map(|element| element["id"].as_str()).collect()
}

#[test]
fn the_form_makes_the_round() {
    let systems = ["Beacon".to_owned(), "Keystone".to_owned()];
    let form = dialog(&known(), &systems, Some("r1"), &[]);
    assert_eq!(ids(&form), ["kind", "system", "summary", "since", "affected", "error"]);
    let expected = TicketForm { summary: "Keystone is down".to_owned(), ..known() };
    let data = sent_back(&form, FILE);
    assert_eq!(form_of(&data), Ok(expected));
    let carried = Opened { request: Some("r1".to_owned()), step: Step::File };
    assert_eq!(opened_of(&data), Some(carried));
    assert_eq!(opened_of(&json!({ "verb": "firstline.file_ticket", "request": "r1" })), None);
    assert_eq!(ids(&dialog(&known(), &[], None, &[]))[1], "summary");
}

#[test]
fn another_kind_shows_its_fields_and_loses_nothing() {
    let first = dialog(&known(), &[], None, &[]);
    let mut data = sent_back(&first, SHOW);
    data["kind"] = json!("change");
    data["affected"] = json!("Everyone");
    assert_eq!(opened_of(&data), Some(Opened { request: None, step: Step::Show }));
    let second = dialog(&draft_of(&data), &[], None, &[]);
    assert_eq!(ids(&second), ["kind", "summary", "what", "why", "needed_by", "approver"]);
    let mut data = sent_back(&second, SHOW);
    data["kind"] = json!("incident");
    let fields = draft_of(&data).fields;
    assert_eq!(fields.get("since").map(String::as_str), Some("9:00"));
    assert_eq!(fields.get("affected").map(String::as_str), Some("Everyone"));
}

#[test]
fn what_the_form_carries_has_no_fields_name() {
    for field in Kind::ALL.iter().flat_map(|kind| fields_of(*kind)) {
        let carried = ["request", "step", "verb", "msteams", "kind", "system", "summary"];
        assert!(!carried.contains(&field.name), "{}", field.name);
    }
}

#[test]
fn what_is_missing_is_said_beside_its_input() {
    for (data, fields) in [
        (json!(null), vec!["kind", "summary"]),
        (json!({ "kind": "none" }), vec!["kind", "summary"]),
        (json!({ "kind": "bug", "summary": " " }), vec!["summary"]),
        (json!({ "kind": [1], "summary": "x" }), vec!["kind"]),
    ] {
        let wrong = form_of(&data).err().unwrap_or_default();
        let found: Vec<&str> = wrong.iter().map(|(field, _)| field.as_str()).collect();
        assert_eq!(found, fields, "{data}");
        let form = dialog(&draft_of(&data), &[], None, &wrong);
        let body = form["body"].as_array().cloned().unwrap_or_default();
        for (field, why) in wrong {
            let at = body.iter().position(|element| element["id"] == field).unwrap_or_default();
            assert_eq!(body[at - 1]["text"], why);
        }
    }
}

#[test]
fn long_values_are_cut_and_lists_hold_what_fits() {
    let mut systems: Vec<String> = (0..150).map(|n| format!("System {n}")).collect();
    systems.extend(["Keystone".to_owned(), "x".repeat(76), "System 1".to_owned(), " ".into()]);
    let form = TicketForm { summary: "😀".repeat(9000), ..known() };
    let shown = dialog(&form, &systems, None, &[]);
    let input = |id: &str| {
        let body = shown["body"].as_array().into_iter().flatten();
        body.clone().find(|element| element["id"] == id).cloned().unwrap_or_default()
    };
    let system = input("system");
    let choices = system["choices"].as_array().cloned().unwrap_or_default();
    assert_eq!(choices.len(), 100);
    assert!(choices.iter().any(|choice| choice["value"] == system["value"]));
    let value = input("summary")["value"].as_str().unwrap_or_default().to_owned();
    assert!(value.encode_utf16().count() <= 3000 && value.ends_with('…'));
    assert!(input("affected").get("value").is_none());
}
