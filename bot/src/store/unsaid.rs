//! Suggestions: what the bot kept to itself in channels where it only suggests, until support
//! owners post or dismiss it. What it only watched lies in the same table, without a draft.

use firstline_core::chat::Restraint;
use sqlx::{Database, Encode, QueryBuilder, Type};

use super::encode::{json, of_json, of_word_opt, word};
use super::people::lower;
use super::records::{
    NewJob, NewMessage, Posting, Role, Suggestion, SuggestionState, TicketEvent, Unsaid, Viewer,
    Withheld,
};
use super::settle::put_key;
use super::{Live, LiveKind, Result, Store, Tx};

/// Whether somebody spoke in the conversation since: a person, or the bot because it was
/// called. What was posted of the bot's suggestions does not count.
const OVERTAKEN: &str = "(c.handed_over OR EXISTS (SELECT 1 FROM message m
    WHERE m.conversation_id = c.id AND m.author = 'bot'
      AND NOT EXISTS (SELECT 1 FROM unsaid p
          WHERE p.request_id = m.request_id AND p.state = 'posted')))";

const FROM: &str = " FROM unsaid u JOIN request r ON r.id = u.request_id
    JOIN conversation c ON c.id = u.conversation_id WHERE u.draft IS NOT NULL";

#[derive(sqlx::FromRow)]
struct SuggestionDb {
    request_id: String,
    conversation_id: String,
    team: Option<String>,
    draft: String,
    state: String,
    overtaken: bool,
    requester: String,
    text: String,
    kind: Option<String>,
    system: Option<String>,
    confidence: Option<f64>,
    action: Option<String>,
    ticket_key: Option<String>,
    received_at: i64,
    settled_at: Option<i64>,
    decided_by: Option<String>,
    decided_at: Option<i64>,
}

impl SuggestionDb {
    fn record(self) -> Result<Suggestion> {
        Ok(Suggestion {
            request_id: self.request_id,
            conversation_id: self.conversation_id,
            team: self.team,
            state: match self.state.as_str() {
                "posted" => SuggestionState::Posted,
                "dismissed" => SuggestionState::Dismissed,
                _ if self.overtaken => SuggestionState::Overtaken,
                _ => SuggestionState::Waiting,
            },
            draft: of_json(&self.draft)?,
            requester: self.requester,
            text: self.text,
            kind: of_word_opt(self.kind)?,
            system: self.system,
            confidence: self.confidence.unwrap_or(0.0),
            action: self.action.unwrap_or_default(),
            ticket_key: self.ticket_key,
            received_at: self.received_at,
            version: self.settled_at.unwrap_or(0),
            decided_by: self.decided_by,
            decided_at: self.decided_at,
        })
    }
}

fn columns() -> String {
    format!(
        "SELECT u.request_id, u.conversation_id, u.team, u.draft, u.state, {OVERTAKEN} AS overtaken,
             r.requester, r.text, r.kind, r.system, r.confidence, r.action, r.ticket_key,
             r.received_at, r.settled_at, u.decided_by, u.decided_at"
    )
}

/// A state as a clause.
fn is(state: SuggestionState) -> String {
    match state {
        SuggestionState::Waiting => format!(" AND u.state = 'open' AND NOT {OVERTAKEN}"),
        SuggestionState::Overtaken => format!(" AND u.state = 'open' AND {OVERTAKEN}"),
        SuggestionState::Posted => " AND u.state = 'posted'".into(),
        SuggestionState::Dismissed => " AND u.state = 'dismissed'".into(),
    }
}

/// [`may_decide`] as a clause.
fn decided_by<DB>(q: &mut QueryBuilder<DB>, viewer: &Viewer)
where
    DB: Database,
    String: for<'a> Encode<'a, DB> + Type<DB>,
{
    if viewer.is_admin() {
        return;
    }
    if !viewer.is(Role::Owner) {
        q.push(" AND 1 = 0");
        return;
    }
    q.push(" AND (u.team IS NULL OR u.team IN (");
    let mut groups = q.separated(", ");
    for group in &viewer.groups {
        groups.push_bind(group.clone());
    }
    q.push("))");
}

/// Whether a person decides on a suggestion for this team: the team's owners, admins, and
/// where no team is known any support owner.
pub fn may_decide(viewer: &Viewer, team: Option<&str>) -> bool {
    viewer.owns(team) || (team.is_none() && viewer.is(Role::Owner))
}

