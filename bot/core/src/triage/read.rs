//! Reading what a language model replies. A reply is untrusted text: whatever is not in
//! the lists the model was given is refused, with the problem in words so that the model
//! can be told once. [`Assessment`]s are read here; statements of an answer, which arrive
//! piece by piece, in [`statements`].

pub mod statements;

use serde_json::{Map, Value, json};
use thiserror::Error;

use super::{Assessment, System};
use crate::ticket::{Impact, Kind, Sentiment, TicketFields, Urgency, fields_of};

pub use statements::{RawStatement, StatementReader, answer_schema};

/// The word for "no system of the catalogue".
const NO_SYSTEM: &str = "none";
/// Servers limit the values of one enum; a longer catalogue is checked here alone.
const MAX_ENUM: usize = 250;
const MAX_SUMMARY: usize = 160;
const MAX_FIELD: usize = 2_000;

/// Why a reply is no assessment: one sentence a problem, written to be told to the model.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{}", problems.join(" "))]
pub struct Misread {
    pub problems: Vec<String>,
}

impl Misread {
    fn one(problem: impl Into<String>) -> Self {
        Misread { problems: vec![problem.into()] }
    }
}

/// JSON schema of an assessment, in the strict form (every property required, none
/// extra), with each choice constrained to its list.
pub fn assess_schema(catalogue: &[System]) -> Value {
    let mut names: Vec<&str> = Vec::new();
    for field in Kind::ALL.iter().flat_map(|kind| fields_of(*kind)) {
        if !names.contains(&field.name) {
            names.push(field.name);
        }
    }
    let fields: Map<String, Value> =
        names.iter().map(|name| (name.to_string(), json!({"type": ["string", "null"]}))).collect();
    let properties = json!({
        "kind": choice(Kind::ALL.iter().map(|w| w.as_str())),
        "confidence": {"type": "number"},
        "system": system_schema(catalogue),
        "impact": choice(Impact::ALL.iter().map(|w| w.as_str())),
        "urgency": choice(Urgency::ALL.iter().map(|w| w.as_str())),
        "sentiment": choice(Sentiment::ALL.iter().map(|w| w.as_str())),
        "language": {"type": "string"},
        "summary": {"type": "string"},
        "fields": {
            "type": "object",
            "properties": fields,
            "required": names,
            "additionalProperties": false,
        },
    });
    json!({
        "type": "object",
        "properties": properties,
        "required": [
            "kind", "confidence", "system", "impact", "urgency", "sentiment", "language",
            "summary", "fields",
        ],
        "additionalProperties": false,
    })
}

fn choice<'a>(words: impl Iterator<Item = &'a str>) -> Value {
    json!({"type": "string", "enum": words.collect::<Vec<_>>()})
}

fn system_schema(catalogue: &[System]) -> Value {
    if catalogue.is_empty() || catalogue.len() > MAX_ENUM {
        return json!({"type": "string"});
    }
    let mut names: Vec<&str> = Vec::with_capacity(catalogue.len() + 1);
    for name in catalogue.iter().map(|s| s.name.as_str()).chain([NO_SYSTEM]) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    choice(names.into_iter())
}

/// Reads a reply made to [`assess_schema`]. Code fences, text around the object, a
/// thinking block, capitals and extra keys are tolerated; choices outside the lists,
/// numbers out of range and absent keys are refused, all of them at once.
///
/// What is missing is worked out here rather than asked of the model: the wanted fields
/// of the kind that it found no value for.
pub fn read_assessment(reply: &str, catalogue: &[System]) -> Result<Assessment, Misread> {
    let object = object_in(reply)?;
    let mut problems = Vec::new();
    let kind = read_choice(&object, "kind", Kind::parse, Kind::ALL, &mut problems);
    let impact = read_choice(&object, "impact", Impact::parse, Impact::ALL, &mut problems);
    let urgency = read_choice(&object, "urgency", Urgency::parse, Urgency::ALL, &mut problems);
    let sentiment =
        read_choice(&object, "sentiment", Sentiment::parse, Sentiment::ALL, &mut problems);
    let confidence = read_confidence(&object, &mut problems);
    let system = read_system(&object, catalogue, &mut problems);
    let language = read_language(&object, &mut problems);
    let summary = one_line(object.get("summary").and_then(Value::as_str).unwrap_or_default());
    if summary.is_empty() && kind != Some(Kind::None) {
        problems.push("`summary` must be one line that says what is asked.".into());
    }
    let (Some(kind), Some(impact), Some(urgency), Some(sentiment)) =
        (kind, impact, urgency, sentiment)
    else {
        return Err(Misread { problems });
    };
    if !problems.is_empty() {
        return Err(Misread { problems });
    }
    let fields = read_fields(object.get("fields"), kind);
    let missing = fields_of(kind)
        .iter()
        .filter(|field| field.wanted && !fields.contains_key(field.name))
        .map(|field| field.name.to_owned())
        .collect();
    Ok(Assessment {
        kind,
        confidence,
        system,
        impact,
        urgency,
        sentiment,
        language,
        summary,
        fields,
        missing,
    })
}

