//! The ticket form: opened by a button, a shortcut or from somebody's message, sent back, and
//! the emoji that files a ticket without one.

use firstline_core::chat::{Person, Setting, TicketForm};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::envelope::{Reacted, event_id, team, text};
use super::heard::place;
use super::inbound::{Inbound, pass_over};
use super::interactions::{Reply, wrong_fields};
use super::render;
use crate::accept::{self, AcceptError, Arrival, Press};
use crate::prefill;

/// What a form is about, carried through it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum About {
    /// A request made before.
    Request(String),
    /// A message in a channel.
    Message {
        channel: String,
        ts: String,
    },
    Nothing,
}

const NOT_FOR_GUESTS: &str = "Guests can file tickets of their own messages only.";
const GONE: &str = "That message is gone, or Firstline is not in that channel. Invite it first.";

/// Somebody's message, and whose it is.
struct Found {
    from: Person,
    thread: String,
    text: String,
}

impl Inbound {
    /// Opens the form for a request of one's own.
    pub(super) async fn open_form(
        &self,
        value: &Value,
        from: &Person,
        request: &str,
    ) -> Result<(), AcceptError> {
        let prefilled = prefill::form(&self.app, &from.email, request, None).await?;
        let (Some(_), form) = prefilled else { return Err(AcceptError::NotFound) };
        self.show_form(value, &form, &About::Request(request.to_owned())).await
    }

    /// The shortcut that stands nowhere: an empty form.
    pub(super) async fn open_empty_form(&self, value: &Value) -> Result<(), AcceptError> {
        self.show_form(value, &TicketForm::default(), &About::Nothing).await
    }

    /// The shortcut on a message: a form filled from its words.
    pub(super) async fn open_form_for_message(&self, value: &Value) -> Result<(), AcceptError> {
        let message = &value["message"];
        let channel = text(&value["channel"], "id").unwrap_or_default().to_owned();
        let ts = text(message, "ts").unwrap_or_default().to_owned();
        let said = render::to_markdown(text(message, "text").unwrap_or_default(), &|_| None);
        let form = prefill::of_text(&self.app, &said).await?;
        self.show_form(value, &form, &About::Message { channel, ts }).await
    }

    async fn show_form(
        &self,
        value: &Value,
        form: &TicketForm,
        about: &About,
    ) -> Result<(), AcceptError> {
        let about = serde_json::to_string(about).map_err(anyhow::Error::from)?;
        let view = render::modal(form, &self.systems(), &about);
        let trigger = text(value, "trigger_id").unwrap_or_default();
        if let Err(error) = self.slack.api.open_view(trigger, &view).await {
            tracing::warn!(%error, "a ticket form could not be shown");
            self.whisper(value, "The form could not be opened; please try again.").await;
        }
        Ok(())
    }

    pub(super) fn systems(&self) -> Vec<String> {
        self.app.catalogue.iter().map(|s| s.name.clone()).collect()
    }

    /// Another kind was chosen in an open form: its fields are shown, what was written stays.
    pub(super) async fn refresh_form(&self, view: &Value) {
        let form = render::so_far(&view["state"]["values"]);
        let about = text(view, "private_metadata").unwrap_or_default();
        let fresh = render::modal(&form, &self.systems(), about);
        let (id, hash) = (text(view, "id").unwrap_or_default(), text(view, "hash"));
        if let Err(error) = self.slack.api.update_view(id, hash, &fresh).await {
            tracing::warn!(%error, "a form still shows the fields of another kind");
        }
    }

    pub(super) async fn form_sent(&self, value: &Value, from: Person) -> anyhow::Result<Reply> {
        let view = &value["view"];
        let about = text(view, "private_metadata").and_then(|m| serde_json::from_str(m).ok());
        let (Some(about), Some(id)) = (about, text(view, "id")) else {
            pass_over("view");
            return Ok(Reply::Done);
        };
        let form = match render::form_of(&view["state"]["values"]) {
            Ok(form) => form,
            Err(wrong) => return Ok(wrong_fields(wrong)),
        };
        let event_id = format!("view:{id}");
        let filed = match about {
            About::Request(request) => {
                accept::pressed(&self.app, from, &request, Press::FileTicket(form), event_id).await
            }
            About::Message { channel, ts } => {
                let team = team(value);
                let Some(found) = self.message(&team, &channel, &ts, &from).await? else {
                    return Ok(wrong_fields(vec![("summary".into(), GONE.into())]));
                };
                if from.guest && found.from.email != from.email {
                    return Ok(wrong_fields(vec![("summary".into(), NOT_FOR_GUESTS.into())]));
                }
                let arrival = found.arrival(&team, &channel, false, event_id);
                accept::filed(&self.app, arrival, form).await
            }
            About::Nothing => {
                let user = text(&value["user"], "id").unwrap_or_default();
                let heading = format!("You filed: {}", render::escape(&form.summary));
                let arrival =
                    self.in_direct_messages(&team(value), user, from, &heading, event_id).await?;
                accept::filed(&self.app, arrival, form).await
            }
        };
        Ok(match filed {
            // An empty answer closes the form; the ticket is told of in the thread.
            Ok(_) => Reply::Done,
            Err(AcceptError::Unavailable(error)) => {
                tracing::warn!(%error, "a ticket form could not be saved");
                let said = "It could not be saved; please send it again.".to_owned();
                wrong_fields(vec![("summary".to_owned(), said)])
            }
            Err(refusal) => wrong_fields(vec![("summary".to_owned(), refusal.to_string())]),
        })
    }

