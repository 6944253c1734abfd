use firstline_core::incident::State;
use serde::Serialize;

/// An incident as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Incident {
    /// `INC-12`.
    pub key: String,
    #[serde(flatten)]
    pub state: State,
    pub created_at: i64,
    pub updated_at: i64,
}
