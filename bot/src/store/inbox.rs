//! The durable inbox: an event becomes rows in one transaction, once.

use firstline_core::chat::{ChatEvent, EventBody};

use super::db::Together;
use super::encode::{json, of_json_opt, of_word, of_word_opt, word};
use super::messages::delivery;
use super::people::lower;
use super::records::{
    AssessmentRow, ConversationRow, Holder, LeasedJob, NewJob, NewMessage, RepeatKey, RequestRow,
};
use super::{Live, LiveKind, Result, Store, StoreError, Tx, conversation_id};

/// An event with the rows it becomes.
#[derive(Debug)]
pub struct Event<'a> {
    pub event: &'a ChatEvent,
    /// What the platform sent, kept for as long as `privacy.raw_days` says.
    pub raw: Option<&'a str>,
    /// What was said; placed in the event's conversation, which is made if it is new.
    pub message: Option<NewMessage>,
    /// The request it makes, unless it concerns one that exists. What is found out about it
    /// later is not looked at.
    pub request: Option<RequestRow>,
    /// Settles it.
    pub job: NewJob,
    /// Who would run the job at once, instead of its being leased from the queue. They get
    /// it if this is the first that was said in its conversation, so that nothing of its
    /// lane can stand before it.
    pub holder: Option<Holder>,
    /// The key under which the sender may repeat it.
    pub key: Option<RepeatKey>,
}

/// What became of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    pub conversation_id: String,
    /// The request it made or concerns.
    pub request_id: Option<String>,
    /// It had been accepted before; the ids are the first one's.
    pub duplicate: bool,
    /// The job, where it is held by whom the event named, to be run now.
    pub job: Option<LeasedJob>,
}

#[derive(sqlx::FromRow)]
pub(super) struct ConversationDb {
    pub(super) id: String,
    pub(super) platform: String,
    pub(super) tenant: String,
    pub(super) channel: String,
    pub(super) thread: String,
    pub(super) setting: String,
    pub(super) requester: String,
    pub(super) title: String,
    pub(super) handed_over: bool,
    pub(super) created_at: i64,
    pub(super) updated_at: i64,
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
    /// a worker. An event accepted before changes nothing. `None` when its key was used with
    /// another body: then nothing is written.
    pub async fn accept(&self, event: Event<'_>, now: i64) -> Result<Option<Accepted>> {
        match self.accept_once(&event, now).await {
            // On PostgreSQL two first words of one conversation may meet where it is made;
            // the second finds it there at another try.
            Err(StoreError::Conflict(_)) => self.accept_once(&event, now).await,
            accepted => accepted,
        }
    }

