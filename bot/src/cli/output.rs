//! Printing: tables for people, JSON and CSV for programs, errors as one sentence.

use std::io::{self, Write};

use serde::Serialize;

/// Prints a line of JSON.
pub(super) fn json(value: &impl Serialize) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    serde_json::to_writer(&mut out, value)?;
    writeln!(out)?;
    out.flush()?;
    Ok(())
}

/// Prints text as it is.
pub(super) fn text(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    if !text.ends_with('\n') {
        out.write_all(b"\n")?;
    }
    out.flush()?;
    Ok(())
}

/// Prints text exactly, without a line end of its own.
pub(super) fn raw(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(())
}

/// Prints columns as wide as their widest cell; the last one runs free.
pub(super) fn table(head: &[&str], rows: &[Vec<String>]) -> anyhow::Result<()> {
    text(&laid_out(head, rows))
}

fn laid_out(head: &[&str], rows: &[Vec<String>]) -> String {
    let clean: Vec<Vec<String>> =
        rows.iter().map(|row| row.iter().map(|cell| one_line(cell)).collect()).collect();
    let mut widths: Vec<usize> = head.iter().map(|h| h.chars().count()).collect();
    for row in &clean {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut out = String::new();
    let head = head.iter().map(|h| h.to_uppercase()).collect::<Vec<_>>();
    for row in std::iter::once(&head).chain(&clean) {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', width + 2 - cell.chars().count()));
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// A cell on one line and without control characters: tickets hold what anyone typed, and
/// a terminal obeys escape sequences.
pub(super) fn one_line(text: &str) -> String {
    let spaced: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A row of CSV (RFC 4180) in which no cell can become a formula in a spreadsheet.
pub(super) fn csv_row(cells: &[String]) -> String {
    let cells: Vec<String> = cells.iter().map(|cell| csv_cell(cell)).collect();
    cells.join(",") + "\r\n"
}

fn csv_cell(cell: &str) -> String {
    let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let safe = if formula { format!("'{cell}") } else { cell.to_owned() };
    if safe.contains(['"', ',', '\n', '\r', '\'']) || safe != safe.trim() {
        format!("\"{}\"", safe.replace('"', "\"\""))
    } else {
        safe
    }
}

/// `2026-03-01 14:05` in UTC, from epoch milliseconds.
pub(super) fn time(ms: i64) -> String {
    match jiff::Timestamp::from_millisecond(ms) {
        Ok(at) => at.strftime("%Y-%m-%d %H:%M").to_string(),
        Err(_) => "?".to_owned(),
    }
}

/// The error and its causes as one sentence, without saying anything twice.
pub(super) fn sentence(error: &anyhow::Error) -> String {
    let mut said = String::new();
    for cause in error.chain() {
        let cause = cause.to_string();
        if said.contains(&cause) {
            continue;
        }
        if !said.is_empty() {
            said.truncate(said.trim_end_matches('.').len());
            said.push_str(": ");
        }
        said.push_str(&cause);
    }
    if !said.ends_with(['.', '?', '!']) {
        said.push('.');
    }
    said
}

/// Whether whoever read our output closed it, as `head` does: nothing to complain about.
pub(super) fn reader_is_gone(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let direct = cause.downcast_ref::<io::Error>().map(io::Error::kind);
        let in_json =
            cause.downcast_ref::<serde_json::Error>().and_then(serde_json::Error::io_error_kind);
        direct.or(in_json) == Some(io::ErrorKind::BrokenPipe)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_becomes_a_formula() {
        for (cell, written) in [
            ("plain", "plain"),
            ("a,b", "\"a,b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("two\nlines", "\"two\nlines\""),
            ("=1+1", "\"'=1+1\""),
            ("+49 40 1", "\"'+49 40 1\""),
            ("-2", "\"'-2\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("\t=1", "\"'\t=1\""),
            ("\r=1", "\"'\r=1\""),
            ("", ""),
        ] {
            assert_eq!(csv_cell(cell), written, "{cell:?}");
        }
        assert_eq!(csv_row(&["a".into(), "=b".into()]), "a,\"'=b\"\r\n");
    }

    #[test]
    fn tables_line_up_and_obey_nobody() {
        let rows = vec![
            vec!["FL-1".into(), "one\u{1b}[31m\nline".into()],
            vec!["FL-12".into(), "two".into()],
        ];
        insta::assert_snapshot!(laid_out(&["key", "summary"], &rows), @r"
        KEY    SUMMARY
        FL-1   one [31m line
        FL-12  two
        ");
    }

    #[test]
    fn errors_are_one_sentence() {
        let error = anyhow::anyhow!("no such file").context("the folder cannot be read.");
        assert_eq!(sentence(&error), "the folder cannot be read: no such file.");
        let twice = anyhow::anyhow!("refused").context("it failed: refused");
        assert_eq!(sentence(&twice), "it failed: refused.");
    }
}
