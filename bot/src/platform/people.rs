//! Who is behind an account of a platform: matched to a person by the e-mail address the platform
//! vouches for, else by a one-time link that they confirm in the console.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use firstline_core::chat::{Person, Platform};
use firstline_core::command::{self, Command};
use firstline_core::words::{self, Told};

use super::offer;
use crate::config::Config;
use crate::console::session::{hash_token, new_token};
use crate::ports::Store;
use crate::store::StoreError;
use crate::store::records::{
    AccountKey, AccountLink, Author, ConversationRow, MessageRow, PersonRow,
};

/// How long a profile is believed without asking again, in milliseconds.
const BELIEVED_MS: i64 = 10 * 60_000;
/// Profiles kept in memory.
const KEPT: usize = 20_000;
/// How long a one-time link serves, in milliseconds.
const LINK_MS: i64 = 15 * 60_000;
/// The first words of a conversation, among which the bot's own are.
const OPENING: i64 = 20;

/// An account as its platform shows it.
#[derive(Debug, Clone)]
pub(super) struct Account {
    pub(super) of: AccountKey,
    /// Where it acts: tells those nobody vouches for apart.
    pub(super) place: String,
    pub(super) name: Option<String>,
    /// Verified by the platform.
    pub(super) email: Option<String>,
    /// A guest there, or somebody of another organisation.
    pub(super) guest: bool,
    /// BCP 47, of the profile.
    pub(super) language: Option<String>,
    /// IANA name, of the profile.
    pub(super) time_zone: Option<String>,
}

impl Account {
    fn name(&self) -> &str {
        let name = self.name.as_deref().map(str::trim).filter(|name| !name.is_empty());
        name.unwrap_or("Someone")
    }

    fn email(&self) -> Option<String> {
        let email = self.email.as_ref().map(|email| email.trim().to_lowercase());
        email.filter(|email| email.contains('@'))
    }

    fn time_zone(&self) -> Option<&str> {
        self.time_zone.as_deref().filter(|name| words::is_time_zone(name))
    }

    fn language(&self) -> &str {
        self.language.as_deref().unwrap_or("en")
    }
}

/// Whether somebody wrote nothing but a wish about their account, which is told once, and not taken
/// up later: by then they may have another.
pub(super) fn is_wish(text: &str) -> bool {
    matches!(command::parse(text), Some(Command::Link | Command::Unlink))
}

/// What addresses of those nobody vouches for end in: nobody can have one, so they are nobody
/// else. Guests of the platform, who cannot change that, are told from the others.
fn nobodys(platform: &str, guest: bool) -> String {
    if guest { format!("@guest.{platform}.invalid") } else { format!("@{platform}.invalid") }
}

/// Everybody with an account on one platform.
pub(super) struct People {
    platform: Platform,
    store: Store,
    /// Domains whose addresses are the organisation's; empty: all the platform vouches for.
    domains: Vec<String>,
    /// Where people reach the console.
    public_url: Option<String>,
    /// Who was seen lately, by account; `None` for those who are not answered.
    seen: Mutex<HashMap<String, (i64, Option<Account>)>>,
}

impl People {
    pub(super) fn new(platform: Platform, config: &Config, store: Store) -> People {
        People {
            platform,
            store,
            domains: config.people.domains.iter().map(|domain| domain.to_lowercase()).collect(),
            public_url: config.server.public_url.clone(),
            seen: Mutex::default(),
        }
    }

