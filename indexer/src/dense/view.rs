//! Which vectors stand for which passages of one state of the index, and who may read them.

use std::collections::{BinaryHeap, HashMap, HashSet};

use tantivy::{DocAddress, Searcher};

use super::table::{Quantised, Table};
use crate::index::{AUDIENCE, CONTENT};

/// A passage without a vector.
const NONE: u32 = u32::MAX;

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
    /// audience is not even compared.
    pub(crate) fn nearest(
        &self,
        table: &Table,
        query: &Quantised,
        audiences: &[String],
        count: usize,
    ) -> Vec<DocAddress> {
        let allowed: Vec<bool> = self.audiences.iter().map(|a| audiences.contains(a)).collect();
        // The heap's top is the farthest of those kept.
        let mut best: BinaryHeap<Near> = BinaryHeap::with_capacity(count + 1);
        let mut least = f32::MIN;
        for entry in self.entries.iter().filter(|e| allowed[e.audience as usize]) {
            let cosine = table.cosine(query, entry.slot);
            if cosine > least {
                best.push(Near { cosine, address: entry.address });
                if best.len() > count {
                    best.pop();
                    least = best.peek().map_or(f32::MIN, |n| n.cosine);
                }
            }
        }
        best.into_sorted_vec().into_iter().map(|n| n.address).collect()
    }
}

/// Ordered so that the nearest is the least.
#[derive(PartialEq)]
struct Near {
    cosine: f32,
    address: DocAddress,
}

impl Eq for Near {}

impl PartialOrd for Near {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Near {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        other.cosine.total_cmp(&self.cosine).then(self.address.cmp(&other.address))
    }
}
