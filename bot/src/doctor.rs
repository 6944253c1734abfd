//! `doctor`: looks at everything the service stands on, from the configuration up, and
//! says for each what was found and what mends it. Every check is a function of its own
//! over what it needs, so that each finding has its test.

mod discord;
mod slack;
mod teams;

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use firstline_indexer::{Embedder, LocalIndex};
use serde::Serialize;

use crate::adapters::knowledge::VECTORS;
use crate::adapters::model::{OpenAiModel, Unlimited};
use crate::config::{self, Config, ConfigError};
use crate::ports::{Clock, ModelError, Store};

/// Clocks may differ by so much before sessions and one-time links go wrong.
const SKEW_MS: i64 = 5_000;
/// A running service has taken up a change by then.
const FOLLOWED_WITHIN_MS: i64 = 3_000;
const HTTP_TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Good,
    Bad,
    /// Could not be looked at because of another finding, or does not apply.
    Skipped,
}

/// What one check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub check: &'static str,
    pub state: State,
    pub found: String,
    /// What to do about it, or what could be done besides.
    pub mend: Option<String>,
}

impl Finding {
    fn good(check: &'static str, found: impl Into<String>) -> Self {
        Finding { check, state: State::Good, found: found.into(), mend: None }
    }

    /// Good as it is; `more` says how it could do more.
    fn could(check: &'static str, found: impl Into<String>, more: impl Into<String>) -> Self {
        Finding { mend: Some(more.into()), ..Finding::good(check, found) }
    }

    fn bad(check: &'static str, found: impl Into<String>, mend: impl Into<String>) -> Self {
        Finding { check, state: State::Bad, found: found.into(), mend: Some(mend.into()) }
    }

    fn skipped(check: &'static str, found: impl Into<String>) -> Self {
        Finding { check, state: State::Skipped, found: found.into(), mend: None }
    }
}

/// All checks, in the order in which they depend on each other.
pub async fn examine(
    config: &Result<Config, ConfigError>,
    data: &Path,
    database_url: impl Fn(&Config) -> String,
    clock: Arc<dyn Clock>,
) -> Vec<Finding> {
    let mut findings = vec![configuration(config), data_folder(data)];
    let Ok(config) = config else {
        let rest = [
            "database",
            "tables",
            "index",
            "sources",
            "model",
            "embeddings",
            "slack",
            "teams",
            "discord",
            "clock",
            "port",
        ];
        findings.extend(rest.map(|check| Finding::skipped(check, "the configuration is needed")));
        return findings;
    };
    let (finding, store) = database(&database_url(config)).await;
    findings.push(finding);
    match &store {
        Some(store) => {
            let tables = tables(store).await;
            let ready = tables.state == State::Good;
            findings.push(tables);
            if ready {
                findings.push(index(store, &data.join("index"), &*clock).await);
                findings.push(sources(store).await);
            } else {
                let rest = ["index", "sources"];
                findings.extend(rest.map(|check| Finding::skipped(check, "the tables are needed")));
            }
        }
        None => {
            let rest = ["tables", "index", "sources"];
            findings.extend(rest.map(|check| Finding::skipped(check, "the database is needed")));
        }
    }
    findings.push(model(config, clock.clone()).await);
    findings.push(embeddings(config, data).await);
    findings.push(slack::slack(config, store.as_ref(), clock.clone()).await);
    findings.push(teams::teams(config, store.as_ref(), clock.clone()).await);
    findings.push(discord::discord(config, store.as_ref(), clock.clone()).await);
    findings.push(clocks(store.as_ref(), config.language_model(), &*clock).await);
    findings.push(port(&config.server.listen).await);
    findings
}

pub fn configuration(config: &Result<Config, ConfigError>) -> Finding {
    match config {
        Ok(_) => Finding::good("configuration", "it can be read and every key is known"),
        Err(error) => {
            let mend = match error {
                ConfigError::Unreadable { .. } => "give the right path with --config",
                ConfigError::UnknownKey { .. } => {
                    "correct or remove the key; firstline.example.toml names all there are"
                }
                ConfigError::Secret { .. } => "make the file readable for the service's user",
                ConfigError::Wrong { .. } => {
                    "correct the value; firstline.example.toml explains it"
                }
            };
            Finding::bad("configuration", error.to_string(), mend)
        }
    }
}

pub fn data_folder(data: &Path) -> Finding {
    match writable(data) {
        Ok(()) => Finding::good("data folder", format!("{} can be written", data.display())),
        Err(e) => Finding::bad(
            "data folder",
            format!("{} cannot be written: {e}", data.display()),
            "make it writable for the service's user, or name another with --data",
        ),
    }
}

