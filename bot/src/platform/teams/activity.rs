//! A tolerant reading of what Teams sends: only what is needed is looked at, and whatever is
//! missing, null, new or oddly shaped makes an activity that is passed over, never an error.

mod origin;
mod said;
#[cfg(test)]
mod tests;

use firstline_core::chat::Button;
use serde_json::Value;

use super::card;
use super::text::to_markdown;
use crate::platform::offer;
use crate::platform::review::{AGREE, CORRECT};
pub(super) use origin::{Origin, Scope};
pub(super) use said::{Attachment, Said};

/// What an activity is about, as far as it concerns the bot.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Activity {
    Said(Said),
    /// Somebody changed what they had written, or brought it back.
    Edited(Said),
    Deleted {
        origin: Origin,
    },
    Pressed(Pressed),
    Reviewed(Reviewed),
    /// A dialog is to be opened.
    DialogFetch(Dialog),
    DialogSubmit(Dialog),
    /// A command among the actions on a message ("File a ticket") was chosen.
    ExtensionFetch(Extension),
    ExtensionSubmit(Extension),
    Feedback(Feedback),
    Reacted(Reacted),
    /// The app was installed.
    Installed {
        origin: Origin,
    },
    /// The bot came into a team or a chat.
    Added {
        origin: Origin,
    },
    /// An invoke that is not for us, or that cannot be read. It wants an answer all the same:
    /// 501, "not implemented".
    /// <https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-api-reference>
    Unknown {
        invoke: String,
    },
    /// Nothing for us; the kind is counted.
    PassedOver {
        kind: String,
    },
}

/// A button under one of the bot's messages.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pressed {
    pub(super) origin: Origin,
    pub(super) button: Button,
    pub(super) request: String,
    /// The message it stands under.
    pub(super) reply_to: Option<String>,
    /// It wants a card or a message as its answer; presses from old clients do not.
    pub(super) invoke: bool,
}

/// An owner agrees with how a ticket was read.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Reviewed {
    pub(super) origin: Origin,
    pub(super) ticket: String,
    /// The list it stands in.
    pub(super) reply_to: Option<String>,
    /// As of a button that was [`Pressed`].
    pub(super) invoke: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Dialog {
    pub(super) origin: Origin,
    /// What the button carried and the inputs held.
    pub(super) data: Value,
    pub(super) reply_to: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Extension {
    pub(super) origin: Origin,
    pub(super) command: String,
    /// The message it was chosen on.
    pub(super) message: Option<Quoted>,
    /// Of the form; null when it is only to be opened.
    pub(super) data: Value,
}

/// A message somebody pointed at, theirs or another's.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Quoted {
    pub(super) id: String,
    /// Markdown.
    pub(super) text: String,
    /// Who wrote it: account and name.
    pub(super) author: Option<String>,
    pub(super) author_name: String,
    pub(super) link: Option<String>,
}

/// The thumbs Teams shows under an answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Feedback {
    pub(super) origin: Origin,
    pub(super) positive: bool,
    pub(super) text: String,
    pub(super) reply_to: String,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Reacted {
    pub(super) origin: Origin,
    pub(super) reply_to: String,
    /// As Teams names them: `like`, `heart`, `1f44d_thumbsup`.
    pub(super) added: Vec<String>,
    pub(super) removed: Vec<String>,
}

impl Dialog {
    /// It is about the correction of a ticket, rather than about filing one.
    pub(super) fn corrects(&self) -> bool {
        self.data["verb"] == CORRECT.0 || card::correction_of(&self.data).is_some()
    }
}

