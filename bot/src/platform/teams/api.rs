//! The Bot Connector, as far as it is used: every call goes to the service address of its
//! conversation, and to none that is not the Bot Framework's
//! (<https://learn.microsoft.com/en-us/azure/bot-service/rest-api/bot-framework-rest-connector-api-reference>).

use std::fmt::Write as _;
use std::time::Duration;

use jiff::fmt::rfc2822;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, Url, redirect};
use serde_json::Value;
use thiserror::Error;

use super::hosts::{self, Hosts};
use super::token::{CONNECTOR, Credentials, Token};

/// A call takes no longer.
const PATIENCE: Duration = Duration::from_secs(5);
/// A file may take longer than a call.
const PATIENCE_FOR_FILES: Duration = Duration::from_secs(30);
/// How long to wait when the service says to wait without saying how long.
const WAIT: Duration = Duration::from_secs(30);
/// The longest wait that is believed; whoever comes back earlier is told again.
const WAIT_MAX: Duration = Duration::from_secs(60 * 60);
/// The longest word of the service's for an error.
const CODE_MAX: usize = 64;

/// Why the service did not do what it was asked.
#[derive(Debug, Error)]
pub enum TeamsError {
    /// Nothing was done.
    #[error("Teams asks to wait {} s", .0.as_secs())]
    RateLimited(Duration),
    /// Nothing was done; `code` is the service's own word for it. After status 412 Microsoft asks
    /// to try again (<https://learn.microsoft.com/en-us/microsoftteams/platform/bots/how-to/rate-limit>).
    #[error("Teams says {code} (status {status})")]
    Refused { status: u16, code: String },
    /// No answer, or none that can be read: whether it was done is unknown.
    #[error("Teams did not answer: {0}")]
    Unknown(String),
    /// Nothing was sent.
    #[error("{0} is not an address of Teams")]
    NotAllowed(String),
    /// Nothing was sent.
    #[error("no token for Teams: {0}")]
    Token(String),
    /// A file of more bytes than this.
    #[error("the file has more than {0} bytes")]
    TooLarge(usize),
}

/// Someone in a conversation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Member {
    /// The id under which this bot knows them.
    pub(super) id: String,
    pub(super) name: Option<String>,
    pub(super) email: Option<String>,
    pub(super) user_principal_name: Option<String>,
    pub(super) aad_object_id: Option<String>,
    pub(super) tenant_id: Option<String>,
    /// `user`, `guest` or `anonymous`, as far as is documented.
    pub(super) user_role: Option<String>,
}

/// The client for all calls of this connection, the keys' too. It follows no redirects: they
/// could lead the token past the list of hosts.
///
/// # Errors
/// When this machine has no certificates to check the service's by.
pub(super) fn client() -> reqwest::Result<Client> {
    Client::builder().timeout(PATIENCE).redirect(redirect::Policy::none()).build()
}

pub(super) struct Api {
    http: Client,
    hosts: Hosts,
    /// `None` for a service that asks for none.
    token: Option<Token>,
}

impl Api {
    /// `http` is a [`client`]; without `credentials` no token is shown.
    pub(super) fn new(http: Client, hosts: Hosts, credentials: Option<Credentials>) -> Api {
        let scope = CONNECTOR.to_owned();
        let token = credentials.map(|credentials| Token::new(http.clone(), credentials, scope));
        Api { http, hosts, token }
    }

    /// Whether there is a token to show.
    pub(super) async fn try_token(&self) -> Result<(), TeamsError> {
        match &self.token {
            Some(token) => token.get().await.map(|_| ()),
            None => Ok(()),
        }
    }

    /// Posts an activity, as an answer to another where `reply_to` names one; its id, which is
    /// empty where the service names none, as for typing.
    pub(super) async fn send(
        &self,
        service_url: &str,
        conversation_id: &str,
        reply_to: Option<&str>,
        activity: &Value,
    ) -> Result<String, TeamsError> {
        let mut path = vec!["v3", "conversations", conversation_id, "activities"];
        path.extend(reply_to);
        let reply = self.call(Method::POST, service_url, &path, Some(activity)).await?;
        Ok(text(&reply, "id").unwrap_or_default())
    }

    /// Shows an activity of ours anew.
    pub(super) async fn update(
        &self,
        service_url: &str,
        conversation_id: &str,
        activity_id: &str,
        activity: &Value,
    ) -> Result<(), TeamsError> {
        let path = ["v3", "conversations", conversation_id, "activities", activity_id];
        self.call(Method::PUT, service_url, &path, Some(activity)).await?;
        Ok(())
    }

    /// Who somebody in a conversation is.
    pub(super) async fn member(
        &self,
        service_url: &str,
        conversation_id: &str,
        user_id: &str,
    ) -> Result<Member, TeamsError> {
        let path = ["v3", "conversations", conversation_id, "members", user_id];
        let found = self.call(Method::GET, service_url, &path, None).await?;
        if !found.is_object() {
            return Err(TeamsError::Unknown("the answer is no member".to_owned()));
        }
        Ok(Member {
            id: text(&found, "id").unwrap_or_else(|| user_id.to_owned()),
            name: text(&found, "name"),
            email: text(&found, "email"),
            user_principal_name: text(&found, "userPrincipalName"),
            aad_object_id: text(&found, "aadObjectId").or_else(|| text(&found, "objectId")),
            tenant_id: text(&found, "tenantId"),
            user_role: text(&found, "userRole"),
        })
    }

