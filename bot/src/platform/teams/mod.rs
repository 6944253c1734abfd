//! Microsoft Teams, by the Bot Framework: activities come to `POST /api/messages`, replies go to
//! the service address the activities name.
//!
//! What comes in is verified by its token (`verify`), read tolerantly (`activity`), judged by the
//! rules of conduct and accepted (`inbound`, `invokes`, `review`); what goes out is an Adaptive Card
//! (`card`, `outbound`). What was missed is read from Microsoft Graph (`catch_up`, `graph`) where
//! that is allowed. Only `api`, `keys`, `token` and `graph` speak to Microsoft, and to the hosts of
//! `hosts` and those in the configuration alone.

mod activity;
#[cfg(test)]
mod any_input;
mod api;
mod card;
mod catch_up;
#[cfg(test)]
mod coverage;
mod draft;
mod graph;
mod hosts;
mod inbound;
mod invokes;
mod keys;
mod manifest;
mod missed_message;
mod outbound;
mod people;
mod review;
#[cfg(test)]
mod testing;
mod text;
mod token;
mod verify;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use firstline_core::chat::Platform;

use crate::config::{self, Config, TeamsAuth};
use crate::platform::pace::{Pace, Rate};
use crate::platform::people::People;
use crate::ports::{Clock, Store};
use crate::store::StoreError;
use crate::store::records::Place;
use activity::{Origin, Scope};
use api::Api;
use graph::{GRAPH_URL, Graph};
use hosts::Hosts;
use keys::Keys;
use token::Credentials;
use verify::Expect;

pub use api::TeamsError;
pub use catch_up::{Readable, catch_up, run};
pub use inbound::router;
pub use manifest::{Package, package};

/// Seven messages a second to a chat, sixty in half a minute, 1,800 in an hour: the last of them
/// is what lasts (<https://learn.microsoft.com/microsoftteams/platform/bots/how-to/rate-limit>).
const RATE: Rate = Rate { burst: 7, a_minute: 30 };

/// The connection to one tenant.
pub struct Teams {
    api: Api,
    /// `None`: nobody's word is checked, for development on this machine.
    keys: Option<Keys>,
    expect: Expect,
    hosts: Hosts,
    pace: Pace,
    clock: Arc<dyn Clock>,
    people: People,
    store: Store,
    /// Where people reach the console, for links.
    public_url: Option<String>,
    /// What streams say that this process has begun, by their id.
    streams: Mutex<HashMap<String, String>>,
    /// Where Teams is reached, by tenant.
    services: Mutex<HashMap<String, String>>,
    /// Where what was missed is read; `None` without a password, and in a cloud whose Graph is not
    /// configured.
    graph: Option<Graph>,
    /// Where the bot is, as far as this process has noted.
    places: Mutex<HashSet<Place>>,
    /// The groups that teams are in Entra.
    groups: Mutex<HashMap<String, String>>,
}

impl Teams {
    /// # Errors
    /// When this machine has no certificates to check Microsoft's by, or `graph_url` is no address.
    pub fn new(
        settings: &config::Teams,
        config: &Config,
        store: Store,
        clock: Arc<dyn Clock>,
    ) -> anyhow::Result<Teams> {
        let http = api::client()?;
        let named = [&settings.openid_metadata_url, &settings.token_url];
        let named: Vec<&str> = named.into_iter().flatten().map(String::as_str).collect();
        let (hosts, keys, credentials) = match settings.auth {
            TeamsAuth::None => (Hosts::loopback(), None, None),
            TeamsAuth::Jwt => {
                let metadata = settings.openid_metadata_url.clone();
                let metadata = metadata.unwrap_or_else(|| keys::METADATA_URL.to_owned());
                let credentials = Credentials {
                    app_id: settings.app_id.clone(),
                    app_password: settings.app_password.clone().unwrap_or_default(),
                    token_url: settings
                        .token_url
                        .clone()
                        .unwrap_or_else(|| token::token_url(&settings.tenant_id)),
                };
                (Hosts::new(&named), Some(Keys::new(http.clone(), metadata)), Some(credentials))
            }
        };
        let graph_url = settings.graph_url.as_deref();
        // A token of another cloud's is none for the public one.
        let graph_url = graph_url.or(settings.token_url.is_none().then_some(GRAPH_URL));
        let graph = match (&credentials, graph_url) {
            (Some(credentials), Some(url)) => {
                Some(Graph::new(http.clone(), credentials.clone(), url, clock.clone())?)
            }
            _ => None,
        };
        let tenant_id = Some(settings.tenant_id.clone()).filter(|id| !id.is_empty());
        Ok(Teams {
            api: Api::new(http, hosts.clone(), credentials),
            keys,
            expect: Expect { app_id: settings.app_id.clone(), tenant_id },
            hosts,
            pace: Pace::new(RATE),
            clock,
            people: People::new(Platform::Teams, config, store.clone()),
            store,
            public_url: config.server.public_url.clone(),
            streams: Mutex::default(),
            services: Mutex::default(),
            graph,
            places: Mutex::default(),
            groups: Mutex::default(),
        })
    }

