//! What is held of a person: giving it out, and removing it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::{Value, json};

use super::encode::of_json;
use super::people::lower;
use super::{Pools, Result, Store, Tx, new_id};

/// What an erasure removed or made nameless.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Erased {
    pub conversations: u64,
    pub messages: u64,
    pub requests: u64,
    pub assessments: u64,
    pub attachments: u64,
    /// Kept for the team, without their words and under a pseudonym.
    pub tickets: u64,
    /// No longer teach.
    pub corrections: u64,
}

/// Removed rows are overwritten on disk, not only forgotten.
const SECURE: &str = "PRAGMA secure_delete = ON; BEGIN IMMEDIATE";

/// The fact that changes with every erasure.
pub(super) const LAST_ERASURE: &str = "last_erasure";

impl Store {
    /// Everything held of a person, as one JSON document.
    pub async fn export_person(&self, email: &str) -> Result<Value> {
        let email = lower(email);
        let mut conversations = Vec::new();
        for row in self.conversations_of(&email, i64::MAX).await? {
            let messages = self.messages(&row.id, 0, i64::MAX).await?;
            conversations.push(json!({ "conversation": row, "messages": messages }));
        }
        let ids: Vec<String> = read!(self, |c| sqlx::query_scalar(
            "SELECT id FROM request WHERE requester = $1 ORDER BY received_at, id"
        )
        .bind(&email)
        .fetch_all(c)
        .await?);
        let mut requests = Vec::new();
        for id in ids {
            let assessments = self.assessments(&id).await?;
            let suggested = self.suggestion(&id).await?.map(|s| s.draft);
            requests.push(json!({
                "request": self.request(&id).await?, "assessments": assessments,
                "suggested": suggested,
            }));
        }
        let keys: Vec<String> = read!(self, |c| sqlx::query_scalar(
            "SELECT key FROM ticket WHERE requester = $1 ORDER BY number"
        )
        .bind(&email)
        .fetch_all(c)
        .await?);
        let mut tickets = Vec::new();
        for key in keys {
            let events = self.ticket_events(&key, false).await?;
            tickets.push(json!({ "ticket": self.ticket(&key).await?, "events": events }));
        }
        let acts: Vec<(String, i64, String)> = read!(self, |c| sqlx::query_as(
            "SELECT ticket_key, at, data FROM ticket_event WHERE actor = $1 ORDER BY at, id"
        )
        .bind(&email)
        .fetch_all(c)
        .await?);
        let acts: Vec<Value> = acts
            .into_iter()
            .map(|(key, at, data)| {
                Ok(json!({ "ticket": key, "at": at, "event": of_json::<Value>(&data)? }))
            })
            .collect::<Result<_>>()?;
        let said: Vec<(String, i64, String)> = read!(self, |c| sqlx::query_as(
            "SELECT m.conversation_id, m.created_at, m.body FROM message m
             JOIN conversation k ON k.id = m.conversation_id
             WHERE m.email = $1 AND k.requester <> $1 ORDER BY m.created_at, m.id",
        )
        .bind(&email)
        .fetch_all(c)
        .await?);
        let said: Vec<Value> = said
            .into_iter()
            .map(|(conversation, at, body)| {
                Ok(json!({ "conversation": conversation, "at": at, "message": of_json::<Value>(&body)? }))
            })
            .collect::<Result<_>>()?;
        let in_incidents: Vec<(String, i64, String)> = read!(self, |c| {
            sqlx::query_as(
            "SELECT incident_key, at, fact FROM incident_entry WHERE actor = $1 ORDER BY at, seq"
        )
        .bind(&email)
        .fetch_all(c)
        .await?
        });
        let in_incidents: Vec<Value> = in_incidents
            .into_iter()
            .map(|(key, at, fact)| {
                Ok(json!({ "incident": key, "at": at, "entry": of_json::<Value>(&fact)? }))
            })
            .collect::<Result<_>>()?;
        let participates: Vec<String> = read!(self, |c| sqlx::query_scalar(
            "SELECT ticket_key FROM ticket_participant WHERE email = $1 ORDER BY ticket_key"
        )
        .bind(&email)
        .fetch_all(c)
        .await?);
        let sessions: Vec<(i64, i64)> = read!(self, |c| sqlx::query_as(
            "SELECT created_at, expires_at FROM session WHERE email = $1 ORDER BY created_at"
        )
        .bind(&email)
        .fetch_all(c)
        .await?);
        let tokens: Vec<_> =
            self.tokens().await?.into_iter().filter(|token| token.email == email).collect();
        let groups: Vec<String> = read!(self, |c| sqlx::query_scalar(
            "SELECT group_name FROM membership WHERE email = $1 ORDER BY group_name"
        )
        .bind(&email)
        .fetch_all(c)
        .await?);
        Ok(json!({
            "email": email,
            "person": self.person(&email).await?,
            "groups": groups,
            "sessions": sessions,
            "tokens": tokens,
            "accounts": self.accounts_of(&email).await?,
            "conversations": conversations,
            "messages_elsewhere": said,
            "requests": requests,
            "tickets": tickets,
            "acts_on_tickets": acts,
            "acts_in_incidents": in_incidents,
            "participates_in": participates,
            "follows": self.followed_by(&email).await?,
            "raw_events": self.raw_events(&email).await?,
            "attachments": self.own_attachments(&email).await?,
        }))
    }

