//! What commands stand on: the configuration, the data folder, the store, and the parts
//! of the service put together. Adapters are chosen here and nowhere else.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;

use super::Global;
use crate::adapters::clock::SystemClock;
use crate::adapters::knowledge::{self, LocalKnowledge};
use crate::adapters::model::{OpenAiModel, StoreBudget};
use crate::app::{App, Parts};
use crate::compute::Compute;
use crate::config::{Config, DEFAULT_FILE, name_from_address};
use crate::demo;
use crate::flows::ask::anyone;
use crate::platform::Connections;
use crate::ports::{Clock, Model, Store};
use crate::prompts::Prompts;
use crate::store::records::{Group, PersonRow, Role, Viewer};

pub(super) const DEFAULT_DATA: &str = "firstline-data";

/// An open store with its configuration.
pub(super) struct Opened {
    pub config: Config,
    pub data: PathBuf,
    pub store: Store,
    /// The data folder belongs to the demo.
    pub demo: bool,
}

impl Global {
    /// The configuration file in force, if any.
    pub(super) fn config_path(&self) -> Option<PathBuf> {
        self.config.clone().or_else(|| {
            let default = PathBuf::from(DEFAULT_FILE);
            default.exists().then_some(default)
        })
    }

    pub(super) fn data_dir(&self) -> PathBuf {
        self.data.clone().unwrap_or_else(|| PathBuf::from(DEFAULT_DATA))
    }

    pub(super) fn load_config(&self) -> anyhow::Result<Config> {
        Ok(Config::load(self.config_path().as_deref(), environment())?)
    }
}

/// The environment's variables that are text.
pub(super) fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)))
}

/// The database's address: the configured one, else a file in the data folder.
pub(super) fn database_url(config: &Config, data: &Path) -> String {
    match &config.database.url {
        Some(url) => url.clone(),
        None => format!("sqlite:{}", data.join("firstline.db").display()),
    }
}

pub(super) fn make_data_dir(data: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(data).with_context(|| {
        format!(
            "the data folder {} cannot be made; name another with --data, or make it writable",
            data.display()
        )
    })
}

/// Opens configuration and store. A SQLite file is brought to this version on the way; a
/// PostgreSQL database several processes may share is only ever migrated by `migrate`.
pub(super) async fn open(global: &Global) -> anyhow::Result<Opened> {
    let mut config = global.load_config()?;
    let data = global.data_dir();
    make_data_dir(&data)?;
    let store = connect(&config, &data).await?;
    let demo = store.meta(demo::MARKER).await?.is_some();
    if demo && config.system.is_empty() && config.group.is_empty() {
        config = Config { model: config.model, ..demo::company()? };
    } else {
        sync_people(&config, &store, false).await?;
    }
    Ok(Opened { config, data, store, demo })
}

/// Connects, and sees to it that the tables are this version's.
pub(super) async fn connect(config: &Config, data: &Path) -> anyhow::Result<Store> {
    let store = Store::connect(&database_url(config, data)).await?;
    if store.is_sqlite() {
        store.migrate().await?;
    } else if !store.migrations_pending().await?.is_empty() {
        anyhow::bail!(
            "the database's tables are not those of this version; make a backup, then run \
             `firstline migrate`."
        );
    }
    Ok(store)
}

/// Brings the configured groups into the store, and the people they name. `always` also
/// removes groups that left the configuration.
pub(super) async fn sync_people(
    config: &Config,
    store: &Store,
    always: bool,
) -> anyhow::Result<()> {
    let wanted: Vec<Group> = config
        .group
        .iter()
        .map(|g| {
            let mut members = g.members.clone();
            members.sort();
            members.dedup();
            Group { name: g.name.clone(), role: g.role, members }
        })
        .collect();
    let present = store.groups().await?;
    if always || !wanted.iter().all(|group| present.contains(group)) {
        store.sync_config_groups(&wanted).await?;
    }
    let known: HashSet<String> = store.people().await?.into_iter().map(|p| p.email).collect();
    for email in wanted.iter().flat_map(|g| &g.members).filter(|e| !known.contains(*e)) {
        ensure_person(store, email).await?;
    }
    Ok(())
}

