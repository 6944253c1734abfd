//! Any OpenAI-compatible model server behind the [`Model`] port. A call ends within its
//! time whatever the server does; a server that fails again and again is left alone for a
//! growing pause; every failure means that the local engine decides.

mod breaker;
mod budget;
mod dialect;
mod probe;
mod progress;
mod reply;
mod settings;
mod transport;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context;
use async_openai::Client;
use async_openai::config::OpenAIConfig;
use async_trait::async_trait;
use futures::StreamExt;
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::Sender;
use tokio::time::{Instant, timeout_at};

use crate::config;
use crate::ports::{Ask, Clock, Completion, Model, ModelError};
use crate::telemetry::metric;
use breaker::Breaker;
pub use budget::{Budget, Spent, StoreBudget, Unlimited};
use dialect::Dialect;
pub use dialect::Format;
pub use probe::Probe;
use progress::{Progress, Trouble};
use reply::piece;
use transport::{Exchange, Refused};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Waits for a server that limits the rate, within one call's time.
const RATE_RETRIES: u32 = 2;
/// Further tries after a server error.
const ERROR_RETRIES: u32 = 1;
const ERROR_PAUSE_MS: i64 = 250;

/// A model on an OpenAI-compatible server.
pub struct OpenAiModel {
    name: String,
    timeout_s: u64,
    daily_tokens: u64,
    /// Removed from anything the server says, in case it repeats it.
    api_key: String,
    whole: Client<OpenAIConfig>,
    streamed: Client<OpenAIConfig>,
    slots: Semaphore,
    dialect: Mutex<Dialect>,
    breaker: Mutex<Breaker>,
    budget: Arc<dyn Budget>,
    clock: Arc<dyn Clock>,
}

impl OpenAiModel {
    /// Checks the configuration; contacts nobody. `destinations` are the hosts a model
    /// may run on (`privacy.destinations`); empty: whichever `base_url` names.
    pub fn new(
        config: &config::Model,
        destinations: &[String],
        budget: Arc<dyn Budget>,
        clock: Arc<dyn Clock>,
    ) -> anyhow::Result<Self> {
        settings::check(config, destinations)?;
        let api_key = settings::api_key(config)?;
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            // Following a redirect would carry the conversation to a host nobody allowed.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .context("cannot set up the connection to the model")?;
        let client = |streaming: bool| {
            let settings = OpenAIConfig::new()
                .with_api_base(config.base_url.trim_end_matches('/'))
                .with_api_key(api_key.as_str());
            Client::build(http.clone(), settings)
                .with_http_service(Exchange { http: http.clone(), streaming })
        };
        Ok(OpenAiModel {
            name: config.name.clone(),
            timeout_s: config.timeout_s,
            daily_tokens: config.daily_tokens.unwrap_or(0),
            whole: client(false),
            streamed: client(true),
            api_key,
            slots: Semaphore::new(config.concurrency.min(Semaphore::MAX_PERMITS)),
            dialect: Mutex::default(),
            breaker: Mutex::default(),
            budget,
            clock,
        })
    }

    fn timeout_ms(&self) -> i64 {
        i64::try_from(self.timeout_s.saturating_mul(1_000)).unwrap_or(i64::MAX / 4)
    }

    /// Tries until an answer, a final refusal, or the end of patience.
    async fn exchange(
        &self,
        ask: &Ask,
        pieces: Option<&Sender<String>>,
        progress: &mut Progress,
    ) -> Result<(), ModelError> {
        let patience = self.clock.now() + self.timeout_ms();
        let remembered = *lock(&self.dialect);
        let mut dialect = remembered;
        let (mut limited, mut failed) = (0, 0);
        loop {
            progress.calls += 1;
            progress.faulted = false;
            let refused = match self.attempt(ask, dialect, pieces, progress).await {
                Ok(()) => {
                    if dialect != remembered {
                        tracing::warn!(
                            model = self.name,
                            dialect = ?dialect,
                            "the model server refuses a part of the request; going on without it"
                        );
                        *lock(&self.dialect) = dialect;
                    }
                    return Ok(());
                }
                Err(Trouble::Refused(refused)) if progress.text.is_empty() => refused,
                Err(Trouble::Refused(refused)) => return Err(self.tell(refused)),
                Err(Trouble::Error(error)) => return Err(error),
            };
            progress.faulted = matches!(refused.status, 400 | 413 | 422);
            if matches!(refused.status, 400 | 422)
                && let Some(next) = dialect.after(&refused)
            {
                dialect = next;
                continue;
            }
            let now = self.clock.now();
            let asked_ms =
                refused.wait_s(now).map(|s| i64::try_from(s * 1_000).unwrap_or(i64::MAX));
            let wait_ms = match refused.status {
                429 if limited < RATE_RETRIES && !refused.is_out_of_quota() => {
                    limited += 1;
                    asked_ms.unwrap_or(1_000)
                }
                500..=599 if failed < ERROR_RETRIES => {
                    failed += 1;
                    asked_ms.unwrap_or(ERROR_PAUSE_MS)
                }
                _ => return Err(self.tell(refused)),
            };
            let until = now.saturating_add(wait_ms);
            if until >= patience {
                return Err(self.tell(refused));
            }
            self.clock.sleep_until(until).await;
        }
    }

