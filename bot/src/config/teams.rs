//! `[teams]`: the bot's registration in Azure and how its word is checked.

use std::fmt;
use std::path::PathBuf;

use serde::Deserialize;

/// The company's own bot for Teams.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Teams {
    /// The Microsoft App ID, a GUID.
    pub app_id: String,
    /// A client secret of the app.
    #[serde(default)]
    pub app_password: Option<String>,
    #[serde(default)]
    pub app_password_file: Option<PathBuf>,
    /// The Entra tenant, a GUID; no other is served.
    pub tenant_id: String,
    /// Where the keys are published that activities are signed with; absent: Microsoft's public
    /// cloud.
    #[serde(default)]
    pub openid_metadata_url: Option<String>,
    /// Where the bot gets its tokens; absent: the tenant's at Microsoft.
    #[serde(default)]
    pub token_url: Option<String>,
    /// Microsoft Graph, where what was missed is read; absent: the public cloud's, unless
    /// `token_url` names another cloud.
    #[serde(default)]
    pub graph_url: Option<String>,
    #[serde(default)]
    pub auth: TeamsAuth,
}

/// How an activity is known to come from Teams.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TeamsAuth {
    #[default]
    Jwt,
    /// Not at all: for emulators on this machine, with `--insecure-dev`.
    None,
}

/// Without the secret: configurations are logged.
impl fmt::Debug for Teams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Teams")
            .field("app_id", &self.app_id)
            .field("app_password", &self.app_password.as_ref().map(|_| "hidden"))
            .field("tenant_id", &self.tenant_id)
            .field("openid_metadata_url", &self.openid_metadata_url)
            .field("token_url", &self.token_url)
            .field("graph_url", &self.graph_url)
            .field("auth", &self.auth)
            .finish_non_exhaustive()
    }
}
