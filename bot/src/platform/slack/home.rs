//! The Home tab and the correction of tickets by support owners.

use firstline_core::chat::Person;
use firstline_core::ticket::{Impact, Kind, Urgency};
use serde::Deserialize;
use serde_json::Value;

use super::envelope::{team, text};
use super::inbound::{Inbound, pass_over};
use super::interactions::{NOT_SAVED, Reply, wrong_fields};
use super::render::{self, Home};
use crate::accept::AcceptError;
use crate::flows::ticket::{self, Refusal};
use crate::platform::offer;
use crate::store::records::{Role, TicketFilter, TicketOrder, TicketPatch, Viewer};

/// Tickets shown of a kind.
const SHOWN: u32 = 10;

/// The ticket a correction is of, carried through its form.
#[derive(Deserialize)]
struct Corrected {
    key: String,
    version: i64,
}

impl Inbound {
    pub(super) async fn show_home(&self, team: &str, user: &str) -> anyhow::Result<()> {
        let Some(from) = self.who(team, user).await? else { return Ok(()) };
        let (mut own, mut queue) = (Vec::new(), None);
        if let Some(viewer) = self.viewer(&from).await? {
            let few =
                TicketFilter { open: Some(true), limit: Some(SHOWN), ..TicketFilter::default() };
            let filter = TicketFilter { requester: Some(viewer.email.clone()), ..few.clone() };
            own = self.app.store.tickets(&filter, &viewer).await?.items;
            if viewer.is(Role::Owner) || viewer.is_admin() {
                let order = TicketOrder::LeastConfident;
                let filter = TicketFilter { unreviewed: true, order, ..few };
                let waiting = self.app.store.tickets(&filter, &viewer).await?.items;
                let theirs = waiting.into_iter().filter(|t| viewer.owns(t.team.as_deref()));
                queue = Some(theirs.collect::<Vec<_>>());
            }
        }
        let base = offer::base(self.slack.public_url.as_deref());
        let view = render::home(&Home { base, own: &own, queue: queue.as_deref() });
        if let Err(error) = self.slack.api.publish_view(user, &view).await {
            tracing::warn!(%error, "a Home tab could not be shown");
        }
        Ok(())
    }

    /// What somebody may see; `None` for guests, who have no tickets of their own here.
    async fn viewer(&self, from: &Person) -> anyhow::Result<Option<Viewer>> {
        if from.guest {
            return Ok(None);
        }
        Ok(self.app.store.viewer(&from.email).await?)
    }

    /// An owner agrees with how a ticket was read.
    pub(super) async fn reviewed(
        &self,
        value: &Value,
        from: &Person,
        key: &str,
    ) -> Result<(), AcceptError> {
        let viewer = self.viewer(from).await?.ok_or(AcceptError::NotFound)?;
        match ticket::mark_reviewed(&self.app, &viewer, key).await {
            Ok(()) => {}
            Err(Refusal::Unavailable(error)) => return Err(error.into()),
            Err(refusal) => self.whisper(value, &refusal.to_string()).await,
        }
        self.home_again(value).await
    }

    async fn home_again(&self, value: &Value) -> Result<(), AcceptError> {
        let user = text(&value["user"], "id").unwrap_or_default();
        Ok(self.show_home(&team(value), user).await?)
    }

    pub(super) async fn open_correction(
        &self,
        value: &Value,
        from: &Person,
        key: &str,
    ) -> Result<(), AcceptError> {
        let viewer = self.viewer(from).await?.ok_or(AcceptError::NotFound)?;
        let ticket = self.app.store.visible_ticket(key, &viewer).await?;
        let Some(ticket) = ticket.filter(|t| viewer.owns(t.team.as_deref())) else {
            let says = "Only support owners of the ticket's team can correct it.";
            self.whisper(value, says).await;
            return Ok(());
        };
        let view = render::correction(&ticket, &self.systems());
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
        let of = text(view, "private_metadata").and_then(|m| serde_json::from_str(m).ok());
        let Some(Corrected { key, version }) = of else {
            pass_over("view");
            return Ok(Reply::Done);
        };
        let Some(viewer) = self.viewer(from).await? else { return Ok(Reply::Done) };
        let patch = patch(&view["state"]["values"]);
        let corrected = ticket::patch(&self.app, &viewer, &key, Some(version), patch).await;
        let corrected = match corrected {
            Ok(_) => ticket::mark_reviewed(&self.app, &viewer, &key).await,
            Err(refusal) => Err(refusal),
        };
        Ok(match corrected {
            Ok(()) => {
                self.home_again(value).await?;
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

/// What the form says the ticket is.
fn patch(values: &Value) -> TicketPatch {
    let chosen = |block: &str| render::chosen(values, block);
    TicketPatch {
        kind: chosen("kind").and_then(Kind::parse),
        system: chosen("system").map(str::to_owned),
        impact: chosen("impact").and_then(Impact::parse),
        urgency: chosen("urgency").and_then(Urgency::parse),
        ..TicketPatch::default()
    }
}
