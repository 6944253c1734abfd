//! Changing a ticket's fields: one event per field, and a correction when it teaches.

use serde::Serialize;

use super::encode::{json, word};
use super::people::lower;
use super::records::{NewJob, NewMessage, Ticket, TicketEvent, TicketPatch, Written};
use super::ticket_rows::TicketDb;
use super::{Result, Store, Tx};

/// Fields whose change by an owner teaches the local engine.
const TAUGHT: [&str; 6] = ["kind", "system", "team", "impact", "urgency", "priority"];

/// One field as it was and as it is.
struct Change {
    field: String,
    from: Option<String>,
    to: Option<String>,
}

impl Store {
    /// Applies a patch. With `expected_version`, only if nobody changed the ticket since.
    /// `teaches`: an owner's change of what the ticket is; then a correction is kept and
    /// the ticket counts as reviewed. A patch that changes nothing writes nothing.
    #[expect(clippy::too_many_arguments, reason = "everything one change brings, at once")]
    pub async fn patch_ticket(
        &self,
        key: &str,
        expected_version: Option<i64>,
        patch: &TicketPatch,
        by: &str,
        teaches: bool,
        notify: Vec<NewMessage>,
        jobs: Vec<NewJob>,
        now: i64,
    ) -> Result<Written<Ticket>> {
        let by = lower(by);
        let mut tx = self.begin().await?;
        // Raising the version first locks the row against everyone else.
        let row: Option<TicketDb> = on!(tx, |c| sqlx::query_as(
            "UPDATE ticket SET version = version + 1 WHERE key = $1 RETURNING *"
        )
        .bind(key)
        .fetch_optional(c)
        .await?);
        let Some(before) = row.map(TicketDb::record).transpose()? else {
            tx.rollback().await?;
            return Ok(Written::NotFound);
        };
        let version = before.version - 1;
        if expected_version.is_some_and(|expected| expected != version) {
            tx.rollback().await?;
            return Ok(Written::Stale(version));
        }
        let (mut after, changes) = apply(&before, patch);
        if changes.is_empty() {
            tx.rollback().await?;
            return Ok(Written::Done(Ticket { version, ..before }));
        }
        if before.status.is_open() != after.status.is_open() {
            after.resolved_at = (!after.status.is_open()).then_some(now);
        }
        let taught = teaches && changes.iter().any(|c| TAUGHT.contains(&c.field.as_str()));
        if taught {
            after.reviewed_by = Some(by.clone());
        }
        tx.write_fields(&after, now).await?;
        for change in changes {
            let teaches = taught && TAUGHT.contains(&change.field.as_str());
            let event = TicketEvent::Changed {
                field: change.field,
                from: change.from,
                to: change.to,
                teaches,
            };
            tx.event(key, &event, &by, false, now).await?;
        }
        if taught {
            tx.correct(&before, &after, &by, now).await?;
        }
        tx.follow_up(&notify, &jobs, now).await?;
        tx.written(key).await
    }
}

/// The ticket with the patch laid over it, and what that changes.
fn apply(before: &Ticket, patch: &TicketPatch) -> (Ticket, Vec<Change>) {
    let mut after = before.clone();
    let mut changes = Vec::new();
    macro_rules! set {
        ($field:ident) => {
            if let Some(to) = &patch.$field
                && *to != before.$field
            {
                changes.push(Change {
                    field: stringify!($field).into(),
                    from: Some(shown(&before.$field)),
                    to: Some(shown(to)),
                });
                after.$field = to.clone();
            }
        };
    }
    macro_rules! set_or_clear {
        ($field:ident) => {
            if let Some(to) = &patch.$field {
                let to = Some(to.trim().to_owned()).filter(|to| !to.is_empty());
                if to != before.$field {
                    changes.push(Change {
                        field: stringify!($field).into(),
                        from: before.$field.clone(),
                        to: to.clone(),
                    });
                    after.$field = to;
                }
            }
        };
    }
    set!(kind);
    set_or_clear!(system);
    set_or_clear!(team);
    set!(impact);
    set!(urgency);
    set!(priority);
    set!(status);
    set_or_clear!(assignee);
    set!(summary);
    for (name, value) in patch.fields.iter().flatten() {
        let from = before.fields.get(name).cloned();
        let to = Some(value.clone()).filter(|to| !to.trim().is_empty());
        if from != to {
            match &to {
                Some(value) => after.fields.insert(name.clone(), value.clone()),
                None => after.fields.remove(name),
            };
            changes.push(Change { field: name.clone(), from, to });
        }
    }
    (after, changes)
}

fn shown<T: Serialize>(value: &T) -> String {
    word(value)
}

impl Tx {
    async fn write_fields(&mut self, ticket: &Ticket, now: i64) -> Result<()> {
        let fields = json(&ticket.fields)?;
        exec!(
            self,
            sqlx::query(
                "UPDATE ticket SET kind = $2, system = $3, team = $4, impact = $5, urgency = $6,
                     priority = $7, status = $8, assignee = $9, summary = $10, fields = $11,
                     reviewed_by = $12, resolved_at = $13, updated_at = $14
                 WHERE key = $1",
            )
            .bind(&ticket.key)
            .bind(word(ticket.kind))
            .bind(&ticket.system)
            .bind(&ticket.team)
            .bind(word(ticket.impact))
            .bind(word(ticket.urgency))
            .bind(word(ticket.priority))
            .bind(word(ticket.status))
            .bind(&ticket.assignee)
            .bind(&ticket.summary)
            .bind(fields)
            .bind(&ticket.reviewed_by)
            .bind(ticket.resolved_at)
            .bind(now)
        );
        Ok(())
    }
}
