//! Tables, and those that are shown as text: columns aligned with spaces, for a code block.

use pulldown_cmark::Alignment;

use super::spans::Run;

/// Longer cells stick out: padding a whole column to them would drown the rest.
const WIDEST: usize = 40;

pub(in super::super) struct Table {
    pub(in super::super) columns: Vec<Alignment>,
    /// The first is the header.
    pub(in super::super) rows: Vec<Vec<Vec<Run>>>,
}

impl Table {
    /// Rows of cells, without styles and links.
    pub(in super::super) fn plain(&self) -> Vec<Vec<String>> {
        let cell = |runs: &Vec<Run>| {
            let text: String = runs.iter().map(Run::plain).collect();
            text.split_whitespace().collect::<Vec<_>>().join(" ")
        };
        self.rows.iter().map(|row| row.iter().map(cell).collect()).collect()
    }

    pub(in super::super) fn aligned(&self) -> String {
        let rows = self.plain();
        let mut widths = vec![1; self.columns.len()];
        for row in &rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = cell.chars().count().min(WIDEST).max(*width);
            }
        }
        let line = |row: &Vec<String>| {
            let cells =
                row.iter().zip(&widths).zip(&self.columns).map(
                    |((cell, &width), side)| match side {
                        Alignment::Right => format!("{cell:>width$}"),
                        Alignment::Center => format!("{cell:^width$}"),
                        _ => format!("{cell:<width$}"),
                    },
                );
            cells.collect::<Vec<_>>().join(" | ").trim_end().to_owned()
        };
        let mut lines: Vec<String> = rows.iter().map(line).collect();
        let rule: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
        lines.insert(1.min(lines.len()), rule.join("-|-"));
        lines.join("\n")
    }
}
