//! Who is behind a Slack user: matched to a person by the e-mail address of their profile.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use firstline_core::chat::Person;

use super::Slack;
use super::api::{SlackError, User};
use crate::store::StoreError;
use crate::store::records::PersonRow;

/// How long a profile is believed without asking again, in milliseconds.
const BELIEVED_MS: i64 = 10 * 60_000;
/// Profiles kept in memory.
const KEPT: usize = 20_000;

/// Profiles seen lately, by user.
#[derive(Default)]
pub(super) struct People {
    seen: Mutex<HashMap<String, (i64, Option<Person>)>>,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum WhoError {
    #[error(transparent)]
    Slack(#[from] SlackError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Slack {
    /// Who `user` of `team` is; `None` for bots and people whose account is closed.
    pub(super) async fn who(
        &self,
        team: &str,
        user: &str,
        now: i64,
    ) -> Result<Option<Person>, WhoError> {
        if let Some((at, person)) = self.people.get(user)
            && now - at < BELIEVED_MS
        {
            return Ok(person);
        }
        let person = match self.api.user(user).await {
            Ok(profile) => self.person(team, profile, now).await?,
            // Slack does not know them: nobody to answer.
            Err(SlackError::Refused(word)) if word == "user_not_found" => None,
            Err(error) => return Err(error.into()),
        };
        self.people.put(user, now, person.clone());
        Ok(person)
    }

    async fn person(&self, team: &str, user: User, now: i64) -> Result<Option<Person>, StoreError> {
        if user.is_bot == Some(true) || user.deleted == Some(true) {
            return Ok(None);
        }
        let name =
            [&user.profile.display_name, &user.profile.real_name, &user.real_name, &user.name]
                .into_iter()
                .flatten()
                .find(|name| !name.trim().is_empty())
                .map_or_else(|| "Someone".to_owned(), |name| name.trim().to_owned());
        let email = user.profile.email.map(|e| e.trim().to_lowercase()).filter(|e| e.contains('@'));
        let Some(email) = email else {
            // An address nobody can have: who is not vouched for is nobody else.
            let email = format!("{}.{team}@slack.invalid", user.id).to_lowercase();
            return Ok(Some(Person { email, name, guest: true }));
        };
        let guest = [user.is_restricted, user.is_ultra_restricted, user.is_stranger]
            .contains(&Some(true))
            || user.team_id.is_some_and(|of| of != team && team.starts_with('T'));
        let known = self.store.person(&email).await?;
        let closed = known.as_ref().is_some_and(|person| !person.active);
        if known.is_none() && !guest {
            let row = PersonRow { email: email.clone(), name: name.clone(), active: true };
            self.store.upsert_person(&row, now).await?;
        }
        Ok(Some(Person { email, name, guest: guest || closed }))
    }
}

impl People {
    fn get(&self, user: &str) -> Option<(i64, Option<Person>)> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).get(user).cloned()
    }

    fn put(&self, user: &str, now: i64, person: Option<Person>) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= KEPT {
            seen.clear();
        }
        seen.insert(user.to_owned(), (now, person));
    }
}
