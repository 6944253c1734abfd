//! Composing an answer with a model: statements with the passages they claim to rest on,
//! each handed over the moment it is complete. Nothing here is checked yet; the caller
//! checks every statement against its passages before a person sees it.

use firstline_core::triage::Abstained;
use firstline_core::triage::read::{RawStatement, StatementReader, answer_schema};
use tokio::sync::mpsc;

use crate::ports::{Ask, Model, ModelError};
use crate::prompts::{Data, PassageForPrompt, Prompts, TurnForPrompt, hash};

const MAX_TOKENS: u32 = 1_200;

/// All texts redacted; passages only those the audience may read.
#[derive(Debug, Clone, Copy)]
pub struct AnswerInput<'a> {
    pub text: &'a str,
    pub thread: &'a [TurnForPrompt],
    pub passages: &'a [PassageForPrompt],
}

/// How composing ended. The statements themselves went to `on_statement`.
#[derive(Debug, Clone, PartialEq)]
pub struct AnswerReading {
    /// Statements handed over.
    pub statements: usize,
    /// Members of the reply that were no statements.
    pub unreadable: usize,
    /// Why the model says it cannot answer (fully); it may still have made statements,
    /// such as the sides of a conflict.
    pub abstain: Option<Abstained>,
    /// The reply broke off for this reason after at least one statement.
    pub broken_off: Option<ModelError>,
    pub prompt_hash: String,
    /// SHA-256 of everything the model was shown.
    pub input_hash: String,
    pub tokens_in: i64,
    pub tokens_out: i64,
}

/// Streams an answer. A reply that breaks off keeps the statements that were complete;
/// without any, the failure is returned.
pub async fn answer_with_model(
    model: &dyn Model,
    prompts: &Prompts,
    input: &AnswerInput<'_>,
    on_statement: &mut (dyn FnMut(RawStatement) + Send),
) -> Result<AnswerReading, ModelError> {
    let ask = ask(prompts, input)
        .map_err(|error| ModelError::Unreadable(format!("the prompt fails: {error:#}")))?;
    let (send, mut pieces) = mpsc::channel(64);
    let mut reader = StatementReader::new();
    let mut statements = 0;
    let mut heard = false;
    let completing = model.complete(&ask, Some(send));
    let listening = async {
        while let Some(piece) = pieces.recv().await {
            heard = true;
            for statement in reader.feed(&piece) {
                statements += 1;
                on_statement(statement);
            }
        }
    };
    let (completed, ()) = tokio::join!(completing, listening);
    // A model that does not stream gives all at once.
    if let (Ok(completion), false) = (&completed, heard) {
        for statement in reader.feed(&completion.text) {
            statements += 1;
            on_statement(statement);
        }
    }
    let abstain = reader.abstain();
    let (broken_off, tokens) = match completed {
        Ok(completion) if reader.complete() => {
            (None, (completion.tokens_in, completion.tokens_out))
        }
        Ok(completion) => (
            Some(ModelError::Unreadable("the reply is no complete JSON object".into())),
            (completion.tokens_in, completion.tokens_out),
        ),
        Err(error) => (Some(error), (0, 0)),
    };
    if let (0, Some(error)) = (statements, &broken_off) {
        return Err(error.clone());
    }
    Ok(AnswerReading {
        statements,
        unreadable: reader.unreadable(),
        abstain,
        broken_off,
        prompt_hash: prompts.answer.hash.clone(),
        input_hash: hash(&format!("{}\n{}\n{}", ask.system, ask.user, ask.schema)),
        tokens_in: tokens.0,
        tokens_out: tokens.1,
    })
}

fn ask(prompts: &Prompts, input: &AnswerInput<'_>) -> anyhow::Result<Ask> {
    let data = Data::new(input.text, input.thread, input.passages, &[], &[]);
    Ok(Ask {
        system: prompts.answer.system(&data)?,
        user: prompts.answer.user(&data)?,
        schema_name: "answer".into(),
        schema: answer_schema(),
        max_tokens: MAX_TOKENS,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use async_trait::async_trait;

    use super::*;
    use crate::ports::Completion;

    struct Pieces {
        pieces: Vec<&'static str>,
        end: Option<ModelError>,
        streams: bool,
    }

    #[async_trait]
    impl Model for Pieces {
        fn name(&self) -> &str {
            "pieces"
        }

        async fn complete(
            &self,
            _: &Ask,
            to: Option<mpsc::Sender<String>>,
        ) -> Result<Completion, ModelError> {
            for piece in self.pieces.iter().filter(|_| self.streams) {
                to.as_ref().unwrap().send(piece.to_string()).await.unwrap();
            }
            match &self.end {
                Some(error) => Err(error.clone()),
                None => Ok(Completion { text: self.pieces.concat(), tokens_in: 9, tokens_out: 4 }),
            }
        }
    }

    async fn run(model: Pieces) -> (Vec<String>, Result<AnswerReading, ModelError>) {
        let prompts = Prompts::load(None).unwrap();
        let mut said = Vec::new();
        let input = AnswerInput { text: "how?", thread: &[], passages: &[] };
        let reading = answer_with_model(&model, &prompts, &input, &mut |statement| {
            said.push(format!("{} {:?}", statement.text, statement.cites));
        })
        .await;
        (said, reading)
    }

    const REPLY: [&str; 3] = [
        "{\"statements\":[{\"text\":\"Open Roles.\",\"cites\":[1]},{\"te",
        "xt\":\"Save.\",\"cites\":[2]}],",
        "\"abstain\":null}",
    ];

    #[tokio::test]
    async fn statements_come_one_by_one_streamed_or_not() {
        for streams in [true, false] {
            let (said, reading) = run(Pieces { pieces: REPLY.into(), end: None, streams }).await;
            assert_eq!(said, ["Open Roles. [1]", "Save. [2]"]);
            let reading = reading.unwrap();
            assert_eq!((reading.statements, reading.broken_off), (2, None));
            assert_eq!((reading.tokens_in, reading.tokens_out), (9, 4));
        }
    }

    #[tokio::test]
    async fn a_broken_stream_keeps_what_was_complete() {
        let end = Some(ModelError::Timeout(3));
        let half = Pieces { pieces: REPLY[..1].into(), end: end.clone(), streams: true };
        let (said, reading) = run(half).await;
        assert_eq!(said, ["Open Roles. [1]"]);
        assert_eq!(reading.unwrap().broken_off, end);

        let none = Pieces { pieces: vec!["{\"stat"], end: end.clone(), streams: true };
        assert_eq!(run(none).await.1, Err(ModelError::Timeout(3)));
        let prose = Pieces { pieces: vec!["I would say yes."], end: None, streams: true };
        assert_eq!(run(prose).await.1.unwrap_err().label(), "unreadable");
    }
}
