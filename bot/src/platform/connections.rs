//! Which platforms the configuration names: connected at start, kept connected while the
//! service runs.

use std::sync::Arc;

use axum::Router;
use firstline_core::chat::Platform;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, watch};
use tokio::task::JoinSet;

use super::Platforms;
use super::discord::{self, Discord};
use super::slack::{self, Slack};
use super::teams::{self, Teams};
use crate::app::App;
use crate::config::Config;
use crate::ports::{Clock, Store};
use crate::store::{Live, LiveKind};

/// One connection for each platform that is configured.
#[derive(Clone, Default)]
pub struct Connections {
    slack: Option<Arc<Slack>>,
    teams: Option<Arc<Teams>>,
    discord: Option<Arc<Discord>>,
}

impl Connections {
    /// # Errors
    /// When a platform's settings cannot work on this machine.
    pub fn new(
        config: &Config,
        store: &Store,
        clock: &Arc<dyn Clock>,
    ) -> anyhow::Result<Connections> {
        let (store, clock) = (|| store.clone(), || clock.clone());
        let slack = match &config.slack {
            Some(settings) => Some(Arc::new(Slack::new(settings, config, store(), clock())?)),
            None => None,
        };
        let teams = match &config.teams {
            Some(settings) => Some(Arc::new(Teams::new(settings, config, store(), clock())?)),
            None => None,
        };
        let discord = match &config.discord {
            Some(settings) => Some(Arc::new(Discord::new(settings, config, store(), clock())?)),
            None => None,
        };
        Ok(Connections { slack, teams, discord })
    }

    /// What sends to them.
    pub fn chats(&self, store: &Store) -> Platforms {
        let mut chats = Platforms::new(store.clone());
        if let Some(slack) = &self.slack {
            chats = chats.with(Platform::Slack, slack.clone());
        }
        if let Some(teams) = &self.teams {
            chats = chats.with(Platform::Teams, teams.clone());
        }
        if let Some(discord) = &self.discord {
            chats = chats.with(Platform::Discord, discord.clone());
        }
        chats
    }

    /// The routes they call.
    pub fn router(&self, app: &Arc<App>) -> Router {
        let mut router = Router::new();
        if let Some(slack) = &self.slack {
            router = router.merge(slack::router(app.clone(), slack.clone()));
        }
        if let Some(teams) = &self.teams {
            router = router.merge(teams::router(app.clone(), teams.clone()));
        }
        router
    }

    /// Takes up, once, what was said while the service was away.
    pub async fn catch_up(&self, app: &Arc<App>) {
        if let Some(slack) = &self.slack {
            slack::catch_up(app.clone(), slack.clone()).await;
        }
        if let Some(teams) = &self.teams {
            teams::catch_up(app.clone(), teams.clone()).await;
        }
        if let Some(discord) = &self.discord {
            discord::catch_up(app.clone(), discord.clone()).await;
        }
    }

    /// Keeps the waits that platforms asked for before this process began, or while it was not
    /// listening to the others.
    pub async fn heed_kept(&self, store: &Store, now: i64) {
        for platform in [Platform::Slack, Platform::Teams, Platform::Discord] {
            match store.pauses(platform, now).await {
                Ok(kept) => {
                    kept.iter().for_each(|(place, until)| self.pause(platform, place, *until));
                }
                // The platform says so again.
                Err(error) => tracing::warn!(%error, "how long to wait cannot be looked up"),
            }
        }
    }

    /// Keeps the waits that platforms ask of other processes.
    async fn heed_pauses(
        self,
        app: Arc<App>,
        mut live: broadcast::Receiver<Live>,
        mut stopped: watch::Receiver<bool>,
    ) {
        loop {
            let heard = tokio::select! {
                heard = live.recv() => heard,
                _ = stopped.wait_for(|stop| *stop) => return,
            };
            match heard {
                Ok(Live { kind: LiveKind::Pause { platform, place, until }, .. }) => {
                    self.pause(platform, &place, until);
                }
                Ok(_) => {}
                Err(RecvError::Lagged(_)) => self.heed_kept(&app.store, app.clock.now()).await,
                Err(RecvError::Closed) => return,
            }
        }
    }

    fn pause(&self, platform: Platform, place: &str, until: i64) {
        match platform {
            Platform::Slack => self.slack.iter().for_each(|slack| slack.pause(place, until)),
            Platform::Teams => self.teams.iter().for_each(|teams| teams.pause(place, until)),
            Platform::Discord => self.discord.iter().for_each(|it| it.pause(place, until)),
            Platform::Web | Platform::Api | Platform::Cli => {}
        }
    }

    /// What runs beside them until `stopped` turns true.
    pub fn run(&self, app: &Arc<App>, stopped: &watch::Receiver<bool>, parts: &mut JoinSet<()>) {
        let heeds = self.clone().heed_pauses(app.clone(), app.store.live(), stopped.clone());
        parts.spawn(heeds);
        if let Some(slack) = &self.slack {
            parts.spawn(slack::run(app.clone(), slack.clone(), stopped.clone()));
        }
        if let Some(teams) = &self.teams {
            parts.spawn(teams::run(app.clone(), teams.clone(), stopped.clone()));
        }
        if let Some(discord) = &self.discord {
            parts.spawn(discord::run(app.clone(), discord.clone(), stopped.clone()));
        }
    }
}
