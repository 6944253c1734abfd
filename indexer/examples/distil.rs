//! Makes the table of English words that is part of the program from a sentence-transformer:
//!
//! `cargo run --release -p firstline-indexer --example distil -- MODEL_FOLDER TEXTS...`
//!
//! Every word and part of a word of the model's vocabulary (Latin letters and digits), and every
//! word that occurs at least twice in the text files under TEXTS, goes through the model alone.
//! The vectors are brought to their principal axes, the first of which are flattened (each is
//! divided by the fourth root of its variance), the last third dropped, each row weighted by how rare
//! the word is (the logarithm of its rank in the vocabulary, which is ordered by frequency), and
//! rounded to four bits a number. Writes `indexer/words/english.txt` and `english.bin`.
//!
//! The steps are those of "Model2Vec" (Tulkens and van Dongen, 2024), with other weights.

use std::collections::HashMap;
use std::path::Path;

use anyhow::Context as _;
use firstline_indexer::Embedder;

/// Numbers a word keeps.
const DIMENSION: usize = 256;
/// Where ordinary words begin in the vocabularies of BERT; before them stand marks and letters.
const FIRST_WORD: usize = 1996;
/// Ranks below this weigh about alike: the most frequent words keep half the weight of rare ones.
const LEVEL: f64 = 100.0;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().context("usage: distil MODEL_FOLDER TEXTS...")?;
    let folder = Path::new(&folder);
    let embedder = Embedder::open(folder)?;
    let mut ranked = vocabulary(folder)?;
    let rare = ranked.len() + FIRST_WORD;
    let known: std::collections::HashSet<String> =
        ranked.iter().map(|(word, _)| word.clone()).collect();
    let mut counts: HashMap<String, usize> = HashMap::new();
    for path in arguments {
        count(Path::new(&path), &mut counts)?;
    }
    let mut own: Vec<String> = counts
        .into_iter()
        .filter(|(word, count)| *count >= 2 && word.len() >= 3 && !known.contains(word))
        .map(|(word, _)| word)
        .collect();
    own.sort();
    println!("{} words of the model, {} of the texts", ranked.len(), own.len());
    ranked.extend(own.into_iter().map(|word| (word, rare)));

    let mut vectors: Vec<Vec<f64>> = Vec::new();
    for batch in ranked.chunks(256) {
        let words: Vec<&str> = batch.iter().map(|(w, _)| w.trim_start_matches("##")).collect();
        let wide = |v: Vec<f32>| v.into_iter().map(f64::from).collect();
        vectors.extend(embedder.embed(&words)?.into_iter().map(wide));
        eprint!("\r{} of {} words ", vectors.len(), ranked.len());
    }
    eprintln!();
    centre(&mut vectors);
    let (variances, axes) = principal_axes(&vectors);

    let mut table = Vec::new();
    for (vector, (_, rank)) in vectors.iter().zip(&ranked) {
        let weight = (LEVEL + rank.saturating_sub(FIRST_WORD) as f64).ln();
        let row: Vec<f64> = (0..DIMENSION)
            .map(|i| {
                let along: f64 = vector.iter().zip(&axes[i]).map(|(x, a)| x * a).sum();
                weight * along / variances[i].powf(0.25)
            })
            .collect();
        let scale = row.iter().fold(f64::MIN_POSITIVE, |m, x| m.max(x.abs())) / 7.0;
        table.extend((scale as f32).to_le_bytes());
        let bits = |x: f64| ((x / scale).round() as i8 + 8) as u8;
        let (first, second) = row.split_at(DIMENSION / 2);
        table.extend(first.iter().zip(second).map(|(a, b)| bits(*a) | bits(*b) << 4));
    }
    let words: Vec<&str> = ranked.iter().map(|(word, _)| word.as_str()).collect();
    std::fs::write("indexer/words/english.txt", words.join("\n") + "\n")?;
    std::fs::write("indexer/words/english.bin", &table)?;
    println!("{} words, {:.1} MB", words.len(), table.len() as f64 / 1e6);
    Ok(())
}

