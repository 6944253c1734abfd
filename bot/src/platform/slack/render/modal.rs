//! The ticket form as a Slack dialog, and what comes back when it is sent.

use std::collections::BTreeSet;

use firstline_core::capabilities::SLACK;
use firstline_core::chat::TicketForm;
use firstline_core::ticket::{Kind, fields_of};
use serde_json::{Value, json};

use super::{mrkdwn, plain};
use crate::platform::offer::{self, KINDS};

/// The form among an app's views.
pub(in super::super) const FORM: &str = "firstline.ticket";

/// The one action of every input; its block says which field it is.
pub(super) const VALUE: &str = "value";

/// The view "File a ticket" for views.open, filled in with what is known.
pub(in super::super) fn modal(
    form: &TicketForm,
    systems: &[String],
    private_metadata: &str,
) -> Value {
    let kind = form.kind.filter(|kind| *kind != Kind::None).unwrap_or(Kind::Question);
    let kinds: Vec<Value> = KINDS.iter().map(|(k, label)| choice(label, k.as_str())).collect();
    let chosen = KINDS.iter().find(|(k, _)| *k == kind);
    let chosen = chosen.map(|(k, label)| choice(label, k.as_str()));
    let mut asked = input("kind", "What is it about?", false, select(&kinds, chosen));
    // Its fields are shown as soon as another kind is chosen.
    asked["dispatch_action"] = true.into();
    let mut blocks = vec![asked];
    // Slack takes no list without choices.
    let systems = offered(systems, form.system.as_deref());
    if !systems.is_empty() {
        let choices: Vec<Value> = systems.iter().map(|name| choice(name, name)).collect();
        let chosen = form.system.as_deref().filter(|name| systems.contains(name));
        let chosen = chosen.map(|name| choice(name, name));
        blocks.push(input("system", "System", true, select(&choices, chosen)));
    }
    let summary = form.summary.split_whitespace().collect::<Vec<_>>().join(" ");
    blocks.push(input("summary", "In one line", false, words(&summary, false)));
    for field in fields_of(kind) {
        let value = form.fields.get(field.name).map_or("", String::as_str);
        blocks.push(input(field.name, field.label, true, words(value, true)));
    }
    json!({
        "type": "modal",
        "callback_id": FORM,
        "private_metadata": private_metadata,
        "title": plain("File a ticket"),
        "submit": plain("File the ticket"),
        "close": plain("Not now"),
        "blocks": blocks,
    })
}

/// The systems a list can hold, the known one always among them.
pub(super) fn offered<'s>(systems: &'s [String], known: Option<&str>) -> Vec<&'s str> {
    let mut seen = BTreeSet::new();
    let fitting = systems.iter().map(String::as_str).filter(|name| {
        !name.trim().is_empty() && mrkdwn::size(name) <= SLACK.form.choice && seen.insert(*name)
    });
    let mut offered: Vec<&str> = fitting.collect();
    let beyond =
        offered.iter().skip(SLACK.form.choices).find(|name| Some(**name) == known).copied();
    offered.truncate(SLACK.form.choices);
    if let (Some(name), Some(last)) = (beyond, offered.last_mut()) {
        *last = name;
    }
    offered
}

pub(super) fn choice(label: &str, value: &str) -> Value {
    json!({ "text": plain(label), "value": value })
}

pub(super) fn select(choices: &[Value], chosen: Option<Value>) -> Value {
    let mut element = json!({ "type": "static_select", "action_id": VALUE, "options": choices });
    if let (Some(chosen), Some(element)) = (chosen, element.as_object_mut()) {
        element.insert("initial_option".to_owned(), chosen);
    }
    element
}

fn words(value: &str, multiline: bool) -> Value {
    let mut element = json!({
        "type": "plain_text_input",
        "action_id": VALUE,
        "multiline": multiline,
        "max_length": SLACK.form.input,
    });
    if let (false, Some(element)) = (value.trim().is_empty(), element.as_object_mut()) {
        let value = mrkdwn::cut(value, SLACK.form.input);
        element.insert("initial_value".to_owned(), Value::from(value));
    }
    element
}

pub(super) fn input(block: &str, label: &str, optional: bool, element: Value) -> Value {
    json!({
        "type": "input",
        "block_id": block,
        "label": plain(label),
        "optional": optional,
        "element": element,
    })
}

/// What view_submission brings back (`view.state.values`), or what is wrong by block, to be
/// shown beside it. The dialog keeps its inputs when another kind is chosen, and so do the
/// fields: what somebody wrote is not thrown away.
pub(in super::super) fn form_of(state_values: &Value) -> Result<TicketForm, Vec<(String, String)>> {
    offer::whole(so_far(state_values))
}

