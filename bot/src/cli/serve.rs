//! `serve` and `demo`: puts the service together, runs it and ends it in good order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::context::Built;
use super::{Done, Global, context, output};
use crate::adapters::clock::SystemClock;
use crate::adapters::knowledge::{self, LocalKnowledge};
use crate::app::App;
use crate::config::{Config, TeamsAuth};
use crate::ports::{Clock as _, Knowledge as _, Store};
use crate::telemetry::{self, metric};
use crate::{console, demo, sources, worker};

const DEMO_EXAMPLES: &str = "\
Examples:
  firstline demo
  firstline demo --listen 127.0.0.1:9000
  firstline --data ./tryout demo

Needs no key, no network and no server. What you do is kept in the data folder; delete the
folder to begin anew.";
const SERVE_EXAMPLES: &str = "\
Examples:
  firstline serve
  firstline --config /etc/firstline/firstline.toml --data /var/lib/firstline serve
  FIRSTLINE__SERVER__LISTEN=0.0.0.0:8080 firstline serve --log-format json

Ctrl-C or SIGTERM ends it once the requests under way are answered.";

pub(super) const DEMO_DATA: &str = "firstline-demo";
/// How long open pages and running jobs may take to end.
const GRACE: Duration = Duration::from_secs(10);
const HOUSEKEEPING_MS: i64 = 5_000;
const PURGE_EVERY_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * 3_600_000;

#[derive(Debug, Args)]
#[command(after_help = DEMO_EXAMPLES)]
pub(super) struct DemoArgs {
    /// Address and port; only this machine can reach it
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDRESS")]
    listen: SocketAddr,
}

#[derive(Debug, Args)]
#[command(after_help = SERVE_EXAMPLES)]
pub(super) struct ServeArgs {
    /// Address and port, instead of server.listen
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Allow teams.auth = "none", which takes anybody's word: for emulators on this machine
    #[arg(long)]
    insecure_dev: bool,
}

pub(super) async fn demo(global: &Global, args: DemoArgs) -> anyhow::Result<Done> {
    anyhow::ensure!(
        args.listen.ip().is_loopback(),
        "the demo lets anyone be anyone, so it listens on this machine only; use 127.0.0.1:{} or \
         run `firstline serve`.",
        args.listen.port()
    );
    let own = global.load_config()?;
    let mut config = Config { model: own.model, triage: own.triage, ..demo::company()? };
    let data = global.data.clone().unwrap_or_else(|| DEMO_DATA.into());
    let listener = bind(args.listen).await?;
    let address = listener.local_addr()?;
    config.server.listen = address.to_string();
    context::make_data_dir(&data)?;
    let store = context::connect(&config, &data).await?;
    demo::seed(&store, &config, SystemClock.now()).await?;
    context::sync_people(&config, &store, true).await?;
    let opened = context::Opened { config, data: data.clone(), store, demo: true };
    let built = context::build(opened).await?;
    output::text(&banner(
        address,
        &data.display().to_string(),
        built.app.config.language_model().is_some(),
    ))?;
    run(built, listener, None).await
}

fn banner(address: SocketAddr, data: &str, model: bool) -> String {
    let engine = if model {
        "the model in your configuration"
    } else {
        "the local engine; nothing leaves this machine"
    };
    format!(
        "Firstline runs with a sample company, Larkfield Instruments.

  Open      http://{address}
  Ask       How do I renew my VPN certificate?
            Since this morning nobody in sales can open quotes in Beacon
            Please give Jonas the buyer role in Keystone
  Be        someone else, with the menu at the top: Priya Nair looks after tickets
  Engine    {engine}
  Data      {data} (delete the folder to begin anew)
  Stop      Ctrl-C
"
    )
}

pub(super) async fn serve(global: &Global, args: ServeArgs) -> anyhow::Result<Done> {
    let mut config = global.load_config()?;
    let data = global.data_dir();
    if let Some(listen) = args.listen {
        config.server.listen = listen.to_string();
    }
    let address: SocketAddr =
        config.server.listen.parse().context("server.listen is no address")?;
    if config.teams.as_ref().is_some_and(|teams| teams.auth == TeamsAuth::None) {
        anyhow::ensure!(
            args.insecure_dev && address.ip().is_loopback(),
            "teams.auth = \"none\" takes anybody's word for who they are; it is for emulators, with \
             --insecure-dev and server.listen on this machine (127.0.0.1)."
        );
    }
    let listener = bind(address).await?;
    let metrics = match &config.server.metrics_listen {
        Some(text) => {
            Some(bind(text.parse().context("server.metrics_listen is no address")?).await?)
        }
        None => None,
    };
    context::make_data_dir(&data)?;
    let store = context::connect(&config, &data).await?;
    anyhow::ensure!(
        store.meta(demo::MARKER).await?.is_none(),
        "{} holds a demo, in which anyone can be anyone; name another data folder with --data.",
        data.display()
    );
    context::sync_people(&config, &store, true).await?;
    let built = context::build(context::Opened { config, data, store, demo: false }).await?;
    output::text(&format!(
        "Firstline serves on http://{} (Ctrl-C stops it).",
        listener.local_addr()?
    ))?;
    run(built, listener, metrics).await
}

async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|e| {
        if e.kind() == std::io::ErrorKind::AddrInUse {
            anyhow::anyhow!(
                "port {} on {} is taken; stop the program that uses it, or choose another with \
                 --listen.",
                address.port(),
                address.ip()
            )
        } else {
            anyhow::anyhow!("{address} cannot be listened on: {e}; choose another with --listen.")
        }
    })
}

