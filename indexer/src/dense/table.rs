//! The vectors of passages by the hash of their content, one byte a number, in memory and in a
//! file of records of one size.
//!
//! A record tells what content it belongs to and carries a checksum, so whatever a crash leaves
//! behind, a record that reads well is right, and one that does not is computed again.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

/// Begins every file; the last byte is the version of the layout.
const MAGIC: [u8; 8] = *b"FLVECTR1";
const HEADER: usize = 8 + 4 + 32;
/// Key, checksum and scale before the numbers.
const BEFORE: usize = 8 + 4 + 4;
/// Largest magnitude of a stored number.
const MOST: f32 = 127.0;
/// The signs of 256 numbers: of one size, so that comparing them needs no loop of its own.
type Signs = [u64; 4];

/// Vectors in the order in which they lie in the file.
pub(crate) struct Table {
    dimension: usize,
    keys: Vec<u64>,
    /// What a stored number is multiplied by.
    scales: Vec<f32>,
    numbers: Vec<i8>,
    /// A bit a number, set where it is negative: [`Table::apart`] compares these first.
    signs: Vec<Signs>,
    slots: HashMap<u64, u32>,
    file: Option<File>,
}

impl Table {
    pub(crate) fn in_memory(dimension: usize) -> Self {
        Self {
            dimension,
            keys: Vec::new(),
            scales: Vec::new(),
            numbers: Vec::new(),
            signs: Vec::new(),
            slots: HashMap::new(),
            file: None,
        }
    }

    /// Takes up the file at `path`, or begins it. Vectors of another model are thrown away. Its
    /// owner writes it; another process only looks at it.
    pub(crate) fn open(path: &Path, model: &[u8; 32], dim: usize, own: bool) -> io::Result<Self> {
        let mut table = Self::in_memory(dim);
        let mut bytes = Vec::new();
        match File::open(path) {
            Ok(mut file) => _ = file.read_to_end(&mut bytes)?,
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(e),
        }
        let header = header(model, dim);
        let known = bytes.get(..HEADER) == Some(header.as_slice());
        let mut damaged = false;
        if known {
            for record in bytes[HEADER..].chunks(BEFORE + dim) {
                match read(record, dim) {
                    Some((key, scale, numbers)) if !table.slots.contains_key(&key) => {
                        table.push(key, scale, numbers);
                    }
                    _ => damaged = true,
                }
            }
        }
        if own {
            let file =
                File::options().read(true).write(true).create(true).truncate(false).open(path)?;
            if !known || damaged {
                file.set_len(0)?;
                file.write_all_at(&header, 0)?;
                for slot in 0..table.len() {
                    file.write_all_at(&table.record(slot), offset(slot, dim))?;
                }
            }
            table.file = Some(file);
        }
        Ok(table)
    }

    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    pub(crate) fn slot(&self, key: u64) -> Option<u32> {
        self.slots.get(&key).copied()
    }

    pub(crate) fn key(&self, slot: u32) -> u64 {
        self.keys[slot as usize]
    }

    /// The cosine of a vector and the one in `slot`.
    #[inline(always)]
    pub(crate) fn cosine(&self, query: &Quantised, slot: u32) -> f32 {
        let slot = slot as usize;
        let row = &self.numbers[slot * self.dimension..(slot + 1) * self.dimension];
        dot(row, &query.numbers) as f32 * self.scales[slot] * query.scale
    }

    /// In how many numbers the signs of a vector and the one in `slot` differ: a rough measure of
    /// how far apart they are, at a small part of the cost.
    #[inline(always)]
    pub(crate) fn apart(&self, query: &Quantised, slot: u32) -> u16 {
        let rows = query.signs.len();
        let row = &self.signs[slot as usize * rows..][..rows];
        let mut differ = 0;
        for (a, b) in row.iter().zip(&query.signs) {
            for i in 0..a.len() {
                differ += (a[i] ^ b[i]).count_ones();
            }
        }
        differ as u16
    }

    /// The most that two vectors can be [apart](Table::apart).
    pub(crate) fn farthest(&self) -> u16 {
        self.dimension as u16
    }

