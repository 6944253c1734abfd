//! Reading a request: by a model if one is configured and able, by the local engine
//! otherwise.

use anyhow::Context as _;
use firstline_core::triage::local::Request;
use firstline_core::triage::{Assessment, Example, Similar};
use firstline_indexer::Found;
use sha2::{Digest, Sha256};

use super::Asked;
use crate::app::App;
use crate::flows::answer::{PASSAGES_FOR_MODEL, passages_for_model, turns_for_prompt};
use crate::flows::{heed, model_assess};
use crate::ports::Model;
use crate::store::new_id;
use crate::store::records::{AssessmentRow, Ticket};

/// The reading that is followed, and every reading made. A model that fails in any way
/// leaves the local engine's. A model that reads the request without the instructions in it
/// reads what its clean twin says; where nothing else was said, it has seen them, and the
/// local engine has the word on what decides where the request goes and how soon.
pub(super) async fn assess(
    app: &App,
    asked: &Asked<'_>,
    nothing_else: bool,
    found: &Found,
    similar: &[Similar],
    tickets: &[Ticket],
) -> anyhow::Result<(Assessment, Vec<AssessmentRow>)> {
    let mut readings = Vec::new();
    if let Some(model) = &app.model
        && !asked.text.trim().is_empty()
    {
        readings.push(read_by_model(app, model.as_ref(), asked, found, tickets).await);
    }
    let by_model = readings.iter().find_map(|r| r.result.clone());
    if let Some(assessment) = by_model.clone().filter(|_| !nothing_else) {
        return Ok((assessment, readings));
    }
    let row = read_locally(app, asked, by_model.is_none(), found, similar, tickets).await?;
    let local = row.result.clone();
    readings.push(row);
    let local = local.context("the local engine always reads")?;
    let Some(by_model) = by_model else { return Ok((local, readings)) };
    Ok((guarded(by_model, local), readings))
}

/// A model's wording on the local engine's facts.
fn guarded(by_model: Assessment, local: Assessment) -> Assessment {
    Assessment {
        sentiment: by_model.sentiment,
        language: by_model.language,
        summary: by_model.summary,
        ..local
    }
}

async fn read_by_model(
    app: &App,
    model: &dyn Model,
    asked: &Asked<'_>,
    found: &Found,
    tickets: &[Ticket],
) -> AssessmentRow {
    let examples = labelled_examples(app, asked, tickets);
    let passages = passages_for_model(app, found);
    let started = app.clock.now();
    let reading = model_assess::assess_with_model(
        model,
        &app.prompts,
        &model_assess::AssessInput {
            text: asked.text,
            thread: &turns_for_prompt(asked.thread),
            catalogue: &app.catalogue,
            passages: &passages,
            examples: &examples,
        },
    )
    .await;
    let (result, failure) = match reading.assessment {
        Ok(assessment) => (Some(assessment), None),
        Err(reason) => {
            tracing::warn!(reason = %reason, "the model gave no usable reading; the local engine decides");
            (None, Some(reason))
        }
    };
    AssessmentRow {
        id: new_id(),
        request_id: asked.request_id.clone(),
        engine: format!("model:{}", model.name()),
        prompt_hash: reading.prompt_hash,
        input_hash: reading.input_hash,
        passages: passage_ids(found, PASSAGES_FOR_MODEL),
        chosen: result.is_some(),
        result,
        failure,
        duration_ms: app.clock.now() - started,
        tokens_in: reading.tokens_in,
        tokens_out: reading.tokens_out,
        created_at: started,
    }
}

async fn read_locally(
    app: &App,
    asked: &Asked<'_>,
    chosen: bool,
    found: &Found,
    similar: &[Similar],
    tickets: &[Ticket],
) -> anyhow::Result<AssessmentRow> {
    let started = app.clock.now();
    let engine = app.engine.current(&app.store, asked.stamps).await?;
    let (text, thread) = (asked.text.to_owned(), asked.thread.to_vec());
    let passages_systems: Vec<_> = found
        .hits
        .iter()
        .take(5)
        .map(|hit| (hit.passage.system.clone(), f64::from(hit.score)))
        .collect();
    let similar: Vec<_> = similar
        .iter()
        .filter_map(|s| {
            let ticket = tickets.iter().find(|t| t.key == s.key)?;
            Some((ticket.system.clone(), ticket.kind, s.score))
        })
        .collect();
    let read = move || {
        engine.assess(&Request {
            text: &text,
            thread: &thread,
            passages_systems: &passages_systems,
            similar: &similar,
        })
    };
    let assessment = app.compute.run(read).await?;
    Ok(AssessmentRow {
        id: new_id(),
        request_id: asked.request_id.clone(),
        engine: "local".into(),
        prompt_hash: String::new(),
        input_hash: input_hash(asked, found),
        passages: passage_ids(found, 5),
        result: Some(assessment),
        failure: None,
        chosen,
        duration_ms: app.clock.now() - started,
        tokens_in: 0,
        tokens_out: 0,
        created_at: started,
    })
}

fn passage_ids(found: &Found, count: usize) -> Vec<String> {
    found.hits.iter().take(count).map(|hit| hit.passage.passage_id.clone()).collect()
}

/// SHA-256 over everything the local engine looked at.
fn input_hash(asked: &Asked<'_>, found: &Found) -> String {
    let mut hash = Sha256::new();
    let mut add = |part: &str| {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    };
    add(asked.text);
    for turn in asked.thread {
        add(&turn.text);
    }
    for hit in &found.hits {
        add(&hit.passage.passage_id);
    }
    hex::encode(hash.finalize())
}

/// The most similar labelled requests this person may see, for the model's prompt.
fn labelled_examples(app: &App, asked: &Asked<'_>, tickets: &[Ticket]) -> Vec<Example> {
    let mut examples: Vec<_> = tickets
        .iter()
        .map(|t| Example {
            text: heed::without_instructions(&t.text),
            kind: t.kind,
            system: t.system.clone(),
            impact: Some(t.impact),
            urgency: Some(t.urgency),
            sentiment: Some(t.sentiment),
            language: Some(t.language.clone()),
        })
        .collect();
    examples.extend(app.engine.nearest_examples(asked.text, 6));
    examples
}
