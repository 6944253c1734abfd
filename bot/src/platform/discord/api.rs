//! Discord's REST API, as far as it is used
//! (<https://docs.discord.com/developers/reference>). The gateway's client has one of its own,
//! which loses how long Discord asks to wait.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use thiserror::Error;

/// A call takes no longer: nobody who waits for an answer to a press is kept.
const PATIENCE: Duration = Duration::from_secs(5);
/// A file may take longer.
const FETCHING: Duration = Duration::from_secs(20);
/// Waited when Discord says to wait without saying how long.
const WAIT: Duration = Duration::from_secs(5);
/// Messages one call reads at most, and calls made for a channel.
const PAGE: usize = 100;
const MOST_PAGES: usize = 10;

/// Error codes
/// (<https://docs.discord.com/developers/topics/opcodes-and-status-codes#json-json-error-codes>).
pub(super) mod code {
    pub(in super::super) const UNKNOWN_CHANNEL: u64 = 10_003;
    pub(in super::super) const UNKNOWN_MESSAGE: u64 = 10_008;
    pub(in super::super) const CANNOT_WRITE_TO_USER: u64 = 50_007;
    pub(in super::super) const NOT_IN_THIS_CHANNEL: u64 = 50_024;
    pub(in super::super) const NO_PERMISSION: u64 = 50_013;
    pub(in super::super) const NO_ACCESS: u64 = 50_001;
    pub(in super::super) const HAS_A_THREAD: u64 = 160_004;
}

/// Why Discord did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DiscordError {
    #[error("Discord asks to wait {} s", .0.as_secs())]
    RateLimited(Duration),
    /// In Discord's words; its code is 0 where it gives none.
    #[error("Discord says {status}: {says}")]
    Refused { status: u16, code: u64, says: String },
    /// No answer, or none that can be read: whether it was done is unknown.
    #[error("Discord did not answer: {0}")]
    Unknown(String),
}

impl DiscordError {
    /// Discord's code for a refusal.
    pub(super) fn code(&self) -> Option<u64> {
        match self {
            DiscordError::Refused { code, .. } => Some(*code),
            _ => None,
        }
    }
}

/// The app a token belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct App {
    pub id: String,
    pub name: String,
    #[serde(default)]
    pub flags: u64,
}

/// A server the bot is in, with what it may do there.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Guild {
    pub id: String,
    pub name: String,
    /// Bits, as a number in text.
    #[serde(default)]
    pub permissions: String,
}

#[derive(Deserialize)]
struct Named {
    id: String,
}

pub(super) struct Api {
    http: reqwest::Client,
    token: String,
    /// Without a slash at the end.
    url: String,
}

