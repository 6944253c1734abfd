//! What calls may cost and what they did cost.

use std::sync::Arc;

use async_trait::async_trait;

use crate::ports::{Clock, Store};

/// What a call cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spent {
    /// HTTP requests made.
    pub calls: i64,
    /// 1 if the call gave nothing usable.
    pub failures: i64,
    /// As the server counted; estimated at four characters a token if it did not.
    pub tokens_in: i64,
    pub tokens_out: i64,
}

/// The day's token budget, kept by whoever counts.
#[async_trait]
pub trait Budget: Send + Sync {
    /// Whether a further call may be made today.
    async fn allowed(&self) -> bool;
    async fn spent(&self, spent: Spent);
}

/// No budget and no count, for checks from the command line.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unlimited;

#[async_trait]
impl Budget for Unlimited {
    async fn allowed(&self) -> bool {
        true
    }

    async fn spent(&self, _: Spent) {}
}

/// Counts in the store, so that all processes on one database share the day's budget.
pub struct StoreBudget {
    store: Store,
    clock: Arc<dyn Clock>,
    /// Under which the store counts.
    model: String,
    daily_tokens: Option<u64>,
}

impl StoreBudget {
    /// `model` and `daily_tokens` are `[model] name` and `daily_tokens`; no limit, no end.
    pub fn new(
        store: Store,
        clock: Arc<dyn Clock>,
        model: String,
        daily_tokens: Option<u64>,
    ) -> Self {
        StoreBudget { store, clock, model, daily_tokens }
    }

    fn today(&self) -> String {
        day(self.clock.now())
    }
}

#[async_trait]
impl Budget for StoreBudget {
    async fn allowed(&self) -> bool {
        let Some(limit) = self.daily_tokens else { return true };
        match self.store.usage(&self.today(), &self.model).await {
            Ok(usage) => u64::try_from(usage.tokens_in + usage.tokens_out).unwrap_or(0) < limit,
            // Better no model for a while than a bill without a limit.
            Err(error) => {
                tracing::warn!(%error, "the model's budget cannot be read; going on without it");
                false
            }
        }
    }

    async fn spent(&self, spent: Spent) {
        let Spent { calls, failures, tokens_in, tokens_out } = spent;
        let today = self.today();
        let added =
            self.store.add_usage(&today, &self.model, calls, failures, tokens_in, tokens_out);
        if let Err(error) = added.await {
            tracing::warn!(%error, "the model's use could not be counted");
        }
    }
}

/// The UTC day of a time in epoch milliseconds, as `2026-11-22`.
fn day(at: i64) -> String {
    let time = jiff::Timestamp::from_millisecond(at).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    time.strftime("%Y-%m-%d").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_utc() {
        assert_eq!(day(0), "1970-01-01");
        assert_eq!(day(1_445_412_400_000), "2015-10-21");
        assert_eq!(day(86_399_999), "1970-01-01");
    }
}
