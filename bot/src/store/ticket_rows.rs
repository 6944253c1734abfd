//! Ticket rows: reading them, filing them, and their events.

use firstline_core::ticket;

use super::db::Together;
use super::encode::{json, of_json, of_word, word};
use super::people::lower;
use super::records::{NewTicket, Ticket, TicketEvent};
use super::{Live, LiveKind, Result, Tx, new_id};

/// The counter ticket numbers come from.
pub(super) const NUMBERS: &str = "ticket";

#[derive(sqlx::FromRow)]
pub(super) struct TicketDb {
    pub(super) number: i64,
    key: String,
    kind: String,
    system: Option<String>,
    team: Option<String>,
    impact: String,
    urgency: String,
    priority: String,
    status: String,
    requester: String,
    assignee: Option<String>,
    summary: String,
    text: String,
    fields: String,
    language: String,
    sentiment: String,
    pub(super) confidence: f64,
    confidential: bool,
    conversation_id: Option<String>,
    request_id: Option<String>,
    merged_into: Option<String>,
    version: i64,
    reviewed_by: Option<String>,
    created_at: i64,
    updated_at: i64,
    resolved_at: Option<i64>,
}

impl TicketDb {
    pub(super) fn record(self) -> Result<Ticket> {
        Ok(Ticket {
            key: self.key,
            kind: of_word(self.kind)?,
            system: self.system,
            team: self.team,
            impact: of_word(self.impact)?,
            urgency: of_word(self.urgency)?,
            priority: of_word(self.priority)?,
            status: of_word(self.status)?,
            requester: self.requester,
            assignee: self.assignee,
            summary: self.summary,
            text: self.text,
            fields: of_json(&self.fields)?,
            language: self.language,
            sentiment: of_word(self.sentiment)?,
            confidence: self.confidence,
            confidential: self.confidential,
            conversation_id: self.conversation_id,
            request_id: self.request_id,
            merged_into: self.merged_into,
            version: self.version,
            reviewed_by: self.reviewed_by,
            created_at: self.created_at,
            updated_at: self.updated_at,
            resolved_at: self.resolved_at,
        })
    }
}

/// A ticket and the event of its filing.
const FILE: Together = together!(
    ticket("number")
    "INSERT INTO ticket (number, key, kind, system, team, impact, urgency, priority, status,
         requester, summary, text, fields, language, sentiment, confidence, confidential,
         conversation_id, request_id, version, created_at, updated_at, resolved_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
         $19, 1, $20, $21, $22)";
    "INSERT INTO ticket_event (id, ticket_key, at, actor, kind, internal, data)
     VALUES ($23, $2, $24, $25, $26, FALSE, $27)"
);

/// The columns `kind` and `data` of an event.
fn event_data(event: &TicketEvent) -> Result<(String, String)> {
    let data = serde_json::to_value(event)
        .map_err(|e| super::StoreError::Other(format!("An event could not be written: {e}")))?;
    Ok((data["type"].as_str().unwrap_or_default().to_owned(), data.to_string()))
}

impl Tx {
    /// Files a ticket unless its request has one already; its key either way.
    pub(super) async fn file_once(
        &mut self,
        ticket: &NewTicket,
        by: &str,
        now: i64,
    ) -> Result<String> {
        let Some(number) = self.ticket_number(ticket.request_id.as_deref()).await? else {
            return Ok(on!(self, |c| sqlx::query_scalar(
                "SELECT key FROM ticket WHERE request_id = $1"
            )
            .bind(&ticket.request_id)
            .fetch_one(c)
            .await?));
        };
        let key = ticket::key(number);
        let fields = json(&ticket.fields)?;
        let filed = event_data(&TicketEvent::Filed)?;
        let sql = self.words(&FILE);
        exec!(
            self,
            sqlx::query(sql)
                .bind(number)
                .bind(&key)
                .bind(word(ticket.kind))
                .bind(&ticket.system)
                .bind(&ticket.team)
                .bind(word(ticket.impact))
                .bind(word(ticket.urgency))
                .bind(word(ticket.priority))
                .bind(word(ticket.status))
                .bind(lower(&ticket.requester))
                .bind(&ticket.summary)
                .bind(&ticket.text)
                .bind(fields)
                .bind(&ticket.language)
                .bind(word(ticket.sentiment))
                .bind(ticket.confidence)
                .bind(ticket.confidential)
                .bind(&ticket.conversation_id)
                .bind(&ticket.request_id)
                .bind(ticket.created_at)
                .bind(ticket.resolved_at.unwrap_or(ticket.created_at))
                .bind(ticket.resolved_at)
                .bind(new_id())
                .bind(ticket.created_at.min(now))
                .bind(by)
                .bind(filed.0)
                .bind(filed.1)
        );
        for id in &ticket.attachments {
            let name: Option<String> = on!(self, |c| sqlx::query_scalar(
                "UPDATE attachment SET ticket_key = $2 WHERE id = $1 RETURNING name"
            )
            .bind(id)
            .bind(&key)
            .fetch_optional(c)
            .await?);
            if let Some(name) = name {
                self.event(&key, &TicketEvent::Attached { name }, by, false, now).await?;
            }
        }
        Ok(key)
    }

    /// The number of a new ticket; `None` when its request has one already.
    async fn ticket_number(&mut self, request: Option<&str>) -> Result<Option<i64>> {
        Ok(on!(self, |c| sqlx::query_scalar(
            "INSERT INTO counter (name, value)
             SELECT $1, 1 WHERE NOT EXISTS (SELECT 1 FROM ticket WHERE request_id = $2)
             ON CONFLICT (name) DO UPDATE SET value = counter.value + excluded.value
             RETURNING value",
        )
        .bind(NUMBERS)
        .bind(request)
        .fetch_optional(c)
        .await?))
    }

    /// Records what happened to a ticket and tells those who watch its conversation; the
    /// event's id.
    pub(super) async fn event(
        &mut self,
        key: &str,
        event: &TicketEvent,
        actor: &str,
        internal: bool,
        at: i64,
    ) -> Result<String> {
        let id = new_id();
        let (kind, data) = event_data(event)?;
        let conversation: Option<String> = on!(self, |c| sqlx::query_scalar(
            "INSERT INTO ticket_event (id, ticket_key, at, actor, kind, internal, data)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             RETURNING (SELECT conversation_id FROM ticket WHERE key = $2)",
        )
        .bind(&id)
        .bind(key)
        .bind(at)
        .bind(actor)
        .bind(kind)
        .bind(internal)
        .bind(data)
        .fetch_one(c)
        .await?);
        if let Some(conversation_id) = conversation {
            self.tell(Live { conversation_id, kind: LiveKind::Ticket { key: key.into() } });
        }
        Ok(id)
    }
}
