//! Answering from the passages found: a model composes statements that are each checked
//! against what they cite, or the passages are quoted.

use firstline_core::chat::Citation;
use firstline_core::ticket::Kind;
use firstline_core::triage::cite::{
    Checked, Hit, Notes, PassageText, check_statement_naming, compose_local, conflict_between,
    join_checked, stale_among,
};
use firstline_core::triage::{Abstained, Assessment, Speaker, Turn};
use firstline_core::words;
use firstline_indexer::Found;

use crate::app::App;
use crate::flows::model_answer::{AnswerInput, answer_with_model};
use crate::flows::understand::{Asked, Heard, SoFar};
use crate::prompts::{PassageForPrompt, TurnForPrompt};
use crate::store::new_id;
use crate::store::records::{AssessmentRow, Unsent};

/// Passages a model sees.
pub(crate) const PASSAGES_FOR_MODEL: usize = 8;

/// An answer that passed its checks.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// Markdown with `[n]` markers.
    pub text: String,
    pub citations: Vec<Citation>,
}

/// What answering led to.
pub(crate) struct Drafted {
    pub(crate) answer: Option<Answer>,
    pub(crate) abstained: Option<Abstained>,
    pub(crate) answerable: f64,
    pub(crate) unsent: Vec<Unsent>,
}

/// Answers from `found`, or says why not. A model's calls are added to `readings`.
pub(crate) async fn answer(
    app: &App,
    asked: &Asked<'_>,
    assessment: &Assessment,
    found: &Found,
    heard: Heard<'_>,
    readings: &mut Vec<AssessmentRow>,
) -> anyhow::Result<Drafted> {
    let mut drafted =
        Drafted { answer: None, abstained: None, answerable: found.answerable, unsent: Vec::new() };
    if asked.wants_person || asked.handed_over {
        return Ok(drafted);
    }
    if found.hits.is_empty() {
        drafted.abstained = Some(Abstained::NoSource);
        drafted.answerable = 0.0;
        return Ok(drafted);
    }
    if found.answerable < app.config.triage.answer_at {
        drafted.abstained = Some(Abstained::NotCovered);
        return Ok(drafted);
    }
    if assessment.kind == Kind::None {
        return Ok(drafted);
    }
    let hits = hits(found);
    let today = today(app);
    let stale_months = app.config.knowledge.stale_months;
    // A model composes answers to questions; for the rest a hint from the sources will do.
    let followed_model = readings.iter().any(|r| r.chosen && r.engine != "local");
    if followed_model
        && assessment.kind == Kind::Question
        && model_composed(app, asked, found, &hits, heard, readings, &mut drafted).await?
    {
        return Ok(drafted);
    }
    let text = asked.text.to_owned();
    let local = app.compute.run(move || compose_local(&text, &hits, &today, stale_months)).await?;
    drafted.abstained = local.abstained;
    if local.abstained.is_none() && !local.text.is_empty() {
        let text = with_notes(&local.text, &local.notes, &assessment.language);
        // Chatter and trouble are not answered; drafts of them would flash by.
        if assessment.kind == Kind::Question {
            heard(&text, SoFar::Whole);
        }
        drafted.answer = Some(Answer { text, citations: local.citations });
    }
    Ok(drafted)
}

fn with_notes(text: &str, notes: &Notes, language: &str) -> String {
    let footer = words::answer_footer(notes, language);
    if footer.is_empty() { text.to_owned() } else { format!("{text}\n\n{footer}") }
}

fn hits(found: &Found) -> Vec<Hit> {
    found
        .hits
        .iter()
        .map(|hit| Hit {
            passage_id: hit.passage.passage_id.clone(),
            source: hit.passage.source.clone(),
            path: hit.passage.path.clone(),
            title: hit.passage.title.clone(),
            heading: hit.passage.heading.clone(),
            url: hit.passage.url.clone(),
            text: hit.passage.text.clone(),
            score: f64::from(hit.score),
            reviewed: hit.passage.reviewed.clone(),
        })
        .collect()
}

