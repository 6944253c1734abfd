//! Settling a request: everything it changes, in one transaction, if the lease still
//! holds.

use firstline_core::chat::Message;

use super::db::Together;
use super::encode::{json, word};
use super::people::lower;
use super::records::{
    AssessmentRow, Delivery, KEY_PLACEHOLDER, LeasedJob, MessageRow, Reply, RequestRow, Settlement,
    TicketEvent,
};
use super::{Live, LiveKind, Result, Store, Tx};

/// What settling made.
#[derive(Debug, Clone, PartialEq)]
pub struct Settled {
    /// The ticket filed now, or by an earlier try.
    pub ticket_key: Option<String>,
    /// The reply, to be delivered by whoever settled. `None` when there is none, when it was
    /// given before, or when another of the conversation is still on its way: then it stands
    /// in the queue behind that.
    pub delivery: Option<Delivery>,
}

/// Ends job $1 held under ($2, $3) and makes room for $6 messages in conversation $5; whether
/// another job of the lane ($4) waits behind, and the last place in the conversation. The
/// conversation is locked first, so that whoever else speaks in it comes before or after
/// all of this.
const END: Together = together!(
    conversation("id, last_seq")
    "UPDATE conversation SET last_seq = last_seq + $6,
         updated_at = CASE WHEN $6 > 0 THEN $7 ELSE updated_at END,
         handed_over = (handed_over OR $8),
         title = CASE WHEN title = '' THEN COALESCE($9, '') ELSE title END
     WHERE id = $5 AND EXISTS (SELECT 1 FROM job
         WHERE id = $1 AND lease_by = $2 AND attempt = $3 AND state = 'running')";
    "DELETE FROM job WHERE id = $1 AND lease_by = $2 AND attempt = $3 AND state = 'running'
     RETURNING EXISTS (SELECT 1 FROM job o WHERE o.lane = $4 AND o.id <> $1
             AND o.state = 'ready'),
         (SELECT c.last_seq FROM conversation c WHERE c.id = $5)"
);

/// Writes what became of request $1, marks the event of job $2, keeps reading $18 and says
/// message $30 at its place. Its delivery belongs to whoever settles, unless another of its
/// lane is on its way; gives the state of the delivery, if the message is new.
const WRITE: Together = together!(
    inbox("job_id")
    "UPDATE inbox SET settled_at = $3 WHERE job_id = $2",
    request("id")
    "UPDATE request SET state = $4, kind = $5, system = $6, confidence = $7, action = $8,
         abstained = $9, answerable = $10, decision = $11, answer = COALESCE($12, answer),
         ticket_key = COALESCE($13, ticket_key),
         verdict = COALESCE($14, verdict), redactions = $15, settled_at = $16, text = $17
     WHERE id = $1",
    assessment("id")
    "INSERT INTO assessment (id, request_id, engine, prompt_hash, input_hash, passages, result,
         failure, chosen, duration_ms, tokens_in, tokens_out, created_at)
     SELECT $18, $1, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29
     WHERE $18 IS NOT NULL ON CONFLICT DO NOTHING",
    message("id, seq")
    "INSERT INTO message (id, conversation_id, seq, author, email, name, body, request_id,
         delivery, delivery_key, created_at, sent_at)
     SELECT $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $3, $40
     WHERE $30 IS NOT NULL ON CONFLICT DO NOTHING";
    "INSERT INTO job (id, kind, lane, payload, priority, state, run_at, lease_until, lease_by,
         attempt, max_attempts, dedupe, created_at)
     SELECT $41, $42, $43, $44, $45, CASE WHEN n.busy THEN 'ready' ELSE 'running' END, $46,
         CASE WHEN n.busy THEN NULL ELSE $47 END, CASE WHEN n.busy THEN NULL ELSE $48 END,
         CASE WHEN n.busy THEN 0 ELSE 1 END, $49, $50, $3
     FROM (SELECT EXISTS (SELECT 1 FROM job o WHERE o.lane = $43
         AND o.state IN ('ready', 'running')) AS busy) n
     WHERE EXISTS (SELECT 1 FROM message WHERE id = $30 AND seq = $32)
     ON CONFLICT DO NOTHING RETURNING state"
);