/// The JSON object in a reply, wherever it stands.
fn object_in(reply: &str) -> Result<Map<String, Value>, Misread> {
    let start = match reply.rfind("</think>") {
        Some(end) => end + "</think>".len(),
        None => 0,
    };
    let text = &reply[start..];
    if text.trim().is_empty() {
        return Err(Misread::one("The reply is empty; it must be one JSON object."));
    }
    let Some(open) = text.find('{') else {
        return Err(Misread::one("The reply holds no JSON object; it must be exactly one."));
    };
    // Reads the first value and ignores what follows: a fence, or a closing remark.
    match serde_json::Deserializer::from_str(&text[open..]).into_iter::<Value>().next() {
        Some(Ok(Value::Object(object))) => Ok(object),
        Some(Err(error)) => {
            Err(Misread::one(format!("The reply is not valid JSON ({}).", plain(&error))))
        }
        _ => Err(Misread::one("The reply must be one JSON object.")),
    }
}

/// The kind of a JSON error, without positions that depend on the text around it.
fn plain(error: &serde_json::Error) -> &'static str {
    if error.is_eof() { "it ends too early" } else { "a syntax error" }
}

fn read_choice<T: Copy + std::fmt::Display>(
    object: &Map<String, Value>,
    key: &str,
    parse: fn(&str) -> Option<T>,
    all: &[T],
    problems: &mut Vec<String>,
) -> Option<T> {
    let word = object.get(key).and_then(Value::as_str).map(|w| w.trim().to_lowercase());
    let found = word.as_deref().and_then(parse);
    if found.is_none() {
        let list = all.iter().map(|w| format!("`{w}`")).collect::<Vec<_>>().join(", ");
        problems.push(match object.get(key) {
            Some(given) => format!("`{key}` is {}; it must be one of {list}.", shown(given)),
            None => format!("`{key}` is absent; it must be one of {list}."),
        });
    }
    found
}

/// A value as a problem may repeat it: short, on one line.
fn shown(value: &Value) -> String {
    let text = one_line(&value.to_string());
    text.chars().take(40).collect()
}

fn read_confidence(object: &Map<String, Value>, problems: &mut Vec<String>) -> f64 {
    match object.get("confidence").and_then(Value::as_f64) {
        Some(number) if (0.0..=1.0).contains(&number) => number,
        _ => {
            problems.push("`confidence` must be a number from 0 to 1.".into());
            0.0
        }
    }
}

fn read_system(
    object: &Map<String, Value>,
    catalogue: &[System],
    problems: &mut Vec<String>,
) -> Option<String> {
    let word = match object.get("system") {
        None | Some(Value::Null) => return None,
        Some(Value::String(word)) => one_line(word),
        Some(other) => {
            problems.push(format!("`system` is {}; it must be a name.", shown(other)));
            return None;
        }
    };
    let lower = word.to_lowercase();
    if lower.is_empty() || lower == NO_SYSTEM {
        return None;
    }
    if catalogue.is_empty() {
        return Some(lower.chars().take(60).collect());
    }
    let same = |name: &str| name.to_lowercase() == lower;
    let found = catalogue
        .iter()
        .find(|s| same(&s.name))
        .or_else(|| catalogue.iter().find(|s| s.aliases.iter().any(|a| same(a))));
    if found.is_none() {
        problems.push(format!(
            "`system` is {}; it must be a name from the catalogue, or `{NO_SYSTEM}`.",
            shown(&Value::String(word))
        ));
    }
    found.map(|s| s.name.clone())
}

fn read_language(object: &Map<String, Value>, problems: &mut Vec<String>) -> String {
    let tag = object.get("language").and_then(Value::as_str).unwrap_or_default().trim();
    let mut parts = tag.split('-');
    let primary = parts.next().unwrap_or_default();
    let fine = (2..=3).contains(&primary.len())
        && primary.bytes().all(|b| b.is_ascii_alphabetic())
        && parts
            .all(|p| (1..=8).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_alphanumeric()))
        && tag.len() <= 35;
    if !fine {
        problems.push("`language` must be a BCP 47 tag such as `en` or `pt-BR`.".into());
        return String::new();
    }
    format!("{}{}", primary.to_lowercase(), &tag[primary.len()..])
}

/// The values that belong to the kind; those of other kinds are `null` or noise.
fn read_fields(given: Option<&Value>, kind: Kind) -> TicketFields {
    let Some(Value::Object(given)) = given else { return TicketFields::new() };
    fields_of(kind)
        .iter()
        .filter_map(|field| {
            let text = given.get(field.name)?.as_str()?;
            let text: String = if field.multiline {
                text.trim().chars().take(MAX_FIELD).collect()
            } else {
                one_line(text)
            };
            (!text.is_empty()).then(|| (field.name.to_owned(), text))
        })
        .collect()
}

