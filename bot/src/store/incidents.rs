//! Incidents: their timelines, and what follows from them. A private one exists for those who take
//! part in it alone.

use firstline_core::incident::{self, Entry, Fact, State, Status};
use sqlx::AssertSqlSafe;

use super::encode::{json, of_json};
use super::records::{Incident, Viewer};
use super::{Live, LiveKind, Result, Store, StoreError};

/// The counter incident numbers come from.
const NUMBERS: &str = "incident";

#[derive(sqlx::FromRow)]
struct IncidentDb {
    key: String,
    state: String,
    created_at: i64,
    updated_at: i64,
}

impl IncidentDb {
    fn record(self) -> Result<Incident> {
        let state = of_json(&self.state)?;
        let IncidentDb { key, created_at, updated_at, .. } = self;
        Ok(Incident { key, state, created_at, updated_at })
    }
}

#[derive(sqlx::FromRow)]
struct EntryDb {
    seq: i64,
    at: i64,
    actor: String,
    fact: String,
}

/// What is written into one timeline, if it is still as somebody saw it.
#[derive(Debug, Clone, PartialEq)]
pub struct Lines<'a> {
    pub key: &'a str,
    pub version: u32,
    pub facts: Vec<Fact>,
}

impl Store {
    /// Begins an incident with its first entry, which declares it.
    pub async fn declare_incident(&self, first: Fact, by: &str, now: i64) -> Result<Incident> {
        let mut tx = self.begin().await?;
        let number = tx.next(NUMBERS, 1).await?;
        let entry = Entry { seq: 1, at: now, by: by.to_owned(), fact: first };
        let state = State::replay([&entry])
            .ok_or_else(|| StoreError::Other("An incident begins by being declared.".into()))?;
        let key = incident::key(number);
        exec!(
            tx,
            sqlx::query(
                "INSERT INTO incident
                     (number, key, status, severity, private, state, created_at, updated_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $7)",
            )
            .bind(number)
            .bind(&key)
            .bind(state.status.as_str())
            .bind(state.severity.as_str())
            .bind(state.private)
            .bind(json(&state)?)
            .bind(now)
        );
        write_entry(&mut tx, &key, &entry).await?;
        write_people(&mut tx, &key, &state).await?;
        tx.commit().await?;
        self.tell(&key);
        Ok(Incident { key, state, created_at: now, updated_at: now })
    }

