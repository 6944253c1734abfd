//! The closed list of durable jobs and their wire form. Payloads carry a version in
//! their tag: a job written by an older binary is still understood by a newer one.

use firstline_core::chat::{ChatEvent, Platform};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::store::new_id;
use crate::store::records::NewJob;

/// Tries before a job becomes a dead letter: with the backoff of `core::retry` about
/// half an hour.
const MAX_ATTEMPTS: i64 = 8;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "job")]
pub enum Job {
    /// Read what a platform sent, which is accepted as it came.
    #[serde(rename = "heard.1")]
    Heard {
        platform: Platform,
        /// Workspace and thread it concerns: within these, order is kept.
        tenant: String,
        place: String,
        payload: Box<Value>,
    },
    /// React to an accepted event.
    #[serde(rename = "event.1")]
    Event { conversation_id: String, request_id: String, event: Box<ChatEvent> },
    /// Tell a platform a message of ours.
    #[serde(rename = "deliver.1")]
    Deliver { conversation_id: String, message_id: String },
}

impl Job {
    pub fn kind(&self) -> &'static str {
        match self {
            Job::Heard { .. } => "heard",
            Job::Event { .. } => "event",
            Job::Deliver { .. } => "deliver",
        }
    }

    /// What a person waits for comes first; replies before new work.
    fn priority(&self) -> i64 {
        match self {
            Job::Deliver { .. } => 10,
            Job::Event { .. } => 20,
            // What has begun is finished before more is begun.
            Job::Heard { .. } => 25,
        }
    }

    fn lane(&self) -> String {
        match self {
            Job::Heard { platform, tenant, place, .. } => {
                format!("in:{}:{tenant}:{place}", platform.as_str())
            }
            Job::Event { event, .. } => event.conversation.lane(),
            // Deliveries keep their own order and never wait for the next request.
            Job::Deliver { conversation_id, .. } => format!("out:{conversation_id}"),
        }
    }

    fn dedupe(&self) -> Option<String> {
        match self {
            // The inbox row is what makes an event unique. That one is kept twice when it is sent
            // again at once is cheaper than a key of its own for each.
            Job::Heard { .. } | Job::Event { .. } => None,
            Job::Deliver { message_id, .. } => Some(format!("deliver:{message_id}")),
        }
    }

    /// The row to enqueue, due at `now` (epoch ms).
    pub fn enqueue(&self, now: i64) -> anyhow::Result<NewJob> {
        Ok(NewJob {
            id: new_id(),
            kind: self.kind(),
            lane: self.lane(),
            payload: serde_json::to_string(self)?,
            priority: self.priority(),
            run_at: now,
            dedupe: self.dedupe(),
            max_attempts: MAX_ATTEMPTS,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_written_by_an_older_binary_is_understood() {
        let old = r#"{"job":"deliver.1","conversation_id":"c","message_id":"m"}"#;
        let job: Job = serde_json::from_str(old).expect("the version-1 form stays readable");
        assert_eq!(job, Job::Deliver { conversation_id: "c".into(), message_id: "m".into() });
    }
}
