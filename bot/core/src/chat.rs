//! Platform-neutral chat: what comes in ([`ChatEvent`]) and what goes out ([`Message`]).

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;
use serde::{Deserialize, Serialize};

use crate::ticket::TicketFields;

/// Where a conversation lives. `Api` and `Cli` are places too: a request from them
/// takes the same path as one typed in a chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Platform {
    Web,
    Api,
    Cli,
    Slack,
    Teams,
    Discord,
}

impl Platform {
    pub fn as_str(self) -> &'static str {
        match self {
            Platform::Web => "web",
            Platform::Api => "api",
            Platform::Cli => "cli",
            Platform::Slack => "slack",
            Platform::Teams => "teams",
            Platform::Discord => "discord",
        }
    }

    pub const ALL: [Platform; 6] = [
        Platform::Web,
        Platform::Api,
        Platform::Cli,
        Platform::Slack,
        Platform::Teams,
        Platform::Discord,
    ];

    pub fn parse(text: &str) -> Option<Self> {
        Platform::ALL.into_iter().find(|p| p.as_str() == text)
    }

    /// Somebody else's chat, in which its conversations go on; the others are our own.
    pub fn is_foreign(self) -> bool {
        matches!(self, Platform::Slack | Platform::Teams | Platform::Discord)
    }
}

/// Who may overhear: decides which audience an answer is written for, and whether the
/// bot always replies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Setting {
    /// Only the requester and the bot: web chat, direct messages.
    Direct,
    /// Others read along.
    Channel,
}

/// The thread or direct message a request belongs to; also its job lane.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ConversationKey {
    pub platform: Platform,
    /// Workspace, tenant or guild; `local` on the web.
    pub tenant: String,
    pub channel: String,
    pub thread: String,
}

impl ConversationKey {
    /// Stable text form, used as the lane of the conversation's jobs.
    pub fn lane(&self) -> String {
        format!("{}:{}:{}:{}", self.platform.as_str(), self.tenant, self.channel, self.thread)
    }
}

/// The sender as the platform vouches for them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Verified e-mail address, lower case: the identity that joins platforms.
    pub email: String,
    pub name: String,
    /// A guest of the workspace, or somebody whose address it does not vouch for: they get
    /// what is public, nothing more.
    #[serde(default)]
    pub guest: bool,
    /// The language of their profile (BCP 47), for what is said before they have written much.
    #[serde(default)]
    pub language: Option<String>,
    /// Where they are: the IANA name of the time zone of their profile.
    #[serde(default)]
    pub time_zone: Option<String>,
}

impl Person {
    pub fn language(&self) -> &str {
        self.language.as_deref().unwrap_or("en")
    }
}

/// Why the bot keeps to itself what it would say: the mode of a channel in which nobody called
/// it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Restraint {
    /// The support owners see what it would have said.
    Suggest,
    /// It only records.
    Watch,
}

/// One accepted thing that happened in a chat. Unique by (platform, tenant, event_id).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChatEvent {
    pub event_id: String,
    pub conversation: ConversationKey,
    pub setting: Setting,
    pub from: Person,
    /// People of other organisations read along: only what is public is said here.
    #[serde(default)]
    pub outsiders: bool,
    /// Taken up only because of the channel's mode, and without a word. Yields where the bot
    /// takes part in the conversation already.
    #[serde(default)]
    pub restraint: Option<Restraint>,
    /// Epoch milliseconds.
    pub at: i64,
    pub body: EventBody,
}

/// Everything the bot reacts to. A closed list: a new reaction starts here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum EventBody {
    /// Something was said.
    Said {
        text: String,
        /// Ids of attachments already stored.
        #[serde(default)]
        attachments: Vec<String>,
        /// Files that are still where they were sent, to be fetched.
        #[serde(default)]
        files: Vec<RemoteFile>,
    },
    /// The message of a request was changed, and reads like this now.
    Edited { request_id: String, message_id: String, text: String },
    /// The message of a request was taken back.
    Deleted { request_id: String, message_id: String },
    /// "That solved it" / "not helpful" under an answer.
    Feedback { request_id: String, verdict: Verdict },
    /// The ticket form was sent. Fields are as the requester left them.
    FileTicket { request_id: Option<String>, form: TicketForm },
    /// "Talk to a person": ends the bot's part and files what is known.
    TalkToPerson { request_id: Option<String> },
}

/// A file as its platform names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoteFile {
    /// The platform's own name for it.
    pub id: String,
    pub name: String,
    /// Bytes, as the platform says.
    pub size: u64,
    /// Where the platform gives it to those it knows.
    pub url: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Solved,
    NotHelpful,
}

impl Verdict {
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Solved => "solved",
            Verdict::NotHelpful => "not_helpful",
        }
    }
}

/// A ticket form as shown, prefilled and sent back.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TicketForm {
    pub kind: Option<crate::ticket::Kind>,
    pub system: Option<String>,
    pub summary: String,
    #[serde(default)]
    pub fields: TicketFields,
}

/// A passage an answer rests on. `quote` is an exact part of the passage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Citation {
    /// The number in the text's `[n]` markers, from 1.
    pub n: usize,
    pub source: String,
    pub path: String,
    pub title: String,
    /// Heading path joined with ` > `; empty when the passage stands above any heading.
    pub heading: String,
    pub url: String,
    pub quote: String,
    /// Id of the cited passage, for opening it in its article.
    #[serde(default)]
    pub passage_id: String,
}

/// What the bot says. `text` is Markdown with `[n]` markers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Message {
    pub text: String,
    #[serde(default)]
    pub citations: Vec<Citation>,
    #[serde(default)]
    pub buttons: Vec<Button>,
    #[serde(default)]
    pub form: Option<TicketForm>,
    /// The request this answers, for feedback.
    #[serde(default)]
    pub request_id: Option<String>,
    /// The ticket this tells about.
    #[serde(default)]
    pub ticket: Option<String>,
    /// Tickets that wait for the reader's review, each to be agreed with or corrected.
    #[serde(default)]
    pub review: Vec<ReviewLine>,
    /// Buttons under it that were pressed, where the platform does not keep that itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pressed: Vec<Button>,
    /// It tells of something nobody has just asked for, and can wait for what somebody has.
    #[serde(default)]
    pub notice: bool,
}

/// A ticket in a list to review.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewLine {
    pub key: String,
    /// The requester's words or a summary of them: nothing in it is a mark.
    pub summary: String,
    /// How it was read, as in `incident · P2 · new · Keystone`.
    pub facts: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Button {
    Solved,
    NotHelpful,
    FileTicket,
    TalkToPerson,
    /// Be told here what becomes of the ticket the message tells of.
    Follow,
}

/// The marks by which chat platforms alert everyone who is in a channel.
static MASS_MENTION: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)(^|[^\w@.])@(everyone|channel|here|all|room)\b|<!(everyone|channel|here)(?:\|[^>]*)?>")
        .expect("the pattern is a constant that the tests compile")
});

/// `text` with mentions of everyone turned into the bare word, which alerts nobody.
pub fn without_mass_mentions(text: &str) -> Cow<'_, str> {
    MASS_MENTION.replace_all(text, "$1$2$3")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_alerted_by_a_quote() {
        for (text, expected) in [
            ("@everyone, look", "everyone, look"),
            ("see <!channel> and <!here|here>!", "see channel and here!"),
            ("(@HERE)", "(HERE)"),
            ("write to jo@here.example", "write to jo@here.example"),
            ("@everyones-desk and @ana", "@everyones-desk and @ana"),
        ] {
            assert_eq!(without_mass_mentions(text), expected);
        }
    }
}
