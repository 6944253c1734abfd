//! Who is behind a Discord account. Discord tells nobody's address, so people tie their accounts
//! to themselves by a one-time link; everybody else is a guest.

use firstline_core::chat::{Person, Platform};

use super::Discord;
use crate::platform::people::Account;
use crate::store::StoreError;
use crate::store::records::AccountKey;

/// An account, the same in all servers.
pub(super) fn account(tenant: &str, user: u64, name: &str) -> Account {
    Account {
        of: AccountKey {
            platform: Platform::Discord.as_str().to_owned(),
            tenant: "*".to_owned(),
            account: user.to_string(),
        },
        place: tenant.to_owned(),
        name: Some(name.to_owned()),
        email: None,
        guest: false,
        language: None,
        time_zone: None,
    }
}

impl Discord {
    pub(super) async fn who(
        &self,
        tenant: &str,
        user: u64,
        name: &str,
        now: i64,
    ) -> Result<Person, StoreError> {
        self.people.person(&account(tenant, user, name), now).await
    }
}