/// The model's answer, sentence by sentence, each after its check. False when the model
/// failed and the passages are to be quoted instead.
async fn model_composed(
    app: &App,
    asked: &Asked<'_>,
    found: &Found,
    hits: &[Hit],
    heard: Heard<'_>,
    readings: &mut Vec<AssessmentRow>,
    drafted: &mut Drafted,
) -> anyhow::Result<bool> {
    let Some(model) = &app.model else { return Ok(false) };
    let shown = &hits[..hits.len().min(PASSAGES_FOR_MODEL)];
    let numbered: Vec<PassageText> = shown
        .iter()
        .enumerate()
        .map(|(at, hit)| PassageText {
            n: at + 1,
            title: hit.title.clone(),
            heading: hit.heading.clone(),
            text: hit.text.clone(),
        })
        .collect();
    let names: Vec<String> = app
        .catalogue
        .iter()
        .flat_map(|system| std::iter::once(&system.name).chain(&system.aliases).cloned())
        .collect();
    let mut kept: Vec<Checked> = Vec::new();
    let mut dropped: Vec<Unsent> = Vec::new();
    let started = app.clock.now();
    let reading = answer_with_model(
        model.as_ref(),
        &app.prompts,
        &AnswerInput {
            text: asked.text,
            thread: &turns_for_prompt(asked.thread),
            passages: &passages_for_model(app, found),
        },
        &mut |said| match check_statement_naming(&said.text, &said.cites, &numbered, &names) {
            Ok(checked) => {
                kept.push(checked);
                heard(&join_checked(&kept, shown).0, SoFar::Part);
            }
            Err(reason) => {
                dropped.push(Unsent { text: said.text, because: reason.to_string() });
            }
        },
    )
    .await;
    let mut row = AssessmentRow {
        id: new_id(),
        request_id: asked.request_id.clone(),
        engine: format!("model:{}", model.name()),
        prompt_hash: app.prompts.answer.hash.clone(),
        input_hash: String::new(),
        passages: shown.iter().map(|hit| hit.passage_id.clone()).collect(),
        result: None,
        failure: None,
        chosen: false,
        duration_ms: app.clock.now() - started,
        tokens_in: 0,
        tokens_out: 0,
        created_at: started,
    };
    drafted.unsent.append(&mut dropped);
    match reading {
        Ok(reading) => {
            row.input_hash = reading.input_hash;
            row.tokens_in = reading.tokens_in;
            row.tokens_out = reading.tokens_out;
            row.failure = reading.broken_off.map(|error| format!("broken off: {error}"));
            readings.push(row);
            if kept.is_empty() {
                drafted.abstained = Some(reading.abstain.unwrap_or(Abstained::NotCovered));
                return Ok(true);
            }
            let (text, citations) = join_checked(&kept, shown);
            let cited: Vec<Hit> = shown
                .iter()
                .filter(|hit| citations.iter().any(|c| c.passage_id == hit.passage_id))
                .cloned()
                .collect();
            let notes = Notes {
                conflict: conflict_between(asked.text, &cited),
                stale: stale_among(
                    &cited.iter().collect::<Vec<_>>(),
                    &today(app),
                    app.config.knowledge.stale_months,
                ),
            };
            let language = readings
                .iter()
                .find_map(|r| r.result.as_ref())
                .map_or("en", |assessment| assessment.language.as_str());
            drafted.answer = Some(Answer { text: with_notes(&text, &notes, language), citations });
            Ok(true)
        }
        Err(error) => {
            tracing::warn!(reason = %error, "the model gave no answer; the passages are quoted");
            row.failure = Some(error.to_string());
            readings.push(row);
            Ok(false)
        }
    }
}

pub(crate) fn turns_for_prompt(thread: &[Turn]) -> Vec<TurnForPrompt> {
    thread
        .iter()
        .map(|turn| TurnForPrompt {
            from: match turn.from {
                Speaker::Requester => "requester",
                Speaker::Bot => "bot",
                Speaker::Person => "person",
            }
            .to_owned(),
            text: turn.text.clone(),
        })
        .collect()
}

/// The first passages as a model sees them, numbered from 1.
pub(crate) fn passages_for_model(app: &App, found: &Found) -> Vec<PassageForPrompt> {
    let today = today(app);
    hits(found)
        .iter()
        .take(PASSAGES_FOR_MODEL)
        .enumerate()
        .map(|(at, hit)| PassageForPrompt {
            n: at + 1,
            title: hit.title.clone(),
            heading: hit.heading.clone(),
            text: hit.text.clone(),
            reviewed: hit.reviewed.clone(),
            stale: !stale_among(&[hit], &today, app.config.knowledge.stale_months).is_empty(),
        })
        .collect()
}

/// The current UTC day, YYYY-MM-DD.
fn today(app: &App) -> String {
    jiff::Timestamp::from_millisecond(app.clock.now())
        .map(|at| at.strftime("%Y-%m-%d").to_string())
        .unwrap_or_default()
}
