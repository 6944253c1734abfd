//! Tables, which Discord's Markdown does not have: columns aligned in a code block, and where
//! they are too wide for a telephone, one line for each cell.

use crate::platform::prose::Table;

/// Wider tables wrap even on a wide screen, and then nothing is aligned any more.
const WIDEST_ROW: usize = 80;

pub(super) fn text(table: &Table) -> String {
    let rows = table.plain();
    let width = |row: &Vec<String>| row.iter().map(|cell| cell.chars().count() + 3).sum();
    let widest: usize = rows.iter().map(width).max().unwrap_or_default();
    if widest > WIDEST_ROW && rows.len() > 1 { records(rows) } else { table.aligned() }
}

/// `header: value` for each cell that says something, a blank line between rows.
fn records(rows: Vec<Vec<String>>) -> String {
    let mut rows = rows.into_iter();
    let header = rows.next().unwrap_or_default();
    let mut lines = Vec::new();
    for row in rows {
        if !lines.is_empty() {
            lines.push(String::new());
        }
        for (name, cell) in header.iter().zip(&row).filter(|(_, cell)| !cell.is_empty()) {
            lines.push(if name.is_empty() { cell.clone() } else { format!("{name}: {cell}") });
        }
    }
    lines.join("\n")
}
