//! Signing in: sessions, one-time links, API tokens, and the keys that make a repeated
//! API call harmless. Only hashes of secrets are stored.

use super::people::lower;
use super::records::{ApiToken, Session};
use super::{Result, Store};

/// A token's last use is written at most this often, so that reading stays cheap.
const TOUCH_MS: i64 = 60_000;

#[derive(sqlx::FromRow)]
struct TokenRow {
    id: String,
    name: String,
    email: String,
    scopes: String,
    created_at: i64,
    last_used_at: Option<i64>,
    revoked_at: Option<i64>,
}

impl From<TokenRow> for ApiToken {
    fn from(row: TokenRow) -> Self {
        ApiToken {
            id: row.id,
            name: row.name,
            email: row.email,
            scopes: row.scopes.split_whitespace().map(str::to_owned).collect(),
            created_at: row.created_at,
            last_used_at: row.last_used_at,
            revoked_at: row.revoked_at,
        }
    }
}

impl Store {
    pub async fn create_session(
        &self,
        token_hash: &str,
        email: &str,
        csrf: &str,
        now: i64,
        expires_at: i64,
    ) -> Result<()> {
        let mut tx = self.begin().await?;
        exec!(tx, sqlx::query("DELETE FROM session WHERE expires_at <= $1").bind(now));
        exec!(
            tx,
            sqlx::query(
                "INSERT INTO session (token_hash, email, csrf, created_at, expires_at)
             VALUES ($1, $2, $3, $4, $5)",
            )
            .bind(token_hash)
            .bind(lower(email))
            .bind(csrf)
            .bind(now)
            .bind(expires_at)
        );
        tx.commit().await
    }

    /// The session, unless it has expired.
    pub async fn session(&self, token_hash: &str, now: i64) -> Result<Option<Session>> {
        let row: Option<(String, String, i64)> = read!(self, |c| {
            sqlx::query_as(
            "SELECT email, csrf, expires_at FROM session WHERE token_hash = $1 AND expires_at > $2"
        )
        .bind(token_hash)
        .bind(now)
        .fetch_optional(c)
        .await?
        });
        Ok(row.map(|(email, csrf, expires_at)| Session { email, csrf, expires_at }))
    }

    pub async fn end_session(&self, token_hash: &str) -> Result<()> {
        let mut tx = self.begin().await?;
        exec!(tx, sqlx::query("DELETE FROM session WHERE token_hash = $1").bind(token_hash));
        tx.commit().await
    }

    pub async fn create_login_link(
        &self,
        token_hash: &str,
        email: &str,
        expires_at: i64,
    ) -> Result<()> {
        let mut tx = self.begin().await?;
        exec!(
            tx,
            sqlx::query(
                "INSERT INTO login_link (token_hash, email, expires_at) VALUES ($1, $2, $3)"
            )
            .bind(token_hash)
            .bind(lower(email))
            .bind(expires_at)
        );
        tx.commit().await
    }

    /// Uses a link up; the address it was made for, `None` when it is used or expired.
    pub async fn use_login_link(&self, token_hash: &str, now: i64) -> Result<Option<String>> {
        let mut tx = self.begin().await?;
        let email = on!(tx, |c| sqlx::query_scalar(
            "UPDATE login_link SET used_at = $2
             WHERE token_hash = $1 AND used_at IS NULL AND expires_at > $2 RETURNING email",
        )
        .bind(token_hash)
        .bind(now)
        .fetch_optional(c)
        .await?);
        tx.commit().await?;
        Ok(email)
    }

    pub async fn create_token(&self, token: &ApiToken, token_hash: &str) -> Result<()> {
        let mut tx = self.begin().await?;
        exec!(
            tx,
            sqlx::query(
                "INSERT INTO api_token (id, token_hash, name, email, scopes, created_at)
             VALUES ($1, $2, $3, $4, $5, $6)",
            )
            .bind(&token.id)
            .bind(token_hash)
            .bind(&token.name)
            .bind(lower(&token.email))
            .bind(token.scopes.join(" "))
            .bind(token.created_at)
        );
        tx.commit().await
    }

    /// The token, unless revoked. Notes its use at most once a minute.
    pub async fn token_by_hash(&self, token_hash: &str, now: i64) -> Result<Option<ApiToken>> {
        let row: Option<TokenRow> = read!(self, |c| sqlx::query_as(
            "SELECT id, name, email, scopes, created_at, last_used_at, revoked_at
             FROM api_token WHERE token_hash = $1 AND revoked_at IS NULL",
        )
        .bind(token_hash)
        .fetch_optional(c)
        .await?);
        let Some(mut token) = row.map(ApiToken::from) else { return Ok(None) };
        if token.last_used_at.is_none_or(|at| now - at >= TOUCH_MS) {
            let mut tx = self.begin_soft().await?;
            exec!(
                tx,
                sqlx::query("UPDATE api_token SET last_used_at = $2 WHERE id = $1")
                    .bind(&token.id)
                    .bind(now)
            );
            tx.commit().await?;
            token.last_used_at = Some(now);
        }
        Ok(Some(token))
    }

    /// All tokens, revoked ones too, newest first.
    pub async fn tokens(&self) -> Result<Vec<ApiToken>> {
        let rows: Vec<TokenRow> = read!(self, |c| sqlx::query_as(
            "SELECT id, name, email, scopes, created_at, last_used_at, revoked_at
             FROM api_token ORDER BY created_at DESC, id DESC",
        )
        .fetch_all(c)
        .await?);
        Ok(rows.into_iter().map(ApiToken::from).collect())
    }

    /// `false` when there is no such token or it is revoked already.
    pub async fn revoke_token(&self, id: &str, now: i64) -> Result<bool> {
        let mut tx = self.begin().await?;
        let revoked = exec!(
            tx,
            sqlx::query(
                "UPDATE api_token SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL"
            )
            .bind(id)
            .bind(now)
        );
        tx.commit().await?;
        Ok(revoked > 0)
    }

    /// What an earlier call with this Idempotency-Key made: the request and the hash of
    /// the body that made it. The caller refuses a different body under the same key.
    pub async fn idempotent(&self, email: &str, name: &str) -> Result<Option<(String, String)>> {
        Ok(read!(self, |c| sqlx::query_as(
            "SELECT request_id, body_hash FROM idempotency WHERE email = $1 AND name = $2"
        )
        .bind(lower(email))
        .bind(name)
        .fetch_optional(c)
        .await?))
    }

    /// Remembers what a call with an Idempotency-Key made; the first to do so wins and is
    /// returned.
    pub async fn remember_idempotent(
        &self,
        email: &str,
        name: &str,
        request_id: &str,
        body_hash: &str,
        now: i64,
    ) -> Result<(String, String)> {
        let mut tx = self.begin().await?;
        let first = on!(tx, |c| sqlx::query_as(
            "INSERT INTO idempotency (email, name, request_id, body_hash, created_at)
             VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (email, name) DO UPDATE SET name = excluded.name
             RETURNING request_id, body_hash",
        )
        .bind(lower(email))
        .bind(name)
        .bind(request_id)
        .bind(body_hash)
        .bind(now)
        .fetch_one(c)
        .await?);
        tx.commit().await?;
        Ok(first)
    }
}
