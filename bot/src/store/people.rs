//! People, their groups, and what the groups give them.

use super::encode::{of_word, word};
use super::records::{Group, PersonRow, Role, Viewer};
use super::{Result, Store, StoreError, Tx};

/// The group everyone belongs to without being listed.
pub const EVERYONE: &str = "everyone";

/// The audience that includes outsiders.
pub const PUBLIC: &str = "public";

#[derive(sqlx::FromRow)]
struct GroupRow {
    name: String,
    role: String,
    email: Option<String>,
}

/// Groups from rows ordered by name, one per member.
fn gather(rows: Vec<GroupRow>) -> Result<Vec<Group>> {
    let mut groups: Vec<Group> = Vec::new();
    for row in rows {
        if groups.last().is_none_or(|g| g.name != row.name) {
            groups.push(Group { name: row.name, role: of_word(row.role)?, members: Vec::new() });
        }
        if let (Some(group), Some(email)) = (groups.last_mut(), row.email) {
            group.members.push(email);
        }
    }
    Ok(groups)
}

/// Addresses are compared in lower case everywhere.
pub(super) fn lower(email: &str) -> String {
    email.trim().to_lowercase()
}

impl Store {
    /// Adds a person or changes their name and whether they are active.
    pub async fn upsert_person(&self, person: &PersonRow, now: i64) -> Result<()> {
        let mut tx = self.begin().await?;
        exec!(
            tx,
            sqlx::query(
                "INSERT INTO person (email, name, active, created_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (email) DO UPDATE SET name = excluded.name, active = excluded.active",
            )
            .bind(lower(&person.email))
            .bind(&person.name)
            .bind(person.active)
            .bind(now)
        );
        tx.commit().await
    }

    pub async fn person(&self, email: &str) -> Result<Option<PersonRow>> {
        let row: Option<(String, String, bool)> = read!(self, |c| sqlx::query_as(
            "SELECT email, name, active FROM person WHERE email = $1"
        )
        .bind(lower(email))
        .fetch_optional(c)
        .await?);
        Ok(row.map(|(email, name, active)| PersonRow { email, name, active }))
    }

    /// Everyone known, by address.
    pub async fn people(&self) -> Result<Vec<PersonRow>> {
        let rows: Vec<(String, String, bool)> = read!(self, |c| sqlx::query_as(
            "SELECT email, name, active FROM person ORDER BY email"
        )
        .fetch_all(c)
        .await?);
        Ok(rows
            .into_iter()
            .map(|(email, name, active)| PersonRow { email, name, active })
            .collect())
    }

    /// Notes where somebody is (IANA name).
    pub async fn set_time_zone(&self, email: &str, time_zone: &str) -> Result<()> {
        let mut tx = self.begin().await?;
        exec!(
            tx,
            sqlx::query("UPDATE person SET time_zone = $2 WHERE email = $1")
                .bind(lower(email))
                .bind(time_zone)
        );
        tx.commit().await
    }

    /// `false` when nobody has this address. Ends the sessions of a person made inactive.
    pub async fn set_active(&self, email: &str, active: bool) -> Result<bool> {
        let email = lower(email);
        let mut tx = self.begin().await?;
        let changed = exec!(
            tx,
            sqlx::query("UPDATE person SET active = $2 WHERE email = $1").bind(&email).bind(active)
        );
        if !active {
            exec!(tx, sqlx::query("DELETE FROM session WHERE email = $1").bind(&email));
        }
        tx.commit().await?;
        Ok(changed > 0)
    }

    /// Makes the groups of the configuration exactly these. A group of the same name made
    /// on the command line gives way. Members not known yet become people.
    pub async fn sync_config_groups(&self, groups: &[Group]) -> Result<()> {
        groups.iter().try_for_each(check_name)?;
        let mut tx = self.begin().await?;
        exec!(tx, sqlx::query("DELETE FROM person_group WHERE origin = 'config'"));
        for group in groups {
            replace_group(&mut tx, group, "config").await?;
        }
        tx.commit().await
    }

    /// Makes or replaces a group from the command line.
    pub async fn put_group(&self, group: &Group) -> Result<()> {
        check_name(group)?;
        let mut tx = self.begin().await?;
        replace_group(&mut tx, group, "local").await?;
        tx.commit().await
    }

    /// `false` when there is none of this name.
    pub async fn remove_group(&self, name: &str) -> Result<bool> {
        let mut tx = self.begin().await?;
        let removed = exec!(tx, sqlx::query("DELETE FROM person_group WHERE name = $1").bind(name));
        tx.commit().await?;
        Ok(removed > 0)
    }