    /// Whether the app's password gives a token, and the keys can be fetched.
    ///
    /// # Errors
    /// When Microsoft cannot be reached or refuses the password.
    pub async fn check(&self, now_s: i64) -> Result<(), TeamsError> {
        self.api.try_token().await?;
        match &self.keys {
            // No key has this name; that they came is what matters.
            Some(keys) => match keys.key("doctor", now_s).await {
                Err(keys::KeysError::Unavailable) => {
                    Err(TeamsError::Unknown("its published keys cannot be fetched".to_owned()))
                }
                _ => Ok(()),
            },
            None => Ok(()),
        }
    }

    /// Whether anything came from the tenant, now or before.
    ///
    /// # Errors
    /// When the database does not say.
    pub async fn was_reached(&self) -> Result<bool, StoreError> {
        let tenant = self.expect.tenant_id.as_deref().unwrap_or_default();
        Ok(self.service(tenant).await?.is_some())
    }

    /// Remembers where Teams is reached, for what is said later.
    async fn note_service(&self, tenant: &str, url: &str) -> Result<(), StoreError> {
        let known = self.known_service(tenant);
        if known.as_deref() == Some(url) {
            return Ok(());
        }
        self.store.set_meta(&service_key(tenant), url).await?;
        let mut services = self.services.lock().unwrap_or_else(PoisonError::into_inner);
        services.insert(tenant.to_owned(), url.to_owned());
        Ok(())
    }

    /// Remembers that the bot is in a channel or a chat of several people, for what is missed there.
    async fn note_place(&self, origin: &Origin) -> Result<(), StoreError> {
        let (channel, team) = match (origin.scope, &origin.channel, &origin.team) {
            (Scope::Channel, Some(channel), Some(team)) => (channel, Some(team.clone())),
            (Scope::GroupChat, ..) => (&origin.conversation, None),
            _ => return Ok(()),
        };
        let place = Place {
            platform: Platform::Teams,
            tenant: origin.tenant.clone(),
            channel: channel.clone(),
            team,
            outsiders: origin.outsiders,
        };
        if self.graph.is_none() || self.noted().contains(&place) {
            return Ok(());
        }
        self.store.note_place(&place, self.clock.now()).await?;
        self.noted().insert(place);
        Ok(())
    }

    fn noted(&self) -> MutexGuard<'_, HashSet<Place>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where Teams was last reached.
    async fn service(&self, tenant: &str) -> Result<Option<String>, StoreError> {
        match self.known_service(tenant) {
            Some(url) => Ok(Some(url)),
            None => self.store.meta(&service_key(tenant)).await,
        }
    }

    fn known_service(&self, tenant: &str) -> Option<String> {
        let services = self.services.lock().unwrap_or_else(PoisonError::into_inner);
        services.get(tenant).cloned()
    }
}

fn service_key(tenant: &str) -> String {
    format!("teams_service:{tenant}")
}
