//! How the bot reacts to an accepted event. Each reaction ends in one settlement.

mod buttons;

use firstline_core::chat::{Button, ChatEvent, EventBody, Message, TicketForm};
use firstline_core::command::{self, Command};
use firstline_core::ticket::{Impact, Kind, Sentiment, Status, Urgency};
use firstline_core::triage::redact::SecretKind;
use firstline_core::triage::{Assessment, Plan, Speaker, Turn};
use firstline_core::words;

use crate::app::App;
use crate::flows::ticket::deliveries;
use crate::flows::understand::{Asked, Understanding, understand};
use crate::job::Job;
use crate::store::records::{
    Author, ConversationRow, Explanation, KEY_PLACEHOLDER, LeasedJob, NewMessage, NewTicket,
    RequestRow, RequestState, Settlement, Viewer,
};
use crate::store::{Live, LiveKind, new_id};
use crate::telemetry::metric;
use crate::worker::JobError;

/// Turns of the thread a request is read in the light of.
const THREAD_TURNS: i64 = 12;

/// One event on its way to a settlement.
struct Reaction<'a> {
    app: &'a App,
    leased: &'a LeasedJob,
    conversation: ConversationRow,
    viewer: Viewer,
    request: RequestRow,
    /// The open ticket filed from this conversation last.
    open_here: Option<String>,
}

/// Reacts to `event`; settles or fails as a whole.
pub async fn react(
    app: &App,
    leased: &LeasedJob,
    conversation_id: &str,
    request_id: &str,
    event: &ChatEvent,
) -> Result<(), JobError> {
    let conversation = app.store.conversation(conversation_id).await?;
    let request = app.store.request(request_id).await?;
    let (Some(conversation), Some(request)) = (conversation, request) else {
        // Erased between acceptance and now: nothing is owed to anybody.
        app.store.complete(leased).await?;
        return Ok(());
    };
    let viewer = match app.store.viewer(&event.from.email).await? {
        Some(viewer) => viewer,
        None => Viewer {
            email: event.from.email.clone(),
            name: event.from.name.clone(),
            ..crate::flows::ask::anyone()
        },
    };
    let open_here = app.store.open_ticket_in(conversation_id).await?;
    let reaction = Reaction { app, leased, conversation, viewer, request, open_here };
    match &event.body {
        EventBody::Said { text, attachments } => reaction.said(text, attachments).await,
        EventBody::Feedback { verdict, .. } => reaction.feedback(*verdict).await,
        EventBody::FileTicket { form, .. } => reaction.file(form).await,
        EventBody::TalkToPerson { .. } => reaction.talk_to_person().await,
    }
}

/// What the requester hears when a job has failed for good.
pub async fn tell_failure(app: &App, leased: &LeasedJob) {
    let Ok(Job::Event { conversation_id, request_id, .. }) =
        serde_json::from_str::<Job>(&leased.payload)
    else {
        return;
    };
    let message = NewMessage {
        id: new_id(),
        conversation_id,
        author: Author::Bot,
        email: String::new(),
        name: words::BOT_NAME.into(),
        body: Message { request_id: Some(request_id.clone()), ..words::error("en") },
        request_id: Some(request_id),
        delivery_key: format!("failed:{}", leased.id),
        pending: true,
    };
    let told = async {
        let jobs = deliveries(app, std::slice::from_ref(&message))?;
        app.store.say(message, jobs, app.clock.now()).await?;
        anyhow::Ok(())
    };
    if let Err(error) = told.await {
        tracing::error!(error = %error, "the requester could not be told of a failure");
    }
}