    /// All groups with their members, by name.
    pub async fn groups(&self) -> Result<Vec<Group>> {
        let rows: Vec<GroupRow> = read!(self, |c| sqlx::query_as(
            "SELECT g.name, g.role, m.email FROM person_group g
             LEFT JOIN membership m ON m.group_name = g.name ORDER BY g.name, m.email",
        )
        .fetch_all(c)
        .await?);
        gather(rows)
    }

    /// `false` when there is no such group.
    pub async fn add_member(&self, group: &str, email: &str) -> Result<bool> {
        let mut tx = self.begin().await?;
        let exists: Option<i64> = on!(tx, |c| sqlx::query_scalar(
            "SELECT CAST(1 AS BIGINT) FROM person_group WHERE name = $1"
        )
        .bind(group)
        .fetch_optional(c)
        .await?);
        if exists.is_none() {
            tx.rollback().await?;
            return Ok(false);
        }
        put_member(&mut tx, group, &lower(email)).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// `false` when they were no member.
    pub async fn remove_member(&self, group: &str, email: &str) -> Result<bool> {
        let mut tx = self.begin().await?;
        let removed = exec!(
            tx,
            sqlx::query("DELETE FROM membership WHERE group_name = $1 AND email = $2")
                .bind(group)
                .bind(lower(email))
        );
        tx.commit().await?;
        Ok(removed > 0)
    }

    /// The person with their groups and roles; `None` when unknown or inactive.
    pub async fn viewer(&self, email: &str) -> Result<Option<Viewer>> {
        type Row = (String, String, Option<String>, Option<String>, Option<String>);
        let rows: Vec<Row> = read!(self, |c| sqlx::query_as(
            "SELECT p.email, p.name, p.time_zone, g.name, g.role FROM person p
                 LEFT JOIN membership m ON m.email = p.email
                 LEFT JOIN person_group g ON g.name = m.group_name
                 WHERE p.email = $1 AND p.active ORDER BY g.name",
        )
        .bind(lower(email))
        .fetch_all(c)
        .await?);
        let Some((email, name, zone, ..)) = rows.first().cloned() else { return Ok(None) };
        gather_viewer(email, name, zone, rows.into_iter().map(|(_, _, _, g, r)| (g, r))).map(Some)
    }
}

/// A person with groups and roles from the rows of their memberships.
pub(super) fn gather_viewer(
    email: String,
    name: String,
    time_zone: Option<String>,
    memberships: impl Iterator<Item = (Option<String>, Option<String>)>,
) -> Result<Viewer> {
    let mut roles = vec![Role::Employee];
    let mut groups = vec![EVERYONE.to_owned()];
    for (group, role) in memberships {
        groups.extend(group.filter(|g| g != EVERYONE));
        roles.extend(role.map(of_word::<Role>).transpose()?);
    }
    roles.sort_unstable();
    roles.dedup();
    Ok(Viewer { email, name, roles, groups, time_zone })
}

fn check_name(group: &Group) -> Result<()> {
    if group.name.trim().is_empty() || group.name.chars().any(char::is_control) {
        return Err(StoreError::Conflict(format!(
            "{:?} is no name for a group. Use letters and digits.",
            group.name
        )));
    }
    Ok(())
}

async fn replace_group(tx: &mut Tx, group: &Group, origin: &str) -> Result<()> {
    exec!(tx, sqlx::query("DELETE FROM person_group WHERE name = $1").bind(&group.name));
    exec!(
        tx,
        sqlx::query("INSERT INTO person_group (name, role, origin) VALUES ($1, $2, $3)")
            .bind(&group.name)
            .bind(word(group.role))
            .bind(origin)
    );
    for email in &group.members {
        put_member(tx, &group.name, &lower(email)).await?;
    }
    Ok(())
}

/// A member nobody knows yet becomes a person named by the part before the `@`.
async fn put_member(tx: &mut Tx, group: &str, email: &str) -> Result<()> {
    exec!(
        tx,
        sqlx::query(
            "INSERT INTO membership (group_name, email) VALUES ($1, $2) ON CONFLICT DO NOTHING"
        )
        .bind(group)
        .bind(email)
    );
    exec!(
        tx,
        sqlx::query(
            "INSERT INTO person (email, name, active, created_at) VALUES ($1, $2, $3, 0)
         ON CONFLICT DO NOTHING"
        )
        .bind(email)
        .bind(email.split('@').next().unwrap_or(email))
        .bind(true)
    );
    Ok(())
}