    async fn accept_once(&self, rows: &Event<'_>, now: i64) -> Result<Option<Accepted>> {
        let Event { event, raw, message, request, job, holder, key } = rows;
        let place = &event.conversation;
        let conversation = conversation_id(place);
        let request_id = match (request, &event.body) {
            (Some(request), _) => Some(request.id.clone()),
            (
                None,
                EventBody::Feedback { request_id, .. }
                | EventBody::Edited { request_id, .. }
                | EventBody::Deleted { request_id, .. },
            ) => Some(request_id.clone()),
            (
                None,
                EventBody::FileTicket { request_id, .. } | EventBody::TalkToPerson { request_id },
            ) => request_id.clone(),
            (None, EventBody::Said { .. }) => None,
        };
        let email = lower(&event.from.email);
        let body = message.as_ref().map(|m| json(&m.body)).transpose()?;
        let (delivery, sent_at) = message.as_ref().map(|m| delivery(m, now)).unwrap_or_default();
        let mut tx = self.begin().await?;
        let sql = tx.words(&ACCEPT);
        let written: Option<(i64, Option<String>, String)> = on!(tx, |c| sqlx::query_as(sql)
            .bind(place.platform.as_str())
            .bind(&place.tenant)
            .bind(&event.event_id)
            .bind(&conversation)
            .bind(&request_id)
            .bind(&job.id)
            .bind(*raw)
            .bind(now)
            .bind(&place.channel)
            .bind(&place.thread)
            .bind(word(event.setting))
            .bind(&email)
            .bind(i64::from(message.is_some()))
            .bind(message.as_ref().map(|m| &m.id))
            .bind(message.as_ref().map(|m| word(m.author)))
            .bind(message.as_ref().map(|m| lower(&m.email)))
            .bind(message.as_ref().map(|m| &m.name))
            .bind(body)
            .bind(message.as_ref().and_then(|m| m.request_id.as_ref()))
            .bind(delivery)
            .bind(message.as_ref().map(|m| &m.delivery_key))
            .bind(sent_at)
            .bind(request.as_ref().map(|r| &r.id))
            .bind(request.as_ref().map(|r| lower(&r.requester)))
            .bind(request.as_ref().map(|r| &r.text))
            .bind(request.as_ref().map(|r| word(r.state)))
            .bind(request.as_ref().map(|r| r.redactions))
            .bind(request.as_ref().map(|r| r.received_at))
            .bind(job.kind)
            .bind(&job.lane)
            .bind(&job.payload)
            .bind(job.priority)
            .bind(job.run_at)
            .bind(job.max_attempts)
            .bind(&job.dedupe)
            .bind(key.as_ref().map(|k| &k.key))
            .bind(key.as_ref().map(|k| &k.body_hash))
            .bind(holder.as_ref().map(|h| &h.worker))
            .bind(holder.as_ref().map(|h| h.lease_until))
            .fetch_optional(c)
            .await?);
        let Some((seq, hash, state)) = written else {
            return tx.accepted_before(event, key.as_ref()).await;
        };
        if other_body(key.as_ref(), hash.as_deref()) {
            tx.rollback().await?;
            return Ok(None);
        }
        if let Some(message) = message {
            if let EventBody::Said { attachments, .. } = &event.body {
                attach(&mut tx, attachments, message, &conversation, &email).await?;
            }
            tx.tell(Live {
                conversation_id: conversation.clone(),
                kind: LiveKind::Message { seq },
            });
        }
        let holder = holder.as_ref().filter(|_| state == "running");
        if holder.is_none() {
            tx.wake();
        }
        tx.commit().await?;
        let job = holder.map(|holder| job.clone().held_by(&holder.worker, now));
        Ok(Some(Accepted { conversation_id: conversation, request_id, duplicate: false, job }))
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

    /// Forgets the raw events settled before `older_than`; how many. An event whose job
    /// still exists, dead letters too, is kept for another try, but for what was never read.
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
        ) + exec!(
            tx,
            sqlx::query(
                "DELETE FROM job WHERE kind = 'heard' AND state = 'dead' AND created_at < $1",
            )
            .bind(older_than)
        );
        tx.commit().await?;
        Ok(purged)
    }
}

