//! The tokens the bot shows the Bot Connector and Microsoft Graph: fetched with the app's own
//! password and kept until shortly before they end
//! (<https://learn.microsoft.com/en-us/azure/bot-service/rest-api/bot-framework-rest-connector-authentication>).

use std::time::{Duration, Instant};

use reqwest::{RequestBuilder, Response, StatusCode};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::{Mutex, MutexGuard};

use super::api::{TeamsError, unknown};

/// What a token for the Connector is good for.
pub(super) const CONNECTOR: &str = "https://api.botframework.com/.default";
/// A token is renewed this long before it ends.
const MARGIN: Duration = Duration::from_secs(5 * 60);

/// The app as Entra knows it.
#[derive(Clone)]
pub(super) struct Credentials {
    /// The bot's Microsoft App ID.
    pub(super) app_id: String,
    /// A client secret of the app.
    pub(super) app_password: String,
    /// Where tokens are handed out; [`token_url`] unless configured.
    pub(super) token_url: String,
}

/// Where a bot of one tenant gets its tokens.
pub(super) fn token_url(tenant_id: &str) -> String {
    format!("https://login.microsoftonline.com/{tenant_id}/oauth2/v2.0/token")
}

/// The bot's token for one service, one fetch at a time.
pub(super) struct Token {
    http: reqwest::Client,
    credentials: Credentials,
    scope: String,
    kept: Mutex<Option<Kept>>,
}

struct Kept {
    token: String,
    renew: Instant,
}

#[derive(Deserialize)]
struct Reply {
    access_token: String,
    /// In seconds.
    #[serde(default)]
    expires_in: u64,
}

impl Token {
    pub(super) fn new(http: reqwest::Client, credentials: Credentials, scope: String) -> Token {
        Token { http, credentials, scope, kept: Mutex::default() }
    }

    /// Sends with the token, and once more with a new one if the service does not take it.
    pub(super) async fn exchange(
        &self,
        make: impl Fn() -> RequestBuilder + Send,
    ) -> Result<Response, TeamsError> {
        let shown = self.get().await?;
        let reply = make().bearer_auth(&shown).send().await.map_err(unknown)?;
        if reply.status() != StatusCode::UNAUTHORIZED {
            return Ok(reply);
        }
        let shown = self.instead_of(&shown).await?;
        make().bearer_auth(shown).send().await.map_err(unknown)
    }

    /// The token to show now.
    ///
    /// # Errors
    /// [`TeamsError::Token`] when there is none and none is given.
    pub(super) async fn get(&self) -> Result<String, TeamsError> {
        let kept = self.kept.lock().await;
        match &*kept {
            Some(kept) if Instant::now() < kept.renew => Ok(kept.token.clone()),
            _ => self.fetch(kept).await,
        }
    }

    /// A token other than `refused`, which the service did not take.
    ///
    /// # Errors
    /// [`TeamsError::Token`] when none is given.
    async fn instead_of(&self, refused: &str) -> Result<String, TeamsError> {
        let kept = self.kept.lock().await;
        match &*kept {
            Some(kept) if kept.token != refused => Ok(kept.token.clone()),
            _ => self.fetch(kept).await,
        }
    }

    async fn fetch(&self, mut kept: MutexGuard<'_, Option<Kept>>) -> Result<String, TeamsError> {
        let unknown = |e: reqwest::Error| TeamsError::Token(e.without_url().to_string());
        let asked = [
            ("grant_type", "client_credentials"),
            ("client_id", &self.credentials.app_id),
            ("client_secret", &self.credentials.app_password),
            ("scope", &self.scope),
        ];
        let at = Instant::now();
        let reply = self.http.post(&self.credentials.token_url).form(&asked).send().await;
        let reply = reply.map_err(unknown)?;
        let status = reply.status();
        if !status.is_success() {
            let body = reply.json().await.unwrap_or_default();
            return Err(TeamsError::Token(format!("status {}{}", status.as_u16(), why(&body))));
        }
        let reply: Reply = reply.json().await.map_err(unknown)?;
        let life = Duration::from_secs(reply.expires_in).saturating_sub(MARGIN);
        // An end past all time is none to wait for: such a token is asked for anew.
        let renew = at.checked_add(life).unwrap_or(at);
        *kept = Some(Kept { token: reply.access_token.clone(), renew });
        Ok(reply.access_token)
    }
}

/// Entra's words for a refusal that mean something to an administrator: the OAuth error and the
/// number under which <https://learn.microsoft.com/en-us/entra/identity-platform/reference-error-codes>
/// explains it.
fn why(body: &Value) -> String {
    let error = body["error"].as_str().map(|error| format!(", {error}"));
    let number = body["error_codes"][0].as_u64().map(|number| format!(", AADSTS{number}"));
    [error, number].into_iter().flatten().collect()
}
