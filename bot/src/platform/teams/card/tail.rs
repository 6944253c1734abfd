//! What stands under a message: sources, a ticket, tickets to review and buttons, and what tells Teams that the
//! message is an answer.

use firstline_core::chat::{Button, Citation, Message};
use serde_json::{Value, json};

use super::super::text::{self, cut, link, literal};
use super::correction::to_review;
use super::{subtle, weigh};
use crate::platform::offer;

/// Of all sources, and of all citations.
const SOURCES: usize = 5000;

/// More are refused. This and the lengths below:
/// <https://learn.microsoft.com/microsoftteams/platform/bots/how-to/format-ai-bot-messages>
const MOST_CITATIONS: usize = 20;
const LONGEST_NAME: usize = 80;
const LONGEST_ABSTRACT: usize = 160;

/// Ids are far shorter; anything longer is none.
const LONGEST_REQUEST: usize = 200;

pub(super) struct Tail {
    pub(super) body: Vec<Value>,
    pub(super) actions: Vec<Value>,
    /// Teams' own form of them.
    citations: Vec<Value>,
    /// The message rests on sources, found by a machine.
    answer: bool,
    /// Teams asks for a thumb up or down.
    feedback: bool,
}

impl Tail {
    pub(super) fn of(message: &Message, base: Option<&str>) -> Tail {
        let mut body = sources(message, base);
        if let (Some(key), Some(base)) = (&message.ticket, base) {
            body.push(subtle(&link(&offer::ticket_url(base, key), key)));
        }
        body.extend(message.review.iter().flat_map(|line| to_review(line, base)));
        let actions = actions(message);
        let asked = [Button::Solved, Button::NotHelpful];
        let answer = !message.citations.is_empty();
        Tail {
            body,
            citations: citations(message, base),
            answer,
            feedback: answer
                && !actions.is_empty()
                && message.buttons.iter().any(|button| asked.contains(button)),
            actions,
        }
    }

    pub(super) fn weight(&self) -> usize {
        let all = [&self.body, &self.actions, &self.citations].into_iter().flatten();
        // The entity around the citations, and channelData.
        all.map(|value| weigh(value) + 2).sum::<usize>() + 800
    }

    /// "AI generated", beside the bot's name.
    pub(super) fn label(&self, activity: &mut Value) {
        if self.answer {
            activity["entities"] = json!([{
                "type": "https://schema.org/Message",
                "@type": "Message",
                "@context": "https://schema.org",
                "additionalType": ["AIGeneratedContent"],
            }]);
        }
    }

    pub(super) fn finish(&self, activity: &mut Value) {
        self.label(activity);
        if !self.citations.is_empty() {
            activity["entities"][0]["citation"] = Value::from(self.citations.clone());
        }
        if self.feedback {
            activity["channelData"] = json!({ "feedbackLoop": { "type": "default" } });
        }
    }
}

fn sources(message: &Message, base: Option<&str>) -> Vec<Value> {
    let mut blocks = Vec::new();
    let mut used = 0;
    for citation in &message.citations {
        let mut block = subtle(&source(citation, base));
        block["spacing"] = Value::from(if blocks.is_empty() { "Medium" } else { "None" });
        used += weigh(&block);
        if used > SOURCES {
            blocks.push(subtle("…"));
            break;
        }
        blocks.push(block);
    }
    blocks
}

pub(super) fn source(citation: &Citation, base: Option<&str>) -> String {
    let (label, url) = offer::lead(citation, base);
    let label = cut(&label, 120);
    match url {
        Some(url) => format!("[{}] {}", citation.n, link(&url, &label)),
        None => format!("[{}] {}", citation.n, literal(&label)),
    }
}

/// Teams' own citations. One number is cited once, and none without a name.
fn citations(message: &Message, base: Option<&str>) -> Vec<Value> {
    let mut out: Vec<Value> = Vec::new();
    let mut used = 0;
    for citation in &message.citations {
        let (label, url) = offer::lead(citation, base);
        let name = words(&label, LONGEST_NAME);
        if name.is_empty() || out.iter().any(|before| before["position"] == citation.n) {
            continue;
        }
        let mut appearance = json!({ "@type": "DigitalDocument", "name": name });
        let quote = words(&citation.quote, LONGEST_ABSTRACT);
        if !quote.is_empty() {
            appearance["abstract"] = Value::from(quote);
        }
        if let Some(url) = url.filter(|url| url.len() <= 1200) {
            appearance["url"] = Value::from(url);
        }
        let claim = json!({ "@type": "Claim", "position": citation.n, "appearance": appearance });
        used += weigh(&claim);
        if used > SOURCES || out.len() == MOST_CITATIONS {
            break;
        }
        out.push(claim);
    }
    out
}

fn words(text: &str, limit: usize) -> String {
    cut(&text.split_whitespace().collect::<Vec<_>>().join(" "), limit)
}

/// The row of buttons. Each says which request it is about, or it is left out. Old clients, and
/// Outlook, press a plain Action.Submit instead.
fn actions(message: &Message) -> Vec<Value> {
    let fits = |id: &&str| !id.is_empty() && text::weight(id) <= LONGEST_REQUEST;
    let Some(request) = message.request_id.as_deref().filter(fits) else { return Vec::new() };
    let action = |(button, verb, title): (Button, &str, &str)| {
        let submit = json!({ "verb": verb, "request": request });
        match button {
            // Only an Action.Submit can open a dialog.
            Button::FileTicket => json!({
                "type": "Action.Submit",
                "title": title,
                "data": {
                    "msteams": { "type": "task/fetch" },
                    "verb": verb,
                    "request": request,
                },
            }),
            _ => json!({
                "type": "Action.Execute",
                "title": title,
                "verb": verb,
                "data": { "request": request },
                "fallback": { "type": "Action.Submit", "title": title, "data": submit },
            }),
        }
    };
    offer::buttons(message).into_iter().map(action).collect()
}
