//! indexer

/// What is searched for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Query {
    pub text: String,
    /// Earlier messages of the requester, oldest first; they weigh less.
    pub thread: Vec<String>,
    /// Audiences of the reader; everything else is filtered before ranking.
    pub audiences: Vec<String>,
    pub language: Option<String>,
    /// Passages wanted.
    pub limit: usize,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Found {
    pub hits: Vec<Hit>,
    /// Calibrated probability that the passages answer the query, 0..1.
    pub answerable: f64,
    pub coverage: f64,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Hit {
    pub passage: IndexedPassage,
    pub score: f32,
    pub snippet: String,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct IndexedPassage {
    pub passage_id: String,
    pub document_id: String,
    pub source: String,
    pub path: String,
    pub title: String,
    pub heading: String,
    pub text: String,
    pub url: String,
    pub system: Option<String>,
    pub owner: Option<String>,
    pub reviewed: Option<String>,
    pub audience: String,
    pub language: String,
}
