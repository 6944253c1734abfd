//! One connection: opened, greeted, and heard until it ends. What arrives is handled side by
//! side, and each envelope is acknowledged when its own handling is done.

use std::sync::Arc;
use std::time::Duration;

use futures::{SinkExt as _, StreamExt as _};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

use super::super::inbound::pass_over;
use super::wire::{self, Envelope, Frame, Reason};
use super::{Link, LinkError, Opener, Settings, Status, stopped};

/// Slack's largest payloads are forms of some hundred kilobytes.
const LIMIT: usize = 1024 * 1024;
/// Set aside for each connection; the library's own measure is eight times as much.
const BUFFER: usize = 16 * 1024;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// What a connection says to the lane it is in.
pub(super) enum Told {
    /// Slack is about to close it: another one is to be opened.
    Leaving,
    Ended(LinkError),
}

/// A connection that Slack has greeted, and how many it counts for the app.
pub(super) async fn open(
    opener: &dyn Opener,
    settings: &Settings,
) -> Result<(Socket, Option<u64>), LinkError> {
    let url = opener.open().await?;
    let limits = WebSocketConfig::default()
        .read_buffer_size(BUFFER)
        .max_message_size(Some(LIMIT))
        .max_frame_size(Some(LIMIT));
    let greeted = async {
        let (mut socket, _) = connect_async_with_config(url, Some(limits), true).await?;
        loop {
            let message = socket.next().await.ok_or(LinkError::Closed)??;
            let Message::Text(text) = message else { continue };
            match wire::read(&text) {
                Frame::Hello { connections } => return Ok((socket, connections)),
                Frame::Disconnect(reason) => {
                    return Err(dismissed(&reason).unwrap_or(LinkError::Closed));
                }
                // Slack sends it again, as it is not acknowledged.
                Frame::Envelope(_) | Frame::PassedOver(_) => {}
            }
        }
    };
    timeout(settings.hello, greeted).await.unwrap_or(Err(LinkError::NoHello))
}

/// Closes as the protocol has it. Reads to the end: closing a connection with something unread
/// resets it, and what was written last might be lost.
pub(super) async fn close(socket: &mut Socket, patience: Duration) {
    let closed = async {
        if socket.close(None).await.is_ok() {
            while let Some(Ok(_)) = socket.next().await {}
        }
    };
    // Whoever does not answer finds the connection gone.
    let _ = timeout(patience, closed).await;
}

/// Why a connection is of no use any more; `None` where another one can take its place.
fn dismissed(reason: &Reason) -> Option<LinkError> {
    match reason {
        Reason::Replace => None,
        Reason::TurnedOff => Some(LinkError::TurnedOff),
        Reason::TooMany => Some(LinkError::TooMany),
    }
}

pub(super) struct Connection {
    socket: Socket,
    link: Arc<Link>,
    /// Envelopes being handled; each ends in its acknowledgement, or in none.
    under_way: JoinSet<Option<String>>,
    stop: watch::Receiver<bool>,
    /// Says that another connection has taken its place.
    left: oneshot::Receiver<()>,
    tell: mpsc::UnboundedSender<Told>,
}

impl Connection {
    pub(super) fn new(
        socket: Socket,
        link: Arc<Link>,
        stop: watch::Receiver<bool>,
        left: oneshot::Receiver<()>,
        tell: mpsc::UnboundedSender<Told>,
    ) -> Connection {
        Connection { socket, link, under_way: JoinSet::new(), stop, left, tell }
    }

    pub(super) async fn serve(mut self) {
        let heard = self.hear().await;
        self.link.status.send_modify(Status::lost);
        match heard {
            Ok(()) => {
                while let Some(done) = self.under_way.join_next().await {
                    if self.acknowledge(done).await.is_err() {
                        break;
                    }
                }
                close(&mut self.socket, self.link.settings.patience).await;
            }
            Err(error) => {
                // The lane no longer listens to a connection whose place is taken.
                let _ = self.tell.send(Told::Ended(error));
            }
        }
        drop(self.socket);
        // What has begun is kept all the same, so that it is known when Slack sends it again.
        while self.under_way.join_next().await.is_some() {}
    }

    /// Hears Slack until the connection ends, or is to be ended from here.
    async fn hear(&mut self) -> Result<(), LinkError> {
        let Settings { silence, patience, leave, at_once, .. } = self.link.settings;
        let (mut heard, mut asked) = (Instant::now(), false);
        let mut until = None;
        loop {
            let room = self.under_way.len() < at_once;
            let quiet = if asked { patience } else { silence };
            tokio::select! {
                biased;
                () = stopped(&mut self.stop) => return Ok(()),
                Some(done) = self.under_way.join_next() => {
                    if !room {
                        // Nobody listened: that nothing was heard says nothing.
                        (heard, asked) = (Instant::now(), false);
                    }
                    self.acknowledge(done).await?;
                }
                _ = &mut self.left, if until.is_none() => until = Some(Instant::now() + leave),
                () = sleep_until(until.unwrap_or(heard)), if until.is_some() => return Ok(()),
                message = self.socket.next(), if room => {
                    let message = message.ok_or(LinkError::Closed)??;
                    (heard, asked) = (Instant::now(), false);
                    self.take(message).await?;
                }
                () = sleep_until(heard + quiet), if room => {
                    if asked {
                        return Err(LinkError::Silent);
                    }
                    self.send(Message::Ping(Default::default())).await?;
                    (heard, asked) = (Instant::now(), true);
                }
            }
        }
    }

    async fn take(&mut self, message: Message) -> Result<(), LinkError> {
        match message {
            Message::Text(text) => match wire::read(&text) {
                Frame::Envelope(envelope) => self.handle(envelope),
                Frame::Disconnect(reason) => {
                    if let Some(error) = dismissed(&reason) {
                        return Err(error);
                    }
                    let _ = self.tell.send(Told::Leaving);
                }
                Frame::Hello { .. } => {}
                Frame::PassedOver(kind) => pass_over(&kind),
            },
            Message::Binary(_) => pass_over("a binary frame"),
            Message::Close(_) => {
                // The answer is written already, but not sent.
                let _ = timeout(self.link.settings.patience, self.socket.flush()).await;
                return Err(LinkError::Closed);
            }
            // The library answers pings; a pong has been heard.
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
        }
        Ok(())
    }

    fn handle(&mut self, envelope: Envelope) {
        let link = self.link.clone();
        let Envelope { id, kind, payload, answerable } = envelope;
        self.under_way.spawn(async move {
            let says = match kind {
                Ok(kind) => match link.receiver.receive(kind, payload).await {
                    Ok(says) => says.filter(|_| answerable),
                    Err(error) => {
                        tracing::warn!(%error, "an event of Slack could not be taken up yet");
                        return None;
                    }
                },
                Err(unknown) => {
                    pass_over(&unknown);
                    None
                }
            };
            Some(wire::acknowledgement(&id, says))
        });
    }

    async fn acknowledge(
        &mut self,
        done: Result<Option<String>, JoinError>,
    ) -> Result<(), LinkError> {
        match done {
            Ok(Some(acknowledgement)) => self.send(Message::text(acknowledgement)).await,
            Ok(None) => Ok(()),
            Err(error) => {
                tracing::error!(%error, "an event of Slack could not be handled");
                Ok(())
            }
        }
    }

    async fn send(&mut self, message: Message) -> Result<(), LinkError> {
        let sent = timeout(self.link.settings.patience, self.socket.send(message));
        Ok(sent.await.map_err(|_| LinkError::Silent)??)
    }
}
