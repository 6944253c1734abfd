//! What each chat can and cannot do, as data: limits that renderers and flows ask for, and what a
//! platform lacks, beside which stands how it is done there instead.

use crate::chat::{Platform, Setting};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// Of one message, in the platform's own unit; a longer answer is split, and beyond
    /// [`Self::parts`] it is read on in the console.
    pub message: usize,
    pub parts: usize,
    pub form: Form,
    /// Whether what belongs together has a thread; elsewhere it does by time.
    pub threads: Threads,
    /// Milliseconds between two states of an answer that is shown while it is being composed, in
    /// a chat with one person and where others read along; `None`: it is shown when it is whole.
    pub drafts: [Option<i64>; 2],
    /// One person can be answered in a channel without others seeing it; elsewhere directly.
    pub private_replies: bool,
    /// Emojis under people's messages are told of; elsewhere a command on the message does it.
    pub reactions: bool,
    /// Files taken from one message; the rest is left where it is.
    pub uploads: usize,
    /// The bot can make a channel; elsewhere a thread serves.
    pub channels: bool,
    /// Whether something was sent can be found out afterwards; elsewhere it is sent again.
    pub proof: bool,
}

/// Limits of a form. Lengths are in the platform's own unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Form {
    /// Of what is written into one field.
    pub input: usize,
    /// Of one choice in a list; longer ones are left out.
    pub choice: usize,
    /// Of one list.
    pub choices: usize,
    /// Of one form; lists are shown before it where it has no room for them.
    pub fields: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Threads {
    Everywhere,
    /// Not in a chat with one person or a few.
    InChannels,
}

/// Without threads, what is said within this time of the last word goes on there, in milliseconds.
pub const SAME_MATTER_MS: i64 = 60 * 60_000;

impl Capabilities {
    /// As [`Self::drafts`], where something is said.
    pub fn drafts_every(&self, setting: Setting) -> Option<i64> {
        match setting {
            Setting::Direct => self.drafts[0],
            Setting::Channel => self.drafts[1],
        }
    }
}

/// Our own pages, the API and the command line take what they are given.
const OWN: Capabilities = Capabilities {
    message: usize::MAX,
    parts: 1,
    form: Form { input: usize::MAX, choice: usize::MAX, choices: usize::MAX, fields: usize::MAX },
    threads: Threads::Everywhere,
    // Pages follow each sentence by themselves.
    drafts: [None, None],
    private_replies: false,
    reactions: false,
    uploads: usize::MAX,
    channels: false,
    proof: true,
};

pub const SLACK: Capabilities = Capabilities {
    // Characters of all blocks as JSON. Slack documents 50 blocks and 40,000 characters, but
    // refuses (`msg_blocks_too_long`) from somewhere above 11,000.
    message: 10_500,
    parts: 3,
    // https://docs.slack.dev/reference/block-kit/block-elements/plain-text-input-element,
    // https://docs.slack.dev/reference/block-kit/composition-objects/option-object,
    // https://docs.slack.dev/reference/views
    form: Form { input: 3000, choice: 75, choices: 100, fields: 100 },
    threads: Threads::Everywhere,
    // One message a second, and edits no more often:
    // https://docs.slack.dev/apis/web-api/rate-limits
    drafts: [Some(1_000), Some(1_000)],
    private_replies: true,
    reactions: true,
    uploads: 10,
    channels: true,
    proof: true,
};

pub const TEAMS: Capabilities = Capabilities {
    // Bytes of a whole activity. Microsoft documents 100 KB for a bot's message, counted in UTF-16
    // (https://learn.microsoft.com/microsoftteams/platform/bots/how-to/format-your-bot-messages),
    // and earlier 40 KB and, for what is posted by webhook to this day, 28 KB: the least of them
    // holds in every cloud, old or new.
    message: 28 * 1024,
    parts: 3,
    form: Form { input: 3000, choice: 75, choices: 100, fields: 100 },
    threads: Threads::InChannels,
    // Two seconds between the states of a stream are asked for, which only a chat with one person
    // has: https://learn.microsoft.com/microsoftteams/platform/bots/streaming-ux
    drafts: [Some(2_000), None],
    private_replies: false,
    reactions: false,
    uploads: 10,
    // With a permission of Microsoft Graph that is not asked for.
    channels: false,
    proof: false,
};

pub const DISCORD: Capabilities = Capabilities {
    // Characters: https://docs.discord.com/developers/resources/message#create-message
    message: 2000,
    parts: 3,
    // https://docs.discord.com/developers/components/reference; a dialog has five fields, one of
    // which is the summary.
    form: Form { input: 4000, choice: 100, choices: 25, fields: 4 },
    threads: Threads::InChannels,
    // About five edits in five seconds: https://docs.discord.com/developers/topics/rate-limits
    drafts: [Some(1_000), Some(1_000)],
    // Only as an answer to a command or a button.
    private_replies: true,
    reactions: false,
    uploads: 10,
    channels: false,
    proof: true,
};

pub fn of(platform: Platform) -> &'static Capabilities {
    match platform {
        Platform::Web | Platform::Api | Platform::Cli => &OWN,
        Platform::Slack => &SLACK,
        Platform::Teams => &TEAMS,
        Platform::Discord => &DISCORD,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ticket::{Kind, fields_of};

    #[test]
    fn every_platform_can_show_an_answer_and_a_form() {
        for platform in Platform::ALL {
            let can = of(platform);
            assert!(can.message >= 2000 && can.parts >= 1 && can.uploads > 0, "{platform:?}");
            assert!(can.form.choices >= Kind::ALL.len(), "{platform:?}");
            for kind in Kind::ALL {
                assert!(fields_of(*kind).len() <= can.form.fields, "{platform:?} {kind:?}");
            }
        }
    }

    #[test]
    fn drafts_are_shown_where_the_platform_lets_them() {
        for (platform, setting, every) in [
            (Platform::Web, Setting::Direct, None),
            (Platform::Slack, Setting::Direct, Some(1_000)),
            (Platform::Slack, Setting::Channel, Some(1_000)),
            (Platform::Teams, Setting::Direct, Some(2_000)),
            (Platform::Teams, Setting::Channel, None),
            (Platform::Discord, Setting::Channel, Some(1_000)),
        ] {
            assert_eq!(of(platform).drafts_every(setting), every, "{platform:?} {setting:?}");
        }
    }
}
