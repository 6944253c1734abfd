//! What both measurements need: a folder read into changes for an index.

use std::collections::HashMap;
use std::path::Path;

use firstline_indexer::{
    Change, Document, Event, Extractor, IndexedPassage, SourceSpec, read_source,
};

/// Reads a folder; PDF and DOCX need `firstline-extract` beside the examples and are skipped
/// otherwise.
pub(crate) fn read(folder: &Path) -> anyhow::Result<(Vec<Document>, u64)> {
    let program = std::env::current_exe()?
        .ancestors()
        .nth(2)
        .map(|target| target.join("firstline-extract"))
        .unwrap_or_default();
    let spec = SourceSpec {
        name: "measured".to_owned(),
        root: folder.to_owned(),
        audience: "everyone".to_owned(),
    };
    let mut documents = Vec::new();
    let extractor = Extractor::new(program, Vec::new());
    let totals = read_source(&spec, &HashMap::new(), &extractor, &mut |event| {
        if let Event::Document(document) = event {
            documents.push(*document);
        }
        Ok(())
    })?;
    Ok((documents, totals.bytes))
}

/// The change that brings a document into the index. `copy` tells copies of one document apart.
pub(crate) fn change(document: &Document, copy: usize) -> Change {
    let document_id = format!("{}#{copy}", document.path);
    let passages = document
        .passages
        .iter()
        .map(|p| IndexedPassage {
            passage_id: format!("{document_id}/{}", p.ordinal),
            document_id: document_id.clone(),
            source: document.source.clone(),
            path: document.path.clone(),
            title: document.title.clone(),
            heading: p.heading.clone(),
            text: p.text.clone(),
            url: document.url.clone(),
            system: document.system.clone(),
            owner: document.owner.clone(),
            reviewed: document.reviewed.clone(),
            audience: document.audience.clone(),
            language: document.language.clone(),
        })
        .collect();
    Change::Upsert { document_id, passages }
}