    /// The emoji that files a ticket from the message it is put under.
    pub(super) async fn reacted(&self, reacted: &Reacted) -> anyhow::Result<()> {
        let Reacted { team, channel, user, emoji, ts, outsiders } = reacted;
        if *emoji != self.slack.ticket_emoji {
            pass_over("reaction");
            return Ok(());
        }
        let Some(by) = self.who(team, user).await? else { return Ok(()) };
        let Some(found) = self.message(team, channel, ts, &by).await? else { return Ok(()) };
        if by.guest && found.from.email != by.email {
            self.tell(channel, Some(&found.thread), user, NOT_FOR_GUESTS).await;
            return Ok(());
        }
        let form = prefill::of_text(&self.app, &found.text).await?;
        // However many put it there, one message makes one ticket.
        let arrival =
            found.arrival(team, channel, *outsiders, format!("emoji:{}", event_id(channel, ts)));
        match accept::filed(&self.app, arrival, form).await {
            Ok(_) => {}
            Err(AcceptError::Unavailable(cause)) => return Err(cause),
            Err(refusal) => self.tell(channel, None, user, &refusal.to_string()).await,
        }
        Ok(())
    }

    /// A message and its author; `by`, who wants a ticket of it, where a bot wrote it. `None`
    /// for our own messages and those that cannot be read.
    async fn message(
        &self,
        team: &str,
        channel: &str,
        ts: &str,
        by: &Person,
    ) -> anyhow::Result<Option<Found>> {
        let Some(message) = self.slack.api.message(channel, ts).await? else { return Ok(None) };
        if self.slack.is_ours(&message).await {
            return Ok(None);
        }
        let author = match text(&message, "user") {
            Some(user) if text(&message, "bot_id").is_none() => self.who(team, user).await?,
            _ => None,
        };
        Ok(Some(Found {
            from: author.unwrap_or_else(|| by.clone()),
            thread: text(&message, "thread_ts").unwrap_or(ts).to_owned(),
            text: render::to_markdown(text(&message, "text").unwrap_or_default(), &|_| None),
        }))
    }

    /// Tells only whoever pressed.
    pub(super) async fn whisper(&self, value: &Value, says: &str) {
        let container = &value["container"];
        let channel = text(container, "channel_id").or_else(|| text(&value["channel"], "id"));
        let (Some(channel), Some(user)) = (channel, text(&value["user"], "id")) else { return };
        self.tell(channel, text(container, "thread_ts"), user, says).await;
    }

    async fn tell(&self, channel: &str, thread: Option<&str>, user: &str, says: &str) {
        if let Err(error) = self.slack.api.whisper(channel, thread, user, says).await {
            tracing::warn!(%error, "somebody could not be told what became of a button");
        }
    }
}

impl Found {
    fn arrival(self, team: &str, channel: &str, outsiders: bool, event_id: String) -> Arrival {
        let direct = channel.starts_with('D');
        Arrival {
            conversation: place(team, channel, &self.thread),
            setting: if direct { Setting::Direct } else { Setting::Channel },
            outsiders,
            from: self.from,
            text: self.text,
            files: Vec::new(),
            event_id,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_form_is_about_makes_the_round() {
        for (about, json) in [
            (About::Request("r1".into()), json!({ "request": "r1" })),
            (
                About::Message { channel: "C1".into(), ts: "1.2".into() },
                json!({ "message": { "channel": "C1", "ts": "1.2" } }),
            ),
            (About::Nothing, json!("nothing")),
        ] {
            assert_eq!(serde_json::to_value(&about).ok(), Some(json.clone()));
            assert_eq!(serde_json::from_value::<About>(json).ok(), Some(about));
        }
    }
}
