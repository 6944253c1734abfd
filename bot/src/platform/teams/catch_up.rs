//! What was said while the service was away: read from Microsoft Graph where the app was given
//! leave to, and taken up as if it had just come. What came in time is recognised by its name and
//! not taken up twice.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError};

use firstline_core::chat::Platform;
use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::watch;

use super::Teams;
use super::activity::{self, Activity};
use super::api::TeamsError;
use super::graph::{Graph, Source, written_at};
use super::inbound::Inbound;
use super::missed_message::{Reader, is_left_to_people};
use crate::app::App;
use crate::config::Mode;
use crate::platform::missed::{self, NOTED_EVERY_MS};
use crate::store::records::Place;

/// Between the last note that all was heard and the end of the service, and what Teams meanwhile
/// sent in vain.
const OVERLAP_MS: i64 = 5 * 60_000;
/// Channels and chats that are read.
const MOST_PLACES: i64 = 500;
/// Of these, teams and chats that `doctor` tries.
const TRIED: usize = 20;

/// Of how many teams and chats with several people what was missed can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Readable {
    pub known: usize,
    pub readable: usize,
}

/// Takes up, once, what was said while the service was away.
pub async fn catch_up(app: Arc<App>, teams: Arc<Teams>) {
    Inbound { app, teams }.keep_up(&mut false).await;
}

/// Catches up, and notes from time to time that all was heard, until `stopped` turns true.
pub async fn run(app: Arc<App>, teams: Arc<Teams>, mut stopped: watch::Receiver<bool>) {
    if teams.graph.is_none() {
        return;
    }
    let inbound = Inbound { app, teams };
    let mut caught_up = false;
    loop {
        let turn = async {
            inbound.keep_up(&mut caught_up).await;
            let clock = &inbound.app.clock;
            clock.sleep_until(clock.now() + NOTED_EVERY_MS).await;
        };
        tokio::select! {
            () = turn => {}
            _ = stopped.wait_for(|stop| *stop) => return,
        }
    }
}

impl Inbound {
    async fn keep_up(&self, caught_up: &mut bool) {
        if let Some(graph) = &self.teams.graph {
            missed::keep_up(&self.app, Platform::Teams, caught_up, self.catch_up(graph)).await;
        }
    }

    /// Takes up what was said since the service last listened; how many messages were looked at.
    async fn catch_up(&self, graph: &Graph) -> anyhow::Result<usize> {
        let since = missed::since(&self.app, Platform::Teams, OVERLAP_MS).await?;
        let Some(since) = since else { return Ok(0) };
        let mut seen = 0;
        for place in self.app.store.places(Platform::Teams, MOST_PLACES).await? {
            let configured = self.app.config.channel(Platform::Teams.as_str(), &place.channel);
            if configured.is_some_and(|channel| channel.mode == Mode::Off) {
                continue;
            }
            let Some(service_url) = self.teams.service(&place.tenant).await? else { continue };
            let threads = match self.teams.threads(graph, &service_url, &place, since).await {
                Ok(threads) => threads,
                // Nobody gave leave, or the place is gone; `doctor` tells.
                Err(error @ TeamsError::Refused { .. }) => {
                    tracing::debug!(%error, channel = place.channel, "it cannot be read");
                    continue;
                }
                Err(error @ TeamsError::NotAllowed(_)) => {
                    tracing::warn!(%error, channel = place.channel, "it is not read");
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            let app_id = &self.teams.expect.app_id;
            let reader = Reader { place: &place, service_url: &service_url, app_id };
            for thread in threads {
                for (at, message) in thread.iter().enumerate() {
                    let is_chat = place.team.is_none();
                    if written_at(message) >= since && !is_left_to_people(&thread, at, is_chat) {
                        seen += 1;
                        self.late(reader.activity(message)).await?;
                    }
                }
            }
        }
        Ok(seen)
    }

    async fn late(&self, activity: Option<Value>) -> anyhow::Result<()> {
        let activity = activity.map(|activity| activity::read(&activity));
        let event_id = activity.as_ref().and_then(Activity::event_id).unwrap_or_default();
        let Some(Activity::Said(said)) = activity else { return Ok(()) };
        // A picture alone, which is not to be had.
        if said.text.is_empty() && !said.mention {
            return Ok(());
        }
        // What is to be said of it may have been said when it came.
        self.hear(&said, event_id).await.map(drop)
    }
}

impl Teams {
    async fn threads(
        &self,
        graph: &Graph,
        service_url: &str,
        place: &Place,
        since: i64,
    ) -> Result<Vec<Vec<Value>>, TeamsError> {
        let source = self.source(service_url, place).await?;
        let since = Timestamp::from_second(since.div_euclid(1000)).unwrap_or_default();
        graph.threads(&source, since).await
    }

    /// What a place is to Graph. The group of a team is asked for once.
    async fn source(&self, service_url: &str, place: &Place) -> Result<Source, TeamsError> {
        let Some(team) = &place.team else { return Ok(Source::Chat(place.channel.clone())) };
        let known = {
            let groups = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
            groups.get(team).cloned()
        };
        let group = match known {
            Some(group) => group,
            None => {
                let group = self.api.group(service_url, team).await?;
                let mut groups = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
                groups.insert(team.clone(), group.clone());
                group
            }
        };
        Ok(Source::Channel { group, channel: place.channel.clone() })
    }

    /// Tries whether what is missed can be read, in one channel of each team and in each chat with
    /// several people; `None` where that is not to be tried.
    ///
    /// # Errors
    /// When Microsoft cannot be reached, or the database does not say.
    pub async fn readable(&self) -> anyhow::Result<Option<Readable>> {
        let Some(graph) = &self.graph else { return Ok(None) };
        let mut all = Readable { known: 0, readable: 0 };
        let mut tried = BTreeSet::new();
        for place in self.store.places(Platform::Teams, MOST_PLACES).await? {
            let Some(service_url) = self.service(&place.tenant).await? else { continue };
            let of = place.team.as_ref().unwrap_or(&place.channel);
            if tried.len() >= TRIED || !tried.insert(of.clone()) {
                continue;
            }
            all.known += 1;
            all.readable += match self.source(&service_url, &place).await {
                Ok(source) => usize::from(graph.is_readable(&source).await?),
                Err(TeamsError::Refused { .. }) => 0,
                Err(error) => return Err(error.into()),
            };
        }
        Ok(Some(all))
    }
}
