//! What the browser complains of: errors of scripts, what the content policy forbids.

use std::str::FromStr;

use axum::http::Method;
use fantoccini::wd::WebDriverCompatibleCommand;
use reqwest::Url;
use serde_json::{Value, json};

use super::Browser;

/// Chromium's own command for its console since it was asked last.
#[derive(Debug)]
struct ConsoleLog;

impl WebDriverCompatibleCommand for ConsoleLog {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, <Url as FromStr>::Err> {
        base.join(&format!("session/{}/se/log", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(json!({ "type": "browser" }).to_string()))
    }
}

impl Browser {
    /// Nothing on the pages so far made the browser complain.
    pub(super) async fn content(&self) {
        let log = self.client.issue_cmd(ConsoleLog).await.unwrap();
        assert_eq!(log, json!([]), "the browser complains");
    }

    /// It did, and of this.
    pub(super) async fn complains(&self, of: &str) {
        let log = self.client.issue_cmd(ConsoleLog).await.unwrap();
        let one = |entry: &Value| entry["message"].as_str().is_some_and(|it| it.contains(of));
        assert!(log.as_array().is_some_and(|log| log.len() == 1 && one(&log[0])), "{log}");
    }
}
