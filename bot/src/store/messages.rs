//! Conversations and what was said in them.

use std::collections::HashMap;

use firstline_core::chat::{ConversationKey, Message, Platform};

use super::encode::{json, of_json, of_word, word};
use super::inbox::ConversationDb;
use super::people::lower;
use super::records::{AttachmentRow, ConversationRow, MessageRow, NewJob, NewMessage};
use super::{Live, LiveKind, Result, Store, Tx};

#[derive(sqlx::FromRow)]
struct MessageDb {
    id: String,
    conversation_id: String,
    seq: i64,
    author: String,
    email: String,
    name: String,
    body: String,
    request_id: Option<String>,
    created_at: i64,
    sent_at: Option<i64>,
}

impl MessageDb {
    fn record(self, attachments: Vec<AttachmentRow>) -> Result<MessageRow> {
        Ok(MessageRow {
            id: self.id,
            conversation_id: self.conversation_id,
            seq: self.seq,
            author: of_word(self.author)?,
            email: self.email,
            name: self.name,
            body: of_json(&self.body)?,
            request_id: self.request_id,
            created_at: self.created_at,
            sent_at: self.sent_at,
            attachments,
        })
    }
}

#[derive(sqlx::FromRow)]
struct AttachedDb {
    message_id: String,
    id: String,
    name: String,
    mime: String,
    size: i64,
}

impl Store {
    pub async fn conversation(&self, id: &str) -> Result<Option<ConversationRow>> {
        let row: Option<ConversationDb> =
            read!(self, |c| sqlx::query_as("SELECT * FROM conversation WHERE id = $1")
                .bind(id)
                .fetch_optional(c)
                .await?);
        row.map(ConversationDb::record).transpose()
    }

    pub async fn conversation_by_key(
        &self,
        key: &ConversationKey,
    ) -> Result<Option<ConversationRow>> {
        self.conversation(&super::conversation_id(key)).await
    }

    /// A person's own conversations, the latest first.
    pub async fn conversations_of(&self, email: &str, limit: i64) -> Result<Vec<ConversationRow>> {
        let rows: Vec<ConversationDb> = read!(self, |c| sqlx::query_as(
            "SELECT * FROM conversation WHERE requester = $1
             ORDER BY updated_at DESC, id DESC LIMIT $2",
        )
        .bind(lower(email))
        .bind(limit)
        .fetch_all(c)
        .await?);
        rows.into_iter().map(ConversationDb::record).collect()
    }

    /// A platform's conversations in which something was said after `since`, the latest first.
    pub async fn conversations_since(
        &self,
        platform: Platform,
        since: i64,
        limit: i64,
    ) -> Result<Vec<ConversationRow>> {
        let rows: Vec<ConversationDb> = read!(self, |c| sqlx::query_as(
            "SELECT * FROM conversation WHERE platform = $1 AND updated_at > $2
             ORDER BY updated_at DESC, id DESC LIMIT $3",
        )
        .bind(platform.as_str())
        .bind(since)
        .bind(limit)
        .fetch_all(c)
        .await?);
        rows.into_iter().map(ConversationDb::record).collect()
    }

    /// `false` when there is no such conversation.
    pub async fn rename_conversation(&self, id: &str, title: &str) -> Result<bool> {
        let mut tx = self.begin().await?;
        let renamed = exec!(
            tx,
            sqlx::query("UPDATE conversation SET title = $2 WHERE id = $1").bind(id).bind(title)
        );
        tx.commit().await?;
        Ok(renamed > 0)
    }

    /// Whether the bot's part in a conversation is over; `false` when there is none of this id.
    pub async fn hand_over(&self, id: &str, over: bool) -> Result<bool> {
        let mut tx = self.begin().await?;
        let changed = exec!(
            tx,
            sqlx::query("UPDATE conversation SET handed_over = $2 WHERE id = $1")
                .bind(id)
                .bind(over)
        );
        tx.commit().await?;
        Ok(changed > 0)
    }

