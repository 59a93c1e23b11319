//! Charts as SVG, written by hand: the same numbers give the same bytes.

use std::fmt::Write as _;

use super::{Chart, Panel, Style};

const WIDTH: f64 = 860.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 22.0;
const BOTTOM: f64 = 44.0;
const PANEL: f64 = 180.0;
/// Above each panel, for the marks of the one before, its name and what its lines are.
const HEADING: f64 = 56.0;

/// Line colours, told apart by those who see no red and green (Okabe and Ito).
const COLOURS: [&str; 3] = ["#0072b2", "#d55e00", "#009e73"];

/// The chart's SVG.
pub(crate) fn draw(chart: &Chart) -> String {
    let height = TOP + (PANEL + HEADING) * chart.panels.len() as f64 + BOTTOM;
    let mut svg = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"sans-serif\" font-size=\"12\" fill=\"#222\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"{LEFT}\" y=\"26\" font-size=\"16\">{}</text>",
        escaped(&chart.title)
    );
    for (place, panel) in chart.panels.iter().enumerate() {
        draw_panel(&mut svg, chart, panel, TOP + (PANEL + HEADING) * place as f64 + HEADING);
    }
    let _ = writeln!(
        svg,
        "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text>\n</svg>",
        (LEFT + WIDTH - RIGHT) / 2.0,
        height - 8.0,
        escaped(chart.x_name)
    );
    svg
}

fn draw_panel(svg: &mut String, chart: &Chart, panel: &Panel, top: f64) {
    let scale = panel.scale(4);
    let right = WIDTH - RIGHT;
    let x = |x: f64| LEFT + (right - LEFT) * (x - chart.span[0]) / (chart.span[1] - chart.span[0]);
    let y = |value: f64| top + PANEL * (1.0 - value / scale.top());
    let _ = writeln!(
        svg,
        "<text x=\"{LEFT}\" y=\"{}\" font-weight=\"bold\">{}</text>",
        top - 10.0,
        escaped(&panel.title)
    );
    for mark in 0..=scale.steps {
        let at = y(scale.step * f64::from(mark));
        let _ = writeln!(
            svg,
            "<path d=\"M{LEFT} {at:.1}H{right}\" stroke=\"#ddd\"/>\
             <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            LEFT - 8.0,
            at + 4.0,
            scale.label(mark)
        );
    }
    for (place, label) in &chart.ticks {
        let at = x(*place);
        let _ = writeln!(
            svg,
            "<path d=\"M{at:.1} {:.1}v5\" stroke=\"#888\"/>\
             <text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            top + PANEL,
            top + PANEL + 18.0,
            escaped(label)
        );
    }
    let mut legend = right;
    for (place, line) in panel.lines.iter().enumerate().rev() {
        let colour = COLOURS[place % COLOURS.len()];
        let dash = match line.style {
            Style::Solid => "",
            Style::Dotted => " stroke-dasharray=\"3 3\"",
            Style::Dashed => " stroke-dasharray=\"9 4\"",
        };
        let points: Vec<_> = line
            .points
            .iter()
            .map(|point| format!("{:.1},{:.1}", x(point[0]), y(point[1])))
            .collect();
        legend -= 8.0 * line.name.chars().count() as f64;
        let _ = writeln!(
            svg,
            "<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.6\"{dash} points=\"{}\"/>\n\
             <path d=\"M{:.1} {:.1}h22\" stroke=\"{colour}\" stroke-width=\"1.6\"{dash}/>\
             <text x=\"{legend:.1}\" y=\"{:.1}\">{}</text>",
            points.join(" "),
            legend - 28.0,
            top - 14.0,
            top - 10.0,
            escaped(line.name)
        );
        legend -= 44.0;
    }
    if let Some([at, value]) = panel.mark {
        let _ = writeln!(svg, "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"4\"/>", x(at), y(value));
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::super::Line;
    use super::*;

    #[test]
    fn every_line_has_a_legend_and_stays_inside() {
        let line = |name, style| Line { name, style, points: vec![[0.0, 1.0], [1.0, 40.0]] };
        let lines = vec![line("borrow", Style::Solid), line("supply", Style::Dotted)];
        let panel = Panel { title: "a < b".into(), lines, mark: Some([0.5, 20.0]) };
        let ticks = vec![(0.0, "0 %".to_owned())];
        let chart =
            Chart { title: "T".into(), span: [0.0, 1.0], ticks, x_name: "x", panels: vec![panel] };
        let svg = draw(&chart);
        assert_eq!(svg, draw(&chart));
        for part in
            ["<polyline", ">borrow<", ">supply<", "a &lt; b", "dasharray", "<circle", "40 %"]
        {
            assert!(svg.contains(part), "{part}: {svg}");
        }
        assert!(svg.contains("points=\"64.0,253.5 840.0,78.0\""), "{svg}");
    }
}
