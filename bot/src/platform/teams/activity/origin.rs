//! Where an activity comes from: the same for all kinds of them.

use serde_json::Value;

use super::{owned, text};

/// Where an activity comes from.
#[derive(Debug, Clone, PartialEq)]
pub(in super::super) struct Origin {
    pub(in super::super) tenant: String,
    /// Where replies go. To be checked before anything is sent there.
    pub(in super::super) service_url: String,
    /// Whole, as replies name it: in a channel with the thread,
    /// `19:abc@thread.tacv2;messageid=1620000000000`.
    pub(in super::super) conversation: String,
    pub(in super::super) scope: Scope,
    /// `None` outside channels.
    pub(in super::super) channel: Option<String>,
    /// The message its thread began with; `None` outside channels.
    pub(in super::super) thread: Option<String>,
    /// The team of the channel, as Teams names it.
    pub(in super::super) team: Option<String>,
    /// The channel is shared with other organisations.
    pub(in super::super) outsiders: bool,
    /// Of the activity itself; an edited message keeps its own.
    pub(in super::super) id: String,
    pub(in super::super) from: From,
    pub(in super::super) bot: String,
    /// BCP 47, of the sender's Teams.
    pub(in super::super) locale: Option<String>,
    /// RFC 3339.
    pub(in super::super) timestamp: Option<String>,
    /// IANA name, `Europe/Berlin`.
    pub(in super::super) timezone: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Scope {
    Personal,
    GroupChat,
    Channel,
}

/// The sender as Teams names them.
#[derive(Debug, Clone, PartialEq)]
pub(in super::super) struct From {
    /// Known to this bot only, `29:1abc`.
    pub(in super::super) id: String,
    /// The account in Entra ID; those who join without one have none.
    pub(in super::super) aad_object_id: Option<String>,
    pub(in super::super) name: String,
}

impl Origin {
    /// `None` when something is missing that every activity has.
    pub(super) fn of(value: &Value) -> Option<Origin> {
        let (conversation, from) = (&value["conversation"], &value["from"]);
        let data = &value["channelData"];
        let id = text(conversation, "id")?;
        let tenants = [text(conversation, "tenantId"), text(&data["tenant"], "id")];
        let (base, root) = match id.split_once(";messageid=") {
            Some((base, root)) => (base, Some(root).filter(|root| !root.is_empty())),
            None => (id, None),
        };
        let scope = Scope::of(conversation, data);
        let channel = text(&data["channel"], "id").unwrap_or(base);
        let inside = |value: &str| (scope == Scope::Channel).then(|| value.to_owned());
        let timestamp = owned(value, "timestamp");
        Some(Origin {
            tenant: tenants.into_iter().flatten().next()?.to_owned(),
            service_url: owned(value, "serviceUrl")?,
            conversation: id.to_owned(),
            scope,
            channel: inside(channel),
            // A message that begins a thread may come without naming it.
            thread: inside(root.or_else(|| text(value, "id")).unwrap_or_default())
                .filter(|thread| !thread.is_empty()),
            team: text(&data["team"], "id").and_then(inside),
            outsiders: text(&data["channel"], "type") == Some("shared")
                || matches!(tenants, [Some(one), Some(other)] if one != other),
            id: owned(value, "id").or_else(|| timestamp.clone())?,
            from: From {
                id: owned(from, "id")?,
                aad_object_id: owned(from, "aadObjectId"),
                name: owned(from, "name").unwrap_or_default(),
            },
            bot: owned(&value["recipient"], "id")?,
            locale: owned(value, "locale").or_else(|| client_info(value, "locale")),
            timestamp,
            timezone: owned(value, "localTimezone").or_else(|| client_info(value, "timezone")),
        })
    }

    /// Bots, this one above all, are not talked to.
    pub(super) fn is_bot(&self, value: &Value) -> bool {
        let role = text(&value["from"], "role").unwrap_or_default();
        role == "bot" || self.from.id == self.bot || self.from.id.starts_with("28:")
    }
}

/// What the sender's client tells of itself in an entity.
fn client_info(value: &Value, name: &str) -> Option<String> {
    let mut entities = value["entities"].as_array().into_iter().flatten();
    entities.find(|entity| text(entity, "type") == Some("clientInfo")).and_then(|e| owned(e, name))
}

impl Scope {
    /// Whatever is not known to be between one person and the bot is read by others.
    fn of(conversation: &Value, data: &Value) -> Scope {
        match text(conversation, "conversationType") {
            Some("personal") => Scope::Personal,
            Some("channel") => Scope::Channel,
            None if data["channel"].is_object() || data["team"].is_object() => Scope::Channel,
            _ => Scope::GroupChat,
        }
    }
}
