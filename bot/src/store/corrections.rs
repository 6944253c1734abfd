//! What teaches: owners' corrections, and tickets whose labels people have agreed with.

use firstline_core::triage::Example;
use serde_json::json;

use super::encode::{of_word, word};
use super::people::lower;
use super::records::{Correction, Ticket};
use super::{Result, Store, Tx};

const IDS: &str = "correction";
/// Counts corrections and reversals, so that a changed number means: learn again.
pub(super) const STAMP: &str = "correction_stamp";

#[derive(sqlx::FromRow)]
struct CorrectionDb {
    id: i64,
    ticket_key: String,
    text: String,
    kind: String,
    system: Option<String>,
    impact: String,
    urgency: String,
    by_email: String,
    at: i64,
    reverted_at: Option<i64>,
}

impl CorrectionDb {
    fn record(self) -> Result<Correction> {
        Ok(Correction {
            id: self.id,
            ticket_key: self.ticket_key,
            text: self.text,
            kind: of_word(self.kind)?,
            system: self.system,
            impact: of_word(self.impact)?,
            urgency: of_word(self.urgency)?,
            by_email: self.by_email,
            at: self.at,
            reverted_at: self.reverted_at,
        })
    }
}

impl Store {
    /// What is to be learned: of each ticket the last correction that was not reverted,
    /// oldest first. Confidential and erased tickets teach nobody.
    pub async fn corrections(&self) -> Result<Vec<Correction>> {
        let rows: Vec<CorrectionDb> = read!(self, |c| sqlx::query_as(
            "SELECT o.* FROM correction o JOIN ticket t ON t.key = o.ticket_key
             WHERE o.reverted_at IS NULL AND o.text <> '' AND NOT t.confidential
               AND NOT EXISTS (SELECT 1 FROM correction n WHERE n.ticket_key = o.ticket_key
                   AND n.id > o.id AND n.reverted_at IS NULL)
             ORDER BY o.id",
        )
        .fetch_all(c)
        .await?);
        rows.into_iter().map(CorrectionDb::record).collect()
    }

    /// Every correction of a ticket, reverted ones too, oldest first.
    pub async fn corrections_of(&self, key: &str) -> Result<Vec<Correction>> {
        let rows: Vec<CorrectionDb> = read!(self, |c| sqlx::query_as(
            "SELECT * FROM correction WHERE ticket_key = $1 ORDER BY id"
        )
        .bind(key)
        .fetch_all(c)
        .await?);
        rows.into_iter().map(CorrectionDb::record).collect()
    }

    /// Stops a correction from teaching. The ticket stays as it is. `false` when there is
    /// none of this id or it is reverted already.
    pub async fn revert_correction(&self, id: i64, by: &str, now: i64) -> Result<bool> {
        let mut tx = self.begin().await?;
        let reverted = exec!(
            tx,
            sqlx::query(
                "UPDATE correction SET reverted_by = $2, reverted_at = $3
                 WHERE id = $1 AND reverted_at IS NULL",
            )
            .bind(id)
            .bind(lower(by))
            .bind(now)
        );
        if reverted > 0 {
            tx.corrections_changed().await?;
        }
        tx.commit().await?;
        Ok(reverted > 0)
    }

    /// Tickets people agreed with, by ending or by reviewing them, newest first.
    pub async fn labelled_tickets(&self, limit: i64) -> Result<Vec<Example>> {
        type Row = (String, String, Option<String>, String, String, String, String);
        let rows: Vec<Row> = read!(self, |c| sqlx::query_as(
            "SELECT text, kind, system, impact, urgency, sentiment, language FROM ticket
             WHERE NOT confidential AND text <> '' AND merged_into IS NULL
               AND (status IN ('resolved', 'closed') OR reviewed_by IS NOT NULL)
             ORDER BY number DESC LIMIT $1",
        )
        .bind(limit)
        .fetch_all(c)
        .await?);
        rows.into_iter()
            .map(|(text, kind, system, impact, urgency, sentiment, language)| {
                Ok(Example {
                    text,
                    kind: of_word(kind)?,
                    system,
                    impact: Some(of_word(impact)?),
                    urgency: Some(of_word(urgency)?),
                    sentiment: Some(of_word(sentiment)?),
                    language: Some(language),
                })
            })
            .collect()
    }
}

impl Tx {
    /// Keeps an owner's correction of a ticket.
    pub(super) async fn correct(
        &mut self,
        before: &Ticket,
        after: &Ticket,
        by: &str,
        now: i64,
    ) -> Result<()> {
        let id = self.next(IDS, 1).await?;
        self.corrections_changed().await?;
        let was = json!({
            "kind": before.kind, "system": before.system, "team": before.team,
            "impact": before.impact, "urgency": before.urgency, "priority": before.priority,
        });
        exec!(
            self,
            sqlx::query(
                "INSERT INTO correction (id, ticket_key, text, kind, system, impact, urgency, before,
                     by_email, at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            )
            .bind(id)
            .bind(&after.key)
            .bind(&after.text)
            .bind(word(after.kind))
            .bind(&after.system)
            .bind(word(after.impact))
            .bind(word(after.urgency))
            .bind(was.to_string())
            .bind(by)
            .bind(now)
        );
        Ok(())
    }

    pub(super) async fn corrections_changed(&mut self) -> Result<()> {
        self.next(STAMP, 1).await?;
        Ok(())
    }
}
