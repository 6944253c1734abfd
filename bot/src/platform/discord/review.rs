//! Support owners agree with how tickets were read, or correct them: by `/firstline review`, or in
//! direct messages. A list gives way to a form where it stands, and the form to what waits then.

use serde_json::Value;

use super::inbound::Inbound;
use super::interactions::{Actor, Reply};
use super::render::{self, Correcting, Review};
use crate::accept::AcceptError;
use crate::flows::ticket::Refusal;
use crate::platform::offer;
use crate::platform::review;

impl Inbound {
    pub(super) async fn to_review(&self, actor: &Actor) -> Result<Reply, AcceptError> {
        let list = review::list(&self.app, &actor.from).await?;
        Ok(Reply::Private(render::for_one(render::review_list(&list, self.base()))))
    }

    /// Something was pressed or chosen in a list to review or in a correction.
    pub(super) async fn reviewed(
        &self,
        value: &Value,
        did: Review,
        actor: &Actor,
    ) -> Result<Reply, AcceptError> {
        let (app, from) = (&self.app, &actor.from);
        let done = match did {
            Review::Agree(key) => review::agree(app, from, &key).await,
            Review::Back => review::list(app, from).await.map_err(Refusal::from),
            Review::Open(key) => {
                return refused(
                    review::open(app, from, &key)
                        .await
                        .map(|ticket| self.correction(&Correcting::of(&ticket), &ticket.summary)),
                );
            }
            Review::Choose(list, correcting) => {
                let chosen = correcting.chosen(list, &value["data"]);
                let ticket = review::open(app, from, &chosen.of.key).await;
                return refused(ticket.map(|ticket| self.correction(&chosen, &ticket.summary)));
            }
            Review::Save(correcting) => {
                let systems = self.systems();
                let patch = review::correction(|list| correcting.choice(list, &systems));
                review::correct(app, from, &correcting.of, patch).await
            }
        };
        refused(done.map(|list| Reply::Update(render::review_list(&list, self.base()))))
    }

    fn correction(&self, correcting: &Correcting, summary: &str) -> Reply {
        Reply::Update(render::correction(correcting, summary, &self.systems()))
    }

    fn base(&self) -> Option<&str> {
        offer::base(self.discord.public_url.as_deref())
    }
}

/// A refusal is told to whoever tried; what stands there stays.
fn refused(done: Result<Reply, Refusal>) -> Result<Reply, AcceptError> {
    match done {
        Ok(reply) => Ok(reply),
        Err(Refusal::Unavailable(error)) => Err(AcceptError::Unavailable(error)),
        Err(refusal) => Ok(Reply::says(&refusal.to_string())),
    }
}
