//! Where a chat platform has told the bot of something.

use firstline_core::chat::Platform;

/// A channel, or a chat of several people.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Place {
    pub platform: Platform,
    pub tenant: String,
    pub channel: String,
    /// The team a channel belongs to, as its platform names it; none for a chat.
    pub team: Option<String>,
    /// People of other organisations read along.
    pub outsiders: bool,
}
