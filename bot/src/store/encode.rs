//! Values as the columns hold them: closed enums as their word, structures as JSON.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Result, StoreError};

/// The word of an enum without data.
pub(super) fn word<T: Serialize>(value: T) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => word,
        // Only called with such enums; anything else would be unreadable and so noticed.
        other => format!("{other:?}"),
    }
}

/// The enum of a stored word.
pub(super) fn of_word<T: DeserializeOwned>(word: String) -> Result<T> {
    serde_json::from_value(Value::String(word)).map_err(unreadable)
}

pub(super) fn of_word_opt<T: DeserializeOwned>(word: Option<String>) -> Result<Option<T>> {
    word.map(of_word).transpose()
}

pub(super) fn json<T: Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value)
        .map_err(|e| StoreError::Other(format!("A value could not be written as JSON: {e}")))
}

pub(super) fn of_json<T: DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(unreadable)
}

pub(super) fn of_json_opt<T: DeserializeOwned>(text: Option<String>) -> Result<Option<T>> {
    text.as_deref().map(of_json).transpose()
}

fn unreadable(error: serde_json::Error) -> StoreError {
    StoreError::Other(format!(
        "A stored value could not be read: {error}. Was it written by a newer version?"
    ))
}
