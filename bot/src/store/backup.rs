//! Backup and restore. A backup is one SQLite file whichever database it comes from, so
//! it also moves an installation from one database to the other.

use std::path::{Path, PathBuf};

use futures::TryStreamExt;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions, SqliteRow};
use sqlx::{
    AssertSqlSafe, ColumnIndex, Connection, Database, Decode, Encode, Executor, QueryBuilder, Row,
    SqliteConnection, Type,
};

use super::db::TxInner;
use super::{Pools, Result, SQLITE, Store, StoreError, new_id};

/// Rows written by one statement.
const CHUNK: usize = 100;

/// A table and its columns with their kinds, in the order of the schema: what others
/// refer to comes first.
struct Table {
    name: String,
    columns: Vec<(String, ColumnKind)>,
}

#[derive(Clone, Copy)]
enum ColumnKind {
    Text,
    Int,
    Bool,
    Real,
    Bytes,
}

/// One value on its way from one database to the other.
enum Cell {
    Text(Option<String>),
    Int(Option<i64>),
    Bool(Option<bool>),
    Real(Option<f64>),
    Bytes(Option<Vec<u8>>),
}

impl Store {
    /// Writes a backup while the service runs: one consistent moment of everything.
    /// Refuses to replace a file.
    pub async fn backup(&self, path: &Path) -> Result<()> {
        if path.exists() {
            return Err(StoreError::Conflict(format!(
                "{} exists. Name a new file for the backup.",
                path.display()
            )));
        }
        // Under its final name only once it is whole.
        let mut partial = path.as_os_str().to_owned();
        partial.push(".partial");
        let partial = PathBuf::from(partial);
        remove(&partial)?;
        let written = match &self.pools {
            Pools::Sqlite { w, .. } => copy_sqlite(&w.connect_options(), &partial).await,
            Pools::Pg(_) => self.copy_postgres(&partial).await,
        };
        if let Err(error) = written {
            let _ = remove(&partial);
            return Err(error);
        }
        std::fs::rename(&partial, path).map_err(|e| file_error(path, &e))
    }

    /// Fills an empty database from a backup, also one of an older version. Refuses a
    /// database that holds anything.
    pub async fn restore(url: &str, path: &Path) -> Result<()> {
        if !path.is_file() {
            return Err(StoreError::Other(format!("There is no backup at {}.", path.display())));
        }
        // Brought up to date in a copy: the backup stays as it is.
        let copy = std::env::temp_dir().join(format!("firstline-restore-{}", new_id()));
        std::fs::copy(path, &copy).map_err(|e| file_error(&copy, &e))?;
        let restored = fill(url, path, &copy).await;
        for suffix in ["", "-wal", "-shm", "-journal"] {
            let mut name = copy.as_os_str().to_owned();
            name.push(suffix);
            let _ = remove(Path::new(&name));
        }
        restored
    }

