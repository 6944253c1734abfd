//! Reading a request with a model: one structured call, one repair, then the caller's
//! local engine decides.

use firstline_core::triage::read::{assess_schema, read_assessment};
use firstline_core::triage::{Assessment, Example, System};

use crate::ports::{Ask, Model};
use crate::prompts::{Data, PassageForPrompt, Prompts, TurnForPrompt, hash};

const MAX_TOKENS: u32 = 700;

/// All texts redacted, all lists already filtered by what the requester may read.
#[derive(Debug, Clone, Copy)]
pub struct AssessInput<'a> {
    pub text: &'a str,
    pub thread: &'a [TurnForPrompt],
    pub catalogue: &'a [System],
    pub passages: &'a [PassageForPrompt],
    /// The most similar labelled requests.
    pub examples: &'a [Example],
}

/// What a model made of a request, or in a sentence why nothing; with what it cost.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelReading {
    pub assessment: Result<Assessment, String>,
    /// Which wording of the prompt led to it.
    pub prompt_hash: String,
    /// SHA-256 of everything the model was shown.
    pub input_hash: String,
    pub tokens_in: i64,
    pub tokens_out: i64,
    /// The first reply was refused and the model was told why.
    pub repaired: bool,
}

/// Asks the model what a request is. Choices outside the lists are refused and repaired
/// once; every failure ends as `assessment: Err(why)`.
pub async fn assess_with_model(
    model: &dyn Model,
    prompts: &Prompts,
    input: &AssessInput<'_>,
) -> ModelReading {
    let mut reading = ModelReading {
        assessment: Err(String::new()),
        prompt_hash: prompts.assess.hash.clone(),
        input_hash: String::new(),
        tokens_in: 0,
        tokens_out: 0,
        repaired: false,
    };
    reading.assessment = match ask(prompts, input) {
        Ok(ask) => {
            reading.input_hash = hash(&format!("{}\n{}\n{}", ask.system, ask.user, ask.schema));
            converse(model, prompts, input, ask, &mut reading).await
        }
        Err(error) => Err(format!("The prompt could not be written: {error:#}.")),
    };
    reading
}

fn ask(prompts: &Prompts, input: &AssessInput<'_>) -> anyhow::Result<Ask> {
    let data = Data::new(input.text, input.thread, input.passages, input.catalogue, input.examples);
    Ok(Ask {
        system: prompts.assess.system(&data)?,
        user: prompts.assess.user(&data)?,
        schema_name: "assessment".into(),
        schema: assess_schema(input.catalogue),
        max_tokens: MAX_TOKENS,
    })
}

async fn converse(
    model: &dyn Model,
    prompts: &Prompts,
    input: &AssessInput<'_>,
    mut ask: Ask,
    reading: &mut ModelReading,
) -> Result<Assessment, String> {
    loop {
        let reply = model.complete(&ask, None).await.map_err(|error| format!("{error}."))?;
        reading.tokens_in += reply.tokens_in;
        reading.tokens_out += reply.tokens_out;
        let misread = match read_assessment(&reply.text, input.catalogue) {
            Ok(assessment) => return Ok(assessment),
            Err(misread) => misread,
        };
        if reading.repaired {
            return Err(format!("The model's reply was refused twice: {misread}"));
        }
        reading.repaired = true;
        let repair = prompts
            .assess
            .repair(&reply.text, &misread.problems)
            .map_err(|error| format!("The prompt could not be written: {error:#}."))?;
        ask.user = format!("{}\n\n{repair}", ask.user);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::Mutex;

    use async_trait::async_trait;
    use serde_json::json;
    use tokio::sync::mpsc::Sender;

    use super::*;
    use crate::ports::{Completion, ModelError};

    /// Gives its replies in order and keeps what it was asked.
    struct Canned {
        replies: Mutex<Vec<Result<String, ModelError>>>,
        asked: Mutex<Vec<Ask>>,
    }

    #[async_trait]
    impl Model for Canned {
        fn name(&self) -> &str {
            "canned"
        }

        async fn complete(
            &self,
            ask: &Ask,
            _: Option<Sender<String>>,
        ) -> Result<Completion, ModelError> {
            self.asked.lock().unwrap().push(ask.clone());
            let text = self.replies.lock().unwrap().remove(0)?;
            Ok(Completion { text, tokens_in: 10, tokens_out: 2 })
        }
    }

    fn good(kind: &str) -> String {
        json!({"kind": kind, "confidence": 0.9, "system": "none", "impact": "one",
            "urgency": "normal", "sentiment": "neutral", "language": "en", "summary": "A."})
        .to_string()
    }

    async fn run(replies: Vec<Result<String, ModelError>>) -> (ModelReading, Vec<Ask>) {
        let model = Canned { replies: Mutex::new(replies), asked: Mutex::default() };
        let prompts = Prompts::load(None).unwrap();
        let input = AssessInput {
            text: "the printer says no",
            thread: &[],
            catalogue: &[],
            passages: &[],
            examples: &[],
        };
        let reading = assess_with_model(&model, &prompts, &input).await;
        (reading, model.asked.into_inner().unwrap())
    }

    #[tokio::test]
    async fn one_call_if_the_reply_is_good() {
        let (reading, asked) = run(vec![Ok(good("bug"))]).await;
        assert_eq!(reading.assessment.unwrap().kind.as_str(), "bug");
        assert_eq!((reading.tokens_in, reading.tokens_out, reading.repaired), (10, 2, false));
        assert_eq!((reading.prompt_hash.len(), reading.input_hash.len()), (64, 64));
        assert!(asked[0].user.ends_with("REQUEST \"the printer says no\""));
    }

    #[tokio::test]
    async fn a_refused_choice_is_repaired_once_with_the_problem_told() {
        let (reading, asked) = run(vec![Ok(good("outage")), Ok(good("incident"))]).await;
        assert_eq!(reading.assessment.unwrap().kind.as_str(), "incident");
        assert_eq!((reading.tokens_in, reading.repaired), (20, true));
        assert!(asked[1].user.contains("`kind` is \\\"outage\\\"; it must be one of `incident`"));

        let (reading, asked) = run(vec![Ok(good("outage")), Ok("sorry".into())]).await;
        assert!(reading.assessment.unwrap_err().contains("refused twice"));
        assert_eq!(asked.len(), 2);
    }

    #[tokio::test]
    async fn a_failing_model_is_not_asked_again() {
        let (reading, asked) = run(vec![Err(ModelError::Timeout(20))]).await;
        assert_eq!(reading.assessment.unwrap_err(), "the model did not answer within 20 s.");
        assert_eq!(asked.len(), 1);
    }
}
