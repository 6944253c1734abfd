//! `/firstline TEXT`: a question asked anywhere, answered in one's direct messages.

use firstline_core::chat::{Person, Setting};
use firstline_core::words;
use serde_json::{Value, json};

use super::envelope::text;
use super::heard::place;
use super::inbound::Inbound;
use super::mrkdwn::{self, Links};
use super::render;
use crate::accept::{self, AcceptError, Arrival};

/// Of what a command is answered.
const LONGEST: usize = 3000;

/// What only the person who typed sees.
fn privately(says: &str) -> Value {
    json!({ "response_type": "ephemeral", "text": says })
}

impl Inbound {
    /// What a command's fields ask for; what Slack shows for it.
    pub(super) async fn command(&self, fields: &Value) -> Value {
        let field = |name: &str| text(fields, name).unwrap_or_default();
        let asked = render::to_markdown(field("text"), &|_| None);
        let (team, user) = (field("team_id"), field("user_id"));
        if matches!(asked.trim(), "" | "help") {
            let from = self.who(team, user).await.ok().flatten().unwrap_or_default();
            return privately(&words::help(from.language()).text);
        }
        match self.ask(team, user, field("trigger_id"), asked.trim()).await {
            Ok(says) => privately(&says),
            Err(error) => {
                tracing::warn!(%error, "a command could not be taken up");
                privately("That could not be saved; nothing was done. Please send it again.")
            }
        }
    }

    async fn ask(&self, team: &str, user: &str, id: &str, asked: &str) -> anyhow::Result<String> {
        let now = self.app.clock.now();
        let Some(account) = self.slack.account(team, user, now).await? else {
            return Ok("I only answer people.".to_owned());
        };
        if let Some(says) = self.slack.people.wished(asked, &account, now).await? {
            let links = Links { base: None, cited: false };
            let shown = mrkdwn::sections(mrkdwn::chunks(&says, &links), LONGEST);
            return Ok(shown.iter().map(|section| section.text()).collect());
        }
        let from = self.slack.people.person(&account, now).await?;
        let heading = format!("You asked: {}", render::escape(asked));
        let id = format!("command:{id}");
        let arrival = Arrival {
            text: asked.to_owned(),
            ..self.in_direct_messages(team, user, from, &heading, id).await?
        };
        match accept::arrived(&self.app, arrival).await {
            Ok(_) => Ok("I answer you in our direct messages.".to_owned()),
            Err(AcceptError::Unavailable(cause)) => Err(cause),
            Err(refusal) => Ok(refusal.to_string()),
        }
    }

    /// A thread in somebody's direct messages, begun by a heading of ours.
    pub(super) async fn in_direct_messages(
        &self,
        team: &str,
        user: &str,
        from: Person,
        heading: &str,
        event_id: String,
    ) -> anyhow::Result<Arrival> {
        let api = &self.slack.api;
        let channel = api.direct_channel(user).await?;
        let thread = api.post_message(&channel, None, heading, None, &event_id).await?;
        Ok(Arrival {
            conversation: place(team, &channel, &thread),
            setting: Setting::Direct,
            outsiders: false,
            from,
            text: String::new(),
            files: Vec::new(),
            event_id,
        })
    }
}