    /// Adds a vector of length one.
    pub(crate) fn insert(&mut self, key: u64, vector: &[f32]) -> io::Result<()> {
        if vector.len() != self.dimension || self.slots.contains_key(&key) {
            return Ok(());
        }
        let most = vector.iter().fold(0.0f32, |m, x| m.max(x.abs())).max(f32::MIN_POSITIVE);
        let numbers = vector.iter().map(|x| (x / most * MOST).round() as i8);
        self.push(key, most / MOST, numbers);
        let slot = self.len() - 1;
        if let Some(file) = &self.file {
            let written = file.write_all_at(&self.record(slot), offset(slot, self.dimension));
            if written.is_err() {
                self.pop();
            }
            written?;
        }
        Ok(())
    }

    /// Takes a vector out of memory and file. The last one moves into its place.
    pub(crate) fn remove(&mut self, key: u64) -> io::Result<()> {
        let Some(slot) = self.slots.remove(&key) else { return Ok(()) };
        let (slot, last) = (slot as usize, self.len() - 1);
        let dim = self.dimension;
        self.keys.swap_remove(slot);
        self.scales.swap_remove(slot);
        self.numbers.copy_within(last * dim.., slot * dim);
        self.numbers.truncate(last * dim);
        let rows = dim.div_ceil(256);
        self.signs.copy_within(last * rows.., slot * rows);
        self.signs.truncate(last * rows);
        if slot < last {
            self.slots.insert(self.keys[slot], slot as u32);
        }
        if let Some(file) = &self.file {
            if slot < last {
                file.write_all_at(&self.record(slot), offset(slot, dim))?;
            }
            file.set_len(offset(last, dim))?;
        }
        Ok(())
    }

    fn push(&mut self, key: u64, scale: f32, numbers: impl IntoIterator<Item = i8>) {
        self.slots.insert(key, self.keys.len() as u32);
        self.keys.push(key);
        self.scales.push(scale);
        let from = self.numbers.len();
        self.numbers.extend(numbers);
        self.signs.extend(signs(&self.numbers[from..], |x| *x < 0));
    }

    fn pop(&mut self) {
        if let Some(key) = self.keys.pop() {
            self.slots.remove(&key);
            self.scales.pop();
            self.numbers.truncate(self.keys.len() * self.dimension);
            self.signs.truncate(self.keys.len() * self.dimension.div_ceil(256));
        }
    }

    fn record(&self, slot: usize) -> Vec<u8> {
        let row = &self.numbers[slot * self.dimension..(slot + 1) * self.dimension];
        let mut body: Vec<u8> = self.scales[slot].to_le_bytes().to_vec();
        body.extend(row.iter().map(|x| x.cast_unsigned()));
        let key = self.keys[slot];
        let mut out = key.to_le_bytes().to_vec();
        out.extend(checksum(key, &body).to_le_bytes());
        out.extend(body);
        out
    }
}

fn header(model: &[u8; 32], dim: usize) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    out.extend((dim as u32).to_le_bytes());
    out.extend(model);
    out
}

fn offset(slot: usize, dim: usize) -> u64 {
    (HEADER + slot * (BEFORE + dim)) as u64
}

/// Key, scale and numbers of a record that is whole.
fn read(record: &[u8], dim: usize) -> Option<(u64, f32, impl Iterator<Item = i8>)> {
    if record.len() != BEFORE + dim {
        return None;
    }
    let (key, rest) = record.split_first_chunk::<8>()?;
    let (sum, body) = rest.split_first_chunk::<4>()?;
    let (scale, numbers) = body.split_first_chunk::<4>()?;
    let key = u64::from_le_bytes(*key);
    let whole = u32::from_le_bytes(*sum) == checksum(key, body);
    let numbers = numbers.iter().map(|b| b.cast_signed());
    whole.then(|| (key, f32::from_le_bytes(*scale), numbers))
}

/// FNV-1a over eight bytes at a time: quick, and a torn record does not pass by chance.
fn checksum(key: u64, body: &[u8]) -> u32 {
    let step = |h: u64, x: u64| (h ^ x).wrapping_mul(0x0100_0000_01b3).rotate_left(29);
    let mut hash = step(0xcbf2_9ce4_8422_2325, key);
    for chunk in body.chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        hash = step(hash, u64::from_le_bytes(word));
    }
    (hash ^ (hash >> 32)) as u32
}

