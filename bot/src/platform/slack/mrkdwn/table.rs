//! Tables, which mrkdwn does not have: columns aligned with spaces, for a code block.

use pulldown_cmark::Alignment;

/// Longer cells stick out: padding a whole column to them would drown the rest.
const WIDEST: usize = 40;

pub(super) struct Table {
    columns: Vec<Alignment>,
    rows: Vec<Vec<String>>,
    cell: String,
}

impl Table {
    pub(super) fn new(columns: Vec<Alignment>) -> Self {
        Table { columns, rows: Vec::new(), cell: String::new() }
    }

    pub(super) fn row(&mut self) {
        self.rows.push(Vec::new());
    }

    pub(super) fn text(&mut self, text: &str) {
        self.cell.push_str(text);
    }

    pub(super) fn end_cell(&mut self) {
        let cell = std::mem::take(&mut self.cell);
        if let Some(row) = self.rows.last_mut() {
            row.push(cell.split_whitespace().collect::<Vec<_>>().join(" "));
        }
    }

    /// The first row is the header.
    pub(super) fn lines(self) -> Vec<String> {
        let mut widths = vec![1; self.columns.len()];
        for row in &self.rows {
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
        let mut lines: Vec<String> = self.rows.iter().map(line).collect();
        let rule: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
        lines.insert(1.min(lines.len()), rule.join("-|-"));
        lines
    }
}
