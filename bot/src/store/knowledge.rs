//! Sources, documents and their passages, with the change sequence the local indexes
//! follow.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

use super::encode::{json, of_json};
use super::records::{DocumentChange, DocumentRow, NewDocument, PassageRow, SourceRow, Viewer};
use super::{Result, Store, Tx};

/// The change sequence. Its row is locked until the commit, so the order of commits is
/// the order of the sequence and no follower can miss a change.
const CHANGES: &str = "change";

#[derive(sqlx::FromRow)]
struct DocumentDb {
    id: String,
    source: String,
    path: String,
    title: String,
    system: Option<String>,
    owner: Option<String>,
    audience: String,
    reviewed: Option<String>,
    language: String,
    url: String,
    cited: i64,
    not_helpful: i64,
    deleted: bool,
    change_seq: i64,
    updated_at: i64,
}

impl DocumentDb {
    fn record(self) -> DocumentRow {
        DocumentRow {
            id: self.id,
            source: self.source,
            path: self.path,
            title: self.title,
            system: self.system,
            owner: self.owner,
            audience: self.audience,
            reviewed: self.reviewed,
            language: self.language,
            url: self.url,
            cited: self.cited,
            not_helpful: self.not_helpful,
            updated_at: self.updated_at,
        }
    }
}

#[derive(sqlx::FromRow)]
struct PassageDb {
    id: String,
    ordinal: i64,
    heading: String,
    text: String,
}

impl From<PassageDb> for PassageRow {
    fn from(row: PassageDb) -> Self {
        PassageRow { id: row.id, ordinal: row.ordinal, heading: row.heading, text: row.text }
    }
}

#[derive(sqlx::FromRow)]
struct SourceDb {
    name: String,
    kind: String,
    location: String,
    audience: String,
    documents: i64,
    skipped: String,
    indexed_at: i64,
}

/// A document's columns with how often it was cited.
macro_rules! documents_sql {
    ($($rest:literal),*) => {
        concat!(
            "SELECT d.id, d.source, d.path, d.title, d.system, d.owner, d.audience, d.reviewed,
                 d.language, d.url, d.deleted, d.change_seq, d.updated_at,
                 (SELECT count(*) FROM citation k WHERE k.document_id = d.id) AS cited,
                 (SELECT count(*) FROM citation k JOIN request r ON r.id = k.request_id
                   WHERE k.document_id = d.id AND r.verdict = 'not_helpful') AS not_helpful
             FROM document d ",
            $($rest),*
        )
    };
}

