//! Reactions to what is pressed or typed as a command: help, tickets, feedback, the
//! ticket form, a wish for a person.

use firstline_core::chat::{Message, Setting, TicketForm, Verdict};
use firstline_core::command::{self, Command};
use firstline_core::ticket::{Impact, Kind, Status, Urgency};
use firstline_core::triage::Speaker;
use firstline_core::words;

use super::settle::facts;
use super::{Reaction, Said};
use crate::flows::follow;
use crate::flows::ticket::{self, Refusal};
use crate::flows::understand::{Asked, understand};
use crate::store::records::{NewTicket, Settlement, TicketFilter, Viewer};
use crate::worker::JobError;

impl Reaction<'_> {
    /// For telling times to whoever asked.
    fn told(&self) -> words::Told<'_> {
        words::Told { now: self.app.clock.now(), zone: self.time_zone.as_deref() }
    }

    // --- Commands -----------------------------------------------------------------

    pub(super) async fn command(self, command: &Command) -> Result<Option<Said>, JobError> {
        let language = self.language.clone();
        let language = language.as_str();
        let says = match command {
            Command::Help => words::help(language),
            Command::MyTickets => {
                let filter = TicketFilter {
                    requester: Some(self.viewer.email.clone()),
                    open: Some(true),
                    limit: Some(10),
                    ..TicketFilter::default()
                };
                let page = self.app.store.tickets(&filter, &self.viewer).await?;
                let tickets = page.items.iter().filter(|t| self.may_name(t));
                let lines: Vec<_> = tickets.map(ticket::standing).collect();
                words::my_tickets(&lines, self.told(), language)
            }
            Command::Status(key) => match self.app.store.visible_ticket(key, &self.viewer).await? {
                Some(t) if self.may_name(&t) => Message {
                    ticket: Some(t.key.clone()),
                    ..words::ticket_status(&ticket::standing(&t), self.told(), language)
                },
                _ => words::no_such_ticket(key, language),
            },
            Command::Reopen(key) => match ticket::reopen(self.app, &self.viewer, key).await {
                Ok(t) => words::reopened(&t.key, t.team.as_deref(), language),
                Err(Refusal::Unavailable(error)) => return Err(JobError::Retry(error)),
                Err(Refusal::NotFound) => words::no_such_ticket(key, language),
                Err(refusal) => Message { text: refusal.to_string(), ..Message::default() },
            },
            Command::Review if self.conversation.setting != Setting::Direct => {
                words::review_in_private(language)
            }
            Command::Review => ticket::review_list(self.app, Some(&self.viewer), language).await?,
            // Where an account can be tied, its platform has done so already.
            Command::Link | Command::Unlink => words::link_in_private(language),
            Command::Follow(key) => {
                let person = self.person().await?;
                match follow::follow(self.app, &person, key, &self.conversation).await {
                    Ok(ticket) => words::following(key, ticket.status, self.addressed(), language),
                    Err(Refusal::Unavailable(error)) => return Err(JobError::Retry(error)),
                    Err(_) => words::no_such_ticket(key, language),
                }
            }
            Command::Unfollow(key) => match follow::unfollow(self.app, &self.viewer, key).await {
                Ok(did) => words::unfollowed(key, did, self.addressed(), language),
                Err(Refusal::Unavailable(error)) => return Err(JobError::Retry(error)),
                Err(_) => words::no_such_ticket(key, language),
            },
            Command::TalkToPerson => return self.talk_to_person().await,
        };
        self.settle_with(Some(says), "silent").await
    }

    /// The sender with what they may see themselves.
    async fn person(&self) -> Result<Viewer, JobError> {
        let known = match self.among_us {
            true => self.app.store.viewer(&self.viewer.email).await?,
            false => None,
        };
        Ok(known.unwrap_or_else(|| self.viewer.clone()))
    }

    /// Who is spoken to, where others read along.
    fn addressed(&self) -> Option<&str> {
        (self.conversation.setting == Setting::Channel).then_some(self.viewer.name.as_str())
    }

    // --- Buttons ------------------------------------------------------------------

    pub(super) async fn feedback(mut self, verdict: Verdict) -> Result<Option<Said>, JobError> {
        let language = self.language().await?;
        self.request.verdict = Some(verdict);
        let says = match verdict {
            Verdict::Solved => words::solved(&language),
            Verdict::NotHelpful => words::not_helpful(&language),
        };
        let action = self.request.action.clone().unwrap_or_default();
        self.settle_with(Some(says), &action).await
    }

    pub(super) async fn file(mut self, form: &TicketForm) -> Result<Option<Said>, JobError> {
        let assessment = self.assessment().await?;
        if let Some(key) = self.request.ticket_key.clone() {
            // Sent twice: the ticket is there already.
            let says = match self.app.store.ticket(&key).await? {
                Some(t) => {
                    let standing = ticket::standing(&t);
                    words::ticket_status(&standing, self.told(), &assessment.language)
                }
                None => words::no_such_ticket(&key, &assessment.language),
            };
            return self.settle_with(Some(says), "file").await;
        }
        let kind = form.kind.filter(|k| *k != Kind::None).unwrap_or(match assessment.kind {
            Kind::None => Kind::Question,
            kind => kind,
        });
        let named = form.system.clone().filter(|name| !name.is_empty());
        // Only a system of the catalogue is taken from a form.
        let system = named
            .filter(|n| self.app.catalogue.is_empty() || self.app.system(Some(n)).is_some())
            .or_else(|| assessment.system.clone());
        let entry = self.app.system(system.as_deref());
        let (impact, urgency, priority) = match &self.request.decision {
            Some(e) => (e.decision.impact, e.decision.urgency, e.decision.priority),
            None => {
                let matrix = &self.app.config.priority.matrix;
                let (impact, urgency) = (Impact::One, Urgency::Normal);
                (impact, urgency, matrix.priority(impact, urgency))
            }
        };
        let text = if self.request.text.is_empty() {
            form.summary.clone()
        } else {
            self.request.text.clone()
        };
        let ticket = NewTicket {
            kind,
            team: entry.and_then(|s| s.team.clone()),
            confidential: entry.is_some_and(|s| s.confidential),
            system,
            impact,
            urgency,
            priority,
            status: Status::New,
            requester: self.viewer.email.clone(),
            summary: if form.summary.is_empty() {
                assessment.summary.clone()
            } else {
                form.summary.clone()
            },
            text,
            fields: form.fields.clone(),
            language: assessment.language.clone(),
            sentiment: assessment.sentiment,
            confidence: assessment.confidence,
            conversation_id: Some(self.conversation.id.clone()),
            request_id: Some(self.request.id.clone()),
            attachments: Vec::new(),
            created_at: self.app.clock.now(),
            resolved_at: None,
        };
        let says = words::filed(&facts(&ticket, &[]), &assessment.language);
        let says = self.followable(says, &ticket);
        self.request.action = Some("file".into());
        let title = (!ticket.summary.is_empty()).then(|| ticket.summary.clone());
        let settlement =
            Settlement { ticket: Some(ticket), title, ..Settlement::of(self.request.clone()) };
        self.settle(settlement, Some(says)).await
    }

    pub(super) async fn talk_to_person(self) -> Result<Option<Said>, JobError> {
        // What is known so far is read once more, so that the ticket says it.
        let thread = self.thread().await?;
        let last = thread
            .iter()
            .rev()
            .find(|turn| turn.from == Speaker::Requester)
            .map(|t| t.text.clone());
        let text = match (&self.request.text, last) {
            (text, _) if !text.is_empty() && command::parse(text).is_none() => text.clone(),
            (_, Some(last)) => last,
            (text, None) => text.clone(),
        };
        let asked = Asked {
            request_id: self.request.id.clone(),
            text: &text,
            thread: &thread,
            viewer: &self.viewer,
            must_reply: true,
            handed_over: false,
            wants_person: true,
            already_asked: false,
            open_here: None,
            stamps: &self.stamps,
        };
        let understood = Box::pin(understand(self.app, &asked, &|_, _| {})).await?;
        let mut this = self;
        this.request.text = text;
        this.settle_understood(understood, &[]).await
    }
}
