//! What every part of the running service shares, and the things that are learnt and
//! kept in memory: the local engine and the index of similar tickets. Both follow the
//! store, so that a correction on one replica counts on all from the next message on.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock, PoisonError, RwLock, Weak};

use firstline_core::triage::local::LocalEngine;
use firstline_core::triage::redact::RedactOptions;
use firstline_core::triage::similar::{Hit, SimilarityIndex};
use firstline_core::triage::{Example, Similar, System};

use tokio::sync::Semaphore;

use crate::compute::Compute;
use crate::config::Config;
use crate::flows::incident::Incidents;
use crate::ports::{Chat, Clock, Knowledge, Model, Store};
use crate::prompts::Prompts;
use crate::spool::Spool;
use crate::store::records::{Stamps, Ticket, Viewer};

/// The service's shared parts. Adapters are chosen where it is built (`cli::build`).
pub struct App {
    pub config: Arc<Config>,
    pub store: Store,
    pub clock: Arc<dyn Clock>,
    pub knowledge: Arc<dyn Knowledge>,
    pub model: Option<Arc<dyn Model>>,
    pub chat: Arc<dyn Chat>,
    pub prompts: Arc<Prompts>,
    pub catalogue: Arc<Vec<System>>,
    pub engine: EngineHandle,
    pub similar: Arc<SimilarTickets>,
    /// Where requests are read.
    pub compute: Arc<Compute>,
    pub redact_options: RedactOptions,
    pub data_dir: PathBuf,
    /// The sample company: people can be switched, loopback only.
    pub demo: bool,
    /// Where platforms' events are kept until they are read.
    pub spool: Arc<Spool>,
    /// Names the holder of leases.
    pub worker_name: String,
    /// Room for jobs; none until the workers run.
    pub slots: Arc<Semaphore>,
    /// For what outlives the call that begins it.
    this: Weak<App>,
}

/// The parts of an [`App`] that differ between the service and the tests.
pub struct Parts {
    pub config: Config,
    pub store: Store,
    pub clock: Arc<dyn Clock>,
    pub knowledge: Arc<dyn Knowledge>,
    pub model: Option<Arc<dyn Model>>,
    pub chat: Arc<dyn Chat>,
    pub prompts: Prompts,
    pub data_dir: PathBuf,
    pub demo: bool,
    pub compute: Compute,
}

impl App {
    pub fn new(parts: Parts) -> Arc<App> {
        let catalogue = Arc::new(parts.config.catalogue());
        let compute = Arc::new(parts.compute);
        Arc::new_cyclic(|this| App {
            this: this.clone(),
            slots: Arc::new(Semaphore::new(0)),
            redact_options: parts.config.redact_options(),
            engine: EngineHandle::new(catalogue.clone(), compute.clone()),
            similar: Arc::default(),
            compute,
            catalogue,
            config: Arc::new(parts.config),
            spool: Spool::new(parts.store.clone(), parts.clock.clone()),
            store: parts.store,
            clock: parts.clock,
            knowledge: parts.knowledge,
            model: parts.model,
            chat: parts.chat,
            prompts: Arc::new(parts.prompts),
            data_dir: parts.data_dir,
            demo: parts.demo,
            worker_name: format!("{}-{}", std::process::id(), crate::store::new_id()),
        })
    }

    /// What a person can do with incidents.
    pub fn incidents<'a>(&'a self, viewer: &'a Viewer) -> Incidents<'a> {
        let (store, clock, redact) = (&self.store, self.clock.as_ref(), &self.redact_options);
        Incidents { store, clock, redact, viewer, sees_all: false }
    }

    /// The handle that others hold of this.
    pub fn shared(&self) -> Option<Arc<App>> {
        self.this.upgrade()
    }

    /// How long a lease holds without renewal, in milliseconds.
    pub fn lease_ms(&self) -> i64 {
        i64::from(self.config.server.lease_s.max(1)) * 1_000
    }

    pub fn system(&self, name: Option<&str>) -> Option<&System> {
        let name = name?;
        self.catalogue.iter().find(|s| s.name == name)
    }
}

/// The local engine as last trained. The base is trained once from the shipped examples
/// and this organisation's tickets; corrections are laid over it whenever they change.
pub struct EngineHandle {
    catalogue: Arc<Vec<System>>,
    compute: Arc<Compute>,
    trained: RwLock<Option<Trained>>,
    /// One training at a time.
    training: tokio::sync::Mutex<()>,
    /// The shipped examples by similarity, for a model's prompt.
    shipped: OnceLock<SimilarityIndex<Example>>,
}

#[derive(Clone)]
struct Trained {
    corrections_stamp: i64,
    engine: Arc<LocalEngine>,
}

/// Tickets the engine learns from, newest first.
const TRAIN_ON: i64 = 5_000;

impl EngineHandle {
    fn new(catalogue: Arc<Vec<System>>, compute: Arc<Compute>) -> Self {
        EngineHandle {
            catalogue,
            compute,
            trained: RwLock::new(None),
            training: tokio::sync::Mutex::new(()),
            shipped: OnceLock::new(),
        }
    }

