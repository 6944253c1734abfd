//! When to leave a failing model alone. Pure: time comes in as epoch milliseconds.

/// Failures in a row that open the breaker.
const THRESHOLD: u32 = 3;
const FIRST_PAUSE_MS: i64 = 10_000;
const LONGEST_PAUSE_MS: i64 = 300_000;

/// After three failures in a row the model is skipped for a pause that doubles with each
/// failed trial, so that a dead model costs requests nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Breaker {
    failures: u32,
    pause_ms: i64,
    opened_at: i64,
    /// Nobody is let through before.
    until: i64,
}

impl Breaker {
    /// Whether a call may go out now; otherwise the milliseconds until the next may. After
    /// a pause one call goes out as a trial, and others wait up to `trial_ms` for how it
    /// ends.
    pub(crate) fn admit(&mut self, now: i64, trial_ms: i64) -> Result<(), i64> {
        if now < self.until {
            return Err(self.until - now);
        }
        if self.failures >= THRESHOLD {
            self.until = now + trial_ms;
        }
        Ok(())
    }

    pub(crate) fn succeeded(&mut self) {
        *self = Breaker::default();
    }

    /// A call that began at `started` failed. Calls that were already under way when the
    /// breaker opened do not lengthen the pause.
    pub(crate) fn failed(&mut self, started: i64, now: i64) {
        if self.failures >= THRESHOLD && started < self.opened_at {
            return;
        }
        self.failures += 1;
        if self.failures >= THRESHOLD {
            self.pause_ms = match self.pause_ms {
                0 => FIRST_PAUSE_MS,
                last => (last * 2).min(LONGEST_PAUSE_MS),
            };
            self.opened_at = now;
            self.until = now + self.pause_ms;
        }
    }

    /// The server asked to be left alone for a while.
    pub(crate) fn rest(&mut self, now: i64, ms: i64) {
        self.until = self.until.max(now + ms.clamp(0, LONGEST_PAUSE_MS));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_after_three_failures_and_tries_again_with_one_call() {
        let mut breaker = Breaker::default();
        for at in [0, 1, 2] {
            assert_eq!(breaker.admit(at, 500), Ok(()));
            breaker.failed(at, at);
        }
        assert_eq!(breaker.admit(2, 500), Err(10_000));
        assert_eq!(breaker.admit(10_002, 500), Ok(()), "the trial");
        assert_eq!(breaker.admit(10_003, 500), Err(499), "others wait for it");
        breaker.failed(10_002, 10_100);
        assert_eq!(breaker.admit(10_100, 500), Err(20_000), "twice as long");
        assert_eq!(breaker.admit(30_100, 500), Ok(()));
        breaker.succeeded();
        assert_eq!(breaker, Breaker::default());
    }

    #[test]
    fn a_trial_nobody_reports_on_does_not_block_for_ever() {
        let mut breaker = Breaker::default();
        for _ in 0..3 {
            breaker.failed(0, 0);
        }
        assert_eq!(breaker.admit(10_000, 500), Ok(()));
        assert_eq!(breaker.admit(10_500, 500), Ok(()));
    }

    #[test]
    fn failures_already_under_way_do_not_lengthen_the_pause() {
        let mut breaker = Breaker::default();
        for _ in 0..8 {
            breaker.failed(0, 100);
        }
        assert_eq!(breaker.admit(100, 500), Err(10_000));
    }

    #[test]
    fn pauses_grow_to_five_minutes() {
        let mut breaker = Breaker::default();
        let mut now = 0;
        for _ in 0..20 {
            breaker.failed(now, now);
            now = breaker.until;
        }
        assert_eq!(breaker.pause_ms, LONGEST_PAUSE_MS);
    }

    #[test]
    fn a_success_between_starts_the_count_anew() {
        let mut breaker = Breaker::default();
        for at in 0..9 {
            breaker.failed(at, at);
            if at % 2 == 1 {
                breaker.succeeded();
            }
            assert_eq!(breaker.admit(at, 500), Ok(()));
        }
    }

    #[test]
    fn resting_is_bounded() {
        let mut breaker = Breaker::default();
        breaker.rest(0, i64::MAX);
        assert_eq!(breaker.admit(0, 500), Err(LONGEST_PAUSE_MS));
        assert_eq!(breaker.admit(LONGEST_PAUSE_MS, 500), Ok(()));
    }
}
