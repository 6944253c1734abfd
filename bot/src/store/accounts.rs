//! Accounts of chat platforms, tied to people by one-time links where no address is known, and
//! duties that one process alone has.

use super::people::lower;
use super::records::{AccountKey, AccountLink, Behind};
use super::{Result, Store};

#[derive(sqlx::FromRow)]
struct LinkRow {
    platform: String,
    tenant: String,
    account: String,
    name: String,
}

impl From<LinkRow> for AccountLink {
    fn from(row: LinkRow) -> Self {
        let LinkRow { platform, tenant, account, name } = row;
        AccountLink { of: AccountKey { platform, tenant, account }, name }
    }
}

impl Store {
    /// Keeps a one-time link by its token's hash; links that have ended go.
    pub async fn create_account_link(
        &self,
        token_hash: &str,
        link: &AccountLink,
        now: i64,
        expires_at: i64,
    ) -> Result<()> {
        let mut tx = self.begin().await?;
        exec!(tx, sqlx::query("DELETE FROM account_link WHERE expires_at <= $1").bind(now));
        exec!(
            tx,
            sqlx::query(
                "INSERT INTO account_link (token_hash, platform, tenant, account, name, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6)",
            )
            .bind(token_hash)
            .bind(&link.of.platform)
            .bind(&link.of.tenant)
            .bind(&link.of.account)
            .bind(&link.name)
            .bind(expires_at)
        );
        tx.commit().await
    }

    /// What a link would tie, unless it is used or has ended.
    pub async fn account_link(&self, token_hash: &str, now: i64) -> Result<Option<AccountLink>> {
        let row: Option<LinkRow> = read!(self, |c| sqlx::query_as(
            "SELECT platform, tenant, account, name FROM account_link
             WHERE token_hash = $1 AND used_at IS NULL AND expires_at > $2",
        )
        .bind(token_hash)
        .bind(now)
        .fetch_optional(c)
        .await?);
        Ok(row.map(AccountLink::from))
    }

    /// Uses a link up and ties its account to a person; `None` when it is used or has ended.
    pub async fn use_account_link(
        &self,
        token_hash: &str,
        email: &str,
        now: i64,
    ) -> Result<Option<AccountLink>> {
        let mut tx = self.begin().await?;
        let row: Option<LinkRow> = on!(tx, |c| sqlx::query_as(
            "UPDATE account_link SET used_at = $2
             WHERE token_hash = $1 AND used_at IS NULL AND expires_at > $2
             RETURNING platform, tenant, account, name",
        )
        .bind(token_hash)
        .bind(now)
        .fetch_optional(c)
        .await?);
        if let Some(LinkRow { platform, tenant, account, name }) = &row {
            exec!(
                tx,
                sqlx::query(
                    "INSERT INTO account (platform, tenant, account, email, linked_at, name)
                 VALUES ($1, $2, $3, $4, $5, $6)
                 ON CONFLICT (platform, tenant, account) DO UPDATE
                 SET email = excluded.email, linked_at = excluded.linked_at, name = excluded.name",
                )
                .bind(platform)
                .bind(tenant)
                .bind(account)
                .bind(lower(email))
                .bind(now)
                .bind(name)
            );
        }
        tx.commit().await?;
        Ok(row.map(AccountLink::from))
    }

    /// The address of the person an account is tied to.
    pub async fn linked(&self, of: &AccountKey) -> Result<Option<String>> {
        Ok(read!(self, |c| sqlx::query_scalar(
            "SELECT email FROM account WHERE platform = $1 AND tenant = $2 AND account = $3"
        )
        .bind(&of.platform)
        .bind(&of.tenant)
        .bind(&of.account)
        .fetch_optional(c)
        .await?))
    }

    /// A person's accounts, the first that was tied first.
    pub async fn accounts_of(&self, email: &str) -> Result<Vec<AccountLink>> {
        let rows: Vec<LinkRow> = read!(self, |c| sqlx::query_as(
            "SELECT platform, tenant, account, name FROM account WHERE email = $1
             ORDER BY linked_at, platform, tenant, account"
        )
        .bind(lower(email))
        .fetch_all(c)
        .await?);
        Ok(rows.into_iter().map(AccountLink::from).collect())
    }

    /// Who may be behind an account: whom it is tied to, and who has this address.
    pub async fn behind_account(
        &self,
        of: &AccountKey,
        email: Option<&str>,
    ) -> Result<Vec<Behind>> {
        let rows: Vec<(String, bool, Option<String>, bool)> = read!(self, |c| sqlx::query_as(
            "SELECT p.email, p.active, p.time_zone, true FROM account a
             JOIN person p ON p.email = a.email
             WHERE a.platform = $1 AND a.tenant = $2 AND a.account = $3
             UNION ALL
             SELECT email, active, time_zone, false FROM person WHERE email = $4",
        )
        .bind(&of.platform)
        .bind(&of.tenant)
        .bind(&of.account)
        .bind(email.map(lower))
        .fetch_all(c)
        .await?);
        let behind = |(email, active, time_zone, tied)| Behind { email, active, time_zone, tied };
        Ok(rows.into_iter().map(behind).collect())
    }

    /// `false` when the account was tied to nobody. Links made for it before end with it.
    pub async fn unlink(&self, of: &AccountKey) -> Result<bool> {
        let mut tx = self.begin().await?;
        let mut gone = 0;
        for sql in [
            "DELETE FROM account_link WHERE platform = $1 AND tenant = $2 AND account = $3",
            "DELETE FROM account WHERE platform = $1 AND tenant = $2 AND account = $3",
        ] {
            gone =
                exec!(tx, sqlx::query(sql).bind(&of.platform).bind(&of.tenant).bind(&of.account));
        }
        tx.commit().await?;
        Ok(gone > 0)
    }

    /// Takes or keeps a duty until `until`, unless somebody else still has it; whether it is the
    /// holder's. On SQLite nobody else can live, so whoever asks has it.
    pub async fn take_duty(&self, name: &str, holder: &str, now: i64, until: i64) -> Result<bool> {
        let mut tx = self.begin().await?;
        let taken = exec!(
            tx,
            sqlx::query(
                "INSERT INTO duty (name, holder, held_until) VALUES ($1, $2, $3)
                 ON CONFLICT (name) DO UPDATE
                 SET holder = excluded.holder, held_until = excluded.held_until
                 WHERE duty.holder = excluded.holder OR duty.held_until <= $4 OR $5",
            )
            .bind(name)
            .bind(holder)
            .bind(until)
            .bind(now)
            .bind(self.is_sqlite())
        );
        tx.commit().await?;
        Ok(taken > 0)
    }

    /// Lets go of a duty, so that somebody else need not wait for its end.
    pub async fn leave_duty(&self, name: &str, holder: &str) -> Result<()> {
        let mut tx = self.begin().await?;
        exec!(
            tx,
            sqlx::query("DELETE FROM duty WHERE name = $1 AND holder = $2").bind(name).bind(holder)
        );
        tx.commit().await
    }
}
