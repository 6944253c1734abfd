//! Resolves what plain Markdown does not know: docfx includes and markers, template tags, comments.
//!
//! Works on lines and leaves fenced code alone. Includes are followed inside the root only, never
//! in a circle, and with a limit on depth and size.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use regex::Regex;

use super::{frontmatter, text::decode};

const MAX_DEPTH: usize = 8;
/// All that includes may add to one article, in bytes.
const MAX_INCLUDED: usize = 1024 * 1024;

static INCLUDE: LazyLock<Regex> =
    LazyLock::new(|| re(r"(?i)\[!INCLUDE\s*(?:\[[^\]]*\])?\s*\(\s*<?([^)\s>]+)[^)]*\)\s*\]"));
static BLOCK_MARK: LazyLock<Regex> =
    LazyLock::new(|| re(r"(?i)^(\s*(?:>\s*)*)\[!(NOTE|IMPORTANT|TIP|WARNING|CAUTION)\]\s*(.*)$"));
static OTHER_MARK: LazyLock<Regex> = LazyLock::new(|| {
    re(r"(?i)\[!(?:div|video|code|next|prev|section|column)[^\]]*\](?:\([^)]*\))?")
});
static IMAGE_DIRECTIVE: LazyLock<Regex> = LazyLock::new(|| re(r":::image\b.*?:::"));
static DIRECTIVE_LINE: LazyLock<Regex> =
    LazyLock::new(|| re(r"^\s*(?:>\s*)*:::\s*[a-z-]*\b.*$|^\s*:::\s*$"));
