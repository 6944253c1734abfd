//! What runs while the service listens to Slack: connections of its own in Socket Mode, and
//! catching up with what it missed.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;
use tokio::sync::watch;

use super::Slack;
use super::api::{Api, SlackError};
use super::inbound::Inbound;
use super::interactions::Reply;
use super::socket::{self, Kind, Opener, Receiver, Settings, Status, Unavailable};
use crate::app::App;
use crate::config::SlackMode;
use crate::platform::missed::NOTED_EVERY_MS;

/// Takes up, once, what was said while the service was away.
pub async fn catch_up(app: Arc<App>, slack: Arc<Slack>) {
    Inbound { app, slack }.keep_up(&mut false).await;
}

/// Whether a connection of Socket Mode can be opened; how many Slack counts for the app.
///
/// # Errors
/// A sentence that says why not.
pub async fn check_socket(slack: &Arc<Slack>) -> Result<Option<u64>, String> {
    let door = Door(slack.clone());
    socket::check(&door, &Settings::default()).await.map_err(|error| error.to_string())
}

/// Listens until `stopped` turns true.
pub async fn run(app: Arc<App>, slack: Arc<Slack>, stopped: watch::Receiver<bool>) {
    match slack.me().await {
        Ok(granted) => tracing::info!(workspace = granted.team, "connected to Slack"),
        Err(error) => tracing::error!(%error, "Slack cannot be used; see `firstline doctor`"),
    }
    let (tell, status) = watch::channel(Status::default());
    let inbound = Inbound { app, slack: slack.clone() };
    match slack.mode {
        SlackMode::Http => {
            // Slack reaches this process as long as it runs.
            tell.send_modify(|status| status.connected = 1);
            listen(&inbound, status, stopped).await;
        }
        SlackMode::Socket => {
            let receiver = Arc::new(inbound.clone());
            let (door, settings) = (Arc::new(Door(slack)), Settings::default());
            let connected = socket::keep_connected(door, receiver, settings, stopped.clone(), tell);
            tokio::join!(connected, listen(&inbound, status, stopped));
        }
    }
}

/// Catches up when connected, and again whenever all connections had been lost.
async fn listen(
    inbound: &Inbound,
    mut status: watch::Receiver<Status>,
    mut stopped: watch::Receiver<bool>,
) {
    let mut caught_up = false;
    loop {
        let connected = status.borrow_and_update().connected > 0;
        caught_up &= connected;
        let turn = async {
            if connected {
                inbound.keep_up(&mut caught_up).await;
            }
            let clock = &inbound.app.clock;
            tokio::select! {
                () = clock.sleep_until(clock.now() + NOTED_EVERY_MS) => {}
                // Its sender is dropped only at the end, which `stopped` tells too.
                Ok(()) = status.changed() => {}
            }
        };
        tokio::select! {
            () = turn => {}
            _ = stopped.wait_for(|stop| *stop) => return,
        }
    }
}

/// Where addresses for connections come from.
struct Door(Arc<Slack>);

#[async_trait]
impl Opener for Door {
    async fn open(&self) -> Result<String, SlackError> {
        Api::open_socket(&self.0.api).await
    }
}

#[async_trait]
impl Receiver for Inbound {
    async fn receive(&self, kind: Kind, payload: Value) -> Result<Option<Value>, Unavailable> {
        let kept = match kind {
            Kind::Event => self.event(payload).await.map(|_| Reply::Done),
            Kind::Interaction => self.interaction(&payload).await,
            Kind::Command => Ok(Reply::With(self.command(&payload).await)),
        };
        match kept {
            Ok(Reply::Done) => Ok(None),
            Ok(Reply::With(reply)) => Ok(Some(reply)),
            Err(error) => Err(Unavailable(format!("{error:#}"))),
        }
    }
}
