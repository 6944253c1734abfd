//! Tickets: filing, looking at one, commenting, merging. Changing fields is in
//! `ticket_patch`, lists are in `ticket_list`.

use firstline_core::ticket::Status;
use sqlx::QueryBuilder;

use super::encode::{of_json, word};
use super::people::lower;
use super::records::{
    NewJob, NewMessage, NewTicket, Ticket, TicketEvent, TicketEventRow, Viewer, Written,
};
use super::ticket_rows::{NUMBERS, TicketDb};
use super::{Result, Store, StoreError, Tx};

#[derive(sqlx::FromRow)]
struct EventDb {
    id: String,
    ticket_key: String,
    at: i64,
    actor: String,
    internal: bool,
    data: String,
}

/// Whether a person may see a ticket: their own, one they take part in, one of a team
/// they belong to; an admin sees all. Lists apply the same rule as a clause of their
/// query.
pub fn may_see(viewer: &Viewer, ticket: &Ticket, participants: &[String]) -> bool {
    viewer.is_admin()
        || ticket.requester == viewer.email
        || participants.contains(&viewer.email)
        || ticket.team.as_ref().is_some_and(|team| viewer.groups.contains(team))
}

impl Store {
    /// Files a ticket outside a conversation, or returns the one its request has.
    pub async fn file_ticket(&self, ticket: NewTicket, by: &str, now: i64) -> Result<Ticket> {
        let mut tx = self.begin().await?;
        let key = tx.file_once(&ticket, &lower(by), now).await?;
        let filed = tx.ticket(&key).await?;
        tx.commit().await?;
        filed.ok_or_else(|| StoreError::Other(format!("{key} could not be read back.")))
    }

    /// Files past tickets together, by their requesters; how many.
    pub async fn import_tickets(&self, tickets: Vec<NewTicket>) -> Result<usize> {
        let mut tx = self.begin().await?;
        for ticket in &tickets {
            tx.file_once(ticket, &lower(&ticket.requester), ticket.created_at).await?;
        }
        tx.commit().await?;
        Ok(tickets.len())
    }

    /// Any ticket; for the service itself. People go through [`Store::visible_ticket`].
    pub async fn ticket(&self, key: &str) -> Result<Option<Ticket>> {
        let row: Option<TicketDb> =
            read!(self, |c| sqlx::query_as("SELECT * FROM ticket WHERE key = $1")
                .bind(key)
                .fetch_optional(c)
                .await?);
        row.map(TicketDb::record).transpose()
    }

    /// The ticket if this person may see it: what is hidden and what does not exist look
    /// the same.
    pub async fn visible_ticket(&self, key: &str, viewer: &Viewer) -> Result<Option<Ticket>> {
        let Some(ticket) = self.ticket(key).await? else { return Ok(None) };
        let participants = self.participants(key).await?;
        Ok(may_see(viewer, &ticket, &participants).then_some(ticket))
    }

    /// What happened to a ticket, oldest first.
    pub async fn ticket_events(
        &self,
        key: &str,
        include_internal: bool,
    ) -> Result<Vec<TicketEventRow>> {
        let rows: Vec<EventDb> = read!(self, |c| sqlx::query_as(
            "SELECT id, ticket_key, at, actor, internal, data FROM ticket_event
             WHERE ticket_key = $1 AND ($2 OR NOT internal) ORDER BY at, id",
        )
        .bind(key)
        .bind(include_internal)
        .fetch_all(c)
        .await?);
        rows.into_iter()
            .map(|row| {
                Ok(TicketEventRow {
                    id: row.id,
                    ticket_key: row.ticket_key,
                    at: row.at,
                    actor: row.actor,
                    internal: row.internal,
                    event: of_json(&row.data)?,
                })
            })
            .collect()
    }

    /// Adds a comment, or a note for owners only; `None` when there is no such ticket.
    #[expect(clippy::too_many_arguments, reason = "everything one comment changes, at once")]
    pub async fn comment(
        &self,
        key: &str,
        by: &str,
        text: &str,
        internal: bool,
        notify: Vec<NewMessage>,
        jobs: Vec<NewJob>,
        now: i64,
    ) -> Result<Option<TicketEventRow>> {
        let mut tx = self.begin().await?;
        if exec!(
            tx,
            sqlx::query("UPDATE ticket SET updated_at = $2 WHERE key = $1").bind(key).bind(now)
        ) == 0
        {
            tx.rollback().await?;
            return Ok(None);
        }
        let text = text.to_owned();
        let event =
            if internal { TicketEvent::Note { text } } else { TicketEvent::Comment { text } };
        let actor = lower(by);
        let id = tx.event(key, &event, &actor, internal, now).await?;
        tx.follow_up(&notify, &jobs, now).await?;
        tx.commit().await?;
        Ok(Some(TicketEventRow { id, ticket_key: key.into(), at: now, actor, internal, event }))
    }

