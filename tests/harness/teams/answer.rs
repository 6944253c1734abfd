//! An answer as it goes over the wire: whole, refused, or broken by a fault.

use std::collections::VecDeque;

use axum::body::Body;
use axum::http::{Response, header};
use futures::stream::{self, StreamExt};
use serde_json::{Value, json};

use super::world::World;
use super::{Call, FakeTeams, Fault};

pub(super) struct Answer {
    status: u16,
    kind: String,
    body: Vec<u8>,
    retry_after_s: Option<u64>,
}

impl Answer {
    pub(super) fn json(status: u16, body: &Value) -> Answer {
        let kind = "application/json; charset=utf-8".to_owned();
        Answer { status, kind, body: body.to_string().into_bytes(), retry_after_s: None }
    }

    pub(super) fn file(kind: &str, bytes: &[u8]) -> Answer {
        Answer { status: 200, kind: kind.to_owned(), body: bytes.to_vec(), retry_after_s: None }
    }

    pub(super) fn empty(status: u16) -> Answer {
        Answer { status, kind: "text/plain".to_owned(), body: Vec::new(), retry_after_s: None }
    }

    /// The Connector's refusal.
    pub(super) fn error(status: u16, code: &str, message: &str) -> Answer {
        Answer::json(status, &json!({"error": {"code": code, "message": message}}))
    }

    pub(super) fn throttled(retry_after_s: u64) -> Answer {
        let refusal = Answer::error(429, "Throttled", "Too many requests.");
        Answer { retry_after_s: Some(retry_after_s), ..refusal }
    }

    fn with_body(&self, body: Body) -> Response<Body> {
        let mut response = Response::builder().status(self.status);
        response = response.header(header::CONTENT_TYPE, &self.kind);
        if let Some(seconds) = self.retry_after_s {
            response = response.header(header::RETRY_AFTER, seconds);
        }
        response.body(body).unwrap()
    }
}

impl FakeTeams {
    /// Records a call and answers it, unless a fault was ordered.
    pub(super) fn answer(
        &self,
        call: Call,
        with: Value,
        act: impl FnOnce(&mut World) -> Result<Answer, Answer>,
    ) -> Response<Body> {
        let mut world = self.lock();
        world.calls.push((call, with));
        let fault = world.faults.get_mut(&call).and_then(VecDeque::pop_front);
        let answer = match &fault {
            Some(Fault::Status(status)) => Answer::empty(*status),
            Some(Fault::RateLimited { retry_after_s }) => Answer::throttled(*retry_after_s),
            Some(Fault::Error { status, code }) => Answer::error(*status, code, code),
            _ => act(&mut world).unwrap_or_else(|refusal| refusal),
        };
        let body = match fault {
            Some(Fault::HalfBody) => broken_after(answer.body[..answer.body.len() / 2].to_vec()),
            Some(Fault::DoneButLost) => broken_after(Vec::new()),
            _ => answer.body.clone().into(),
        };
        answer.with_body(body)
    }
}

/// The connection breaks after this much; after nothing at all, not even headers leave.
fn broken_after(start: Vec<u8>) -> Body {
    let pauses = !start.is_empty();
    let pieces = pauses.then_some(Ok(start));
    let broken = stream::once(async move {
        // Pausing lets the server send what it has; it would drop it otherwise.
        if pauses {
            tokio::task::yield_now().await;
        }
        Err(std::io::Error::other("the connection breaks"))
    });
    Body::from_stream(stream::iter(pieces).chain(broken))
}
