//! The Web API, as far as it is used. Replies are read into types of our own that ask for
//! nothing more than is needed, since Slack adds to its own all the time.

mod changes;

use std::time::Duration;

use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use serde::Deserialize;
use serde_json::{Value, json};
use slack_morphism::errors::SlackClientError;
use slack_morphism::prelude::{
    SlackApiToken, SlackApiTokenValue, SlackClient, SlackClientHyperConnector, ValueStruct as _,
};
use thiserror::Error;

/// A call takes no longer, so that whoever waits for an acknowledgement is not kept.
const PATIENCE: Duration = Duration::from_secs(2);
/// A file may take longer: nobody waits for an acknowledgement of it.
const FETCHING: Duration = Duration::from_secs(20);
/// The kind of metadata a message of ours bears.
const MARK: &str = "firstline_message";
/// Pages of a list that are read, of 200 each.
const MOST_PAGES: usize = 10;
/// Messages of a thread looked through.
const THREAD: u32 = 200;

/// Why Slack did not do what it was asked.
#[derive(Debug, Error)]
pub enum SlackError {
    #[error("Slack asks to wait {} s", .0.as_secs())]
    RateLimited(Duration),
    /// Slack's own word for it.
    #[error("Slack says {0}")]
    Refused(String),
    /// No answer, or none that can be read: whether it was done is unknown.
    #[error("Slack did not answer: {0}")]
    Unknown(String),
}

/// A message of ours that stands in a thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) ts: String,
    /// What [`Api::post_message`] was told; streams cannot be told until they end.
    pub(super) key: Option<String>,
}