    async fn copy_postgres(&self, target: &Path) -> Result<()> {
        let Pools::Pg(pool) = &self.pools else { return Ok(()) };
        if !self.migrations_pending().await?.is_empty() {
            return Err(StoreError::Conflict(
                "The database is older than this version. Run `firstline migrate` first.".into(),
            ));
        }
        let file = open_file(target, true).await?;
        SQLITE.run(&file).await?;
        let tables = tables(&file).await?;
        let mut from =
            pool.begin_with("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
        let mut into = file.begin().await?;
        for table in &tables {
            let sql = table.select();
            let mut rows = sqlx::query(AssertSqlSafe(sql)).fetch(&mut *from);
            let mut chunk = Vec::with_capacity(CHUNK);
            while let Some(row) = rows.try_next().await? {
                chunk.push(table.cells(&row)?);
                if chunk.len() == CHUNK {
                    into.execute(table.insert(&mut chunk).build()).await?;
                }
            }
            if !chunk.is_empty() {
                into.execute(table.insert(&mut chunk).build()).await?;
            }
        }
        into.commit().await?;
        file.close().await;
        Ok(())
    }

    async fn is_empty(&self, tables: &[Table]) -> Result<bool> {
        for table in tables {
            let sql = format!("SELECT count(*) FROM {}", table.name);
            let count: i64 =
                read!(self, |c| sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(c).await?);
            if count > 0 {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

async fn fill(url: &str, path: &Path, copy: &Path) -> Result<()> {
    let file = open_file(copy, false).await?;
    let ours: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM sqlite_master WHERE name IN ('_sqlx_migrations', 'ticket', 'inbox')",
    )
    .fetch_one(&file)
    .await
    .map_err(|_| not_ours(path))?;
    if ours != 3 {
        return Err(not_ours(path));
    }
    SQLITE.run(&file).await?;
    let tables = tables(&file).await?;
    let store = Store::connect(url).await?;
    store.migrate().await?;
    if !store.is_empty(&tables).await? {
        store.close().await;
        return Err(StoreError::Conflict(
            "The database to restore into is not empty. Name a new one in database.url.".into(),
        ));
    }
    let mut tx = store.begin().await?;
    for table in &tables {
        let mut rows = sqlx::query(AssertSqlSafe(table.select())).fetch(&file);
        let mut chunk = Vec::with_capacity(CHUNK);
        loop {
            let row: Option<SqliteRow> = rows.try_next().await?;
            let end = row.is_none();
            if let Some(row) = row {
                chunk.push(table.cells(&row)?);
            }
            if chunk.len() == CHUNK || (end && !chunk.is_empty()) {
                match &mut tx.inner {
                    TxInner::Sqlite(to) => {
                        to.execute(table.insert(&mut chunk).build()).await?;
                    }
                    TxInner::Pg(to) => {
                        to.execute(table.insert(&mut chunk).build()).await?;
                    }
                }
            }
            if end {
                break;
            }
        }
    }
    tx.commit().await?;
    file.close().await;
    store.close().await;
    Ok(())
}

/// Through a connection of its own, so that writers go on.
async fn copy_sqlite(options: &SqliteConnectOptions, target: &Path) -> Result<()> {
    let mut connection = SqliteConnection::connect_with(options).await?;
    let Some(target) = target.to_str() else {
        return Err(StoreError::Other("The backup's path is not valid UTF-8.".into()));
    };
    sqlx::query("VACUUM INTO $1").bind(target).execute(&mut connection).await?;
    connection.close().await?;
    Ok(())
}

async fn open_file(path: &Path, create: bool) -> Result<SqlitePool> {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(create);
    Ok(SqlitePoolOptions::new().max_connections(1).connect_with(options).await?)
}

async fn tables(file: &SqlitePool) -> Result<Vec<Table>> {
    let names: Vec<String> = sqlx::query_scalar(
        "SELECT name FROM sqlite_master
         WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> '_sqlx_migrations'
         ORDER BY rowid",
    )
    .fetch_all(file)
    .await?;
    let mut tables = Vec::new();
    for name in names {
        let columns: Vec<(String, String)> =
            sqlx::query_as("SELECT name, type FROM pragma_table_info($1) ORDER BY cid")
                .bind(&name)
                .fetch_all(file)
                .await?;
        let columns = columns
            .into_iter()
            .map(|(column, kind)| Ok((column, ColumnKind::of(&kind)?)))
            .collect::<Result<_>>()?;
        tables.push(Table { name, columns });
    }
    Ok(tables)
}

impl ColumnKind {
    fn of(declared: &str) -> Result<Self> {
        match declared {
            "TEXT" => Ok(ColumnKind::Text),
            "BIGINT" => Ok(ColumnKind::Int),
            "BOOLEAN" => Ok(ColumnKind::Bool),
            "DOUBLE PRECISION" => Ok(ColumnKind::Real),
            "BLOB" => Ok(ColumnKind::Bytes),
            other => Err(StoreError::Other(format!("A column of type {other} cannot be copied."))),
        }
    }
}

impl Table {
    fn names(&self) -> String {
        let names: Vec<&str> = self.columns.iter().map(|(name, _)| name.as_str()).collect();
        names.join(", ")
    }

    fn select(&self) -> String {
        format!("SELECT {} FROM {}", self.names(), self.name)
    }

    fn cells<R>(&self, row: &R) -> Result<Vec<Cell>>
    where
        R: Row,
        usize: ColumnIndex<R>,
        Option<String>: for<'a> Decode<'a, R::Database> + Type<R::Database>,
        Option<i64>: for<'a> Decode<'a, R::Database> + Type<R::Database>,
        Option<bool>: for<'a> Decode<'a, R::Database> + Type<R::Database>,
        Option<f64>: for<'a> Decode<'a, R::Database> + Type<R::Database>,
        Option<Vec<u8>>: for<'a> Decode<'a, R::Database> + Type<R::Database>,
    {
        self.columns
            .iter()
            .enumerate()
            .map(|(at, (_, kind))| {
                Ok(match kind {
                    ColumnKind::Text => Cell::Text(row.try_get(at)?),
                    ColumnKind::Int => Cell::Int(row.try_get(at)?),
                    ColumnKind::Bool => Cell::Bool(row.try_get(at)?),
                    ColumnKind::Real => Cell::Real(row.try_get(at)?),
                    ColumnKind::Bytes => Cell::Bytes(row.try_get(at)?),
                })
            })
            .collect()
    }

    /// Takes the rows out of `chunk`.
    fn insert<DB>(&self, chunk: &mut Vec<Vec<Cell>>) -> QueryBuilder<DB>
    where
        DB: Database,
        Option<String>: for<'a> Encode<'a, DB> + Type<DB>,
        Option<i64>: for<'a> Encode<'a, DB> + Type<DB>,
        Option<bool>: for<'a> Encode<'a, DB> + Type<DB>,
        Option<f64>: for<'a> Encode<'a, DB> + Type<DB>,
        Option<Vec<u8>>: for<'a> Encode<'a, DB> + Type<DB>,
    {
        let mut q = QueryBuilder::new(format!("INSERT INTO {} ({}) ", self.name, self.names()));
        q.push_values(chunk.drain(..), |mut row, cells| {
            for cell in cells {
                match cell {
                    Cell::Text(value) => row.push_bind(value),
                    Cell::Int(value) => row.push_bind(value),
                    Cell::Bool(value) => row.push_bind(value),
                    Cell::Real(value) => row.push_bind(value),
                    Cell::Bytes(value) => row.push_bind(value),
                };
            }
        });
        q
    }
}

fn remove(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(file_error(path, &e)),
        _ => Ok(()),
    }
}

fn file_error(path: &Path, error: &std::io::Error) -> StoreError {
    StoreError::Other(format!("{} could not be written: {error}.", path.display()))
}

fn not_ours(path: &Path) -> StoreError {
    StoreError::Other(format!("{} is not a backup of Firstline.", path.display()))
}
