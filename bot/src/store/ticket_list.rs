//! Lists of tickets: what a person may see of them, filtered, ordered, page by page.

use firstline_core::ticket::Status;
use sqlx::{Database, Encode, QueryBuilder, Type};

use super::encode::word;
use super::people::lower;
use super::records::{Page, Ticket, TicketFilter, TicketOrder, Viewer};
use super::ticket_rows::TicketDb;
use super::{Result, Store, StoreError};

const DEFAULT_LIMIT: u32 = 50;
const MAX_LIMIT: u32 = 200;

/// The place after which the next page starts: a row's sort value and tie breaker.
#[derive(Clone, Copy)]
struct Cursor {
    sort: f64,
    tie: i64,
}

impl Cursor {
    fn encode(self) -> String {
        format!("{:016x}{:016x}", self.sort.to_bits(), self.tie as u64)
    }

    fn parse(text: &str) -> Result<Cursor> {
        let part = |range: std::ops::Range<usize>| {
            text.get(range).and_then(|hex| u64::from_str_radix(hex, 16).ok())
        };
        match (part(0..16), part(16..32)) {
            (Some(sort), Some(tie)) if text.len() == 32 => {
                Ok(Cursor { sort: f64::from_bits(sort), tie: tie as i64 })
            }
            _ => Err(StoreError::Conflict(
                "the cursor is none that a page gave. Start from the first page.".into(),
            )),
        }
    }
}

/// Two expressions a page is ordered by, both rising; numbers are unique.
fn order(order: TicketOrder) -> (&'static str, &'static str) {
    match order {
        TicketOrder::Newest => ("-CAST(created_at AS DOUBLE PRECISION)", "-number"),
        TicketOrder::Oldest => ("CAST(created_at AS DOUBLE PRECISION)", "number"),
        TicketOrder::LeastConfident => ("confidence", "-number"),
        TicketOrder::Priority => ("CAST(substr(priority, 2, 1) AS DOUBLE PRECISION)", "-number"),
        TicketOrder::Updated => ("-CAST(updated_at AS DOUBLE PRECISION)", "-number"),
    }
}

/// The same two values of a row.
fn place(order: TicketOrder, number: i64, ticket: &Ticket) -> Cursor {
    let (sort, tie) = match order {
        TicketOrder::Newest => (-(ticket.created_at as f64), -number),
        TicketOrder::Oldest => (ticket.created_at as f64, number),
        TicketOrder::LeastConfident => (ticket.confidence, -number),
        TicketOrder::Priority => (f64::from(ticket.priority as u8) + 1.0, -number),
        TicketOrder::Updated => (-(ticket.updated_at as f64), -number),
    };
    Cursor { sort, tie }
}

impl Store {
    /// One page of the tickets this person may see.
    pub async fn tickets(&self, filter: &TicketFilter, viewer: &Viewer) -> Result<Page<Ticket>> {
        let limit = filter.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT) as usize;
        let cursor = filter.cursor.as_deref().map(Cursor::parse).transpose()?;
        let (sort, tie) = order(filter.order);
        let (total, rows): (i64, Vec<TicketDb>) = read!(self, |c| {
            let mut count = QueryBuilder::new("SELECT count(*) FROM ticket WHERE ");
            visible(&mut count, viewer);
            narrow(&mut count, filter);
            let total = count.build_query_scalar().fetch_one(c).await?;
            let mut list = QueryBuilder::new("SELECT * FROM ticket WHERE ");
            visible(&mut list, viewer);
            narrow(&mut list, filter);
            if let Some(cursor) = cursor {
                list.push(format!(" AND ({sort} > ")).push_bind(cursor.sort);
                list.push(format!(" OR ({sort} = ")).push_bind(cursor.sort);
                list.push(format!(" AND {tie} > ")).push_bind(cursor.tie).push("))");
            }
            list.push(format!(" ORDER BY {sort}, {tie} LIMIT ")).push_bind(limit as i64 + 1);
            (total, list.build_query_as().fetch_all(c).await?)
        });
        let more = rows.len() > limit;
        let mut items = Vec::with_capacity(rows.len());
        let mut last = None;
        for row in rows.into_iter().take(limit) {
            let number = row.number;
            let ticket = row.record()?;
            last = Some(place(filter.order, number, &ticket));
            items.push(ticket);
        }
        let next = last.filter(|_| more).map(Cursor::encode);
        Ok(Page { items, next, total })
    }

    /// Those of the named tickets this person may see, in the given order.
    pub async fn visible_tickets(
        &self,
        keys: &[impl AsRef<str> + Sync],
        viewer: &Viewer,
    ) -> Result<Vec<Ticket>> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let rows: Vec<TicketDb> = read!(self, |c| {
            let mut q = QueryBuilder::new("SELECT * FROM ticket WHERE ");
            visible(&mut q, viewer);
            q.push(" AND key IN (");
            let mut list = q.separated(", ");
            for key in keys {
                list.push_bind(key.as_ref().to_owned());
            }
            q.push(")");
            q.build_query_as().fetch_all(c).await?
        });
        let mut tickets: Vec<Ticket> =
            rows.into_iter().map(TicketDb::record).collect::<Result<_>>()?;
        tickets.sort_by_key(|ticket| keys.iter().position(|key| key.as_ref() == ticket.key));
        Ok(tickets)
    }
}

