//! The bot's messages as Discord shows them: text, sources and the ticket in a frame below it,
//! a row of buttons. Discord refuses a message that is beyond a limit, so all of them are kept
//! here; the text itself is [`super::text`]'s.

mod form;
mod review;
#[cfg(test)]
mod tests;

#[cfg(test)]
pub(super) use tests::within_limits;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use firstline_core::capabilities::DISCORD;
use firstline_core::chat::{Button, Citation, Message};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::text::{self, Links};
use crate::accept::Press;
use crate::platform::offer;
pub(super) use form::{Opened, Step, choices, form_of, modal};
pub(super) use review::{Correcting, Review, correction, for_one, review_list};

/// Of what an embed says
/// (<https://docs.discord.com/developers/resources/message#embed-object-embed-limits>); with
/// its title it stays below the 6000 that all embeds of a message may have.
const DESCRIPTION: usize = 4096;

/// Of the name a component is known by
/// (<https://docs.discord.com/developers/components/reference>).
const CUSTOM_ID: usize = 100;

/// Message flags: no previews of links, and shown to one person alone
/// (<https://docs.discord.com/developers/resources/message#message-object-message-flags>).
const SUPPRESS_EMBEDS: u64 = 1 << 2;
pub(super) const EPHEMERAL: u64 = 1 << 6;

/// Component types.
const ROW: u8 = 1;
const BUTTON: u8 = 2;

/// Button styles.
const PRIMARY: u8 = 1;
const SECONDARY: u8 = 2;

/// Where a message goes, and what its links and its name need.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Place<'a> {
    /// Where people reach the console, if that is known.
    pub(super) public_url: Option<&'a str>,
    pub(super) conversation_id: &'a str,
    /// Our own message's id: the same message never appears twice.
    pub(super) message_id: &'a str,
    /// The message that the first part is shown as a reply to.
    pub(super) reply_to: Option<u64>,
    /// Whom the message calls: it replies to them, or begins with their name.
    pub(super) requester: Option<u64>,
}

impl Place<'_> {
    fn base(&self) -> Option<&str> {
        offer::base(self.public_url)
    }
}

/// One to three bodies for POST `/channels/{id}/messages`; the last carries sources, ticket
/// and buttons.
pub(super) fn render(message: &Message, place: &Place<'_>) -> Vec<Value> {
    let base = place.base();
    let links = Links { base, cited: !message.citations.is_empty() };
    // A reply calls its author by itself.
    let call = place.requester.filter(|_| place.reply_to.is_none());
    let call = call.map(|user| format!("<@{user}> ")).unwrap_or_default();
    let content = DISCORD.message - call.len();
    let mut sections = text::sections(text::chunks(&message.text, &links), content);
    let mut note = None;
    if sections.len() > DISCORD.parts {
        sections.truncate(DISCORD.parts);
        let says = read_on(place);
        let room = content.saturating_sub(text::size(&says) + 2);
        sections = match sections.pop() {
            Some(last) => sections.into_iter().chain([last.shortened(room)]).collect(),
            None => sections,
        };
        note = Some(says);
    }
    let mut contents: Vec<String> = sections.iter().map(text::Section::text).collect();
    if let (Some(note), Some(last)) = (note, contents.last_mut()) {
        last.push_str("\n\n");
        last.push_str(&note);
    }
    if contents.is_empty() {
        contents.push("…".to_owned());
    }
    if let Some(first) = contents.first_mut() {
        first.insert_str(0, &call);
    }
    if let Some(last) = contents.last_mut() {
        review::append(last, &message.review, base);
    }
    let last = contents.len() - 1;
    let bodies = contents.into_iter().enumerate().map(|(part, content)| {
        let reply = place.reply_to.filter(|_| part == 0);
        let mut body = json!({
            "content": content,
            "allowed_mentions": allowed(place, reply),
            "nonce": nonce(place.message_id, part),
            "enforce_nonce": true,
        });
        if let Some(reply) = reply {
            // A message that is gone meanwhile is answered all the same.
            body["message_reference"] =
                json!({ "message_id": reply.to_string(), "fail_if_not_exists": false });
        }
        match frame(message, base).filter(|_| part == last) {
            Some(frame) => body["embeds"] = json!([frame]),
            // The flag would hide a frame of our own, too.
            None => body["flags"] = SUPPRESS_EMBEDS.into(),
        }
        let rows: Vec<Value> =
            message.review.iter().map(review::row).chain(actions(message)).collect();
        if part == last && !rows.is_empty() {
            body["components"] = rows.into();
        }
        body
    });
    bodies.collect()
}

/// What an unfinished answer ends with.
const UNFINISHED: &str = "\n…";

/// As much of an answer as there is while it is being composed.
pub(super) fn draft(markdown: &str, place: &Place<'_>) -> Value {
    let message = Message { text: markdown.to_owned(), ..Message::default() };
    let mut body = render(&message, place).swap_remove(0);
    let content = body["content"].as_str().unwrap_or_default();
    let content = text::cut(content, DISCORD.message - text::size(UNFINISHED));
    body["content"] = format!("{content}{UNFINISHED}").into();
    body
}

/// Whether a message of ours is such.
pub(super) fn is_draft(posted: &Value) -> bool {
    posted["content"].as_str().is_some_and(|content| content.ends_with(UNFINISHED))
}

/// A body as PATCH `/channels/{id}/messages/{id}` takes it: what it does not hold is gone, the flag
/// that hides frames too.
pub(super) fn edited(body: &Value) -> Value {
    let or = |field: &str, other: Value| match &body[field] {
        Value::Null => other,
        given => given.clone(),
    };
    json!({
        "content": body["content"],
        "allowed_mentions": body["allowed_mentions"],
        "embeds": or("embeds", json!([])),
        "components": or("components", json!([])),
        "flags": or("flags", json!(0)),
    })
}

