//! The ticket form: opened by a button, a command or from somebody's message, in two steps, and
//! sent back.

use std::sync::PoisonError;

use firstline_core::chat::{Setting, TicketForm};
use serde_json::{Value, json};

use super::Discord;
use super::commands::Quoted;
use super::ids::id_of;
use super::inbound::{Inbound, place, tenant, whereabouts};
use super::interactions::{Actor, Reply, name_of};
use super::render::{self, Opened, Step};
use super::text::to_markdown;
use crate::accept::{self, AcceptError, Arrival, Press};
use crate::prefill;

/// Marks a message among what a form can be about; a request's id never begins so.
const MESSAGE: &str = "m-";
/// Messages kept in memory until the form made of them is sent. The others are asked for again.
const MOST_QUOTED: usize = 500;

const NOT_FOR_GUESTS: &str =
    "As long as I do not know who you are, you can file tickets of your own messages only.";
const OURS: &str = "That is a message of mine. Choose the one that says what is wrong.";
const GONE: &str = "That message is gone, or I cannot read it.";
const SENT: &str = "The ticket is being filed; its key follows in the conversation.";

impl Inbound {
    pub(super) fn systems(&self) -> Vec<String> {
        self.app.catalogue.iter().map(|s| s.name.clone()).collect()
    }

    fn first_step(&self, opened: &Opened) -> Result<Value, AcceptError> {
        let shown = render::choices(opened, &self.systems());
        shown.ok_or(AcceptError::NotFound)
    }

    /// The form for a request of one's own.
    pub(super) async fn open_form(
        &self,
        request: &str,
        actor: &Actor,
    ) -> Result<Reply, AcceptError> {
        let (own, form) = prefill::form(&self.app, &actor.from.email, request, None).await?;
        own.ok_or(AcceptError::NotFound)?;
        Ok(Reply::Private(self.first_step(&Opened::new(Some(request), &form))?))
    }

    pub(super) fn open_empty_form(&self) -> Result<Reply, AcceptError> {
        Ok(Reply::Private(self.first_step(&Opened::new(None, &TicketForm::default()))?))
    }

    /// A form filled from somebody's words.
    pub(super) async fn open_form_for_message(
        &self,
        quoted: Quoted,
        actor: &Actor,
    ) -> Result<Reply, AcceptError> {
        if self.is_me(quoted.author).await? {
            return Ok(Reply::says(OURS));
        }
        if actor.from.guest && quoted.author != actor.user {
            return Ok(Reply::says(NOT_FOR_GUESTS));
        }
        let form = prefill::of_text(&self.app, &quoted.text).await?;
        let about = format!("{MESSAGE}{}", quoted.message_id);
        self.discord.keep(quoted);
        Ok(Reply::Private(self.first_step(&Opened::new(Some(&about), &form))?))
    }

    async fn is_me(&self, user: u64) -> Result<bool, AcceptError> {
        let me = self.discord.me().await.map_err(anyhow::Error::from)?;
        Ok(me == user.to_string())
    }

    /// Something was chosen, or the dialog is wanted.
    pub(super) async fn form_step(
        &self,
        value: &Value,
        step: Step,
        opened: Opened,
        actor: &Actor,
    ) -> Result<Reply, AcceptError> {
        if step != Step::Write {
            let opened = opened.chosen(step, &value["data"]);
            return Ok(Reply::Update(self.first_step(&opened)?));
        }
        let kind = Some(opened.kind);
        let about = opened.request.as_str();
        let form = match message_of(about) {
            Some(message) => match self.quoted(value, message).await? {
                Some(quoted) => {
                    TicketForm { kind, ..prefill::of_text(&self.app, &quoted.text).await? }
                }
                None => return Ok(Reply::says(GONE)),
            },
            None if about.is_empty() => TicketForm::default(),
            None => {
                let (own, form) = prefill::form(&self.app, &actor.from.email, about, kind).await?;
                own.ok_or(AcceptError::NotFound)?;
                form
            }
        };
        Ok(Reply::Form(render::modal(&opened, &form)))
    }