    /// Says one message outside any request; `jobs` deliver it.
    pub async fn say(&self, message: NewMessage, jobs: Vec<NewJob>, now: i64) -> Result<()> {
        let mut tx = self.begin().await?;
        tx.follow_up(&[message], &jobs, now).await?;
        tx.commit().await
    }

    pub async fn message(&self, id: &str) -> Result<Option<MessageRow>> {
        let row: Option<MessageDb> =
            read!(self, |c| sqlx::query_as("SELECT * FROM message WHERE id = $1")
                .bind(id)
                .fetch_optional(c)
                .await?);
        let Some(row) = row else { return Ok(None) };
        let conversation = row.conversation_id.clone();
        Ok(self.with_attachments(&conversation, vec![row]).await?.pop())
    }

    /// The message kept under a delivery key.
    pub async fn message_by_delivery(&self, key: &str) -> Result<Option<MessageRow>> {
        let row: Option<MessageDb> =
            read!(self, |c| sqlx::query_as("SELECT * FROM message WHERE delivery_key = $1")
                .bind(key)
                .fetch_optional(c)
                .await?);
        row.map(|row| row.record(Vec::new())).transpose()
    }

    /// A message of ours by what its platform calls it.
    pub async fn message_sent_as(
        &self,
        platform: Platform,
        tenant: &str,
        channel: &str,
        sent_as: &str,
    ) -> Result<Option<MessageRow>> {
        let row: Option<MessageDb> = read!(self, |c| sqlx::query_as(
            "SELECT m.* FROM message m JOIN conversation c ON c.id = m.conversation_id
             WHERE c.platform = $1 AND c.tenant = $2 AND c.channel = $3 AND m.sent_as = $4",
        )
        .bind(platform.as_str())
        .bind(tenant)
        .bind(channel)
        .bind(sent_as)
        .fetch_optional(c)
        .await?);
        row.map(|row| row.record(Vec::new())).transpose()
    }

    /// The conversation that was last spoken in of all in a channel.
    pub async fn latest_conversation(
        &self,
        platform: Platform,
        tenant: &str,
        channel: &str,
    ) -> Result<Option<ConversationRow>> {
        let row: Option<ConversationDb> = read!(self, |c| sqlx::query_as(
            "SELECT * FROM conversation WHERE platform = $1 AND tenant = $2 AND channel = $3
             ORDER BY updated_at DESC, created_at DESC LIMIT 1",
        )
        .bind(platform.as_str())
        .bind(tenant)
        .bind(channel)
        .fetch_optional(c)
        .await?);
        row.map(ConversationDb::record).transpose()
    }

    /// Lets a message read like `body` from now on; `false` when it is gone.
    pub async fn rewrite_message(&self, id: &str, body: &Message) -> Result<bool> {
        let mut tx = self.begin().await?;
        let sql = "UPDATE message SET body = $2 WHERE id = $1 RETURNING conversation_id, seq";
        let written: Option<(String, i64)> =
            on!(tx, |c| sqlx::query_as(sql).bind(id).bind(json(body)?).fetch_optional(c).await?);
        if let Some((conversation_id, seq)) = &written {
            let conversation_id = conversation_id.clone();
            tx.tell(Live { conversation_id, kind: LiveKind::Message { seq: *seq } });
        }
        tx.commit().await?;
        Ok(written.is_some())
    }

    /// Forgets a message, and the words of its request unless a ticket was made of them;
    /// `false` when it is gone already.
    pub async fn forget_message(&self, id: &str) -> Result<bool> {
        let mut tx = self.begin().await?;
        exec!(
            tx,
            sqlx::query(
                "UPDATE request SET text = '' WHERE ticket_key IS NULL
                 AND id = (SELECT request_id FROM message WHERE id = $1)"
            )
            .bind(id)
        );
        let gone = exec!(tx, sqlx::query("DELETE FROM message WHERE id = $1").bind(id));
        tx.commit().await?;
        Ok(gone > 0)
    }