/// The id of a document, the same whenever its file is read.
pub fn document_id(source: &str, path: &str) -> String {
    let mut hash = Sha256::new();
    hash.update((source.len() as u64).to_be_bytes());
    hash.update(source);
    hash.update(path);
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.finalize()[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid().to_string()
}

impl Store {
    /// Records a source and what its last run skipped, each with its reason.
    pub async fn put_source(
        &self,
        name: &str,
        kind: &str,
        location: &str,
        audience: &str,
        skipped: &[(String, String)],
        now: i64,
    ) -> Result<()> {
        let skipped = json(&skipped)?;
        let mut tx = self.begin().await?;
        exec!(
            tx,
            sqlx::query(
                "INSERT INTO source (name, kind, location, audience, skipped, indexed_at)
                 VALUES ($1, $2, $3, $4, $5, $6)
                 ON CONFLICT (name) DO UPDATE SET kind = excluded.kind,
                     location = excluded.location, audience = excluded.audience,
                     skipped = excluded.skipped, indexed_at = excluded.indexed_at",
            )
            .bind(name)
            .bind(kind)
            .bind(location)
            .bind(audience)
            .bind(skipped)
            .bind(now)
        );
        tx.commit().await
    }

    /// By name.
    pub async fn sources(&self) -> Result<Vec<SourceRow>> {
        let rows: Vec<SourceDb> = read!(self, |c| sqlx::query_as(
            "SELECT s.*, (SELECT count(*) FROM document d
                          WHERE d.source = s.name AND NOT d.deleted) AS documents
             FROM source s ORDER BY s.name",
        )
        .fetch_all(c)
        .await?);
        rows.into_iter()
            .map(|row| {
                Ok(SourceRow {
                    name: row.name,
                    kind: row.kind,
                    location: row.location,
                    audience: row.audience,
                    documents: row.documents,
                    skipped: of_json(&row.skipped)?,
                    indexed_at: row.indexed_at,
                })
            })
            .collect()
    }

    /// Removes a source with its documents; `false` when there is none of this name.
    pub async fn remove_source(&self, name: &str, now: i64) -> Result<bool> {
        let mut tx = self.begin().await?;
        let paths: Vec<String> = on!(tx, |c| sqlx::query_scalar(
            "SELECT path FROM document WHERE source = $1 AND NOT deleted"
        )
        .bind(name)
        .fetch_all(c)
        .await?);
        tx.remove_documents(name, &paths, now).await?;
        let removed = exec!(tx, sqlx::query("DELETE FROM source WHERE name = $1").bind(name));
        tx.commit().await?;
        Ok(removed > 0 || !paths.is_empty())
    }

    /// Writes documents with their passages, in place of earlier versions; the sequence of
    /// the last.
    pub async fn put_documents(&self, documents: Vec<NewDocument>, now: i64) -> Result<i64> {
        let mut tx = self.begin().await?;
        let last = tx.next(CHANGES, documents.len() as i64).await?;
        let first = last - documents.len() as i64 + 1;
        for (document, sequence) in documents.iter().zip(first..) {
            tx.put_document(document, sequence, now).await?;
        }
        tx.commit().await?;
        Ok(last)
    }

    /// Removes documents by their paths; the sequence of the last.
    pub async fn remove_documents(&self, source: &str, paths: &[String], now: i64) -> Result<i64> {
        let mut tx = self.begin().await?;
        let last = tx.remove_documents(source, paths, now).await?;
        tx.commit().await?;
        Ok(last)
    }

    /// The content hash of each document of a source, by path.
    pub async fn known_hashes(&self, source: &str) -> Result<HashMap<String, String>> {
        let rows: Vec<(String, String)> = read!(self, |c| sqlx::query_as(
            "SELECT path, hash FROM document WHERE source = $1 AND NOT deleted"
        )
        .bind(source)
        .fetch_all(c)
        .await?);
        Ok(rows.into_iter().collect())
    }

    /// Documents changed after `sequence`, in order, each in its present state.
    pub async fn changes_after(&self, sequence: i64, limit: i64) -> Result<Vec<DocumentChange>> {
        let documents: Vec<DocumentDb> = read!(self, |c| sqlx::query_as(documents_sql!(
            "WHERE d.change_seq > $1 ORDER BY d.change_seq LIMIT $2"
        ))
        .bind(sequence)
        .bind(limit)
        .fetch_all(c)
        .await?);
        let Some(last) = documents.last().map(|d| d.change_seq) else { return Ok(Vec::new()) };
        type Row = (String, String, i64, String, String);
        let passages: Vec<Row> = read!(self, |c| sqlx::query_as(
            "SELECT p.document_id, p.id, p.ordinal, p.heading, p.text
             FROM passage p JOIN document d ON d.id = p.document_id
             WHERE d.change_seq > $1 AND d.change_seq <= $2 ORDER BY p.document_id, p.ordinal",
        )
        .bind(sequence)
        .bind(last)
        .fetch_all(c)
        .await?);
        let mut by_document: HashMap<String, Vec<PassageRow>> = HashMap::new();
        for (document, id, ordinal, heading, text) in passages {
            let row = PassageRow { id, ordinal, heading, text };
            by_document.entry(document).or_default().push(row);
        }
        Ok(documents
            .into_iter()
            .map(|row| DocumentChange {
                sequence: row.change_seq,
                deleted: row.deleted,
                passages: by_document.remove(&row.id).unwrap_or_default(),
                document: row.record(),
            })
            .collect())
    }

    /// The sequence of the latest change; 0 before the first.
    pub async fn last_change(&self) -> Result<i64> {
        let last: Option<i64> =
            read!(self, |c| sqlx::query_scalar("SELECT value FROM counter WHERE name = $1")
                .bind(CHANGES)
                .fetch_optional(c)
                .await?);
        Ok(last.unwrap_or(0))
    }

    /// The documents a person may read, by source and path.
    pub async fn documents(&self, viewer: &Viewer) -> Result<Vec<DocumentRow>> {
        let rows: Vec<DocumentDb> = read!(self, |c| sqlx::query_as(documents_sql!(
            "WHERE NOT d.deleted ORDER BY d.source, d.path"
        ))
        .fetch_all(c)
        .await?);
        Ok(rows
            .into_iter()
            .map(DocumentDb::record)
            .filter(|document| may_read(viewer, document))
            .collect())
    }

    /// A document with its Markdown and passages. Callers check [`may_read`].
    pub async fn document(
        &self,
        id: &str,
    ) -> Result<Option<(DocumentRow, String, Vec<PassageRow>)>> {
        let row: Option<DocumentDb> =
            read!(self, |c| sqlx::query_as(documents_sql!("WHERE d.id = $1 AND NOT d.deleted"))
                .bind(id)
                .fetch_optional(c)
                .await?);
        let Some(row) = row else { return Ok(None) };
        let markdown: Option<String> =
            read!(self, |c| sqlx::query_scalar("SELECT markdown FROM document WHERE id = $1")
                .bind(id)
                .fetch_optional(c)
                .await?);
        let passages: Vec<PassageDb> = read!(self, |c| {
            sqlx::query_as(
            "SELECT id, ordinal, heading, text FROM passage WHERE document_id = $1 ORDER BY ordinal"
        )
        .bind(id)
        .fetch_all(c)
        .await?
        });
        let passages = passages.into_iter().map(PassageRow::from).collect();
        Ok(Some((row.record(), markdown.unwrap_or_default(), passages)))
    }
}

