//! Who is behind a Slack user, by their profile.

use firstline_core::chat::Person;

use super::Slack;
use super::api::{SlackError, User};
use crate::platform::people::{self, Account};
use crate::store::StoreError;

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
        if let Some(known) = self.people.get(user, now) {
            return Ok(known);
        }
        let person = match self.api.user(user).await {
            Ok(profile) => match account(team, profile) {
                Some(account) => Some(people::person(&self.store, account, now).await?),
                None => None,
            },
            // Slack does not know them: nobody to answer.
            Err(SlackError::Refused(word)) if word == "user_not_found" => None,
            Err(error) => return Err(error.into()),
        };
        self.people.put(user, now, person.clone());
        Ok(person)
    }
}

fn account(team: &str, user: User) -> Option<Account> {
    if user.is_bot == Some(true) || user.deleted == Some(true) {
        return None;
    }
    let names = [user.profile.display_name, user.profile.real_name, user.real_name, user.name];
    let stranger = [user.is_restricted, user.is_ultra_restricted, user.is_stranger];
    let of_others = user.team_id.is_some_and(|of| of != team && team.starts_with('T'));
    Some(Account {
        id: user.id,
        tenant: team.to_owned(),
        platform: "slack",
        name: names.into_iter().flatten().find(|name| !name.trim().is_empty()),
        email: user.profile.email,
        guest: stranger.contains(&Some(true)) || of_others,
        language: user.locale.filter(|locale| !locale.is_empty()),
    })
}
