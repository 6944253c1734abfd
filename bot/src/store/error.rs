//! What can go wrong in the store, in three kinds.

use thiserror::Error;

/// A failed use case. Nothing of it was written.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The database is away, full or too busy; the same call may work later.
    #[error("The database cannot be used now: {0}. Check that it runs and that its disk has room.")]
    Unavailable(String),
    /// The write contradicts what is stored.
    #[error("The change contradicts what is stored: {0}")]
    Conflict(String),
    #[error("{0}")]
    Other(String),
}

pub type Result<T> = std::result::Result<T, StoreError>;

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error as E;
        match &error {
            E::Database(db) => {
                let code = db.code().unwrap_or_default();
                // SQLite: busy, locked, I/O error, full, cannot open. PostgreSQL: connection
                // trouble, too few resources, an operator's stop.
                let away = matches!(&*code, "5" | "6" | "10" | "13" | "14" | "261" | "517")
                    || (code.len() == 5 && ["08", "53", "57"].contains(&&code[..2]));
                if away {
                    StoreError::Unavailable(error.to_string())
                } else if db.is_unique_violation()
                    || db.is_foreign_key_violation()
                    || matches!(&*code, "40001" | "40P01")
                {
                    StoreError::Conflict(error.to_string())
                } else {
                    StoreError::Other(format!("The database refused: {error}"))
                }
            }
            E::Io(_) | E::Tls(_) | E::PoolTimedOut | E::PoolClosed | E::WorkerCrashed => {
                StoreError::Unavailable(error.to_string())
            }
            _ => StoreError::Other(format!("The database's answer could not be used: {error}")),
        }
    }
}

impl From<sqlx::migrate::MigrateError> for StoreError {
    fn from(error: sqlx::migrate::MigrateError) -> Self {
        match error {
            sqlx::migrate::MigrateError::Execute(error) => error.into(),
            other => StoreError::Other(format!(
                "The database could not be brought up to date: {other}. Is it from a newer version?"
            )),
        }
    }
}
