//! What a reaction writes: an understanding becomes a reply, a ticket or silence, and
//! everything ends in one settlement.

use firstline_core::chat::{Button, Message, Setting, TicketForm};
use firstline_core::ticket::{Impact, Kind, Sentiment, Status, Urgency};
use firstline_core::triage::redact::SecretKind;
use firstline_core::triage::{Assessment, Plan};
use firstline_core::words;

use super::{Reaction, Said, reply_id};
use crate::flows::suggestion;
use crate::flows::understand::Understanding;
use crate::job::Job;
use crate::store::records::{
    Author, Delivery, Explanation, KEY_PLACEHOLDER, NewMessage, NewTicket, Reply, RequestState,
    Settlement, SuggestionState,
};
use crate::telemetry::metric;
use crate::worker::JobError;

impl Reaction<'_> {
    pub(super) async fn settle_understood(
        mut self,
        understood: Understanding,
        attachments: &[String],
    ) -> Result<Option<Said>, JobError> {
        let assessment = &understood.assessment;
        let decision = &understood.decision;
        let language = assessment.language.clone();
        let plan = decision.plan.clone();
        let mut ticket = None;
        let mut hand_over = false;
        let mut comments = Vec::new();
        let mut said: Option<Message> = match &plan {
            Plan::Answer => understood.answer.as_ref().map(|answer| Message {
                text: answer.text.clone(),
                citations: answer.citations.clone(),
                buttons: words::ANSWER_BUTTONS.to_vec(),
                ..Message::default()
            }),
            Plan::Clarify => Some(words::clarify(assessment)),
            Plan::File { offer: true } => {
                Some(words::offer_ticket(understood.abstained, form_of(assessment), &language))
            }
            Plan::File { offer: false } => {
                let new = self.ticket_from(&understood, attachments);
                let says = words::filed(&facts(&new, &assessment.missing), &language);
                let says = self.followable(says, &new);
                ticket = Some(new);
                Some(with_hint(says, &understood))
            }
            Plan::Attach { key } => Some(words::attached(key, &language)),
            Plan::Duplicate { key } => {
                let known = self.app.store.ticket(key).await?;
                comments.push((key.clone(), self.request.text.clone()));
                Some(match known {
                    Some(ticket)
                        if Some(&ticket.key) != self.open_here.as_ref()
                            && self.may_name(&ticket) =>
                    {
                        words::duplicate(key, &ticket.summary, ticket.status, &language)
                    }
                    _ => words::added(key, &language),
                })
            }
            Plan::Handover => {
                hand_over = true;
                let team = self.app.system(assessment.system.as_deref());
                let team = team.and_then(|s| s.team.as_deref());
                let known = self.request.ticket_key.clone().or_else(|| self.open_here.clone());
                if known.is_none() {
                    ticket = Some(self.ticket_from(&understood, attachments));
                }
                let key = known.as_deref().unwrap_or(KEY_PLACEHOLDER);
                Some(words::handover(Some(key), team, &language))
            }
            Plan::Silent if self.conversation.handed_over => {
                // A person answers now; what is said belongs to their ticket.
                comments.extend(self.open_here.clone().map(|key| (key, self.request.text.clone())));
                None
            }
            Plan::Silent if self.restraint.is_some() => None,
            // Before anything was done for them it is a greeting, or nothing one can make sense of.
            Plan::Silent if self.last_action.is_none() => Some(words::greeting(&language)),
            Plan::Silent => Some(words::courtesy(&language)),
        };
        let removed = removed_from(&self.request.text);
        let removed = (!removed.is_empty()).then(|| words::secret_removed(&removed, &language));
        for first in removed.iter().chain(&self.first) {
            if let Some(message) = &mut said {
                message.text = format!("{first}\n\n{}", message.text);
            }
        }
        self.request.kind = Some(assessment.kind);
        self.request.system = assessment.system.clone();
        self.request.confidence = Some(assessment.confidence);
        self.request.action = Some(plan.action().to_owned());
        self.request.abstained =
            understood.abstained.filter(|_| plan == Plan::File { offer: true });
        self.request.answerable = Some(understood.answerable);
        self.request.decision = Some(Explanation {
            decision: decision.clone(),
            passages: understood.passages.clone(),
            similar: understood.similar.clone(),
            unsent: understood.unsent.clone(),
        });
        let title = (!assessment.summary.is_empty()).then(|| assessment.summary.clone());
        let cited =
            if plan == Plan::Answer { understood.cited_documents.clone() } else { Vec::new() };
        let settlement = Settlement {
            request: self.request.clone(),
            assessments: understood.readings.clone(),
            ticket,
            reply: None,
            cited_documents: cited,
            comments,
            hand_over,
            title,
            unsaid: None,
        };
        self.settle(settlement, said).await
    }

    /// In a channel, what tells of a new ticket lets others follow it.
    pub(super) fn followable(&self, mut says: Message, ticket: &NewTicket) -> Message {
        if self.conversation.setting == Setting::Channel && !ticket.confidential {
            says.buttons.push(Button::Follow);
        }
        says
    }

    /// The ticket an understanding makes.
    fn ticket_from(&self, understood: &Understanding, attachments: &[String]) -> NewTicket {
        let assessment = &understood.assessment;
        let decision = &understood.decision;
        let system = self.app.system(assessment.system.as_deref());
        NewTicket {
            // A person asked for is not chatter, whatever the words were.
            kind: if assessment.kind == Kind::None { Kind::Question } else { assessment.kind },
            system: assessment.system.clone(),
            team: system.and_then(|s| s.team.clone()),
            impact: decision.impact,
            urgency: decision.urgency,
            priority: decision.priority,
            status: Status::New,
            requester: self.viewer.email.clone(),
            summary: assessment.summary.clone(),
            text: self.request.text.clone(),
            fields: assessment.fields.clone(),
            language: assessment.language.clone(),
            sentiment: assessment.sentiment,
            confidence: assessment.confidence,
            confidential: system.is_some_and(|s| s.confidential),
            conversation_id: Some(self.conversation.id.clone()),
            request_id: Some(self.request.id.clone()),
            attachments: attachments.to_vec(),
            created_at: self.app.clock.now(),
            resolved_at: None,
        }
    }

    /// The reading the request was decided by; a plain one when there is none.
    pub(super) async fn assessment(&self) -> Result<Assessment, JobError> {
        let readings = self.app.store.assessments(&self.request.id).await?;
        Ok(readings.into_iter().rev().find(|r| r.chosen).and_then(|r| r.result).unwrap_or(
            Assessment {
                kind: Kind::Question,
                confidence: 0.0,
                system: None,
                impact: Impact::One,
                urgency: Urgency::Normal,
                sentiment: Sentiment::Neutral,
                language: "en".into(),
                summary: self.request.text.clone(),
                fields: Default::default(),
                missing: Vec::new(),
            },
        ))
    }

    pub(super) async fn language(&self) -> Result<String, JobError> {
        Ok(self.assessment().await?.language)
    }

    /// Settles a reaction that files nothing.
    pub(super) async fn settle_with(
        mut self,
        says: Option<Message>,
        action: &str,
    ) -> Result<Option<Said>, JobError> {
        self.request.action = Some(action.to_owned());
        let settlement = Settlement::of(self.request.clone());
        self.settle(settlement, says).await
    }

    /// Settles, with what is said if anything is; what is to be delivered now.
    pub(super) async fn settle(
        self,
        mut settlement: Settlement,
        says: Option<Message>,
    ) -> Result<Option<Said>, JobError> {
        let now = self.app.clock.now();
        settlement.request.state = RequestState::Settled;
        settlement.request.settled_at = Some(now);
        let says = says.map(|body| Message { request_id: Some(self.request.id.clone()), ..body });
        let says = match self.restraint {
            Some(restraint) => {
                let system = self.app.system(settlement.request.system.as_deref());
                let team = system.and_then(|s| s.team.clone());
                settlement.restrain(restraint, team, &self.viewer.groups, says);
                None
            }
            None => says,
        };
        let suggested = settlement.unsaid.as_ref().is_some_and(|unsaid| unsaid.draft.is_some());
        if let Some(body) = says {
            settlement.request.answer = Some(body.clone());
            settlement.reply = Some(self.reply(body, now)?);
        }
        let settled = Box::pin(self.app.store.settle(self.leased, settlement, now)).await?;
        let settled = settled.ok_or(JobError::LeaseLost)?;
        crate::crash::point("settled");
        if suggested {
            suggestion::count(SuggestionState::Waiting);
        }
        if self.restraint.is_none() {
            metrics::histogram!(metric::REPLY_TIME)
                .record((now - self.request.received_at) as f64 / 1_000.0);
        }
        let conversation = self.conversation;
        Ok(settled.delivery.map(|Delivery { job, message }| Said { conversation, job, message }))
    }

    fn reply(&self, body: Message, now: i64) -> Result<Reply, JobError> {
        let message = NewMessage {
            id: reply_id(self.leased),
            conversation_id: self.conversation.id.clone(),
            author: Author::Bot,
            email: String::new(),
            name: words::BOT_NAME.into(),
            body,
            request_id: Some(self.request.id.clone()),
            // The job's own id: a second run of the same job says nothing new.
            delivery_key: format!("reply:{}", self.leased.id),
            pending: true,
        };
        let delivery = Job::Deliver {
            conversation_id: message.conversation_id.clone(),
            message_id: message.id.clone(),
        };
        let lease_until = now + self.app.lease_ms();
        Ok(Reply { message, delivery: delivery.enqueue(now)?, lease_until })
    }
}