    async fn raw_events(&self, email: &str) -> Result<Vec<String>> {
        Ok(read!(self, |c| sqlx::query_scalar(
            "SELECT i.payload FROM inbox i JOIN conversation k ON k.id = i.conversation_id
             WHERE k.requester = $1 AND i.payload IS NOT NULL ORDER BY i.received_at",
        )
        .bind(email)
        .fetch_all(c)
        .await?))
    }

    async fn own_attachments(&self, email: &str) -> Result<Vec<Value>> {
        let rows: Vec<(String, String, String, Vec<u8>)> = read!(self, |c| {
            sqlx::query_as(
            "SELECT id, name, mime, bytes FROM attachment WHERE email = $1 ORDER BY created_at, id"
        )
        .bind(email)
        .fetch_all(c)
        .await?
        });
        Ok(rows
            .into_iter()
            .map(|(id, name, mime, bytes)| {
                json!({ "id": id, "name": name, "mime": mime, "base64": STANDARD.encode(bytes) })
            })
            .collect())
    }

    /// Removes a person: conversations, requests, readings, attachments, sign-ins and
    /// group memberships go; tickets stay for the team under a pseudonym and without
    /// their words; corrections on those tickets teach no more. Indexes in memory follow
    /// by [`Store::last_correction_stamp`] and by being told of the tickets.
    pub async fn erase_person(&self, email: &str, now: i64) -> Result<Erased> {
        let email = lower(email);
        let pseudonym = format!("erased-{}", &new_id()[24..]);
        let mut tx = self.begin_with(SECURE, "BEGIN").await?;
        let mut erased = Erased::default();
        tx.erase_tickets(&email, &pseudonym, now, &mut erased).await?;
        tx.erase_conversations(&email, &mut erased).await?;
        tx.erase_from_incidents(&email, &pseudonym).await?;
        for sql in [
            "DELETE FROM session WHERE email = $1",
            "DELETE FROM login_link WHERE email = $1",
            "DELETE FROM api_token WHERE email = $1",
            "DELETE FROM account WHERE email = $1",
            "DELETE FROM ticket_follower WHERE email = $1",
            "DELETE FROM idempotency WHERE email = $1",
            "DELETE FROM membership WHERE email = $1",
            "DELETE FROM person WHERE email = $1",
        ] {
            exec!(tx, sqlx::query(sql).bind(&email));
        }
        // What is kept in memory anywhere is rebuilt when this changes.
        exec!(
            tx,
            sqlx::query(
                "INSERT INTO meta (name, value) VALUES ($1, $2)
                 ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            )
            .bind(LAST_ERASURE)
            .bind(new_id())
        );
        tx.commit().await?;
        if let Pools::Sqlite { w, .. } = &self.pools {
            // The log still holds the old pages until it is written back and cut.
            sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(w).await?;
            sqlx::query("PRAGMA secure_delete = OFF").execute(w).await?;
        }
        Ok(erased)
    }
}

