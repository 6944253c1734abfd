//! What wants its answer in the same exchange: buttons, the ticket form, "File a ticket" on a
//! message. Looked up in the database, accepted; no model is asked.

use firstline_core::chat::{Person, Platform, Setting, TicketForm};
use serde_json::Value;

use super::activity::{Dialog, Extension, Origin, Pressed, Scope};
use super::card::{self, Opened, Place, Step};
use super::inbound::{Inbound, pass_over};
use crate::accept::{self, AcceptError, Arrival, Press};
use crate::platform::offer;
use crate::prefill;
use crate::store::records::MessageRow;

const NOT_YOURS: &str = "Only the person who asked can use these buttons.";
const NOT_KNOWN: &str = "Teams does not tell who you are here. Write to Firstline directly.";
const DONE: &str = "Done.";
pub(super) const NOT_SAVED: &str = "That could not be saved; please try again.";
const NOT_HERE: &str = "Firstline is not in this chat. Add it here first, then file the ticket.";
const NOT_FOR_GUESTS: &str = "Guests can file tickets of their own messages only.";

impl Inbound {
    pub(super) async fn pressed(
        &self,
        pressed: &Pressed,
        event_id: String,
    ) -> anyhow::Result<Option<Value>> {
        let Some(from) = self.who(&pressed.origin).await? else {
            return Ok(pressed.invoke.then(|| card::message_answer(NOT_KNOWN)));
        };
        // The one without opens a dialog instead.
        let Some(press) = offer::press_of(pressed.button) else {
            return Ok(Some(card::message_answer("Please press it again.")));
        };
        let answer = match accept::pressed(&self.app, from, &pressed.request, press, event_id).await
        {
            // The card stays as it is, for others.
            Ok(_) if offer::note(pressed.button).is_none() => card::message_answer(DONE),
            Ok(_) => self.without_buttons(pressed).await?,
            Err(AcceptError::NotFound) => card::message_answer(NOT_YOURS),
            Err(AcceptError::Unavailable(error)) => {
                tracing::warn!(%error, "a button could not be taken up");
                card::error_answer(503, NOT_SAVED)
            }
            Err(refusal) => card::message_answer(&refusal.to_string()),
        };
        Ok(pressed.invoke.then_some(answer))
    }

    /// What was pressed is shown where it stood, to everybody, and what no longer makes sense is
    /// gone.
    async fn without_buttons(&self, pressed: &Pressed) -> anyhow::Result<Value> {
        let Some(mut reply) = self.pressed_message(pressed).await? else {
            return Ok(card::message_answer("Thank you."));
        };
        if !reply.body.pressed.contains(&pressed.button) {
            reply.body.pressed.push(pressed.button);
            self.app.store.rewrite_message(&reply.id, &reply.body).await?;
        }
        let place = Place {
            public_url: self.teams.public_url.as_deref(),
            conversation_id: &reply.conversation_id,
        };
        let Some(last) = card::render(&reply.body, &place).pop() else {
            return Ok(card::message_answer("Thank you."));
        };
        let so_far = reply.body.pressed.iter();
        let shown = so_far.fold(last, |shown, button| card::pressed(&shown, *button));
        if let Some(id) = pressed.reply_to.as_deref() {
            let origin = &pressed.origin;
            let (service, to) = (&origin.service_url, &origin.conversation);
            if let Err(error) = self.teams.api.update(service, to, id, &shown).await {
                tracing::warn!(%error, "pressed buttons still stand under a message");
            }
        }
        Ok(card::card_answer(card::card_of(&shown)))
    }

    /// The message under which a button was pressed.
    async fn pressed_message(&self, pressed: &Pressed) -> anyhow::Result<Option<MessageRow>> {
        let Some(id) = pressed.reply_to.as_deref() else { return Ok(None) };
        let origin = &pressed.origin;
        let channel = origin.channel.as_deref().unwrap_or(&origin.conversation);
        let store = &self.app.store;
        let there = store.message_sent_as(Platform::Teams, &origin.tenant, channel, id).await?;
        Ok(there.filter(|message| message.request_id.as_ref() == Some(&pressed.request)))
    }

    pub(super) fn systems(&self) -> Vec<String> {
        self.app.catalogue.iter().map(|s| s.name.clone()).collect()
    }

    fn form(&self, form: &TicketForm, request: Option<&str>, wrong: &[(String, String)]) -> Value {
        card::opened("File a ticket", &card::dialog(form, &self.systems(), request, wrong))
    }