/// Nobody but the requester is ever alerted.
fn allowed(place: &Place<'_>, reply: Option<u64>) -> Value {
    let mut allowed = json!({ "parse": [] });
    if let Some(requester) = place.requester {
        allowed["users"] = json!([requester.to_string()]);
        allowed["replied_user"] = reply.is_some().into();
    }
    allowed
}

/// The name by which Discord knows a part of a message that is sent again: at most 25
/// characters, of which 22 are 128 bits that no other message shares.
pub(super) fn nonce(message_id: &str, part: usize) -> String {
    let hash = Sha256::digest(message_id);
    let half = hash.get(..16).unwrap_or_default();
    format!("{}.{}", URL_SAFE_NO_PAD.encode(half), part.min(9))
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

/// Sources and ticket, as an embed. Its links stand in its text, as Discord refuses a whole
/// message whose embed has an address of its own that it does not like.
fn frame(message: &Message, base: Option<&str>) -> Option<Value> {
    let ticket = message.ticket.as_deref().zip(base);
    let ticket = ticket.map(|(key, base)| text::link(&offer::ticket_url(base, key), key));
    let mut room = DESCRIPTION - ticket.as_deref().map_or(0, text::size) - 4;
    let mut lines = Vec::new();
    for citation in &message.citations {
        let line = source(citation, base);
        let Some(left) = room.checked_sub(text::size(&line) + 1) else {
            lines.push("…".to_owned());
            break;
        };
        room = left;
        lines.push(line);
    }
    let sourced = !lines.is_empty();
    lines.extend(ticket);
    let mut frame = json!({ "description": lines.join("\n") });
    if sourced {
        frame["title"] = "Sources".into();
    }
    (!lines.is_empty()).then_some(frame)
}

/// A source as the console links it: in the knowledge there, else at its own address.
fn source(citation: &Citation, base: Option<&str>) -> String {
    let (label, url) = offer::lead(citation, base);
    let (n, label) = (citation.n, text::cut(&label, 120));
    match url {
        Some(url) => format!("[{n}] {}", text::link(&url, &label)),
        None => format!("[{n}] {}", text::escape(&label)),
    }
}

/// Which button of which request a component is, by its `custom_id`.
pub(super) fn button(custom_id: &str) -> Option<(Button, &str)> {
    let (name, request) = custom_id.split_once(':').filter(|(_, request)| !request.is_empty())?;
    Some((offer::button_of(name)?, request))
}

/// The row of buttons. Each says which request it is about, or it is left out.
fn actions(message: &Message) -> Option<Value> {
    let request = message.request_id.as_deref().filter(|request| !request.is_empty())?;
    let row: Vec<Value> = offer::buttons(message)
        .into_iter()
        .filter_map(|(button, name, label)| {
            let id = format!("{name}:{request}");
            let style = if button == Button::Solved { PRIMARY } else { SECONDARY };
            (text::size(&id) <= CUSTOM_ID)
                .then(|| json!({ "type": BUTTON, "style": style, "label": label, "custom_id": id }))
        })
        .collect();
    (!row.is_empty()).then(|| json!({ "type": ROW, "components": row }))
}

/// How a message is altered after one of its buttons was pressed: what was pressed is shown
/// where it stood, as a button that is none any more, and what no longer makes sense is gone.
/// `None` when it stays as it is.
pub(super) fn pressed(message: &Value, press: &Press) -> Option<Value> {
    let note = offer::note(press.button())?;
    // No two components may have the same name, not even those that cannot be pressed.
    let said = format!("{}.said", offer::name(press.button()));
    let goes = |component: &Value| {
        let name = component["custom_id"].as_str();
        let shown = name.and_then(button);
        name == Some(&said) || shown.is_some_and(|(shown, _)| offer::goes(shown, press.button()))
    };
    let mut rows: Vec<Value> = Vec::new();
    for row in message["components"].as_array().into_iter().flatten() {
        let mut row = row.clone();
        if let Some(components) = inner(&mut row) {
            components.retain(|component| !goes(component));
            if components.is_empty() {
                continue;
            }
        }
        rows.push(row);
    }
    let said = json!({
        "type": BUTTON, "style": SECONDARY, "label": note, "custom_id": said, "disabled": true,
    });
    let last = rows.last_mut().and_then(inner);
    match last.filter(|row| row.len() < 5 && row.iter().all(|it| it["type"] == BUTTON)) {
        Some(row) => row.push(said),
        None => rows.push(json!({ "type": ROW, "components": [said] })),
    }
    Some(json!({ "components": rows, "allowed_mentions": { "parse": [] } }))
}

fn inner(row: &mut Value) -> Option<&mut Vec<Value>> {
    row.get_mut("components")?.as_array_mut()
}

/// A message that is nothing but a few words, shown once by its `key`.
pub(super) fn plainly(markdown: &str, key: &str) -> Value {
    let mut body = privately(markdown);
    body["flags"] = SUPPRESS_EMBEDS.into();
    body["nonce"] = nonce(key, 0).into();
    body["enforce_nonce"] = true.into();
    body
}

/// The data of an interaction's answer that only whoever pressed or typed sees.
pub(super) fn privately(markdown: &str) -> Value {
    let links = Links { base: None, cited: false };
    let section =
        text::sections(text::chunks(markdown, &links), DISCORD.message).into_iter().next();
    let content = section.map_or_else(|| "…".to_owned(), |section| section.text());
    json!({
        "content": content,
        "flags": EPHEMERAL | SUPPRESS_EMBEDS,
        "allowed_mentions": { "parse": [] },
    })
}