    /// Closes a ticket as part of another, whose participant its requester becomes.
    /// Refused when one of them is merged already, or both are the same.
    pub async fn merge(
        &self,
        key: &str,
        into: &str,
        by: &str,
        notify: Vec<NewMessage>,
        jobs: Vec<NewJob>,
        now: i64,
    ) -> Result<Written<Ticket>> {
        if key == into {
            return Err(StoreError::Conflict(format!("{key} cannot be merged into itself.")));
        }
        let mut tx = self.begin().await?;
        exec!(
            tx,
            sqlx::query(
                "UPDATE ticket SET version = version + 1, updated_at = $3 WHERE key IN ($1, $2)"
            )
            .bind(key)
            .bind(into)
            .bind(now)
        );
        let (Some(ticket), Some(target)) = (tx.ticket(key).await?, tx.ticket(into).await?) else {
            tx.rollback().await?;
            return Ok(Written::NotFound);
        };
        for one in [&ticket, &target] {
            if let Some(other) = &one.merged_into {
                let told = format!("{} is merged into {other}. Undo that first.", one.key);
                tx.rollback().await?;
                return Err(StoreError::Conflict(told));
            }
        }
        let by = lower(by);
        exec!(
            tx,
            sqlx::query(
                "UPDATE ticket SET merged_into = $2, status = $3, resolved_at = $4 WHERE key = $1"
            )
            .bind(key)
            .bind(into)
            .bind(word(Status::Closed))
            .bind(now)
        );
        if ticket.requester != target.requester {
            tx.add_participant(into, &ticket.requester).await?;
        }
        tx.event(key, &TicketEvent::MergedInto { key: into.into() }, &by, false, now).await?;
        tx.event(into, &TicketEvent::Absorbed { key: key.into() }, &by, false, now).await?;
        tx.follow_up(&notify, &jobs, now).await?;
        tx.written(key).await
    }

    /// Takes a merge back: the ticket is triaged again, and its requester leaves the other
    /// one unless another merge brought them there. `NotFound` when it was not merged.
    pub async fn unmerge(
        &self,
        key: &str,
        by: &str,
        notify: Vec<NewMessage>,
        jobs: Vec<NewJob>,
        now: i64,
    ) -> Result<Written<Ticket>> {
        let mut tx = self.begin().await?;
        let before = tx.ticket(key).await?;
        let Some((before, into)) = before.and_then(|t| t.merged_into.clone().map(|into| (t, into)))
        else {
            tx.rollback().await?;
            return Ok(Written::NotFound);
        };
        let by = lower(by);
        let undone = exec!(
            tx,
            sqlx::query(
                "UPDATE ticket SET merged_into = NULL, status = $2, resolved_at = NULL,
                     version = version + 1, updated_at = $3
                 WHERE key = $1 AND merged_into = $4",
            )
            .bind(key)
            .bind(word(Status::Triaged))
            .bind(now)
            .bind(&into)
        );
        if undone == 0 {
            tx.rollback().await?;
            return Ok(Written::NotFound);
        }
        exec!(
            tx,
            sqlx::query(
                "DELETE FROM ticket_participant WHERE ticket_key = $1 AND email = $2
                   AND NOT EXISTS (SELECT 1 FROM ticket
                       WHERE merged_into = $1 AND requester = $2)",
            )
            .bind(&into)
            .bind(&before.requester)
        );
        tx.event(key, &TicketEvent::Unmerged { key: into.clone() }, &by, false, now).await?;
        tx.event(&into, &TicketEvent::Unmerged { key: key.into() }, &by, false, now).await?;
        tx.follow_up(&notify, &jobs, now).await?;
        tx.written(key).await
    }

