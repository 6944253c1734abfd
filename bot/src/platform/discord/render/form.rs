//! The ticket form, which Discord shows in two steps: a dialog holds five inputs, so kind and
//! system are chosen in a private message before it opens, and what was chosen travels in the
//! names of its components.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use firstline_core::capabilities::DISCORD;
use firstline_core::chat::TicketForm;
use firstline_core::ticket::{FieldSpec, Kind, fields_of};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{BUTTON, CUSTOM_ID, EPHEMERAL, PRIMARY, ROW, text};
use crate::platform::offer::KINDS;

/// What all components of the form are called before their first colon.
const FORM: &str = "firstline.form";

/// Lists before the form that leave room for kinds and a button.
const MOST_LISTS: usize = 3;

const STRING_SELECT: u8 = 3;
const TEXT_INPUT: u8 = 4;
const ONE_LINE: u8 = 1;
const PARAGRAPH: u8 = 2;

/// What is known of a form while it is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Opened {
    /// The request it is about; empty when it is about none.
    pub(in super::super) request: String,
    pub(in super::super) kind: Kind,
    /// Stands for a system's name, which may be long.
    mark: Option<String>,
}

/// What was done with a component of the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Step {
    Kind,
    System,
    /// The dialog is wanted.
    Write,
    /// The dialog was sent.
    Sent,
}

impl Step {
    fn as_str(self) -> &'static str {
        match self {
            Step::Kind => "kind",
            Step::System => "system",
            Step::Write => "write",
            Step::Sent => "sent",
        }
    }
}

impl Opened {
    pub(in super::super) fn new(request: Option<&str>, form: &TicketForm) -> Self {
        Opened {
            request: request.unwrap_or_default().to_owned(),
            kind: form.kind.filter(|kind| *kind != Kind::None).unwrap_or(Kind::Question),
            mark: form.system.as_deref().map(mark),
        }
    }

    /// From a component's or a dialog's `custom_id`. A list's name bears its place among
    /// others.
    pub(in super::super) fn read(custom_id: &str) -> Option<(Step, Opened)> {
        let mut parts = custom_id.split(':');
        let mut next = || parts.next();
        let (FORM, step, kind, mark, request) = (next()?, next()?, next()?, next()?, next()?)
        else {
            return None;
        };
        let all = [Step::Kind, Step::System, Step::Write, Step::Sent];
        let step = step.trim_end_matches(|c: char| c.is_ascii_digit());
        let step = all.into_iter().find(|known| known.as_str() == step)?;
        let kind = Kind::parse(kind).filter(|kind| *kind != Kind::None)?;
        let mark = Some(mark.to_owned()).filter(|mark| !mark.is_empty());
        let request = request.to_owned();
        next().is_none().then_some((step, Opened { request, kind, mark }))
    }

    /// With what was chosen in a list: the `data` of an interaction.
    #[must_use]
    pub(in super::super) fn chosen(self, step: Step, data: &Value) -> Self {
        let value = data["values"][0].as_str();
        match (step, value) {
            (Step::Kind, Some(kind)) => {
                let kind = Kind::parse(kind).filter(|kind| *kind != Kind::None);
                Opened { kind: kind.unwrap_or(self.kind), ..self }
            }
            (Step::System, mark) => Opened { mark: mark.map(str::to_owned), ..self },
            _ => self,
        }
    }

    /// The chosen system's name, if there is still one of that name.
    pub(in super::super) fn system<'s>(&self, systems: &'s [String]) -> Option<&'s str> {
        let wanted = self.mark.as_deref()?;
        systems.iter().map(String::as_str).find(|name| mark(name) == wanted)
    }

    fn id(&self, step: &str) -> String {
        let mark = self.mark.as_deref().unwrap_or_default();
        format!("{FORM}:{step}:{}:{mark}:{}", self.kind, self.request)
    }
}

/// A few characters for a name. They stay the same when systems are added or removed while a
/// form is open.
pub(super) fn mark(name: &str) -> String {
    let hash = Sha256::digest(name);
    URL_SAFE_NO_PAD.encode(hash.get(..9).unwrap_or_default())
}

