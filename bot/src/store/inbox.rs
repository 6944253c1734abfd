//! The durable inbox: an event becomes rows in one transaction, once.

use firstline_core::chat::{ChatEvent, EventBody};

use super::encode::{json, of_json_opt, of_word, of_word_opt, word};
use super::messages::insert_message;
use super::people::lower;
use super::records::{AssessmentRow, ConversationRow, NewJob, NewMessage, RequestRow};
use super::{Live, LiveKind, Result, Store, Tx, conversation_id};

/// What became of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    pub conversation_id: String,
    /// The request it made or concerns.
    pub request_id: Option<String>,
    /// It had been accepted before; the ids are the first one's.
    pub duplicate: bool,
}

#[derive(sqlx::FromRow)]
pub(super) struct ConversationDb {
    id: String,
    platform: String,
    tenant: String,
    channel: String,
    thread: String,
    setting: String,
    requester: String,
    title: String,
    handed_over: bool,
    created_at: i64,
    updated_at: i64,
}

impl ConversationDb {
    pub(super) fn record(self) -> Result<ConversationRow> {
        Ok(ConversationRow {
            id: self.id,
            platform: of_word(self.platform)?,
            tenant: self.tenant,
            channel: self.channel,
            thread: self.thread,
            setting: of_word(self.setting)?,
            requester: self.requester,
            title: self.title,
            handed_over: self.handed_over,
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }
}

#[derive(sqlx::FromRow)]
pub(super) struct RequestDb {
    id: String,
    conversation_id: String,
    requester: String,
    text: String,
    state: String,
    kind: Option<String>,
    system: Option<String>,
    confidence: Option<f64>,
    action: Option<String>,
    abstained: Option<String>,
    answerable: Option<f64>,
    decision: Option<String>,
    answer: Option<String>,
    ticket_key: Option<String>,
    verdict: Option<String>,
    redactions: i64,
    received_at: i64,
    settled_at: Option<i64>,
}

impl RequestDb {
    pub(super) fn record(self) -> Result<RequestRow> {
        Ok(RequestRow {
            id: self.id,
            conversation_id: self.conversation_id,
            requester: self.requester,
            text: self.text,
            state: of_word(self.state)?,
            kind: of_word_opt(self.kind)?,
            system: self.system,
            confidence: self.confidence,
            action: self.action,
            abstained: of_word_opt(self.abstained)?,
            answerable: self.answerable,
            decision: of_json_opt(self.decision)?,
            answer: of_json_opt(self.answer)?,
            ticket_key: self.ticket_key,
            verdict: of_word_opt(self.verdict)?,
            redactions: self.redactions,
            received_at: self.received_at,
            settled_at: self.settled_at,
        })
    }
}

#[derive(sqlx::FromRow)]
struct AssessmentDb {
    id: String,
    request_id: String,
    engine: String,
    prompt_hash: String,
    input_hash: String,
    passages: String,
    result: Option<String>,
    failure: Option<String>,
    chosen: bool,
    duration_ms: i64,
    tokens_in: i64,
    tokens_out: i64,
    created_at: i64,
}

impl Store {
    /// Writes an event, what was said, the request and the job that settles it, and wakes
    /// a worker. `message` and `request` are placed in the event's conversation, which is
    /// made if it is new. An event accepted before changes nothing. `raw` is what the
    /// platform sent, for as long as `privacy.raw_days` says.
    pub async fn accept(
        &self,
        event: &ChatEvent,
        raw: Option<&str>,
        message: Option<NewMessage>,
        request: Option<RequestRow>,
        job: NewJob,
        now: i64,
    ) -> Result<Accepted> {
        let key = &event.conversation;
        let conversation = conversation_id(key);
        let request_id = match (&request, &event.body) {
            (Some(request), _) => Some(request.id.clone()),
            (None, EventBody::Feedback { request_id, .. }) => Some(request_id.clone()),
            (
                None,
                EventBody::FileTicket { request_id, .. } | EventBody::TalkToPerson { request_id },
            ) => request_id.clone(),
            (None, EventBody::Said { .. }) => None,
        };
        let mut tx = self.begin().await?;
        let new = exec!(tx, sqlx::query(
            "INSERT INTO inbox (platform, tenant, event_id, conversation_id, request_id, job_id,
                                payload, received_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
        )
        .bind(key.platform.as_str())
        .bind(&key.tenant)
        .bind(&event.event_id)
        .bind(&conversation)
        .bind(&request_id)
        .bind(&job.id)
        .bind(raw)
        .bind(now));
        if new == 0 {
            let (conversation_id, request_id) = on!(tx, |c| sqlx::query_as(
                "SELECT conversation_id, request_id FROM inbox
                 WHERE platform = $1 AND tenant = $2 AND event_id = $3",
            )
            .bind(key.platform.as_str())
            .bind(&key.tenant)
            .bind(&event.event_id)
            .fetch_one(c)
            .await?);
            tx.rollback().await?;
            return Ok(Accepted { conversation_id, request_id, duplicate: true });
        }
        let seq: i64 = on!(tx, |c| {
            sqlx::query_scalar(
            "INSERT INTO conversation (id, platform, tenant, channel, thread, setting, requester,
                                       title, handed_over, last_seq, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, '', $8, $9, $10, $10)
             ON CONFLICT (id) DO UPDATE SET updated_at = excluded.updated_at,
                 last_seq = conversation.last_seq + excluded.last_seq
             RETURNING last_seq",
        )
        .bind(&conversation)
        .bind(key.platform.as_str())
        .bind(&key.tenant)
        .bind(&key.channel)
        .bind(&key.thread)
        .bind(word(event.setting))
        .bind(lower(&event.from.email))
        .bind(false)
        .bind(i64::from(message.is_some()))
        .bind(now)
        .fetch_one(c)
        .await?
        });
        if let Some(mut message) = message {
            message.conversation_id.clone_from(&conversation);
            insert_message(&mut tx, &message, seq, now).await?;
            if let EventBody::Said { attachments, .. } = &event.body {
                attach(&mut tx, attachments, &message, &event.from.email).await?;
            }
            tx.tell(Live {
                conversation_id: conversation.clone(),
                kind: LiveKind::Message { seq },
            });
        }
        if let Some(request) = &request {
            insert_request(&mut tx, request, &conversation).await?;
        }
        tx.enqueue(&job, now).await?;
        tx.commit().await?;
        Ok(Accepted { conversation_id: conversation, request_id, duplicate: false })
    }

    pub async fn request(&self, id: &str) -> Result<Option<RequestRow>> {
        let row: Option<RequestDb> =
            read!(self, |c| sqlx::query_as("SELECT * FROM request WHERE id = $1")
                .bind(id)
                .fetch_optional(c)
                .await?);
        row.map(RequestDb::record).transpose()
    }

    /// Every reading of a request, oldest first.
    pub async fn assessments(&self, request_id: &str) -> Result<Vec<AssessmentRow>> {
        let rows: Vec<AssessmentDb> = read!(self, |c| sqlx::query_as(
            "SELECT * FROM assessment WHERE request_id = $1 ORDER BY created_at, id"
        )
        .bind(request_id)
        .fetch_all(c)
        .await?);
        rows.into_iter()
            .map(|row| {
                Ok(AssessmentRow {
                    id: row.id,
                    request_id: row.request_id,
                    engine: row.engine,
                    prompt_hash: row.prompt_hash,
                    input_hash: row.input_hash,
                    passages: super::encode::of_json(&row.passages)?,
                    result: of_json_opt(row.result)?,
                    failure: row.failure,
                    chosen: row.chosen,
                    duration_ms: row.duration_ms,
                    tokens_in: row.tokens_in,
                    tokens_out: row.tokens_out,
                    created_at: row.created_at,
                })
            })
            .collect()
    }

    /// The newest open ticket filed from a conversation.
    pub async fn open_ticket_in(&self, conversation_id: &str) -> Result<Option<String>> {
        Ok(read!(self, |c| sqlx::query_scalar(
            "SELECT key FROM ticket WHERE conversation_id = $1 AND merged_into IS NULL
               AND status NOT IN ('resolved', 'closed')
             ORDER BY number DESC LIMIT 1",
        )
        .bind(conversation_id)
        .fetch_optional(c)
        .await?))
    }

    /// What was done with the last settled request of a conversation, this one aside.
    pub async fn last_action_in(
        &self,
        conversation_id: &str,
        besides: &str,
    ) -> Result<Option<String>> {
        let action: Option<Option<String>> = read!(self, |c| sqlx::query_scalar(
            "SELECT action FROM request
             WHERE conversation_id = $1 AND id <> $2 AND state = 'settled'
             ORDER BY received_at DESC, id DESC LIMIT 1",
        )
        .bind(conversation_id)
        .bind(besides)
        .fetch_optional(c)
        .await?);
        Ok(action.flatten())
    }

    /// Forgets the raw events settled before `older_than`; how many. An event whose job
    /// still exists, dead letters too, is kept for another try.
    pub async fn purge_raw(&self, older_than: i64) -> Result<u64> {
        let mut tx = self.begin().await?;
        let purged = exec!(
            tx,
            sqlx::query(
                "UPDATE inbox SET payload = NULL
             WHERE payload IS NOT NULL AND COALESCE(settled_at, received_at) < $1
               AND (settled_at IS NOT NULL
                    OR NOT EXISTS (SELECT 1 FROM job WHERE job.id = inbox.job_id))",
            )
            .bind(older_than)
        );
        tx.commit().await?;
        Ok(purged)
    }
}

/// Ties attachments the sender stored before to the message they came with.
async fn attach(tx: &mut Tx, ids: &[String], message: &NewMessage, email: &str) -> Result<()> {
    for id in ids {
        exec!(
            tx,
            sqlx::query(
                "UPDATE attachment SET conversation_id = $2, message_id = $3
             WHERE id = $1 AND email = $4 AND message_id IS NULL",
            )
            .bind(id)
            .bind(&message.conversation_id)
            .bind(&message.id)
            .bind(lower(email))
        );
    }
    Ok(())
}

async fn insert_request(tx: &mut Tx, request: &RequestRow, conversation: &str) -> Result<()> {
    let decision = request.decision.as_ref().map(json).transpose()?;
    let answer = request.answer.as_ref().map(json).transpose()?;
    exec!(tx, sqlx::query(
        "INSERT INTO request (id, conversation_id, requester, text, state, kind, system, confidence,
             action, abstained, answerable, decision, answer, ticket_key, verdict, redactions,
             received_at, settled_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
         ON CONFLICT (id) DO NOTHING",
    )
    .bind(&request.id)
    .bind(conversation)
    .bind(lower(&request.requester))
    .bind(&request.text)
    .bind(word(request.state))
    .bind(request.kind.map(word))
    .bind(&request.system)
    .bind(request.confidence)
    .bind(&request.action)
    .bind(request.abstained.map(word))
    .bind(request.answerable)
    .bind(decision)
    .bind(answer)
    .bind(&request.ticket_key)
    .bind(request.verdict.map(word))
    .bind(request.redactions)
    .bind(request.received_at)
    .bind(request.settled_at));
    Ok(())
}