impl Tx {
    async fn erase_tickets(
        &mut self,
        email: &str,
        pseudonym: &str,
        now: i64,
        erased: &mut Erased,
    ) -> Result<()> {
        erased.attachments += exec!(
            self,
            sqlx::query(
                "DELETE FROM attachment WHERE email = $1
                    OR conversation_id IN (SELECT id FROM conversation WHERE requester = $1)
                    OR ticket_key IN (SELECT key FROM ticket WHERE requester = $1)",
            )
            .bind(email)
        );
        erased.corrections += exec!(
            self,
            sqlx::query(
                "UPDATE correction SET text = ''
                 WHERE ticket_key IN (SELECT key FROM ticket WHERE requester = $1)",
            )
            .bind(email)
        );
        if erased.corrections > 0 {
            self.corrections_changed().await?;
        }
        // Words of theirs and words about them: comments and notes on their tickets, their
        // own comments elsewhere, and changed fields other than what the ticket is.
        for (kind, emptied) in [
            ("comment", r#"{"type":"comment","text":""}"#),
            ("note", r#"{"type":"note","text":""}"#),
        ] {
            exec!(
                self,
                sqlx::query(
                    "UPDATE ticket_event SET data = $3 WHERE kind = $2 AND (actor = $1
                        OR ticket_key IN (SELECT key FROM ticket WHERE requester = $1))",
                )
                .bind(email)
                .bind(kind)
                .bind(emptied)
            );
        }
        exec!(
            self,
            sqlx::query(
                "DELETE FROM ticket_event
                 WHERE ticket_key IN (SELECT key FROM ticket WHERE requester = $1)
                   AND (kind = 'attached' OR (kind = 'changed'
                     AND data NOT LIKE '%\"field\":\"kind\"%'
                     AND data NOT LIKE '%\"field\":\"system\"%'
                     AND data NOT LIKE '%\"field\":\"team\"%'
                     AND data NOT LIKE '%\"field\":\"impact\"%'
                     AND data NOT LIKE '%\"field\":\"urgency\"%'
                     AND data NOT LIKE '%\"field\":\"priority\"%'
                     AND data NOT LIKE '%\"field\":\"status\"%'
                     AND data NOT LIKE '%\"field\":\"assignee\"%'))",
            )
            .bind(email)
        );
        erased.tickets += exec!(
            self,
            sqlx::query(
                "UPDATE ticket SET requester = $2, text = '', summary = '', fields = '{}',
                     conversation_id = NULL, request_id = NULL, version = version + 1,
                     updated_at = $3
                 WHERE requester = $1",
            )
            .bind(email)
            .bind(pseudonym)
            .bind(now)
        );
        for sql in [
            "UPDATE ticket SET assignee = $2 WHERE assignee = $1",
            "UPDATE ticket SET reviewed_by = $2 WHERE reviewed_by = $1",
            "UPDATE ticket_event SET actor = $2 WHERE actor = $1",
            "UPDATE ticket_event SET data = replace(data, $1, $2) WHERE replace(data, $1, $2) <> data",
            "UPDATE correction SET by_email = $2 WHERE by_email = $1",
            "UPDATE correction SET reverted_by = $2 WHERE reverted_by = $1",
            "UPDATE unsaid SET decided_by = $2 WHERE decided_by = $1",
        ] {
            exec!(self, sqlx::query(sql).bind(email).bind(pseudonym));
        }
        exec!(self, sqlx::query("DELETE FROM ticket_participant WHERE email = $1").bind(email));
        Ok(())
    }

    /// What was done in an incident stays, by somebody who is not named.
    async fn erase_from_incidents(&mut self, email: &str, pseudonym: &str) -> Result<()> {
        for sql in [
            "UPDATE incident_entry SET actor = $2 WHERE actor = $1",
            "UPDATE incident_person SET email = $2 WHERE email = $1",
        ] {
            exec!(self, sqlx::query(sql).bind(email).bind(pseudonym));
        }
        // A whole value in JSON: the end of somebody else's address is not theirs.
        let (named, unnamed) = (format!("\"{email}\""), format!("\"{pseudonym}\""));
        for sql in [
            "UPDATE incident_entry SET fact = replace(fact, $1, $2)
             WHERE replace(fact, $1, '') <> fact",
            "UPDATE incident SET state = replace(state, $1, $2)
             WHERE replace(state, $1, '') <> state",
        ] {
            exec!(self, sqlx::query(sql).bind(&named).bind(&unnamed));
        }
        Ok(())
    }

    async fn erase_conversations(&mut self, email: &str, erased: &mut Erased) -> Result<()> {
        for sql in [
            // A job's payload holds the event it reacts to.
            "DELETE FROM job WHERE replace(payload, $1, '') <> payload
                OR id IN (SELECT i.job_id FROM inbox i JOIN conversation k
                          ON k.id = i.conversation_id WHERE k.requester = $1)
                OR lane IN (SELECT 'out:' || id FROM conversation WHERE requester = $1)",
            "DELETE FROM inbox WHERE conversation_id IN
                (SELECT id FROM conversation WHERE requester = $1)",
            "DELETE FROM ticket_follower WHERE conversation_id IN
                (SELECT id FROM conversation WHERE requester = $1)",
            "DELETE FROM citation WHERE request_id IN
                (SELECT id FROM request WHERE requester = $1)",
            "DELETE FROM unsaid WHERE request_id IN
                (SELECT id FROM request WHERE requester = $1)
                OR conversation_id IN (SELECT id FROM conversation WHERE requester = $1)",
        ] {
            exec!(self, sqlx::query(sql).bind(email));
        }
        erased.assessments += exec!(
            self,
            sqlx::query(
                "DELETE FROM assessment WHERE request_id IN
                    (SELECT id FROM request WHERE requester = $1)",
            )
            .bind(email)
        );
        erased.requests +=
            exec!(self, sqlx::query("DELETE FROM request WHERE requester = $1").bind(email));
        erased.messages += exec!(
            self,
            sqlx::query(
                "DELETE FROM message WHERE email = $1 OR conversation_id IN
                    (SELECT id FROM conversation WHERE requester = $1)",
            )
            .bind(email)
        );
        erased.conversations +=
            exec!(self, sqlx::query("DELETE FROM conversation WHERE requester = $1").bind(email));
        Ok(())
    }
}
