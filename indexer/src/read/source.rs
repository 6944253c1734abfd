//! Walks a source and reads what it finds, telling the caller about every file.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use anyhow::Context as _;
use sha2::{Digest, Sha256};
use walkdir::WalkDir;

use super::docfx::{self, Includes};
use super::document::{Document, Origin, build};
use super::extract::Extractor;
use super::frontmatter::{self, FrontMatter};
use super::{html, text};

/// A larger file is skipped, whatever it holds.
pub const MAX_FILE_BYTES: u64 = 50 * 1024 * 1024;
/// Files read before their documents are handed on.
const BATCH: usize = 128;
const MAX_FOLDER_DEPTH: usize = 64;

/// A folder or single file to read.
#[derive(Debug, Clone)]
pub struct SourceSpec {
    pub name: String,
    /// A folder, or one file.
    pub root: PathBuf,
    /// Who may read an article that says nothing of its own.
    pub audience: String,
}

/// What happens while a source is read, in order.
#[derive(Debug)]
pub enum Event {
    /// The walk is done: this many files, this many bytes, will be looked at.
    Found { files: u64, bytes: u64 },
    /// A new or changed document.
    Document(Box<Document>),
    /// The hash is the known one.
    Unchanged { path: String },
    /// Not read; the reason completes the sentence "PATH ...".
    Skipped { path: String, reason: String },
    /// Bytes looked at so far.
    Progress { bytes: u64 },
}

/// The sums of one reading.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Totals {
    pub read: u64,
    pub unchanged: u64,
    pub skipped: u64,
    /// Bytes of the files read or found unchanged.
    pub bytes: u64,
    /// Every path that holds a document now; a known path that is missing here has vanished.
    pub seen_paths: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Markdown,
    Html,
    Text,
    Pdf,
    Docx,
}

impl Kind {
    fn of(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?.to_ascii_lowercase();
        match extension.as_str() {
            "md" | "markdown" | "mdx" => Some(Self::Markdown),
            "html" | "htm" | "xhtml" => Some(Self::Html),
            "txt" | "text" => Some(Self::Text),
            "pdf" => Some(Self::Pdf),
            "docx" => Some(Self::Docx),
            _ => None,
        }
    }
}

struct File {
    full: PathBuf,
    path: String,
    kind: Kind,
    bytes: u64,
}

/// Reads a source. `known` maps path to hash of what the caller already holds; those files are
/// reported as unchanged. A file that cannot be read is reported as skipped and the rest goes on.
///
/// # Errors
/// When the root itself cannot be read, or when `sink` refuses an event.
pub fn read_source(
    spec: &SourceSpec,
    known: &HashMap<String, String>,
    extractor: &Extractor,
    sink: &mut dyn FnMut(Event) -> anyhow::Result<()>,
) -> anyhow::Result<Totals> {
    let root = spec
        .root
        .canonicalize()
        .with_context(|| format!("{} cannot be read", spec.root.display()))?;
    let mut totals = Totals::default();
    let mut files = Vec::new();
    walk(&root, &mut files, &mut |path, reason| {
        totals.skipped += 1;
        sink(Event::Skipped { path, reason })
    })?;
    files.sort_by(|a, b| a.path.cmp(&b.path));
    sink(Event::Found { files: files.len() as u64, bytes: files.iter().map(|f| f.bytes).sum() })?;

    let base = if root.is_dir() { root.clone() } else { parent(&root) };
    let mut includes = Includes::new(base.clone());
    let fragments = fragments(&files, &mut includes);
    let mut readers: Vec<FileReader<'_>> = (0..threads())
        .map(|_| FileReader { spec, known, extractor, includes: Includes::new(base.clone()) })
        .collect();
    let mut looked_at = 0;
    // Batch by batch, so that one slow file cannot let the rest of the source pile up in memory.
    for batch in files.chunks(BATCH) {
        let outcomes = read_batch(batch, &fragments, &mut readers);
        for (file, outcome) in batch.iter().zip(outcomes) {
            match outcome {
                None => {}
                Some(Ok(Outcome::Read(document))) => {
                    totals.read += 1;
                    totals.bytes += file.bytes;
                    totals.seen_paths.push(file.path.clone());
                    sink(Event::Document(document))?;
                }
                Some(Ok(Outcome::Unchanged)) => {
                    totals.unchanged += 1;
                    totals.bytes += file.bytes;
                    totals.seen_paths.push(file.path.clone());
                    sink(Event::Unchanged { path: file.path.clone() })?;
                }
                Some(Err(reason)) => {
                    totals.skipped += 1;
                    sink(Event::Skipped { path: file.path.clone(), reason })?;
                }
            }
            looked_at += file.bytes;
            sink(Event::Progress { bytes: looked_at })?;
        }
    }
    Ok(totals)
}

