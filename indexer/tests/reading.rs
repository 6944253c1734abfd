//! Reading a folder with good, changed, vanished and hostile files, through the real child process.
#![allow(clippy::unwrap_used)]

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use firstline_indexer::{Document, Event, Extractor, SourceSpec, Totals, read_source};

fn extractor() -> Extractor {
    let mut e = Extractor::new(env!("CARGO_BIN_EXE_firstline-extract"), Vec::new());
    e.timeout = Duration::from_secs(20);
    e
}

type Skipped = HashMap<String, String>;

fn read(
    root: &Path,
    known: &HashMap<String, String>,
    extractor: &Extractor,
) -> (Totals, Vec<Document>, Skipped) {
    let spec = SourceSpec { name: "s".into(), root: root.to_owned(), audience: "everyone".into() };
    let (mut documents, mut skipped) = (Vec::new(), HashMap::new());
    let totals = read_source(&spec, known, extractor, &mut |event| {
        match event {
            Event::Document(d) => documents.push(*d),
            Event::Skipped { path, reason } => {
                skipped.insert(path, reason);
            }
            _ => {}
        }
        Ok(())
    })
    .unwrap();
    (totals, documents, skipped)
}

/// A one-page PDF that says `text`.
fn pdf(text: &str) -> Vec<u8> {
    let content = format!("BT /F1 12 Tf 72 720 Td ({text}) Tj ET");
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R \
         /Resources << /Font << /F1 5 0 R >> >> >>"
            .to_owned(),
        format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"
            .to_owned(),
    ];
    let mut out = "%PDF-1.4\n".to_owned();
    let mut offsets = Vec::new();
    for (i, object) in objects.iter().enumerate() {
        offsets.push(out.len());
        out.push_str(&format!("{} 0 obj\n{object}\nendobj\n", i + 1));
    }
    let start = out.len();
    out.push_str("xref\n0 6\n0000000000 65535 f \n");
    for offset in offsets {
        out.push_str(&format!("{offset:010} 00000 n \n"));
    }
    out.push_str(&format!("trailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n"));
    out.into_bytes()
}

#[test]
fn hostile_files_are_skipped_with_a_sentence_and_the_rest_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("kb");
    fs::create_dir_all(root.join("sub")).unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(root.join(name), bytes).unwrap();
    write("good.md", b"---\ntitle: Good\n---\nSee [other](sub/page.html).");
    write(
        "sub/page.html",
        b"<html><title>Page</title><body><h1>P</h1><p>Words here.</p></body></html>",
    );
    write("plain.txt", b"# literal text");
    write("paper.pdf", &pdf("Toner is ordered in Keystone"));
    write("latin.md", b"caf\xe9 au lait");
    write("binary.txt", b"\x00\x01\x02");
    write("empty.md", b"---\ntitle: x\n---\n");
    write("deep.md", ("> ".repeat(5000) + "x").as_bytes());
    write("deep.html", "<div>".repeat(200_000).as_bytes());
    write("broken.pdf", b"%PDF-1.4 nothing");
    write("broken.docx", b"PK nothing");
    write("tool.exe", b"MZ");
    fs::File::create(root.join("huge.md")).unwrap().set_len(200 * 1024 * 1024).unwrap();
    fs::write(dir.path().join("outside.md"), "outside").unwrap();
    std::os::unix::fs::symlink(dir.path().join("outside.md"), root.join("link.md")).unwrap();

    let (totals, documents, skipped) = read(&root, &HashMap::new(), &extractor());
    let titles: Vec<&str> = documents.iter().map(|d| d.title.as_str()).collect();
    assert_eq!(titles, ["Good", "paper", "plain", "Page"], "{skipped:?}");
    assert!(documents[0].markdown.contains("[other](sub/page.html)"));
    assert!(documents[1].passages[0].text.contains("Toner is ordered in Keystone"));
    assert_eq!(documents[2].passages[0].text, "# literal text");
    assert_eq!(totals.skipped as usize, skipped.len());
    for (path, part) in [
        ("latin.md", "UTF-8"),
        ("binary.txt", "binary"),
        ("empty.md", "no text"),
        ("deep.md", "deeper"),
        ("deep.html", "tags"),
        ("broken.pdf", "PDF"),
        ("broken.docx", "DOCX"),
        ("tool.exe", "does not read"),
        ("huge.md", "limit is 50 MB"),
        ("link.md", "out of the folder"),
    ] {
        let reason = skipped.get(path).unwrap_or_else(|| panic!("{path} was read"));
        assert!(reason.contains(part), "{path}: {reason}");
    }
}

#[test]
fn a_child_that_never_ends_is_killed() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("endless.pdf"), "x").unwrap();
    let mut endless = Extractor::new("/bin/sh", vec!["-c".into(), "exec sleep 600".into()]);
    endless.timeout = Duration::from_millis(200);
    let (_, _, skipped) = read(dir.path(), &HashMap::new(), &endless);
    assert!(skipped["endless.pdf"].contains("longer"), "{skipped:?}");
}

#[test]
fn memory_is_limited() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.pdf"), pdf("words")).unwrap();
    let mut small = extractor();
    small.memory = 1024 * 1024;
    let (_, documents, skipped) = read(dir.path(), &HashMap::new(), &small);
    assert!(documents.is_empty() && skipped.contains_key("a.pdf"));
}

#[test]
fn changes_and_parts_are_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    fs::create_dir(root.join("includes")).unwrap();
    fs::write(root.join("a.md"), "# A\n\nOpen [!INCLUDE [n](includes/name.md)] first.").unwrap();
    fs::write(root.join("b.md"), "# B\n\nStill the same.").unwrap();
    fs::write(root.join("includes/name.md"), "Keystone").unwrap();
    let (totals, documents, _) = read(root, &HashMap::new(), &extractor());
    assert_eq!(totals.seen_paths, ["a.md", "b.md"], "the included part is no article");
    assert_eq!(documents[0].passages[0].text, "Open Keystone first.");
    let known: HashMap<String, String> = documents.into_iter().map(|d| (d.path, d.hash)).collect();

    // A change of the included part is a change of the article.
    fs::write(root.join("includes/name.md"), "Tally").unwrap();
    let (totals, documents, _) = read(root, &known, &extractor());
    assert_eq!((totals.read, totals.unchanged), (1, 1));
    assert_eq!(documents[0].passages[0].text, "Open Tally first.");

    fs::remove_file(root.join("b.md")).unwrap();
    let (totals, _, _) = read(root, &known, &extractor());
    assert_eq!(totals.seen_paths, ["a.md"]);
}
