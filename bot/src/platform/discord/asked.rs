//! Commands: a question asked anywhere is answered in one's direct messages; tickets are told to
//! whoever asked alone.

use firstline_core::chat::Setting;
use firstline_core::words::{self, Told};
use serde_json::Value;

use super::api::{DiscordError, code};
use super::caller::Urgency;
use super::commands::{self, Asked};
use super::inbound::{Inbound, place, tenant};
use super::interactions::{Actor, Reply, name_of};
use super::outbound::DIRECT;
use super::{people, render};
use crate::accept::{self, AcceptError, Arrival};
use crate::platform::people::Account;
use crate::platform::review;
use crate::store::records::{Ticket, TicketFilter, Viewer};

/// Tickets shown in a list, and offered while one types.
const SHOWN: u32 = 10;
const OFFERED: u32 = 25;

const NO_TICKET: &str = "There is no such ticket, or it is not yours to see.";
const NOT_KNOWN_YET: &str = "I do not know who you are here, so I cannot show your tickets.";
const CLOSED_TO_US: &str =
    "I cannot write to you. Allow direct messages from members of this server, then ask again.";

impl Inbound {
    pub(super) async fn asked(
        &self,
        value: &Value,
        asked: Asked,
        actor: &Actor,
    ) -> Result<Reply, AcceptError> {
        match asked {
            Asked::Help => Ok(Reply::says(&words::help("en").text)),
            Asked::Ask(question) => self.ask(value, &question, actor).await,
            Asked::MyTickets => self.my_tickets(actor).await,
            Asked::Status(key) => self.status_of(&key, actor).await,
            Asked::NewTicket => self.open_empty_form(),
            Asked::FileFrom(quoted) => self.open_form_for_message(quoted, actor).await,
            Asked::Review => self.to_review(actor).await,
            Asked::Autocomplete { typed } => self.offered(&typed, actor).await,
            Asked::Link => {
                let says = self.discord.people.link(&account(actor), self.now()).await?;
                Ok(Reply::says(&says))
            }
            Asked::Unlink => Ok(Reply::says(&self.discord.people.unlink(&account(actor)).await?)),
        }
    }

    async fn ask(
        &self,
        value: &Value,
        question: &str,
        actor: &Actor,
    ) -> Result<Reply, AcceptError> {
        let heading = format!("You asked: {question}");
        let event_id = format!("command:{}", name_of(value));
        let arrival = match self.in_direct_messages(actor.clone(), &heading, event_id).await? {
            Ok(arrival) => Arrival { text: question.to_owned(), ..arrival },
            Err(reply) => return Ok(reply),
        };
        accept::arrived(&self.app, arrival).await?;
        Ok(Reply::says("I answer you in our direct messages."))
    }

    /// A conversation in somebody's direct messages, begun by a heading of ours; or why there can
    /// be none.
    pub(super) async fn in_direct_messages(
        &self,
        actor: Actor,
        heading: &str,
        event_id: String,
    ) -> Result<Result<Arrival, Reply>, AcceptError> {
        let api = &self.discord.api;
        let user = actor.user.to_string();
        let begun = async {
            let channel = api.direct_channel(&user).await?;
            let heading = render::plainly(heading, &event_id);
            let first = api.post(&channel, &heading, Urgency::Waits).await?;
            Ok::<_, DiscordError>((channel, first))
        };
        let (channel, first) = match begun.await {
            Ok(begun) => begun,
            Err(error) if error.code() == Some(code::CANNOT_WRITE_TO_USER) => {
                return Ok(Err(Reply::says(CLOSED_TO_US)));
            }
            Err(error) => return Err(anyhow::Error::from(error).into()),
        };
        let from = match actor.guild {
            None => actor.from,
            // A guest has another address in direct messages than in a server.
            Some(_) => self.discord.who(DIRECT, actor.user, &actor.name, self.now()).await?,
        };
        Ok(Ok(Arrival {
            conversation: place(DIRECT, channel.parse().unwrap_or_default(), &first),
            setting: Setting::Direct,
            outsiders: false,
            from,
            text: String::new(),
            files: Vec::new(),
            event_id,
        }))
    }

    async fn viewer(&self, actor: &Actor) -> Result<Option<Viewer>, AcceptError> {
        Ok(review::viewer(&self.app, &actor.from).await?)
    }

    async fn own(&self, viewer: &Viewer, limit: u32) -> Result<Vec<Ticket>, AcceptError> {
        let filter = TicketFilter {
            open: Some(true),
            requester: Some(viewer.email.clone()),
            limit: Some(limit),
            ..TicketFilter::default()
        };
        Ok(self.app.store.tickets(&filter, viewer).await?.items)
    }

    async fn my_tickets(&self, actor: &Actor) -> Result<Reply, AcceptError> {
        let Some(viewer) = self.viewer(actor).await? else { return Ok(self.stranger()) };
        let own = self.own(&viewer, SHOWN).await?;
        if own.is_empty() {
            return Ok(Reply::says("You have no open tickets."));
        }
        let lines: Vec<String> = own.iter().map(|ticket| self.line(ticket, actor)).collect();
        Ok(Reply::says(&lines.join("\n")))
    }

    async fn status_of(&self, key: &str, actor: &Actor) -> Result<Reply, AcceptError> {
        let Some(viewer) = self.viewer(actor).await? else { return Ok(self.stranger()) };
        let key = key.trim().to_uppercase();
        let ticket = self.app.store.visible_ticket(&key, &viewer).await?;
        Ok(Reply::says(&ticket.map_or_else(|| NO_TICKET.to_owned(), |t| self.line(&t, actor))))
    }

    /// One's own open tickets that fit what is typed.
    async fn offered(&self, typed: &str, actor: &Actor) -> Result<Reply, AcceptError> {
        let own = match self.viewer(actor).await? {
            Some(viewer) => self.own(&viewer, 2 * OFFERED).await?,
            None => Vec::new(),
        };
        let typed = typed.to_lowercase();
        let fits = own.iter().filter(|ticket| {
            [&ticket.key, &ticket.summary].iter().any(|text| text.to_lowercase().contains(&typed))
        });
        let fits = fits.map(|ticket| (ticket.key.as_str(), ticket.summary.as_str()));
        Ok(Reply::Suggestions(commands::suggestions(fits)))
    }

    /// One ticket in Markdown: key, summary, and how it stands.
    fn line(&self, ticket: &Ticket, actor: &Actor) -> String {
        let key = match self.discord.base() {
            Some(base) => format!("[{0}]({base}/tickets/{0})", ticket.key),
            None => ticket.key.clone(),
        };
        // Nothing in a summary is to be a mark.
        let summary: String = ticket
            .summary
            .chars()
            .flat_map(|c| if c.is_ascii_punctuation() { vec!['\\', c] } else { vec![c] })
            .collect();
        let status = words::status_word(ticket.status, "en");
        let told = Told { now: self.now(), zone: actor.from.time_zone.as_deref() };
        let changed = told.when(ticket.updated_at, "en");
        format!("- **{key}** {summary} ({status}, {}, {changed})", ticket.priority.as_str())
    }

    fn stranger(&self) -> Reply {
        match self.discord.base() {
            Some(_) => Reply::says(&format!("{NOT_KNOWN_YET} `/firstline link` changes that.")),
            None => Reply::says(NOT_KNOWN_YET),
        }
    }
}

fn account(actor: &Actor) -> Account {
    people::account(&tenant(actor.guild), actor.user, &actor.name)
}
