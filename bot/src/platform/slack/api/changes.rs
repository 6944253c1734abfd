//! Calls that change a message of ours: edits, and streams, which grow.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Api, SlackError, metadata};

impl Api {
    /// Shows a message of ours anew, by a `key` if it is another than before.
    pub(in super::super) async fn update(
        &self,
        channel: &str,
        ts: &str,
        text: &str,
        blocks: &Value,
        key: Option<&str>,
    ) -> Result<(), SlackError> {
        let mut message = json!({ "channel": channel, "ts": ts, "text": text, "blocks": blocks });
        if let Some(key) = key {
            message["metadata"] = metadata(key);
        }
        self.courtesy("chat.update", &message).await
    }

    /// Begins a message that grows; its stamp
    /// (<https://docs.slack.dev/reference/methods/chat.startStream>).
    pub(in super::super) async fn start_stream(
        &self,
        channel: &str,
        thread: &str,
        to: Option<(&str, &str)>,
        markdown: &str,
    ) -> Result<String, SlackError> {
        #[derive(Deserialize)]
        struct Reply {
            ts: String,
        }
        let mut asked =
            json!({ "channel": channel, "thread_ts": thread, "markdown_text": markdown });
        if let Some((team, user)) = to {
            asked["recipient_team_id"] = team.into();
            asked["recipient_user_id"] = user.into();
        }
        let reply: Reply = self.post("chat.startStream", &asked).await?;
        Ok(reply.ts)
    }

    /// Lets it grow (<https://docs.slack.dev/reference/methods/chat.appendStream>).
    pub(in super::super) async fn append_stream(
        &self,
        channel: &str,
        ts: &str,
        markdown: &str,
    ) -> Result<(), SlackError> {
        let asked = json!({ "channel": channel, "ts": ts, "markdown_text": markdown });
        self.courtesy("chat.appendStream", &asked).await
    }

    /// Makes it a message like others
    /// (<https://docs.slack.dev/reference/methods/chat.stopStream>).
    pub(in super::super) async fn stop_stream(
        &self,
        channel: &str,
        ts: &str,
    ) -> Result<(), SlackError> {
        self.courtesy("chat.stopStream", &json!({ "channel": channel, "ts": ts })).await
    }
}
