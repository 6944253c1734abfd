//! The model's daily budget, counted in the store so that every process shares it and a
//! restart forgets nothing.

use std::sync::Arc;

use async_trait::async_trait;

use crate::adapters::model::{Budget, Spent};
use crate::ports::{Clock, Store};
use crate::telemetry::metric;

pub struct StoreBudget {
    pub store: Store,
    pub clock: Arc<dyn Clock>,
    /// The model's name.
    pub name: String,
    /// Tokens a UTC day, in and out together; `None` is no limit.
    pub daily_tokens: Option<u64>,
}

impl StoreBudget {
    fn today(&self) -> String {
        jiff::Timestamp::from_millisecond(self.clock.now())
            .map(|now| now.strftime("%Y-%m-%d").to_string())
            .unwrap_or_default()
    }
}

#[async_trait]
impl Budget for StoreBudget {
    async fn allowed(&self) -> bool {
        let Some(limit) = self.daily_tokens else { return true };
        match self.store.usage(&self.today(), &self.name).await {
            Ok(used) => used.tokens_in.saturating_add(used.tokens_out) < limit as i64,
            Err(error) => {
                // A limit that cannot be read must hold.
                tracing::warn!(%error, "the model's budget cannot be read; the model is not asked");
                false
            }
        }
    }

    async fn spent(&self, spent: Spent) {
        let outcome = if spent.failures == 0 { "ok" } else { "failed" };
        metrics::counter!(metric::MODEL_CALLS, "outcome" => outcome)
            .increment(spent.calls.unsigned_abs());
        for (direction, tokens) in [("in", spent.tokens_in), ("out", spent.tokens_out)] {
            metrics::counter!(metric::MODEL_TOKENS, "direction" => direction)
                .increment(tokens.unsigned_abs());
        }
        let Spent { calls, failures, tokens_in, tokens_out } = spent;
        let day = self.today();
        let written =
            self.store.add_usage(&day, &self.name, calls, failures, tokens_in, tokens_out).await;
        if let Err(error) = written {
            tracing::error!(%error, "a model call could not be counted against its budget");
        }
    }
}
