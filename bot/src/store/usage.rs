//! Model use by UTC day.

use super::records::ModelUsage;
use super::{Result, Store};

impl Store {
    /// Adds to a day's use of a model; `day` is `YYYY-MM-DD`.
    pub async fn add_usage(
        &self,
        day: &str,
        name: &str,
        calls: i64,
        failures: i64,
        tokens_in: i64,
        tokens_out: i64,
    ) -> Result<()> {
        let mut tx = self.begin().await?;
        exec!(
            tx,
            sqlx::query(
                "INSERT INTO model_usage (day, name, calls, failures, tokens_in, tokens_out)
                 VALUES ($1, $2, $3, $4, $5, $6)
                 ON CONFLICT (day, name) DO UPDATE SET
                     calls = model_usage.calls + excluded.calls,
                     failures = model_usage.failures + excluded.failures,
                     tokens_in = model_usage.tokens_in + excluded.tokens_in,
                     tokens_out = model_usage.tokens_out + excluded.tokens_out",
            )
            .bind(day)
            .bind(name)
            .bind(calls)
            .bind(failures)
            .bind(tokens_in)
            .bind(tokens_out)
        );
        tx.commit().await
    }

    pub async fn usage(&self, day: &str, name: &str) -> Result<ModelUsage> {
        let row: Option<(i64, i64, i64, i64)> = read!(self, |c| sqlx::query_as(
            "SELECT calls, failures, tokens_in, tokens_out FROM model_usage
             WHERE day = $1 AND name = $2",
        )
        .bind(day)
        .bind(name)
        .fetch_optional(c)
        .await?);
        Ok(row.map_or_else(ModelUsage::default, |(calls, failures, tokens_in, tokens_out)| {
            ModelUsage { calls, failures, tokens_in, tokens_out }
        }))
    }
}