    async fn attempt(
        &self,
        ask: &Ask,
        dialect: Dialect,
        pieces: Option<&Sender<String>>,
        progress: &mut Progress,
    ) -> Result<(), Trouble> {
        let body = dialect.body(&self.name, ask, pieces.is_some());
        if let Some(pieces) = pieces {
            let mut events = self.streamed.chat().create_stream_byot::<_, Value>(body).await?;
            while let Some(event) = events.next().await {
                let piece = piece(&event?).map_err(Trouble::Refused)?;
                let text = piece.text.clone();
                progress.add(piece)?;
                if !text.is_empty() {
                    // Nobody listening is no reason to stop counting.
                    let _ = pieces.send(text).await;
                }
            }
        } else {
            let whole: Value = self.whole.chat().create_byot(body).await?;
            progress.add(piece(&whole).map_err(Trouble::Refused)?)?;
        }
        progress.judge().map_err(Trouble::Error)
    }

    /// A refusal in words for the operator, without the key.
    fn tell(&self, mut refused: Refused) -> ModelError {
        if !self.api_key.is_empty() {
            refused.message = refused.message.replace(&self.api_key, "[key]");
        }
        refused.into_error(self.clock.now())
    }

    /// Tells the breaker how a call ended.
    fn learn(&self, started: i64, answered: bool, result: &Result<(), ModelError>) {
        let now = self.clock.now();
        let mut breaker = lock(&self.breaker);
        match result {
            Ok(()) => breaker.succeeded(),
            Err(_) if answered => breaker.succeeded(),
            Err(error) => {
                breaker.failed(started, now);
                if let ModelError::RateLimited(seconds) = error {
                    breaker.rest(now, i64::try_from(seconds * 1_000).unwrap_or(i64::MAX));
                }
            }
        }
    }
}

#[async_trait]
impl Model for OpenAiModel {
    fn name(&self) -> &str {
        &self.name
    }

    async fn complete(
        &self,
        ask: &Ask,
        pieces: Option<Sender<String>>,
    ) -> Result<Completion, ModelError> {
        let deadline = Instant::now() + Duration::from_secs(self.timeout_s);
        // Waiting for a slot is our doing, so it does not count against the server.
        let _slot = timeout_at(deadline, self.slots.acquire())
            .await
            .map_err(|_| ModelError::Timeout(self.timeout_s))?;
        if !self.budget.allowed().await {
            return Err(ModelError::OverBudget(self.daily_tokens));
        }
        let started = self.clock.now();
        lock(&self.breaker)
            .admit(started, self.timeout_ms())
            .map_err(|ms| ModelError::Paused(u64::try_from(ms).unwrap_or(0).div_ceil(1_000)))?;
        let mut progress = Progress::default();
        let result = timeout_at(deadline, self.exchange(ask, pieces.as_ref(), &mut progress))
            .await
            .unwrap_or(Err(ModelError::Timeout(self.timeout_s)));
        self.learn(started, progress.answered(), &result);
        let (tokens_in, tokens_out) = progress.tokens(ask);
        let label = result.as_ref().err().map_or("ok", ModelError::label);
        metrics::counter!(metric::MODEL_CALLS, "outcome" => label).increment(1);
        for (direction, tokens) in [("in", tokens_in), ("out", tokens_out)] {
            metrics::counter!(metric::MODEL_TOKENS, "direction" => direction)
                .increment(u64::try_from(tokens).unwrap_or(0));
        }
        self.budget
            .spent(Spent {
                calls: progress.calls,
                failures: i64::from(result.is_err()),
                tokens_in,
                tokens_out,
            })
            .await;
        result.map(|()| Completion { text: progress.text, tokens_in, tokens_out })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
