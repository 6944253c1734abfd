//! What Slack has for assistants: prompts to begin with, a sign while an answer is being worked on,
//! a title for each thread. All are courtesies: without them everything else goes on.

use firstline_core::text;
use serde_json::{Value, json};

use super::Slack;
use super::inbound::Inbound;

/// Characters of a thread's title.
const LONGEST_TITLE: usize = 80;

/// What one can ask to begin with, in words that fit any company.
const PROMPTS: [(&str, &str); 4] = [
    ("Something is not working", "Something is not working: "),
    ("Ask how to do something", "How do I "),
    ("Request access or a change", "Please give me access to "),
    ("My open tickets", "my tickets"),
];

/// The prompts as Slack takes them.
pub(super) fn prompts() -> Value {
    PROMPTS.iter().map(|(title, message)| json!({ "title": title, "message": message })).collect()
}

impl Inbound {
    /// Offers prompts in a new assistant thread, in apps made while Slack gave them such; in others
    /// the manifest does.
    pub(super) async fn greet(&self, channel: &str, thread: &str) {
        let asked = json!({ "channel_id": channel, "thread_ts": thread, "prompts": prompts() });
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

    /// Names a thread by what was asked in it, for the list of a person's threads.
    pub(super) async fn entitle(&self, channel: &str, thread: &str, request: Option<&str>) {
        let Some(request) = request else { return };
        let asked = match self.store.request(request).await {
            Ok(asked) => asked.map(|asked| text::shorten(asked.text.trim(), LONGEST_TITLE)),
            Err(error) => {
                tracing::debug!(%error, "what a thread is about could not be looked up");
                None
            }
        };
        let Some(title) = asked.filter(|title| !title.is_empty()) else { return };
        let named = json!({ "channel_id": channel, "thread_ts": thread, "title": title });
        if let Err(error) = self.api.courtesy("assistant.threads.setTitle", &named).await {
            tracing::debug!(%error, "a thread has no title");
        }
    }
}
