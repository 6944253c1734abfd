//! Trying the model out, for `doctor`.

use serde::Serialize;
use serde_json::{Value, json};

use super::{Format, OpenAiModel, lock};
use crate::ports::{Ask, Model, ModelError};

/// A word a model would hardly reply with unless the schema made it.
const WORD: &str = "teal-7";

/// What a trial call found; a server that cannot be reached or refuses the key is an
/// error instead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Probe {
    /// The strictest way of asking for structured output that the server takes.
    pub format: Format,
    /// Whether the reply kept to the schema. If not, replies are still checked, and more
    /// of them will be refused.
    pub honoured: bool,
    pub took_ms: i64,
    pub tokens: i64,
}

impl OpenAiModel {
    /// One small call: is the server there, is the key accepted, does it keep to a schema?
    pub async fn probe(&self) -> Result<Probe, ModelError> {
        let ask = Ask {
            system: "Reply with one JSON object.".into(),
            user: "Name a colour under the key \"colour\".".into(),
            schema_name: "colour".into(),
            schema: json!({
                "type": "object",
                "properties": {"colour": {"type": "string", "enum": [WORD]}},
                "required": ["colour"],
                "additionalProperties": false,
            }),
            max_tokens: 200,
        };
        let started = self.clock.now();
        let reply = self.complete(&ask, None).await?;
        let read: Option<Value> = serde_json::from_str(reply.text.trim()).ok();
        Ok(Probe {
            format: lock(&self.dialect).format,
            honoured: read.is_some_and(|value| value["colour"] == WORD),
            took_ms: self.clock.now() - started,
            tokens: reply.tokens_in + reply.tokens_out,
        })
    }
}
