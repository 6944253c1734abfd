//! How Discord's REST API is called: with the bot's token, no faster than Discord allows, and
//! telling apart what failed from what nobody knows of.

use std::sync::Arc;
use std::time::Duration;

use firstline_core::chat::Platform;
use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode};
use serde_json::Value;

use super::api::DiscordError;
use super::buckets::{Buckets, EVERYWHERE, Room, Route, Told};
use crate::platform::offer::in_ms;
use crate::platform::pace;
use crate::ports::{Clock, Store};

/// A call takes no longer: nobody who waits for an answer to a press is kept.
const PATIENCE: Duration = Duration::from_secs(5);
/// A file may take longer.
const FETCHING: Duration = Duration::from_secs(20);
/// Waited when Discord says to wait without saying how long.
const WAIT: Duration = Duration::from_secs(5);

pub(super) struct Caller {
    http: reqwest::Client,
    token: String,
    /// Without a slash at the end.
    url: String,
    buckets: Buckets,
    store: Store,
    clock: Arc<dyn Clock>,
}

/// Waited for room at most, where nobody would come again.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// What becomes of a call for which there is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Urgency {
    /// It is refused, and comes again.
    Urgent,
    /// The same, while the last room is left to others.
    Bulk,
    /// It waits here, within reason: it would not come again.
    Waits,
}

impl Caller {
    pub(super) fn new(
        url: &str,
        token: &str,
        store: Store,
        clock: Arc<dyn Clock>,
    ) -> anyhow::Result<Caller> {
        // A redirection would carry the token to whoever it names.
        let http = reqwest::Client::builder()
            .timeout(PATIENCE)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("DiscordBot (firstline, ", env!("CARGO_PKG_VERSION"), ")"))
            .build()?;
        let token = format!("Bot {}", token.trim_start_matches("Bot ").trim());
        let (url, buckets) = (url.trim_end_matches('/').to_owned(), Buckets::new());
        Ok(Caller { http, token, url, buckets, store, clock })
    }

    /// Discord wants a route left alone until then, or all of them.
    pub(super) fn pause(&self, place: &str, until: i64) {
        self.buckets.pause(place, until);
    }

    /// A file that was sent along, from Discord's hosts alone. No token goes with the call: the
    /// address itself is signed.
    pub(super) async fn file(&self, url: &str, limit: usize) -> Result<Vec<u8>, DiscordError> {
        let address = reqwest::Url::parse(url).map_err(|_| refused("an address that is none"))?;
        if !trusts(&self.url, &address) {
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

    pub(super) async fn get(
        &self,
        path: &str,
        asked: &[(&str, &str)],
    ) -> Result<Value, DiscordError> {
        let query: Vec<String> =
            asked.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
        let call = self.http.get(format!("{}{path}{query}", self.url));
        // What was missed is read call after call, each as soon as there is room.
        self.paced(Route::of("GET", path), Urgency::Waits, call).await
    }

    pub(super) async fn send(
        &self,
        how: Method,
        path: &str,
        body: &Value,
        urgency: Urgency,
    ) -> Result<Value, DiscordError> {
        let route = Route::of(how.as_str(), path);
        let call = self.http.request(how, format!("{}{path}", self.url)).json(body);
        self.paced(route, urgency, call).await
    }

    /// Takes room for a call.
    async fn room<'a>(
        &'a self,
        route: &'a Route,
        urgency: Urgency,
    ) -> Result<Room<'a>, DiscordError> {
        let began = self.clock.now();
        loop {
            let now = self.clock.now();
            let ms = match self.buckets.take(route, urgency == Urgency::Bulk, now) {
                Ok(room) => return Ok(room),
                Err(ms) => ms,
            };
            if urgency != Urgency::Waits || now + ms - began > in_ms(LONGEST_WAIT) {
                let wait = Duration::from_millis(u64::try_from(ms).unwrap_or_default());
                return Err(DiscordError::RateLimited(wait));
            }
            self.clock.sleep_until(now + ms).await;
        }
    }

    async fn paced(
        &self,
        route: Option<Route>,
        urgency: Urgency,
        call: reqwest::RequestBuilder,
    ) -> Result<Value, DiscordError> {
        let mut room = None;
        if let Some(route) = &route {
            room = Some(self.room(route, urgency).await?);
        }
        let call = call.header(reqwest::header::AUTHORIZATION, &self.token);
        let reply = call.send().await.map_err(unknown)?;
        let (status, headers) = (reply.status(), reply.headers().clone());
        if let (Some(route), Some(told)) = (&route, Told::read(&headers)) {
            self.buckets.learn(route, told, self.clock.now());
        }
        drop(room);
        let body = reply.bytes().await.map_err(unknown)?;
        if status == StatusCode::NO_CONTENT {
            return Ok(Value::Null);
        }
        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        if status == StatusCode::TOO_MANY_REQUESTS {
            let wait = wait(body["retry_after"].as_f64().or_else(|| told_wait(&headers)));
            if let Some(route) = route {
                let all = body["global"] == true || headers.contains_key("x-ratelimit-global");
                let place = if all { EVERYWHERE.to_owned() } else { route.name() };
                let now = self.clock.now();
                self.pause(&place, now + in_ms(wait));
                pace::spread(&self.store, Platform::Discord, &place, now + in_ms(wait), now).await;
            }
            return Err(DiscordError::RateLimited(wait));
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

/// Discord's hosts for files, and the one the configuration names for calls.
fn trusts(url: &str, address: &reqwest::Url) -> bool {
    let host = address.host_str().unwrap_or_default();
    let discords = ["cdn.discordapp.com", "media.discordapp.net"].contains(&host);
    let configured = reqwest::Url::parse(url).ok();
    (discords && address.scheme() == "https" && address.port().is_none())
        || configured.is_some_and(|url| url.origin() == address.origin())
}

/// Seconds to wait, where only the headers tell.
fn told_wait(headers: &HeaderMap) -> Option<f64> {
    let read = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse().ok();
    read("x-ratelimit-reset-after").or_else(|| read("retry-after"))
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn files_come_from_discord_alone() {
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
            assert_eq!(trusts("http://127.0.0.1:9/api/v10", &address), trusted, "{url}");
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
