//! What the flows ask while they gather: tickets by similarity's keys, how many people
//! reported the same, tickets filed since.

use super::records::{NewJob, NewMessage, Ticket};
use super::ticket_rows::TicketDb;
use super::{Result, Store};

/// The most keys one lookup takes.
pub const MAX_KEYS: usize = 20;

/// `keys`, cut or filled with empty ones to exactly [`MAX_KEYS`]: one prepared statement
/// serves every length.
fn padded<'k>(keys: impl Iterator<Item = &'k str>) -> Vec<&'k str> {
    keys.chain(std::iter::repeat("")).take(MAX_KEYS).collect()
}

impl Store {
    /// Tickets filed after number `after`, with their numbers, oldest first.
    pub async fn tickets_after(&self, after: i64) -> Result<Vec<(i64, Ticket)>> {
        let rows: Vec<TicketDb> =
            read!(self, |c| sqlx::query_as("SELECT * FROM ticket WHERE number > $1 ORDER BY number")
                .bind(after)
                .fetch_all(c)
                .await?);
        rows.into_iter().map(|row| Ok((row.number, row.record()?))).collect()
    }

    /// Tickets by key, without regard to who asks: for the index of similar tickets, which
    /// filters before it ranks. At most [`MAX_KEYS`]; unknown keys are left out.
    pub async fn tickets_by_key(&self, keys: &[&str]) -> Result<Vec<Ticket>> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let rows: Vec<TicketDb> = read!(self, |c| {
            let mut query = sqlx::query_as(
                "SELECT * FROM ticket WHERE key IN
                 ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18,$19,$20)",
            );
            for key in padded(keys.iter().copied()) {
                query = query.bind(key);
            }
            query.fetch_all(c).await?
        });
        rows.into_iter().map(TicketDb::record).collect()
    }

    /// How many people other than `besides` filed one of these tickets since `since`.
    pub async fn reporters_since(
        &self,
        keys: &[String],
        since: i64,
        besides: &str,
    ) -> Result<i64> {
        if keys.is_empty() {
            return Ok(0);
        }
        Ok(read!(self, |c| {
            let mut query = sqlx::query_scalar(
                "SELECT count(DISTINCT requester) FROM ticket WHERE key IN
                 ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18,$19,$20)
                 AND created_at >= $21 AND requester <> $22",
            );
            for key in padded(keys.iter().map(String::as_str)) {
                query = query.bind(key);
            }
            query.bind(since).bind(besides).fetch_one(c).await?
        }))
    }

    /// Writes a message outside any settlement, with the jobs that carry it.
    pub async fn say(&self, message: NewMessage, jobs: Vec<NewJob>, now: i64) -> Result<()> {
        let mut tx = self.begin().await?;
        tx.say(&[message], now).await?;
        for job in &jobs {
            tx.enqueue(job, now).await?;
        }
        tx.commit().await
    }
}
