//! The bot's messages as Teams shows them: Adaptive Cards with text, sources, a ticket and
//! buttons. Teams refuses what is beyond a limit, so all of them are kept here; the text itself
//! is [`super::text`]'s.
//!
//! All of an answer is in its card, though Teams binds `[n]` to its own citations in a message's
//! `text` only. Text beside a card has been left out on phones and sent as a message of its own
//! that no later edit reaches (<https://github.com/MicrosoftDocs/msteams-docs/issues/4539>,
//! <https://github.com/MicrosoftDocs/msteams-docs/issues/1998>): an answer that is not seen, or
//! seen twice, is worse than a number without a bubble. The card lists the sources with links,
//! and the citations go along for clients that show them.

mod answer;
mod correction;
mod dialog;
mod tail;
#[cfg(test)]
mod tests;

use firstline_core::capabilities::TEAMS;
use firstline_core::chat::{Button, Message};
use firstline_core::words::BOT_NAME;
use serde_json::{Value, json};

use super::text::{self, Links, Piece, weight};
use crate::platform::offer;
pub(super) use answer::{
    card_answer, closed, dialog_message, error_answer, message_answer, opened,
};
pub(super) use correction::{Correction, correction, correction_of};
pub(super) use dialog::{Opened, Step, dialog, draft_of, form_of, opened_of};

/// What of an activity is left for addressing (conversation, bot, what it replies to) and for summaries.
const ADDRESSING: usize = 4096;

/// Of one element of text.
const PIECE: usize = 6000;

/// Of the text in notifications and lists of chats.
const SUMMARY: usize = 200;

/// What links need: where people reach the console, if that is known.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) public_url: Option<&'a str>,
    pub(super) conversation_id: &'a str,
}

impl Place<'_> {
    fn base(&self) -> Option<&str> {
        offer::base(self.public_url)
    }
}

/// One to three activities of type `message`; the last carries sources, ticket and buttons.
pub(super) fn render(message: &Message, place: &Place<'_>) -> Vec<Value> {
    let base = place.base();
    let links = Links { base, cited: !message.citations.is_empty() };
    let pieces = text::pieces(text::blocks(&message.text, &links), PIECE);
    let all = pieces.len();
    let tail = tail::Tail::of(message, base);
    let note = text_block(&read_on(place));
    let room = TEAMS.message - ADDRESSING - weigh(&activity(Vec::new(), &[], ""));
    let last_room = room.saturating_sub(tail.weight() + weigh(&note));

    let mut parts = spread(pieces, room);
    let over = |part: &[(Piece, Value)]| part.iter().map(cost).sum::<usize>() > last_room;
    if parts.len() < TEAMS.parts
        && let Some(last) = parts.last_mut().filter(|last| last.len() > 1 && over(last))
        && let Some(piece) = last.pop()
    {
        parts.push(vec![piece]);
    }
    parts.truncate(TEAMS.parts);
    if let Some(last) = parts.last_mut().filter(|last| over(last)) {
        while last.len() > 1 && over(last) {
            last.pop();
        }
    }
    let shortened = parts.iter().map(Vec::len).sum::<usize>() < all;
    if let Some(last) = parts.last_mut().filter(|_| shortened)
        && let Some(at) = last.iter().rposition(|(piece, _)| piece.whole)
    {
        last.truncate(at + 1);
    }

    let count = parts.len();
    let summary = text::plain(&message.text, SUMMARY);
    let parts = parts.into_iter().enumerate().map(|(at, pieces)| {
        let mut body: Vec<Value> = pieces.into_iter().map(|(_, element)| element).collect();
        let summary = match (at, summary.as_str()) {
            (0, "") => BOT_NAME.to_owned(),
            (0, summary) => summary.to_owned(),
            _ => format!("{BOT_NAME} ({}/{count})", at + 1),
        };
        if at + 1 < count {
            let mut part = activity(body, &[], &summary);
            tail.label(&mut part);
            return part;
        }
        if shortened {
            body.push(note.clone());
        }
        body.extend(tail.body.iter().cloned());
        if body.is_empty() {
            body.push(text_block("…"));
        }
        let mut part = activity(body, &tail.actions, &summary);
        tail.finish(&mut part);
        part
    });
    parts.collect()
}

fn weigh(value: &Value) -> usize {
    weight(&value.to_string())
}

fn cost((_, element): &(Piece, Value)) -> usize {
    // With the comma after it.
    weigh(element) + 2
}

/// As many pieces in each part as it can hold; at least one part.
fn spread(pieces: Vec<Piece>, room: usize) -> Vec<Vec<(Piece, Value)>> {
    let mut parts = vec![Vec::new()];
    let mut used = 0;
    for piece in pieces {
        let element = piece.block.element();
        let piece = (piece, element);
        let cost = cost(&piece);
        if used > 0 && used + cost > room {
            parts.push(Vec::new());
            used = 0;
        }
        used += cost;
        if let Some(part) = parts.last_mut() {
            part.push(piece);
        }
        // What is beyond the last part is not shown; that there is more is enough to know.
        if parts.len() > TEAMS.parts {
            break;
        }
    }
    parts
}

fn read_on(place: &Place<'_>) -> String {
    match place.base() {
        Some(base) => {
            let url = offer::chat_url(base, place.conversation_id);
            format!("… read on: {}", text::link(&url, "the whole message"))
        }
        None => "…".to_owned(),
    }
}

fn text_block(text: &str) -> Value {
    json!({ "type": "TextBlock", "text": text, "wrap": true })
}

/// 1.5 is what Teams shows on every client, and the least for tables and Action.Execute.
/// <https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/universal-actions-for-adaptive-cards/work-with-universal-actions-for-adaptive-cards>
fn card(body: Vec<Value>, actions: &[Value]) -> Value {
    json!({
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.5",
        "msteams": { "width": "Full" },
        "body": body,
        "actions": actions,
    })
}

const CARD: &str = "application/vnd.microsoft.card.adaptive";

fn activity(body: Vec<Value>, actions: &[Value], summary: &str) -> Value {
    let mut content = card(body, actions);
    // For clients that know no cards of this version.
    content["fallbackText"] = Value::from(summary);
    json!({
        "type": "message",
        "summary": summary,
        "attachments": [{ "contentType": CARD, "content": content }],
    })
}

/// The card of an activity made here.
pub(super) fn card_of(activity: &Value) -> &Value {
    &activity["attachments"][0]["content"]
}

/// An activity as it stands after a button was pressed: what no longer makes sense is gone, and
/// a note says what was pressed.
pub(super) fn pressed(activity: &Value, button: Button) -> Value {
    let mut activity = activity.clone();
    let Some(card) = activity.pointer_mut("/attachments/0/content") else { return activity };
    let goes = |action: &Value| {
        let verb = action["verb"].as_str().or_else(|| action["data"]["verb"].as_str());
        verb.and_then(offer::button_of).is_some_and(|shown| offer::goes(shown, button))
    };
    if let Some(actions) = card.get_mut("actions").and_then(Value::as_array_mut) {
        actions.retain(|action| !goes(action));
    }
    if let Some(body) = card.get_mut("body").and_then(Value::as_array_mut)
        && let Some(note) = offer::note(button)
    {
        body.push(subtle(note));
    }
    activity
}

fn subtle(text: &str) -> Value {
    json!({ "type": "TextBlock", "text": text, "wrap": true, "isSubtle": true, "size": "Small" })
}
