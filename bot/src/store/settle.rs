//! Settling a request: everything it changes, in one transaction, if the lease still
//! holds.

use firstline_core::chat::Message;

use super::encode::{json, word};
use super::records::{AssessmentRow, KEY_PLACEHOLDER, LeasedJob, Settlement, TicketEvent};
use super::{Live, LiveKind, Result, Store, Tx};

/// What settling made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// The ticket filed now, or by an earlier try.
    pub ticket_key: Option<String>,
}

impl Store {
    /// Writes a settlement and ends its job. `None` when the lease was lost: then nothing
    /// is written.
    pub async fn settle(
        &self,
        job: &LeasedJob,
        settlement: Settlement,
        now: i64,
    ) -> Result<Option<Settled>> {
        let mut tx = self.begin_behind().await?;
        // Ending the job first both checks the lease and locks it.
        if !tx.finish(job).await? {
            tx.rollback().await?;
            return Ok(None);
        }
        let mut request = settlement.request;
        let mut messages = settlement.messages;
        let mut ticket_key = None;
        if let Some(ticket) = &settlement.ticket {
            let key = tx.file_once(ticket, &request.requester, now).await?;
            messages.iter_mut().for_each(|message| put_key(&mut message.body, &key));
            if let Some(answer) = &mut request.answer {
                put_key(answer, &key);
            }
            request.ticket_key = Some(key.clone());
            tx.tell(Live {
                conversation_id: request.conversation_id.clone(),
                kind: LiveKind::Ticket { key: key.clone() },
            });
            ticket_key = Some(key);
        }
        let decision = request.decision.as_ref().map(json).transpose()?;
        let answer = request.answer.as_ref().map(json).transpose()?;
        exec!(tx, sqlx::query(
            "UPDATE request SET state = $2, kind = $3, system = $4, confidence = $5, action = $6,
                 abstained = $7, answerable = $8, decision = $9, answer = $10, ticket_key = $11,
                 verdict = COALESCE($12, verdict), redactions = $13, settled_at = $14,
                 text = $15
             WHERE id = $1",
        )
        .bind(&request.id)
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
        .bind(&request.text));
        for assessment in &settlement.assessments {
            insert_assessment(&mut tx, assessment).await?;
        }
        if settlement.hand_over || settlement.title.is_some() {
            exec!(
                tx,
                sqlx::query(
                    "UPDATE conversation SET handed_over = (handed_over OR $2),
                     title = CASE WHEN title = '' THEN COALESCE($3, '') ELSE title END
                 WHERE id = $1",
                )
                .bind(&request.conversation_id)
                .bind(settlement.hand_over)
                .bind(&settlement.title)
            );
        }
        tx.say(&messages, now).await?;
        for document in &settlement.cited_documents {
            exec!(
                tx,
                sqlx::query(
                    "INSERT INTO citation (request_id, document_id, at) VALUES ($1, $2, $3)
                 ON CONFLICT DO NOTHING",
                )
                .bind(&request.id)
                .bind(document)
                .bind(now)
            );
        }
        for (key, text) in &settlement.comments {
            let comment = TicketEvent::Comment { text: text.clone() };
            tx.event(key, &comment, &request.requester, false, now).await?;
            tx.tell_ticket(key).await?;
        }
        for job in &settlement.jobs {
            tx.enqueue(job, now).await?;
        }
        exec!(
            tx,
            sqlx::query("UPDATE inbox SET settled_at = $2 WHERE job_id = $1")
                .bind(&job.id)
                .bind(now)
        );
        tx.commit().await?;
        Ok(Some(Settled { ticket_key }))
    }
}

/// Puts the ticket's key where the message left room for it.
fn put_key(message: &mut Message, key: &str) {
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
