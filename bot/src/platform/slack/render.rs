//! The bot's messages as Slack shows them: sections of text, sources, a ticket, buttons.
//! Slack refuses a message that is beyond a limit, so all of them are kept here; the text
//! itself is [`super::mrkdwn`]'s.

mod home;
mod modal;
#[cfg(test)]
mod tests;

use firstline_core::capabilities::SLACK;
use firstline_core::chat::{Citation, Message};
use firstline_core::words::BOT_NAME;
use serde_json::{Value, json};

use super::mrkdwn::{self, Links, Section};
pub(super) use super::mrkdwn::{escape, to_markdown};
use crate::platform::offer;
pub(super) use home::{CORRECTION, Home, chosen, correction, home};
pub(super) use modal::{FORM, form_of, modal, so_far};

/// The shortcuts, by what the manifest calls them.
pub(super) const FILE: &str = "firstline.file";
pub(super) const FILE_FROM_MESSAGE: &str = "firstline.file_from_message";

/// Of a section's text, and of the fallback text.
const SECTION: usize = 3000;

/// What sources may take of a message.
const SOURCES: usize = 4000;

/// JSON around the text of a block.
const BLOCK: usize = 100;

/// One chat.postMessage: fallback text and Block Kit blocks.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Part {
    pub(super) text: String,
    pub(super) blocks: Value,
}

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

/// One to three parts; the last carries sources, ticket and buttons.
pub(super) fn render(message: &Message, place: &Place<'_>) -> Vec<Part> {
    let base = place.base();
    let links = Links { base, cited: !message.citations.is_empty() };
    let sections = mrkdwn::sections(mrkdwn::chunks(&message.text, &links), SECTION);
    let tail = tail(message, base);
    let tail_cost: usize = tail.iter().map(|block| mrkdwn::size(&block.to_string())).sum();

    let all = sections.len();
    let mut parts = spread(sections);
    let last_cost = |parts: &[Vec<Section>]| parts.last().map_or(0, |part| costs(part)) + tail_cost;
    if parts.len() < SLACK.parts
        && last_cost(&parts) > SLACK.message
        && let Some(last) = parts.last_mut().filter(|last| last.len() > 1)
        && let Some(section) = last.pop()
    {
        parts.push(vec![section]);
    }
    let note = read_on(place);
    if parts.len() > SLACK.parts || last_cost(&parts) > SLACK.message {
        parts.truncate(SLACK.parts);
        let room = SLACK.message.saturating_sub(tail_cost + BLOCK + mrkdwn::size(&note));
        if let Some(last) = parts.last_mut() {
            shorten(last, room);
        }
    }
    let shortened = parts.iter().map(Vec::len).sum::<usize>() < all;

    let count = parts.len();
    let parts = parts.into_iter().enumerate().map(|(at, sections)| {
        let mut blocks: Vec<Value> = sections.iter().map(|s| section(&s.text())).collect();
        let chunks = sections.iter().flat_map(|section| &section.chunks);
        let mut text = mrkdwn::preview(chunks, SECTION);
        if at + 1 == count {
            if shortened {
                blocks.push(section(&note));
            }
            blocks.extend(tail.iter().cloned());
        }
        if text.is_empty() {
            text = BOT_NAME.to_owned();
        }
        if blocks.is_empty() {
            blocks.push(section("…"));
        }
        Part { text, blocks: Value::Array(blocks) }
    });
    parts.collect()
}

/// As much of an answer as there is while it is being composed.
pub(super) fn draft(markdown: &str, place: &Place<'_>) -> Part {
    let message = Message { text: markdown.to_owned(), ..Message::default() };
    let mut part = render(&message, place).swap_remove(0);
    if let Some(blocks) = part.blocks.as_array_mut() {
        blocks.push(json!({ "type": "context", "elements": [text("…")] }));
    }
    part
}

fn cost(section: &Section) -> usize {
    // Line ends and quotation marks take two characters each in JSON.
    mrkdwn::size(&Value::from(section.text()).to_string()) + BLOCK
}

fn costs(sections: &[Section]) -> usize {
    sections.iter().map(cost).sum()
}

/// As many sections in each part as it can hold; at least one part.
fn spread(sections: Vec<Section>) -> Vec<Vec<Section>> {
    let mut parts = vec![Vec::new()];
    let mut used = 0;
    for section in sections {
        let cost = cost(&section);
        if used > 0 && used + cost > SLACK.message {
            parts.push(Vec::new());
            used = 0;
        }
        used += cost;
        if let Some(part) = parts.last_mut() {
            part.push(section);
        }
    }
    parts
}

/// Down to `room`, and to the end of a paragraph if one is in sight.
fn shorten(sections: &mut Vec<Section>, room: usize) {
    while sections.len() > 1 && costs(sections) > room {
        sections.pop();
    }
    if let Some(at) = sections.iter().rposition(|section| section.whole) {
        sections.truncate(at + 1);
    }
}

fn read_on(place: &Place<'_>) -> String {
    match place.base() {
        Some(base) => {
            let url = offer::chat_url(base, place.conversation_id);
            format!("… read on: {}", mrkdwn::link(&url, "the whole message"))
        }
        None => "…".to_owned(),
    }
}

/// `verbatim`: Slack is not to look for names and addresses by itself, as it could find a
/// mention in somebody's words.
fn text(mrkdwn: &str) -> Value {
    json!({ "type": "mrkdwn", "text": mrkdwn, "verbatim": true })
}

fn section(mrkdwn: &str) -> Value {
    json!({ "type": "section", "expand": true, "text": text(mrkdwn) })
}

fn plain(words: &str) -> Value {
    json!({ "type": "plain_text", "text": words })
}

/// Sources, ticket and buttons.
fn tail(message: &Message, base: Option<&str>) -> Vec<Value> {
    let mut blocks = Vec::new();
    let mut used = 0;
    let mut sources: Vec<Value> = Vec::new();
    for citation in &message.citations {
        let line = text(&source(citation, base));
        used += mrkdwn::size(&line.to_string());
        if used > SOURCES {
            sources.push(text("…"));
            break;
        }
        sources.push(line);
    }
    for elements in sources.chunks(10) {
        blocks.push(json!({ "type": "context", "elements": elements }));
    }
    if let (Some(key), Some(base)) = (&message.ticket, base) {
        let link = mrkdwn::link(&offer::ticket_url(base, key), key);
        blocks.push(json!({ "type": "context", "elements": [text(&link)] }));
    }
    blocks.extend(message.review.iter().flat_map(|line| home::to_review(line, base)));
    blocks.extend(actions(message));
    blocks
}

/// A source as the console links it: in the knowledge there, else at its own address.
fn source(citation: &Citation, base: Option<&str>) -> String {
    let (label, url) = offer::lead(citation, base);
    let (n, label) = (citation.n, mrkdwn::cut(&label, 120));
    match url {
        Some(url) => format!("[{n}] {}", mrkdwn::link(&url, &label)),
        None => format!("[{n}] {}", escape(&label)),
    }
}

/// The row of buttons. Each says which request it is about, or it is left out.
fn actions(message: &Message) -> Option<Value> {
    let request = message.request_id.as_deref()?;
    if request.is_empty() || mrkdwn::size(request) > 2000 {
        return None;
    }
    let elements = offer::buttons(message).into_iter().map(|(_, name, label)| {
        json!({ "type": "button", "action_id": name, "value": request, "text": plain(label) })
    });
    let elements: Vec<Value> = elements.collect();
    (!elements.is_empty()).then(|| json!({ "type": "actions", "elements": elements }))
}
