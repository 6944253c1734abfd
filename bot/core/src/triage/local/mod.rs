//! The engine that works without a model: trained on the shipped examples, the
//! organisation's tickets and its corrections, it reads a request in well under a
//! millisecond. [`LocalEngine::train`] and [`LocalEngine::assess`] are the way in.
//!
//! `features` turns text into numbers (`lexicon` adds ideas shared across wordings and
//! languages), `linear` and `bayes` learn, `pool` joins the verdicts on a text and its sentences
//! into calibrated probabilities, `gauge` reads impact and urgency, `memory` lets corrections count at once, `system`,
//! `language`, `summary`, `facts` and `process` read the rest, `report` measures.

mod addressed;
mod bayes;
mod facts;
mod features;
mod gauge;
mod language;
mod lexicon;
mod linear;
mod memory;
mod pool;
mod process;
pub mod report;
mod summary;
mod system;

use std::sync::Arc;

use crate::ticket::{Impact, Kind, Sentiment, Urgency};
use crate::triage::{Assessment, Example, Speaker, System, Turn};

use features::Counts;
use gauge::Gauge;
use linear::{Linear, Sample, softmax};
use memory::Memory;
use pool::{Pooling, Views};

pub use addressed::{Addressed, AddressedExample};
pub(crate) use features::unspaced;
pub use system::team_of;

/// Up to this many words a message in a thread may be a follow-up ("and for vendors?").
const FOLLOW_UP_WORDS: usize = 9;

/// Heads of the linear model, in this order.
const KIND: usize = 0;
const IMPACT: usize = 1;
const URGENCY: usize = 2;
const SENTIMENT: usize = 3;
const LANGUAGE: usize = 4;
const SYSTEM: usize = 5;

/// What the engine reads: the request and what retrieval found around it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Request<'a> {
    pub text: &'a str,
    /// Earlier turns, oldest first.
    pub thread: &'a [Turn],
    /// Systems of the retrieved passages with their scores, best first.
    pub passages_systems: &'a [(Option<String>, f64)],
    /// System, kind and similarity (0..1) of earlier tickets like this one.
    pub similar: &'a [(Option<String>, Kind, f64)],
}

/// The trained engine. Immutable: train a new one to learn more.
pub struct LocalEngine {
    model: Arc<Linear>,
    pooling: Arc<Pooling>,
    gauge: Arc<Gauge>,
    memory: Memory,
    languages: Vec<String>,
    catalogue: Vec<System>,
    /// Whether any ticket taught the system head.
    knows_systems: bool,
}

impl LocalEngine {
    /// Trains on the `shipped` examples and the `organisation`'s tickets and remembers its
    /// owners' `corrections`, which so touch only requests like them; deterministic.
    pub fn train(
        shipped: &[Example],
        organisation: &[Example],
        corrections: &[Example],
        catalogue: &[System],
    ) -> LocalEngine {
        let languages = language::labels(shipped);
        let label = |example: &Example| sample(example, &languages, catalogue);
        let mut samples: Vec<Sample> = shipped.iter().map(label).collect();
        for sample in &mut samples {
            sample.labels[SYSTEM].get_or_insert(catalogue.len());
        }
        let classes = [
            Kind::ALL.len(),
            Impact::ALL.len(),
            Urgency::ALL.len(),
            Sentiment::ALL.len(),
            languages.len().max(1),
            // The last class is none of them, as most shipped examples are.
            catalogue.len() + 1,
        ];
        let (pooling, gauge) = Pooling::learn(shipped, &samples);
        samples.extend(organisation.iter().map(|e| Sample { parts: Vec::new(), ..label(e) }));
        let model = Arc::new(Linear::train(&samples.iter().collect::<Vec<_>>(), &classes));
        let memory = Memory::of(corrections, &model);
        let taught = |s: &Sample| s.labels[SYSTEM].is_some_and(|class| class < catalogue.len());
        let knows_systems = samples.iter().any(taught);
        LocalEngine {
            model,
            pooling: Arc::new(pooling),
            gauge: Arc::new(gauge),
            memory,
            languages,
            catalogue: catalogue.to_vec(),
            knows_systems,
        }
    }

    /// The same engine with other `corrections` in mind: at once, without training.
    pub fn with_corrections(&self, corrections: &[Example]) -> LocalEngine {
        LocalEngine {
            model: self.model.clone(),
            pooling: self.pooling.clone(),
            gauge: self.gauge.clone(),
            memory: Memory::of(corrections, &self.model),
            languages: self.languages.clone(),
            catalogue: self.catalogue.clone(),
            knows_systems: self.knows_systems,
        }
    }

