//! The database's own clock, for comparing it with this machine's.

use super::db::Pools;
use super::{Result, Store};

impl Store {
    /// The database server's time in epoch milliseconds; `None` for SQLite, which has no
    /// clock of its own.
    pub async fn database_time(&self) -> Result<Option<i64>> {
        match &self.pools {
            Pools::Sqlite { .. } => Ok(None),
            Pools::Pg(pool) => {
                let ms = sqlx::query_scalar(
                    "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)",
                )
                .fetch_one(pool)
                .await?;
                Ok(Some(ms))
            }
        }
    }
}
