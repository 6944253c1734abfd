//! What one call has brought so far, and what went wrong with it.

use async_openai::error::OpenAIError;

use super::reply::Piece;
use super::transport::{Garbled, Refused, brief};
use crate::ports::{Ask, ModelError};

/// Bytes of a reply; more is a model gone astray.
const MAX_REPLY: usize = 256 * 1024;

/// What has arrived of a reply; kept when the rest never does.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    pub(crate) calls: i64,
    pub(crate) text: String,
    finish: Option<String>,
    usage: Option<(i64, i64)>,
    declined: bool,
    /// The server found fault with this request alone; it is not failing.
    pub(crate) faulted: bool,
}

impl Progress {
    pub(crate) fn add(&mut self, piece: Piece) -> Result<(), ModelError> {
        self.text.push_str(&piece.text);
        self.finish = piece.finish.or(self.finish.take());
        self.usage = piece.usage.or(self.usage);
        self.declined |= piece.declined;
        if self.text.len() > MAX_REPLY {
            return Err(ModelError::Unreadable("it does not end".into()));
        }
        Ok(())
    }

    /// Whether what arrived is a whole reply.
    pub(crate) fn judge(&self) -> Result<(), ModelError> {
        let why = if self.declined || self.finish.as_deref() == Some("content_filter") {
            "the model declined to answer"
        } else if self.finish.as_deref() == Some("length") {
            "it was cut at the token limit"
        } else if self.text.trim().is_empty() {
            "it is empty"
        } else if self.finish.is_none() && !self.text.trim_end().ends_with(['}', '`']) {
            // Some servers never say why they stopped; a whole reply ends its object.
            "it breaks off"
        } else {
            return Ok(());
        };
        Err(ModelError::Unreadable(why.into()))
    }

    /// Whether the server did its part, whatever the reply is worth.
    pub(crate) fn answered(&self) -> bool {
        self.finish.is_some() || self.faulted
    }

    /// Tokens in and out; estimated when the server gave no count but took the request.
    pub(crate) fn tokens(&self, ask: &Ask) -> (i64, i64) {
        let estimate = |chars: usize| i64::try_from(chars / 4 + 1).unwrap_or(i64::MAX);
        match self.usage {
            Some(usage) => usage,
            None if self.text.is_empty() => (0, 0),
            None => (estimate(ask.system.len() + ask.user.len()), estimate(self.text.len())),
        }
    }
}

/// Why an attempt failed: the server said no, or there is nothing more to try.
pub(crate) enum Trouble {
    Refused(Refused),
    Error(ModelError),
}

impl From<ModelError> for Trouble {
    fn from(error: ModelError) -> Self {
        Trouble::Error(error)
    }
}

impl From<OpenAIError> for Trouble {
    fn from(error: OpenAIError) -> Self {
        Trouble::Error(match error {
            OpenAIError::Boxed(boxed) => match boxed.downcast::<Refused>() {
                Ok(refused) => return Trouble::Refused(*refused),
                Err(other) => match other.downcast::<Garbled>() {
                    Ok(garbled) => ModelError::Unreadable(garbled.to_string()),
                    Err(other) => ModelError::Unreachable(other.to_string()),
                },
            },
            OpenAIError::Reqwest(error) if error.is_body() || error.is_decode() => {
                ModelError::Unreadable("the server's response breaks off".into())
            }
            OpenAIError::Reqwest(error) => ModelError::Unreachable(innermost(&error)),
            OpenAIError::JSONDeserialize(..) => {
                ModelError::Unreadable("a part of the stream is no JSON".into())
            }
            OpenAIError::StreamError(_) => ModelError::Unreadable("the stream breaks off".into()),
            other => ModelError::Server(brief(&other.to_string())),
        })
    }
}

/// The cause beneath the causes: "connection refused" rather than "error sending request".
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    brief(&cause.to_string())
}
