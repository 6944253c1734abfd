//! Who is behind a Slack user, by their profile.

use firstline_core::chat::{Person, Platform};

use super::Slack;
use super::api::{SlackError, User};
use crate::platform::people::Account;
use crate::store::StoreError;
use crate::store::records::AccountKey;

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
        Ok(match self.account(team, user, now).await? {
            Some(account) => Some(self.people.person(&account, now).await?),
            None => None,
        })
    }

    /// The account of `user`; `None` as for [`Self::who`].
    pub(super) async fn account(
        &self,
        team: &str,
        user: &str,
        now: i64,
    ) -> Result<Option<Account>, SlackError> {
        if let Some(known) = self.people.remembered(user, now) {
            return Ok(known);
        }
        let account = match self.api.user(user).await {
            Ok(profile) => account(team, profile),
            // Slack does not know them: nobody to answer.
            Err(SlackError::Refused(word)) if word == "user_not_found" => None,
            Err(error) => return Err(error),
        };
        self.people.remember(user, now, account.clone());
        Ok(account)
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
        of: AccountKey {
            platform: Platform::Slack.as_str().to_owned(),
            tenant: team.to_owned(),
            account: user.id,
        },
        place: team.to_owned(),
        name: names.into_iter().flatten().find(|name| !name.trim().is_empty()),
        email: user.profile.email,
        guest: stranger.contains(&Some(true)) || of_others,
        language: user.locale.filter(|locale| !locale.is_empty()),
        time_zone: user.tz,
    })
}
