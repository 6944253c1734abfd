//! Who is behind a Discord account. Discord tells nobody's address, so people tie their accounts
//! to themselves by a one-time link; everybody else is a guest.

use firstline_core::chat::{Person, Platform};

use super::Discord;
use crate::platform::people::{self, Account};
use crate::store::StoreError;
use crate::store::records::{AccountKey, AccountLink, ConversationRow};

/// How long a one-time link serves, in milliseconds.
const LINK_MS: i64 = 15 * 60_000;

/// What addresses of those nobody vouches for end in.
const NOBODYS: &str = "@discord.invalid";

/// An account, the same in all servers.
pub(super) fn key(user: u64) -> AccountKey {
    AccountKey {
        platform: Platform::Discord.as_str().to_owned(),
        tenant: "*".to_owned(),
        account: user.to_string(),
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
        let email = match self.store.linked(&key(user)).await? {
            // Whoever was erased since is nobody again.
            Some(email) => self.store.person(&email).await?.map(|person| person.email),
            None => None,
        };
        let account = Account {
            id: user.to_string(),
            tenant: tenant.to_owned(),
            platform: Platform::Discord.as_str(),
            name: Some(name.to_owned()),
            email,
            guest: false,
            language: None,
        };
        people::person(&self.store, account, now).await
    }

    /// The address of a page on which a signed-in person takes an account for theirs; `None`
    /// without an address of the console.
    pub(super) async fn link(
        &self,
        user: u64,
        name: &str,
        now: i64,
    ) -> Result<Option<String>, StoreError> {
        let Some(base) = self.base() else { return Ok(None) };
        let token = crate::console::session::new_token();
        let hash = crate::console::session::hash_token(&token);
        let link = AccountLink { of: key(user), name: name.to_owned() };
        self.store.create_account_link(&hash, &link, now, now + LINK_MS).await?;
        Ok(Some(format!("{base}/link/{token}")))
    }

    /// The account of whoever began a conversation.
    pub(super) async fn account_of(&self, requester: &str) -> Result<Option<u64>, StoreError> {
        if let Some(name) = requester.strip_suffix(NOBODYS) {
            return Ok(name.split('.').next().and_then(|id| id.parse().ok()));
        }
        let accounts = self.store.accounts_of(requester).await?;
        let ours = accounts.into_iter().find(|a| a.platform == Platform::Discord.as_str());
        Ok(ours.and_then(|account| account.account.parse().ok()))
    }
}

/// Whether nobody vouches for whoever began a conversation.
pub(super) fn is_unknown(conversation: &ConversationRow) -> bool {
    conversation.requester.ends_with(NOBODYS)
}