/// The model's words in Latin letters and digits with their ranks.
fn vocabulary(folder: &Path) -> anyhow::Result<Vec<(String, usize)>> {
    let tokenizer: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.join("tokenizer.json"))?)?;
    let words = tokenizer["model"]["vocab"].as_object().context("no list of words")?;
    let mut ranked: Vec<(String, usize)> = words
        .iter()
        .filter(|(word, _)| {
            let word = word.trim_start_matches("##");
            !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric())
        })
        .map(|(word, id)| (word.clone(), id.as_u64().unwrap_or_default() as usize))
        .collect();
    ranked.sort_by_key(|(_, id)| *id);
    Ok(ranked)
}

/// Counts the words of a file, or of the files of a folder.
fn count(path: &Path, counts: &mut HashMap<String, usize>) -> anyhow::Result<()> {
    if path.is_dir() {
        for entry in std::fs::read_dir(path)? {
            count(&entry?.path(), counts)?;
        }
        return Ok(());
    }
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    for word in text.split(|c: char| !c.is_alphanumeric()).filter(|w| w.is_ascii()) {
        if word.bytes().all(|b| b.is_ascii_alphabetic()) {
            *counts.entry(word.to_ascii_lowercase()).or_default() += 1;
        }
    }
    Ok(())
}

fn centre(vectors: &mut [Vec<f64>]) {
    let (count, dimension) = (vectors.len() as f64, vectors[0].len());
    for i in 0..dimension {
        let mean = vectors.iter().map(|v| v[i]).sum::<f64>() / count;
        vectors.iter_mut().for_each(|v| v[i] -= mean);
    }
}

/// Variances, greatest first, and the axes they lie along: the eigenvalues and eigenvectors of the
/// covariance by Jacobi's method of rotations.
fn principal_axes(vectors: &[Vec<f64>]) -> (Vec<f64>, Vec<Vec<f64>>) {
    let n = vectors[0].len();
    let mut a = vec![vec![0.0; n]; n];
    for vector in vectors {
        for (i, x) in vector.iter().enumerate() {
            a[i].iter_mut().zip(vector).for_each(|(sum, y)| *sum += x * y);
        }
    }
    let total: f64 = (0..n).map(|i| a[i][i]).sum();
    let mut axes: Vec<Vec<f64>> =
        (0..n).map(|i| (0..n).map(|j| f64::from(u8::from(i == j))).collect()).collect();
    loop {
        let off: f64 =
            (0..n).flat_map(|i| (0..i).map(move |j| (i, j))).map(|(i, j)| a[i][j].abs()).sum();
        if off < 1e-9 * total {
            break;
        }
        for p in 0..n {
            for q in p + 1..n {
                if a[p][q] == 0.0 {
                    continue;
                }
                let theta = (a[q][q] - a[p][p]) / (2.0 * a[p][q]);
                let t = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
                let c = 1.0 / (t * t + 1.0).sqrt();
                let s = t * c;
                for row in &mut a {
                    (row[p], row[q]) = (c * row[p] - s * row[q], s * row[p] + c * row[q]);
                }
                rotate(&mut a, p, q, c, s);
                rotate(&mut axes, p, q, c, s);
            }
        }
    }
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|i, j| a[*j][*j].total_cmp(&a[*i][*i]));
    let count = vectors.len() as f64;
    let variances = order.iter().map(|i| (a[*i][*i] / count).max(f64::MIN_POSITIVE)).collect();
    (variances, order.iter().map(|i| axes[*i].clone()).collect())
}

fn rotate(rows: &mut [Vec<f64>], p: usize, q: usize, c: f64, s: f64) {
    let (head, tail) = rows.split_at_mut(q);
    for (x, y) in head[p].iter_mut().zip(&mut tail[0]) {
        (*x, *y) = (c * *x - s * *y, s * *x + c * *y);
    }
}
