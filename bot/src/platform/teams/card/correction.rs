//! What waits for a support owner's review, in a card, and the dialog in which they correct it.

use firstline_core::chat::ReviewLine;
use serde_json::{Value, json};

use super::super::text::{cut, link, literal};
use super::dialog::{choice, offered, select};
use super::{card, subtle, text_block};
use crate::platform::offer::{self, KINDS};
use crate::platform::review::{AGREE, CORRECT, Corrected, IMPACTS, LONGEST_SUMMARY, URGENCIES};
use crate::store::records::Ticket;

/// Marks the dialog's data among others'.
const STEP: &str = "correct";

/// A dialog that was sent: what it corrects, and the message it was opened from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Correction {
    pub(in super::super) of: Corrected,
    pub(in super::super) shown: Option<String>,
}

/// A ticket in a list to review, with its buttons.
pub(super) fn to_review(line: &ReviewLine, base: Option<&str>) -> [Value; 3] {
    let key = match base {
        Some(base) => link(&offer::ticket_url(base, &line.key), &line.key),
        None => literal(&line.key),
    };
    let mut says =
        text_block(&format!("**{key}** {}", literal(&cut(&line.summary, LONGEST_SUMMARY))));
    says["separator"] = true.into();
    let mut facts = subtle(&literal(&line.facts));
    facts["spacing"] = "None".into();
    let data = json!({ "ticket": line.key });
    let submit = json!({ "verb": AGREE.0, "ticket": line.key });
    let agree = json!({
        "type": "Action.Execute", "title": AGREE.1, "verb": AGREE.0, "data": data,
        "fallback": { "type": "Action.Submit", "title": AGREE.1, "data": submit },
    });
    // Only an Action.Submit can open a dialog.
    let correct = json!({
        "type": "Action.Submit", "title": CORRECT.1,
        "data": { "msteams": { "type": "task/fetch" }, "verb": CORRECT.0, "ticket": line.key },
    });
    [says, facts, json!({ "type": "ActionSet", "actions": [agree, correct] })]
}

/// The card of the dialog in which an owner says what a ticket really is. `shown` is the message
/// it was opened from, to be shown anew afterwards.
pub(in super::super) fn correction(
    ticket: &Ticket,
    systems: &[String],
    shown: Option<&str>,
) -> Value {
    let kinds: Vec<Value> = KINDS.iter().map(|(k, label)| choice(label, k.as_str())).collect();
    let mut body = vec![
        text_block(&literal(&cut(&ticket.summary, 300))),
        select("kind", "What is it?", &kinds, Some(ticket.kind.as_str())),
    ];
    let systems = offered(systems, ticket.system.as_deref());
    if !systems.is_empty() {
        let choices: Vec<Value> = systems.iter().map(|name| choice(name, name)).collect();
        let chosen = ticket.system.as_deref().filter(|name| systems.contains(name));
        body.push(select("system", "System", &choices, chosen));
    }
    let impacts: Vec<Value> = IMPACTS.iter().map(|(i, label)| choice(label, i.as_str())).collect();
    body.push(select("impact", "Who is affected?", &impacts, Some(ticket.impact.as_str())));
    let urgencies: Vec<Value> =
        URGENCIES.iter().map(|(u, label)| choice(label, u.as_str())).collect();
    body.push(select("urgency", "Urgency", &urgencies, Some(ticket.urgency.as_str())));
    let send = json!({
        "type": "Action.Submit", "title": "Correct it", "style": "positive",
        "data": {
            "step": STEP, "ticket": ticket.key, "version": ticket.version, "shown": shown,
        },
    });
    card(body, &[send])
}

/// What a correction that was sent is of; `None` when the data are no correction's.
pub(in super::super) fn correction_of(data: &Value) -> Option<Correction> {
    let key = data["ticket"].as_str().filter(|_| data["step"] == STEP)?.to_owned();
    let of = Corrected { key, version: data["version"].as_i64()? };
    Some(Correction { of, shown: data["shown"].as_str().map(str::to_owned) })
}
