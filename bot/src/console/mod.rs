pub fn router(_app: std::sync::Arc<crate::app::App>, _m: Option<metrics_exporter_prometheus::PrometheusHandle>) -> axum::Router {
    axum::Router::new().route("/healthz", axum::routing::get(|| async { "ok" }))
}
pub fn metrics_router(m: metrics_exporter_prometheus::PrometheusHandle) -> axum::Router {
    axum::Router::new().route("/metrics", axum::routing::get(move || std::future::ready(m.render())))
}
