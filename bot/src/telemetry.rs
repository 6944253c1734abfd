//! What operators see: log lines on stderr and the metrics behind `/metrics`. The metrics'
//! names stand here and nowhere else; `docs/operating.md` explains them.

use std::io::IsTerminal as _;
use std::sync::OnceLock;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

/// How log lines look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    #[default]
    Text,
    /// One JSON object a line, with the fields of the enclosing spans.
    Json,
}

/// Every metric's name.
pub mod metric {
    /// Accepted events. Label `platform`.
    pub const EVENTS: &str = "firstline_events_total";
    /// Deliveries recognised as repeated.
    pub const EVENTS_DUPLICATE: &str = "firstline_events_duplicate_total";
    /// What a platform sent that concerns nothing here. Label `platform`.
    pub const EVENTS_PASSED_OVER: &str = "firstline_events_passed_over_total";
    /// Requests decided. Labels `kind`, `action`, `engine`.
    pub const REQUESTS: &str = "firstline_requests_total";
    /// What became of replies kept back in channels of mode suggest. Label `state`: `waiting`
    /// when one is made, `posted`, `dismissed`.
    pub const SUGGESTIONS: &str = "firstline_suggestions_total";
    /// From accepted to the first answer written.
    pub const REPLY_TIME: &str = "firstline_reply_seconds";
    /// Live jobs. Label `state`: `ready`, `running`, `dead`.
    pub const JOBS: &str = "firstline_jobs";
    /// Jobs that gave up. Label `kind`.
    pub const JOBS_DEAD: &str = "firstline_jobs_dead_total";
    /// Age of the oldest job that is due.
    pub const QUEUE_AGE: &str = "firstline_queue_age_seconds";
    /// Calls to a model. Label `outcome`: `ok`, or why it failed.
    pub const MODEL_CALLS: &str = "firstline_model_calls_total";
    /// Tokens. Label `direction`: `in`, `out`.
    pub const MODEL_TOKENS: &str = "firstline_model_tokens_total";
    /// Duration of one search.
    pub const SEARCH_TIME: &str = "firstline_search_seconds";
    /// Passages searchable in this process.
    pub const INDEX_PASSAGES: &str = "firstline_index_passages";
    /// Passages that have their vector, with embeddings.
    pub const INDEX_EMBEDDED: &str = "firstline_index_embedded";
    /// Store changes this process's index has not applied yet.
    pub const INDEX_LAG: &str = "firstline_index_lag";
}

const HELP: [(&str, &str); 3] = [
    (metric::JOBS, "Live jobs by state."),
    (metric::QUEUE_AGE, "Age of the oldest job that is due, in seconds."),
    (metric::INDEX_LAG, "Store changes the local index has not applied yet."),
];

/// Upper bounds in seconds, fine around the times a local answer takes.
const BUCKETS: [f64; 15] =
    [0.001, 0.002, 0.005, 0.01, 0.02, 0.04, 0.06, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// Sends log lines to stderr. `FIRSTLINE_LOG` overrides `level`, in the syntax
/// `info,firstline=debug`. The first call counts; later ones change nothing.
pub fn init(format: LogFormat, level: &str) {
    let quiet = format!(
        "{level},sqlx=warn,tantivy=warn,hyper=warn,h2=warn,async_openai=off,pdf_extract=error"
    );
    let filter = std::env::var("FIRSTLINE_LOG")
        .ok()
        .and_then(|text| EnvFilter::try_new(text).ok())
        .unwrap_or_else(|| EnvFilter::new(quiet));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // Fails only when logging is set up already, as in tests.
    let _ = match format {
        LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
}

/// The span of everything done for one request: its id is on every log line inside.
pub fn request_span(request_id: &str) -> tracing::Span {
    tracing::info_span!("request", request.id = request_id)
}

/// The process's metrics, recorded from the first call on.
pub fn metrics() -> PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE
        .get_or_init(|| {
            let recorder = PrometheusBuilder::new()
                .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &BUCKETS)
                .expect("the list of buckets is not empty")
                .build_recorder();
            let handle = recorder.handle();
            // Another recorder stays in place; then this handle renders nothing.
            let _ = metrics::set_global_recorder(recorder);
            for (name, help) in HELP {
                metrics::describe_gauge!(name, help);
            }
            handle
        })
        .clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_rendered_under_their_names() {
        let handle = metrics();
        metrics::counter!(metric::REQUESTS, "kind" => "bug", "action" => "file", "engine" => "local")
            .increment(1);
        metrics::histogram!(metric::SEARCH_TIME).record(0.003);
        metrics::gauge!(metric::QUEUE_AGE).set(1.5);
        let text = handle.render();
        assert!(text.contains("firstline_requests_total{"), "{text}");
        assert!(text.contains("firstline_search_seconds_bucket{le=\"0.005\"} 1"), "{text}");
        assert!(text.contains("firstline_queue_age_seconds 1.5"), "{text}");
    }
}