/// Whitespace and control characters become single blanks; cut after a summary's length.
fn one_line(text: &str) -> String {
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let mut line = String::new();
    for word in clean.split_whitespace() {
        if line.chars().count() + word.chars().count() + 1 > MAX_SUMMARY && !line.is_empty() {
            break;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.extend(word.chars().take(MAX_SUMMARY));
    }
    line
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::ticket::Criticality;

    fn catalogue() -> Vec<System> {
        [("Beacon", &["crm"][..]), ("Keystone", &["ERP", "the erp"])]
            .into_iter()
            .map(|(name, aliases)| System {
                name: name.into(),
                aliases: aliases.iter().map(|a| a.to_string()).collect(),
                team: None,
                criticality: Criticality::Medium,
                confidential: false,
            })
            .collect()
    }

    fn good() -> Value {
        json!({
            "kind": "incident", "confidence": 0.8, "system": "Beacon", "impact": "team",
            "urgency": "high", "sentiment": "negative", "language": "en",
            "summary": "Quotes cannot be sent",
            "fields": {"since": "this morning", "affected": null, "what": "another kind's"},
        })
    }

    fn with(key: &str, value: Value) -> String {
        let mut reply = good();
        reply[key] = value;
        reply.to_string()
    }

    #[test]
    fn a_good_reply_is_read_whatever_surrounds_it() {
        let expected = read_assessment(&good().to_string(), &catalogue()).unwrap();
        assert_eq!(expected.system.as_deref(), Some("Beacon"));
        assert_eq!(expected.fields.get("since").map(String::as_str), Some("this morning"));
        assert_eq!(expected.fields.len(), 1);
        assert_eq!(expected.missing, ["affected"]);
        for wrapped in [
            format!("```json\n{}\n```", good()),
            format!("Here it is:\n{}\nAnything else?", good()),
            format!("<think>a {{ \"kind\" }} maybe</think>\n{}", good()),
            with("another", json!([1, 2])),
            with("kind", json!(" Incident ")),
            with("system", json!("CRM")),
        ] {
            let read = read_assessment(&wrapped, &catalogue());
            assert_eq!(read.as_ref(), Ok(&expected), "{wrapped}");
        }
    }

    #[test]
    fn what_is_outside_the_lists_is_refused() {
        for (reply, problem) in [
            (String::new(), "The reply is empty"),
            ("I cannot help with that.".into(), "holds no JSON object"),
            (good().to_string()[..60].into(), "it ends too early"),
            ("{\"kind\": incident}".into(), "a syntax error"),
            (with("kind", json!("outage")), "`kind` is \"outage\"; it must be one of `incident`"),
            (with("kind", json!(3)), "`kind` is 3"),
            (with("impact", json!("everyone")), "`impact` is \"everyone\""),
            (with("urgency", json!("P1")), "`urgency` is \"P1\""),
            (with("sentiment", Value::Null), "`sentiment` is null"),
            (with("confidence", json!(85)), "`confidence` must be a number"),
            (with("confidence", json!("0.5")), "`confidence` must be a number"),
            (with("system", json!("Payroll")), "`system` is \"Payroll\""),
            (with("system", json!(["Beacon"])), "it must be a name"),
            (with("language", json!("English, I think")), "`language` must be"),
            (with("summary", json!(" \n ")), "`summary` must be"),
        ] {
            let misread = read_assessment(&reply, &catalogue()).unwrap_err();
            assert_eq!(misread.problems.len(), 1, "{reply}: {misread}");
            assert!(misread.problems[0].contains(problem), "{reply}: {misread}");
        }
        let misread = read_assessment("{}", &catalogue()).unwrap_err();
        assert_eq!(misread.problems.len(), 7, "{misread}");
    }

    #[test]
    fn without_a_catalogue_the_product_named_is_kept() {
        let read = read_assessment(&with("system", json!(" Big  CRM ")), &[]).unwrap();
        assert_eq!(read.system.as_deref(), Some("big crm"));
        for none in [json!("none"), json!(""), Value::Null] {
            assert_eq!(read_assessment(&with("system", none), &[]).unwrap().system, None);
        }
    }

    #[test]
    fn summaries_are_one_bounded_line() {
        let long = format!("first line\nsecond\u{7} {}", "word ".repeat(100));
        let summary = read_assessment(&with("summary", json!(long)), &[]).unwrap().summary;
        assert!(summary.starts_with("first line second word"), "{summary}");
        assert!(summary.chars().count() <= MAX_SUMMARY);
    }

    #[test]
    fn the_schema_is_strict_and_names_every_choice() {
        let schema = assess_schema(&catalogue());
        assert_eq!(schema["properties"]["system"]["enum"], json!(["Beacon", "Keystone", "none"]));
        let properties = schema["properties"].as_object().unwrap();
        assert_eq!(properties.len(), schema["required"].as_array().unwrap().len());
        let fields = &schema["properties"]["fields"];
        assert_eq!(
            fields["properties"].as_object().unwrap().len(),
            fields["required"].as_array().unwrap().len()
        );
        assert_eq!(assess_schema(&[])["properties"]["system"], json!({"type": "string"}));
    }
}