/// What stands in a form that is still open.
pub(in super::super) fn so_far(state_values: &Value) -> TicketForm {
    let element = |block: &str| state_values.get(block).and_then(|block| block.get(VALUE));
    let written = |block: &str| {
        let value = element(block).and_then(|element| element.get("value")?.as_str());
        value.map(str::trim).filter(|value| !value.is_empty()).map(str::to_owned)
    };
    let chosen = |block: &str| {
        let option = element(block).and_then(|element| element.get("selected_option"));
        option.and_then(|option| option.get("value")?.as_str()).filter(|value| !value.is_empty())
    };
    let names = KINDS.iter().flat_map(|(kind, _)| fields_of(*kind)).map(|field| field.name);
    let fields = names.filter_map(|name| Some((name.to_owned(), written(name)?)));
    TicketForm {
        kind: chosen("kind").and_then(Kind::parse).filter(|kind| *kind != Kind::None),
        system: chosen("system").map(str::to_owned),
        summary: written("summary").unwrap_or_default(),
        fields: fields.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> TicketForm {
        TicketForm {
            kind: Some(Kind::Incident),
            system: Some("Keystone".to_owned()),
            summary: "Keystone\nis down".to_owned(),
            fields: [("since".to_owned(), "9:00".to_owned())].into(),
        }
    }

    /// What Slack would send if nothing was altered.
    fn sent_back(view: &Value) -> Value {
        let mut values = serde_json::Map::new();
        for block in view["blocks"].as_array().into_iter().flatten() {
            let element = &block["element"];
            let state = json!({
                "type": element["type"],
                "value": element["initial_value"],
                "selected_option": element["initial_option"],
            });
            let id = block["block_id"].as_str().unwrap_or_default().to_owned();
            values.insert(id, json!({ VALUE: state }));
        }
        Value::Object(values)
    }

    #[test]
    fn the_form_makes_the_round() {
        let systems = ["Beacon".to_owned(), "Keystone".to_owned()];
        let view = modal(&known(), &systems, "{\"c\":1}");
        assert_eq!(view["callback_id"], "firstline.ticket");
        assert_eq!(view["private_metadata"], "{\"c\":1}");
        let ids: Vec<&str> = view["blocks"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|block| block["block_id"].as_str())
            .collect();
        assert_eq!(ids, ["kind", "system", "summary", "since", "affected", "error"]);
        for part in ["title", "submit", "close"] {
            assert!(view[part]["text"].as_str().is_some_and(|text| text.len() <= 24), "{part}");
        }
        let expected = TicketForm { summary: "Keystone is down".to_owned(), ..known() };
        assert_eq!(form_of(&sent_back(&view)), Ok(expected));
    }

    #[test]
    fn lists_hold_what_slack_takes() {
        let mut systems: Vec<String> = (0..150).map(|n| format!("System {n}")).collect();
        systems.extend(["Keystone".to_owned(), "x".repeat(76), "System 1".to_owned(), " ".into()]);
        let view = modal(&known(), &systems, "");
        let element = &view["blocks"][1]["element"];
        let options = element["options"].as_array().cloned().unwrap_or_default();
        assert_eq!(options.len(), 100);
        assert!(options.contains(&element["initial_option"]), "{}", element["initial_option"]);
        let view = modal(&known(), &["Beacon".to_owned()], "");
        assert!(view["blocks"][1]["element"].get("initial_option").is_none());
        assert_eq!(modal(&known(), &[], "")["blocks"][1]["block_id"], "summary");
    }

    #[test]
    fn long_values_are_cut_and_empty_ones_left_out() {
        let mut form = TicketForm { summary: "😀".repeat(9000), ..TicketForm::default() };
        let view = modal(&form, &[], "");
        assert_eq!(view["blocks"][0]["element"]["initial_option"]["value"], "question");
        let value = view["blocks"][1]["element"]["initial_value"].as_str().unwrap_or_default();
        assert!(value.encode_utf16().count() <= 3000 && value.ends_with('…'));
        form.summary = " ".to_owned();
        assert!(modal(&form, &[], "")["blocks"][1]["element"].get("initial_value").is_none());
    }

    #[test]
    fn what_is_missing_is_said_beside_its_input() {
        for (values, blocks) in [
            (json!(null), vec!["kind", "summary"]),
            (
                json!({ "kind": { "value": { "selected_option": { "value": "none" } } } }),
                vec!["kind", "summary"],
            ),
            (
                json!({ "kind": { "value": { "selected_option": { "value": "bug" } } }, "summary": { "value": { "value": " " } } }),
                vec!["summary"],
            ),
            (json!({ "kind": [1], "summary": { "value": { "value": "x" } } }), vec!["kind"]),
        ] {
            let wrong = form_of(&values).err().unwrap_or_default();
            let found: Vec<&str> = wrong.iter().map(|(block, _)| block.as_str()).collect();
            assert_eq!(found, blocks, "{values}");
        }
    }

    #[test]
    fn fields_of_a_former_kind_are_kept() {
        let values = json!({
            "kind": { "value": { "selected_option": { "value": "bug" } } },
            "system": { "value": { "selected_option": null } },
            "summary": { "value": { "value": " x " } },
            "since": { "value": { "value": "9:00" } },
            "affected": { "value": { "value": null } },
            "unknown": { "value": { "value": "y" } },
        });
        let form = form_of(&values).unwrap_or_default();
        assert_eq!((form.summary.as_str(), form.system), ("x", None));
        assert_eq!(form.fields, [("since".to_owned(), "9:00".to_owned())].into());
    }
}