/// Whether a person may read a document: it is for a group of theirs, or they are an
/// admin.
pub fn may_read(viewer: &Viewer, document: &DocumentRow) -> bool {
    viewer.is_admin()
        || document.audience == super::PUBLIC
        || viewer.groups.contains(&document.audience)
}

impl Tx {
    async fn put_document(&mut self, new: &NewDocument, sequence: i64, now: i64) -> Result<()> {
        let id = document_id(&new.source, &new.path);
        exec!(
            self,
            sqlx::query(
                "INSERT INTO document (id, source, path, title, system, owner, audience, reviewed,
                     language, url, hash, markdown, deleted, change_seq, updated_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
                 ON CONFLICT (id) DO UPDATE SET title = excluded.title, system = excluded.system,
                     owner = excluded.owner, audience = excluded.audience,
                     reviewed = excluded.reviewed, language = excluded.language,
                     url = excluded.url, hash = excluded.hash, markdown = excluded.markdown,
                     deleted = excluded.deleted, change_seq = excluded.change_seq,
                     updated_at = excluded.updated_at",
            )
            .bind(&id)
            .bind(&new.source)
            .bind(&new.path)
            .bind(&new.title)
            .bind(&new.system)
            .bind(&new.owner)
            .bind(&new.audience)
            .bind(&new.reviewed)
            .bind(&new.language)
            .bind(&new.url)
            .bind(&new.hash)
            .bind(&new.markdown)
            .bind(false)
            .bind(sequence)
            .bind(now)
        );
        exec!(self, sqlx::query("DELETE FROM passage WHERE document_id = $1").bind(&id));
        for (passage, ordinal) in new.passages.iter().zip(0_i64..) {
            exec!(
                self,
                sqlx::query(
                    "INSERT INTO passage (id, document_id, ordinal, heading, text)
                     VALUES ($1, $2, $3, $4, $5)",
                )
                .bind(format!("{id}.{ordinal}"))
                .bind(&id)
                .bind(ordinal)
                .bind(&passage.heading)
                .bind(&passage.text)
            );
        }
        Ok(())
    }

    async fn remove_documents(&mut self, source: &str, paths: &[String], now: i64) -> Result<i64> {
        let last = self.next(CHANGES, paths.len() as i64).await?;
        let first = last - paths.len() as i64 + 1;
        for (path, sequence) in paths.iter().zip(first..) {
            let id = document_id(source, path);
            exec!(
                self,
                sqlx::query(
                    "UPDATE document SET deleted = $2, markdown = '', hash = '', title = '',
                         change_seq = $3, updated_at = $4
                     WHERE id = $1",
                )
                .bind(&id)
                .bind(true)
                .bind(sequence)
                .bind(now)
            );
            exec!(self, sqlx::query("DELETE FROM passage WHERE document_id = $1").bind(&id));
        }
        Ok(last)
    }
}
