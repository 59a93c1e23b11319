//! Charts on the terminal: a character holds two by four dots of Braille.

use super::{Chart, Panel, Style, value_at};

/// Characters of a chart's width, without its labels.
const WIDTH: usize = 64;
/// Lines of a panel.
const HEIGHT: usize = 10;
/// Characters of the labels at the left.
const MARGIN: usize = 8;
/// Characters of a terminal's line.
const COLUMNS: usize = 80;
/// The empty character of Braille.
const EMPTY: u32 = 0x2800;
/// The bits of a character's dots, by column and row.
const DOTS: [[u32; 4]; 2] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];
/// A dotted line's dots stand so far apart.
const GAP: usize = 4;
/// Where one stands.
const MARK: char = '●';

/// A chart's lines of text.
pub(crate) fn draw(chart: &Chart) -> Vec<String> {
    let mut lines = vec![chart.title.clone()];
    for panel in &chart.panels {
        lines.push(String::new());
        lines.extend(heading(panel));
        lines.extend(rows(panel, chart.span));
    }
    lines.push(axis(chart));
    lines.push(format!("{:MARGIN$} {}", "", chart.x_name));
    lines
}

/// The panel's name and what its lines are, on a line of their own if there is no room beside it.
fn heading(panel: &Panel) -> Vec<String> {
    let names = panel.lines.iter().map(|line| match line.style {
        Style::Solid => format!("⠒⠒ {}", line.name),
        Style::Dotted => format!("⠂⠂ {}", line.name),
        Style::Dashed => format!("⠒ ⠒ {}", line.name),
    });
    let mark = panel.mark.map(|_| format!("{MARK} now"));
    let names: Vec<_> = names.chain(mark).collect();
    let (title, names) = (format!("{:MARGIN$} {}", "", panel.title), names.join("   "));
    if title.chars().count() + names.chars().count() + 3 <= COLUMNS {
        return vec![format!("{title}   {names}")];
    }
    vec![title, format!("{:MARGIN$} {names}", "")]
}

fn rows(panel: &Panel, span: [f64; 2]) -> Vec<String> {
    let scale = panel.scale(4);
    let (columns, heights) = (2 * WIDTH, 4 * HEIGHT);
    let row_of = |value: f64| {
        let place = value / scale.top() * (heights - 1) as f64;
        heights - 1 - (place.round().max(0.0) as usize).min(heights - 1)
    };
    let x_at = |column: usize| span[0] + (span[1] - span[0]) * column as f64 / (columns - 1) as f64;
    let mut cells = vec![[0_u32; WIDTH]; HEIGHT];
    for line in &panel.lines {
        let mut before: Option<usize> = None;
        for column in 0..columns {
            let Some(row) = value_at(&line.points, x_at(column)).map(row_of) else { continue };
            // A steep line is drawn through.
            let from = before.map_or(row, |before| if before < row { before + 1 } else { row });
            let to = before.map_or(row, |before| if before > row { before - 1 } else { row });
            before = Some(row);
            let is_gap = match line.style {
                Style::Solid => false,
                Style::Dotted => !column.is_multiple_of(GAP),
                Style::Dashed => column % (2 * GAP) >= GAP,
            };
            if is_gap {
                continue;
            }
            let whole = line.style == Style::Solid;
            let rows = if whole { from..=to.max(from) } else { row..=row };
            for row in rows {
                cells[row / 4][column / 2] |= DOTS[column % 2][row % 4];
            }
        }
    }
    let mut drawn: Vec<Vec<char>> = cells
        .iter()
        .map(|row| row.iter().map(|dots| char::from_u32(EMPTY + dots).unwrap_or(' ')).collect())
        .collect();
    if let Some([x, y]) = panel.mark {
        let part = (x - span[0]) / (span[1] - span[0]);
        let column = ((part * (WIDTH - 1) as f64).round().max(0.0) as usize).min(WIDTH - 1);
        drawn[row_of(y) / 4][column] = MARK;
    }
    let labels: Vec<(usize, String)> = (0..=scale.steps)
        .map(|mark| (row_of(scale.step * f64::from(mark)) / 4, scale.label(mark)))
        .collect();
    let row = |(place, characters): (usize, &Vec<char>)| {
        let label = labels.iter().find(|(row, _)| *row == place).map_or("", |(_, label)| label);
        let text: String = characters.iter().collect();
        format!("{label:>MARGIN$} │{text}")
    };
    drawn.iter().enumerate().map(row).collect()
}

fn axis(chart: &Chart) -> String {
    let mut below = vec![' '; WIDTH + 8];
    for (x, label) in &chart.ticks {
        let part = (x - chart.span[0]) / (chart.span[1] - chart.span[0]);
        let middle = (part * (WIDTH - 1) as f64).round().max(0.0) as usize;
        let length = label.chars().count();
        let from = middle.saturating_sub(length / 2);
        let room = below.get(from.saturating_sub(1)..from + length);
        if room.is_some_and(|room| room.iter().all(|c| *c == ' ')) {
            below.splice(from..from + length, label.chars());
        }
    }
    let below: String = below.into_iter().collect();
    format!("{:MARGIN$} └{}\n{:MARGIN$}  {}", "", "─".repeat(WIDTH), "", below.trim_end())
}

#[cfg(test)]
mod tests {
    use super::super::Line;
    use super::*;

    #[test]
    fn a_line_rises_from_corner_to_corner() {
        let line =
            Line { name: "rate", style: Style::Solid, points: vec![[0.0, 0.0], [1.0, 100.0]] };
        let panel = Panel { title: "Curve".into(), lines: vec![line], mark: Some([0.0, 0.0]) };
        let ticks = vec![(0.0, "0 %".to_owned()), (1.0, "100 %".to_owned())];
        let chart =
            Chart { title: "T".into(), span: [0.0, 1.0], ticks, x_name: "u", panels: vec![panel] };
        let lines = draw(&chart);
        assert!(lines[2].contains("⠒⠒ rate") && lines[2].contains("● now"));
        assert!(
            lines[3].starts_with("   100 % │") && lines[3].ends_with('⠉')
                || lines[3].ends_with('⠊')
        );
        let last = &lines[2 + HEIGHT];
        assert!(last.contains("0 % │●"), "{last}");
        for line in &lines {
            assert!(line.lines().all(|line| line.chars().count() <= 80), "{line}");
        }
    }
}