/// Who the bot is and what it may do.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Granted {
    pub team: String,
    pub team_id: String,
    pub user: String,
    pub user_id: String,
    /// Scopes of the token, where Slack told.
    #[serde(skip)]
    pub scopes: Option<Vec<String>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct User {
    pub(super) id: String,
    pub(super) team_id: Option<String>,
    pub(super) name: Option<String>,
    pub(super) real_name: Option<String>,
    pub(super) deleted: Option<bool>,
    pub(super) is_bot: Option<bool>,
    pub(super) is_restricted: Option<bool>,
    pub(super) is_ultra_restricted: Option<bool>,
    pub(super) is_stranger: Option<bool>,
    /// `de-DE`
    pub(super) locale: Option<String>,
    /// `Europe/Berlin`
    pub(super) tz: Option<String>,
    pub(super) profile: Profile,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Profile {
    pub(super) email: Option<String>,
    pub(super) real_name: Option<String>,
    pub(super) display_name: Option<String>,
}

pub(super) struct Api {
    client: SlackClient<SlackClientHyperConnector<HttpsConnector<HttpConnector>>>,
    token: SlackApiToken,
    /// For Socket Mode alone.
    app_token: Option<SlackApiToken>,
    /// For the headers, which the typed client does not show.
    http: reqwest::Client,
    url: String,
}

impl Api {
    pub(super) fn new(url: &str, token: &str, app_token: Option<String>) -> anyhow::Result<Api> {
        let connector = HttpsConnectorBuilder::new()
            .with_native_roots()
            .map_err(|e| anyhow::anyhow!("this machine's certificates cannot be read: {e}"))?
            .https_or_http()
            .enable_http1()
            .build();
        let url = url.trim_end_matches('/').to_owned();
        let connector =
            SlackClientHyperConnector::with_connector(connector).with_slack_api_url(&url);
        let token = SlackApiToken::new(SlackApiTokenValue::new(token.to_owned()));
        let http = reqwest::Client::builder().timeout(PATIENCE).build()?;
        let app_token = app_token.map(|token| SlackApiToken::new(SlackApiTokenValue::new(token)));
        Ok(Api { client: SlackClient::new(connector), token, app_token, http, url })
    }

    pub(super) async fn granted(&self) -> Result<Granted, SlackError> {
        let unknown = |e: reqwest::Error| SlackError::Unknown(e.without_url().to_string());
        let reply = self
            .http
            .post(format!("{}/auth.test", self.url))
            .bearer_auth(self.token.token_value.value())
            .send()
            .await
            .map_err(unknown)?;
        let scopes = reply.headers().get("x-oauth-scopes").and_then(|v| v.to_str().ok());
        let scopes = scopes.map(|list| list.split(',').map(|s| s.trim().to_owned()).collect());
        let value: Value = reply.json().await.map_err(unknown)?;
        if value["ok"] != true {
            let word = value["error"].as_str().unwrap_or("no reason");
            return Err(SlackError::Refused(word.to_owned()));
        }
        let granted: Granted =
            serde_json::from_value(value).map_err(|e| SlackError::Unknown(e.to_string()))?;
        Ok(Granted { scopes, ..granted })
    }

    /// An address for one connection of Socket Mode.
    pub(super) async fn open_socket(&self) -> Result<String, SlackError> {
        #[derive(Deserialize)]
        struct Reply {
            url: String,
        }
        let token = self.app_token.as_ref();
        let token = token.ok_or_else(|| SlackError::Refused("no app token".to_owned()))?;
        let session = self.client.open_session(token);
        let nothing = json!({});
        let call = session.http_session_api.http_post("apps.connections.open", &nothing, None);
        let reply: Reply = in_time(call).await?;
        Ok(reply.url)
    }

    pub(super) async fn user(&self, id: &str) -> Result<User, SlackError> {
        #[derive(Deserialize)]
        struct Reply {
            user: User,
        }
        let reply: Reply =
            self.get("users.info", &[("user", id), ("include_locale", "true")]).await?;
        Ok(reply.user)
    }

    /// The direct messages between a person and the bot.
    pub(super) async fn direct_channel(&self, user: &str) -> Result<String, SlackError> {
        #[derive(Deserialize)]
        struct Channel {
            id: String,
        }
        #[derive(Deserialize)]
        struct Reply {
            channel: Channel,
        }
        let reply: Reply = self.post("conversations.open", &json!({ "users": user })).await?;
        Ok(reply.channel.id)
    }

    /// Posts one message; its stamp. `key` tells it from all others, for [`Api::posted`].
    pub(super) async fn post_message(
        &self,
        channel: &str,
        thread: Option<&str>,
        text: &str,
        blocks: Option<&Value>,
        key: &str,
    ) -> Result<String, SlackError> {
        #[derive(Deserialize)]
        struct Reply {
            ts: String,
        }
        let mut message = json!({
            "channel": channel,
            "text": text,
            "unfurl_links": false,
            "unfurl_media": false,
            "metadata": metadata(key),
        });
        if let Some(thread) = thread {
            message["thread_ts"] = thread.into();
        }
        if let Some(blocks) = blocks {
            message["blocks"] = blocks.clone();
        }
        let reply: Reply = self.post("chat.postMessage", &message).await?;
        Ok(reply.ts)
    }

    /// Says something only one person in a channel sees.
    pub(super) async fn whisper(
        &self,
        channel: &str,
        thread: Option<&str>,
        user: &str,
        text: &str,
    ) -> Result<(), SlackError> {
        let mut message = json!({ "channel": channel, "user": user, "text": text });
        if let Some(thread) = thread {
            message["thread_ts"] = thread.into();
        }
        let _: Value = self.post("chat.postEphemeral", &message).await?;
        Ok(())
    }

    /// The messages of a thread that are ours, by their key or because `me` wrote them.
    pub(super) async fn posted(
        &self,
        channel: &str,
        thread: &str,
        me: Option<&str>,
    ) -> Result<Vec<Standing>, SlackError> {
        let messages = self.thread(channel, thread).await?;
        let ours = messages.iter().filter_map(|message| {
            let metadata = &message["metadata"];
            let marked = metadata["event_type"] == MARK;
            let key = metadata["event_payload"]["key"].as_str().filter(|_| marked);
            let ours = key.is_some() || me.is_some_and(|me| message["user"] == me);
            let ts = message["ts"].as_str().filter(|_| ours)?.to_owned();
            Some(Standing { ts, key: key.map(str::to_owned) })
        });
        Ok(ours.collect())
    }

    /// The messages of a thread, oldest first, with their metadata.
    pub(super) async fn thread(
        &self,
        channel: &str,
        thread: &str,
    ) -> Result<Vec<Value>, SlackError> {
        #[derive(Deserialize)]
        struct Reply {
            #[serde(default)]
            messages: Vec<Value>,
        }
        let limit = THREAD.to_string();
        let asked = [
            ("channel", channel),
            ("ts", thread),
            ("limit", &limit),
            ("include_all_metadata", "true"),
        ];
        let reply: Reply = self.get("conversations.replies", &asked).await?;
        Ok(reply.messages)
    }

    /// Conversations the bot is in, each with what kind it is.
    pub(super) async fn conversations(&self) -> Result<Vec<(String, &'static str)>, SlackError> {
        let all = self.pages(
            "users.conversations",
            "channels",
            &[("types", "public_channel,private_channel,mpim,im"), ("exclude_archived", "true")],
        );
        let kind = |channel: &Value| match (&channel["is_im"], &channel["is_mpim"]) {
            (Value::Bool(true), _) => "im",
            (_, Value::Bool(true)) => "mpim",
            _ => "channel",
        };
        let named = all.await?.into_iter();
        Ok(named.filter_map(|c| Some((c["id"].as_str()?.to_owned(), kind(&c)))).collect())
    }

    /// What was said in a channel after `oldest`, the newest first.
    pub(super) async fn history(
        &self,
        channel: &str,
        oldest: &str,
    ) -> Result<Vec<Value>, SlackError> {
        let asked = [("channel", channel), ("oldest", oldest)];
        self.pages("conversations.history", "messages", &asked).await
    }

    async fn pages(
        &self,
        method: &str,
        of: &str,
        asked: &[(&str, &str)],
    ) -> Result<Vec<Value>, SlackError> {
        let mut all = Vec::new();
        let mut cursor = String::new();
        for _ in 0..MOST_PAGES {
            let mut asked = asked.to_vec();
            asked.push(("limit", "200"));
            if !cursor.is_empty() {
                asked.push(("cursor", &cursor));
            }
            let mut reply: Value = self.get(method, &asked).await?;
            all.extend(reply[of].as_array_mut().map(std::mem::take).unwrap_or_default());
            let next = reply["response_metadata"]["next_cursor"].as_str().unwrap_or_default();
            if next.is_empty() {
                break;
            }
            cursor = next.to_owned();
        }
        Ok(all)
    }

    /// One message, wherever it stands in a channel; `None` when it is gone or not shown to us.
    pub(super) async fn message(
        &self,
        channel: &str,
        ts: &str,
    ) -> Result<Option<Value>, SlackError> {
        match self.thread(channel, ts).await {
            Ok(thread) => Ok(thread.into_iter().find(|message| message["ts"] == ts)),
            Err(SlackError::Refused(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Shows a form anew that is still open, unless it changed since.
    pub(super) async fn update_view(
        &self,
        id: &str,
        hash: Option<&str>,
        view: &Value,
    ) -> Result<(), SlackError> {
        let mut asked = json!({ "view_id": id, "view": view });
        if let Some(hash) = hash {
            asked["hash"] = hash.into();
        }
        let _: Value = self.post("views.update", &asked).await?;
        Ok(())
    }

    /// Shows somebody their Home tab.
    pub(super) async fn publish_view(&self, user: &str, view: &Value) -> Result<(), SlackError> {
        let asked = json!({ "user_id": user, "view": view });
        let _: Value = self.post("views.publish", &asked).await?;
        Ok(())
    }

    /// A call nothing depends on.
    pub(super) async fn courtesy(&self, method: &str, asked: &Value) -> Result<(), SlackError> {
        let _: Value = self.post(method, asked).await?;
        Ok(())
    }

    /// A file that was sent along. The token goes to Slack's own hosts only.
    pub(super) async fn file(&self, url: &str, limit: usize) -> Result<Vec<u8>, SlackError> {
        let refused = |word: &str| SlackError::Refused(word.to_owned());
        let address = reqwest::Url::parse(url).map_err(|_| refused("invalid_url"))?;
        if !self.trusts(&address) {
            return Err(refused("foreign_file"));
        }
        let unknown = |e: reqwest::Error| SlackError::Unknown(e.without_url().to_string());
        let request = self.http.get(address).timeout(FETCHING);
        let token = self.token.token_value.value();
        let mut reply = request.bearer_auth(token).send().await.map_err(unknown)?;
        match reply.status().as_u16() {
            200 => {}
            429 => return Err(SlackError::RateLimited(WAIT)),
            status @ 500.. => return Err(SlackError::Unknown(format!("status {status}"))),
            status => return Err(refused(&format!("status_{status}"))),
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = reply.chunk().await.map_err(unknown)? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > limit {
                return Err(refused("file_too_large"));
            }
        }
        Ok(bytes)
    }

    /// Slack's hosts for files, and the one the configuration names for calls.
    fn trusts(&self, address: &reqwest::Url) -> bool {
        let Some(host) = address.host_str() else { return false };
        let slacks = address.scheme() == "https"
            && ["slack.com", "slack-files.com", "slack-edge.com"]
                .iter()
                .any(|of| host == *of || host.ends_with(&format!(".{of}")));
        let configured = reqwest::Url::parse(&self.url).ok();
        slacks || configured.is_some_and(|url| url.origin() == address.origin())
    }

    /// Shows a form to whoever pressed; the trigger lives three seconds.
    pub(super) async fn open_view(&self, trigger: &str, view: &Value) -> Result<(), SlackError> {
        let asked = json!({ "trigger_id": trigger, "view": view });
        let _: Value = self.post("views.open", &asked).await?;
        Ok(())
    }

    async fn get<T: for<'de> Deserialize<'de> + Send>(
        &self,
        method: &str,
        asked: &[(&str, &str)],
    ) -> Result<T, SlackError> {
        let asked: Vec<(&str, Option<&str>)> = asked.iter().map(|(n, v)| (*n, Some(*v))).collect();
        let session = self.client.open_session(&self.token);
        in_time(session.http_session_api.http_get(method, &asked, None)).await
    }

    async fn post<T: for<'de> Deserialize<'de> + Send>(
        &self,
        method: &str,
        asked: &Value,
    ) -> Result<T, SlackError> {
        let session = self.client.open_session(&self.token);
        in_time(session.http_session_api.http_post(method, asked, None)).await
    }
}

fn metadata(key: &str) -> Value {
    json!({ "event_type": MARK, "event_payload": { "key": key } })
}

/// What Slack asks for when it says to wait without saying how long.
const WAIT: Duration = Duration::from_secs(30);

async fn in_time<T>(
    call: impl Future<Output = Result<T, SlackClientError>>,
) -> Result<T, SlackError> {
    let Ok(outcome) = tokio::time::timeout(PATIENCE, call).await else {
        return Err(SlackError::Unknown(format!("nothing came in {} s", PATIENCE.as_secs())));
    };
    // The bodies of failures are left out: they may hold what people wrote.
    outcome.map_err(|error| match error {
        SlackClientError::RateLimitError(e) => {
            SlackError::RateLimited(e.retry_after.unwrap_or(WAIT))
        }
        SlackClientError::ApiError(e) => SlackError::Refused(e.code),
        SlackClientError::HttpError(e) => SlackError::Unknown(format!("status {}", e.status_code)),
        SlackClientError::ProtocolError(e) => SlackError::Unknown(e.json_error.to_string()),
        _ => SlackError::Unknown("the connection failed".to_owned()),
    })
}