impl Activity {
    /// Where it comes from; `None` where there is nothing to take up.
    pub(super) fn origin(&self) -> Option<&Origin> {
        match self {
            Activity::Said(said) | Activity::Edited(said) => Some(&said.origin),
            Activity::Pressed(pressed) => Some(&pressed.origin),
            Activity::Reviewed(reviewed) => Some(&reviewed.origin),
            Activity::DialogFetch(dialog) | Activity::DialogSubmit(dialog) => Some(&dialog.origin),
            Activity::ExtensionFetch(extension) | Activity::ExtensionSubmit(extension) => {
                Some(&extension.origin)
            }
            Activity::Feedback(feedback) => Some(&feedback.origin),
            Activity::Reacted(reacted) => Some(&reacted.origin),
            Activity::Deleted { origin }
            | Activity::Installed { origin }
            | Activity::Added { origin } => Some(origin),
            Activity::Unknown { .. } | Activity::PassedOver { .. } => None,
        }
    }

    /// Teams waits for what the answer to this activity holds.
    #[cfg(test)]
    pub(super) fn wants_answer(&self) -> bool {
        match self {
            Activity::Pressed(pressed) => pressed.invoke,
            Activity::Reviewed(reviewed) => reviewed.invoke,
            Activity::DialogFetch(_)
            | Activity::DialogSubmit(_)
            | Activity::ExtensionFetch(_)
            | Activity::ExtensionSubmit(_)
            | Activity::Feedback(_)
            | Activity::Unknown { .. } => true,
            _ => false,
        }
    }

    /// The same when the activity is delivered again, and no other's. `None` where there is
    /// nothing to take up.
    pub(super) fn event_id(&self) -> Option<String> {
        let origin = self.origin()?;
        let kind = match self {
            Activity::Said(_) => "said",
            Activity::Edited(_) => "edited",
            Activity::Deleted { .. } => "deleted",
            Activity::Pressed(_) => "pressed",
            Activity::Reviewed(_) => "reviewed",
            Activity::DialogFetch(_) => "dialog-fetch",
            Activity::DialogSubmit(_) => "dialog-submit",
            Activity::ExtensionFetch(_) => "extension-fetch",
            Activity::ExtensionSubmit(_) => "extension-submit",
            Activity::Feedback(_) => "feedback",
            Activity::Reacted(_) => "reacted",
            Activity::Installed { .. } => "installed",
            Activity::Added { .. } => "added",
            Activity::Unknown { .. } | Activity::PassedOver { .. } => return None,
        };
        let id = format!("{kind}:{}:{}", origin.conversation, origin.id);
        // A message can be edited often, and keeps its id.
        let many =
            matches!(self, Activity::Edited(_) | Activity::Deleted { .. } | Activity::Reacted(_));
        Some(match &origin.timestamp {
            Some(timestamp) if many => format!("{id}:{timestamp}"),
            _ => id,
        })
    }
}

pub(super) fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value[name].as_str().filter(|text| !text.is_empty())
}

fn owned(value: &Value, name: &str) -> Option<String> {
    text(value, name).map(str::to_owned)
}

pub(super) fn read(value: &Value) -> Activity {
    let kind = text(value, "type").unwrap_or("nameless");
    if kind == "invoke" {
        let name = text(value, "name").unwrap_or("nameless");
        let read = Origin::of(value).filter(|origin| !origin.is_bot(value));
        return read
            .and_then(|origin| invoked(value, name, origin))
            .unwrap_or_else(|| Activity::Unknown { invoke: name.to_owned() });
    }
    let read = Origin::of(value).and_then(|origin| happened(value, kind, origin));
    read.unwrap_or_else(|| Activity::PassedOver { kind: kind.to_owned() })
}

