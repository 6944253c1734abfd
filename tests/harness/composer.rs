//! A model that composes an answer sentence by sentence, as far as a test lets it.

use std::sync::Arc;

use async_trait::async_trait;
use firstline::ports::{Ask, Completion, Model, ModelError};
use serde_json::{Value, json};
use tokio::sync::{Mutex, mpsc};

/// Every request is a question about Keystone to it.
pub struct Composer {
    to: mpsc::UnboundedSender<String>,
    pieces: Mutex<mpsc::UnboundedReceiver<String>>,
}

impl Composer {
    pub fn new() -> Arc<Composer> {
        let (to, pieces) = mpsc::unbounded_channel();
        Arc::new(Composer { to, pieces: Mutex::new(pieces) })
    }

    /// The answer begins with this sentence, which rests on the first passage.
    pub fn begins(&self, text: &str) {
        self.piece(format!("{{\"statements\":[{}", statement(text)));
    }

    /// The answer goes on with this one.
    pub fn says(&self, text: &str) {
        self.piece(format!(",{}", statement(text)));
    }

    pub fn ends(&self) {
        self.piece("],\"abstain\":null}".to_owned());
    }

    fn piece(&self, piece: String) {
        self.to.send(piece).unwrap();
    }
}

fn statement(text: &str) -> Value {
    json!({"text": text, "cites": [1]})
}

#[async_trait]
impl Model for Composer {
    fn name(&self) -> &str {
        "composer"
    }

    async fn complete(
        &self,
        _: &Ask,
        to: Option<mpsc::Sender<String>>,
    ) -> Result<Completion, ModelError> {
        let mut text = String::new();
        match to {
            Some(to) => {
                let mut pieces = self.pieces.lock().await;
                while !text.ends_with("null}") {
                    let piece = pieces.recv().await.unwrap();
                    text.push_str(&piece);
                    to.send(piece).await.unwrap();
                }
            }
            None => {
                let reading = json!({"kind": "question", "confidence": 0.95, "system": "Keystone",
                    "impact": "one", "urgency": "normal", "sentiment": "neutral",
                    "language": "en", "summary": "How to post a vendor invoice"});
                text = reading.to_string();
            }
        }
        Ok(Completion { text, tokens_in: 1, tokens_out: 1 })
    }
}