impl Api {
    pub(super) fn new(url: &str, token: &str) -> anyhow::Result<Api> {
        // A redirection would carry the token to whoever it names.
        let http = reqwest::Client::builder()
            .timeout(PATIENCE)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("DiscordBot (firstline, ", env!("CARGO_PKG_VERSION"), ")"))
            .build()?;
        let token = format!("Bot {}", token.trim_start_matches("Bot ").trim());
        Ok(Api { http, token, url: url.trim_end_matches('/').to_owned() })
    }

    pub(super) async fn app(&self) -> Result<App, DiscordError> {
        read(self.get("/applications/@me", &[]).await?)
    }

    /// The id of the bot's account.
    pub(super) async fn me(&self) -> Result<String, DiscordError> {
        Ok(read::<Named>(self.get("/users/@me", &[]).await?)?.id)
    }

    /// The servers the bot is in, 200 at most.
    pub(super) async fn guilds(&self) -> Result<Vec<Guild>, DiscordError> {
        read(self.get("/users/@me/guilds", &[("limit", "200")]).await?)
    }

    pub(super) async fn commands(&self, app: &str) -> Result<Value, DiscordError> {
        self.get(&format!("/applications/{app}/commands"), &[]).await
    }

    pub(super) async fn set_commands(&self, app: &str, all: &Value) -> Result<(), DiscordError> {
        self.send(Method::PUT, &format!("/applications/{app}/commands"), all).await.map(drop)
    }

    /// Posts one message; its id.
    pub(super) async fn post(&self, channel: &str, body: &Value) -> Result<String, DiscordError> {
        let path = format!("/channels/{channel}/messages");
        Ok(read::<Named>(self.send(Method::POST, &path, body).await?)?.id)
    }

    /// Shows a message of ours anew.
    pub(super) async fn edit(
        &self,
        channel: &str,
        message: &str,
        body: &Value,
    ) -> Result<(), DiscordError> {
        let path = format!("/channels/{channel}/messages/{message}");
        self.send(Method::PATCH, &path, body).await.map(drop)
    }

    /// Opens the thread of a message. One that is open already is fine.
    pub(super) async fn open_thread(
        &self,
        channel: &str,
        message: &str,
        name: &str,
    ) -> Result<(), DiscordError> {
        let path = format!("/channels/{channel}/messages/{message}/threads");
        match self.send(Method::POST, &path, &json!({ "name": name })).await {
            Err(error) if error.code() == Some(code::HAS_A_THREAD) => Ok(()),
            done => done.map(drop),
        }
    }

    /// Shows for ten seconds that the bot is writing.
    pub(super) async fn typing(&self, channel: &str) -> Result<(), DiscordError> {
        let path = format!("/channels/{channel}/typing");
        self.send(Method::POST, &path, &json!({})).await.map(drop)
    }

    /// The direct messages between a person and the bot.
    pub(super) async fn direct_channel(&self, user: &str) -> Result<String, DiscordError> {
        let whom = json!({ "recipient_id": user });
        let channel = self.send(Method::POST, "/users/@me/channels", &whom).await?;
        Ok(read::<Named>(channel)?.id)
    }

    pub(super) async fn channel(&self, channel: &str) -> Result<Value, DiscordError> {
        self.get(&format!("/channels/{channel}"), &[]).await
    }

    /// Threads of a server that are not archived.
    pub(super) async fn active_threads(&self, guild: &str) -> Result<Vec<Value>, DiscordError> {
        let mut all = self.get(&format!("/guilds/{guild}/threads/active"), &[]).await?;
        Ok(all["threads"].as_array_mut().map(std::mem::take).unwrap_or_default())
    }

    /// One message; `None` when it is gone.
    pub(super) async fn message(
        &self,
        channel: &str,
        message: &str,
    ) -> Result<Option<Value>, DiscordError> {
        match self.get(&format!("/channels/{channel}/messages/{message}"), &[]).await {
            Err(e) if matches!(e.code(), Some(code::UNKNOWN_MESSAGE | code::UNKNOWN_CHANNEL)) => {
                Ok(None)
            }
            found => found.map(Some),
        }
    }

    /// The messages before one of a channel's, or its last, oldest first.
    pub(super) async fn before(
        &self,
        channel: &str,
        message: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Value>, DiscordError> {
        let limit = limit.min(PAGE).to_string();
        let mut asked = vec![("limit", limit.as_str())];
        asked.extend(message.map(|id| ("before", id)));
        let page = self.get(&format!("/channels/{channel}/messages"), &asked).await?;
        Ok(oldest_first(page))
    }

    /// What was said in a channel after an id, oldest first.
    pub(super) async fn after(&self, channel: &str, id: u64) -> Result<Vec<Value>, DiscordError> {
        let path = format!("/channels/{channel}/messages");
        let (limit, mut last, mut all) = (PAGE.to_string(), id.to_string(), Vec::new());
        for _ in 0..MOST_PAGES {
            let asked = [("limit", limit.as_str()), ("after", last.as_str())];
            let page = oldest_first(self.get(&path, &asked).await?);
            let full = page.len() == PAGE;
            let newest = page.last().and_then(|message| message["id"].as_str());
            let Some(newest) = newest.map(str::to_owned) else { break };
            all.extend(page);
            if !full {
                break;
            }
            last = newest;
        }
        Ok(all)
    }

    /// Answers an interaction, once. Its own token is enough.
    pub(super) async fn answer(
        &self,
        interaction: &str,
        token: &str,
        answer: &Value,
    ) -> Result<(), DiscordError> {
        let path = format!("/interactions/{interaction}/{token}/callback");
        self.send(Method::POST, &path, answer).await.map(drop)
    }

    /// Alters what an interaction was answered with.
    pub(super) async fn alter_answer(
        &self,
        app: &str,
        token: &str,
        body: &Value,
    ) -> Result<(), DiscordError> {
        let path = format!("/webhooks/{app}/{token}/messages/@original");
        self.send(Method::PATCH, &path, body).await.map(drop)
    }

    /// Says one thing more after an interaction was answered.
    pub(super) async fn follow_up(
        &self,
        app: &str,
        token: &str,
        body: &Value,
    ) -> Result<(), DiscordError> {
        self.send(Method::POST, &format!("/webhooks/{app}/{token}"), body).await.map(drop)
    }

    /// A file that was sent along, from Discord's hosts alone. No token goes with the call: the
    /// address itself is signed.
    pub(super) async fn file(&self, url: &str, limit: usize) -> Result<Vec<u8>, DiscordError> {
        let address = reqwest::Url::parse(url).map_err(|_| refused("an address that is none"))?;
        if !self.trusts(&address) {
            return Err(refused("a file that is not Discord's"));
        }
        let mut reply = self.http.get(address).timeout(FETCHING).send().await.map_err(unknown)?;
        match reply.status() {
            StatusCode::OK => {}
            StatusCode::TOO_MANY_REQUESTS => return Err(DiscordError::RateLimited(WAIT)),
            status if status.is_server_error() => {
                return Err(DiscordError::Unknown(format!("status {status}")));
            }
            status => return Err(refused(&format!("{status} for a file"))),
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = reply.chunk().await.map_err(unknown)? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > limit {
                return Err(refused("a file that is too large"));
            }
        }
        Ok(bytes)
    }

    /// Discord's hosts for files, and the one the configuration names for calls.
    fn trusts(&self, address: &reqwest::Url) -> bool {
        let host = address.host_str().unwrap_or_default();
        let discords = ["cdn.discordapp.com", "media.discordapp.net"].contains(&host);
        let configured = reqwest::Url::parse(&self.url).ok();
        (discords && address.scheme() == "https" && address.port().is_none())
            || configured.is_some_and(|url| url.origin() == address.origin())
    }

    async fn get(&self, path: &str, asked: &[(&str, &str)]) -> Result<Value, DiscordError> {
        let query: Vec<String> =
            asked.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
        self.call(self.http.get(format!("{}{path}{query}", self.url))).await
    }

    async fn send(&self, how: Method, path: &str, body: &Value) -> Result<Value, DiscordError> {
        self.call(self.http.request(how, format!("{}{path}", self.url)).json(body)).await
    }

    async fn call(&self, call: reqwest::RequestBuilder) -> Result<Value, DiscordError> {
        let call = call.header(reqwest::header::AUTHORIZATION, &self.token);
        let reply = call.send().await.map_err(unknown)?;
        let status = reply.status();
        let header = |name: &str| {
            let text = reply.headers().get(name)?.to_str().ok()?;
            text.trim().parse::<f64>().ok()
        };
        let told = header("x-ratelimit-reset-after").or_else(|| header("retry-after"));
        let body = reply.bytes().await.map_err(unknown)?;
        if status == StatusCode::NO_CONTENT {
            return Ok(Value::Null);
        }
        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        if status == StatusCode::TOO_MANY_REQUESTS {
            return Err(DiscordError::RateLimited(wait(body["retry_after"].as_f64().or(told))));
        }
        if status.is_server_error() {
            return Err(DiscordError::Unknown(format!("status {status}")));
        }
        if !status.is_success() {
            return Err(DiscordError::Refused {
                status: status.as_u16(),
                code: body["code"].as_u64().unwrap_or_default(),
                says: says(&body),
            });
        }
        match body {
            // An answer was promised; where it breaks off, nothing is known of what was done.
            Value::Null => Err(DiscordError::Unknown("an answer that cannot be read".to_owned())),
            body => Ok(body),
        }
    }
}

