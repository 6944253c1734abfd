//! Who is behind an account of Teams, by the roster of the conversation they speak in.

use firstline_core::chat::{Person, Platform};

use super::Teams;
use super::activity::Origin;
use super::api::{Member, TeamsError};
use crate::platform::people::Account;
use crate::store::records::AccountKey;

impl Teams {
    /// Who sent an activity; `None` for whom the conversation does not know.
    pub(super) async fn who(&self, origin: &Origin, now: i64) -> anyhow::Result<Option<Person>> {
        Ok(match self.sender(origin, now).await? {
            Some(account) => Some(self.people.person(&account, now).await?),
            None => None,
        })
    }

    /// The account an activity came from, with what only the activity tells of it.
    pub(super) async fn sender(
        &self,
        origin: &Origin,
        now: i64,
    ) -> Result<Option<Account>, TeamsError> {
        let account = self.account(origin, &origin.from.id, now).await?;
        let (language, time_zone) = (origin.locale.clone(), origin.timezone.clone());
        Ok(account.map(|account| Account { language, time_zone, ..account }))
    }

    /// Who somebody in the conversation of an activity is, by their id there or in Entra.
    pub(super) async fn member(
        &self,
        origin: &Origin,
        user: &str,
        now: i64,
    ) -> anyhow::Result<Option<Person>> {
        Ok(match self.account(origin, user, now).await? {
            Some(account) => Some(self.people.person(&account, now).await?),
            None => None,
        })
    }

    async fn account(
        &self,
        origin: &Origin,
        user: &str,
        now: i64,
    ) -> Result<Option<Account>, TeamsError> {
        if let Some(known) = self.people.remembered(user, now) {
            return Ok(known);
        }
        let place = super::outbound::roster_of(&origin.conversation);
        let account = match self.api.member(&origin.service_url, place, user).await {
            Ok(member) => Some(account(&origin.tenant, user, member)),
            Err(TeamsError::Refused { status: 403 | 404, .. }) => None,
            Err(error) => return Err(error),
        };
        self.people.remember(user, now, account.clone());
        Ok(account)
    }
}

/// Guests are marked by their role, by the tenant they are of, or by how Entra names them
/// (<https://learn.microsoft.com/entra/external-id/user-properties>).
fn account(tenant: &str, user: &str, member: Member) -> Account {
    let role = member.user_role.as_deref().unwrap_or("user");
    let name = member.user_principal_name.as_deref().unwrap_or_default();
    let elsewhere = member.tenant_id.as_deref().is_some_and(|of| !of.eq_ignore_ascii_case(tenant));
    let external = name.to_ascii_uppercase().contains("#EXT#");
    Account {
        of: AccountKey {
            platform: Platform::Teams.as_str().to_owned(),
            tenant: tenant.to_owned(),
            account: member.aad_object_id.unwrap_or_else(|| user.to_owned()),
        },
        place: tenant.to_owned(),
        name: member.name,
        guest: external || elsewhere || !role.eq_ignore_ascii_case("user"),
        language: None,
        time_zone: None,
        email: member.email.or(member.user_principal_name).filter(|email| !email.contains('#')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guests_are_told_from_colleagues() {
        let ana = || Member {
            email: Some("Ana@example.com".into()),
            user_principal_name: Some("ana@example.com".into()),
            tenant_id: Some("T1".into()),
            user_role: Some("user".into()),
            ..Member::default()
        };
        let upn = |name: &str| Some(name.to_owned());
        for (member, email, guest) in [
            (ana(), Some("Ana@example.com"), false),
            (Member { email: None, ..ana() }, Some("ana@example.com"), false),
            (Member { tenant_id: None, user_role: None, ..ana() }, Some("Ana@example.com"), false),
            (Member { user_role: upn("guest"), ..ana() }, Some("Ana@example.com"), true),
            (Member { user_role: upn("anonymous"), ..ana() }, Some("Ana@example.com"), true),
            (Member { tenant_id: upn("T2"), ..ana() }, Some("Ana@example.com"), true),
            (
                Member { user_principal_name: upn("ben_x.com#EXT#@example.com"), ..ana() },
                Some("Ana@example.com"),
                true,
            ),
            (
                Member {
                    email: None,
                    user_principal_name: upn("ben_x.com#ext#@example.com"),
                    ..ana()
                },
                None,
                true,
            ),
            (Member::default(), None, false),
        ] {
            let account = account("t1", "29:ana", member.clone());
            assert_eq!((account.email.as_deref(), account.guest), (email, guest), "{member:?}");
        }
    }
}