    fn loaded(&self) -> Option<Trained> {
        self.trained.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The `k` shipped examples most like `text`.
    pub fn nearest_examples(&self, text: &str, k: usize) -> Vec<Example> {
        let shipped = self.shipped.get_or_init(|| {
            let mut index = SimilarityIndex::default();
            for (number, example) in crate::prompts::shipped_examples().into_iter().enumerate() {
                index.upsert(&number.to_string(), &example.text.clone(), example);
            }
            index
        });
        shipped.query(text, k, &|_| true).into_iter().map(|hit| hit.meta.clone()).collect()
    }

    /// The engine with every correction made until `stamps` were read, on any replica.
    pub async fn current(
        &self,
        store: &Store,
        stamps: &Stamps,
    ) -> anyhow::Result<Arc<LocalEngine>> {
        let stamp = stamps.correction;
        if let Some(trained) = self.loaded().filter(|t| t.corrections_stamp >= stamp) {
            return Ok(trained.engine);
        }
        let _one = self.training.lock().await;
        let loaded = self.loaded();
        if let Some(trained) = loaded.as_ref().filter(|t| t.corrections_stamp >= stamp) {
            return Ok(trained.engine.clone());
        }
        let corrections = corrections(store).await?;
        let catalogue = self.catalogue.clone();
        let engine = match loaded {
            Some(trained) => Arc::new(trained.engine.with_corrections(&corrections)),
            None => {
                let tickets = store.labelled_tickets(TRAIN_ON).await?;
                self.compute
                    .run(move || {
                        let shipped = crate::prompts::shipped_examples();
                        Arc::new(LocalEngine::train(&shipped, &tickets, &corrections, &catalogue))
                    })
                    .await?
            }
        };
        *self.trained.write().unwrap_or_else(PoisonError::into_inner) =
            Some(Trained { corrections_stamp: stamp, engine: engine.clone() });
        Ok(engine)
    }
}

async fn corrections(store: &Store) -> anyhow::Result<Vec<Example>> {
    Ok(store
        .corrections()
        .await?
        .into_iter()
        .map(|c| Example {
            text: c.text,
            kind: c.kind,
            system: c.system,
            impact: Some(c.impact),
            urgency: Some(c.urgency),
            sentiment: None,
            language: None,
        })
        .collect())
}

/// Who may hear of a ticket; enough to filter before ranking.
#[derive(Debug, Clone)]
pub struct TicketMeta {
    pub requester: String,
    pub team: Option<String>,
    pub confidential: bool,
}

impl TicketMeta {
    /// Own tickets and those of one's teams. Confidential ones are lent to nobody but
    /// their requester and their team.
    pub fn visible_to(&self, viewer: &Viewer) -> bool {
        self.requester == viewer.email
            || (viewer.is_admin() && !self.confidential)
            || self.team.as_ref().is_some_and(|team| viewer.groups.contains(team))
    }
}

/// All tickets by similarity of their text, following the store by ticket number.
#[derive(Default)]
pub struct SimilarTickets {
    index: RwLock<Followed>,
}

#[derive(Default)]
struct Followed {
    last_number: i64,
    /// The erasure this index knows of; at another one it is built anew.
    erasure: Option<String>,
    index: SimilarityIndex<TicketMeta>,
}

impl SimilarTickets {
    /// Takes up tickets filed until `stamps` were read, here or on another replica.
    pub async fn catch_up(&self, store: &Store, stamps: &Stamps) -> anyhow::Result<()> {
        let erasure = stamps.erasure.clone();
        let known = {
            let followed = self.index.read().unwrap_or_else(PoisonError::into_inner);
            if followed.erasure == erasure { followed.last_number } else { 0 }
        };
        if known > 0 && stamps.ticket <= known {
            return Ok(());
        }
        let added: Vec<(i64, Ticket)> = store.tickets_after(known).await?;
        let mut followed = self.index.write().unwrap_or_else(PoisonError::into_inner);
        if followed.erasure != erasure {
            *followed = Followed { erasure, ..Followed::default() };
        }
        for (number, ticket) in added {
            let meta = TicketMeta {
                requester: ticket.requester,
                team: ticket.team,
                confidential: ticket.confidential,
            };
            followed.index.upsert(&ticket.key, &ticket.text, meta);
            followed.last_number = followed.last_number.max(number);
        }
        Ok(())
    }

    /// A ticket whose visibility or text changed.
    pub fn update(&self, ticket: &Ticket) {
        let meta = TicketMeta {
            requester: ticket.requester.clone(),
            team: ticket.team.clone(),
            confidential: ticket.confidential,
        };
        let mut followed = self.index.write().unwrap_or_else(PoisonError::into_inner);
        followed.index.upsert(&ticket.key, &ticket.text, meta);
    }

    /// The `k` tickets most like `text` among those `viewer` may see, best first.
    pub fn search(&self, text: &str, k: usize, viewer: &Viewer) -> Vec<Similar> {
        let followed = self.index.read().unwrap_or_else(PoisonError::into_inner);
        similar(followed.index.query(text, k, &|meta| meta.visible_to(viewer)))
    }

    /// The same among all tickets: for counting, never for showing.
    pub fn search_all(&self, text: &str, k: usize) -> Vec<Similar> {
        let followed = self.index.read().unwrap_or_else(PoisonError::into_inner);
        similar(followed.index.query(text, k, &|_| true))
    }
}

fn similar(hits: Vec<Hit<'_, TicketMeta>>) -> Vec<Similar> {
    hits.into_iter().map(|hit| Similar { key: hit.key.to_owned(), score: hit.score }).collect()
}