fn writable(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let probe = folder.join(format!(".doctor-{}", std::process::id()));
    std::fs::write(&probe, b"probe")?;
    std::fs::remove_file(probe)
}

/// Whether the database answers, and the open store if it does.
pub async fn database(url: &str) -> (Finding, Option<Store>) {
    let store = match Store::connect(url).await {
        Ok(store) => store,
        Err(e) => return (unreachable(&e), None),
    };
    match store.ping().await {
        Ok(()) => {
            let kind = if store.is_sqlite() { "SQLite" } else { "PostgreSQL" };
            (Finding::good("database", format!("{kind} answers")), Some(store))
        }
        Err(e) => (unreachable(&e), None),
    }
}

fn unreachable(error: &crate::store::StoreError) -> Finding {
    Finding::bad(
        "database",
        error.to_string(),
        "start the database, and check address, name and password in database.url",
    )
}

pub async fn tables(store: &Store) -> Finding {
    match store.migrations_pending().await {
        Ok(pending) if pending.is_empty() => {
            Finding::good("tables", "they are those of this version")
        }
        Ok(pending) => Finding::bad(
            "tables",
            format!("{} migrations are missing", pending.len()),
            "make a backup, then run `firstline migrate`",
        ),
        Err(e) => Finding::bad("tables", e.to_string(), "see the finding about the database"),
    }
}

/// Whether the index folder can be written and a running service keeps up with the store.
pub async fn index(store: &Store, folder: &Path, clock: &dyn Clock) -> Finding {
    if let Err(e) = writable(folder) {
        return Finding::bad(
            "index",
            format!("its folder {} cannot be written: {e}", folder.display()),
            "make it writable for the service's user",
        );
    }
    let wanted = match store.last_change().await {
        Ok(wanted) => wanted,
        Err(e) => return Finding::skipped("index", e.to_string()),
    };
    let behind = |at: i64| (wanted - at).max(0);
    let mut lag = behind(LocalIndex::sequence_on_disk(folder).unwrap_or(0));
    if lag == 0 {
        return Finding::good("index", "it holds every change");
    }
    if !LocalIndex::in_use(folder) {
        return Finding::good(
            "index",
            format!("{lag} changes behind; the service takes them up when it starts"),
        );
    }
    let until = clock.now() + FOLLOWED_WITHIN_MS;
    clock.sleep_until(until).await;
    lag = behind(LocalIndex::sequence_on_disk(folder).unwrap_or(0));
    if lag == 0 {
        return Finding::good("index", "it holds every change");
    }
    Finding::bad(
        "index",
        format!("it is {lag} changes behind although the service runs"),
        "look for errors about the search index in the service's log, then restart it",
    )
}

pub async fn sources(store: &Store) -> Finding {
    match store.sources().await {
        Ok(all) if all.iter().any(|s| s.documents > 0) => {
            let documents: i64 = all.iter().map(|s| s.documents).sum();
            Finding::good("sources", format!("{documents} documents from {} sources", all.len()))
        }
        Ok(_) => Finding::bad(
            "sources",
            "no documents, so nothing can be answered",
            "read some with `firstline index FOLDER`, or name them in [[source]]",
        ),
        Err(e) => Finding::bad("sources", e.to_string(), "see the finding about the database"),
    }
}

pub async fn model(config: &Config, clock: Arc<dyn Clock>) -> Finding {
    let Some(settings) = config.language_model() else {
        return Finding::skipped("model", "none is configured; the local engine decides");
    };
    let budget = Arc::new(Unlimited);
    let model = match OpenAiModel::new(settings, &config.privacy.destinations, budget, clock) {
        Ok(model) => model,
        Err(e) => return Finding::bad("model", format!("{e:#}"), "correct [model]"),
    };
    let name = &settings.name;
    match model.probe().await {
        Ok(probe) if probe.honoured => {
            Finding::good("model", format!("{name} answers in the form asked for"))
        }
        Ok(_) | Err(ModelError::Unreadable(_)) => Finding::bad(
            "model",
            format!("{name} does not keep to a structured output"),
            "choose a model or a server that supports response_format json_schema; until then \
             the local engine decides",
        ),
        Err(e @ ModelError::KeyRefused(_)) => Finding::bad(
            "model",
            e.to_string(),
            "correct model.api_key or the file in model.api_key_file",
        ),
        Err(e @ (ModelError::Unreachable(_) | ModelError::Timeout(_))) => Finding::bad(
            "model",
            e.to_string(),
            "check that the server runs and that model.base_url is right, up to /v1",
        ),
        Err(e) => Finding::bad("model", e.to_string(), "check model.name and the server's log"),
    }
}