/// The ticket form as the assessment fills it.
fn form_of(assessment: &Assessment) -> TicketForm {
    TicketForm {
        kind: Some(match assessment.kind {
            Kind::None => Kind::Question,
            kind => kind,
        }),
        system: assessment.system.clone(),
        summary: assessment.summary.clone(),
        fields: assessment.fields.clone(),
    }
}

/// A filed ticket's message with what may help meanwhile.
fn with_hint(mut says: Message, understood: &Understanding) -> Message {
    if let Some(answer) = &understood.answer {
        let hint = words::may_help(&understood.assessment.language);
        says.text = format!("{}\n\n{hint}\n\n{}", says.text, answer.text);
        says.citations = answer.citations.clone();
        says.buttons.push(Button::Solved);
    }
    says
}

/// A new ticket as it is told of, before it has its key.
pub(super) fn facts<'t>(ticket: &'t NewTicket, missing: &'t [String]) -> words::TicketFacts<'t> {
    words::TicketFacts {
        key: KEY_PLACEHOLDER,
        kind: ticket.kind,
        summary: &ticket.summary,
        system: ticket.system.as_deref(),
        team: ticket.team.as_deref(),
        priority: ticket.priority,
        missing,
    }
}

/// What was removed from a text before it was kept, by its placeholders.
fn removed_from(text: &str) -> Vec<SecretKind> {
    SecretKind::ALL.iter().copied().filter(|kind| text.contains(&kind.placeholder())).collect()
}
