//! What a reaction looks at before it thinks, read in one go.

use super::corrections::STAMP;
use super::encode::of_word_opt;
use super::inbox::{ConversationDb, RequestDb};
use super::privacy::LAST_ERASURE;
use super::records::{Situation, Stamps};
use super::ticket_rows::NUMBERS;
use super::{Result, Store};

#[derive(sqlx::FromRow)]
struct SituationDb {
    #[sqlx(flatten)]
    request: RequestDb,
    platform: String,
    tenant: String,
    channel: String,
    thread: String,
    setting: String,
    opened_by: String,
    title: String,
    handed_over: bool,
    last_seq: i64,
    created_at: i64,
    updated_at: i64,
    open_here: Option<String>,
    last_action: Option<String>,
    spoken: bool,
    restraint: Option<String>,
    #[sqlx(flatten)]
    stamps: StampsDb,
}

#[derive(sqlx::FromRow)]
struct StampsDb {
    erasure: Option<String>,
    ticket: Option<i64>,
    correction: Option<i64>,
}

impl StampsDb {
    fn record(self) -> Stamps {
        Stamps {
            erasure: self.erasure,
            ticket: self.ticket.unwrap_or(0),
            correction: self.correction.unwrap_or(0),
        }
    }
}

/// The columns of [`StampsDb`]; their names are bound as `$1` to `$3`.
macro_rules! stamps {
    () => {
        "(SELECT value FROM meta WHERE name = $1) AS erasure,
         (SELECT value FROM counter WHERE name = $2) AS ticket,
         (SELECT value FROM counter WHERE name = $3) AS correction"
    };
}

const STAMPS: &str = concat!("SELECT ", stamps!());

const SITUATION: &str = concat!(
    "SELECT r.*, c.platform, c.tenant, c.channel, c.thread, c.setting,
         c.requester AS opened_by, c.title, c.handed_over, c.last_seq, c.created_at, c.updated_at,
         (SELECT t.key FROM ticket t
          WHERE t.conversation_id = c.id AND t.merged_into IS NULL
            AND t.status NOT IN ('resolved', 'closed')
          ORDER BY t.number DESC LIMIT 1) AS open_here,
         (SELECT o.action FROM request o
          WHERE o.conversation_id = c.id AND o.id <> r.id AND o.state = 'settled'
          ORDER BY o.received_at DESC, o.id DESC LIMIT 1) AS last_action,
         EXISTS (SELECT 1 FROM message m
          WHERE m.conversation_id = c.id AND m.author = 'bot') AS spoken,
         (SELECT u.restraint FROM unsaid u WHERE u.request_id = r.id) AS restraint, ",
    stamps!(),
    " FROM conversation c, request r WHERE c.id = $4 AND r.id = $5"
);

impl Store {
    /// A request in its conversation; `None` when either was erased.
    pub async fn situation(
        &self,
        conversation_id: &str,
        request_id: &str,
    ) -> Result<Option<Situation>> {
        let row: Option<SituationDb> = read!(self, |c| sqlx::query_as(SITUATION)
            .bind(LAST_ERASURE)
            .bind(NUMBERS)
            .bind(STAMP)
            .bind(conversation_id)
            .bind(request_id)
            .fetch_optional(c)
            .await?);
        let Some(row) = row else { return Ok(None) };
        Ok(Some(Situation {
            conversation: ConversationDb {
                id: conversation_id.to_owned(),
                platform: row.platform,
                tenant: row.tenant,
                channel: row.channel,
                thread: row.thread,
                setting: row.setting,
                requester: row.opened_by,
                title: row.title,
                handed_over: row.handed_over,
                created_at: row.created_at,
                updated_at: row.updated_at,
            }
            .record()?,
            said: row.last_seq,
            request: row.request.record()?,
            open_here: row.open_here,
            last_action: row.last_action,
            spoken: row.spoken,
            restraint: of_word_opt(row.restraint)?,
            stamps: row.stamps.record(),
        }))
    }

    /// How far what is kept in memory may have to catch up.
    pub async fn stamps(&self) -> Result<Stamps> {
        let row: StampsDb = read!(self, |c| sqlx::query_as(STAMPS)
            .bind(LAST_ERASURE)
            .bind(NUMBERS)
            .bind(STAMP)
            .fetch_one(c)
            .await?);
        Ok(row.record())
    }
}
