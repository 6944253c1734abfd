//! Word documents to Markdown: headings, lists, tables. Runs in the child process only.

use std::collections::HashMap;
use std::io::{Read, Seek};

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::text::escape;

/// The document part may unpack to this much; more is a bomb or no article.
const MAX_UNPACKED: u64 = 64 * 1024 * 1024;
const MAX_DEPTH: usize = 256;

/// Reads a DOCX; the error is a sentence.
pub(crate) fn read<R: Read + Seek>(file: R) -> Result<String, String> {
    let mut archive =
        zip::ZipArchive::new(file).map_err(|_| "is not a readable DOCX archive".to_owned())?;
    let styles = part(&mut archive, "word/styles.xml")
        .ok()
        .map(|xml| heading_styles(&xml))
        .unwrap_or_default();
    let xml = part(&mut archive, "word/document.xml")?;
    document(&xml, &styles)
}

fn part<R: Read + Seek>(archive: &mut zip::ZipArchive<R>, name: &str) -> Result<String, String> {
    let entry = archive.by_name(name).map_err(|_| format!("has no readable part {name}"))?;
    let too_big =
        || format!("unpacks to more than {} MB; it may be a zip bomb", MAX_UNPACKED / 1_048_576);
    if entry.size() > MAX_UNPACKED {
        return Err(too_big());
    }
    let mut xml = String::new();
    // The declared size is the sender's word, so the reading itself is limited as well.
    let read = entry
        .take(MAX_UNPACKED + 1)
        .read_to_string(&mut xml)
        .map_err(|_| format!("has a damaged part {name}"))?;
    if read as u64 > MAX_UNPACKED { Err(too_big()) } else { Ok(xml) }
}

fn attribute(e: &BytesStart<'_>, name: &str) -> Option<String> {
    e.attributes().flatten().find(|a| a.key.as_ref() == name).map(|a| a.value.to_string())
}

/// Style id to heading level. Names of built-in styles are English in every language's file.
fn heading_styles(xml: &str) -> HashMap<String, u8> {
    let mut out = HashMap::new();
    let mut reader = Reader::from_str(xml);
    let mut id = None;
    while let Ok(event) = reader.read_event() {
        match event {
            Event::Eof => break,
            Event::Start(e) | Event::Empty(e) => match e.name().as_ref() {
                "w:style" => id = attribute(&e, "w:styleId"),
                "w:name" => {
                    let name = attribute(&e, "w:val").unwrap_or_default().to_lowercase();
                    let level = match name.strip_prefix("heading ") {
                        Some(n) => n.parse().ok().filter(|n| (1..=6).contains(n)),
                        None => (name == "title").then_some(1),
                    };
                    if let (Some(id), Some(level)) = (&id, level) {
                        out.insert(id.clone(), level);
                    }
                }
                _ => {}
            },
            _ => {}
        }
    }
    out
}

#[derive(Default)]
struct Paragraph {
    text: String,
    level: Option<u8>,
    list: Option<usize>,
}

