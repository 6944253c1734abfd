//! What Slack sends to the service, signed as Slack signs it.

use axum::http::header;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Map, Value, json};

use super::world::text_of;
use super::{APP, FORM, FakeSlack};

impl FakeSlack {
    /// Sends an event; panics where nobody listens, as all sending here does.
    pub async fn send_event(&self, service: &str, payload: &Value) -> reqwest::Response {
        self.send(&format!("{service}/slack/events"), "application/json", payload.to_string()).await
    }

    /// The status the service answered with; `None` when it died before.
    pub async fn try_event(&self, service: &str, payload: &Value) -> Option<u16> {
        let body = payload.to_string();
        let request = self.request(&format!("{service}/slack/events"), "application/json", body);
        Some(request.send().await.ok()?.status().as_u16())
    }

    pub async fn send_interaction(&self, service: &str, payload: &Value) -> reqwest::Response {
        let body = form(&json!({"payload": payload.to_string()}));
        self.send(&format!("{service}/slack/interactions"), FORM, body).await
    }

    pub async fn send_command(
        &self,
        service: &str,
        user: &str,
        channel: &str,
        command: &str,
        text: &str,
    ) -> reqwest::Response {
        let body = {
            let mut slack = self.lock();
            form(&json!({
                "token": "verification", "team_id": Self::TEAM, "channel_id": channel,
                "user_id": user, "user_name": slack.user(user).name, "command": command,
                "text": text, "api_app_id": APP, "trigger_id": slack.trigger(),
                "response_url": format!("{}/actions/{}", self.url, slack.next()),
            }))
        };
        self.send(&format!("{service}/slack/commands"), FORM, body).await
    }

    async fn send(&self, url: &str, kind: &str, body: String) -> reqwest::Response {
        self.request(url, kind, body).send().await.unwrap()
    }

    /// A signed request, ready to be sent.
    fn request(&self, url: &str, kind: &str, body: String) -> reqwest::RequestBuilder {
        let mut request = self.http.post(url).header(header::CONTENT_TYPE, kind);
        for (name, value) in signed(Self::SIGNING_SECRET, now(), &body) {
            request = request.header(name, value);
        }
        request.body(body)
    }
}

/// The body of a form with these fields, all of them strings.
pub fn form(fields: &Value) -> String {
    let escape = |text: &str| -> String { text.bytes().map(|b| format!("%{b:02X}")).collect() };
    let names = fields.as_object().into_iter().flat_map(Map::keys);
    let fields = names.map(|name| format!("{name}={}", escape(text_of(fields, name))));
    fields.collect::<Vec<_>>().join("&")
}

/// The signature of a request sent at this second.
pub fn sign(secret: &str, timestamp: u64, body: &str) -> String {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("v0:{timestamp}:{body}").as_bytes());
    format!("v0={}", hex::encode(mac.finalize().into_bytes()))
}

/// The headers Slack puts on a request; with another secret or time, what it would not.
pub fn signed(secret: &str, at: u64, body: &str) -> [(&'static str, String); 2] {
    [("x-slack-request-timestamp", at.to_string()), ("x-slack-signature", sign(secret, at, body))]
}

/// Seconds since 1970. Real time, since the service judges by it how old a request is.
#[expect(clippy::disallowed_methods, reason = "Slack has a clock of its own")]
pub fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.unwrap().as_secs()
}
