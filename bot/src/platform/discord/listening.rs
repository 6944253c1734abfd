//! What runs while the service listens to Discord: one connection to the gateway, held by one
//! process of several, and catching up with what was missed.

use std::sync::Arc;

use async_trait::async_trait;
use serenity::model::application::{ApplicationFlags, Interaction};
use tokio::sync::watch;

use super::api::DiscordError;
use super::heard::{Deleted, Edited, Heard};
use super::inbound::{Inbound, pass_over};
use super::{Discord, commands, gateway, invite};
use crate::app::App;
use crate::platform::missed::NOTED_EVERY_MS;

/// The duty of listening, among processes on one database. Without a sign of life it is held for
/// as long as two jobs' leases; signs are given so many times in that, and others look so many
/// times whether it is free.
const DUTY: &str = "discord_gateway";
const LEASES: i64 = 2;
const SIGNS: i64 = 3;
const LOOKS: i64 = 6;
/// After a connection that could not be made, or ended for good: at first, and at most.
const REST_MS: i64 = 15_000;
const MOST_REST_MS: i64 = 10 * 60_000;

/// How the connection stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Status {
    connected: bool,
    /// How often something may have been missed, and up to which of these all was read since.
    gaps: u64,
    closed: u64,
}

impl Inbound {
    fn new(app: Arc<App>, discord: Arc<Discord>) -> Inbound {
        Inbound { app, discord, status: watch::channel(Status::default()).0 }
    }
}

/// Takes up, once, what was said while the service was away.
pub async fn catch_up(app: Arc<App>, discord: Arc<Discord>) {
    Inbound::new(app, discord).keep_up().await;
}

/// Listens whenever no other process does, until `stopped` turns true.
pub async fn run(app: Arc<App>, discord: Arc<Discord>, mut stopped: watch::Receiver<bool>) {
    let inbound = Inbound::new(app, discord);
    let mut standing_by = false;
    let mut wait = REST_MS;
    while !*stopped.borrow() {
        let pause = if take_duty(&inbound).await == Some(true) {
            standing_by = false;
            let began = inbound.now();
            if let Err(error) = listen(&inbound, stopped.clone()).await {
                let error = format!("{error:#}");
                tracing::error!(error, "Discord cannot be listened to; see `firstline doctor`");
            }
            // Discord counts how often an app begins a session.
            let lasted = inbound.now() - began > MOST_REST_MS;
            wait = if lasted { REST_MS } else { (2 * wait).min(MOST_REST_MS) };
            wait
        } else {
            if !standing_by {
                tracing::info!("another process listens to Discord; standing by");
            }
            standing_by = true;
            held_ms(&inbound) / LOOKS
        };
        tokio::select! {
            () = rest(&inbound, pause) => {}
            _ = stopped.wait_for(|stop| *stop) => {}
        }
    }
    if let Err(error) = inbound.app.store.leave_duty(DUTY, &inbound.discord.holder).await {
        tracing::warn!(%error, "others wait until the duty of listening to Discord ends");
    }
}

async fn rest(inbound: &Inbound, ms: i64) {
    inbound.app.clock.sleep_until(inbound.now() + ms).await;
}

fn held_ms(inbound: &Inbound) -> i64 {
    LEASES * inbound.app.lease_ms()
}

/// Whether the duty is ours from now on; `None` when that cannot be told.
async fn take_duty(inbound: &Inbound) -> Option<bool> {
    let now = inbound.now();
    let (store, holder) = (&inbound.app.store, &inbound.discord.holder);
    match store.take_duty(DUTY, holder, now, now + held_ms(inbound)).await {
        Ok(taken) => Some(taken),
        Err(error) => {
            tracing::warn!(%error, "whether another process listens to Discord cannot be told");
            None
        }
    }
}

