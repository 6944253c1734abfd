//! The store: one type over SQLite and PostgreSQL. A method is one use case in one
//! transaction.

pub mod records;

/// Cheap to clone.
#[derive(Clone)]
pub struct Store {}