impl Store {
    /// Suggestions this person decides on, the newest first: those after the one for request
    /// `after`, if it is named.
    pub async fn suggestions(
        &self,
        viewer: &Viewer,
        state: SuggestionState,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Vec<Suggestion>> {
        let rows: Vec<SuggestionDb> = read!(self, |c| {
            let mut q = QueryBuilder::new(columns());
            q.push(FROM).push(is(state));
            decided_by(&mut q, viewer);
            // Ids of requests sort by the time they were made.
            if let Some(after) = after {
                q.push(" AND u.request_id < ").push_bind(after.to_owned());
            }
            q.push(" ORDER BY u.request_id DESC LIMIT ").push_bind(limit);
            q.build_query_as().fetch_all(c).await?
        });
        rows.into_iter().map(SuggestionDb::record).collect()
    }

    /// How many suggestions of a state this person decides on.
    pub async fn suggestion_count(&self, viewer: &Viewer, state: SuggestionState) -> Result<i64> {
        Ok(read!(self, |c| {
            let mut q = QueryBuilder::new("SELECT count(*)");
            q.push(FROM).push(is(state));
            decided_by(&mut q, viewer);
            q.build_query_scalar().fetch_one(c).await?
        }))
    }

    /// The suggestion for a request.
    pub async fn suggestion(&self, request_id: &str) -> Result<Option<Suggestion>> {
        let row: Option<SuggestionDb> = read!(self, |c| {
            let mut q = QueryBuilder::new(columns());
            q.push(FROM).push(" AND u.request_id = ").push_bind(request_id.to_owned());
            q.build_query_as().fetch_optional(c).await?
        });
        row.map(SuggestionDb::record).transpose()
    }

    /// Posts the draft of `message`'s request as it was at `version`: the message is said with
    /// the draft's words and `job` delivers it, a ticket is filed, all at once and once only.
    pub async fn post_suggestion(
        &self,
        mut message: NewMessage,
        job: &NewJob,
        version: i64,
        by: &str,
        now: i64,
    ) -> Result<Posting> {
        let Some(request_id) = message.request_id.clone() else { return Ok(Posting::Changed) };
        let mut tx = self.begin().await?;
        // Locked first, so that whoever else speaks in it comes before or after all of this.
        exec!(
            tx,
            sqlx::query("UPDATE conversation SET updated_at = $2 WHERE id = $1")
                .bind(&message.conversation_id)
                .bind(now)
        );
        let overtaken: Option<bool> = on!(tx, |c| {
            let mut q = QueryBuilder::new(format!("SELECT {OVERTAKEN} FROM conversation c"));
            q.push(" WHERE c.id = ").push_bind(message.conversation_id.clone());
            q.build_query_scalar().fetch_optional(c).await?
        });
        if overtaken != Some(false) {
            tx.rollback().await?;
            return Ok(Posting::Overtaken);
        }
        let taken: Option<(String, String)> = on!(tx, |c| sqlx::query_as(
            "UPDATE unsaid SET state = 'posted', decided_by = $2, decided_at = $3
             WHERE request_id = $1 AND state = 'open' AND draft IS NOT NULL
               AND EXISTS (SELECT 1 FROM request WHERE id = $1 AND settled_at = $4)
             RETURNING draft, (SELECT requester FROM request WHERE id = $1)",
        )
        .bind(&request_id)
        .bind(lower(by))
        .bind(now)
        .bind(version)
        .fetch_optional(c)
        .await?);
        let Some((draft, requester)) = taken else {
            tx.rollback().await?;
            return Ok(Posting::Changed);
        };
        let draft: Withheld = of_json(&draft)?;
        message.body = draft.says.clone();
        let key = tx.do_drafted(&request_id, &draft, &requester, &mut message, now).await?;
        let answer = json(&message.body)?;
        exec!(
            tx,
            sqlx::query(
                "UPDATE request SET answer = $2, ticket_key = COALESCE($3, ticket_key)
                 WHERE id = $1"
            )
            .bind(&request_id)
            .bind(answer)
            .bind(&key)
        );
        tx.follow_up(&[message], std::slice::from_ref(job), now).await?;
        tx.commit().await?;
        Ok(Posting::Posted(key))
    }

    /// Lets a suggestion be; `false` when it was decided before.
    pub async fn dismiss_suggestion(&self, request_id: &str, by: &str, now: i64) -> Result<bool> {
        let mut tx = self.begin().await?;
        let dismissed = exec!(
            tx,
            sqlx::query(
                "UPDATE unsaid SET state = 'dismissed', decided_by = $2, decided_at = $3
                 WHERE request_id = $1 AND state = 'open' AND draft IS NOT NULL",
            )
            .bind(request_id)
            .bind(lower(by))
            .bind(now)
        );
        tx.commit().await?;
        Ok(dismissed > 0)
    }
}

impl Tx {
    /// Keeps what was not said about a request; what became of it is open again, unless it was
    /// posted meanwhile.
    pub(super) async fn keep_unsaid(
        &mut self,
        request_id: &str,
        conversation_id: &str,
        unsaid: &Unsaid,
    ) -> Result<()> {
        let draft = unsaid.draft.as_ref().map(json).transpose()?;
        exec!(
            self,
            sqlx::query(
                "INSERT INTO unsaid (request_id, conversation_id, restraint, team, draft, state)
                 VALUES ($1, $2, $3, $4, $5, 'open')
                 ON CONFLICT (request_id) DO UPDATE SET team = excluded.team,
                     draft = excluded.draft, state = 'open', decided_by = NULL, decided_at = NULL
                 WHERE unsaid.state <> 'posted'",
            )
            .bind(request_id)
            .bind(conversation_id)
            .bind(word::<Restraint>(unsaid.restraint))
            .bind(&unsaid.team)
            .bind(draft)
        );
        Ok(())
    }

    /// Does what goes with a draft: the key of the ticket that was filed, which the message
    /// then bears.
    async fn do_drafted(
        &mut self,
        request_id: &str,
        draft: &Withheld,
        requester: &str,
        message: &mut NewMessage,
        now: i64,
    ) -> Result<Option<String>> {
        let mut filed = None;
        if let Some(ticket) = &draft.ticket {
            let ticket = super::records::NewTicket { created_at: now, ..ticket.clone() };
            let key = self.file_once(&ticket, requester, now).await?;
            put_key(&mut message.body, &key);
            self.tell(Live {
                conversation_id: message.conversation_id.clone(),
                kind: LiveKind::Ticket { key: key.clone() },
            });
            filed = Some(key);
        }
        self.cite(request_id, &draft.cited_documents, now).await?;
        for (key, text) in &draft.comments {
            let comment = TicketEvent::Comment { text: text.clone() };
            self.event(key, &comment, requester, false, now).await?;
        }
        if draft.hand_over {
            exec!(
                self,
                sqlx::query("UPDATE conversation SET handed_over = TRUE WHERE id = $1")
                    .bind(&message.conversation_id)
            );
        }
        Ok(filed)
    }
}
