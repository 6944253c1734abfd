//! The limits Teams documents for what a bot sends.

use serde_json::Value;

use super::answer::Answer;
use super::{CARD, cards, list, text_of};

/// Bytes of a request in UTF-16, whatever it was sent in
/// (<https://learn.microsoft.com/microsoftteams/platform/bots/how-to/format-your-bot-messages>).
const LARGEST: usize = 100 * 1024;

pub(super) fn check_size(body: &[u8]) -> Result<(), Answer> {
    let size = 2 * String::from_utf8_lossy(body).encode_utf16().count();
    let refusal = || Answer::error(413, "MessageSizeTooBig", "Message size too large.");
    if size <= LARGEST { Ok(()) } else { Err(refusal()) }
}

/// What a message holds. Where Teams would show a card wrongly rather than refuse it, it is
/// refused here, so that a test notices.
pub(super) fn check_activity(sent: &Value) -> Result<(), Answer> {
    let wrong = match text_of(sent, "type") {
        "message" => wrong_in_message(sent),
        "typing" => None,
        _ => return Err(Answer::error(400, "BadSyntax", "This is no activity a bot sends.")),
    };
    wrong.map_or(Ok(()), |what| Err(Answer::error(400, "BadArgument", &what)))
}

fn wrong_in_message(sent: &Value) -> Option<String> {
    if text_of(sent, "text").is_empty() && list(&sent["attachments"]).next().is_none() {
        return Some("The message is empty.".into());
    }
    let format = &sent["textFormat"];
    let formats = ["plain", "markdown", "xml", "extendedmarkdown"];
    if !format.is_null() && !formats.iter().any(|known| format == known) {
        return Some(format!("Unknown text format {format}."));
    }
    let feedback = &sent["channelData"]["feedbackLoop"];
    if !feedback.is_null() && feedback["type"] != "default" && feedback["type"] != "custom" {
        return Some(format!("Unknown feedback loop {feedback}."));
    }
    list(&sent["attachments"]).find_map(wrong_in_attachment).or_else(|| wrong_in_entities(sent))
}

fn wrong_in_attachment(attachment: &Value) -> Option<String> {
    match text_of(attachment, "contentType") {
        CARD => cards::wrong(&attachment["content"]),
        kind if kind.starts_with("image/") => {
            let missing = text_of(attachment, "contentUrl").is_empty();
            missing.then(|| "A picture needs a contentUrl.".into())
        }
        "application/vnd.microsoft.card.hero"
        | "application/vnd.microsoft.card.thumbnail"
        | "application/vnd.microsoft.teams.card.list"
        | "application/vnd.microsoft.teams.card.file.consent"
        | "application/vnd.microsoft.teams.card.file.info" => None,
        _ => Some("Unknown attachment type".into()),
    }
}

/// The labels and citations of what a model wrote
/// (<https://learn.microsoft.com/microsoftteams/platform/bots/how-to/bot-messages-ai-generated-content>).
fn wrong_in_entities(sent: &Value) -> Option<String> {
    let mut roots =
        list(&sent["entities"]).filter(|entity| entity["type"] == "https://schema.org/Message");
    let root = roots.next()?;
    if roots.next().is_some() {
        return Some("Multiple root message entities found.".into());
    }
    if root["@type"] != "Message" || root["@context"] != "https://schema.org" {
        return Some("Error parsing message entity.".into());
    }
    let citations = list(&root["citation"]);
    if citations.clone().count() > 20 {
        return Some("Bot message with more than 20 citations.".into());
    }
    citations.clone().find_map(wrong_in_citation)
}

fn wrong_in_citation(citation: &Value) -> Option<String> {
    let shown = &citation["appearance"];
    let length = |value: &Value| value.as_str().unwrap_or_default().chars().count();
    let keywords = list(&shown["keywords"]);
    let right = citation["@type"] == "Claim"
        && citation["position"].as_u64().is_some_and(|position| position > 0)
        && shown["@type"] == "DigitalDocument"
        && (1..=80).contains(&length(&shown["name"]))
        && length(&shown["abstract"]) <= 160
        && keywords.clone().count() <= 3
        && keywords.clone().all(|keyword| length(keyword) <= 28);
    (!right).then(|| format!("Error while parsing citation entity {}.", citation["position"]))
}