/// [`may_see`](super::tickets::may_see) as a clause.
fn visible<DB>(q: &mut QueryBuilder<DB>, viewer: &Viewer)
where
    DB: Database,
    String: for<'a> Encode<'a, DB> + Type<DB>,
{
    if viewer.is_admin() {
        q.push("1 = 1");
        return;
    }
    q.push("(requester = ").push_bind(viewer.email.clone());
    q.push(
        " OR EXISTS (SELECT 1 FROM ticket_participant p WHERE p.ticket_key = ticket.key
            AND p.email = ",
    )
    .push_bind(viewer.email.clone())
    .push(")");
    if !viewer.groups.is_empty() {
        q.push(" OR team IN (");
        let mut groups = q.separated(", ");
        for group in &viewer.groups {
            groups.push_bind(group.clone());
        }
        q.push(")");
    }
    q.push(")");
}

fn narrow<DB>(q: &mut QueryBuilder<DB>, filter: &TicketFilter)
where
    DB: Database,
    String: for<'a> Encode<'a, DB> + Type<DB>,
    i64: for<'a> Encode<'a, DB> + Type<DB>,
    f64: for<'a> Encode<'a, DB> + Type<DB>,
{
    let texts = [
        ("kind", filter.kind.map(word)),
        ("system", filter.system.clone()),
        ("priority", filter.priority.map(word)),
        ("status", filter.status.map(word)),
        ("team", filter.team.clone()),
        ("assignee", filter.assignee.as_deref().map(lower)),
        ("requester", filter.requester.as_deref().map(lower)),
    ];
    for (column, value) in texts {
        if let Some(value) = value {
            q.push(format!(" AND {column} = ")).push_bind(value);
        }
    }
    if let Some(open) = filter.open {
        q.push(if open { " AND status IN (" } else { " AND status NOT IN (" });
        let mut list = q.separated(", ");
        for status in Status::ALL.iter().filter(|s| s.is_open()) {
            list.push_bind(word(status));
        }
        q.push(")");
    }
    if let Some(confidence) = filter.max_confidence {
        q.push(" AND confidence <= ").push_bind(confidence);
    }
    if let Some(since) = filter.since {
        q.push(" AND created_at >= ").push_bind(since);
    }
    if let Some(before) = filter.before {
        q.push(" AND created_at < ").push_bind(before);
    }
    if filter.unreviewed {
        q.push(" AND reviewed_by IS NULL");
    }
    for searched in filter.q.iter().flat_map(|q| q.split_whitespace()) {
        // `lower` of SQLite knows ASCII only, so words are also looked for as typed.
        q.push(" AND (lower(key || ' ' || summary || ' ' || text) LIKE ")
            .push_bind(like(&searched.to_lowercase()))
            .push(" ESCAPE '\\' OR (summary || ' ' || text) LIKE ")
            .push_bind(like(searched))
            .push(" ESCAPE '\\')");
    }
}

/// A pattern that finds `text` anywhere, taken literally.
fn like(text: &str) -> String {
    let mut pattern = String::from("%");
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}
