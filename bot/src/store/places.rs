//! Where chat platforms have told the bot of something, so that what was missed there can be read.

use firstline_core::chat::Platform;

use super::records::Place;
use super::{Result, Store};

#[derive(sqlx::FromRow)]
struct PlaceDb {
    tenant: String,
    channel: String,
    team: Option<String>,
    outsiders: bool,
}

impl Store {
    /// Remembers a place. Where outsiders once read along, they are taken to do so still.
    pub async fn note_place(&self, place: &Place, now: i64) -> Result<()> {
        let mut tx = self.begin().await?;
        exec!(
            tx,
            sqlx::query(
                "INSERT INTO place (platform, tenant, channel, team, outsiders, noted_at)
                 VALUES ($1, $2, $3, $4, $5, $6)
                 ON CONFLICT (platform, tenant, channel) DO UPDATE
                 SET team = COALESCE(excluded.team, place.team),
                     outsiders = (excluded.outsiders OR place.outsiders),
                     noted_at = excluded.noted_at",
            )
            .bind(place.platform.as_str())
            .bind(&place.tenant)
            .bind(&place.channel)
            .bind(&place.team)
            .bind(place.outsiders)
            .bind(now)
        );
        tx.commit().await
    }

    /// The places of a platform, those noted last first.
    pub async fn places(&self, platform: Platform, limit: i64) -> Result<Vec<Place>> {
        let rows: Vec<PlaceDb> = read!(self, |c| sqlx::query_as(
            "SELECT tenant, channel, team, outsiders FROM place WHERE platform = $1
             ORDER BY noted_at DESC, channel LIMIT $2",
        )
        .bind(platform.as_str())
        .bind(limit)
        .fetch_all(c)
        .await?);
        let place = |PlaceDb { tenant, channel, team, outsiders }| Place {
            platform,
            tenant,
            channel,
            team,
            outsiders,
        };
        Ok(rows.into_iter().map(place).collect())
    }
}