/// How long to wait: what Discord says in seconds, within reason.
fn wait(seconds: Option<f64>) -> Duration {
    let told = seconds.and_then(|s| Duration::try_from_secs_f64(s).ok());
    told.unwrap_or(WAIT).min(Duration::from_secs(60 * 60))
}

/// A refusal in one line, with the first place of a form that is wrong. What people wrote is not
/// in it.
fn says(body: &Value) -> String {
    let message = body["message"].as_str().unwrap_or("no reason");
    let mut place = Vec::new();
    let mut at = &body["errors"];
    while let Some((name, inner)) = at.as_object().and_then(|fields| fields.iter().next()) {
        if name == "_errors" {
            break;
        }
        place.push(name.as_str());
        at = inner;
    }
    if place.is_empty() { message.to_owned() } else { format!("{message} ({})", place.join(".")) }
}

fn refused(says: &str) -> DiscordError {
    DiscordError::Refused { status: 0, code: 0, says: says.to_owned() }
}

fn unknown(error: reqwest::Error) -> DiscordError {
    // Addresses hold the tokens of interactions.
    let error = error.without_url();
    DiscordError::Unknown(if error.is_timeout() {
        format!("nothing came in {} s", PATIENCE.as_secs())
    } else {
        error.to_string()
    })
}

