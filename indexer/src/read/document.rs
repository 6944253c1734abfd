//! What a file becomes: a document with its facts and its passages.

use std::path::Path;

use sha2::{Digest, Sha256};

use super::blocks::{self, Block};
use super::{docfx, frontmatter, language, passages};

/// A longer description is no summary; bytes.
const MAX_DESCRIPTION: usize = 1000;
/// Characters of an article's keywords that are kept.
const MAX_KEYWORDS: usize = 600;

/// One article.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The name of the source it came from.
    pub source: String,
    /// Relative to the source's folder, with `/`.
    pub path: String,
    pub title: String,
    /// The business system it is about, as its front matter says.
    pub system: Option<String>,
    pub owner: Option<String>,
    /// Who may read it: the front matter's word, else the source's.
    pub audience: String,
    /// Last review, `YYYY-MM-DD`.
    pub reviewed: Option<String>,
    /// BCP 47.
    pub language: String,
    /// Where the article lives for readers (front matter `url`); empty when it says nothing.
    pub url: String,
    /// SHA-256, hex, of the file's bytes and of what it includes.
    pub hash: String,
    /// The article's body, cleaned, for display. Raw HTML in it is not neutralised: a renderer
    /// must show it as text.
    pub markdown: String,
    pub passages: Vec<Passage>,
}

/// A stretch of an article, 150 to 250 words where the article is long enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passage {
    /// From 0, in reading order.
    pub ordinal: u32,
    /// The headings above it, joined with ` > `; the title where there is none.
    pub heading: String,
    /// Plain text: lists line by line, tables as `| a | b |` rows, code as it stands.
    pub text: String,
}

/// Facts that do not stand in the text itself.
pub(crate) struct Origin<'a> {
    pub(crate) source: &'a str,
    pub(crate) path: &'a str,
    pub(crate) audience: &'a str,
}

/// Reads an article that is compiled into the program. Its includes, if any, are dropped, and a
/// malformed part becomes plain text rather than an error.
pub fn document_from_markdown(
    source: &str,
    path: &str,
    text: &str,
    default_audience: &str,
) -> Document {
    let origin = Origin { source, path, audience: default_audience };
    let (yaml, body) = frontmatter::split(text);
    let facts = yaml.map(frontmatter::parse).unwrap_or_default();
    let body = docfx::resolve(body, Path::new(path), None).body;
    let hash = hex::encode(Sha256::digest(text.as_bytes()));
    build(&origin, facts.clone(), body, hash.clone()).unwrap_or_else(|_| {
        let plain = super::text::to_markdown(text);
        build(&origin, facts, plain, hash).unwrap_or_else(|_| Document {
            source: source.to_owned(),
            path: path.to_owned(),
            title: stem_title(path),
            system: None,
            owner: None,
            audience: default_audience.to_owned(),
            reviewed: None,
            language: "en".to_owned(),
            url: String::new(),
            hash: String::new(),
            markdown: String::new(),
            passages: Vec::new(),
        })
    })
}

/// Puts a document together from its facts and its Markdown body; the error is a sentence.
pub(crate) fn build(
    origin: &Origin<'_>,
    facts: frontmatter::FrontMatter,
    body: String,
    hash: String,
) -> Result<Document, String> {
    let parsed = blocks::parse(&body)?;
    let first_heading = parsed.iter().find_map(|b| match b {
        Block::Heading { level: 1, text } => Some(text.clone()),
        _ => None,
    });
    let title = facts.title.or(first_heading).unwrap_or_else(|| stem_title(origin.path));
    let mut passages = passages::cut(&parsed, &title);
    if passages.is_empty() {
        return Err("holds no text".to_owned());
    }
    let language = facts.language.filter(|l| l.len() >= 2 && l.len() <= 12).unwrap_or_else(|| {
        let sample: String =
            passages.iter().take(3).map(|p| p.text.as_str()).collect::<Vec<_>>().join("\n");
        language::detect(&sample)
    });
    if let (Some(description), Some(first)) = (&facts.description, passages.first_mut())
        && description.len() <= MAX_DESCRIPTION
        && !first.text.contains(description.as_str())
    {
        // A summary is worded for people who do not know the article yet.
        first.text.insert_str(0, &format!("{description}\n\n"));
    }
    if let (Some(keywords), Some(first)) = (&facts.keywords, passages.first_mut()) {
        // The author's search words are how readers call the matter; they belong to its start.
        let keywords: String = keywords.chars().take(MAX_KEYWORDS).collect();
        first.text.push_str(&format!("\n\nKeywords: {keywords}"));
    }
    Ok(Document {
        source: origin.source.to_owned(),
        path: origin.path.to_owned(),
        title,
        system: facts.system,
        owner: facts.owner,
        audience: facts.audience.unwrap_or_else(|| origin.audience.to_owned()),
        reviewed: facts.reviewed,
        language,
        url: facts.url.unwrap_or_default(),
        hash,
        markdown: body.trim().to_owned(),
        passages,
    })
}

/// A readable title from a file name: `reset-mfa_guide.md` is "reset mfa guide".
fn stem_title(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path);
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    stem.replace(['-', '_'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compiled_in_article() {
        let d = document_from_markdown(
            "sample",
            "gatehouse/reset-mfa.md",
            "---\ntitle: Reset MFA\nsystem: Gatehouse\nreviewed: 2025-01-02\n---\nOpen **Gatehouse**.\n",
            "everyone",
        );
        assert_eq!(d.title, "Reset MFA");
        assert_eq!(d.audience, "everyone");
        assert_eq!(d.passages.len(), 1);
        assert_eq!(d.passages[0].text, "Open Gatehouse.");
        assert_eq!(d.markdown, "Open **Gatehouse**.");
        assert_eq!(d.hash.len(), 64);
    }

    #[test]
    fn summary_and_keywords_stand_in_the_first_passage() {
        let d = document_from_markdown(
            "s",
            "a.md",
            "---\ntitle: T\ndescription: In short.\nkeywords: till, cash desk\n---\nBody.\n",
            "everyone",
        );
        assert_eq!(d.passages[0].text, "In short.\n\nBody.\n\nKeywords: till, cash desk");
    }

    #[test]
    fn titles_without_front_matter() {
        let t = |path: &str, text: &str| document_from_markdown("s", path, text, "everyone").title;
        assert_eq!(t("a/b-c.md", "# From heading\n\nx"), "From heading");
        assert_eq!(t("a/b-c.md", "only text"), "b c");
    }
}
