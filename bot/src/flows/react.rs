//! How the bot reacts to an accepted event. Each reaction ends in one settlement.

mod buttons;
mod changes;
mod files;
mod settle;

use firstline_core::chat::{ChatEvent, EventBody, Message, Person, Restraint, Setting};
use firstline_core::command::{self, Command};
use firstline_core::triage::{Plan, Speaker, Turn};
use firstline_core::words;
use tokio::sync::watch;

use crate::app::App;
use crate::flows::draft;
use crate::flows::follow;
use crate::flows::ticket::deliveries;
use crate::flows::understand::{Asked, SoFar, Understanding, understand};
use crate::job::Job;
use crate::store::records::{
    Author, ConversationRow, LeasedJob, MessageRow, NewMessage, RequestRow, Situation, Stamps,
    Ticket, Viewer,
};
use crate::store::{EVERYONE, Live, LiveKind, PUBLIC, new_id};
use crate::telemetry::metric;
use crate::worker::JobError;

/// Turns of the thread a request is read in the light of.
const THREAD_TURNS: i64 = 12;

/// A reply that is written and to be delivered now, under the lease of `job`.
pub struct Said {
    pub conversation: ConversationRow,
    pub job: LeasedJob,
    pub message: MessageRow,
}

/// The message with which a reaction replies, known before there is one: its draft is shown under
/// this name, and a second try replies under it again.
fn reply_id(leased: &LeasedJob) -> String {
    leased.id.clone()
}

/// One event on its way to a settlement.
struct Reaction<'a> {
    app: &'a App,
    leased: &'a LeasedJob,
    conversation: ConversationRow,
    /// More was said in the conversation than this event.
    has_thread: bool,
    viewer: Viewer,
    /// The sender is a colleague, and no outsiders read along: their own permissions count where
    /// nothing but a ticket's key is told.
    among_us: bool,
    request: RequestRow,
    /// The open ticket filed from this conversation last.
    open_here: Option<String>,
    /// What was done with the request before this one.
    last_action: Option<String>,
    stamps: Stamps,
    /// The language of the sender's profile, until their words tell.
    language: String,
    /// Where the sender is.
    time_zone: Option<String>,
    /// What is said before anything else: files that could not be fetched.
    first: Option<String>,
    /// Nothing is to be noticed of it by anybody but support owners.
    restraint: Option<Restraint>,
}

/// Reacts to `event`; settles or fails as a whole. What it says is to be delivered now.
pub async fn react(
    app: &App,
    leased: &LeasedJob,
    conversation_id: &str,
    request_id: &str,
    event: &ChatEvent,
) -> Result<Option<Said>, JobError> {
    let Some(situation) = app.store.situation(conversation_id, request_id).await? else {
        // Erased between acceptance and now: nothing is owed to anybody.
        app.store.complete(leased).await?;
        return Ok(None);
    };
    let restraint = restraint(event, &situation);
    let Situation { conversation, said, request, open_here, last_action, stamps, .. } = situation;
    let viewer = reader(app, &conversation, event).await?;
    let has_thread = said > 1;
    let reaction = Reaction {
        app,
        leased,
        conversation,
        has_thread,
        viewer,
        among_us: !event.from.guest && !event.outsiders,
        request,
        open_here,
        last_action,
        stamps,
        language: event.from.language().to_owned(),
        time_zone: event.from.time_zone.clone(),
        first: None,
        restraint,
    };
    match &event.body {
        EventBody::Said { text, attachments, files } if files.is_empty() => {
            Box::pin(reaction.said(text, attachments)).await
        }
        EventBody::Said { text, files, .. } => {
            Box::pin(reaction.said_with_files(text, files)).await
        }
        EventBody::Edited { message_id, text, .. } => {
            Box::pin(reaction.edited(message_id, text)).await
        }
        EventBody::Deleted { message_id, .. } => Box::pin(reaction.deleted(message_id)).await,
        EventBody::Feedback { verdict, .. } => Box::pin(reaction.feedback(*verdict)).await,
        EventBody::FileTicket { form, .. } => Box::pin(reaction.file(form)).await,
        EventBody::TalkToPerson { .. } => Box::pin(reaction.talk_to_person()).await,
    }
}

/// A channel's mode holds the bot back until it takes part in the conversation; so it does when
/// what was taken up that way is changed.
fn restraint(event: &ChatEvent, situation: &Situation) -> Option<Restraint> {
    event.restraint.or(situation.restraint).filter(|_| !situation.spoken)
}