    /// What is still believed of an account.
    pub(super) fn remembered(&self, account: &str, now: i64) -> Option<Option<Account>> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.get(account).filter(|(at, _)| now - at < BELIEVED_MS).map(|(_, who)| who.clone())
    }

    pub(super) fn remember(&self, id: &str, now: i64, account: Option<Account>) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= KEPT {
            seen.clear();
        }
        seen.insert(id.to_owned(), (now, account));
    }

    /// The person behind an account; a colleague nobody knew is known from now on. Whom an account
    /// is tied to is asked each time: a tie counts at once.
    pub(super) async fn person(&self, account: &Account, now: i64) -> Result<Person, StoreError> {
        let named = account.email();
        let known = self.store.behind_account(&account.of, named.as_deref()).await?;
        // Who is a guest stays one, whatever else they say.
        let tied = known.iter().find(|it| it.tied && !account.guest);
        let known = tied.or_else(|| known.iter().find(|it| !it.tied));
        let zone = account.time_zone();
        let (email, guest) = match (known, named) {
            (Some(known), _) => {
                if let Some(zone) = zone.filter(|zone| known.time_zone.as_deref() != Some(*zone)) {
                    self.store.set_time_zone(&known.email, zone).await?;
                }
                (known.email.clone(), account.guest || !known.active)
            }
            (None, Some(email)) if account.guest => (email, true),
            (None, Some(email)) if self.vouched(&email) => {
                let name = account.name().to_owned();
                let row = PersonRow { email: email.clone(), name, active: true };
                self.store.upsert_person(&row, now).await?;
                if let Some(zone) = zone {
                    self.store.set_time_zone(&email, zone).await?;
                }
                (email, false)
            }
            (None, _) => {
                let AccountKey { account: id, platform, .. } = &account.of;
                let end = nobodys(platform, account.guest);
                (format!("{id}.{}{end}", account.place).to_lowercase(), true)
            }
        };
        Ok(Person {
            email,
            name: account.name().to_owned(),
            guest,
            language: account.language.clone(),
            time_zone: zone.or(known.and_then(|it| it.time_zone.as_deref())).map(str::to_owned),
        })
    }

    /// Whether an address nobody has yet is the organisation's.
    fn vouched(&self, email: &str) -> bool {
        let domain = email.rsplit('@').next().unwrap_or_default();
        self.domains.is_empty() || self.domains.iter().any(|ours| ours == domain)
    }

    /// What somebody is told who wrote nothing but a wish to tie their account to themselves, or
    /// no longer; `None` when they wrote something else.
    pub(super) async fn wished(
        &self,
        text: &str,
        account: &Account,
        now: i64,
    ) -> Result<Option<String>, StoreError> {
        match command::parse(text) {
            Some(Command::Link) => self.link(account, now).await.map(Some),
            Some(Command::Unlink) => self.unlink(account).await.map(Some),
            _ => Ok(None),
        }
    }

    /// Gives the address of a page on which a signed-in person takes an account for theirs.
    pub(super) async fn link(&self, account: &Account, now: i64) -> Result<String, StoreError> {
        let language = account.language();
        if account.guest {
            return Ok(words::guests_stay_guests(language));
        }
        if let Some(email) = self.store.linked(&account.of).await? {
            return Ok(words::tied_already(&email, language));
        }
        let Some(base) = offer::base(self.public_url.as_deref()) else {
            return Ok(words::cannot_link(language));
        };
        let token = new_token();
        let link = AccountLink { of: account.of.clone(), name: account.name().to_owned() };
        self.store.create_account_link(&hash_token(&token), &link, now, now + LINK_MS).await?;
        let until = Told { now, zone: account.time_zone() }.when(now + LINK_MS, language);
        Ok(words::link_page(&format!("{base}/link/{token}"), &until, language))
    }

    /// The account is nobody's from now on.
    pub(super) async fn unlink(&self, account: &Account) -> Result<String, StoreError> {
        let was_tied = self.store.unlink(&account.of).await?;
        Ok(words::unlinked(was_tied, account.language()))
    }

    /// Said once, below the first words to somebody nobody vouches for, who could change that.
    pub(super) async fn hint(
        &self,
        conversation: &ConversationRow,
        message: &MessageRow,
    ) -> Result<Option<String>, StoreError> {
        let unknown = conversation.requester.ends_with(&nobodys(self.platform.as_str(), false));
        if !unknown || offer::base(self.public_url.as_deref()).is_none() {
            return Ok(None);
        }
        let said = self.store.messages(&conversation.id, 0, OPENING).await?;
        let first = said.iter().find(|m| m.author == Author::Bot);
        let how = match self.platform {
            Platform::Slack | Platform::Discord => "`/firstline link`",
            _ => "Writing `link` to me directly",
        };
        let is_first = first.is_some_and(|first| first.id == message.id);
        Ok(is_first.then(|| words::unknown_here(how, "en")))
    }

    /// An account by whose address somebody was known lately.
    fn seen_as(&self, email: &str) -> Option<String> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let mut accounts = seen.values().filter_map(|(_, account)| account.as_ref());
        let theirs = accounts.find(|account| account.email().as_deref() == Some(email));
        theirs.map(|account| account.of.account.clone())
    }

    /// The account on this platform of whoever began a conversation.
    pub(super) async fn account_of(&self, requester: &str) -> Result<Option<String>, StoreError> {
        if let Some(name) = requester.strip_suffix(&nobodys(self.platform.as_str(), false)) {
            return Ok(name.split('.').next().map(str::to_owned));
        }
        if let Some(seen) = self.seen_as(requester) {
            return Ok(Some(seen));
        }
        let accounts = self.store.accounts_of(requester).await?;
        let ours = accounts.into_iter().find(|it| it.of.platform == self.platform.as_str());
        Ok(ours.map(|account| account.of.account))
    }
}