/// Threads that read files: more would only wait for the disk and the index.
fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(4)
}

/// Reads the files of a batch, each reader on a thread of its own; the outcomes stand in the
/// order of the files. `None` is a part of other articles.
fn read_batch(
    batch: &[File],
    fragments: &HashSet<PathBuf>,
    readers: &mut [FileReader<'_>],
) -> Vec<Option<Result<Outcome, String>>> {
    let next = AtomicUsize::new(0);
    let outcomes = Mutex::new(batch.iter().map(|_| None).collect::<Vec<_>>());
    std::thread::scope(|scope| {
        for reader in readers {
            scope.spawn(|| {
                while let Some((i, file)) = {
                    let i = next.fetch_add(1, Ordering::Relaxed);
                    batch.get(i).map(|file| (i, file))
                } {
                    if !fragments.contains(&file.full) {
                        let outcome = reader.read(file);
                        outcomes.lock().unwrap_or_else(PoisonError::into_inner)[i] = Some(outcome);
                    }
                }
            });
        }
    });
    outcomes.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn parent(path: &Path) -> PathBuf {
    path.parent().map_or_else(|| PathBuf::from("/"), Path::to_owned)
}

fn walk(
    root: &Path,
    files: &mut Vec<File>,
    skip: &mut dyn FnMut(String, String) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let base = if root.is_dir() { root.to_owned() } else { parent(root) };
    let walker = WalkDir::new(root)
        .max_depth(MAX_FOLDER_DEPTH)
        .follow_links(false)
        .into_iter()
        // Hidden folders hold tools' business (.git), not articles.
        .filter_entry(|e| e.depth() == 0 || !e.file_name().to_string_lossy().starts_with('.'));
    for entry in walker {
        let entry = match entry {
            Ok(entry) => entry,
            Err(e) => {
                let path = e.path().map(|p| relative(&base, p)).unwrap_or_default();
                let reason = match e.io_error() {
                    Some(io) => format!("cannot be read ({io})"),
                    None => "cannot be read".to_owned(),
                };
                skip(path, reason)?;
                continue;
            }
        };
        let path = relative(&base, entry.path());
        let kind = Kind::of(entry.path());
        let mut full = entry.path().to_owned();
        if entry.path_is_symlink() {
            match full.canonicalize() {
                Ok(target) if !target.starts_with(&base) => {
                    skip(path, "is a link that leads out of the folder".to_owned())?;
                    continue;
                }
                Ok(target) if target.is_dir() => {
                    skip(path, "is a link to a folder; index that folder itself".to_owned())?;
                    continue;
                }
                Ok(target) => full = target,
                Err(_) => {
                    skip(path, "is a link that leads nowhere".to_owned())?;
                    continue;
                }
            }
        } else if entry.file_type().is_dir() {
            if entry.depth() == MAX_FOLDER_DEPTH {
                skip(path, format!("lies deeper than {MAX_FOLDER_DEPTH} folders"))?;
            }
            continue;
        } else if !entry.file_type().is_file() {
            skip(path, "is not a regular file".to_owned())?;
            continue;
        }
        let Some(kind) = kind else {
            skip(path, "is of a kind Firstline does not read".to_owned())?;
            continue;
        };
        let bytes = full.metadata().map_or(0, |m| m.len());
        if bytes > MAX_FILE_BYTES {
            let size = bytes / 1_048_576;
            let limit = MAX_FILE_BYTES / 1_048_576;
            skip(path, format!("is {size} MB; the limit is {limit} MB a file"))?;
            continue;
        }
        files.push(File { full, path, kind, bytes });
    }
    Ok(())
}

fn relative(base: &Path, path: &Path) -> String {
    let path = path.strip_prefix(base).unwrap_or(path);
    path.components().map(|c| c.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}

/// Files without a title of their own that others include: parts, not articles.
fn fragments(files: &[File], includes: &mut Includes) -> HashSet<PathBuf> {
    let mut targets = HashSet::new();
    for file in files.iter().filter(|f| f.kind == Kind::Markdown) {
        let Ok(bytes) = std::fs::read(&file.full) else { continue };
        let Ok(text) = std::str::from_utf8(&bytes) else { continue };
        if !text.contains("[!") {
            continue;
        }
        for reference in docfx::references(text) {
            let target = includes.resolve(&file.full, reference);
            if let Some(target) = target
                && target != file.full
            {
                targets.insert(target);
            }
        }
    }
    targets.retain(|path| {
        let Ok(bytes) = std::fs::read(path) else { return false };
        let Ok(text) = text::decode(&bytes) else { return false };
        let (yaml, body) = frontmatter::split(&text);
        yaml.is_none_or(|y| frontmatter::parse(y).title.is_none())
            && !body.lines().any(|l| l.starts_with("# "))
    });
    targets
}

enum Outcome {
    Read(Box<Document>),
    Unchanged,
}

struct FileReader<'a> {
    spec: &'a SourceSpec,
    known: &'a HashMap<String, String>,
    extractor: &'a Extractor,
    includes: Includes,
}

impl FileReader<'_> {
    fn read(&mut self, file: &File) -> Result<Outcome, String> {
        let bytes = std::fs::read(&file.full).map_err(|e| format!("cannot be read ({e})"))?;
        let mut hash = Sha256::new();
        hash.update(&bytes);
        let origin =
            Origin { source: &self.spec.name, path: &file.path, audience: &self.spec.audience };
        let known = self.known.get(&file.path);
        let (facts, body, hash) = match file.kind {
            Kind::Markdown => {
                let text = text::decode(&bytes)?;
                let (yaml, body) = frontmatter::split(&text);
                let resolved = docfx::resolve(body, &file.full, Some(&mut self.includes));
                for part in &resolved.included {
                    hash.update(part.as_bytes());
                }
                let hash = hex::encode(hash.finalize());
                if known == Some(&hash) {
                    return Ok(Outcome::Unchanged);
                }
                (yaml.map(frontmatter::parse).unwrap_or_default(), resolved.body, hash)
            }
            kind => {
                let hash = hex::encode(hash.finalize());
                if known == Some(&hash) {
                    return Ok(Outcome::Unchanged);
                }
                let (facts, body) = self.other(kind, file, &bytes)?;
                (facts, body, hash)
            }
        };
        build(&origin, facts, body, hash).map(|d| Outcome::Read(Box::new(d)))
    }

    fn other(
        &self,
        kind: Kind,
        file: &File,
        bytes: &[u8],
    ) -> Result<(FrontMatter, String), String> {
        match kind {
            Kind::Html => {
                let page = html::read(&text::decode(bytes)?)?;
                let facts = FrontMatter {
                    title: page.title,
                    language: page.language,
                    ..FrontMatter::default()
                };
                Ok((facts, page.markdown))
            }
            Kind::Pdf => Ok((FrontMatter::default(), self.extractor.extract("pdf", &file.full)?)),
            Kind::Docx => Ok((FrontMatter::default(), self.extractor.extract("docx", &file.full)?)),
            Kind::Text | Kind::Markdown => {
                Ok((FrontMatter::default(), text::to_markdown(&text::decode(bytes)?)))
            }
        }
    }
}