    /// Goes on with timelines, all of them or none; `None` when one of them went on meanwhile.
    pub async fn extend_incidents(
        &self,
        lines: &[Lines<'_>],
        by: &str,
        now: i64,
    ) -> Result<Option<Vec<Incident>>> {
        let mut tx = self.begin().await?;
        // Taken before they are read, so that nobody reads what is about to change, and always in
        // the same order, so that two who merge crosswise do not wait for each other.
        let mut keys: Vec<&str> = lines.iter().map(|line| line.key).collect();
        keys.sort_unstable();
        for key in keys {
            exec!(
                tx,
                sqlx::query("UPDATE incident SET updated_at = $2 WHERE key = $1")
                    .bind(key)
                    .bind(now)
            );
        }
        let mut written = Vec::new();
        for Lines { key, version, facts } in lines {
            let row: Option<IncidentDb> = on!(tx, |c| sqlx::query_as(
                "SELECT key, state, created_at, updated_at FROM incident WHERE key = $1"
            )
            .bind(key)
            .fetch_optional(c)
            .await?);
            let Some(mut incident) = row.map(IncidentDb::record).transpose()? else {
                tx.rollback().await?;
                return Ok(None);
            };
            if incident.state.version != *version {
                tx.rollback().await?;
                return Ok(None);
            }
            for fact in facts {
                let seq = incident.state.version + 1;
                let entry = Entry { seq, at: now, by: by.to_owned(), fact: fact.clone() };
                incident.state.apply(&entry);
                write_entry(&mut tx, key, &entry).await?;
            }
            let state = &incident.state;
            exec!(
                tx,
                sqlx::query(
                    "UPDATE incident SET status = $2, severity = $3, private = $4, state = $5
                     WHERE key = $1",
                )
                .bind(key)
                .bind(state.status.as_str())
                .bind(state.severity.as_str())
                .bind(state.private)
                .bind(json(state)?)
            );
            write_people(&mut tx, key, state).await?;
            written.push(incident);
        }
        tx.commit().await?;
        written.iter().for_each(|incident| self.tell(&incident.key));
        Ok(Some(written))
    }

    /// An incident, if this person may know of it; whoever may run commands on the data
    /// (`None`) may.
    pub async fn incident(&self, key: &str, viewer: Option<&Viewer>) -> Result<Option<Incident>> {
        let row: Option<IncidentDb> = read!(self, |c| sqlx::query_as(
            "SELECT key, state, created_at, updated_at FROM incident
             WHERE key = $1 AND ($2 OR NOT private OR EXISTS (SELECT 1 FROM incident_person p
                 WHERE p.incident_key = incident.key AND p.email = $3))",
        )
        .bind(key)
        .bind(viewer.is_none())
        .bind(viewer.map(|viewer| viewer.email.as_str()))
        .fetch_optional(c)
        .await?);
        row.map(IncidentDb::record).transpose()
    }

    /// The incidents a person may know of, open ones or those that are over, the most severe and
    /// newest first.
    pub async fn incidents(
        &self,
        open: bool,
        viewer: Option<&Viewer>,
        limit: i64,
    ) -> Result<Vec<Incident>> {
        let states = Status::ALL.iter().filter(|status| status.is_open() == open);
        let states: Vec<String> = states.map(|status| format!("'{status}'")).collect();
        let order = if open { "severity, number DESC" } else { "number DESC" };
        let sql = format!(
            "SELECT key, state, created_at, updated_at FROM incident
             WHERE status IN ({})
               AND ($1 OR NOT private OR EXISTS (SELECT 1 FROM incident_person p
                 WHERE p.incident_key = incident.key AND p.email = $2))
             ORDER BY {order} LIMIT $3",
            states.join(", ")
        );
        let rows: Vec<IncidentDb> = read!(self, |c| sqlx::query_as(AssertSqlSafe(sql))
            .bind(viewer.is_none())
            .bind(viewer.map(|viewer| viewer.email.as_str()))
            .bind(limit)
            .fetch_all(c)
            .await?);
        rows.into_iter().map(IncidentDb::record).collect()
    }

    /// A timeline from after an entry on. Whether it may be seen was asked before.
    pub async fn timeline(&self, key: &str, after: u32, limit: i64) -> Result<Vec<Entry>> {
        let rows: Vec<EntryDb> = read!(self, |c| sqlx::query_as(
            "SELECT seq, at, actor, fact FROM incident_entry
             WHERE incident_key = $1 AND seq > $2 ORDER BY seq LIMIT $3",
        )
        .bind(key)
        .bind(i64::from(after))
        .bind(limit)
        .fetch_all(c)
        .await?);
        let entry = |EntryDb { seq, at, actor, fact }: EntryDb| {
            let fact = of_json(&fact)?;
            let seq = u32::try_from(seq)
                .map_err(|_| StoreError::Other(format!("Entry {seq} cannot be counted.")))?;
            Ok(Entry { seq, at, by: actor, fact })
        };
        rows.into_iter().map(entry).collect()
    }

    fn tell(&self, key: &str) {
        let kind = LiveKind::Incident { key: key.to_owned() };
        self.publish_live(&Live { conversation_id: String::new(), kind });
    }
}

async fn write_entry(tx: &mut super::Tx, key: &str, entry: &Entry) -> Result<()> {
    exec!(
        tx,
        sqlx::query(
            "INSERT INTO incident_entry (incident_key, seq, at, actor, fact)
             VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(key)
        .bind(i64::from(entry.seq))
        .bind(entry.at)
        .bind(&entry.by)
        .bind(json(&entry.fact)?)
    );
    Ok(())
}

async fn write_people(tx: &mut super::Tx, key: &str, state: &State) -> Result<()> {
    for email in &state.people {
        exec!(
            tx,
            sqlx::query(
                "INSERT INTO incident_person (incident_key, email) VALUES ($1, $2)
                 ON CONFLICT (incident_key, email) DO NOTHING",
            )
            .bind(key)
            .bind(email)
        );
    }
    Ok(())
}
