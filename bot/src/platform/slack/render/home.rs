//! The app's Home tab, and the form with which support owners correct a ticket.

use firstline_core::chat::ReviewLine;
use firstline_core::words::{self, Told};
use serde_json::{Value, json};

use super::modal::{VALUE, choice, input, offered, select};
use super::{mrkdwn, plain, section, text};
use crate::flows::ticket;
use crate::platform::offer::{self, KINDS};
use crate::platform::review::{self, IMPACTS, LONGEST_SUMMARY, URGENCIES};
use crate::store::records::Ticket;

/// The form of a correction among an app's views.
pub(in super::super) const CORRECTION: &str = "firstline.correction";

/// What Home shows.
pub(in super::super) struct Home<'a> {
    pub(in super::super) base: Option<&'a str>,
    /// For telling times.
    pub(in super::super) told: Told<'a>,
    /// The person's open tickets.
    pub(in super::super) own: &'a [Ticket],
    /// What waits for their review; `None` for those who review nothing.
    pub(in super::super) queue: Option<&'a [Ticket]>,
}

/// The view for views.publish.
pub(in super::super) fn home(home: &Home<'_>) -> Value {
    let mut blocks = vec![header("Your open tickets")];
    for ticket in home.own {
        blocks.push(section(&line(ticket, home)));
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
            blocks.push(section(&line(ticket, home)));
            blocks.push(review_buttons(&ticket.key));
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
fn line(ticket: &Ticket, home: &Home<'_>) -> String {
    let changed = home.told.when(ticket.updated_at, "en");
    let facts = format!("{} · {changed}", ticket::facts(ticket, "en"));
    line_of(&ticket.key, &ticket.summary, &facts, home.base)
}

fn line_of(key: &str, summary: &str, facts: &str, base: Option<&str>) -> String {
    let key = match base {
        Some(base) => mrkdwn::link(&offer::ticket_url(base, key), key),
        None => super::escape(key),
    };
    let summary = super::escape(&mrkdwn::cut(summary, LONGEST_SUMMARY));
    format!("*{key}* {summary}\n{}", super::escape(facts))
}

/// A ticket in a message's list to review, with its buttons.
pub(super) fn to_review(line: &ReviewLine, base: Option<&str>) -> [Value; 2] {
    let words = line_of(&line.key, &line.summary, &line.facts, base);
    [section(&words), review_buttons(&line.key)]
}

fn review_buttons(key: &str) -> Value {
    let buttons = [review::AGREE, review::CORRECT].map(|(name, label)| button(name, label, key));
    json!({ "type": "actions", "elements": buttons })
}

fn header(words: &str) -> Value {
    json!({ "type": "header", "text": plain(words) })
}

fn button(action: &str, label: &str, value: &str) -> Value {
    json!({ "type": "button", "action_id": action, "value": value, "text": plain(label) })
}

/// The form in which an owner says what a ticket really is.
pub(in super::super) fn correction(
    ticket: &Ticket,
    systems: &[String],
    private_metadata: &str,
) -> Value {
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
        "private_metadata": private_metadata,
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
