//! Files people send along.

use super::people::lower;
use super::records::{AttachmentFull, AttachmentRow, MessageRow};
use super::{Result, Store, new_id};

#[derive(sqlx::FromRow)]
struct FullDb {
    id: String,
    email: String,
    conversation_id: Option<String>,
    ticket_key: Option<String>,
    name: String,
    mime: String,
    size: i64,
    bytes: Vec<u8>,
}

impl Store {
    /// Keeps a file until a message or a ticket takes it up.
    pub async fn put_attachment(
        &self,
        email: &str,
        conversation_id: Option<&str>,
        name: &str,
        mime: &str,
        bytes: &[u8],
        now: i64,
    ) -> Result<AttachmentRow> {
        let row = AttachmentRow {
            id: new_id(),
            name: name.into(),
            mime: mime.into(),
            size: bytes.len() as i64,
        };
        let mut tx = self.begin().await?;
        exec!(
            tx,
            sqlx::query(
                "INSERT INTO attachment (id, email, conversation_id, name, mime, size, bytes,
                     created_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            )
            .bind(&row.id)
            .bind(lower(email))
            .bind(conversation_id)
            .bind(&row.name)
            .bind(&row.mime)
            .bind(row.size)
            .bind(bytes)
            .bind(now)
        );
        tx.commit().await?;
        Ok(row)
    }

    /// Keeps a file that was fetched for a message, once however often it is fetched.
    pub async fn put_fetched(
        &self,
        file: &AttachmentRow,
        of: &MessageRow,
        bytes: &[u8],
        now: i64,
    ) -> Result<()> {
        let mut tx = self.begin().await?;
        exec!(
            tx,
            sqlx::query(
                "INSERT INTO attachment (id, email, conversation_id, message_id, name, mime, size,
                     bytes, created_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING",
            )
            .bind(&file.id)
            .bind(lower(&of.email))
            .bind(&of.conversation_id)
            .bind(&of.id)
            .bind(&file.name)
            .bind(&file.mime)
            .bind(file.size)
            .bind(bytes)
            .bind(now)
        );
        tx.commit().await
    }

    pub async fn attachment(&self, id: &str) -> Result<Option<AttachmentFull>> {
        let row: Option<FullDb> =
            read!(self, |c| sqlx::query_as("SELECT * FROM attachment WHERE id = $1")
                .bind(id)
                .fetch_optional(c)
                .await?);
        Ok(row.map(|row| AttachmentFull {
            row: AttachmentRow { id: row.id, name: row.name, mime: row.mime, size: row.size },
            email: row.email,
            conversation_id: row.conversation_id,
            ticket_key: row.ticket_key,
            bytes: row.bytes,
        }))
    }

    /// Oldest first.
    pub async fn attachments_of_ticket(&self, key: &str) -> Result<Vec<AttachmentRow>> {
        let rows: Vec<(String, String, String, i64)> = read!(self, |c| sqlx::query_as(
            "SELECT id, name, mime, size FROM attachment WHERE ticket_key = $1
             ORDER BY created_at, id",
        )
        .bind(key)
        .fetch_all(c)
        .await?);
        Ok(rows
            .into_iter()
            .map(|(id, name, mime, size)| AttachmentRow { id, name, mime, size })
            .collect())
    }
}
