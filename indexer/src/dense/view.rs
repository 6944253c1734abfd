//! Which vectors stand for which passages of one state of the index, and who may read them.

use std::collections::{BinaryHeap, HashMap, HashSet};

use tantivy::{DocAddress, Searcher};

use super::table::{Quantised, Table};
use crate::index::{AUDIENCE, CONTENT};

/// A passage without a vector.
const NONE: u32 = u32::MAX;
/// How many times more passages than are wanted have all their numbers compared.
const CLOSELY: usize = 8;

/// One state of the index, with the vectors there are for it.
pub(crate) struct View {
    pub(crate) searcher: Searcher,
    /// Who occurs; entries name them by number.
    audiences: Vec<String>,
    /// In the order of the vectors, so that a scan reads memory from front to back.
    entries: Vec<Entry>,
    /// Slot by segment and document.
    slots: Vec<Vec<u32>>,
    /// Contents that have no vector yet, each with one passage that holds it.
    missing: Vec<(u64, DocAddress)>,
}

#[derive(Clone, Copy)]
struct Entry {
    slot: u32,
    audience: u32,
    address: DocAddress,
}

impl View {
    pub(crate) fn new(searcher: Searcher, table: &Table) -> anyhow::Result<Self> {
        let mut view = Self {
            audiences: Vec::new(),
            entries: Vec::new(),
            slots: Vec::new(),
            missing: Vec::new(),
            searcher,
        };
        let mut numbers: HashMap<String, u32> = HashMap::new();
        let mut wanted = HashSet::new();
        for (ord, segment) in view.searcher.segment_readers().iter().enumerate() {
            let contents = segment.fast_fields().u64(CONTENT)?;
            let audiences = segment.fast_fields().str(AUDIENCE)?;
            // Of this segment's audiences the numbers they have in the view.
            let mut of_segment = Vec::new();
            if let Some(column) = &audiences {
                for ordinal in 0..column.num_terms() as u64 {
                    let mut name = String::new();
                    column.ord_to_str(ordinal, &mut name)?;
                    let next = numbers.len() as u32;
                    of_segment.push(*numbers.entry(name).or_insert(next));
                }
            }
            let mut slots = vec![NONE; segment.max_doc() as usize];
            for doc in segment.doc_ids_alive() {
                let Some(key) = contents.first(doc) else { continue };
                let address = DocAddress::new(ord as u32, doc);
                let audience = audiences.as_ref().and_then(|c| c.ords().first(doc));
                let Some(audience) = audience.and_then(|a| of_segment.get(a as usize)) else {
                    continue;
                };
                match table.slot(key) {
                    Some(slot) => {
                        slots[doc as usize] = slot;
                        view.entries.push(Entry { slot, audience: *audience, address });
                    }
                    None if wanted.insert(key) => view.missing.push((key, address)),
                    None => {}
                }
            }
            view.slots.push(slots);
        }
        view.audiences = vec![String::new(); numbers.len()];
        for (name, number) in numbers {
            view.audiences[number as usize] = name;
        }
        view.entries.sort_unstable_by_key(|e| (e.slot, e.address));
        Ok(view)
    }

    /// Passages that have a vector.
    pub(crate) fn embedded(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn missing(&self) -> &[(u64, DocAddress)] {
        &self.missing
    }

    /// Contents in `table` that no passage has any more.
    pub(crate) fn stale(&self, table: &Table) -> Vec<u64> {
        let mut used = vec![false; table.len()];
        for entry in &self.entries {
            used[entry.slot as usize] = true;
        }
        let unused = used.iter().enumerate().filter(|(_, used)| !**used);
        unused.map(|(slot, _)| table.key(slot as u32)).collect()
    }

    pub(crate) fn cosine(&self, table: &Table, query: &Quantised, at: DocAddress) -> Option<f32> {
        let slots = self.slots.get(at.segment_ord as usize)?;
        let slot = slots.get(at.doc_id as usize).copied().filter(|slot| *slot != NONE)?;
        Some(table.cosine(query, slot))
    }

    /// The `count` nearest passages these audiences may read, nearest first. A passage of another
    /// audience is not even compared. The signs of the numbers choose whom to compare closely;
    /// with [`CLOSELY`] times as many as are wanted, hardly one of the nearest is missed.
    pub(crate) fn nearest(
        &self,
        table: &Table,
        query: &Quantised,
        audiences: &[String],
        count: usize,
    ) -> Vec<DocAddress> {
        let allowed: Vec<bool> = self.audiences.iter().map(|a| audiences.contains(a)).collect();
        let most = count * CLOSELY;
        // The heap's top is the farthest of those kept.
        let mut chosen: BinaryHeap<(u32, u32)> = BinaryHeap::with_capacity(most + 1);
        let mut farthest = u32::MAX;
        for (n, entry) in
            self.entries.iter().enumerate().filter(|(_, e)| allowed[e.audience as usize])
        {
            let apart = table.apart(query, entry.slot);
            if apart < farthest {
                chosen.push((apart, n as u32));
                if chosen.len() > most {
                    chosen.pop();
                    farthest = chosen.peek().map_or(u32::MAX, |(apart, _)| *apart);
                }
            }
        }
        let mut near: Vec<(f32, DocAddress)> = chosen
            .into_iter()
            .map(|(_, n)| self.entries[n as usize])
            .map(|entry| (table.cosine(query, entry.slot), entry.address))
            .collect();
        near.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        near.truncate(count);
        near.into_iter().map(|(_, address)| address).collect()
    }
}
