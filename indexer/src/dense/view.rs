//! Which vectors stand for which passages of one state of the index, and who may read them.

use std::collections::{HashMap, HashSet};

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
        let scan = Scan { view: self, table, query, allowed: &allowed, most: count * CLOSELY };
        let mut near = pulp::Arch::new().dispatch(scan);
        let order =
            |a: &(f32, DocAddress), b: &(f32, DocAddress)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
        if near.len() > count {
            near.select_nth_unstable_by(count, order);
            near.truncate(count);
        }
        near.sort_unstable_by(order);
        near.into_iter().map(|(_, address)| address).collect()
    }
}

/// Looks through a whole view, in the best instructions the processor has: what runs inside must
/// be inlined for that.
struct Scan<'s> {
    view: &'s View,
    table: &'s Table,
    query: &'s Quantised,
    /// By number of the audience.
    allowed: &'s [bool],
    /// Passages to compare closely.
    most: usize,
}

impl pulp::WithSimd for Scan<'_> {
    /// With the cosine of each.
    type Output = Vec<(f32, DocAddress)>;

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) -> Self::Output {
        let Scan { view, table, query, allowed, most } = self;
        let beyond = table.farthest() + 1;
        let mut distances = vec![beyond; view.entries.len()];
        for (entry, apart) in view.entries.iter().zip(&mut distances) {
            if allowed[entry.audience as usize] {
                *apart = table.apart(query, entry.slot);
            }
        }
        // Distances are small numbers, so counting them tells which are the smallest.
        let mut counts = vec![0usize; beyond as usize + 1];
        for apart in &distances {
            counts[*apart as usize] += 1;
        }
        // All below the limit are compared closely, and as many at it as there is room for.
        let (mut limit, mut room) = (0, most);
        while limit < beyond && counts[limit as usize] <= room {
            room -= counts[limit as usize];
            limit += 1;
        }
        let mut chosen = Vec::with_capacity(most);
        for (entry, apart) in view.entries.iter().zip(distances) {
            if apart > limit || apart == beyond {
                continue;
            }
            if apart == limit {
                if room == 0 {
                    continue;
                }
                room -= 1;
            }
            chosen.push(entry);
        }
        let mut near = Vec::with_capacity(chosen.len());
        for entry in chosen {
            near.push((table.cosine(query, entry.slot), entry.address));
        }
        near
    }
}