/// A question's vector, ready to be compared: two bytes a number, because it is only one.
pub(crate) struct Quantised {
    numbers: Vec<i16>,
    signs: Vec<Signs>,
    scale: f32,
}

impl Quantised {
    pub(crate) fn new(vector: &[f32]) -> Self {
        // 127 * 2047 * 4096 numbers still fit in 32 bits.
        let most = vector.iter().fold(0.0f32, |m, x| m.max(x.abs())).max(f32::MIN_POSITIVE);
        let numbers = vector.iter().map(|x| (x / most * 2047.0).round() as i16).collect();
        Self { numbers, signs: signs(vector, |x| *x < 0.0).collect(), scale: most / 2047.0 }
    }
}

/// A bit for each number, the first in the lowest place.
fn signs<T>(numbers: &[T], negative: impl Fn(&T) -> bool) -> impl Iterator<Item = Signs> {
    numbers.chunks(256).map(move |chunk| {
        let mut bits = Signs::default();
        for (i, x) in chunk.iter().enumerate() {
            bits[i / 64] |= u64::from(negative(x)) << (i % 64);
        }
        bits
    })
}

/// Products of two small integers summed in a wider one: the form compilers turn into the
/// multiply-and-add instructions every processor has.
#[inline(always)]
fn dot(a: &[i8], b: &[i16]) -> i32 {
    let mut sum = 0;
    for (x, y) in a.iter().zip(b) {
        sum += i32::from(i16::from(*x)) * i32::from(*y);
    }
    sum
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const MODEL: [u8; 32] = [7; 32];

    fn vector(seed: u64) -> Vec<f32> {
        let mut x = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut v: Vec<f32> = (0..48)
            .map(|_| {
                x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (x >> 40) as f32 / (1u64 << 23) as f32 - 1.0
            })
            .collect();
        crate::embed::normalise(&mut v);
        v
    }

    fn own_cosine(table: &Table, key: u64) -> Option<f32> {
        table.slot(key).map(|slot| table.cosine(&Quantised::new(&vector(key)), slot))
    }

    #[test]
    fn one_byte_a_number_keeps_the_cosine() {
        let mut table = Table::in_memory(48);
        for key in 0..50 {
            table.insert(key, &vector(key)).unwrap();
        }
        for (a, b) in [(0, 0), (3, 4), (10, 49), (20, 2)] {
            let exact: f32 = vector(a).iter().zip(&vector(b)).map(|(x, y)| x * y).sum();
            let stored = table.cosine(&Quantised::new(&vector(a)), table.slot(b).unwrap());
            assert!((exact - stored).abs() < 0.01, "{a} {b}: {exact} {stored}");
        }
    }

    #[test]
    fn a_file_is_taken_up_as_it_was_left() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("v");
        let open = |model: &[u8; 32]| Table::open(&path, model, 48, true).unwrap();
        let mut table = open(&MODEL);
        for key in 1..=5 {
            table.insert(key, &vector(key)).unwrap();
        }
        for key in [2, 5, 99] {
            table.remove(key).unwrap();
        }
        let held = |t: &Table| -> Vec<u64> {
            (0..10).filter(|k| own_cosine(t, *k).is_some_and(|c| c > 0.99)).collect()
        };
        assert_eq!(held(&table), [1, 3, 4]);
        drop(table);
        assert_eq!(held(&open(&MODEL)), [1, 3, 4]);

        // A torn end and a flipped byte cost the records they hit, nothing else.
        let mut bytes = std::fs::read(&path).unwrap();
        let size = BEFORE + 48;
        bytes[HEADER + size + 20] ^= 1;
        bytes.extend([1, 2, 3]);
        std::fs::write(&path, &bytes).unwrap();
        let looked = Table::open(&path, &MODEL, 48, false).unwrap();
        assert_eq!(looked.len(), 2);
        assert_eq!(std::fs::read(&path).unwrap().len(), bytes.len(), "looking changes nothing");
        assert_eq!(open(&MODEL).len(), 2);
        assert_eq!(std::fs::read(&path).unwrap().len(), HEADER + 2 * size);

        assert_eq!(open(&[8; 32]).len(), 0, "another model's vectors mean something else");
    }
}
