//! Who is behind an account of a platform: matched to a person by a verified e-mail address.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use firstline_core::chat::Person;

use crate::ports::Store;
use crate::store::StoreError;
use crate::store::records::PersonRow;

/// How long a profile is believed without asking again, in milliseconds.
const BELIEVED_MS: i64 = 10 * 60_000;
/// Profiles kept in memory.
const KEPT: usize = 20_000;

/// An account as its platform shows it.
#[derive(Debug, Clone, Default)]
pub(super) struct Account {
    /// The account's name among machines, for those nobody vouches for.
    pub(super) id: String,
    pub(super) tenant: String,
    pub(super) platform: &'static str,
    pub(super) name: Option<String>,
    /// Verified by the platform.
    pub(super) email: Option<String>,
    /// A guest there, or somebody of another organisation.
    pub(super) guest: bool,
    /// BCP 47, of the profile.
    pub(super) language: Option<String>,
}

/// The person behind an account; a colleague nobody knew is known from now on.
pub(super) async fn person(
    store: &Store,
    account: Account,
    now: i64,
) -> Result<Person, StoreError> {
    let name = account.name.as_deref().map(str::trim).filter(|name| !name.is_empty());
    let name = name.unwrap_or("Someone").to_owned();
    let language = account.language;
    let email = account.email.map(|e| e.trim().to_lowercase()).filter(|e| e.contains('@'));
    let Some(email) = email else {
        // An address nobody can have: who is not vouched for is nobody else.
        let Account { id, tenant, platform, .. } = account;
        let email = format!("{id}.{tenant}@{platform}.invalid").to_lowercase();
        return Ok(Person { email, name, guest: true, language });
    };
    let known = store.person(&email).await?;
    let closed = known.as_ref().is_some_and(|person| !person.active);
    if known.is_none() && !account.guest {
        let row = PersonRow { email: email.clone(), name: name.clone(), active: true };
        store.upsert_person(&row, now).await?;
    }
    Ok(Person { email, name, guest: account.guest || closed, language })
}

/// Who was seen lately, by account; `None` for those who are not answered.
#[derive(Default)]
pub(super) struct Seen {
    seen: Mutex<HashMap<String, (i64, Option<Person>)>>,
}

impl Seen {
    /// What is still believed of an account.
    pub(super) fn get(&self, account: &str, now: i64) -> Option<Option<Person>> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.get(account).filter(|(at, _)| now - at < BELIEVED_MS).map(|(_, who)| who.clone())
    }

    /// An account under which somebody was seen.
    pub(super) fn account_of(&self, email: &str) -> Option<String> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let is = |who: &Option<Person>| who.as_ref().is_some_and(|who| who.email == email);
        seen.iter().find(|(_, (_, who))| is(who)).map(|(account, _)| account.clone())
    }

    pub(super) fn put(&self, account: &str, now: i64, person: Option<Person>) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= KEPT {
            seen.clear();
        }
        seen.insert(account.to_owned(), (now, person));
    }
}