/// The first step: the data of a private message (or, once something was chosen, of its
/// update) with lists of kinds and systems, and a button that opens the dialog. `None` if the
/// request's id is too long to be carried along.
pub(in super::super) fn choices(opened: &Opened, systems: &[String]) -> Option<Value> {
    let longest = Step::System.as_str().len() + 1;
    if text::size(&opened.id(Step::Write.as_str())) + longest > CUSTOM_ID {
        return None;
    }
    let kinds =
        KINDS.iter().map(|(kind, label)| choice(label, kind.as_str(), *kind == opened.kind));
    let mut rows =
        vec![list(&opened.id(Step::Kind.as_str()), "What is it about?", 1, kinds.collect())];
    let systems = offered(systems, opened.system(systems), DISCORD.form.choices * MOST_LISTS);
    for (at, names) in systems.chunks(DISCORD.form.choices).enumerate() {
        let says = match (names.first(), names.last()) {
            (Some(first), Some(last)) if systems.len() > DISCORD.form.choices => {
                text::cut(&format!("System: {} to {}", first.trim(), last.trim()), 150)
            }
            _ => "System".to_owned(),
        };
        let choices = names.iter().map(|name| {
            let mark = mark(name);
            let chosen = opened.mark.as_ref() == Some(&mark);
            choice(name, &mark, chosen)
        });
        let id = opened.id(&format!("{}{at}", Step::System.as_str()));
        rows.push(list(&id, &says, 0, choices.collect()));
    }
    let button = json!({
        "type": BUTTON, "style": PRIMARY, "label": "Write it",
        "custom_id": opened.id(Step::Write.as_str()),
    });
    rows.push(json!({ "type": ROW, "components": [button] }));
    Some(json!({
        "content": "What is the ticket about, and which system?",
        "components": rows,
        "flags": EPHEMERAL,
        "allowed_mentions": { "parse": [] },
    }))
}

/// The systems the lists can hold, the known one always among them.
pub(super) fn offered<'s>(systems: &'s [String], known: Option<&str>, most: usize) -> Vec<&'s str> {
    let mut seen = BTreeSet::new();
    let fitting = systems.iter().map(String::as_str).filter(|name| {
        !name.trim().is_empty() && text::size(name) <= DISCORD.form.choice && seen.insert(*name)
    });
    let mut offered: Vec<&str> = fitting.collect();
    let beyond = offered.iter().skip(most).find(|name| Some(**name) == known).copied();
    offered.truncate(most);
    if let (Some(name), Some(last)) = (beyond, offered.last_mut()) {
        *last = name;
    }
    offered
}

pub(super) fn choice(label: &str, value: &str, chosen: bool) -> Value {
    json!({ "label": label, "value": value, "default": chosen })
}

pub(super) fn list(id: &str, placeholder: &str, least: u8, choices: Vec<Value>) -> Value {
    let list = json!({
        "type": STRING_SELECT, "custom_id": id, "placeholder": placeholder,
        "min_values": least, "max_values": 1, "options": choices,
    });
    json!({ "type": ROW, "components": [list] })
}

/// The second step: the data of a dialog with the summary and the kind's fields, filled in
/// with what is known.
pub(in super::super) fn modal(opened: &Opened, form: &TicketForm) -> Value {
    let summary = form.summary.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut rows = vec![input("summary", "In one line", ONE_LINE, true, &summary)];
    for field in asked(opened.kind) {
        let value = form.fields.get(field.name).map_or("", String::as_str);
        rows.push(input(field.name, field.label, PARAGRAPH, false, value));
    }
    json!({
        "custom_id": opened.id(Step::Sent.as_str()),
        "title": "File a ticket",
        "components": rows,
    })
}

fn asked(kind: Kind) -> impl Iterator<Item = &'static FieldSpec> {
    fields_of(kind).iter().take(DISCORD.form.fields)
}

/// In a row of its own, which the gateway's client reads; labels, the newer frame for inputs,
/// it does not.
fn input(name: &str, label: &str, style: u8, required: bool, value: &str) -> Value {
    let mut input = json!({
        "type": TEXT_INPUT, "custom_id": name, "label": label, "style": style,
        "required": required, "max_length": DISCORD.form.input,
    });
    if !value.trim().is_empty() {
        input["value"] = text::cut(value, DISCORD.form.input).into();
    }
    json!({ "type": ROW, "components": [input] })
}

/// What a sent dialog brings back (an interaction's `data`) and what it is about, or what is
/// wrong by field. Inputs are found in rows and in labels.
pub(in super::super) fn form_of(
    data: &Value,
    systems: &[String],
) -> Result<(Opened, TicketForm), Vec<(String, String)>> {
    let opened = data["custom_id"].as_str().and_then(Opened::read);
    let Some((_, opened)) = opened.filter(|(step, _)| *step == Step::Sent) else {
        let says = "Choose what the ticket is about.";
        return Err(vec![("kind".to_owned(), says.to_owned())]);
    };
    let inputs = || {
        data["components"].as_array().into_iter().flatten().flat_map(|row| {
            let inner = row["components"].as_array().into_iter().flatten();
            inner.chain(row.get("component"))
        })
    };
    let written = |name: &str| {
        let input = inputs().find(|input| input["custom_id"] == name)?;
        let value = input["value"].as_str()?.trim();
        (!value.is_empty()).then(|| value.to_owned())
    };
    let Some(summary) = written("summary") else {
        let says = "Say in one line what it is about.";
        return Err(vec![("summary".to_owned(), says.to_owned())]);
    };
    let fields = asked(opened.kind)
        .filter_map(|field| Some((field.name.to_owned(), written(field.name)?)))
        .collect();
    let system = opened.system(systems).map(str::to_owned);
    let form = TicketForm { kind: Some(opened.kind), system, summary, fields };
    Ok((opened, form))
}

#[cfg(test)]
mod tests;
