//! How fast a platform is spoken to: a bucket of tokens for each place, by the rate the platform
//! documents, and the waits it asks for, which hold on every replica.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use firstline_core::chat::Platform;

use crate::ports::{SendError, Store};

/// A documented rate.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rate {
    /// Calls that may come at once.
    pub(super) burst: u32,
    /// Calls a minute in the long run.
    pub(super) a_minute: u32,
}

/// Places spoken to lately that are remembered.
const KEPT: usize = 10_000;

/// Times are epoch milliseconds.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    /// Tokens there were `at`.
    tokens: f64,
    at: i64,
    paused_until: i64,
}

/// The buckets of one kind of call.
pub(super) struct Pace {
    rate: Rate,
    buckets: Mutex<HashMap<String, Bucket>>,
}

impl Pace {
    pub(super) fn new(rate: Rate) -> Pace {
        Pace { rate, buckets: Mutex::default() }
    }

    /// Takes a token of a place.
    ///
    /// # Errors
    /// How long to wait when there is none. What can wait (`bulk`) leaves the last one to what
    /// cannot.
    pub(super) fn take(&self, place: &str, bulk: bool, now: i64) -> Result<(), SendError> {
        self.token(place, bulk, now).map_err(|ms| SendError::Wait {
            reason: "others go first where it is to be said".to_owned(),
            ms,
        })
    }

    /// As [`Pace::take`]; the wait in ms.
    pub(super) fn token(&self, place: &str, bulk: bool, now: i64) -> Result<(), i64> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let full = f64::from(self.rate.burst);
        let a_ms = f64::from(self.rate.a_minute) / 60_000.0;
        let new = Bucket { tokens: full, at: now, paused_until: 0 };
        if buckets.len() >= KEPT {
            buckets.retain(|_, bucket| bucket.paused_until > now);
        }
        let bucket = buckets.entry(place.to_owned()).or_insert(new);
        if bucket.paused_until > now {
            return Err(bucket.paused_until - now);
        }
        let passed = (now - bucket.at).max(0) as f64;
        bucket.tokens = (bucket.tokens + passed * a_ms).min(full);
        bucket.at = now;
        let needed = if bulk && self.rate.burst > 1 { 2.0 } else { 1.0 };
        if bucket.tokens < needed {
            return Err(((needed - bucket.tokens) / a_ms).ceil() as i64);
        }
        bucket.tokens -= 1.0;
        Ok(())
    }

    /// The platform wants a place left alone until then.
    pub(super) fn pause(&self, place: &str, until: i64) {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let new = Bucket { tokens: 1.0, at: until, paused_until: until };
        let bucket = buckets.entry(place.to_owned()).or_insert(new);
        bucket.paused_until = bucket.paused_until.max(until);
    }
}

/// Makes a wait that a platform asked for that of every process, and of this one after a restart.
pub(super) async fn spread(store: &Store, platform: Platform, place: &str, until: i64, now: i64) {
    if let Err(error) = store.pause(platform, place, until, now).await {
        tracing::warn!(%error, platform = platform.as_str(), "a restart would forget how long to wait");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_gets_what_the_rate_allows() {
        let pace = Pace::new(Rate { burst: 3, a_minute: 60 });
        for (bulk, now, outcome) in [
            (false, 0, Ok(())),
            (true, 0, Ok(())),
            // The last token is kept for what cannot wait.
            (true, 0, Err(1_000)),
            (false, 0, Ok(())),
            (false, 0, Err(1_000)),
            (false, 400, Err(600)),
            (false, 1_000, Ok(())),
            (true, 1_000, Err(2_000)),
            (true, 3_000, Ok(())),
            (false, 1_000_000, Ok(())),
            (false, 1_000_000, Ok(())),
            (false, 1_000_000, Ok(())),
            (false, 1_000_000, Err(1_000)),
        ] {
            assert_eq!(pace.token("c", bulk, now), outcome, "{bulk} {now}");
        }
        assert_eq!(pace.token("another place", true, 1_000_000), Ok(()));
    }

    #[test]
    fn a_pause_is_kept_and_never_shortened() {
        let pace = Pace::new(Rate { burst: 5, a_minute: 60 });
        pace.pause("c", 30_000);
        pace.pause("c", 10_000);
        assert_eq!(pace.token("c", false, 1_000), Err(29_000));
        assert_eq!(pace.token("c", false, 30_000), Ok(()));
        assert_eq!(pace.token("d", false, 1_000), Ok(()));
    }
}
