//! Sources, documents, passages, and how well they served.

use firstline_core::triage::Abstained;
use serde::Serialize;

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SourceRow {
    pub name: String,
    pub kind: String,
    pub location: String,
    pub audience: String,
    pub documents: i64,
    /// What the last run skipped, with its reasons.
    pub skipped: Vec<(String, String)>,
    pub indexed_at: i64,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DocumentRow {
    pub id: String,
    pub source: String,
    pub path: String,
    pub title: String,
    pub system: Option<String>,
    pub owner: Option<String>,
    pub audience: String,
    pub reviewed: Option<String>,
    pub language: String,
    pub url: String,
    /// Requests whose answer cited it.
    pub cited: i64,
    /// Of those, how many were "not helpful".
    pub not_helpful: i64,
    pub updated_at: i64,
}

#[derive(Debug, Clone, PartialEq)]
pub struct PassageRow {
    pub id: String,
    pub ordinal: i64,
    pub heading: String,
    pub text: String,
}

/// A document to be written, in place of the one from the same source and path.
#[derive(Debug, Clone, PartialEq)]
pub struct NewDocument {
    pub source: String,
    /// Relative to the source's folder.
    pub path: String,
    pub title: String,
    pub system: Option<String>,
    pub owner: Option<String>,
    pub audience: String,
    pub reviewed: Option<String>,
    pub language: String,
    pub url: String,
    /// Of the content, to tell what changed.
    pub hash: String,
    pub markdown: String,
    pub passages: Vec<NewPassage>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct NewPassage {
    /// Headings above it, joined with ` > `.
    pub heading: String,
    pub text: String,
}

/// One step of the change sequence, for the index followers.
#[derive(Debug, Clone, PartialEq)]
pub struct DocumentChange {
    pub sequence: i64,
    pub document: DocumentRow,
    pub deleted: bool,
    pub passages: Vec<PassageRow>,
}

/// A question asked and not answered.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Gap {
    pub request_id: String,
    pub text: String,
    pub system: Option<String>,
    pub reason: Abstained,
    pub ticket_key: Option<String>,
    pub at: i64,
}

/// Outcomes, reported side by side and never added up.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Outcomes {
    pub answered: i64,
    pub confirmed: i64,
    pub assumed: i64,
    pub asked_again: i64,
    pub escalated: i64,
    pub filed: i64,
}

/// Model use on one UTC day.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ModelUsage {
    pub calls: i64,
    pub failures: i64,
    pub tokens_in: i64,
    pub tokens_out: i64,
}