/// Everything an event becomes. Each part is written only if the first one was, which a
/// second delivery of the same event never writes; gives the message's place and the body
/// that goes with the key.
const ACCEPT: Together = together!(
    inbox("job_id")
    "INSERT INTO inbox (platform, tenant, event_id, conversation_id, request_id, job_id, payload,
         received_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
    idempotency("email, name, body_hash")
    "INSERT INTO idempotency (email, name, request_id, body_hash, created_at)
     SELECT $12, $36, $5, $37, $8
     WHERE $36 IS NOT NULL AND EXISTS (SELECT 1 FROM inbox WHERE job_id = $6)
     ON CONFLICT (email, name) DO UPDATE SET name = excluded.name",
    conversation("id, last_seq")
    "INSERT INTO conversation (id, platform, tenant, channel, thread, setting, requester, title,
         handed_over, last_seq, created_at, updated_at)
     SELECT $4, $1, $2, $9, $10, $11, $12, '', FALSE, $13, $8, $8
     WHERE EXISTS (SELECT 1 FROM inbox WHERE job_id = $6)
     ON CONFLICT (id) DO UPDATE SET updated_at = excluded.updated_at,
         last_seq = conversation.last_seq + excluded.last_seq",
    message("id")
    "INSERT INTO message (id, conversation_id, seq, author, email, name, body, request_id,
         delivery, delivery_key, created_at, sent_at)
     SELECT $14, id, last_seq, $15, $16, $17, $18, $19, $20, $21, $8, $22
     FROM conversation WHERE id = $4 AND $14 IS NOT NULL
       AND EXISTS (SELECT 1 FROM inbox WHERE job_id = $6)
     ON CONFLICT DO NOTHING",
    request("id")
    "INSERT INTO request (id, conversation_id, requester, text, state, redactions, received_at)
     SELECT $23, $4, $24, $25, $26, $27, $28
     WHERE $23 IS NOT NULL AND EXISTS (SELECT 1 FROM inbox WHERE job_id = $6)
     ON CONFLICT (id) DO NOTHING",
    job("id, state")
    "INSERT INTO job (id, kind, lane, payload, priority, state, run_at, lease_until, lease_by,
         attempt, max_attempts, dedupe, created_at)
     SELECT $6, $29, $30, $31, $32, CASE WHEN at_once THEN 'running' ELSE 'ready' END, $33,
         CASE WHEN at_once THEN $39 END, CASE WHEN at_once THEN $38 END,
         CASE WHEN at_once THEN 1 ELSE 0 END, $34, $35, $8
     FROM (SELECT $38 IS NOT NULL AND $13 = 1 AND last_seq = 1 AS at_once
           FROM conversation WHERE id = $4) n
     WHERE EXISTS (SELECT 1 FROM inbox WHERE job_id = $6)
     ON CONFLICT DO NOTHING";
    "SELECT last_seq, (SELECT body_hash FROM idempotency WHERE email = $12 AND name = $36),
         COALESCE((SELECT state FROM job WHERE id = $6), '')
     FROM conversation
     WHERE id = $4 AND EXISTS (SELECT 1 FROM inbox WHERE job_id = $6)"
);

impl Tx {
    /// The answer to an event that was there already.
    async fn accepted_before(
        mut self,
        event: &ChatEvent,
        key: Option<&RepeatKey>,
    ) -> Result<Option<Accepted>> {
        let (conversation_id, request_id, hash): (String, Option<String>, Option<String>) =
            on!(self, |c| sqlx::query_as(
                "SELECT conversation_id, request_id,
                     (SELECT body_hash FROM idempotency WHERE email = $4 AND name = $5)
                 FROM inbox WHERE platform = $1 AND tenant = $2 AND event_id = $3",
            )
            .bind(event.conversation.platform.as_str())
            .bind(&event.conversation.tenant)
            .bind(&event.event_id)
            .bind(lower(&event.from.email))
            .bind(key.map(|k| &k.key))
            .fetch_one(c)
            .await?);
        self.rollback().await?;
        let accepted = Accepted { conversation_id, request_id, duplicate: true, job: None };
        Ok((!other_body(key, hash.as_deref())).then_some(accepted))
    }
}

/// Whether the key stands for another body than the one sent now.
fn other_body(key: Option<&RepeatKey>, kept: Option<&str>) -> bool {
    key.is_some_and(|key| kept.is_some_and(|kept| kept != key.body_hash))
}

/// Ties attachments the sender stored before to the message they came with.
async fn attach(
    tx: &mut Tx,
    ids: &[String],
    message: &NewMessage,
    conversation: &str,
    email: &str,
) -> Result<()> {
    for id in ids {
        exec!(
            tx,
            sqlx::query(
                "UPDATE attachment SET conversation_id = $2, message_id = $3
             WHERE id = $1 AND email = $4 AND message_id IS NULL",
            )
            .bind(id)
            .bind(conversation)
            .bind(&message.id)
            .bind(email)
        );
    }
    Ok(())
}