    /// Reads a request. Never fails: an empty text is [`Kind::None`].
    pub fn assess(&self, request: &Request<'_>) -> Assessment {
        let text = pool::digest(request.text);
        let (counts, parts) = Counts::with_parts(&text);
        let views = Views::of(&counts, &parts, &self.model);
        let mut kinds = self.pooling.probabilities(&views);
        let context = follow_up(request.text, request.thread);
        if let Some(before) = context {
            self.lean_on(before, &mut kinds);
        }
        pool::lean_on_similar(&mut kinds, request.similar);
        let recalled = self.memory.recall(&self.model.vector(&counts));
        if let Some(recalled) = &recalled {
            for (kind, p) in Kind::ALL.iter().zip(&mut kinds) {
                let target = if *kind == recalled.example.kind { 0.95 } else { 0.01 };
                *p = recalled.trust * target + (1.0 - recalled.trust) * *p;
            }
        }
        if !text.chars().any(char::is_alphanumeric) {
            kinds = [0.0, 0.0, 0.0, 0.0, 0.0, 1.0];
        }
        let best = pool::best(&kinds);
        let kind = Kind::ALL[best];
        let summary = summary::summarise(&text, &views, best);
        let scores = &views.whole;
        let believed = recalled.as_ref().filter(|r| r.trust > 0.5).map(|r| r.example);
        let fields = facts::read(kind, &text, &summary);
        let missing = facts::missing(kind, &fields);
        let (impact, urgency) = self.gauge.read(&text, &views, &self.model);
        // What was found for chatter says nothing about it.
        let vouched = match kind {
            Kind::None => Request { passages_systems: &[], similar: &[], ..*request },
            _ => *request,
        };
        Assessment {
            kind,
            confidence: f64::from(kinds[best]).clamp(0.0, 1.0),
            system: self.system(&vouched, &text, context, scores, believed),
            impact: believed.and_then(|e| e.impact).unwrap_or(impact),
            urgency: believed.and_then(|e| e.urgency).unwrap_or(urgency),
            sentiment: believed
                .and_then(|e| e.sentiment)
                .unwrap_or(Sentiment::ALL[pool::best(&scores[self.model.head(SENTIMENT).range()])]),
            language: self.language(&text, scores, context),
            summary,
            fields,
            missing,
        }
    }

    /// A follow-up shares the kind of what it follows, as far as it does not say itself.
    fn lean_on(&self, before: &str, kinds: &mut [f32; 6]) {
        let before = pool::digest(before);
        let (counts, parts) = Counts::with_parts(&before);
        let views = Views::of(&counts, &parts, &self.model);
        let earlier = self.pooling.probabilities(&views);
        let own = pool::best(kinds);
        if own == Kind::None as usize && kinds[own] > 0.5 {
            return;
        }
        let trust = (kinds[own] - 0.25).clamp(0.2, 0.8);
        for (p, e) in kinds.iter_mut().zip(earlier) {
            *p = trust * *p + (1.0 - trust) * e;
        }
    }

    fn language(&self, text: &str, scores: &[f32], context: Option<&str>) -> String {
        let mut head = scores[self.model.head(LANGUAGE).range()].to_vec();
        softmax(&mut head);
        head.truncate(self.languages.len());
        language::detect(text, &head, &self.languages, context)
    }

    fn system(
        &self,
        request: &Request<'_>,
        text: &str,
        context: Option<&str>,
        scores: &[f32],
        believed: Option<&Example>,
    ) -> Option<String> {
        if let Some(system) = believed.and_then(|e| e.system.clone()) {
            return Some(system);
        }
        let learnt = self.knows_systems.then_some(()).and_then(|()| {
            let mut head = scores[self.model.head(SYSTEM).range()].to_vec();
            softmax(&mut head);
            let best = pool::best(&head);
            Some((self.catalogue.get(best)?.name.as_str(), head[best]))
        });
        let thread = context.into_iter().chain(
            request.thread.iter().rev().filter(|t| t.from == Speaker::Requester).map(|t| &*t.text),
        );
        system::find(&self.catalogue, text, thread, request, learnt)
    }
}

/// The earlier request this message continues, when it is too short to stand alone.
fn follow_up<'t>(text: &str, thread: &'t [Turn]) -> Option<&'t str> {
    if crate::text::words(text).len() > FOLLOW_UP_WORDS {
        return None;
    }
    let mut said = thread.iter().rev().filter(|t| t.from == Speaker::Requester);
    let last = said.next()?;
    // A chain of follow-ups leads back to the message that says what it is about.
    let fuller = said.find(|t| crate::text::words(&t.text).len() > FOLLOW_UP_WORDS / 2);
    let short = crate::text::words(&last.text).len() <= FOLLOW_UP_WORDS / 2;
    Some(fuller.filter(|_| short).map_or(&*last.text, |t| &*t.text))
}

/// `text` as a search would need it: a follow-up carries what it follows.
pub fn standalone(text: &str, thread: &[Turn]) -> String {
    match follow_up(text, thread) {
        Some(before) => format!("{before}\n{text}"),
        None => text.to_owned(),
    }
}

fn sample(example: &Example, languages: &[String], catalogue: &[System]) -> Sample {
    let system = example.system.as_ref();
    let language = example.language.as_ref();
    let (counts, parts) = Counts::with_parts(&pool::digest(&example.text));
    Sample {
        counts,
        parts,
        labels: vec![
            Some(example.kind as usize),
            example.impact.map(|i| i as usize),
            example.urgency.map(|u| u as usize),
            example.sentiment.map(|s| s as usize),
            language.and_then(|l| languages.iter().position(|known| known == l)),
            system.and_then(|s| catalogue.iter().position(|c| c.name.eq_ignore_ascii_case(s))),
        ],
    }
}

#[cfg(test)]
mod tests;