fn read<T: for<'de> Deserialize<'de>>(value: Value) -> Result<T, DiscordError> {
    serde_json::from_value(value).map_err(|e| DiscordError::Unknown(e.to_string()))
}

fn oldest_first(page: Value) -> Vec<Value> {
    let mut all = match page {
        Value::Array(all) => all,
        _ => Vec::new(),
    };
    all.reverse();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_come_from_discord_alone() {
        // Fails only if another test of the process installed it first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let api = Api::new("http://127.0.0.1:9/api/v10", "t").expect("a client");
        for (url, trusted) in [
            ("https://cdn.discordapp.com/attachments/1/2/a.png?ex=1", true),
            ("https://media.discordapp.net/a", true),
            ("http://cdn.discordapp.com/a", false),
            ("https://cdn.discordapp.com:444/a", false),
            ("https://cdn.discordapp.com.evil.example/a", false),
            ("https://discord.com/a", false),
            ("http://127.0.0.1:9/attachments/1", true),
            ("http://127.0.0.1:10/attachments/1", false),
            ("file:///etc/passwd", false),
        ] {
            let address = reqwest::Url::parse(url).expect("an address");
            assert_eq!(api.trusts(&address), trusted, "{url}");
        }
    }

    #[test]
    fn waits_are_within_reason() {
        for (told, ms) in [
            (Some(0.5), 500),
            (Some(65.0), 65_000),
            (Some(1e12), 3_600_000),
            (Some(-1.0), 5_000),
            (Some(f64::NAN), 5_000),
            (None, 5_000),
        ] {
            assert_eq!(wait(told).as_millis(), ms, "{told:?}");
        }
    }

    #[test]
    fn a_refusal_says_where_a_form_is_wrong() {
        let body = json!({ "message": "Invalid form body", "errors": { "embeds": { "0": {
            "title": { "_errors": [{ "code": "X", "message": "a person's words" }] } } } } });
        assert_eq!(says(&body), "Invalid form body (embeds.0.title)");
        assert_eq!(says(&json!({})), "no reason");
    }
}
