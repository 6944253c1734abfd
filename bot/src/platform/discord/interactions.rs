//! Buttons, forms and commands. Discord wants an answer within three seconds: what takes longer is
//! put off, and its outcome follows.

use std::pin::pin;
use std::time::Duration;

use firstline_core::chat::{Button, Person, Verdict};
use serde_json::{Value, json};

use super::commands;
use super::ids::id_of;
use super::inbound::{Inbound, event_id, pass_over, tenant, whose};
use super::render::{self, Opened, Review};
use crate::accept::{self, AcceptError, Press};

/// An answer that is not ready by then is put off.
const SOON: Duration = Duration::from_millis(1500);

/// Kinds of interactions, and of answers to them
/// (<https://docs.discord.com/developers/interactions/receiving-and-responding>).
const COMMAND: u8 = 2;
const COMPONENT: u8 = 3;
const AUTOCOMPLETE: u8 = 4;
const MODAL: u8 = 5;
mod answer {
    pub(super) const MESSAGE: u8 = 4;
    pub(super) const MESSAGE_LATER: u8 = 5;
    pub(super) const UPDATE_LATER: u8 = 6;
    pub(super) const UPDATE: u8 = 7;
    pub(super) const SUGGESTIONS: u8 = 8;
    pub(super) const FORM: u8 = 9;
}

const NOT_YOURS: &str = "Only the person who asked can use these buttons.";
const NOT_SAVED: &str = "That could not be saved; nothing was done. Please try again.";
const TOO_LATE: &str = "That took too long; please try again.";
const NOT_KNOWN: &str = "That is from an older version of me; please ask again.";

/// What an interaction is answered with.
#[derive(Debug, PartialEq)]
pub(super) enum Reply {
    /// For whoever pressed or typed alone.
    Private(Value),
    /// How the message reads on which something was pressed.
    Update(Value),
    Form(Value),
    Suggestions(Value),
}

impl Reply {
    pub(super) fn says(markdown: &str) -> Reply {
        Reply::Private(render::privately(markdown))
    }

    fn at_once(self) -> Value {
        let (kind, data) = match self {
            Reply::Private(data) => (answer::MESSAGE, data),
            Reply::Update(data) => (answer::UPDATE, data),
            Reply::Form(data) => (answer::FORM, data),
            Reply::Suggestions(data) => (answer::SUGGESTIONS, data),
        };
        json!({ "type": kind, "data": data })
    }
}

/// Who did something, and where.
#[derive(Clone)]
pub(super) struct Actor {
    pub(super) from: Person,
    pub(super) user: u64,
    pub(super) name: String,
    pub(super) guild: Option<u64>,
}

impl Inbound {
    /// Answers an interaction, whatever becomes of it.
    pub(super) async fn interacted(&self, kind: u8, value: &Value) {
        let (Some(id), Some(token)) = (value["id"].as_str(), value["token"].as_str()) else {
            pass_over("interaction");
            return;
        };
        let api = &self.discord.api;
        let mut work = pin!(self.reply(kind, value));
        if let Ok(reply) = tokio::time::timeout(SOON, &mut work).await {
            let Some(reply) = reply else { return };
            if let Err(error) = api.answer(id, token, &reply.at_once()).await {
                tracing::warn!(%error, "somebody does not see what became of their press");
            }
            return;
        }
        let later = match kind {
            COMPONENT => json!({ "type": answer::UPDATE_LATER }),
            COMMAND | MODAL => {
                json!({ "type": answer::MESSAGE_LATER, "data": { "flags": render::EPHEMERAL } })
            }
            _ => Value::Null,
        };
        if !later.is_null()
            && let Err(error) = api.answer(id, token, &later).await
        {
            tracing::warn!(%error, "an answer could not be put off");
        }
        let Some(reply) = work.await else { return };
        let app = &self.discord.application_id;
        let told = match (kind, reply) {
            (COMPONENT, Reply::Update(data)) => api.alter_answer(app, token, &data).await,
            (COMPONENT, Reply::Private(data)) => api.follow_up(app, token, &data).await,
            (COMPONENT, _) => api.follow_up(app, token, &render::privately(TOO_LATE)).await,
            (COMMAND | MODAL, Reply::Private(data) | Reply::Update(data)) => {
                api.alter_answer(app, token, &data).await
            }
            (COMMAND | MODAL, _) => {
                api.alter_answer(app, token, &render::privately(TOO_LATE)).await
            }
            // Whoever typed has typed on.
            _ => Ok(()),
        };
        if let Err(error) = told {
            tracing::warn!(%error, "somebody does not see what became of their press");
        }
    }

    /// Never a silent acknowledgement: whoever did something hears why nothing was done.
    async fn reply(&self, kind: u8, value: &Value) -> Option<Reply> {
        let Some((user, name)) = whose(value) else {
            pass_over("interaction");
            return None;
        };
        let guild = id_of(&value["guild_id"]);
        let who = self.discord.who(&tenant(guild), user, &name, self.now()).await;
        let done = match who {
            Ok(from) => self.act(kind, value, Actor { from, user, name, guild }).await,
            Err(error) => Err(error.into()),
        };
        Some(match done {
            Ok(reply) => reply,
            Err(_) if kind == AUTOCOMPLETE => {
                Reply::Suggestions(commands::suggestions(std::iter::empty()))
            }
            Err(AcceptError::NotFound) => Reply::says(NOT_YOURS),
            Err(AcceptError::Unavailable(error)) => {
                tracing::warn!(error = format!("{error:#}"), "a press could not be kept");
                Reply::says(NOT_SAVED)
            }
            Err(refusal) => Reply::says(&refusal.to_string()),
        })
    }

    async fn act(&self, kind: u8, value: &Value, actor: Actor) -> Result<Reply, AcceptError> {
        let data = &value["data"];
        let name = data["custom_id"].as_str().unwrap_or_default();
        match kind {
            COMMAND | AUTOCOMPLETE => match commands::read(data) {
                Some(asked) => self.asked(value, asked, &actor).await,
                None => Ok(Reply::says(NOT_KNOWN)),
            },
            COMPONENT => {
                if let Some((button, request)) = render::button(name) {
                    self.pressed(value, button, request, actor).await
                } else if let Some((step, opened)) = Opened::read(name) {
                    self.form_step(value, step, opened, &actor).await
                } else if let Some(did) = Review::read(name) {
                    self.reviewed(value, did, &actor).await
                } else {
                    Ok(Reply::says(NOT_KNOWN))
                }
            }
            MODAL => self.form_sent(value, actor).await,
            _ => Ok(Reply::says(NOT_KNOWN)),
        }
    }

    async fn pressed(
        &self,
        value: &Value,
        button: Button,
        request: &str,
        actor: Actor,
    ) -> Result<Reply, AcceptError> {
        let press = match button {
            Button::Solved => Press::Verdict(Verdict::Solved),
            Button::NotHelpful => Press::Verdict(Verdict::NotHelpful),
            Button::TalkToPerson => Press::TalkToPerson,
            Button::Follow => Press::Follow,
            Button::FileTicket => return self.open_form(request, &actor).await,
        };
        let event_id = format!("press:{}", name_of(value));
        let altered = render::pressed(&value["message"], &press);
        accept::pressed(&self.app, actor.from, request, press, event_id).await?;
        Ok(altered.map_or_else(|| Reply::says("Done."), Reply::Update))
    }
}

/// An interaction's own id, by which it is known if it is told twice.
pub(super) fn name_of(interaction: &Value) -> String {
    event_id(id_of(&interaction["id"]).unwrap_or_default())
}