static TEMPLATE: LazyLock<Regex> = LazyLock::new(|| re(r#"\{%-?\s*[^%]*?-?%\}|\{\{[^}]*\}\}"#));
static QUOTED: LazyLock<Regex> = LazyLock::new(|| re(r#""([^"]*)"|'([^']*)'"#));
static COMMENT: LazyLock<Regex> = LazyLock::new(|| re(r"(?s)<!--.*?-->"));

fn re(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is a constant and tested")
}

/// Loads included files for the articles of one root, each from disk only once.
pub(crate) struct Includes {
    root: PathBuf,
    cache: HashMap<PathBuf, Option<Arc<str>>>,
    /// Folder and reference to target: the same few parts are named thousands of times.
    targets: HashMap<(PathBuf, String), Option<PathBuf>>,
}

impl Includes {
    /// `root` must be canonical: every include is compared with it.
    pub(crate) fn new(root: PathBuf) -> Self {
        Self { root, cache: HashMap::new(), targets: HashMap::new() }
    }

    /// Where a reference leads, if that is a file inside the root.
    pub(crate) fn resolve(&mut self, from: &Path, reference: &str) -> Option<PathBuf> {
        let folder = from.parent()?;
        let key = (folder.to_owned(), reference.to_owned());
        if let Some(known) = self.targets.get(&key) {
            return known.clone();
        }
        let target = match reference.strip_prefix("~/") {
            Some(rest) => self.root.join(rest),
            None => folder.join(reference),
        };
        let target = target.canonicalize().ok().filter(|t| t.starts_with(&self.root));
        self.targets.insert(key, target.clone());
        target
    }

    fn load(&mut self, path: &Path) -> Option<Arc<str>> {
        if let Some(known) = self.cache.get(path) {
            return known.clone();
        }
        let small = path.metadata().is_ok_and(|m| m.is_file() && m.len() <= MAX_INCLUDED as u64);
        let text = small
            .then(|| std::fs::read(path).ok().and_then(|bytes| decode(&bytes).ok()))
            .flatten()
            .map(|text| Arc::from(frontmatter::split(&text).1.trim()));
        self.cache.insert(path.to_owned(), text.clone());
        text
    }
}

/// The references an article makes, for finding the files that are only parts of others.
pub(crate) fn references(text: &str) -> impl Iterator<Item = &str> {
    INCLUDE.captures_iter(text).filter_map(|c| c.get(1)).map(|m| m.as_str())
}

/// An article body with everything resolved, and the included texts in order (they belong to the
/// article's hash).
pub(crate) struct Resolved {
    pub(crate) body: String,
    pub(crate) included: Vec<Arc<str>>,
}

/// Resolves `body`, an article found at `from`. Without `includes` (compiled-in articles) every
/// include is dropped.
pub(crate) fn resolve(body: &str, from: &Path, includes: Option<&mut Includes>) -> Resolved {
    let mut work = Work { includes, included: Vec::new(), size: 0, stack: vec![from.to_owned()] };
    let body = work.expand(body);
    let body =
        if body.contains("<!--") { COMMENT.replace_all(&body, "").into_owned() } else { body };
    Resolved { body, included: work.included }
}

struct Work<'a> {
    includes: Option<&'a mut Includes>,
    included: Vec<Arc<str>>,
    size: usize,
    /// The files being expanded, outermost first: an include of one of them is a circle.
    stack: Vec<PathBuf>,
}

impl Work<'_> {
    fn expand(&mut self, body: &str) -> String {
        let mut out = String::with_capacity(body.len());
        let mut fence: Option<(char, usize)> = None;
        for line in body.lines() {
            let mark = fence_mark(line);
            match (fence, mark) {
                (None, Some(open)) => fence = Some(open),
                (Some((c, n)), Some((d, m))) if c == d && m >= n => fence = None,
                _ => {}
            }
            if fence.is_some() || mark.is_some() {
                out.push_str(line);
                out.push('\n');
                continue;
            }
            if let Some(line) = self.line(line) {
                out.push_str(&line);
                out.push('\n');
            }
        }
        out
    }

    /// One line outside code; `None` when nothing of it is left.
    fn line(&mut self, line: &str) -> Option<String> {
        let mut text = line.to_owned();
        if text.contains(":::") {
            text = IMAGE_DIRECTIVE.replace_all(&text, "").into_owned();
            if DIRECTIVE_LINE.is_match(&text) || text.trim().is_empty() {
                return None;
            }
        }
        if text.contains("[!") {
            text = self.marks(&text)?;
        }
        if text.contains("{%") || text.contains("{{") {
            text =
                TEMPLATE.replace_all(&text, |c: &regex::Captures<'_>| template(&c[0])).into_owned();
        }
        Some(text)
    }

    fn marks(&mut self, line: &str) -> Option<String> {
        if let Some(c) = BLOCK_MARK.captures(line) {
            let mut name = c[2].to_lowercase();
            name[..1].make_ascii_uppercase();
            let rest = self.marks(&c[3]).unwrap_or_default();
            return Some(format!("{}**{name}:** {rest}", &c[1]).trim_end().to_owned());
        }
        let mut out = String::new();
        let mut at = 0;
        for c in INCLUDE.captures_iter(line) {
            let (Some(whole), Some(target)) = (c.get(0), c.get(1)) else { continue };
            out.push_str(&line[at..whole.start()]);
            // The part's further lines keep the place's indent and quote marks.
            let indent: String =
                line.chars().take_while(|c| c.is_whitespace() || *c == '>').collect();
            let part = self.include(target.as_str()).unwrap_or_default();
            out.push_str(&part.trim().replace('\n', &format!("\n{indent}")));
            at = whole.end();
        }
        out.push_str(&line[at..]);
        let out = OTHER_MARK.replace_all(&out, "").into_owned();
        let empty = out.chars().all(|c| c.is_whitespace() || c == '>');
        (!empty).then_some(out)
    }

    fn include(&mut self, reference: &str) -> Option<String> {
        if self.stack.len() > MAX_DEPTH {
            return None;
        }
        let from = self.stack.last()?.clone();
        let includes = self.includes.as_deref_mut()?;
        let path = includes.resolve(&from, reference)?;
        if self.stack.contains(&path) {
            return None;
        }
        let text = includes.load(&path)?;
        self.size += text.len();
        if self.size > MAX_INCLUDED {
            return None;
        }
        self.included.push(text.clone());
        self.stack.push(path);
        let expanded = self.expand(&text);
        self.stack.pop();
        Some(expanded)
    }
}

/// The character and length of a code fence that opens or closes on this line.
fn fence_mark(line: &str) -> Option<(char, usize)> {
    let bare = line.trim_start_matches([' ', '\t', '>']);
    let c = bare.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let n = bare.chars().take_while(|d| *d == c).count();
    (n >= 3).then_some((c, n))
}

/// A template tag keeps the one plain name it quotes (`{% slack_channel "help" %}`), else goes.
fn template(tag: &str) -> String {
    let mut quoted = QUOTED.captures_iter(tag);
    match (quoted.next(), quoted.next()) {
        (Some(c), None) => {
            let text = c.get(1).or_else(|| c.get(2)).map_or("", |m| m.as_str());
            // A path or an assignment is plumbing, not wording.
            if text.contains('/') || tag.contains('=') { String::new() } else { text.to_owned() }
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn plain(body: &str) -> String {
        resolve(body, Path::new("a.md"), None).body
    }

    #[test]
    fn markers_are_resolved_or_dropped() {
        for (given, want) in [
            ("> [!NOTE]\n> Mind this.", "> **Note:**\n> Mind this.\n"),
            ("> [!TIP] Short.", "> **Tip:** Short.\n"),
            ("a :::image type=\"content\" source=\"x.png\"::: b", "a  b\n"),
            (":::image source=\"x\"\n:::", ""),
            (":::row:::\ntext\n:::row-end:::", "text\n"),
            ("> [!div class=\"nextstepaction\"]\n> [Go](x.md)", "> [Go](x.md)\n"),
            ("[!VIDEO https://x]", ""),
            ("Ask {% slack_channel \"help-me\" %}.", "Ask help-me.\n"),
            ("{% page \"/a/b\" %}x", "x\n"),
            ("a <!-- secret\nnote --> b", "a  b\n"),
            ("[text](../other.md#part)", "[text](../other.md#part)\n"),
            (
                "```\n[!INCLUDE [x](y.md)] :::image:::\n```",
                "```\n[!INCLUDE [x](y.md)] :::image:::\n```\n",
            ),
        ] {
            assert_eq!(plain(given), want, "{given}");
        }
    }

    #[test]
    fn includes_stay_inside_without_circles() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("root");
        std::fs::create_dir_all(root.join("includes")).unwrap();
        std::fs::write(dir.path().join("outside.md"), "OUTSIDE").unwrap();
        std::fs::write(root.join("includes/name.md"), "---\nx: 1\n---\nKeystone").unwrap();
        std::fs::write(root.join("includes/loop.md"), "round [!INCLUDE [a](loop.md)] end").unwrap();
        let root = root.canonicalize().unwrap();
        let mut includes = Includes::new(root.clone());
        let body = "Open [!INCLUDE[p](includes/name.md)], [!INCLUDE [a](includes/loop.md)], \
                    [!INCLUDE [o](../outside.md)][!INCLUDE [n](nowhere.md)] [!INCLUDE [t](~/includes/name.md)]";
        let out = resolve(body, &root.join("a.md"), Some(&mut includes));
        assert_eq!(out.body, "Open Keystone, round  end,  Keystone\n");
        assert_eq!(out.included.len(), 3);
    }
}
