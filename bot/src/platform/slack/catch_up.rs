//! What was said while nobody listened: read from Slack's history and taken up as if it had just
//! come. What came in time is recognised by its name and not taken up twice.

use firstline_core::chat::Platform;
use serde_json::{Value, json};

use super::api::SlackError;
use super::envelope::{self, Envelope, text};
use super::inbound::Inbound;
use crate::platform::missed;
use crate::platform::people::is_wish;
use crate::store::records::ConversationRow;

/// Slack itself repeats an event for six minutes, so that much may have come late.
const OVERLAP_MS: i64 = 10 * 60_000;
/// Threads the bot was in lately are looked through for a week.
const THREADS_MS: i64 = 7 * 24 * 60 * 60_000;
const MOST_THREADS: i64 = 500;
/// Tries to take up one message, and the pause between two.
const TRIES: usize = 5;
const PAUSE_MS: i64 = 1_000;

impl Inbound {
    /// Catches up, once; from then on notes that everything until now was heard.
    pub(super) async fn keep_up(&self, caught_up: &mut bool) {
        missed::keep_up(&self.app, Platform::Slack, caught_up, self.catch_up()).await;
    }

    /// Takes up what was said since the service last listened; how many messages were looked at.
    async fn catch_up(&self) -> anyhow::Result<usize> {
        let since = missed::since(&self.app, Platform::Slack, OVERLAP_MS).await?;
        let Some(since) = since else { return Ok(0) };
        let now = self.app.clock.now();
        let me = self.slack.me().await?;
        // An event as Slack would have sent it.
        let event = |mut message: Value, channel: &str, kind: &str| {
            message["channel"] = channel.into();
            message["channel_type"] = kind.into();
            json!({
                "type": "event_callback",
                "team_id": me.team_id,
                "event": message,
                "authorizations": [{ "user_id": me.user_id, "is_bot": true }],
            })
        };
        let oldest = format!("{}.000000", since / 1000);
        let mut seen = 0;
        for (channel, kind) in self.patiently(|| self.slack.api.conversations()).await? {
            let messages = self.patiently(|| self.slack.api.history(&channel, &oldest)).await?;
            for message in messages.into_iter().rev().filter(|m| !others_replied(m)) {
                seen += 1;
                self.late(&event(message, &channel, kind)).await;
            }
        }
        let threads = self
            .app
            .store
            .conversations_since(Platform::Slack, now - THREADS_MS, MOST_THREADS)
            .await?;
        for ConversationRow { channel, thread, .. } in threads {
            let kind = if channel.starts_with('D') { "im" } else { "channel" };
            let messages = self.patiently(|| self.slack.api.thread(&channel, &thread)).await;
            let messages = messages.unwrap_or_default();
            let missed = |m: &Value| text(m, "ts").is_some_and(|ts| *ts > *oldest);
            for message in messages.into_iter().filter(missed) {
                seen += 1;
                self.late(&event(message, &channel, kind)).await;
            }
        }
        Ok(seen)
    }

    async fn late(&self, event: &Value) {
        let Envelope::Said(said) = envelope::read(event) else { return };
        if said.direct && is_wish(&said.text) {
            return;
        }
        for _ in 0..TRIES {
            match self.said(&said).await {
                Ok(()) => return,
                Err(error) => {
                    tracing::warn!(error = format!("{error:#}"), "missed, and not taken up yet");
                    let clock = &self.app.clock;
                    clock.sleep_until(clock.now() + PAUSE_MS).await;
                }
            }
        }
    }

    /// A call made again when Slack says when.
    async fn patiently<T, F: Future<Output = Result<T, SlackError>>>(
        &self,
        call: impl Fn() -> F,
    ) -> Result<T, SlackError> {
        let asked_to_wait = |error: &SlackError| match error {
            SlackError::RateLimited(wait) => Some(*wait),
            _ => None,
        };
        missed::patiently(&*self.app.clock, asked_to_wait, call).await
    }
}

/// Whether people have seen to it already; so has nobody to what is no message.
fn others_replied(message: &Value) -> bool {
    if !message.is_object() {
        return true;
    }
    let repliers = message["reply_users"].as_array().into_iter().flatten();
    repliers.into_iter().any(|user| *user != message["user"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_have_answered_is_left_to_them() {
        for (message, answered) in [
            (json!({ "user": "U1" }), false),
            (json!({ "user": "U1", "reply_users": ["U1"] }), false),
            (json!({ "user": "U1", "reply_users": ["U1", "U2"] }), true),
            (json!({ "user": "U1", "reply_users": null }), false),
        ] {
            assert_eq!(others_replied(&message), answered, "{message}");
        }
    }
}
