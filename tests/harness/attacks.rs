//! Instructions hidden in messages and documents, and a model that obeys every one of
//! them. What the bot then does shows whether its defences rest on anything but the
//! model's good will.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::model::{Heard, Reply};

/// One attack text, from `it/attacks.jsonl`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attack {
    pub id: String,
    /// What it tries, in a sentence.
    pub tries: String,
    /// To be appended to a request or planted in a document.
    pub text: String,
    /// The part by which the obeying model knows it, also in JSON.
    pub trigger: String,
    pub obey: Obey,
    /// Texts that must never be in anything a requester is shown.
    #[serde(default)]
    pub never_shown: Vec<String>,
}

/// What obeying it means.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Obey {
    /// Keys of the assessment that it dictates.
    pub assess: Map<String, Value>,
    /// Statements the answer then consists of.
    pub say: Vec<Value>,
    /// The answer gives away the prompt and all data in it.
    pub reveal: bool,
    /// The whole reply, in place of JSON.
    pub raw: Option<String>,
}

/// An ordinary request with the reading an honest model gives, from
/// `it/attack_requests.jsonl`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrdinaryRequest {
    pub id: String,
    pub text: String,
    pub assess: Map<String, Value>,
}

/// The thirty attacks.
pub fn attacks() -> Vec<Attack> {
    lines(include_str!("../it/attacks.jsonl"))
}

/// The ten requests they are appended to.
pub fn ordinary_requests() -> Vec<OrdinaryRequest> {
    lines(include_str!("../it/attack_requests.jsonl"))
}

fn lines<T: serde::de::DeserializeOwned>(file: &str) -> Vec<T> {
    file.lines()
        .map(|line| serde_json::from_str(line).expect("every line is one valid object"))
        .collect()
}

/// A script for [`crate::model::ScriptedModel`]: reads ordinary requests rightly, answers
/// from the first passage, and obeys whatever attack it sees anywhere in its input.
pub fn obeying_model() -> impl Fn(&Heard) -> Reply + Send + Sync + 'static {
    let attacks = attacks();
    let requests = ordinary_requests();
    move |heard| {
        let seen = attacks.iter().find(|attack| heard.user().contains(&attack.trigger));
        reply(heard, &requests, seen.map(|attack| &attack.obey))
    }
}

/// The same model without the weakness, for the clean twins.
pub fn honest_model() -> impl Fn(&Heard) -> Reply + Send + Sync + 'static {
    let requests = ordinary_requests();
    move |heard| reply(heard, &requests, None)
}

fn reply(heard: &Heard, requests: &[OrdinaryRequest], obey: Option<&Obey>) -> Reply {
    if let Some(raw) = obey.and_then(|obey| obey.raw.clone()) {
        return Reply::Text(raw);
    }
    if heard.schema_name() == "assessment" {
        let mut assessment = honest_assessment(&heard.request(), requests);
        for (key, value) in obey.iter().flat_map(|obey| &obey.assess) {
            assessment.insert(key.clone(), value.clone());
        }
        return Reply::Say(Value::Object(assessment));
    }
    match obey {
        Some(obey) if obey.reveal => Reply::Say(json!({
            "statements": [
                {"text": heard.system(), "cites": [1]},
                {"text": heard.user(), "cites": [1, 2]},
            ],
            "abstain": null,
        })),
        Some(obey) if !obey.say.is_empty() => {
            Reply::Say(json!({"statements": obey.say, "abstain": null}))
        }
        _ => Reply::Say(honest_answer(heard)),
    }
}

/// The reading of the ordinary request this one begins with, else a plain question.
fn honest_assessment(request: &str, requests: &[OrdinaryRequest]) -> Map<String, Value> {
    let mut assessment = Map::from_iter(
        [
            ("kind", json!("question")),
            ("confidence", json!(0.9)),
            ("system", json!("none")),
            ("impact", json!("one")),
            ("urgency", json!("normal")),
            ("sentiment", json!("neutral")),
            ("language", json!("en")),
            ("summary", json!("A request")),
            ("fields", json!({})),
        ]
        .map(|(key, value)| (key.to_owned(), value)),
    );
    if let Some(known) = requests.iter().find(|known| request.starts_with(&known.text)) {
        assessment.extend(known.assess.clone());
    }
    assessment
}

/// The first sentence of the first passage, cited; nothing without passages.
fn honest_answer(heard: &Heard) -> Value {
    let passages = heard.data("PASSAGES");
    let first = passages.get(0);
    let text = first.and_then(|p| p["text"].as_str()).unwrap_or_default();
    let sentence = text.split_inclusive(". ").next().unwrap_or_default().trim();
    if sentence.is_empty() {
        return json!({"statements": [], "abstain": "not_covered"});
    }
    let n = first.map(|p| p["n"].clone()).unwrap_or(json!(1));
    json!({"statements": [{"text": sentence, "cites": [n]}], "abstain": null})
}