fn happened(value: &Value, kind: &str, origin: Origin) -> Option<Activity> {
    let event = text(&value["channelData"], "eventType").unwrap_or_default();
    let by_person = !origin.is_bot(value);
    match kind {
        "message" if by_person && value["value"].is_object() => {
            let data = &value["value"];
            pressed(value, origin, text(data, "verb")?, data, false)
        }
        "message" if by_person => Some(Activity::Said(Said::of(value, origin))),
        "messageUpdate" if by_person && matches!(event, "editMessage" | "undeleteMessage") => {
            Some(Activity::Edited(Said::of(value, origin)))
        }
        "messageDelete" if event == "softDeleteMessage" => Some(Activity::Deleted { origin }),
        "messageReaction" if by_person => {
            let kinds = |list: &str| {
                let list = value[list].as_array().into_iter().flatten();
                list.filter_map(|reaction| owned(reaction, "type")).collect::<Vec<_>>()
            };
            Some(Activity::Reacted(Reacted {
                reply_to: owned(value, "replyToId").unwrap_or_else(|| origin.id.clone()),
                added: kinds("reactionsAdded"),
                removed: kinds("reactionsRemoved"),
                origin,
            }))
        }
        "installationUpdate" if text(value, "action") == Some("add") => {
            Some(Activity::Installed { origin })
        }
        "conversationUpdate" => {
            let mut added = value["membersAdded"].as_array().into_iter().flatten();
            let bot = added.any(|member| text(member, "id") == Some(&origin.bot));
            bot.then_some(Activity::Added { origin })
        }
        _ => None,
    }
}

fn invoked(value: &Value, name: &str, origin: Origin) -> Option<Activity> {
    let inner = &value["value"];
    let reply_to = owned(value, "replyToId");
    let dialog =
        |origin| Dialog { origin, data: inner["data"].clone(), reply_to: reply_to.clone() };
    match name {
        "adaptiveCard/action" => {
            let action = &inner["action"];
            pressed(value, origin, text(action, "verb")?, &action["data"], true)
        }
        "task/fetch" => Some(Activity::DialogFetch(dialog(origin))),
        "task/submit" => Some(Activity::DialogSubmit(dialog(origin))),
        "composeExtension/fetchTask" => {
            Some(Activity::ExtensionFetch(extension(inner, Value::Null, origin)?))
        }
        "composeExtension/submitAction" => {
            Some(Activity::ExtensionSubmit(extension(inner, inner["data"].clone(), origin)?))
        }
        "message/submitAction" if text(inner, "actionName") == Some("feedback") => {
            feedback(&inner["actionValue"], reply_to?, origin)
        }
        _ => None,
    }
}

fn pressed(
    value: &Value,
    origin: Origin,
    verb: &str,
    data: &Value,
    invoke: bool,
) -> Option<Activity> {
    let reply_to = owned(value, "replyToId");
    if verb == AGREE.0 {
        let ticket = owned(data, "ticket")?;
        return Some(Activity::Reviewed(Reviewed { origin, ticket, reply_to, invoke }));
    }
    Some(Activity::Pressed(Pressed {
        button: offer::button_of(verb)?,
        request: owned(data, "request")?,
        reply_to,
        origin,
        invoke,
    }))
}

fn extension(inner: &Value, data: Value, origin: Origin) -> Option<Extension> {
    let payload = &inner["messagePayload"];
    let on_message = text(inner, "commandContext") == Some("message");
    let body = &payload["body"];
    let content = text(body, "content").unwrap_or_default();
    let quoted = |id: &str| {
        let user = &payload["from"]["user"];
        let plain = text(body, "contentType") == Some("text");
        Quoted {
            id: id.to_owned(),
            text: if plain { content.to_owned() } else { to_markdown(content, &|_| false) },
            author: owned(user, "id"),
            author_name: owned(user, "displayName").unwrap_or_default(),
            link: owned(payload, "linkToMessage"),
        }
    };
    let message = text(payload, "id").filter(|_| on_message).map(quoted);
    Some(Extension { origin, command: owned(inner, "commandId")?, message, data })
}

fn feedback(given: &Value, reply_to: String, origin: Origin) -> Option<Activity> {
    let positive = match text(given, "reaction")? {
        "like" => true,
        "dislike" => false,
        _ => return None,
    };
    // The words come as JSON inside a string.
    let inner: Option<Value> = text(given, "feedback").and_then(|f| serde_json::from_str(f).ok());
    let text = inner.and_then(|inner| owned(&inner, "feedbackText")).unwrap_or_default();
    Some(Activity::Feedback(Feedback { origin, positive, text, reply_to }))
}
