//! One HTTP exchange with the model server, beneath the client crate: refusals keep their
//! status and Retry-After, bodies are bounded, and what is no JSON never reaches the
//! crate, which would write it to the log.

use std::pin::Pin;
use std::task::{Context, Poll};

use async_openai::error::OpenAIError;
use async_openai::middleware::HttpRequestFactory;
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use serde_json::Value;
use thiserror::Error;

use super::reply::error_in;
use crate::ports::ModelError;

/// Bytes of one reply that are read.
const MAX_BODY: usize = 2 * 1024 * 1024;
const MAX_MESSAGE: usize = 200;

/// The server said no.
#[derive(Debug, Clone, Default, PartialEq, Eq, Error)]
#[error("{status} {message}")]
pub(crate) struct Refused {
    /// HTTP status, or the code of an error sent with status 200; 0 if it gave none.
    pub(crate) status: u16,
    pub(crate) message: String,
    pub(crate) code: Option<String>,
    pub(crate) parameter: Option<String>,
    /// As the server wrote it: seconds or a date.
    pub(crate) retry_after: Option<String>,
}

impl Refused {
    /// Whether the refusal is about this request parameter.
    pub(crate) fn names(&self, parameter: &str) -> bool {
        match &self.parameter {
            Some(named) => named == parameter,
            None => self.message.contains(parameter),
        }
    }

    /// The account has no money left: waiting does not help.
    pub(crate) fn is_out_of_quota(&self) -> bool {
        self.code.as_deref() == Some("insufficient_quota")
    }

    /// Seconds the server asks to wait.
    pub(crate) fn wait_s(&self, now: i64) -> Option<u64> {
        let text = self.retry_after.as_deref()?.trim();
        if let Ok(seconds) = text.parse::<f64>() {
            return (seconds >= 0.0).then(|| seconds.min(86_400.0).ceil() as u64);
        }
        let at = jiff::fmt::rfc2822::parse(text).ok()?.timestamp().as_millisecond();
        Some(u64::try_from((at - now).max(0)).unwrap_or(0).div_ceil(1_000))
    }

    pub(crate) fn into_error(self, now: i64) -> ModelError {
        match self.status {
            401 | 403 => ModelError::KeyRefused(self.to_string()),
            429 if !self.is_out_of_quota() => {
                ModelError::RateLimited(self.wait_s(now).unwrap_or(0))
            }
            300..=399 => ModelError::Server(format!(
                "{} (it points elsewhere, which is not followed; set base_url to the final \
                 address)",
                self.status
            )),
            404 => ModelError::Server(format!("{self} (check base_url and name in [model])")),
            _ => ModelError::Server(self.to_string()),
        }
    }
}

/// The body is no JSON.
#[derive(Debug, Error)]
#[error("{0}")]
pub(crate) struct Garbled(pub(crate) &'static str);

/// Sends requests; the service beneath the client crate.
#[derive(Debug, Clone)]
pub(crate) struct Exchange {
    pub(crate) http: reqwest::Client,
    pub(crate) streaming: bool,
}

type Exchanged = Pin<Box<dyn Future<Output = Result<reqwest::Response, OpenAIError>> + Send>>;

impl tower::Service<HttpRequestFactory> for Exchange {
    type Response = reqwest::Response;
    type Error = OpenAIError;
    type Future = Exchanged;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), OpenAIError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: HttpRequestFactory) -> Exchanged {
        let Exchange { http, streaming } = self.clone();
        Box::pin(async move {
            let response = http.execute(request.build().await?).await?;
            if !response.status().is_success() {
                return Err(OpenAIError::Boxed(Box::new(refusal(response).await)));
            }
            let is_stream = response
                .headers()
                .get(CONTENT_TYPE)
                .and_then(|value| value.to_str().ok())
                .is_some_and(|kind| kind.starts_with("text/event-stream"));
            if streaming && is_stream {
                return Ok(response);
            }
            let body = read(response).await?;
            let body = readable(&body, streaming)
                .map_err(|garbled| OpenAIError::Boxed(Box::new(garbled)))?;
            Ok(axum::http::Response::new(body).into())
        })
    }
}

/// A whole body as the caller wants it: a server that was asked to stream may answer in
/// one piece all the same, which then becomes a stream of one event.
fn readable(body: &[u8], streaming: bool) -> Result<String, Garbled> {
    let text = String::from_utf8_lossy(body);
    match serde_json::from_str::<Value>(&text) {
        Ok(value) if streaming => Ok(format!("data: {value}\n\n")),
        Ok(value) => Ok(value.to_string()),
        Err(_) if streaming && text.trim_start().starts_with("data:") => Ok(text.into_owned()),
        Err(error) if error.is_eof() && !text.trim().is_empty() => {
            Err(Garbled("the server's response breaks off"))
        }
        Err(_) => Err(Garbled("the server's response is no JSON; check base_url in [model]")),
    }
}

async fn refusal(response: reqwest::Response) -> Refused {
    let status = response.status().as_u16();
    let retry_after = response
        .headers()
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned);
    let body = read(response).await.unwrap_or_default();
    let told = serde_json::from_slice(&body).ok().and_then(|value| error_in(&value));
    let mut refused = told.unwrap_or_else(|| Refused {
        message: brief(&String::from_utf8_lossy(&body)),
        ..Refused::default()
    });
    refused.status = status;
    refused.retry_after = retry_after;
    refused
}

async fn read(mut response: reqwest::Response) -> Result<Vec<u8>, OpenAIError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_BODY {
            return Err(OpenAIError::Boxed(Box::new(Garbled("the server's response is endless"))));
        }
    }
    Ok(body)
}

/// A server's own words on one short line.
pub(crate) fn brief(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().filter(|c| !c.is_control()).take(MAX_MESSAGE).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits() {
        let now = 1_445_412_400_000; // 2015-10-21 07:26:40 UTC
        for (text, seconds) in [
            ("7", Some(7)),
            ("1.2", Some(2)),
            ("-1", None),
            ("soon", None),
            ("Wed, 21 Oct 2015 07:28:00 GMT", Some(80)),
            ("Wed, 21 Oct 2015 07:00:00 GMT", Some(0)),
        ] {
            let refused = Refused { retry_after: Some(text.into()), ..Refused::default() };
            assert_eq!(refused.wait_s(now), seconds, "{text}");
        }
    }

    #[test]
    fn refusals_become_errors() {
        for (status, code, label) in [
            (401, None, "key_refused"),
            (403, None, "key_refused"),
            (429, None, "rate_limited"),
            (429, Some("insufficient_quota"), "server"),
            (302, None, "server"),
            (404, None, "server"),
            (500, None, "server"),
            (0, None, "server"),
        ] {
            let refused = Refused { status, code: code.map(str::to_owned), ..Refused::default() };
            assert_eq!(refused.into_error(0).label(), label, "{status}");
        }
    }

    #[test]
    fn whole_bodies() {
        assert_eq!(readable(b"{ \"a\":\n1 }", false).ok().as_deref(), Some("{\"a\":1}"));
        assert_eq!(readable(b"{}", true).ok().as_deref(), Some("data: {}\n\n"));
        assert_eq!(readable(b"data: {}\n\n", true).ok().as_deref(), Some("data: {}\n\n"));
        for (body, why) in
            [(&b"{\"a\":"[..], "breaks off"), (b"<html>", "no JSON"), (b"", "no JSON")]
        {
            let garbled = readable(body, false).err().map(|g| g.to_string()).unwrap_or_default();
            assert!(garbled.contains(why), "{garbled}");
        }
    }
}