/// For whom a reply is written: the asker, and where others read along, only what all of them
/// may know.
async fn reader(
    app: &App,
    conversation: &ConversationRow,
    event: &ChatEvent,
) -> Result<Viewer, JobError> {
    let Person { email, name, guest, .. } = &event.from;
    let anyone = Viewer { email: email.clone(), name: name.clone(), ..crate::flows::ask::anyone() };
    let all_may_know =
        |audience: &str| Viewer { groups: vec![audience.to_owned()], ..anyone.clone() };
    if *guest || event.outsiders {
        return Ok(all_may_know(PUBLIC));
    }
    if event.setting == Setting::Channel {
        let channel = app.config.channel(conversation.platform.as_str(), &conversation.channel);
        return Ok(all_may_know(channel.map_or(EVERYONE, |c| c.audience.as_str())));
    }
    Ok(app.store.viewer(email).await?.unwrap_or(anyone))
}

/// What the requester hears when a job has failed for good.
pub async fn tell_failure(app: &App, leased: &LeasedJob) {
    let (conversation_id, request_id, event) = match serde_json::from_str(&leased.payload) {
        Ok(Job::Event { conversation_id, request_id, event }) => {
            (conversation_id, request_id, event)
        }
        Ok(Job::Heard { platform, payload, .. }) => {
            return app.chat.unheard(app, platform, &payload).await;
        }
        Ok(Job::Deliver { .. }) | Err(_) => return,
    };
    let message = NewMessage {
        id: new_id(),
        conversation_id,
        author: Author::Bot,
        email: String::new(),
        name: words::BOT_NAME.into(),
        body: Message {
            request_id: Some(request_id.clone()),
            ..words::error(event.from.language())
        },
        request_id: Some(request_id),
        delivery_key: format!("failed:{}", leased.id),
        pending: true,
    };
    let told = async {
        let of = message.request_id.as_deref().unwrap_or_default();
        let situation = app.store.situation(&message.conversation_id, of).await?;
        if situation.is_none_or(|situation| restraint(&event, &situation).is_some()) {
            return Ok(());
        }
        let jobs = deliveries(app, std::slice::from_ref(&message))?;
        app.store.pass_draft(&reply_id(leased), &message.id).await?;
        app.store.say(message, jobs, app.clock.now()).await?;
        anyhow::Ok(())
    };
    if let Err(error) = told.await {
        tracing::error!(error = %error, "the requester could not be told of a failure");
    }
}

impl Reaction<'_> {
    async fn said(self, text: &str, attachments: &[String]) -> Result<Option<Said>, JobError> {
        if let Some(command) = command::parse(text)
            && command != Command::TalkToPerson
        {
            if self.restraint.is_some() {
                return self.settle_with(None, "silent").await;
            }
            return self.command(&command).await;
        }
        self.sign();
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
            // The bot's last words here were a clarifying question.
            already_asked: self.last_action.as_deref() == Some(Plan::Clarify.action()),
            open_here: self.open_here.clone(),
            stamps: &self.stamps,
        };
        let understood = Box::pin(self.understand(&asked)).await?;
        observe(self.app, &self.request, &understood);
        self.settle_understood(understood, attachments).await
    }

    /// Shows that an answer is coming, where it takes a while: a model is asked.
    fn sign(&self) {
        if self.restraint.is_some() {
            return;
        }
        if let (Some(app), Some(_)) = (self.app.shared(), &self.app.model) {
            let conversation = self.conversation.clone();
            tokio::spawn(async move { app.chat.working(&conversation).await });
        }
    }

    /// Reads and answers what was asked, and shows the answer while it is being composed. None of
    /// it is on its way any more when this returns. A second try shows nothing before its end.
    async fn understand(&self, asked: &Asked<'_>) -> anyhow::Result<Understanding> {
        let (newest, drafts) = watch::channel(String::new());
        let understood = async move {
            understand(self.app, asked, &|text, so_far| {
                self.show(text);
                let drafts = self.restraint.is_none() && self.leased.attempt == 1;
                if so_far == SoFar::Part && drafts {
                    newest.send_replace(text.to_owned());
                }
            })
            .await
        };
        let message_id = reply_id(self.leased);
        let shown =
            draft::follow(self.app, &self.conversation, message_id, &self.request.id, drafts);
        tokio::join!(understood, shown).0
    }

    /// Shows checked sentences on open pages while the answer is being composed.
    fn show(&self, so_far: &str) {
        if self.restraint.is_some() {
            return;
        }
        let text = so_far.to_owned();
        self.app.store.publish_live(&Live {
            conversation_id: self.conversation.id.clone(),
            kind: LiveKind::Draft { request_id: self.request.id.clone(), text },
        });
    }

    /// Whether others who read along may learn what a ticket is about.
    fn may_name(&self, ticket: &Ticket) -> bool {
        follow::may_name(self.conversation.setting, ticket)
    }

    async fn thread(&self) -> Result<Vec<Turn>, JobError> {
        if !self.has_thread {
            return Ok(Vec::new());
        }
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
