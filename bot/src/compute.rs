//! Where requests are read: long stretches of computing have threads of their own, as
//! many as the machine has cores and behind everything else in the queue for them. So an
//! acknowledgement never waits for somebody else's answer.

use anyhow::Context as _;
use firstline_indexer::step_back;
use rayon::{ThreadPool, ThreadPoolBuilder};

/// How far computing steps back, in units of `nice(2)`.
const NICE: i32 = 10;

pub struct Compute {
    pool: ThreadPool,
}

impl Compute {
    pub fn start() -> anyhow::Result<Compute> {
        let pool = ThreadPoolBuilder::new()
            .thread_name(|number| format!("compute-{number}"))
            .start_handler(|_| step_back(NICE))
            // Whoever waits hears of it by the reply that never comes.
            .panic_handler(|_| tracing::error!("reading a request panicked"))
            .build()
            .context("the threads that read requests cannot be started")?;
        Ok(Compute { pool })
    }

    /// Runs `work` in the order of arrival. Fails if it panics.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> anyhow::Result<T> {
        let (reply, result) = tokio::sync::oneshot::channel();
        let span = tracing::Span::current();
        self.pool.spawn_fifo(move || {
            // Nobody waits any more when the lease was lost.
            let _ = reply.send(span.in_scope(work));
        });
        result.await.context("reading the request failed; the log says where")
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_error_and_harms_nobody_else() {
        let compute = Compute::start().unwrap();
        assert!(compute.run(|| assert_eq!(1, 2)).await.is_err());
        assert_eq!(compute.run(|| 21 * 2).await.unwrap(), 42);
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn computing_steps_back() {
        let own = rustix::process::nice(0).unwrap();
        let compute = Compute::start().unwrap();
        let theirs = compute.run(|| rustix::process::nice(0).unwrap()).await.unwrap();
        assert_eq!(theirs, (own + NICE).min(19));
        assert_eq!(rustix::process::nice(0).unwrap(), own);
    }
}
