//! What the requests say about the service: gaps in what it knows, and outcomes.

use firstline_core::chat::Verdict;

use super::encode::of_word;
use super::records::{Gap, Outcomes};
use super::{Result, Store};

/// After an answer, silence for this long counts as assumed help.
const ASSUMED_AFTER_MS: i64 = 24 * 60 * 60 * 1000;

impl Store {
    /// Milliseconds from acceptance to settlement of every request settled aloud.
    pub async fn reply_times(&self) -> Result<Vec<i64>> {
        Ok(read!(self, |c| sqlx::query_scalar(
            "SELECT settled_at - received_at FROM request WHERE settled_at IS NOT NULL
             AND NOT EXISTS (SELECT 1 FROM unsaid u WHERE u.request_id = request.id)"
        )
        .fetch_all(c)
        .await?))
    }

    /// Requests that found no answer, newest first. For owners: it tells apart what
    /// requesters are told in the same words.
    pub async fn gaps(&self, limit: i64) -> Result<Vec<Gap>> {
        type Row = (String, String, Option<String>, String, Option<String>, i64);
        let rows: Vec<Row> = read!(self, |c| sqlx::query_as(
            "SELECT id, text, system, abstained, ticket_key, received_at FROM request
             WHERE abstained IS NOT NULL ORDER BY received_at DESC, id DESC LIMIT $1",
        )
        .bind(limit)
        .fetch_all(c)
        .await?);
        rows.into_iter()
            .map(|(request_id, text, system, reason, ticket_key, at)| {
                Ok(Gap { request_id, text, system, reason: of_word(reason)?, ticket_key, at })
            })
            .collect()
    }

    /// What the requester said of an answer; `false` when there is no such request.
    pub async fn set_verdict(&self, request_id: &str, verdict: Verdict, _now: i64) -> Result<bool> {
        let mut tx = self.begin().await?;
        let set = exec!(
            tx,
            sqlx::query("UPDATE request SET verdict = $2 WHERE id = $1")
                .bind(request_id)
                .bind(verdict.as_str())
        );
        tx.commit().await?;
        Ok(set > 0)
    }

    /// Outcomes of the requests received from `since` until `now`. An answer nobody
    /// judged counts as assumed help after a day, unless the person asked again in the
    /// same conversation; each answered request is counted once, or not yet. What
    /// was not said counts as nothing until it is posted.
    pub async fn outcomes(&self, since: i64, now: i64) -> Result<Outcomes> {
        let row: (i64, i64, i64, i64, i64, i64) = read!(self, |c| sqlx::query_as(
            "SELECT
               COALESCE(sum(CASE WHEN answered THEN 1 ELSE 0 END), 0),
               COALESCE(sum(CASE WHEN answered AND verdict = 'solved' THEN 1 ELSE 0 END), 0),
               COALESCE(sum(CASE WHEN answered AND verdict IS NULL AND ticket_key IS NULL
                             AND NOT again AND received_at <= $2 THEN 1 ELSE 0 END), 0),
               COALESCE(sum(CASE WHEN answered AND verdict IS NULL AND ticket_key IS NULL
                             AND again THEN 1 ELSE 0 END), 0),
               COALESCE(sum(CASE WHEN action = 'handover' OR (answered AND ticket_key IS NOT NULL)
                             THEN 1 ELSE 0 END), 0),
               COALESCE(sum(CASE WHEN ticket_key IS NOT NULL THEN 1 ELSE 0 END), 0)
             FROM (SELECT r.*, COALESCE(r.action = 'answer', 1 = 0) AS answered,
                     EXISTS (SELECT 1 FROM request n WHERE n.conversation_id = r.conversation_id
                         AND n.received_at > r.received_at
                         AND COALESCE(n.kind, 'question') <> 'none') AS again
                   FROM request r WHERE r.received_at >= $1 AND r.state = 'settled'
                     AND NOT EXISTS (SELECT 1 FROM unsaid u
                         WHERE u.request_id = r.id AND u.state <> 'posted')) counted",
        )
        .bind(since)
        .bind(now - ASSUMED_AFTER_MS)
        .fetch_one(c)
        .await?);
        let (answered, confirmed, assumed, asked_again, escalated, filed) = row;
        Ok(Outcomes { answered, confirmed, assumed, asked_again, escalated, filed })
    }
}
