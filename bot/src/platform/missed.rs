//! What was said while nobody listened: since when a platform's history is read, once, and how
//! patiently. Each platform reads its own.

use std::time::Duration;

use firstline_core::chat::Platform;

use super::offer::in_ms;
use crate::app::App;
use crate::ports::Clock;

/// How often it is noted that everything until now was heard.
pub(super) const NOTED_EVERY_MS: i64 = 60_000;
/// What is older than a day has been answered otherwise.
const AT_MOST_MS: i64 = 24 * 60 * 60_000;
/// Tries of one call that the platform wants to come later.
const TRIES: usize = 5;

/// Until when the service has listened, as kept in the store.
fn listened_until(platform: Platform) -> String {
    format!("{}_listened_until", platform.as_str())
}

/// From when on history is to be read, with what may have come late before; `None` at the first
/// start, which has nothing to catch up with.
pub(super) async fn since(
    app: &App,
    platform: Platform,
    overlap_ms: i64,
) -> anyhow::Result<Option<i64>> {
    let listened = app.store.meta(&listened_until(platform)).await?;
    let until = listened.and_then(|at| at.parse::<i64>().ok());
    Ok(until.map(|until| (until - overlap_ms).max(app.clock.now() - AT_MOST_MS)))
}

/// Catches up, once; from then on notes that everything until now was heard. `catch_up` tells how
/// many messages it looked at.
pub(super) async fn keep_up(
    app: &App,
    platform: Platform,
    caught_up: &mut bool,
    catch_up: impl Future<Output = anyhow::Result<usize>>,
) {
    let name = platform.as_str();
    if !*caught_up {
        match catch_up.await {
            Ok(messages) => tracing::info!(platform = name, messages, "caught up"),
            Err(error) => {
                let error = format!("{error:#}");
                tracing::warn!(platform = name, error, "what was missed cannot be read yet");
                return;
            }
        }
        *caught_up = true;
    }
    let now = app.clock.now().to_string();
    if let Err(error) = app.store.set_meta(&listened_until(platform), &now).await {
        tracing::warn!(platform = name, %error, "until when it was heard could not be noted");
    }
}

/// A call made again when the platform says when; `asked_to_wait` tells that of its errors.
pub(super) async fn patiently<T, E, F: Future<Output = Result<T, E>>>(
    clock: &dyn Clock,
    asked_to_wait: impl Fn(&E) -> Option<Duration>,
    call: impl Fn() -> F,
) -> Result<T, E> {
    for _ in 1..TRIES {
        let done = call().await;
        match done.as_ref().err().and_then(&asked_to_wait) {
            Some(wait) => clock.sleep_until(clock.now() + in_ms(wait)).await,
            None => return done,
        }
    }
    call().await
}

#[cfg(test)]
pub(super) mod testing {
    use std::sync::atomic::{AtomicI64, Ordering};

    use async_trait::async_trait;

    use super::Clock;

    /// Whoever sleeps wakes at once, and it is as late as they wished.
    #[derive(Default)]
    pub(in crate::platform) struct Leaping(AtomicI64);

    #[async_trait]
    impl Clock for Leaping {
        fn now(&self) -> i64 {
            self.0.load(Ordering::SeqCst)
        }

        async fn sleep_until(&self, at: i64) {
            self.0.store(at, Ordering::SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::testing::Leaping;
    use super::*;

    #[tokio::test]
    async fn a_call_waits_as_long_as_it_is_asked_to_and_not_for_ever() {
        const WAIT: Duration = Duration::from_secs(30);
        for (refusals, outcome, calls, waited) in [
            (0, Ok(()), 1, 0),
            (2, Ok(()), 3, 60_000),
            (4, Ok(()), 5, 120_000),
            (9, Err(Some(WAIT)), 5, 120_000),
        ] {
            let (clock, made) = (Leaping::default(), AtomicUsize::new(0));
            let call = || async {
                let refused = made.fetch_add(1, Ordering::SeqCst) < refusals;
                if refused { Err(Some(WAIT)) } else { Ok(()) }
            };
            let done = patiently(&clock, |wait: &Option<Duration>| *wait, call).await;
            assert_eq!((done, made.into_inner(), clock.now()), (outcome, calls, waited));
        }
        let clock = Leaping::default();
        let done: Result<(), &str> = patiently(&clock, |_| None, || async { Err("no") }).await;
        assert_eq!((done, clock.now()), (Err("no"), 0), "another error is none to wait for");
    }
}
