//! How often a bot may call, as far as Teams documents it
//! (<https://learn.microsoft.com/microsoftteams/platform/bots/how-to/rate-limit>).

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

/// What is counted, each per conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Scenario {
    Send,
    Create,
    Members,
}

/// Seconds, and how many calls within them.
type Windows = &'static [(u64, usize)];

impl Scenario {
    /// The limits per bot and thread, where a thread is a chat or a whole channel.
    fn windows(self) -> Windows {
        match self {
            Scenario::Send | Scenario::Create => &[(1, 7), (2, 8), (30, 60), (3600, 1800)],
            Scenario::Members => &[(1, 14), (2, 16), (30, 120), (3600, 3600)],
        }
    }
}

#[derive(Default)]
pub(super) struct Rates(HashMap<(Scenario, String), VecDeque<Instant>>);

impl Rates {
    /// Counts `calls` at once, or tells after how many seconds to come again.
    pub(super) fn admit(
        &mut self,
        scenario: Scenario,
        place: &str,
        calls: usize,
        now: Instant,
    ) -> Result<(), u64> {
        let seen = self.0.entry((scenario, place.to_owned())).or_default();
        let mut wait = None;
        for (seconds, most) in scenario.windows() {
            let window = Duration::from_secs(*seconds);
            let within = |at: &&Instant| now.duration_since(**at) < window;
            let recent: Vec<_> = seen.iter().filter(within).collect();
            let excess = (recent.len() + calls).saturating_sub(*most);
            if excess > 0 {
                // Free again once as many as are too many have left the window.
                let leaves = recent.get(excess - 1).map_or(now, |at| **at);
                let left = window.saturating_sub(now.duration_since(leaves));
                wait = wait.max(Some(left.as_secs() + 1));
            }
        }
        if let Some(seconds) = wait {
            return Err(seconds);
        }
        seen.extend(std::iter::repeat_n(now, calls));
        Ok(())
    }
}
