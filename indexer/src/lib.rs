//! Firstline's indexer: sources to documents, documents to passages, passages to a local index.
//!
//! - [`read_source`] walks a folder of Markdown, HTML, text, PDF and DOCX and reports each
//!   [`Document`] with its passages; a hostile file is skipped with a sentence.
//! - [`LocalIndex`] holds passages for search. It is a copy: whoever owns the passages feeds it
//!   [`Change`]s with a rising sequence number and can rebuild it at any time.
//! - [`LocalIndex::search`] ranks the passages a reader may see and says how likely it is that
//!   they answer the question ([`Found::answerable`]).
//! - [`Embedder`] turns sentences into vectors. Given one, an index also finds passages that share
//!   no words with the question; [`LocalIndex::embed_some`] computes what it needs for that.
//!
//! The crate knows nothing of chat, tickets or the store.

mod dense;
mod embed;
mod index;
mod priority;
mod read;

pub use dense::{Progress, Vectors};
pub use embed::{Embedder, EmbedderError};
pub use index::{
    Change, Found, Hit, INDEX_VERSION, IndexBusy, IndexedPassage, LocalIndex, Opened, Query,
    Signals, one_per_document,
};
pub use priority::step_back;
pub use read::{
    Document, Event, Extractor, MAX_FILE_BYTES, Passage, SourceSpec, Totals, Watch,
    document_from_markdown, extract_child_main, read_source, watch,
};
