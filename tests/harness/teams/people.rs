//! Who has an account here, and how the roster shows them.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{FakeTeams, without_nulls};

/// What someone is in the tenant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Role {
    #[default]
    User,
    Guest,
    /// Came through a meeting's link: the roster knows a name, nothing else.
    Anonymous,
}

impl Role {
    fn as_str(self) -> &'static str {
        match self {
            Role::User => "user",
            Role::Guest => "guest",
            Role::Anonymous => "anonymous",
        }
    }
}

/// Someone with an account.
#[derive(Debug, Clone)]
pub struct User {
    /// `29:…`, by which this bot alone knows them.
    pub id: String,
    pub aad_object_id: String,
    pub name: String,
    pub email: Option<String>,
    /// The user principal name; looks like an e-mail address and need not be one.
    pub upn: String,
    /// Their home; of somebody in a shared channel another than the conversation's.
    pub tenant: String,
    pub role: Role,
    pub bot: bool,
}

impl User {
    /// A member of the tenant: `Ana Lima` is `29:ana` and `ana@acme.example`.
    pub fn new(name: &str) -> User {
        let first = name.split(' ').next().unwrap_or_default().to_lowercase();
        let first = first.rsplit(':').next().unwrap_or_default();
        User {
            id: format!("29:{first}"),
            aad_object_id: guid(first),
            name: name.to_owned(),
            email: Some(format!("{first}@acme.example")),
            upn: format!("{first}@acme.example"),
            tenant: FakeTeams::TENANT.to_owned(),
            role: Role::User,
            bot: false,
        }
    }

    /// A guest of the tenant, whose name there tells where they come from.
    pub fn guest(name: &str, email: &str) -> User {
        User {
            email: Some(email.to_owned()),
            upn: format!("{}#EXT#@acme.example", email.replace('@', "_")),
            role: Role::Guest,
            ..User::new(name)
        }
    }

    /// As the roster shows them
    /// (<https://learn.microsoft.com/microsoftteams/platform/resources/team-chat-member-api-changes>).
    pub(super) fn shown(&self) -> Value {
        let known = self.role != Role::Anonymous;
        let mut names = self.name.split(' ');
        without_nulls(json!({
            "id": self.id, "name": self.name, "userRole": self.role.as_str(),
            "givenName": names.next(), "surname": names.next(),
            "objectId": known.then_some(&self.aad_object_id),
            "aadObjectId": known.then_some(&self.aad_object_id),
            "email": self.email.as_ref().filter(|_| known),
            "userPrincipalName": known.then_some(&self.upn),
            "tenantId": known.then_some(&self.tenant),
        }))
    }

    /// As an activity names who did it; of a bot there is no object.
    pub(super) fn account(&self) -> Value {
        let known = !self.bot && self.role != Role::Anonymous;
        without_nulls(json!({
            "id": self.id, "name": self.name, "aadObjectId": known.then_some(&self.aad_object_id),
        }))
    }
}

/// An id of the usual form, always the same for the same text.
pub(super) fn guid(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    let hex: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{}-4{}-8{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..32])
}