    /// Takes a ticket out of the review queue; `false` when there is none of this key.
    pub async fn mark_reviewed(&self, key: &str, by: &str, now: i64) -> Result<bool> {
        let by = lower(by);
        let mut tx = self.begin().await?;
        let marked = exec!(
            tx,
            sqlx::query(
                "UPDATE ticket SET reviewed_by = $2, updated_at = $3, version = version + 1
                 WHERE key = $1",
            )
            .bind(key)
            .bind(&by)
            .bind(now)
        );
        if marked > 0 {
            tx.event(key, &TicketEvent::Reviewed, &by, true, now).await?;
        }
        tx.commit().await?;
        Ok(marked > 0)
    }

    /// Lets a person see a ticket that is not theirs; `false` when they did already.
    pub async fn add_participant(&self, key: &str, email: &str) -> Result<bool> {
        let mut tx = self.begin().await?;
        let added = tx.add_participant(key, &lower(email)).await?;
        tx.commit().await?;
        Ok(added)
    }

    /// Addresses of those who take part beside the requester.
    pub async fn participants(&self, key: &str) -> Result<Vec<String>> {
        Ok(read!(self, |c| sqlx::query_scalar(
            "SELECT email FROM ticket_participant WHERE ticket_key = $1 ORDER BY email"
        )
        .bind(key)
        .fetch_all(c)
        .await?))
    }

    /// The highest ticket number given; 0 before the first.
    pub async fn last_ticket_number(&self) -> Result<i64> {
        let number: Option<i64> =
            read!(self, |c| sqlx::query_scalar("SELECT value FROM counter WHERE name = $1")
                .bind(NUMBERS)
                .fetch_optional(c)
                .await?);
        Ok(number.unwrap_or(0))
    }

    /// Tickets with a number above `number`, confidential ones too, for the similarity
    /// index. It must filter by permission before it ranks.
    pub async fn tickets_after(&self, number: i64) -> Result<Vec<(i64, Ticket)>> {
        let rows: Vec<TicketDb> = read!(self, |c| sqlx::query_as(
            "SELECT * FROM ticket WHERE number > $1 ORDER BY number"
        )
        .bind(number)
        .fetch_all(c)
        .await?);
        rows.into_iter().map(|row| Ok((row.number, row.record()?))).collect()
    }

    /// How many people other than `email` filed one of these tickets since then.
    pub async fn reporters_since(
        &self,
        keys: &[impl AsRef<str> + Sync],
        since: i64,
        email: &str,
    ) -> Result<i64> {
        if keys.is_empty() {
            return Ok(0);
        }
        Ok(read!(self, |c| {
            let mut q = QueryBuilder::new(
                "SELECT count(DISTINCT requester) FROM ticket WHERE created_at >= ",
            );
            q.push_bind(since).push(" AND requester <> ").push_bind(lower(email));
            q.push(" AND key IN (");
            let mut list = q.separated(", ");
            for key in keys {
                list.push_bind(key.as_ref().to_owned());
            }
            q.push(")");
            q.build_query_scalar().fetch_one(c).await?
        }))
    }
}

impl Tx {
    pub(super) async fn ticket(&mut self, key: &str) -> Result<Option<Ticket>> {
        let row: Option<TicketDb> =
            on!(self, |c| sqlx::query_as("SELECT * FROM ticket WHERE key = $1")
                .bind(key)
                .fetch_optional(c)
                .await?);
        row.map(TicketDb::record).transpose()
    }

    /// Commits and gives the ticket as it is now.
    pub(super) async fn written(mut self, key: &str) -> Result<Written<Ticket>> {
        let ticket = self.ticket(key).await?;
        self.commit().await?;
        Ok(ticket.map_or(Written::NotFound, Written::Done))
    }

    async fn add_participant(&mut self, key: &str, email: &str) -> Result<bool> {
        Ok(exec!(
            self,
            sqlx::query(
                "INSERT INTO ticket_participant (ticket_key, email) VALUES ($1, $2)
                 ON CONFLICT DO NOTHING",
            )
            .bind(key)
            .bind(email)
        ) > 0)
    }

    /// Says what a change makes known, and enqueues what follows from it.
    pub(super) async fn follow_up(
        &mut self,
        notify: &[NewMessage],
        jobs: &[NewJob],
        now: i64,
    ) -> Result<()> {
        self.say(notify, now).await?;
        for job in jobs {
            self.enqueue(job, now).await?;
        }
        Ok(())
    }
}
