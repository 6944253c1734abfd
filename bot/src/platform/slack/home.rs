//! The Home tab and the correction of tickets by support owners.

use firstline_core::chat::{Message, Person};
use firstline_core::words::Told;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::envelope::{team, text};
use super::inbound::{Inbound, pass_over};
use super::interactions::{NOT_SAVED, Reply, wrong_fields};
use super::render::{self, Home, Place};
use crate::accept::AcceptError;
use crate::flows::ticket::{self, Refusal};
use crate::platform::offer;
use crate::platform::review::{self, Corrected};
use crate::store::records::TicketFilter;

/// Tickets shown of a kind.
const SHOWN: usize = 10;

/// What a correction is of, and the message it was opened from, carried through its form.
#[derive(Serialize, Deserialize)]
struct Opened {
    #[serde(flatten)]
    of: Corrected,
    #[serde(default)]
    from: Option<Shown>,
}

/// A message with what waits for review; without one, that is shown in Home.
#[derive(Serialize, Deserialize)]
struct Shown {
    channel: String,
    ts: String,
}

impl Shown {
    /// The message something was pressed in.
    fn of(value: &Value) -> Option<Shown> {
        let channel = text(&value["container"], "channel_id")?.to_owned();
        let ts = text(&value["message"], "ts")?.to_owned();
        Some(Shown { channel, ts })
    }
}

impl Inbound {
    pub(super) async fn show_home(&self, team: &str, user: &str) -> anyhow::Result<()> {
        let Some(from) = self.who(team, user).await? else { return Ok(()) };
        let (mut own, mut queue) = (Vec::new(), None);
        if let Some(viewer) = review::viewer(&self.app, &from).await? {
            let filter = TicketFilter {
                open: Some(true),
                limit: u32::try_from(SHOWN).ok(),
                requester: Some(viewer.email.clone()),
                ..TicketFilter::default()
            };
            own = self.app.store.tickets(&filter, &viewer).await?.items;
            queue = ticket::to_review(&self.app, &viewer, SHOWN).await?;
        }
        let told = Told { now: self.app.clock.now(), zone: from.time_zone.as_deref() };
        let base = offer::base(self.slack.public_url.as_deref());
        let view = render::home(&Home { base, told, own: &own, queue: queue.as_deref() });
        if let Err(error) = self.slack.api.publish_view(user, &view).await {
            tracing::warn!(%error, "a Home tab could not be shown");
        }
        Ok(())
    }

    /// An owner agrees with how a ticket was read.
    pub(super) async fn reviewed(
        &self,
        value: &Value,
        from: &Person,
        key: &str,
    ) -> Result<(), AcceptError> {
        match review::agree(&self.app, from, key).await {
            Ok(list) => Ok(self.show_again(value, Shown::of(value), &list).await?),
            Err(Refusal::Unavailable(error)) => Err(error.into()),
            Err(refusal) => {
                self.whisper(value, &refusal.to_string()).await;
                match Shown::of(value) {
                    Some(_) => Ok(()),
                    // Nothing can be whispered there; it shows what there is now.
                    None => Ok(self.home_again(value).await?),
                }
            }
        }
    }

    async fn home_again(&self, value: &Value) -> anyhow::Result<()> {
        let user = text(&value["user"], "id").unwrap_or_default();
        self.show_home(&team(value), user).await
    }

    /// What waits now, where it was shown before.
    async fn show_again(
        &self,
        value: &Value,
        shown: Option<Shown>,
        list: &Message,
    ) -> anyhow::Result<()> {
        let Some(Shown { channel, ts }) = shown else {
            return self.home_again(value).await;
        };
        let place = Place { public_url: self.slack.public_url.as_deref(), conversation_id: "" };
        if let Some(part) = render::render(list, &place).pop()
            && let Err(error) =
                self.slack.api.update(&channel, &ts, &part.text, &part.blocks, None).await
        {
            tracing::warn!(%error, "a list still shows a ticket that was reviewed");
        }
        Ok(())
    }

    pub(super) async fn open_correction(
        &self,
        value: &Value,
        from: &Person,
        key: &str,
    ) -> Result<(), AcceptError> {
        let ticket = match review::open(&self.app, from, key).await {
            Ok(ticket) => ticket,
            Err(Refusal::Unavailable(error)) => return Err(error.into()),
            Err(refusal) => {
                self.whisper(value, &refusal.to_string()).await;
                return Ok(());
            }
        };
        let of = Corrected { key: ticket.key.clone(), version: ticket.version };
        let opened = Opened { of, from: Shown::of(value) };
        let opened = serde_json::to_string(&opened).map_err(anyhow::Error::from)?;
        let view = render::correction(&ticket, &self.systems(), &opened);
        let trigger = text(value, "trigger_id").unwrap_or_default();
        if let Err(error) = self.slack.api.open_view(trigger, &view).await {
            tracing::warn!(%error, "a correction could not be shown");
            self.whisper(value, "The form could not be opened; please press the button again.")
                .await;
        }
        Ok(())
    }

    pub(super) async fn correction_sent(
        &self,
        value: &Value,
        from: &Person,
    ) -> anyhow::Result<Reply> {
        let view = &value["view"];
        let opened = text(view, "private_metadata").and_then(|m| serde_json::from_str(m).ok());
        let Some(Opened { of, from: shown }) = opened else {
            pass_over("view");
            return Ok(Reply::Done);
        };
        let values = &view["state"]["values"];
        let correction = review::correction(|block| render::chosen(values, block));
        Ok(match review::correct(&self.app, from, &of, correction).await {
            Ok(list) => {
                self.show_again(value, shown, &list).await?;
                Reply::Done
            }
            Err(Refusal::Unavailable(error)) => {
                tracing::warn!(%error, "a correction could not be saved");
                wrong_fields(vec![("kind".into(), NOT_SAVED.into())])
            }
            Err(refusal) => wrong_fields(vec![("kind".into(), refusal.to_string())]),
        })
    }
}
