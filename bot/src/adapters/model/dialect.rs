//! What of the Chat Completions request a server understands. Compatible servers differ;
//! the adapter starts with the strictest form, gives up a part when the server refuses
//! it, and remembers what worked.

use serde::Serialize;
use serde_json::{Value, json};

use super::transport::Refused;
use crate::ports::Ask;

/// How the shape of the reply is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// `response_format: json_schema`.
    Schema,
    /// `response_format: json_object`, with the schema in words.
    JsonObject,
    /// The schema in words alone.
    Plain,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dialect {
    pub(crate) format: Format,
    /// `max_completion_tokens`, the newer name of `max_tokens`.
    newer_limit: bool,
    temperature: bool,
    /// Ask for token counts at the end of a stream.
    stream_usage: bool,
}

impl Default for Dialect {
    fn default() -> Self {
        Dialect {
            format: Format::Schema,
            newer_limit: false,
            temperature: true,
            stream_usage: true,
        }
    }
}

impl Dialect {
    /// What to try after this refusal: without the parameter it names, else with the next
    /// looser format. `None`: nothing is left to give up.
    pub(crate) fn after(self, refused: &Refused) -> Option<Dialect> {
        let names = |parameter: &str| refused.names(parameter);
        if !self.newer_limit && names("max_tokens") {
            return Some(Dialect { newer_limit: true, ..self });
        }
        if self.temperature && names("temperature") {
            return Some(Dialect { temperature: false, ..self });
        }
        if self.stream_usage && names("stream_options") {
            return Some(Dialect { stream_usage: false, ..self });
        }
        match self.format {
            Format::Schema => Some(Dialect { format: Format::JsonObject, ..self }),
            Format::JsonObject => {
                Some(Dialect { format: Format::Plain, stream_usage: false, ..self })
            }
            Format::Plain => None,
        }
    }

    /// The request's JSON body.
    pub(crate) fn body(self, model: &str, ask: &Ask, streaming: bool) -> Value {
        let system = match self.format {
            Format::Schema => ask.system.clone(),
            Format::JsonObject | Format::Plain => format!(
                "{}\n\nThe JSON object must satisfy this JSON schema:\n{}",
                ask.system, ask.schema
            ),
        };
        let mut body = json!({
            "model": model,
            "messages": [
                {"role": "system", "content": system},
                {"role": "user", "content": ask.user},
            ],
        });
        match self.format {
            Format::Schema => {
                body["response_format"] = json!({
                    "type": "json_schema",
                    "json_schema":
                        {"name": ask.schema_name, "strict": true, "schema": ask.schema},
                });
            }
            Format::JsonObject => body["response_format"] = json!({"type": "json_object"}),
            Format::Plain => {}
        }
        let limit = if self.newer_limit { "max_completion_tokens" } else { "max_tokens" };
        body[limit] = ask.max_tokens.into();
        if self.temperature {
            body["temperature"] = 0.into();
        }
        if streaming {
            body["stream"] = true.into();
            if self.stream_usage {
                body["stream_options"] = json!({"include_usage": true});
            }
        }
        body
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(message: &str) -> Refused {
        Refused { status: 400, message: message.into(), ..Refused::default() }
    }

    #[test]
    fn gives_up_what_is_named_and_then_the_format() {
        let first = Dialect::default();
        let named = first.after(&refused("Unsupported parameter: 'max_tokens'"));
        assert_eq!(named, Some(Dialect { newer_limit: true, ..first }));
        let named = first.after(&refused("'temperature' does not support 0"));
        assert_eq!(named, Some(Dialect { temperature: false, ..first }));
        let mut formats = vec![first.format];
        let mut dialect = first;
        while let Some(next) = dialect.after(&refused("max_tokens, temperature: bad request")) {
            dialect = next;
            formats.push(dialect.format);
        }
        formats.dedup();
        assert_eq!(formats, [Format::Schema, Format::JsonObject, Format::Plain]);
    }

    #[test]
    fn bodies() {
        let ask = Ask {
            system: "S".into(),
            user: "U".into(),
            schema_name: "n".into(),
            schema: json!({"type": "object"}),
            max_tokens: 9,
        };
        let body = Dialect::default().body("m", &ask, true);
        assert_eq!(body["response_format"]["json_schema"]["strict"], json!(true));
        assert_eq!((&body["max_tokens"], &body["temperature"]), (&json!(9), &json!(0)));
        assert_eq!(body["stream_options"]["include_usage"], json!(true));
        let plain = Dialect {
            format: Format::Plain,
            newer_limit: true,
            temperature: false,
            stream_usage: false,
        };
        let body = plain.body("m", &ask, false);
        assert_eq!(body["max_completion_tokens"], json!(9));
        for absent in ["response_format", "max_tokens", "temperature", "stream"] {
            assert!(body.get(absent).is_none(), "{absent}");
        }
        let system = body["messages"][0]["content"].as_str().unwrap_or_default();
        assert!(system.ends_with("{\"type\":\"object\"}"), "{system}");
    }
}
