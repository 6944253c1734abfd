//! How long chat platforms want to be left alone: by every process, and after a restart too.

use firstline_core::chat::Platform;

use super::{Live, Result, Store};

impl Store {
    /// A platform wants a place left alone until then; every process is told. A wait is never
    /// shortened.
    pub async fn pause(&self, platform: Platform, place: &str, until: i64, now: i64) -> Result<()> {
        // Whether or not it can be kept, the others must know.
        self.publish_live(&Live::pause(platform, place, until));
        let mut tx = self.begin().await?;
        exec!(tx, sqlx::query("DELETE FROM pause WHERE until <= $1").bind(now));
        exec!(
            tx,
            sqlx::query(
                "INSERT INTO pause (platform, place, until) VALUES ($1, $2, $3)
                 ON CONFLICT (platform, place) DO UPDATE SET until = excluded.until
                 WHERE excluded.until > pause.until",
            )
            .bind(platform.as_str())
            .bind(place)
            .bind(until)
        );
        tx.commit().await
    }

    /// Places to be left alone still, each with the time until which (epoch ms).
    pub async fn pauses(&self, platform: Platform, now: i64) -> Result<Vec<(String, i64)>> {
        Ok(read!(self, |c| sqlx::query_as(
            "SELECT place, until FROM pause WHERE platform = $1 AND until > $2 ORDER BY place",
        )
        .bind(platform.as_str())
        .bind(now)
        .fetch_all(c)
        .await?))
    }
}
