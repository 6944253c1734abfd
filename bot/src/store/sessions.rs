//! Signing in: sessions, one-time links and API tokens. Only hashes of secrets are stored.
//! Who asks is read together with what they may do.

use super::people::{gather_viewer, lower};
use super::records::{ApiToken, Session, Viewer};
use super::{Result, Store};

/// A token's last use is written at most this often, so that reading stays cheap.
const TOUCH_MS: i64 = 60_000;

/// One membership of whoever signed in, after the columns of how.
#[derive(sqlx::FromRow)]
struct MemberRow {
    person: String,
    person_name: String,
    time_zone: Option<String>,
    group_name: Option<String>,
    role: Option<String>,
}

/// The person and their memberships for an address, one row each; none when the person is
/// unknown or inactive.
macro_rules! members {
    ($of:literal) => {
        concat!(
            " JOIN person p ON p.email = ",
            $of,
            ".email AND p.active
             LEFT JOIN membership m ON m.email = p.email
             LEFT JOIN person_group g ON g.name = m.group_name"
        )
    };
}

#[derive(sqlx::FromRow)]
struct SessionRow {
    email: String,
    csrf: String,
    expires_at: i64,
    #[sqlx(flatten)]
    member: MemberRow,
}

#[derive(sqlx::FromRow)]
struct CallerRow {
    #[sqlx(flatten)]
    token: TokenRow,
    #[sqlx(flatten)]
    member: MemberRow,
}

fn viewer(members: Vec<MemberRow>) -> Result<Option<Viewer>> {
    let Some(first) = members.first() else { return Ok(None) };
    let (email, name) = (first.person.clone(), first.person_name.clone());
    let zone = first.time_zone.clone();
    gather_viewer(email, name, zone, members.into_iter().map(|m| (m.group_name, m.role))).map(Some)
}

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

    /// The session and whose it is, unless it has expired or they are inactive.
    pub async fn session(&self, token_hash: &str, now: i64) -> Result<Option<(Session, Viewer)>> {
        let rows: Vec<SessionRow> = read!(self, |c| {
            sqlx::query_as(concat!(
            "SELECT s.email, s.csrf, s.expires_at, p.email AS person, p.name AS person_name, p.time_zone,
                 g.name AS group_name, g.role
             FROM session s",
            members!("s"),
            " WHERE s.token_hash = $1 AND s.expires_at > $2 ORDER BY g.name",
        ))
        .bind(token_hash)
        .bind(now)
        .fetch_all(c)
        .await?
        });
        let mut session = None;
        let mut members = Vec::with_capacity(rows.len());
        for row in rows {
            session = Some((row.email, row.csrf, row.expires_at));
            members.push(row.member);
        }
        let session = session.map(|(email, csrf, expires_at)| Session { email, csrf, expires_at });
        Ok(session.zip(viewer(members)?))
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

    /// The token and whom it acts for, unless it is revoked or they are inactive. Notes its
    /// use at most once a minute.
    pub async fn token_by_hash(
        &self,
        token_hash: &str,
        now: i64,
    ) -> Result<Option<(ApiToken, Viewer)>> {
        let rows: Vec<CallerRow> = read!(self, |c| sqlx::query_as(concat!(
            "SELECT t.id, t.name, t.email, t.scopes, t.created_at, t.last_used_at, t.revoked_at,
                 p.email AS person, p.name AS person_name, p.time_zone, g.name AS group_name, g.role
             FROM api_token t",
            members!("t"),
            " WHERE t.token_hash = $1 AND t.revoked_at IS NULL ORDER BY g.name",
        ))
        .bind(token_hash)
        .fetch_all(c)
        .await?);
        let mut token = None;
        let mut members = Vec::with_capacity(rows.len());
        for row in rows {
            token = Some(row.token);
            members.push(row.member);
        }
        let Some((mut token, viewer)) = token.map(ApiToken::from).zip(viewer(members)?) else {
            return Ok(None);
        };
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
        Ok(Some((token, viewer)))
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
}
