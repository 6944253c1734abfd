//! The assistant beside what people do in Slack: prompts to begin with, and a sign while an
//! answer is being worked on. Both are courtesies: without them everything else goes on.

use serde_json::json;

use super::Slack;
use super::inbound::Inbound;

/// What one can ask to begin with, in words that fit any company.
const PROMPTS: [(&str, &str); 4] = [
    ("Something is not working", "Something is not working: "),
    ("Ask how to do something", "How do I "),
    ("Request access or a change", "Please give me access to "),
    ("My open tickets", "my tickets"),
];

impl Inbound {
    /// Offers prompts in a new assistant thread.
    pub(super) async fn greet(&self, channel: &str, thread: &str) {
        let prompts: Vec<_> = PROMPTS
            .iter()
            .map(|(title, message)| json!({ "title": title, "message": message }))
            .collect();
        let asked = json!({ "channel_id": channel, "thread_ts": thread, "prompts": prompts });
        if let Err(error) =
            self.slack.api.courtesy("assistant.threads.setSuggestedPrompts", &asked).await
        {
            tracing::debug!(%error, "prompts could not be offered");
        }
    }
}

impl Slack {
    /// Shows that an answer is coming; Slack takes it away with the next message.
    pub(super) async fn sign(&self, channel: &str, thread: &str) {
        let status = "is looking that up…";
        let asked = json!({ "channel_id": channel, "thread_ts": thread, "status": status });
        if let Err(error) = self.api.courtesy("assistant.threads.setStatus", &asked).await {
            tracing::debug!(%error, "no sign that an answer is coming");
        }
    }
}
