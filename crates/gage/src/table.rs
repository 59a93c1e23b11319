//! Tables on the terminal.

use comfy_table::{Cell, CellAlignment, Table, TableComponent, presets::NOTHING};

/// A column's name, and on which side its cells stand.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Column {
    /// Words.
    Left(&'static str),
    /// Numbers.
    Right(&'static str),
}

/// Rows under their columns.
pub(crate) fn table(columns: &[Column], rows: Vec<Vec<String>>) -> Table {
    let mut table = bare();
    let name = |column: &Column| match column {
        Column::Left(name) => Cell::new(name),
        Column::Right(name) => Cell::new(name).set_alignment(CellAlignment::Right),
    };
    table.set_header(columns.iter().map(name));
    for row in rows {
        let cells = row.into_iter().zip(columns).map(|(text, column)| match column {
            Column::Left(_) => Cell::new(text),
            Column::Right(_) => Cell::new(text).set_alignment(CellAlignment::Right),
        });
        table.add_row(cells);
    }
    table
}

/// Names and their values, one a line.
pub(crate) fn facts(rows: &[(&str, String)]) -> Table {
    let mut table = bare();
    for (name, value) in rows {
        table.add_row([(*name).to_owned(), value.clone()]);
    }
    table
}

/// A line below the header and nothing else.
fn bare() -> Table {
    let mut table = Table::new();
    table.load_preset(NOTHING).set_style(TableComponent::HeaderLines, '─');
    table
}