impl Store {
    /// Writes a settlement and ends its job. `None` when the lease was lost: then nothing
    /// is written.
    pub async fn settle(
        &self,
        job: &LeasedJob,
        settlement: Settlement,
        now: i64,
    ) -> Result<Option<Settled>> {
        let Settlement { mut request, assessments, ticket, mut reply, .. } = settlement;
        let mut tx = self.begin_behind().await?;
        // Ending the job first both checks the lease and locks it.
        let sql = tx.words(&END);
        let ended: Option<(bool, Option<i64>)> = on!(tx, |c| sqlx::query_as(sql)
            .bind(&job.id)
            .bind(&job.lease_by)
            .bind(job.attempt)
            .bind(&job.lane)
            .bind(&request.conversation_id)
            .bind(i64::from(reply.is_some()))
            .bind(now)
            .bind(settlement.hand_over)
            .bind(&settlement.title)
            .fetch_optional(c)
            .await?);
        let Some((behind, seq)) = ended else {
            tx.rollback().await?;
            return Ok(None);
        };
        tx.lane_freed(behind);
        if let Some(ticket) = &ticket {
            let key = tx.file_once(ticket, &request.requester, now).await?;
            if let Some(reply) = &mut reply {
                put_key(&mut reply.message.body, &key);
            }
            if let Some(answer) = &mut request.answer {
                put_key(answer, &key);
            }
            tx.tell(Live {
                conversation_id: request.conversation_id.clone(),
                kind: LiveKind::Ticket { key: key.clone() },
            });
            request.ticket_key = Some(key);
        }
        // Nobody is left to hear of it when the conversation is gone.
        let reply = reply.zip(seq);
        let delivery = tx.write(&request, &assessments, reply, job, now).await?;
        tx.cite(&request.id, &settlement.cited_documents, now).await?;
        for (key, text) in &settlement.comments {
            let comment = TicketEvent::Comment { text: text.clone() };
            tx.event(key, &comment, &request.requester, false, now).await?;
        }
        if let Some(unsaid) = &settlement.unsaid {
            tx.keep_unsaid(&request.id, &request.conversation_id, unsaid).await?;
        }
        tx.commit().await?;
        let ticket_key = ticket.and(request.ticket_key);
        Ok(Some(Settled { ticket_key, delivery }))
    }
}

impl Tx {
    /// Notes that a reply to a request cites these documents.
    pub(super) async fn cite(
        &mut self,
        request: &str,
        documents: &[String],
        now: i64,
    ) -> Result<()> {
        for document in documents {
            exec!(
                self,
                sqlx::query(
                    "INSERT INTO citation (request_id, document_id, at) VALUES ($1, $2, $3)
                 ON CONFLICT DO NOTHING",
                )
                .bind(request)
                .bind(document)
                .bind(now)
            );
        }
        Ok(())
    }