/// Runs everything until Ctrl-C or SIGTERM.
async fn run(
    built: Built,
    listener: TcpListener,
    metrics_listener: Option<TcpListener>,
) -> anyhow::Result<Done> {
    let Built { app, knowledge, connections } = built;
    let metrics = telemetry::metrics();
    let ended = app.store.end_leases(app.clock.now()).await?;
    if ended > 0 {
        tracing::info!(jobs = ended, "taking up what was left in the middle of work");
    }
    let (stop, stopped) = watch::channel(false);
    let mut parts = JoinSet::new();
    parts.spawn(worker::run(app.clone(), stopped.clone()));
    parts.spawn(knowledge::follow(
        knowledge.clone(),
        app.store.clone(),
        app.clock.clone(),
        stopped.clone(),
    ));
    parts.spawn(knowledge::embed(knowledge.clone(), app.clock.clone(), stopped.clone()));
    parts.spawn(housekeeping(app.clone(), knowledge, stopped.clone()));
    parts.spawn(sources::follow(app.clone(), stopped.clone()));
    parts.spawn(warm_up(app.clone()));
    let on_main = match metrics_listener {
        Some(listener) => {
            let router = console::metrics_router(metrics);
            parts.spawn(answer_http(listener, router, stopped.clone()));
            None
        }
        None => Some(metrics),
    };
    let router = console::router(app.clone(), on_main).merge(connections.router(&app));
    connections.heed_kept(&app.store, app.clock.now()).await;
    connections.run(&app, &stopped, &mut parts);
    parts.spawn(answer_http(listener, router, stopped));

    ended_from_outside().await?;
    eprintln!("Stopping once the requests under way are answered; Ctrl-C again ends at once.");
    // Received by every part; none is left only when all have ended already.
    let _ = stop.send(true);
    tokio::select! {
        () = async { while parts.join_next().await.is_some() {} } => {}
        () = tokio::time::sleep(GRACE) => {
            tracing::warn!("some requests did not end in time; they are taken up at the next start");
        }
        again = ended_from_outside() => again?,
    }
    parts.abort_all();
    app.store.close().await;
    Ok(Done::Well)
}

/// Returns on Ctrl-C or SIGTERM.
async fn ended_from_outside() -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        pressed = tokio::signal::ctrl_c() => pressed?,
        _ = terminate.recv() => {}
    }
    Ok(())
}

async fn answer_http(
    listener: TcpListener,
    router: axum::Router,
    mut stopped: watch::Receiver<bool>,
) {
    let until_stopped = async move {
        // An error means the sender is gone: the process is ending.
        let _ = stopped.wait_for(|stop| *stop).await;
    };
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    if let Err(error) = axum::serve(listener, service).with_graceful_shutdown(until_stopped).await {
        tracing::error!(%error, "the web server ended");
    }
}

/// Trains the local engine and reads the past tickets, so that the first request need not
/// wait for it.
async fn warm_up(app: Arc<App>) {
    let detector = tokio::task::spawn_blocking(crate::flows::heed::warm_up);
    match app.store.stamps().await {
        Ok(stamps) => {
            if let Err(error) = app.engine.current(&app.store, &stamps).await {
                tracing::warn!(%error, "the local engine could not be trained yet");
            }
            if let Err(error) = app.similar.catch_up(&app.store, &stamps).await {
                tracing::warn!(%error, "past tickets could not be read yet");
            }
        }
        Err(error) => tracing::warn!(%error, "nothing could be learnt from the store yet"),
    }
    let _ = detector.await;
}

/// Keeps the gauges current and removes raw events whose time is over.
async fn housekeeping(
    app: Arc<App>,
    knowledge: Arc<LocalKnowledge>,
    mut stopped: watch::Receiver<bool>,
) {
    let mut purge_at = app.clock.now();
    while !*stopped.borrow() {
        let now = app.clock.now();
        if let Err(error) = gauges(&app.store, &knowledge, now).await {
            tracing::warn!(%error, "the store cannot be asked for its numbers");
        }
        if now >= purge_at {
            purge_at = now + PURGE_EVERY_MS;
            let older_than = now - i64::from(app.config.privacy.raw_days) * DAY_MS;
            match app.store.purge_raw(older_than).await {
                Ok(0) => {}
                Ok(events) => tracing::info!(events, "removed raw events"),
                Err(error) => tracing::warn!(%error, "raw events could not be removed yet"),
            }
        }
        tokio::select! {
            () = app.clock.sleep_until(now + HOUSEKEEPING_MS) => {}
            _ = stopped.changed() => {}
        }
    }
}

async fn gauges(store: &Store, knowledge: &LocalKnowledge, now: i64) -> anyhow::Result<()> {
    let jobs = store.job_counts(now).await?;
    for (state, count) in [("ready", jobs.ready), ("running", jobs.running), ("dead", jobs.dead)] {
        metrics::gauge!(metric::JOBS, "state" => state).set(count as f64);
    }
    metrics::gauge!(metric::QUEUE_AGE).set(jobs.oldest_due_ms as f64 / 1000.0);
    let lag = (store.last_change().await? - knowledge.sequence()).max(0);
    metrics::gauge!(metric::INDEX_LAG).set(lag as f64);
    metrics::gauge!(metric::INDEX_PASSAGES).set(knowledge.passages() as f64);
    if let Some(progress) = knowledge.embedded() {
        metrics::gauge!(metric::INDEX_EMBEDDED).set(progress.embedded as f64);
    }
    Ok(())
}
