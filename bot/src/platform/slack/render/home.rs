//! The app's Home tab, and the form with which support owners correct a ticket.

use firstline_core::ticket::{Impact, Urgency};
use firstline_core::words;
use serde_json::{Value, json};

use super::modal::{VALUE, choice, input, offered, select};
use super::{mrkdwn, plain, section, text};
use crate::platform::offer::{self, KINDS};
use crate::store::records::Ticket;

/// The form of a correction among an app's views.
pub(in super::super) const CORRECTION: &str = "firstline.correction";

/// What Home shows.
pub(in super::super) struct Home<'a> {
    pub(in super::super) base: Option<&'a str>,
    /// The person's open tickets.
    pub(in super::super) own: &'a [Ticket],
    /// What waits for their review; `None` for those who review nothing.
    pub(in super::super) queue: Option<&'a [Ticket]>,
}

const IMPACTS: [(Impact, &str); 4] = [
    (Impact::One, "One person"),
    (Impact::Team, "A team"),
    (Impact::Many, "Many"),
    (Impact::Org, "Everybody"),
];
const URGENCIES: [(Urgency, &str); 3] =
    [(Urgency::Low, "Low"), (Urgency::Normal, "Normal"), (Urgency::High, "High")];

/// The view for views.publish.
pub(in super::super) fn home(home: &Home<'_>) -> Value {
    let mut blocks = vec![header("Your open tickets")];
    for ticket in home.own {
        blocks.push(section(&line(ticket, home.base)));
    }
    if home.own.is_empty() {
        blocks.push(section("You have none. Ask under *Messages* when something comes up."));
    }
    blocks.push(json!({
        "type": "actions",
        "elements": [button("firstline.new_ticket", "File a ticket", "new")],
    }));
    if let Some(queue) = home.queue {
        blocks.push(json!({ "type": "divider" }));
        blocks.push(header("To review"));
        if queue.is_empty() {
            blocks.push(section("Nothing waits for you."));
        }
        for ticket in queue {
            blocks.push(section(&line(ticket, home.base)));
            blocks.push(json!({
                "type": "actions",
                "elements": [
                    button("firstline.review", "Looks right", &ticket.key),
                    button("firstline.correct", "Correct", &ticket.key),
                ],
            }));
        }
    }
    blocks.push(json!({ "type": "divider" }));
    let help = mrkdwn::sections(
        mrkdwn::chunks(&words::help("en").text, &mrkdwn::Links { base: home.base, cited: false }),
        super::SECTION,
    );
    blocks.extend(help.iter().map(|part| section(&part.text())));
    json!({ "type": "home", "blocks": blocks })
}

/// One ticket: key, summary, and how it stands.
fn line(ticket: &Ticket, base: Option<&str>) -> String {
    let key = match base {
        Some(base) => mrkdwn::link(&offer::ticket_url(base, &ticket.key), &ticket.key),
        None => super::escape(&ticket.key),
    };
    let summary = super::escape(&mrkdwn::cut(&ticket.summary, 200));
    let mut facts = vec![
        words::kind_word(ticket.kind, "en"),
        ticket.priority.as_str().to_owned(),
        words::status_word(ticket.status, "en"),
    ];
    facts.extend(ticket.system.as_deref().map(super::escape));
    format!("*{key}* {summary}\n{}", facts.join(" · "))
}

fn header(words: &str) -> Value {
    json!({ "type": "header", "text": plain(words) })
}

fn button(action: &str, label: &str, value: &str) -> Value {
    json!({ "type": "button", "action_id": action, "value": value, "text": plain(label) })
}

/// The form in which an owner says what a ticket really is.
pub(in super::super) fn correction(ticket: &Ticket, systems: &[String]) -> Value {
    let kinds: Vec<Value> = KINDS.iter().map(|(k, label)| choice(label, k.as_str())).collect();
    let kind = KINDS.iter().find(|(k, _)| *k == ticket.kind);
    let kind = kind.map(|(k, label)| choice(label, k.as_str()));
    let mut blocks = vec![
        json!({ "type": "section", "text": text(&super::escape(&mrkdwn::cut(&ticket.summary, 300))) }),
        input("kind", "What is it?", false, select(&kinds, kind)),
    ];
    let systems = offered(systems, ticket.system.as_deref());
    if !systems.is_empty() {
        let choices: Vec<Value> = systems.iter().map(|name| choice(name, name)).collect();
        let chosen = ticket.system.as_deref().filter(|name| systems.contains(name));
        let chosen = chosen.map(|name| choice(name, name));
        blocks.push(input("system", "System", true, select(&choices, chosen)));
    }
    let impacts: Vec<Value> = IMPACTS.iter().map(|(i, label)| choice(label, i.as_str())).collect();
    let impact = IMPACTS.iter().find(|(i, _)| *i == ticket.impact);
    let impact = impact.map(|(i, label)| choice(label, i.as_str()));
    blocks.push(input("impact", "Who is affected?", false, select(&impacts, impact)));
    let urgencies: Vec<Value> =
        URGENCIES.iter().map(|(u, label)| choice(label, u.as_str())).collect();
    let urgency = URGENCIES.iter().find(|(u, _)| *u == ticket.urgency);
    let urgency = urgency.map(|(u, label)| choice(label, u.as_str()));
    blocks.push(input("urgency", "Urgency", false, select(&urgencies, urgency)));
    json!({
        "type": "modal",
        "callback_id": CORRECTION,
        "private_metadata": json!({ "key": ticket.key, "version": ticket.version }).to_string(),
        "title": plain(&format!("Correct {}", ticket.key)),
        "submit": plain("Correct it"),
        "close": plain("Not now"),
        "blocks": blocks,
    })
}

/// The choice made in a block of [`correction`].
pub(in super::super) fn chosen<'v>(values: &'v Value, block: &str) -> Option<&'v str> {
    values[block][VALUE]["selected_option"]["value"].as_str()
}