impl Reaction<'_> {
    async fn said(self, text: &str, attachments: &[String]) -> Result<(), JobError> {
        if let Some(command) = command::parse(text)
            && command != Command::TalkToPerson
        {
            return self.command(&command).await;
        }
        let thread = self.thread().await?;
        let wants_person = matches!(command::parse(text), Some(Command::TalkToPerson));
        let asked = Asked {
            request_id: self.request.id.clone(),
            text,
            thread: &thread,
            viewer: &self.viewer,
            must_reply: true,
            handed_over: self.conversation.handed_over,
            wants_person,
            already_asked: self.already_asked().await?,
            open_here: self.open_here.clone(),
        };
        let (drafts, follower) = self.draft_channel();
        let understood = understand(self.app, &asked, &|so_far| {
            // A slow page must not hold up the answer; the final message follows anyway.
            let _ = drafts.try_send(so_far.to_owned());
        })
        .await;
        drop(drafts);
        let _ = follower.await;
        let understood = understood?;
        observe(self.app, &self.request, &understood);
        self.settle_understood(understood, attachments).await
    }

    /// The bot's last words here were a clarifying question.
    async fn already_asked(&self) -> Result<bool, JobError> {
        let before = self.app.store.last_action_in(&self.conversation.id, &self.request.id).await?;
        Ok(before.as_deref() == Some(Plan::Clarify.action()))
    }

    /// Carries checked sentences to open pages while the answer is being composed.
    fn draft_channel(&self) -> (tokio::sync::mpsc::Sender<String>, tokio::task::JoinHandle<()>) {
        let (sender, mut receiver) = tokio::sync::mpsc::channel::<String>(64);
        let store = self.app.store.clone();
        let conversation_id = self.conversation.id.clone();
        let request_id = self.request.id.clone();
        let follower = tokio::spawn(async move {
            while let Some(text) = receiver.recv().await {
                let live = Live {
                    conversation_id: conversation_id.clone(),
                    kind: LiveKind::Draft { request_id: request_id.clone(), text },
                };
                if let Err(error) = store.publish_live(&live).await {
                    tracing::debug!(error = %error, "a draft could not be shown");
                }
            }
        });
        (sender, follower)
    }

    async fn thread(&self) -> Result<Vec<Turn>, JobError> {
        let rows = self.app.store.thread_turns(&self.conversation.id, THREAD_TURNS).await?;
        Ok(rows
            .into_iter()
            .filter(|row| row.request_id.as_deref() != Some(&self.request.id))
            .map(|row| Turn {
                from: match row.author {
                    Author::Requester => Speaker::Requester,
                    Author::Bot => Speaker::Bot,
                    Author::Person => Speaker::Person,
                },
                text: row.body.text,
            })
            .collect())
    }

    async fn settle_understood(
        mut self,
        understood: Understanding,
        attachments: &[String],
    ) -> Result<(), JobError> {
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
                ticket = Some(new);
                Some(with_hint(says, &understood))
            }
            Plan::Attach { key } => Some(words::attached(key, &language)),
            Plan::Duplicate { key } => {
                let known = self.app.store.ticket(key).await?;
                comments.push((key.clone(), self.request.text.clone()));
                Some(match known {
                    Some(ticket) if Some(&ticket.key) != self.open_here.as_ref() => {
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
            Plan::Silent => Some(words::courtesy(&language)),
        };
        let removed = removed_from(&self.request.text);
        if !removed.is_empty()
            && let Some(message) = &mut said
        {
            message.text =
                format!("{}\n\n{}", words::secret_removed(&removed, &language), message.text);
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
            messages: Vec::new(),
            jobs: Vec::new(),
            cited_documents: cited,
            comments,
            hand_over,
            title,
        };
        self.settle(settlement, said).await
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

    // --- Settling -----------------------------------------------------------------

    /// The reading the request was decided by; a plain one when there is none.
    async fn assessment(&self) -> Result<Assessment, JobError> {
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

    async fn language(&self) -> Result<String, JobError> {
        Ok(self.assessment().await?.language)
    }

    /// Settles a reaction that files nothing.
    async fn settle_with(mut self, says: Option<Message>, action: &str) -> Result<(), JobError> {
        self.request.action = Some(action.to_owned());
        let settlement = Settlement {
            request: self.request.clone(),
            assessments: Vec::new(),
            ticket: None,
            messages: Vec::new(),
            jobs: Vec::new(),
            cited_documents: Vec::new(),
            comments: Vec::new(),
            hand_over: false,
            title: None,
        };
        self.settle(settlement, says).await
    }

    async fn settle(
        self,
        mut settlement: Settlement,
        says: Option<Message>,
    ) -> Result<(), JobError> {
        let now = self.app.clock.now();
        settlement.request.state = RequestState::Settled;
        settlement.request.settled_at = Some(now);
        if let Some(body) = says {
            let body = Message { request_id: Some(self.request.id.clone()), ..body };
            settlement.request.answer = Some(body.clone());
            settlement.messages.push(NewMessage {
                id: new_id(),
                conversation_id: self.conversation.id.clone(),
                author: Author::Bot,
                email: String::new(),
                name: words::BOT_NAME.into(),
                body,
                request_id: Some(self.request.id.clone()),
                // The job's own id: a second run of the same job says nothing new.
                delivery_key: format!("reply:{}", self.leased.id),
                pending: true,
            });
        }
        settlement.jobs.extend(deliveries(self.app, &settlement.messages)?);
        match self.app.store.settle(self.leased, settlement, now).await? {
            Some(_) => {
                crate::crash::point("settled");
                metrics::histogram!(metric::REPLY_TIME)
                    .record((now - self.request.received_at) as f64 / 1_000.0);
                Ok(())
            }
            None => Err(JobError::LeaseLost),
        }
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
fn facts<'t>(ticket: &'t NewTicket, missing: &'t [String]) -> words::TicketFacts<'t> {
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

fn observe(app: &App, request: &RequestRow, understood: &Understanding) {
    metrics::counter!(
        metric::REQUESTS,
        "kind" => understood.assessment.kind.as_str(),
        "action" => understood.decision.plan.action(),
        "engine" => if understood.engine() == "local" { "local" } else { "model" },
    )
    .increment(1);
    tracing::info!(
        request.kind = understood.assessment.kind.as_str(),
        request.action = understood.decision.plan.action(),
        request.engine = understood.engine(),
        request.age_ms = app.clock.now() - request.received_at,
        "request decided"
    );
}
