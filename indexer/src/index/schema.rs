//! The shape of the index: one text field per language, filters as fast fields, and the
//! whole passage stored compressed.

use std::collections::HashMap;

use tantivy::schema::{
    FAST, Field, INDEXED, IndexRecordOption, STORED, STRING, Schema, TextFieldIndexing, TextOptions,
};
use tantivy::tokenizer::{TextAnalyzer, TokenizerManager};
use tantivy::{Index, TantivyDocument, doc};

use super::IndexedPassage;
use super::analysis::{self, CodeTokenizer, STEMMED, UNSTEMMED};
use crate::dense::content_key;

/// The words of one language: title, title again, heading, body, in this order. One field keeps
/// a question to one lookup a word; where a word stands is told by its position.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TextField {
    pub(crate) suffix: &'static str,
    pub(crate) field: Field,
}

/// How many words title and heading have, to tell them from the body by position.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Lengths {
    pub(crate) title: u32,
    pub(crate) heading: u32,
}

impl Lengths {
    fn pack(self) -> u64 {
        u64::from(self.title) << 32 | u64::from(self.heading)
    }

    pub(crate) fn unpack(packed: u64) -> Self {
        Self { title: (packed >> 32) as u32, heading: packed as u32 }
    }

    /// Between two values of a field lies one empty position.
    pub(crate) fn place(self, position: u32) -> Place {
        let again = self.title + 1;
        let heading = again + self.title + 1;
        let body = heading + self.heading + 1;
        if position < again {
            Place::Title
        } else if position < heading {
            Place::TitleAgain
        } else if position < body {
            Place::Heading
        } else {
            Place::Body
        }
    }
}

/// Where a word stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Title,
    /// The title's second copy, which only adds to its weight.
    TitleAgain,
    Heading,
    Body,
}

#[derive(Debug, Clone)]
pub(crate) struct Fields {
    /// Deletions go by this.
    pub(crate) document: Field,
    pub(crate) data: Field,
    pub(crate) texts: Vec<TextField>,
    /// Identifiers, whole.
    pub(crate) code: Field,
}

/// Fast fields by name.
pub(crate) const AUDIENCE: &str = "audience";
pub(crate) const DOCUMENT_KEY: &str = "document_key";
/// Share of the passage that is running text, in percent.
pub(crate) const PROSE: &str = "prose";
/// [`Lengths`], packed.
pub(crate) const LENGTHS: &str = "lengths";
/// Number of the content, by which a passage finds its vector.
pub(crate) const CONTENT: &str = "content";

pub(crate) fn build() -> (Schema, Fields) {
    let mut schema = Schema::builder();
    let document = schema.add_text_field("document", STRING);
    schema.add_text_field(AUDIENCE, STRING | FAST);
    schema.add_u64_field(DOCUMENT_KEY, FAST | INDEXED);
    schema.add_u64_field(PROSE, FAST);
    schema.add_u64_field(LENGTHS, FAST);
    schema.add_u64_field(CONTENT, FAST);
    let data = schema.add_text_field("data", STORED);
    let text = |analyzer: &str, record| {
        TextOptions::default().set_indexing_options(
            TextFieldIndexing::default().set_tokenizer(analyzer).set_index_option(record),
        )
    };
    let mut texts = Vec::new();
    for suffix in STEMMED.iter().map(|(n, _)| *n).chain([UNSTEMMED]) {
        let options = text(suffix, IndexRecordOption::WithFreqsAndPositions);
        texts.push(TextField {
            suffix,
            field: schema.add_text_field(&format!("text_{suffix}"), options),
        });
    }
    let code = schema.add_text_field("code", text(analysis::CODE, IndexRecordOption::WithFreqs));
    (schema.build(), Fields { document, data, texts, code })
}

pub(crate) fn register(index: &Index) {
    let manager: &TokenizerManager = index.tokenizers();
    for suffix in STEMMED.iter().map(|(n, _)| *n).chain([UNSTEMMED]) {
        manager.register(suffix, analysis::analyzer(suffix));
    }
    manager.register(analysis::CODE, TextAnalyzer::from(CodeTokenizer::default()));
}

/// A stable number for a document id, for grouping passages without reading them.
pub(crate) fn document_key(id: &str) -> u64 {
    // FNV-1a: short, stable across versions, and a clash only merges two hits.
    id.bytes().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3))
}

pub(crate) fn document(
    fields: &Fields,
    schema: &Schema,
    analyzers: &mut Analyzers,
    document_id: &str,
    p: &IndexedPassage,
) -> anyhow::Result<TantivyDocument> {
    let suffix = analysis::suffix(&p.language);
    let texts = fields
        .texts
        .iter()
        .find(|t| t.suffix == suffix)
        .ok_or_else(|| anyhow::anyhow!("the index has no fields for {suffix}"))?;
    // The title already counts by itself; in the heading path it would count twice.
    let heading = p.heading.strip_prefix(p.title.as_str()).unwrap_or(&p.heading);
    let heading = heading.trim_start_matches(" > ");
    let system = p.system.as_deref().filter(|s| !contains_word(&p.title, s)).unwrap_or_default();
    // A file's name often says in plain words what a polished title does not.
    let name = p.path.rsplit('/').next().unwrap_or_default();
    let name = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let heading = format!("{heading} {system} {name}");
    let lengths = Lengths {
        title: words(analyzers, suffix, &p.title),
        heading: words(analyzers, suffix, &heading),
    };
    Ok(doc!(
        fields.document => document_id,
        schema.get_field(AUDIENCE)? => p.audience.as_str(),
        schema.get_field(DOCUMENT_KEY)? => document_key(document_id),
        schema.get_field(PROSE)? => prose_percent(&p.text),
        schema.get_field(LENGTHS)? => lengths.pack(),
        schema.get_field(CONTENT)? => content_key(p),
        fields.data => serde_json::to_string(p)?,
        texts.field => p.title.as_str(),
        texts.field => p.title.as_str(),
        texts.field => heading,
        texts.field => p.text.as_str(),
        fields.code => p.title.as_str(),
        fields.code => p.text.as_str(),
    ))
}

/// Analyzers by field suffix, kept over a whole change so that their memory pays.
pub(crate) type Analyzers = HashMap<&'static str, TextAnalyzer>;

fn words(analyzers: &mut Analyzers, suffix: &'static str, text: &str) -> u32 {
    let analyzer = analyzers.entry(suffix).or_insert_with(|| analysis::analyzer(suffix));
    let mut count = 0;
    analyzer.token_stream(text).process(&mut |_| count += 1);
    count
}

fn contains_word(text: &str, word: &str) -> bool {
    text.to_lowercase().contains(&word.to_lowercase())
}

/// How much of a text is sentences. Lists of links and release notes are short lines without an
/// end; steps and tables are not punished, because their lines say something.
fn prose_percent(text: &str) -> u64 {
    let (mut all, mut running) = (0u64, 0u64);
    for line in text.lines() {
        let words = line.split_whitespace().count() as u64;
        all += words;
        let closed = line.trim_end().ends_with(['.', '!', '?', ':', '|', ')']);
        if closed || words > 14 {
            running += words;
        }
    }
    (running * 100).checked_div(all).unwrap_or(100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_is_told_from_link_lists() {
        assert!(prose_percent("Open the page. Choose the action.\n\n1. Select it.") > 90);
        assert!(prose_percent("- Set up sales\n- Set up purchasing\n- Walkthroughs") < 10);
    }
}
