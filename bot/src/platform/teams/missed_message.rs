//! A message as Microsoft Graph shows it
//! (<https://learn.microsoft.com/graph/api/resources/chatmessage>), told as the Bot Framework would
//! have told of it, so that it takes the same way as one that came in time.

use serde_json::{Value, json};

use super::activity::text;
use crate::store::records::Place;

/// Where messages were read, and by whom.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    pub(super) place: &'a Place,
    pub(super) service_url: &'a str,
    pub(super) app_id: &'a str,
}

impl Reader<'_> {
    /// The activity; `None` for what no person wrote and what was taken back. Of what is attached
    /// nothing can be fetched with the leave to read messages, so nothing is named.
    pub(super) fn activity(&self, message: &Value) -> Option<Value> {
        let (id, account) = (text(message, "id")?, author(message)?);
        if text(message, "messageType") != Some("message") || !message["deletedDateTime"].is_null()
        {
            return None;
        }
        let Reader { place, service_url, app_id } = self;
        let bot = format!("28:{app_id}");
        let mentions = message["mentions"].as_array().into_iter().flatten();
        let mentions: Vec<Value> = mentions
            .filter(|mention| text(&mention["mentioned"]["application"], "id") == Some(*app_id))
            .map(|mention| {
                let named = json!({ "id": bot, "name": mention["mentionText"] });
                json!({ "type": "mention", "mentioned": named })
            })
            .collect();
        let body = &message["body"];
        let content = &body["content"];
        let (words, attached) = match text(body, "contentType") {
            Some("html") => {
                (Value::Null, vec![json!({ "contentType": "text/html", "content": content })])
            }
            _ => (content.clone(), vec![]),
        };
        let channel = &place.channel;
        let mut data = json!({ "tenant": { "id": place.tenant } });
        let (conversation, kind) = match &place.team {
            Some(team) => {
                data["team"] = json!({ "id": team });
                data["channel"] = json!({ "id": channel });
                let begun = text(message, "replyToId").unwrap_or(id);
                (format!("{channel};messageid={begun}"), "channel")
            }
            None => (channel.clone(), "groupChat"),
        };
        if place.outsiders {
            data["channel"]["type"] = "shared".into();
        }
        Some(json!({
            "type": "message", "id": id, "channelId": "msteams", "serviceUrl": service_url,
            "timestamp": message["createdDateTime"],
            "from": { "id": account, "aadObjectId": account,
                "name": message["from"]["user"]["displayName"] },
            "recipient": { "id": bot },
            "conversation": { "id": conversation, "conversationType": kind,
                "tenantId": place.tenant },
            "channelData": data, "text": words, "entities": mentions, "attachments": attached,
        }))
    }
}

/// The account in Entra of whoever wrote a message; none of bots and of what the system says.
fn author(message: &Value) -> Option<&str> {
    text(&message["from"]["user"], "id")
}

/// Whether people have seen to a message of a thread (oldest first) already: somebody else has
/// written after whoever began it or, in a chat, where all is one thread, quoted the message. What
/// somebody else writes is never passed over so: the bot yields to it.
pub(super) fn is_left_to_people(thread: &[Value], at: usize, is_chat: bool) -> bool {
    let (before, later) = thread.split_at((at + 1).min(thread.len()));
    let (Some(begun), Some(message)) = (before.first(), before.last()) else { return false };
    let writer = author(message);
    let others = |other: &&Value| author(other).is_some_and(|who| Some(who) != writer);
    let mut others = later.iter().filter(others);
    match is_chat {
        true => others.any(|other| quotes(other, message)),
        false => writer == author(begun) && others.next().is_some(),
    }
}

fn quotes(other: &Value, message: &Value) -> bool {
    let mut attached = other["attachments"].as_array().into_iter().flatten();
    attached
        .any(|it| text(it, "contentType") == Some("messageReference") && it["id"] == message["id"])
}

#[cfg(test)]
mod tests;
