//! Reading a server's replies. Compatible servers leave fields out, add others, and send
//! errors with status 200, so every field is optional here.

use serde_json::Value;

use super::transport::{Refused, brief};

/// What one response, or one event of a stream, brings.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Piece {
    pub(crate) text: String,
    /// Why the reply ended: `stop`, `length`, `content_filter` or a server's own word.
    pub(crate) finish: Option<String>,
    /// Tokens in and out.
    pub(crate) usage: Option<(i64, i64)>,
    /// The model declined in a field of its own.
    pub(crate) declined: bool,
}

/// Reads a response or a stream's event.
pub(crate) fn piece(value: &Value) -> Result<Piece, Refused> {
    let choice = value.pointer("/choices/0");
    if let Some(refused) = error_in(value)
        && choice.is_none()
    {
        return Err(refused);
    }
    let message = choice.and_then(|c| c.get("delta").or_else(|| c.get("message")));
    let text = match message.and_then(|m| m.get("content")) {
        Some(content) => content_text(content),
        None => choice.and_then(|c| c.get("text")).map(content_text).unwrap_or_default(),
    };
    let count = |name: &str| value.pointer(&format!("/usage/{name}")).and_then(Value::as_i64);
    Ok(Piece {
        text,
        finish: choice
            .and_then(|c| c.get("finish_reason"))
            .and_then(Value::as_str)
            .filter(|word| !word.is_empty())
            .map(str::to_owned),
        usage: match (count("prompt_tokens"), count("completion_tokens")) {
            (None, None) => None,
            (tokens_in, tokens_out) => Some((tokens_in.unwrap_or(0), tokens_out.unwrap_or(0))),
        },
        declined: message
            .and_then(|m| m.get("refusal"))
            .and_then(Value::as_str)
            .is_some_and(|text| !text.is_empty()),
    })
}

/// A string, or a list of parts with a `text` each.
fn content_text(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            parts.iter().filter_map(|part| part.get("text").and_then(Value::as_str)).collect()
        }
        _ => String::new(),
    }
}

/// The error a body tells of: `{"error": {...}}`, `{"error": "..."}`, or one of the forms
/// without that key. `None` if it tells of none.
pub(crate) fn error_in(value: &Value) -> Option<Refused> {
    let text = |value: Option<&Value>| -> Option<String> {
        match value? {
            Value::String(text) => Some(text.clone()),
            Value::Null => None,
            other => Some(other.to_string()),
        }
    };
    let error = match value.get("error") {
        None | Some(Value::Null) => {
            let message = match value.get("object").and_then(Value::as_str) {
                Some("error") => value.get("message"),
                _ => value.get("detail"),
            };
            return Some(Refused { message: brief(&text(message)?), ..Refused::default() });
        }
        Some(error) => error,
    };
    let message = text(error.get("message")).or_else(|| text(Some(error))).unwrap_or_default();
    let code = error.get("code");
    let status = code
        .and_then(|code| code.as_u64().or_else(|| code.as_str()?.parse().ok()))
        .and_then(|number| u16::try_from(number).ok())
        .filter(|number| (400..600).contains(number));
    Some(Refused {
        status: status.unwrap_or(0),
        message: brief(&message),
        code: text(code),
        parameter: text(error.get("param")),
        retry_after: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn lenient_servers() {
        for (value, text) in [
            (json!({"choices":[{"message":{"content":"x"}}]}), "x"),
            (json!({"choices":[{"delta":{"content":"x"},"finish_reason":null}]}), "x"),
            (json!({"choices":[{"text":"x"}]}), "x"),
            (json!({"choices":[{"message":{"content":[{"type":"text","text":"x"}]}}]}), "x"),
            (json!({"choices":[{"message":{"content":"x"}}],"error":null}), "x"),
            (json!({"choices":[{"message":{"content":null,"reasoning_content":"hm"}}]}), ""),
            (json!({"choices":[]}), ""),
            (json!({}), ""),
            (json!([1]), ""),
        ] {
            assert_eq!(piece(&value).map(|p| p.text), Ok(text.to_owned()), "{value}");
        }
        let end = piece(&json!({"choices":[{"delta":{},"finish_reason":"eos"}],
            "usage":{"prompt_tokens":5,"completion_tokens":2}}));
        let end = end.unwrap_or_default();
        assert_eq!((end.finish.as_deref(), end.usage), (Some("eos"), Some((5, 2))));
    }

    #[test]
    fn errors_with_status_200() {
        for (value, status, message) in [
            (json!({"error":{"message":"overloaded","code":503}}), 503, "overloaded"),
            (json!({"error":{"message":"slow","code":"429"}}), 429, "slow"),
            (json!({"error":{"message":"bad","code":"no_model"}}), 0, "bad"),
            (json!({"error":"model\nnot loaded"}), 0, "model not loaded"),
            (json!({"object":"error","message":"too long"}), 0, "too long"),
            (json!({"detail":"Not Found"}), 0, "Not Found"),
        ] {
            let refused = piece(&value).err().unwrap_or_default();
            assert_eq!((refused.status, refused.message.as_str()), (status, message));
        }
    }
}