/// One connection with its sessions, until it ends for good or the duty is another's.
async fn listen(inbound: &Inbound, mut stopped: watch::Receiver<bool>) -> anyhow::Result<()> {
    let discord = &inbound.discord;
    let made = async {
        let content = prepare(inbound).await?;
        let http = gateway::http(&discord.token, &discord.root);
        let receiver = Arc::new(inbound.clone());
        anyhow::Ok(gateway::client(http, invite::intents(content), receiver).await?)
    };
    let mut client = tokio::select! {
        made = made => made?,
        _ = stopped.wait_for(|stop| *stop) => return Ok(()),
    };
    let shards = client.shard_manager.clone();
    // Sessions run on tasks of their own: they end when they are told to, whoever waits here.
    let ended = async move { client.start_autosharded().await };
    let outcome = tokio::select! {
        ended = ended => ended.map_err(anyhow::Error::from),
        () = hold_duty(inbound) => Ok(()),
        () = keep_listening(inbound) => Ok(()),
        _ = stopped.wait_for(|stop| *stop) => Ok(()),
    };
    shards.shutdown_all().await;
    inbound.status.send_replace(Status::default());
    outcome
}

/// Registers the commands if they changed; whether the bot may read messages that do not name it.
async fn prepare(inbound: &Inbound) -> Result<bool, DiscordError> {
    let Discord { api, application_id, .. } = &*inbound.discord;
    let app = api.app().await?;
    let wanted = commands::definitions();
    if !commands::same(&api.commands(application_id).await?, &wanted) {
        api.set_commands(application_id, &wanted).await?;
        tracing::info!("the commands were registered with Discord");
    }
    let content = invite::reads_content(ApplicationFlags::from_bits_retain(app.flags));
    if !content && inbound.app.config.reads_discord_channels() {
        tracing::warn!(
            "questions in support channels are heard only if they name the bot: the message \
             content intent is off; see `firstline doctor`"
        );
    }
    tracing::info!(app = app.name, "connecting to Discord");
    Ok(content)
}

/// Gives signs of life until the duty is another's.
async fn hold_duty(inbound: &Inbound) {
    let held = held_ms(inbound);
    let mut until = inbound.now() + held;
    loop {
        rest(inbound, held / SIGNS).await;
        let now = inbound.now();
        match take_duty(inbound).await {
            Some(true) => until = now + held,
            // Nobody else can have taken it before its end.
            None if now < until => {}
            Some(false) | None => {
                tracing::warn!("the duty of listening to Discord is lost");
                return;
            }
        }
    }
}

/// Catches up when connected anew, and notes from time to time that all was heard.
async fn keep_listening(inbound: &Inbound) {
    let mut status = inbound.status.subscribe();
    loop {
        let Status { connected, gaps, closed } = *status.borrow_and_update();
        if connected && inbound.keep_up_from(gaps == closed).await {
            // What was missed meanwhile is another gap.
            inbound.status.send_if_modified(|status| {
                status.closed = gaps;
                false
            });
        }
        tokio::select! {
            () = rest(inbound, NOTED_EVERY_MS) => {}
            _ = status.changed() => {}
        }
    }
}

#[async_trait]
impl gateway::Receiver for Inbound {
    async fn connected(&self, resumed: bool) {
        tracing::info!(resumed, "connected to Discord");
        self.status.send_modify(|status| {
            status.connected = true;
            status.gaps += u64::from(!resumed);
        });
    }

    async fn lost(&self) {
        self.status.send_modify(|status| status.connected = false);
    }

    async fn heard(&self, heard: Heard) {
        match heard {
            Heard::Said(said) => {
                if !self.persistently("a message", || self.said(&said)).await {
                    // It is read again once the database is back.
                    self.status.send_modify(|status| status.gaps += 1);
                }
            }
            Heard::Withheld { channel } => {
                tracing::debug!(channel, "a message whose text Discord keeps back");
                pass_over("withheld");
            }
            Heard::PassedOver { kind } => pass_over(kind),
        }
    }

    async fn edited(&self, edited: Edited) {
        self.persistently("a change", || Inbound::edited(self, &edited)).await;
    }

    async fn deleted(&self, deleted: Deleted) {
        self.persistently("a deletion", || Inbound::deleted(self, &deleted)).await;
    }

    async fn interaction(&self, interaction: Interaction) {
        let kind = u8::from(interaction.kind());
        match serde_json::to_value(&interaction) {
            Ok(value) => self.interacted(kind, &value).await,
            Err(error) => tracing::warn!(%error, "an interaction cannot be read"),
        }
    }
}