    /// Writes the request with its readings and says the reply at its place; its delivery,
    /// if the holder of `job` is to carry it out now.
    async fn write(
        &mut self,
        request: &RequestRow,
        readings: &[AssessmentRow],
        reply: Option<(Reply, i64)>,
        job: &LeasedJob,
        now: i64,
    ) -> Result<Option<Delivery>> {
        let (reading, others) = match readings.split_last() {
            Some((last, others)) => (Some(last), others),
            None => (None, readings),
        };
        for other in others {
            insert_assessment(self, other).await?;
        }
        let message = reply.as_ref().map(|(reply, _)| &reply.message);
        let deliver = reply.as_ref().map(|(reply, _)| &reply.delivery);
        let (delivery, sent_at) =
            message.map(|m| super::messages::delivery(m, now)).unwrap_or_default();
        let sql = self.words(&WRITE);
        let decision = request.decision.as_ref().map(json).transpose()?;
        let answer = request.answer.as_ref().map(json).transpose()?;
        let passages = reading.map(|r| json(&r.passages)).transpose()?;
        let result = reading.and_then(|r| r.result.as_ref()).map(json).transpose()?;
        let body = message.map(|m| json(&m.body)).transpose()?;
        let state: Option<String> = on!(self, |c| sqlx::query_scalar(sql)
            .bind(&request.id)
            .bind(&job.id)
            .bind(now)
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
            .bind(request.settled_at)
            .bind(&request.text)
            .bind(reading.map(|r| &r.id))
            .bind(reading.map(|r| &r.engine))
            .bind(reading.map(|r| &r.prompt_hash))
            .bind(reading.map(|r| &r.input_hash))
            .bind(passages)
            .bind(result)
            .bind(reading.and_then(|r| r.failure.as_ref()))
            .bind(reading.map(|r| r.chosen))
            .bind(reading.map(|r| r.duration_ms))
            .bind(reading.map(|r| r.tokens_in))
            .bind(reading.map(|r| r.tokens_out))
            .bind(reading.map(|r| r.created_at))
            .bind(message.map(|m| &m.id))
            .bind(message.map(|m| &m.conversation_id))
            .bind(reply.as_ref().map(|(_, seq)| *seq))
            .bind(message.map(|m| word(m.author)))
            .bind(message.map(|m| lower(&m.email)))
            .bind(message.map(|m| &m.name))
            .bind(body)
            .bind(message.and_then(|m| m.request_id.as_ref()))
            .bind(delivery)
            .bind(message.map(|m| &m.delivery_key))
            .bind(sent_at)
            .bind(deliver.map(|d| &d.id))
            .bind(deliver.map(|d| d.kind))
            .bind(deliver.map(|d| &d.lane))
            .bind(deliver.map(|d| &d.payload))
            .bind(deliver.map(|d| d.priority))
            .bind(deliver.map(|d| d.run_at))
            .bind(reply.as_ref().map(|(reply, _)| reply.lease_until))
            .bind(&job.lease_by)
            .bind(deliver.map(|d| d.max_attempts))
            .bind(deliver.and_then(|d| d.dedupe.as_ref()))
            .fetch_optional(c)
            .await?);
        let Some(((Reply { message, delivery, .. }, seq), state)) = reply.zip(state) else {
            return Ok(None);
        };
        self.tell(Live {
            conversation_id: message.conversation_id.clone(),
            kind: LiveKind::Message { seq },
        });
        if state != "running" {
            self.wake();
            return Ok(None);
        }
        let job = delivery.held_by(&job.lease_by, now);
        let message = MessageRow {
            id: message.id,
            conversation_id: message.conversation_id,
            seq,
            author: message.author,
            email: lower(&message.email),
            name: message.name,
            body: message.body,
            request_id: message.request_id,
            created_at: now,
            sent_at,
            attachments: Vec::new(),
        };
        Ok(Some(Delivery { job, message }))
    }
}

/// Puts the ticket's key where the message left room for it.
pub(super) fn put_key(message: &mut Message, key: &str) {
    message.text = message.text.replace(KEY_PLACEHOLDER, key);
    if message.ticket.as_deref() == Some(KEY_PLACEHOLDER) {
        message.ticket = Some(key.to_owned());
    }
}

async fn insert_assessment(tx: &mut Tx, row: &AssessmentRow) -> Result<()> {
    let passages = json(&row.passages)?;
    let result = row.result.as_ref().map(json).transpose()?;
    exec!(tx, sqlx::query(
        "INSERT INTO assessment (id, request_id, engine, prompt_hash, input_hash, passages, result,
             failure, chosen, duration_ms, tokens_in, tokens_out, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT DO NOTHING",
    )
    .bind(&row.id)
    .bind(&row.request_id)
    .bind(&row.engine)
    .bind(&row.prompt_hash)
    .bind(&row.input_hash)
    .bind(passages)
    .bind(result)
    .bind(&row.failure)
    .bind(row.chosen)
    .bind(row.duration_ms)
    .bind(row.tokens_in)
    .bind(row.tokens_out)
    .bind(row.created_at));
    Ok(())
}
