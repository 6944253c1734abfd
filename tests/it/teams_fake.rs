//! Whether the stand-in for Teams does what Microsoft documents: a test against a fake proves
//! no more than the fake refuses.

mod activities;
mod connector;
mod graph;
mod limits;
mod tokens;

use acceptance::teams::{FakeTeams, User};
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};

const CHANNEL: &str = "19:help@thread.tacv2";

/// A bot that does no more than it is told, by hand.
struct Bot {
    fake: FakeTeams,
    http: Client,
    token: String,
}

impl Bot {
    /// One who holds a token, where Ana has a personal chat and there is a channel.
    async fn new() -> Bot {
        let fake = FakeTeams::start().await;
        fake.add_user(User::new("Ana Lima"));
        fake.personal("29:ana");
        fake.add_conversation(CHANNEL, &["29:ana", "29:ben"]);
        let mut bot = Bot { fake, http: Client::new(), token: String::new() };
        bot.token = bot.fresh_token().await;
        bot
    }

    async fn fresh_token(&self) -> String {
        let (status, answer) = self.ask_for_token(&[]).await;
        assert_eq!((status, &answer["token_type"]), (200, &json!("Bearer")));
        answer["access_token"].as_str().unwrap().to_owned()
    }

    /// Asks as a bot of this tenant does, but for the fields given here.
    async fn ask_for_token(&self, instead: &[(&str, &str)]) -> (u16, Value) {
        let mut fields = vec![
            ("grant_type", "client_credentials"),
            ("client_id", FakeTeams::APP_ID),
            ("client_secret", FakeTeams::APP_PASSWORD),
            ("scope", "https://api.botframework.com/.default"),
        ];
        fields.retain(|(name, _)| instead.iter().all(|(other, _)| other != name));
        fields.extend(instead);
        let fields = fields.iter().map(|(name, value)| format!("{name}={}", escape(value)));
        let request = self
            .http
            .post(self.fake.token_url())
            .header("content-type", "application/x-www-form-urlencoded")
            .body(fields.collect::<Vec<_>>().join("&"));
        read(request.send().await.unwrap()).await
    }

    /// A call of the Connector; the segments of its path as they are.
    async fn call(&self, method: Method, path: &[&str], body: Value) -> (u16, Value) {
        read(self.try_call(method, path, body).await.unwrap()).await
    }

    async fn try_call(
        &self,
        method: Method,
        path: &[&str],
        body: Value,
    ) -> reqwest::Result<Response> {
        let path = path.iter().map(|part| escape(part)).collect::<Vec<_>>().join("/");
        let url = format!("{}v3/{path}", self.fake.service_url());
        let request = self.http.request(method, url).bearer_auth(&self.token);
        let request = if body.is_null() { request } else { request.json(&body) };
        request.send().await
    }

    async fn posts(&self, conversation: &str, activity: Value) -> (u16, Value) {
        self.call(Method::POST, &["conversations", conversation, "activities"], activity).await
    }

    /// The id of a message it posts.
    async fn says(&self, conversation: &str, text: &str) -> String {
        let (status, answer) = self.posts(conversation, message(text)).await;
        assert_eq!(status, 201, "{answer}");
        answer["id"].as_str().unwrap().to_owned()
    }
}

fn message(text: &str) -> Value {
    json!({"type": "message", "text": text})
}

/// A message that is a card.
fn with_card(card: &Value) -> Value {
    let kind = "application/vnd.microsoft.card.adaptive";
    json!({"type": "message", "attachments": [{"contentType": kind, "content": card}]})
}

/// What a refusal says is wrong.
fn code(answer: &Value) -> &str {
    answer["error"]["code"].as_str().unwrap_or_default()
}

async fn read(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let body = response.bytes().await.unwrap();
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

/// For a path or a form.
fn escape(text: &str) -> String {
    let escaped = |b: u8| match b {
        b if b.is_ascii_alphanumeric() => char::from(b).to_string(),
        b => format!("%{b:02X}"),
    };
    text.bytes().map(escaped).collect()
}