    pub(super) async fn open_form(&self, dialog: &Dialog) -> anyhow::Result<Value> {
        let Some(from) = self.who(&dialog.origin).await? else {
            return Ok(card::dialog_message(NOT_KNOWN));
        };
        let request = dialog.data["request"].as_str().unwrap_or_default();
        let prefilled = prefill::form(&self.app, &from.email, request, None).await?;
        Ok(match prefilled {
            (Some(_), form) => self.form(&form, Some(request), &[]),
            (None, _) => card::dialog_message(NOT_YOURS),
        })
    }

    pub(super) async fn form_sent(
        &self,
        dialog: &Dialog,
        event_id: String,
    ) -> anyhow::Result<Value> {
        let Some(Opened { request: Some(request), step }) = card::opened_of(&dialog.data) else {
            pass_over("dialog");
            return Ok(card::closed());
        };
        let Some(from) = self.who(&dialog.origin).await? else {
            return Ok(card::dialog_message(NOT_KNOWN));
        };
        let draft = card::draft_of(&dialog.data);
        if step == Step::Show {
            return Ok(self.form(&draft, Some(&request), &[]));
        }
        let form = match card::form_of(&dialog.data) {
            Ok(form) => form,
            Err(wrong) => return Ok(self.form(&draft, Some(&request), &wrong)),
        };
        let press = Press::FileTicket(form);
        let filed = accept::pressed(&self.app, from, &request, press, event_id).await.map(|_| ());
        Ok(self.filed(filed, &draft, Some(&request)))
    }

    /// The dialog closes once the ticket is filed; it is told of in the conversation.
    fn filed(
        &self,
        filed: Result<(), AcceptError>,
        draft: &TicketForm,
        request: Option<&str>,
    ) -> Value {
        let wrong = match filed {
            Ok(()) => return card::closed(),
            Err(AcceptError::NotFound) => return card::dialog_message(NOT_YOURS),
            Err(AcceptError::Unavailable(error)) => {
                tracing::warn!(%error, "a ticket form could not be saved");
                NOT_SAVED.to_owned()
            }
            Err(refusal) => refusal.to_string(),
        };
        self.form(draft, request, &[("summary".to_owned(), wrong)])
    }

    pub(super) async fn open_form_for_message(
        &self,
        extension: &Extension,
    ) -> anyhow::Result<Value> {
        if self.who(&extension.origin).await?.is_none() {
            return Ok(card::dialog_message(NOT_HERE));
        }
        let said = extension.message.as_ref().map_or("", |message| message.text.as_str());
        let form = prefill::of_text(&self.app, said).await?;
        Ok(self.form(&form, None, &[]))
    }

    pub(super) async fn form_for_message_sent(
        &self,
        extension: &Extension,
        event_id: String,
    ) -> anyhow::Result<Value> {
        let draft = card::draft_of(&extension.data);
        match card::opened_of(&extension.data).map(|opened| opened.step) {
            Some(Step::File) => {}
            Some(Step::Show) => return Ok(self.form(&draft, None, &[])),
            None => {
                pass_over("extension");
                return Ok(card::closed());
            }
        }
        let form = match card::form_of(&extension.data) {
            Ok(form) => form,
            Err(wrong) => return Ok(self.form(&draft, None, &wrong)),
        };
        let Some(by) = self.who(&extension.origin).await? else {
            return Ok(card::dialog_message(NOT_HERE));
        };
        let author = self.author(extension, &by).await?;
        if by.guest && author.email != by.email {
            return Ok(card::dialog_message(NOT_FOR_GUESTS));
        }
        let arrival = self.arrival(&extension.origin, extension, author, event_id).await?;
        let filed = accept::filed(&self.app, arrival, form).await.map(|_| ());
        Ok(self.filed(filed, &draft, None))
    }

    /// Whose message it is; `by`, who wants a ticket of it, where it is nobody's who is here.
    async fn author(&self, extension: &Extension, by: &Person) -> anyhow::Result<Person> {
        let author = extension.message.as_ref().and_then(|message| message.author.as_deref());
        let Some(author) = author else { return Ok(by.clone()) };
        let now = self.app.clock.now();
        let known = self.teams.member(&extension.origin, author, now).await?;
        Ok(known.unwrap_or_else(|| by.clone()))
    }

    async fn arrival(
        &self,
        origin: &Origin,
        extension: &Extension,
        from: Person,
        event_id: String,
    ) -> anyhow::Result<Arrival> {
        let (conversation, _) = self.place(origin).await?;
        Ok(Arrival {
            conversation,
            setting: match origin.scope {
                Scope::Personal => Setting::Direct,
                Scope::GroupChat | Scope::Channel => Setting::Channel,
            },
            outsiders: origin.outsiders,
            from,
            text: extension.message.as_ref().map(|m| m.text.clone()).unwrap_or_default(),
            files: Vec::new(),
            event_id,
        })
    }
}
