//! When to try again: exponential backoff with jitter from a chance value passed in,
//! and what is to become of a job that failed.

/// How a kind of job is retried. Times in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    pub first_ms: u64,
    pub longest_ms: u64,
    /// Attempts in all; after the last one the job is dead.
    pub attempts: u32,
}

impl Default for Schedule {
    fn default() -> Self {
        Schedule { first_ms: 500, longest_ms: 10 * 60_000, attempts: 12 }
    }
}

/// How an attempt failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// May pass by itself: a timeout, a lost connection, a 5xx.
    Passing,
    /// Will fail each time: a refused key, a job nobody can read.
    Lasting,
}

/// What becomes of the job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Retry { after_ms: u64 },
    Dead,
}

/// The delay before the attempt after number `attempt` (from 1): doubling from
/// `first_ms` up to `longest_ms`, of which `chance` (0..1) takes away up to half, so
/// that jobs which failed together do not return together.
pub fn delay_ms(schedule: &Schedule, attempt: u32, chance: f64) -> u64 {
    let doublings = attempt.saturating_sub(1).min(32);
    let full = schedule.first_ms.saturating_mul(1 << doublings).min(schedule.longest_ms);
    let chance = if chance.is_finite() { chance.clamp(0.0, 1.0) } else { 0.5 };
    full - (full as f64 * 0.5 * chance) as u64
}

/// The verdict on attempt number `attempt` (from 1).
pub fn judge(schedule: &Schedule, attempt: u32, failure: Failure, chance: f64) -> Verdict {
    if failure == Failure::Lasting || attempt >= schedule.attempts {
        return Verdict::Dead;
    }
    Verdict::Retry { after_ms: delay_ms(schedule, attempt, chance) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_and_stay_in_bounds() {
        let s = Schedule::default();
        for (attempt, chance, expected) in [
            (1, 0.0, 500),
            (1, 1.0, 250),
            (2, 0.0, 1_000),
            (4, 0.5, 3_000),
            (11, 0.0, 512_000),
            (12, 0.0, 600_000),
            (4_000_000_000, 0.0, 600_000),
            (0, f64::NAN, 375),
        ] {
            assert_eq!(delay_ms(&s, attempt, chance), expected, "{attempt} {chance}");
        }
    }

    #[test]
    fn verdicts() {
        let s = Schedule::default();
        for (attempt, failure, expected) in [
            (1, Failure::Passing, Verdict::Retry { after_ms: 500 }),
            (1, Failure::Lasting, Verdict::Dead),
            (12, Failure::Passing, Verdict::Dead),
        ] {
            assert_eq!(judge(&s, attempt, failure, 0.0), expected, "{attempt} {failure:?}");
        }
    }
}
