//! Who follows a ticket, and in which conversation they are told what becomes of it.

use super::encode::of_word;
use super::people::lower;
use super::records::Follower;
use super::{Result, Store};

impl Store {
    /// Lets a person follow a ticket in a conversation: from now on there, if they followed it
    /// elsewhere before.
    pub async fn follow(&self, key: &str, email: &str, conversation: &str, now: i64) -> Result<()> {
        let mut tx = self.begin().await?;
        exec!(
            tx,
            sqlx::query(
                "INSERT INTO ticket_follower (ticket_key, email, conversation_id, followed_at)
                 VALUES ($1, $2, $3, $4)
                 ON CONFLICT (ticket_key, email) DO UPDATE
                     SET conversation_id = excluded.conversation_id",
            )
            .bind(key)
            .bind(lower(email))
            .bind(conversation)
            .bind(now)
        );
        tx.commit().await
    }

    /// `false` when they did not follow it.
    pub async fn unfollow(&self, key: &str, email: &str) -> Result<bool> {
        let mut tx = self.begin().await?;
        let gone = exec!(
            tx,
            sqlx::query("DELETE FROM ticket_follower WHERE ticket_key = $1 AND email = $2")
                .bind(key)
                .bind(lower(email))
        );
        tx.commit().await?;
        Ok(gone > 0)
    }

    /// Who is told of a ticket beside its requester, and where: those who follow it or a ticket
    /// that was merged into it, and the requesters of those.
    pub async fn followers(&self, key: &str) -> Result<Vec<Follower>> {
        let rows: Vec<(String, String, String)> = read!(self, |c| sqlx::query_as(
            "SELECT t.email, t.conversation_id, c.setting FROM (
                 SELECT email, conversation_id FROM ticket_follower
                 WHERE ticket_key = $1
                    OR ticket_key IN (SELECT key FROM ticket WHERE merged_into = $1)
                 UNION
                 SELECT requester, conversation_id FROM ticket WHERE merged_into = $1
             ) t JOIN conversation c ON c.id = t.conversation_id
             ORDER BY t.email, t.conversation_id",
        )
        .bind(key)
        .fetch_all(c)
        .await?);
        rows.into_iter()
            .map(|(email, conversation_id, setting)| {
                Ok(Follower { email, conversation_id, setting: of_word(setting)? })
            })
            .collect()
    }

    /// How many people follow a ticket.
    pub async fn follower_count(&self, key: &str) -> Result<i64> {
        Ok(read!(self, |c| sqlx::query_scalar(
            "SELECT count(*) FROM ticket_follower WHERE ticket_key = $1"
        )
        .bind(key)
        .fetch_one(c)
        .await?))
    }

    /// Keys of the tickets a person follows, the first followed first.
    pub async fn followed_by(&self, email: &str) -> Result<Vec<String>> {
        Ok(read!(self, |c| {
            sqlx::query_scalar(
            "SELECT ticket_key FROM ticket_follower WHERE email = $1 ORDER BY followed_at, ticket_key"
        )
        .bind(lower(email))
        .fetch_all(c)
        .await?
        }))
    }
}
