//! Reading: a folder (or one file) to documents, each cut into passages.
//!
//! `source` walks and decides what to read, `docfx`, `html` and `docx` bring every format to
//! Markdown, `blocks` and `passages` cut that into passages, `extract` keeps the dangerous formats
//! in a child process, `watch` reports changes.

mod blocks;
mod docfx;
mod document;
mod docx;
mod extract;
mod frontmatter;
mod html;
mod language;
mod passages;
mod source;
mod text;
mod watch;

pub use document::{Document, Passage, document_from_markdown};
pub use extract::{Extractor, extract_child_main};
pub use source::{Event, MAX_FILE_BYTES, SourceSpec, Totals, read_source};
pub use watch::{Watch, watch};
