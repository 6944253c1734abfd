//! Checking `[model]` before anything is sent anywhere.

use anyhow::{Context, bail, ensure};

use crate::config;

/// Refuses a configuration that cannot work or that sends text to a host nobody allowed.
pub(crate) fn check(config: &config::Model, destinations: &[String]) -> anyhow::Result<()> {
    ensure!(!config.name.trim().is_empty(), "[model] name is empty; name the model to use");
    ensure!(config.timeout_s > 0, "[model] timeout_s is 0; give it a second at least");
    ensure!(config.concurrency > 0, "[model] concurrency is 0; allow one call at least");
    check_destination(&config.base_url, destinations)
}

/// The key, from the configuration or its file; empty for servers that want none.
pub(crate) fn api_key(config: &config::Model) -> anyhow::Result<String> {
    match (&config.api_key, &config.api_key_file) {
        (Some(key), _) => Ok(key.trim().to_owned()),
        (None, Some(path)) => {
            let key = std::fs::read_to_string(path).with_context(|| {
                format!("[model] api_key_file {} cannot be read", path.display())
            })?;
            Ok(key.trim().to_owned())
        }
        (None, None) => Ok(String::new()),
    }
}

/// What people write may only go to a host the operator named.
fn check_destination(base_url: &str, destinations: &[String]) -> anyhow::Result<()> {
    let url = reqwest::Url::parse(base_url)
        .with_context(|| format!("[model] base_url `{base_url}` is no address"))?;
    ensure!(
        matches!(url.scheme(), "http" | "https"),
        "[model] base_url must begin with http:// or https://"
    );
    ensure!(
        url.username().is_empty() && url.password().is_none(),
        "[model] base_url holds a user name or password; use api_key or api_key_file"
    );
    let Some(host) = url.host_str() else {
        bail!("[model] base_url `{base_url}` names no host");
    };
    let with_port = format!("{host}:{}", url.port_or_known_default().unwrap_or_default());
    let allowed = destinations.is_empty()
        || destinations.iter().any(|d| {
            d.trim().eq_ignore_ascii_case(host) || d.trim().eq_ignore_ascii_case(&with_port)
        });
    ensure!(
        allowed,
        "the model's host {host} is not among privacy.destinations ({}); add it there or use a \
         model on one of those",
        destinations.join(", ")
    );
    Ok(())
}
