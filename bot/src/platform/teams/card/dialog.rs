//! The ticket form as a dialog, and what comes back when it is sent.
//!
//! A card cannot change while it is filled in. So the form shows the fields of one kind, and a
//! button beside the kind asks for those of another; what was written is kept. All the fields
//! of all kinds at once would be fifteen, of which most people need three.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use firstline_core::capabilities::TEAMS;
use firstline_core::chat::TicketForm;
use firstline_core::ticket::{Kind, fields_of};
use serde_json::{Map, Value, json};

use super::super::text::{cut, literal};
use super::{card, text_block};
use crate::platform::offer::{self, KINDS};

/// Bytes of fields that are not shown; each of two buttons carries them.
const MOST_CARRIED: usize = 6000;

/// What was pressed in the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Step {
    File,
    /// The fields of the kind that is chosen now.
    Show,
}

/// What the form carries with it, under names that no field has.
#[derive(Debug, Clone, PartialEq)]
pub(in super::super) struct Opened {
    /// `None` when it was opened on a message that is no request yet.
    pub(in super::super) request: Option<String>,
    pub(in super::super) step: Step,
}

/// The card of the dialog "File a ticket", filled in with what is known. `wrong` are sentences
/// to be shown at their fields, as [`form_of`] gives them.
pub(in super::super) fn dialog(
    form: &TicketForm,
    systems: &[String],
    request: Option<&str>,
    wrong: &[(String, String)],
) -> Value {
    let kind = form.kind.filter(|kind| *kind != Kind::None).unwrap_or(Kind::Question);
    let other = other_fields(form, kind);
    let carried = |step: &str| {
        let mut data = other.clone();
        data.insert("request".to_owned(), json!(request));
        data.insert("step".to_owned(), json!(step));
        Value::Object(data)
    };
    let mut body = Vec::new();
    let mut push = |name: &str, input: Value| {
        for (_, why) in wrong.iter().filter(|(field, _)| field == name) {
            let mut why = text_block(&literal(why));
            why["color"] = Value::from("Attention");
            body.push(why);
        }
        body.push(input);
    };
    let kinds: Vec<Value> =
        KINDS.iter().map(|(kind, label)| choice(label, kind.as_str())).collect();
    push("kind", select("kind", "What is it about?", &kinds, Some(kind.as_str())));
    let show = json!({
        "type": "Action.Submit",
        "title": "Show the fields of this kind",
        "data": carried("show"),
    });
    push("", json!({ "type": "ActionSet", "actions": [show] }));
    let systems = offered(systems, form.system.as_deref());
    if !systems.is_empty() {
        let choices: Vec<Value> = systems.iter().map(|name| choice(name, name)).collect();
        let chosen = form.system.as_deref().filter(|name| systems.contains(name));
        push("system", select("system", "System", &choices, chosen));
    }
    let summary = form.summary.split_whitespace().collect::<Vec<_>>().join(" ");
    push("summary", words("summary", "In one line", &summary, false));
    for field in fields_of(kind) {
        let value = form.fields.get(field.name).map_or("", String::as_str);
        push(field.name, words(field.name, field.label, value, true));
    }
    let file = json!({
        "type": "Action.Submit",
        "title": "File the ticket",
        "style": "positive",
        "data": carried("file"),
    });
    card(body, &[file])
}

/// Fields that are filled in but not shown. What a button carries comes back beside the inputs,
/// so words written for one kind are still there when that kind is chosen again.
fn other_fields(form: &TicketForm, kind: Kind) -> Map<String, Value> {
    let mut room = MOST_CARRIED;
    let names = KINDS.iter().flat_map(|(kind, _)| fields_of(*kind)).map(|field| field.name);
    let shown = |name: &str| fields_of(kind).iter().any(|field| field.name == name);
    let filled = names.filter(|name| !shown(name)).filter_map(|name| {
        let value = form.fields.get(name).filter(|value| !value.trim().is_empty())?;
        room = room.checked_sub(value.len())?;
        Some((name.to_owned(), Value::from(value.as_str())))
    });
    filled.collect()
}

/// The systems a list can hold, the known one always among them.
pub(super) fn offered<'s>(systems: &'s [String], known: Option<&str>) -> Vec<&'s str> {
    let mut seen = BTreeSet::new();
    let fitting = systems.iter().map(String::as_str).filter(|name| {
        !name.trim().is_empty()
            && name.encode_utf16().count() <= TEAMS.form.choice
            && seen.insert(*name)
    });
    let mut offered: Vec<&str> = fitting.collect();
    let beyond =
        offered.iter().skip(TEAMS.form.choices).find(|name| Some(**name) == known).copied();
    offered.truncate(TEAMS.form.choices);
    if let (Some(name), Some(last)) = (beyond, offered.last_mut()) {
        *last = name;
    }
    offered
}

pub(super) fn choice(label: &str, value: &str) -> Value {
    json!({ "title": label, "value": value })
}

pub(super) fn select(id: &str, label: &str, choices: &[Value], chosen: Option<&str>) -> Value {
    let mut input = json!({
        "type": "Input.ChoiceSet",
        "id": id,
        "label": label,
        "style": "compact",
        "choices": choices,
    });
    if let Some(chosen) = chosen {
        input["value"] = Value::from(chosen);
    }
    input
}

/// No input is marked as required: Teams would then refuse to show the fields of another kind,
/// too, while one is empty. [`form_of`] says what is missing.
fn words(id: &str, label: &str, value: &str, multiline: bool) -> Value {
    let mut input = json!({
        "type": "Input.Text",
        "id": id,
        "label": label,
        "isMultiline": multiline,
        "maxLength": TEAMS.form.input,
    });
    if !value.trim().is_empty() {
        input["value"] = Value::from(cut(value, TEAMS.form.input));
    }
    input
}

/// What a form that was sent carries; `None` when the data are no form's.
pub(in super::super) fn opened_of(data: &Value) -> Option<Opened> {
    let step = match data["step"].as_str()? {
        "file" => Step::File,
        "show" => Step::Show,
        _ => return None,
    };
    Some(Opened { request: written(data, "request"), step })
}

fn written(data: &Value, id: &str) -> Option<String> {
    let value = data[id].as_str().map(str::trim);
    value.filter(|value| !value.is_empty()).map(|value| cut(value, TEAMS.form.input))
}

/// What is in the inputs so far, complete or not, for showing it again. The fields of a former
/// kind are kept: what somebody wrote is not thrown away.
pub(in super::super) fn draft_of(data: &Value) -> TicketForm {
    let names = KINDS.iter().flat_map(|(kind, _)| fields_of(*kind)).map(|field| field.name);
    let kind = data["kind"].as_str().and_then(Kind::parse).filter(|kind| *kind != Kind::None);
    TicketForm {
        kind,
        system: written(data, "system"),
        summary: written(data, "summary").unwrap_or_default(),
        fields: names.filter_map(|name| Some((name.to_owned(), written(data, name)?))).collect(),
    }
}

/// The form that was sent (`value.data` of task/submit and composeExtension/submitAction), or
/// what is wrong by field, to be shown beside it.
pub(in super::super) fn form_of(data: &Value) -> Result<TicketForm, Vec<(String, String)>> {
    offer::whole(draft_of(data))
}