/// The service, put together.
pub(super) struct Built {
    pub(super) app: Arc<App>,
    pub(super) knowledge: Arc<LocalKnowledge>,
    pub(super) connections: Connections,
}

/// The parts of the service over an open store.
pub(super) async fn build(opened: Opened) -> anyhow::Result<Built> {
    let Opened { config, data, store, demo } = opened;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let prompts = Prompts::load(config.server.prompts.as_deref())?;
    let model: Option<Arc<dyn Model>> = match config.language_model() {
        Some(settings) => {
            let budget = Arc::new(StoreBudget::new(
                store.clone(),
                clock.clone(),
                settings.name.clone(),
                settings.daily_tokens,
            ));
            let destinations = &config.privacy.destinations;
            Some(Arc::new(OpenAiModel::new(settings, destinations, budget, clock.clone())?))
        }
        None => None,
    };
    let connections = Connections::new(&config, &store, &clock)?;
    let knowledge = knowledge::open(&store, &data, config.embeddings()).await?;
    let app = App::new(Parts {
        config,
        chat: Arc::new(connections.chats(&store)),
        store,
        clock,
        knowledge: knowledge.clone(),
        model,
        prompts,
        data_dir: data,
        demo,
        compute: Compute::start()?,
    });
    Ok(Built { app, knowledge, connections })
}

/// Who a request is read for: `--as`, or anyone.
pub(super) async fn reader(store: &Store, email: Option<&str>) -> anyhow::Result<Viewer> {
    let Some(email) = email else { return Ok(anyone()) };
    store.viewer(email).await?.with_context(|| {
        format!(
            "nobody with the address {email} is known, or they are disabled; `firstline user list` \
             shows everyone, `firstline user add {email}` adds them."
        )
    })
}

/// Whoever may run commands on the data may see all of it.
pub(super) fn operator() -> Viewer {
    Viewer {
        email: "operator".to_owned(),
        name: "Operator".to_owned(),
        roles: vec![Role::Admin],
        groups: vec!["everyone".to_owned()],
        time_zone: None,
    }
}

/// An e-mail address as it is kept.
pub(super) fn address(text: &str) -> anyhow::Result<String> {
    let email = text.trim().to_lowercase();
    let good = email.split_once('@').is_some_and(|(user, host)| {
        !user.is_empty() && !host.is_empty() && !email.contains(char::is_whitespace)
    });
    anyhow::ensure!(good, "\"{text}\" is not an e-mail address.");
    Ok(email)
}

/// Adds someone not known yet under a name made from their address.
pub(super) async fn ensure_person(store: &Store, email: &str) -> anyhow::Result<()> {
    if store.person(email).await?.is_none() {
        let name = name_from_address(email);
        let person = PersonRow { email: email.to_owned(), name, active: true };
        store.upsert_person(&person, SystemClock.now()).await?;
    }
    Ok(())
}

pub(super) async fn group(store: &Store, name: &str) -> anyhow::Result<Group> {
    store
        .groups()
        .await?
        .into_iter()
        .find(|g| g.name == name)
        .with_context(|| format!("there is no group \"{name}\"; `firstline group list` shows all."))
}

/// Refuses a change the next start would undo.
pub(super) fn not_configured(opened: &Opened, name: &str) -> anyhow::Result<()> {
    anyhow::ensure!(
        !opened.config.group.iter().any(|g| g.name == name),
        "the group \"{name}\" comes from the configuration; change it there."
    );
    Ok(())
}

/// A group that exists and is not the configuration's.
pub(super) async fn local_group(opened: &Opened, name: &str) -> anyhow::Result<Group> {
    not_configured(opened, name)?;
    group(&opened.store, name).await
}
