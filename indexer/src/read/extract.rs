//! PDF and DOCX are read in a child process with limits on time, memory and output, so that a
//! hostile file can spoil nothing but itself.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

const MEMORY_VAR: &str = "FIRSTLINE_EXTRACT_MEMORY";
const SECONDS_VAR: &str = "FIRSTLINE_EXTRACT_SECONDS";
/// Text a file may yield, in bytes.
const MAX_OUTPUT: usize = 20 * 1024 * 1024;

/// How to start the child that reads PDF and DOCX: `program args... KIND PATH`, which must end in
/// [`extract_child_main`] before anything else of the program starts.
#[derive(Debug, Clone)]
pub struct Extractor {
    pub program: PathBuf,
    pub args: Vec<OsString>,
    /// The child is killed after this long.
    pub timeout: Duration,
    /// Address space of the child, in bytes.
    pub memory: u64,
}

impl Extractor {
    /// The usual limits: 30 seconds, 768 MB.
    pub fn new(program: impl Into<PathBuf>, args: Vec<OsString>) -> Self {
        Self {
            program: program.into(),
            args,
            timeout: Duration::from_secs(30),
            memory: 768 * 1024 * 1024,
        }
    }

    /// Reads one file; the error is a sentence that says why it was skipped.
    pub(crate) fn extract(&self, kind: &str, path: &Path) -> Result<String, String> {
        let mut child = Command::new(&self.program)
            .args(&self.args)
            .arg(kind)
            .arg(path)
            // The child parses a stranger's bytes: it gets no secrets from the environment.
            .env_clear()
            .env(MEMORY_VAR, self.memory.to_string())
            .env(SECONDS_VAR, self.timeout.as_secs().max(1).to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|e| format!("could not be read: the reading process did not start ({e})"))?;
        let deadline = Instant::now() + self.timeout;
        let text = collect(child.stdout.take(), MAX_OUTPUT);
        let complaint = collect(child.stderr.take(), 2000);
        let Ok(text) = text.recv_timeout(self.timeout) else {
            stop(&mut child);
            return Err(format!("took longer than {} seconds to read", self.timeout.as_secs()));
        };
        if text.len() > MAX_OUTPUT {
            stop(&mut child);
            return Err(format!("holds more than {} MB of text", MAX_OUTPUT / 1_048_576));
        }
        let left = deadline.saturating_duration_since(Instant::now());
        let complaint = complaint.recv_timeout(left).unwrap_or_default();
        let Ok(status) = child.wait() else {
            stop(&mut child);
            return Err("could not be read".to_owned());
        };
        match status.code() {
            Some(0) => String::from_utf8(text).map_err(|_| "yielded no readable text".to_owned()),
            Some(1) => Err(String::from_utf8_lossy(&complaint).trim().to_owned()),
            _ => Err(format!(
                "is damaged, or needs more than {} MB of memory or {} seconds to read",
                self.memory / 1_048_576,
                self.timeout.as_secs()
            )),
        }
    }
}

fn stop(child: &mut Child) {
    // Already gone is what we want, so neither result matters.
    let _ = child.kill();
    let _ = child.wait();
}

/// Reads a pipe to its end on a thread of its own, at most one byte more than `max`.
fn collect<R: Read + Send + 'static>(pipe: Option<R>, max: usize) -> mpsc::Receiver<Vec<u8>> {
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(pipe) = pipe {
            // A broken pipe leaves what was read; the exit code tells the rest.
            let _ = pipe.take(max as u64 + 1).read_to_end(&mut bytes);
        }
        let _ = send.send(bytes);
    });
    receive
}

/// The child's whole life: sets its own limits, reads one file, prints Markdown on stdout.
///
/// `kind` is `pdf` or `docx`. Exit 0: printed; exit 1: a sentence stands on stderr; anything else
/// (a signal, a panic) means a limit was hit or the file is damaged.
pub fn extract_child_main(kind: &str, path: &Path) -> ExitCode {
    let number =
        |name: &str, or: u64| std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(or);
    let memory = number(MEMORY_VAR, 768 * 1024 * 1024);
    let seconds = number(SECONDS_VAR, 30);
    let limits = [
        (rlimit::Resource::AS, memory),
        (rlimit::Resource::CPU, seconds),
        (rlimit::Resource::FSIZE, 0),
        (rlimit::Resource::CORE, 0),
    ];
    for (resource, limit) in limits {
        if let Err(e) = resource.set(limit, limit) {
            eprintln!("could not be read: its limits could not be set ({e})");
            return ExitCode::from(1);
        }
    }
    let text = match kind {
        "pdf" => pdf(path),
        "docx" => std::fs::File::open(path)
            .map_err(|e| format!("cannot be opened ({e})"))
            .and_then(|file| super::docx::read(std::io::BufReader::new(file))),
        other => Err(format!("is of the unknown kind {other}")),
    };
    match text {
        Ok(text) => {
            let end = floor_boundary(&text, MAX_OUTPUT + 1);
            match std::io::stdout().write_all(&text.as_bytes()[..end]) {
                Ok(()) => ExitCode::SUCCESS,
                Err(_) => ExitCode::from(2),
            }
        }
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::from(1)
        }
    }
}

fn floor_boundary(text: &str, max: usize) -> usize {
    let mut end = text.len().min(max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    end
}

fn pdf(path: &Path) -> Result<String, String> {
    // The library reports on stdout and panics on damage; both are of no interest here.
    std::panic::set_hook(Box::new(|_| {}));
    let bytes = std::fs::read(path).map_err(|e| format!("cannot be opened ({e})"))?;
    let text = std::panic::catch_unwind(|| pdf_extract::extract_text_from_mem(&bytes))
        .map_err(|_| "is a damaged PDF".to_owned())?
        .map_err(|_| "is a damaged or encrypted PDF".to_owned())?;
    if text.trim().is_empty() {
        return Err("is a PDF without text (scanned pages, perhaps)".to_owned());
    }
    Ok(super::text::to_markdown(&text))
}