fn document(xml: &str, styles: &HashMap<String, u8>) -> Result<String, String> {
    let mut reader = Reader::from_str(xml);
    let mut out = String::new();
    let mut paragraph = Paragraph::default();
    // Tables open, each with its rows; a table in a cell becomes words of that cell.
    let mut tables: Vec<Vec<Vec<String>>> = Vec::new();
    let mut in_text = false;
    let mut depth = 0usize;
    let mut in_list = false;
    loop {
        let event = reader.read_event().map_err(|_| "has damaged XML inside".to_owned())?;
        let empty = matches!(event, Event::Empty(_));
        match event {
            Event::Eof => break,
            Event::Start(e) | Event::Empty(e) => {
                if !empty {
                    depth += 1;
                    if depth > MAX_DEPTH {
                        return Err(format!("nests deeper than {MAX_DEPTH} levels"));
                    }
                }
                match e.name().as_ref() {
                    "w:p" => paragraph = Paragraph::default(),
                    "w:pStyle" => {
                        let id = attribute(&e, "w:val").unwrap_or_default();
                        paragraph.level = styles.get(&id).copied().or_else(|| {
                            id.strip_prefix("Heading")?.parse().ok().filter(|n| (1..=6).contains(n))
                        });
                    }
                    "w:ilvl" => {
                        let level = attribute(&e, "w:val").and_then(|v| v.parse().ok());
                        paragraph.list = Some(level.unwrap_or(0usize).min(8));
                    }
                    "w:numPr" => paragraph.list = paragraph.list.or(Some(0)),
                    "w:t" => in_text = !empty,
                    "w:tab" => paragraph.text.push(' '),
                    "w:br" | "w:cr" => paragraph.text.push(' '),
                    "w:tbl" => tables.push(Vec::new()),
                    "w:tr" => {
                        if let Some(rows) = tables.last_mut() {
                            rows.push(Vec::new());
                        }
                    }
                    "w:tc" => {
                        if let Some(row) = tables.last_mut().and_then(|rows| rows.last_mut()) {
                            row.push(String::new());
                        }
                    }
                    _ => {}
                }
            }
            Event::Text(t) if in_text => paragraph.text.push_str(&t),
            Event::GeneralRef(r) if in_text => {
                let reference = r.to_string();
                let entity = format!("&{reference};");
                if let Ok(text) = quick_xml::escape::unescape(&entity) {
                    paragraph.text.push_str(&text);
                }
            }
            Event::End(e) => {
                depth = depth.saturating_sub(1);
                match e.name().as_ref() {
                    "w:t" => in_text = false,
                    "w:p" => {
                        let done = std::mem::take(&mut paragraph);
                        match tables.last_mut().and_then(|rows| rows.last_mut()?.last_mut()) {
                            Some(cell) => append_words(cell, &done.text),
                            None => write_paragraph(&mut out, &done, &mut in_list),
                        }
                    }
                    "w:tbl" => {
                        let rows = tables.pop().unwrap_or_default();
                        match tables.last_mut().and_then(|rows| rows.last_mut()?.last_mut()) {
                            Some(cell) => {
                                let words: Vec<String> = rows.into_iter().flatten().collect();
                                append_words(cell, &words.join(" "));
                            }
                            None => write_table(&mut out, &rows),
                        }
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }
    if out.trim().is_empty() { Err("holds no text".to_owned()) } else { Ok(out) }
}

fn append_words(cell: &mut String, text: &str) {
    if !cell.is_empty() && !text.is_empty() {
        cell.push(' ');
    }
    cell.push_str(text);
}

fn write_paragraph(out: &mut String, p: &Paragraph, in_list: &mut bool) {
    let text = escape(&super::blocks::collapse(&p.text));
    if text.is_empty() {
        return;
    }
    if *in_list && p.list.is_none() {
        out.push('\n');
    }
    *in_list = false;
    match (p.level, p.list) {
        (Some(level), _) => out.push_str(&format!("{} {text}\n\n", "#".repeat(level.into()))),
        (None, Some(level)) => {
            out.push_str(&format!("{}- {text}\n", "  ".repeat(level)));
            *in_list = true;
        }
        (None, None) => {
            // A plain paragraph may begin like a list or a number; it is neither.
            let mark = if text.starts_with(['-', '+', '=']) { "\\" } else { "" };
            out.push_str(&format!("{mark}{text}\n\n"));
        }
    }
}

fn write_table(out: &mut String, rows: &[Vec<String>]) {
    out.push('\n');
    let width = rows.iter().map(Vec::len).max().unwrap_or(0);
    for (i, row) in rows.iter().filter(|r| !r.is_empty()).enumerate() {
        let mut cells: Vec<String> =
            row.iter().map(|c| escape(&super::blocks::collapse(c))).collect();
        cells.resize(width, String::new());
        out.push_str(&format!("| {} |\n", cells.join(" | ")));
        if i == 0 {
            out.push_str(&format!("|{}\n", "---|".repeat(width)));
        }
    }
    out.push('\n');
}

#[cfg(test)]
pub(crate) mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::io::{Cursor, Write};

    /// A DOCX file with the given body XML.
    pub(crate) fn docx(body: &str) -> Vec<u8> {
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        let options = zip::write::SimpleFileOptions::default();
        zip.start_file("word/styles.xml", options).unwrap();
        zip.write_all(br#"<w:styles><w:style w:styleId="berschrift1"><w:name w:val="heading 1"/></w:style></w:styles>"#).unwrap();
        zip.start_file("word/document.xml", options).unwrap();
        zip.write_all(format!("<w:document><w:body>{body}</w:body></w:document>").as_bytes())
            .unwrap();
        zip.finish().unwrap().into_inner()
    }

    fn p(style: &str, text: &str) -> String {
        format!("<w:p><w:pPr>{style}</w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>")
    }

    #[test]
    fn reads_headings_lists_tables() {
        let cell = |t: &str| format!("<w:tc>{}</w:tc>", p("", t));
        let body = [
            p(r#"<w:pStyle w:val="berschrift1"/>"#, "Travel &amp; more"),
            p("", "Book early."),
            p(r#"<w:numPr><w:ilvl w:val="0"/></w:numPr>"#, "one"),
            p(r#"<w:numPr><w:ilvl w:val="1"/></w:numPr>"#, "two"),
            format!(
                "<w:tbl><w:tr>{}{}</w:tr><w:tr>{}{}</w:tr></w:tbl>",
                cell("k"),
                cell("v"),
                cell("1"),
                cell("2")
            ),
        ]
        .concat();
        let md = read(Cursor::new(docx(&body))).unwrap();
        assert_eq!(
            md.trim(),
            "# Travel \\& more\n\nBook early.\n\n- one\n  - two\n\n| k | v |\n|---|---|\n| 1 | 2 |"
        );
    }

    #[test]
    fn hostile_files_are_refused() {
        assert!(read(Cursor::new(b"not a zip".to_vec())).unwrap_err().contains("archive"));
        let deep = "<w:x>".repeat(1000);
        assert!(read(Cursor::new(docx(&deep))).unwrap_err().contains("deeper"));
        let bomb = " ".repeat(MAX_UNPACKED as usize + 10);
        assert!(read(Cursor::new(docx(&bomb))).unwrap_err().contains("zip bomb"));
    }
}
