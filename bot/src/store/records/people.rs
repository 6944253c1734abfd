//! People, their groups, and how they are known to be who they are.

use serde::{Deserialize, Serialize};

/// What a group lets its members do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Employee,
    Owner,
    Commander,
    Admin,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    pub name: String,
    pub role: Role,
    pub members: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PersonRow {
    pub email: String,
    pub name: String,
    pub active: bool,
}

/// A person with what their groups give them: the only thing permissions are judged by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Viewer {
    pub email: String,
    pub name: String,
    pub roles: Vec<Role>,
    /// Names of all their groups: audiences they may read and teams they belong to.
    /// `everyone` is always among them.
    pub groups: Vec<String>,
    /// Where they are (IANA name), if that is known.
    pub time_zone: Option<String>,
}

impl Viewer {
    pub fn is(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    pub fn is_admin(&self) -> bool {
        self.is(Role::Admin)
    }

    /// A support owner of this team (admins own every team).
    pub fn owns(&self, team: Option<&str>) -> bool {
        self.is_admin()
            || (self.is(Role::Owner)
                && team.is_some_and(|team| self.groups.iter().any(|g| g == team)))
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Session {
    pub email: String,
    pub csrf: String,
    pub expires_at: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ApiToken {
    pub id: String,
    pub name: String,
    pub email: String,
    /// `requests`, `tickets:read`, `tickets:write`, `search`, `metrics`
    pub scopes: Vec<String>,
    pub created_at: i64,
    pub last_used_at: Option<i64>,
    pub revoked_at: Option<i64>,
}

/// Somebody who may be behind an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Behind {
    pub email: String,
    pub active: bool,
    pub time_zone: Option<String>,
    /// The account is tied to them; otherwise they have its address.
    pub tied: bool,
}

/// An account on a chat platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccountKey {
    pub platform: String,
    /// `*` where an account is the same everywhere on the platform.
    pub tenant: String,
    pub account: String,
}

/// What a one-time link ties to whoever opens it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccountLink {
    #[serde(flatten)]
    pub of: AccountKey,
    /// As the platform shows it.
    pub name: String,
}