    /// Messages after `after_seq` (0 for all), oldest first.
    pub async fn messages(
        &self,
        conversation_id: &str,
        after_seq: i64,
        limit: i64,
    ) -> Result<Vec<MessageRow>> {
        let rows: Vec<MessageDb> = read!(self, |c| {
            sqlx::query_as(
            "SELECT * FROM message WHERE conversation_id = $1 AND seq > $2 ORDER BY seq LIMIT $3"
        )
        .bind(conversation_id)
        .bind(after_seq)
        .bind(limit)
        .fetch_all(c)
        .await?
        });
        self.with_attachments(conversation_id, rows).await
    }

    /// The last `limit` messages, oldest first, without their attachments.
    pub async fn thread_turns(&self, conversation_id: &str, limit: i64) -> Result<Vec<MessageRow>> {
        let mut rows: Vec<MessageDb> = read!(self, |c| sqlx::query_as(
            "SELECT * FROM message WHERE conversation_id = $1 ORDER BY seq DESC LIMIT $2"
        )
        .bind(conversation_id)
        .bind(limit)
        .fetch_all(c)
        .await?);
        rows.reverse();
        rows.into_iter().map(|row| row.record(Vec::new())).collect()
    }

    async fn with_attachments(
        &self,
        conversation_id: &str,
        rows: Vec<MessageDb>,
    ) -> Result<Vec<MessageRow>> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let attached: Vec<AttachedDb> = read!(self, |c| sqlx::query_as(
            "SELECT message_id, id, name, mime, size FROM attachment
             WHERE conversation_id = $1 AND message_id IS NOT NULL ORDER BY created_at, id",
        )
        .bind(conversation_id)
        .fetch_all(c)
        .await?);
        let mut by_message: HashMap<String, Vec<AttachmentRow>> = HashMap::new();
        for row in attached {
            by_message.entry(row.message_id).or_default().push(AttachmentRow {
                id: row.id,
                name: row.name,
                mime: row.mime,
                size: row.size,
            });
        }
        rows.into_iter()
            .map(|row| {
                let attachments = by_message.remove(&row.id).unwrap_or_default();
                row.record(attachments)
            })
            .collect()
    }
}

impl Tx {
    /// Appends messages to their conversations. One whose delivery key is known, or whose
    /// conversation is gone, is left out.
    pub(super) async fn say(&mut self, messages: &[NewMessage], now: i64) -> Result<()> {
        for message in messages {
            let seq: Option<i64> = on!(self, |c| sqlx::query_scalar(
                "UPDATE conversation SET last_seq = last_seq + 1, updated_at = $2
                 WHERE id = $1 RETURNING last_seq",
            )
            .bind(&message.conversation_id)
            .bind(now)
            .fetch_optional(c)
            .await?);
            let Some(seq) = seq else { continue };
            if insert_message(self, message, seq, now).await? {
                self.tell(Live {
                    conversation_id: message.conversation_id.clone(),
                    kind: LiveKind::Message { seq },
                });
            }
        }
        Ok(())
    }
}

/// The column `delivery` of a new message, and when it was sent if it was.
pub(super) fn delivery(message: &NewMessage, now: i64) -> (&'static str, Option<i64>) {
    if message.pending { ("pending", None) } else { ("sent", Some(now)) }
}

/// Writes a message at its place; `false` when its delivery key was used before.
async fn insert_message(tx: &mut Tx, message: &NewMessage, seq: i64, now: i64) -> Result<bool> {
    let (delivery, sent_at) = delivery(message, now);
    let body = json(&message.body)?;
    let written =
        exec!(tx, sqlx::query(
        "INSERT INTO message (id, conversation_id, seq, author, email, name, body, request_id,
                              delivery, delivery_key, created_at, sent_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING",
    )
    .bind(&message.id)
    .bind(&message.conversation_id)
    .bind(seq)
    .bind(word(message.author))
    .bind(lower(&message.email))
    .bind(&message.name)
    .bind(body)
    .bind(&message.request_id)
    .bind(delivery)
    .bind(&message.delivery_key)
    .bind(now)
    .bind(sent_at));
    Ok(written > 0)
}