/// Whether the embedding model can be read, and how far the passages' vectors have come.
pub async fn embeddings(config: &Config, data: &Path) -> Finding {
    let Some(folder) = config.embeddings() else {
        let found = "off; the program's own table of English words helps to find articles (model.embeddings)";
        return Finding::skipped("embeddings", found);
    };
    let (folder, index) = (folder.to_owned(), data.join("index"));
    // Reading a model computes; the reader of this report waits, nobody else should.
    let looked = tokio::task::spawn_blocking(move || look_at_embeddings(&folder, &index)).await;
    looked.unwrap_or_else(|e| Finding::skipped("embeddings", e.to_string()))
}

fn look_at_embeddings(folder: &Path, index: &Path) -> Finding {
    let embedder = match Embedder::open(folder) {
        Ok(embedder) => embedder,
        Err(e) => {
            return Finding::bad(
                "embeddings",
                format!("the program's own table of English words takes their place: {e}"),
                "put a sentence-transformer of BERT or XLM-RoBERTa shape into the folder \
                 model.embeddings names, or correct the path",
            );
        }
    };
    match LocalIndex::embedded_on_disk(index, &index.join(VECTORS), &embedder) {
        Ok(Some(p)) if p.complete() => {
            Finding::good("embeddings", format!("all {} passages have their vectors", p.passages))
        }
        Ok(Some(p)) => {
            let (n, m) = (p.embedded, p.passages);
            let found = if LocalIndex::in_use(index) {
                format!("being computed: {n} of {m} passages are done; words alone find until then")
            } else {
                format!("{n} of {m} passages are done; the service computes the rest when it runs")
            };
            Finding::good("embeddings", found)
        }
        Ok(None) => Finding::good(
            "embeddings",
            "the model can be read; the service computes the vectors when it starts",
        ),
        Err(e) => Finding::bad(
            "embeddings",
            format!("{e:#}"),
            "delete the folder index/vectors in the data folder; the service computes them again",
        ),
    }
}

/// Compares this machine's clock with those of the database and the model's server.
pub async fn clocks(
    store: Option<&Store>,
    model: Option<&config::Model>,
    clock: &dyn Clock,
) -> Finding {
    let mut compared = Vec::new();
    if let Some(store) = store
        && let Ok(Some(theirs)) = store.database_time().await
    {
        compared.push(("the database", theirs - clock.now()));
    }
    if let Some(model) = model
        && let Some(theirs) = server_time(&model.base_url).await
    {
        // The header counts whole seconds.
        compared.push(("the model's server", theirs + 500 - clock.now()));
    }
    judge_clocks(&compared)
}

fn judge_clocks(compared: &[(&str, i64)]) -> Finding {
    let worst = compared.iter().max_by_key(|(_, skew)| skew.abs());
    match worst {
        None => Finding::skipped("clock", "there is no other clock to compare with"),
        Some((whose, skew)) if skew.abs() > SKEW_MS => Finding::bad(
            "clock",
            format!(
                "it is {:.0} s {} that of {whose}",
                (*skew as f64 / 1000.0).abs(),
                if *skew > 0 { "behind" } else { "ahead of" }
            ),
            "set the clock, for example by turning on NTP",
        ),
        Some((whose, _)) => Finding::good("clock", format!("it agrees with that of {whose}")),
    }
}

/// What a server's `Date` header says, in epoch milliseconds.
async fn server_time(base_url: &str) -> Option<i64> {
    let http = reqwest::Client::builder()
        .timeout(HTTP_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .ok()?;
    let reply = http.head(base_url).send().await.ok()?;
    let date = reply.headers().get(reqwest::header::DATE)?.to_str().ok()?;
    let at = jiff::fmt::rfc2822::parse(date).ok()?;
    Some(at.timestamp().as_millisecond())
}

pub async fn port(listen: &str) -> Finding {
    let Ok(address) = listen.parse::<SocketAddr>() else {
        return Finding::bad("port", format!("{listen} is no address"), "correct server.listen");
    };
    if address.port() == 0 || TcpListener::bind(address).is_ok() {
        return Finding::good("port", format!("{listen} is free"));
    }
    if answers_as_firstline(address).await {
        return Finding::good("port", format!("the service runs on {listen}"));
    }
    Finding::bad(
        "port",
        format!("{listen} is taken by another program, or may not be used"),
        "stop that program, or choose another address in server.listen",
    )
}

async fn answers_as_firstline(address: SocketAddr) -> bool {
    let Ok(http) = reqwest::Client::builder().timeout(HTTP_TIMEOUT).build() else { return false };
    // The one page that names its program and needs no sign-in.
    match http.get(format!("http://{address}/api/v1/openapi.json")).send().await {
        Ok(reply) if reply.status().is_success() => {
            reply.text().await.is_ok_and(|text| text.contains("Firstline"))
        }
        _ => false,
    }
}
