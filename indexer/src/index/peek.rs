//! Looking at an index that another process may own, without opening it.

use std::path::Path;

use tantivy::directory::{Directory as _, INDEX_WRITER_LOCK, MmapDirectory};

use super::{INDEX_VERSION, LocalIndex, Payload};

impl LocalIndex {
    /// The last change the index in `dir` has committed; `None` when there is no index of this
    /// version.
    pub fn sequence_on_disk(dir: &Path) -> Option<i64> {
        let index = tantivy::Index::open_in_dir(dir).ok()?;
        let payload: Payload = serde_json::from_str(&index.load_metas().ok()?.payload?).ok()?;
        (payload.version == INDEX_VERSION).then_some(payload.sequence)
    }

    /// Whether a process has the index in `dir` open for writing.
    pub fn in_use(dir: &Path) -> bool {
        MmapDirectory::open(dir)
            .is_ok_and(|directory| directory.acquire_lock(&INDEX_WRITER_LOCK).is_err())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn tells_sequence_and_owner() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(LocalIndex::sequence_on_disk(dir.path()), None);
        assert!(!LocalIndex::in_use(dir.path()));
        let opened = LocalIndex::open(dir.path()).unwrap();
        opened.index.apply(&[], 7).unwrap();
        assert_eq!(LocalIndex::sequence_on_disk(dir.path()), Some(7));
        assert!(LocalIndex::in_use(dir.path()));
        drop(opened);
        assert!(!LocalIndex::in_use(dir.path()));
    }
}