    pub(super) async fn form_sent(
        &self,
        value: &Value,
        actor: Actor,
    ) -> Result<Reply, AcceptError> {
        let (opened, form) = match render::form_of(&value["data"], &self.systems()) {
            Ok(sent) => sent,
            Err(wrong) => {
                let says: Vec<String> = wrong.into_iter().map(|(_, why)| why).collect();
                return Ok(Reply::says(&says.join("\n\n")));
            }
        };
        let event_id = format!("form:{}", name_of(value));
        let about = opened.request.as_str();
        match message_of(about) {
            Some(message) => {
                let Some(quoted) = self.quoted(value, message).await? else {
                    return Ok(Reply::says(GONE));
                };
                if self.is_me(quoted.author).await? {
                    return Ok(Reply::says(OURS));
                }
                if actor.from.guest && quoted.author != actor.user {
                    return Ok(Reply::says(NOT_FOR_GUESTS));
                }
                let arrival = self.of_quoted(value, quoted, &actor, event_id).await?;
                accept::filed(&self.app, arrival, form).await?;
            }
            None if about.is_empty() => {
                let heading = format!("You filed: {}", form.summary);
                match self.in_direct_messages(actor, &heading, event_id).await? {
                    Ok(arrival) => accept::filed(&self.app, arrival, form).await?,
                    Err(reply) => return Ok(reply),
                };
            }
            None => {
                let press = Press::FileTicket(form);
                accept::pressed(&self.app, actor.from, about, press, event_id).await?;
            }
        }
        // The first step stands where the dialog was opened from.
        Ok(match value["message"].is_object() {
            true => Reply::Update(json!({ "content": SENT, "components": [] })),
            false => Reply::says(SENT),
        })
    }

    /// The message a form is about: as it was when its menu was opened, else as it is.
    async fn quoted(&self, value: &Value, message: u64) -> Result<Option<Quoted>, AcceptError> {
        let known = self.discord.kept(message);
        if known.is_some() {
            return Ok(known);
        }
        let Some(channel) = id_of(&value["channel_id"]) else { return Ok(None) };
        let found = self.discord.api.message(&channel.to_string(), &message.to_string()).await;
        let Some(found) = found.map_err(anyhow::Error::from)? else { return Ok(None) };
        let author = &found["author"];
        let name = ["global_name", "username"].iter().find_map(|name| author[*name].as_str());
        Ok(id_of(&author["id"]).map(|author_id| Quoted {
            channel,
            message_id: message,
            author: author_id,
            author_is_bot: author["bot"] == true,
            author_name: name.unwrap_or_default().to_owned(),
            text: to_markdown(found["content"].as_str().unwrap_or_default(), &|_| None),
        }))
    }

    /// A ticket of somebody's message is theirs; of a machine's, whoever files it.
    async fn of_quoted(
        &self,
        value: &Value,
        quoted: Quoted,
        actor: &Actor,
        event_id: String,
    ) -> Result<Arrival, AcceptError> {
        let tenant = tenant(actor.guild);
        let (channel, thread) = whereabouts(value).unwrap_or((quoted.channel, None));
        let direct = actor.guild.is_none();
        let goes_on = if direct { self.goes_on(channel).await? } else { None };
        let thread = match (goes_on, thread) {
            (Some(conversation), _) => conversation.thread,
            (None, thread) => thread.unwrap_or(quoted.message_id).to_string(),
        };
        let from = match quoted.author_is_bot {
            true => actor.from.clone(),
            false => {
                let (author, name) = (quoted.author, &quoted.author_name);
                self.discord.who(&tenant, author, name, self.now()).await?
            }
        };
        Ok(Arrival {
            conversation: place(&tenant, channel, &thread),
            setting: if direct { Setting::Direct } else { Setting::Channel },
            outsiders: self.outsiders(direct, channel),
            from,
            text: quoted.text,
            files: Vec::new(),
            event_id,
        })
    }
}

impl Discord {
    fn keep(&self, quoted: Quoted) {
        let mut kept = self.quoted.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MOST_QUOTED {
            kept.clear();
        }
        kept.insert(quoted.message_id, quoted);
    }

    fn kept(&self, message: u64) -> Option<Quoted> {
        self.quoted.lock().unwrap_or_else(PoisonError::into_inner).get(&message).cloned()
    }
}

fn message_of(about: &str) -> Option<u64> {
    about.strip_prefix(MESSAGE)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_told_from_a_request() {
        for (about, message) in [
            ("m-12", Some(12)),
            ("", None),
            ("m-", None),
            ("0198c0de-0000-7000-8000-000000000002", None),
        ] {
            assert_eq!(message_of(about), message, "{about}");
        }
    }
}
