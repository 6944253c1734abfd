//! Answers that are shown while they are being composed: what the platform calls each, so that
//! the answer takes its place, whoever delivers it.

use super::records::Draft;
use super::{Result, Store};

impl Store {
    /// Notes, before it is shown, that there will be a draft of a message.
    pub async fn begin_draft(
        &self,
        message_id: &str,
        conversation_id: &str,
        now: i64,
    ) -> Result<()> {
        let mut tx = self.begin().await?;
        exec!(
            tx,
            sqlx::query(
                "INSERT INTO draft (message_id, conversation_id, begun_at) VALUES ($1, $2, $3)
                 ON CONFLICT DO NOTHING"
            )
            .bind(message_id)
            .bind(conversation_id)
            .bind(now)
        );
        tx.commit().await
    }

    /// Notes what the platform calls the draft of a message.
    pub async fn name_draft(&self, message_id: &str, sent_as: &str) -> Result<()> {
        let mut tx = self.begin().await?;
        exec!(
            tx,
            sqlx::query("UPDATE draft SET sent_as = $2 WHERE message_id = $1")
                .bind(message_id)
                .bind(sent_as)
        );
        tx.commit().await
    }

    /// What is known of the draft of a message.
    pub async fn draft(&self, message_id: &str) -> Result<Option<Draft>> {
        let row: Option<Option<String>> =
            read!(self, |c| sqlx::query_scalar("SELECT sent_as FROM draft WHERE message_id = $1")
                .bind(message_id)
                .fetch_optional(c)
                .await?);
        Ok(row.map(|sent_as| sent_as.map_or(Draft::Begun, Draft::SentAs)))
    }

    /// Another message takes the place of a draft.
    pub async fn pass_draft(&self, from: &str, to: &str) -> Result<()> {
        let mut tx = self.begin().await?;
        exec!(
            tx,
            sqlx::query("UPDATE draft SET message_id = $2 WHERE message_id = $1")
                .bind(from)
                .bind(to)
        );
        tx.commit().await
    }

    /// The message stands where its draft was.
    pub async fn forget_draft(&self, message_id: &str) -> Result<()> {
        let mut tx = self.begin_behind().await?;
        exec!(tx, sqlx::query("DELETE FROM draft WHERE message_id = $1").bind(message_id));
        tx.commit().await
    }
}