    /// The group in Entra that a team is, by which Microsoft Graph knows it
    /// (<https://learn.microsoft.com/microsoftteams/platform/bots/how-to/get-teams-context>).
    pub(super) async fn group(&self, service_url: &str, team: &str) -> Result<String, TeamsError> {
        let team = self.call(Method::GET, service_url, &["v3", "teams", team], None).await?;
        let group = text(&team, "aadGroupId");
        group.ok_or_else(|| TeamsError::Unknown("the answer names no group".to_owned()))
    }

    /// A file of at most `limit` bytes: one that lies with the service, which wants the token, or
    /// one in SharePoint, whose address is good by itself.
    pub(super) async fn attachment(&self, url: &str, limit: usize) -> Result<Vec<u8>, TeamsError> {
        let refused = || TeamsError::NotAllowed(host(url));
        let address = Url::parse(url).map_err(|_| refused())?;
        let get = || self.http.get(address.clone()).timeout(PATIENCE_FOR_FILES);
        let reply = if self.hosts.admits(&address) {
            self.exchange(get).await?
        } else if hosts::is_sharepoint(&address) {
            get().send().await.map_err(unknown)?
        } else {
            return Err(refused());
        };
        let mut reply = done(reply).await?;
        let mut file = Vec::new();
        while let Some(piece) = reply.chunk().await.map_err(unknown)? {
            if file.len() + piece.len() > limit {
                return Err(TeamsError::TooLarge(limit));
            }
            file.extend_from_slice(&piece);
        }
        Ok(file)
    }

    /// The JSON of an answer; `Null` where its body is empty.
    async fn call(
        &self,
        method: Method,
        service_url: &str,
        path: &[&str],
        body: Option<&Value>,
    ) -> Result<Value, TeamsError> {
        let url = self.address(service_url, path)?;
        let make = || {
            let request = self.http.request(method.clone(), url.clone());
            body.into_iter().fold(request, |request, body| request.json(body))
        };
        let reply = done(self.exchange(make).await?).await?;
        let bytes = reply.bytes().await.map_err(unknown)?;
        if bytes.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&bytes).map_err(|_| TeamsError::Unknown("no JSON came".to_owned()))
    }

    async fn exchange(
        &self,
        make: impl Fn() -> RequestBuilder + Send,
    ) -> Result<Response, TeamsError> {
        match &self.token {
            Some(token) => token.exchange(make).await,
            None => make().send().await.map_err(unknown),
        }
    }

    fn address(&self, service_url: &str, path: &[&str]) -> Result<Url, TeamsError> {
        let service = self.hosts.service(service_url);
        below(service.ok_or_else(|| TeamsError::NotAllowed(host(service_url)))?, path)
    }
}

/// An address below that of a service. Ids hold slashes and colons, so they are escaped; one that
/// would climb the path is refused.
pub(super) fn below(mut url: Url, path: &[&str]) -> Result<Url, TeamsError> {
    let mut whole = url.path().trim_end_matches('/').to_owned();
    for part in path {
        if matches!(*part, "" | "." | "..") {
            return Err(TeamsError::NotAllowed(format!("an id «{part}»")));
        }
        whole.push('/');
        escape(part, &mut whole);
    }
    url.set_path(&whole);
    Ok(url)
}

/// Escapes all but the characters <https://www.rfc-editor.org/rfc/rfc3986#section-2.3> keeps free
/// of meaning.
fn escape(part: &str, out: &mut String) {
    for byte in part.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(byte.into());
            }
            _ => {
                // Writing to a string cannot fail.
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
}

/// The host of an address, as far as it may be told to whoever reads the log.
pub(super) fn host(address: &str) -> String {
    let url = Url::parse(address).ok();
    let host = url.as_ref().and_then(Url::host_str);
    host.unwrap_or("an unreadable address").to_owned()
}

fn text(value: &Value, name: &str) -> Option<String> {
    value[name].as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

pub(super) fn unknown(error: reqwest::Error) -> TeamsError {
    TeamsError::Unknown(error.without_url().to_string())
}

/// An answer that the service did as asked; its body is yet to be read.
pub(super) async fn done(reply: Response) -> Result<Response, TeamsError> {
    let status = reply.status();
    let wait = retry_after(reply.headers());
    match (status, wait) {
        _ if status.is_success() => Ok(reply),
        (StatusCode::TOO_MANY_REQUESTS, wait) => Err(TeamsError::RateLimited(wait.unwrap_or(WAIT))),
        (StatusCode::SERVICE_UNAVAILABLE, Some(wait)) => Err(TeamsError::RateLimited(wait)),
        _ if status.is_client_error() => {
            let code = code(&reply.json().await.unwrap_or_default());
            Err(TeamsError::Refused { status: status.as_u16(), code })
        }
        _ => Err(TeamsError::Unknown(format!("status {}", status.as_u16()))),
    }
}

/// The service's word for an error. The rest of the body is left out: it may hold what people
/// wrote.
fn code(body: &Value) -> String {
    let word = body["error"]["code"].as_str().unwrap_or_default();
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let is_word = !word.is_empty() && word.len() <= CODE_MAX && word.chars().all(plain);
    if is_word { word.to_owned() } else { "no reason".to_owned() }
}

/// How long the service wants to be left alone: seconds, or a moment, which is measured by the
/// service's own clock.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let value = header(RETRY_AFTER)?;
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds).min(WAIT_MAX));
    }
    let moment = |text| rfc2822::parse(text).ok().map(|at| at.timestamp());
    let wait = moment(value)?.duration_since(moment(header(DATE)?)?);
    Some(Duration::try_from(wait).unwrap_or_default().min(WAIT_MAX))
}

#[cfg(test)]
mod tests;
