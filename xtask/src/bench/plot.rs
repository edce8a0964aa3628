//! Plots as SVG: a panel for each series, logarithmic across, from zero up.

use std::fmt::Write as _;

const WIDTH: f64 = 360.0;
const HEIGHT: f64 = 240.0;
/// Room around the points of a panel: left, top, right, bottom.
const MARGIN: (f64, f64, f64, f64) = (52.0, 34.0, 20.0, 42.0);
const COLUMNS: usize = 2;

/// A series of points, with what it is.
pub(super) struct Panel<'a> {
    pub(super) title: &'a str,
    pub(super) across: &'a str,
    pub(super) up: &'a str,
    /// From left to right; what grows is more than 0.
    pub(super) points: &'a [(f64, f64)],
}

/// All panels in one picture.
pub(super) fn svg(panels: &[Panel]) -> String {
    let rows = panels.len().div_ceil(COLUMNS);
    let (width, height) = (WIDTH * COLUMNS as f64, HEIGHT * rows as f64);
    // Writing to a String cannot fail, here and below.
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" \
         font-size=\"11\">\n<rect width=\"{width}\" height=\"{height}\" fill=\"white\"/>\n"
    );
    for (index, panel) in panels.iter().enumerate() {
        let (column, row) = (index % COLUMNS, index / COLUMNS);
        let (x, y) = (column as f64 * WIDTH, row as f64 * HEIGHT);
        let _ = writeln!(out, "<g transform=\"translate({x} {y})\">");
        draw(panel, &mut out);
        out.push_str("</g>\n");
    }
    out.push_str("</svg>\n");
    out
}

fn draw(panel: &Panel, out: &mut String) {
    let (left, top, right, bottom) = MARGIN;
    let (inner_width, inner_height) = (WIDTH - left - right, HEIGHT - top - bottom);
    let logs: Vec<_> = panel.points.iter().map(|point| point.0.log10()).collect();
    let (first, last) = (
        logs.first().copied().unwrap_or(0.0),
        logs.last().copied().unwrap_or(0.0),
    );
    let highest = ceiling(panel.points.iter().map(|point| point.1).fold(0.0, f64::max));
    let x = |log: f64| {
        left + inner_width
            * if last > first {
                (log - first) / (last - first)
            } else {
                0.5
            }
    };
    let y = |value: f64| top + inner_height * (1.0 - value / highest);
    text(out, left, 18.0, "start", &format!("{} ({})", panel.title, panel.up));
    text(out, left + inner_width / 2.0, HEIGHT - 8.0, "middle", panel.across);
    for step in 0..=4 {
        let value = highest * f64::from(step) / 4.0;
        let at = y(value);
        let _ = writeln!(out, "<path d=\"M{left} {at:.1}h{inner_width}\" stroke=\"#ddd\"/>");
        text(out, left - 6.0, at + 4.0, "end", &short(value));
    }
    let mut line = String::new();
    for (log, (across, value)) in logs.iter().zip(panel.points) {
        let (at, up) = (x(*log), y(*value));
        let _ = write!(line, "{at:.1},{up:.1} ");
        let _ = writeln!(out, "<circle cx=\"{at:.1}\" cy=\"{up:.1}\" r=\"3\" fill=\"#06c\"/>");
        text(out, at, HEIGHT - bottom + 16.0, "middle", &short(*across));
    }
    let line = line.trim_end();
    let _ = writeln!(out, "<polyline points=\"{line}\" fill=\"none\" stroke=\"#06c\"/>");
}

fn text(out: &mut String, x: f64, y: f64, anchor: &str, what: &str) {
    let _ = writeln!(
        out,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{what}</text>"
    );
}

/// The next number upwards of the form 1, 2, 4 or 10 times a power of ten, whose quarters are easy to read.
fn ceiling(value: f64) -> f64 {
    if value <= 0.0 {
        return 1.0;
    }
    let power = 10_f64.powf(value.log10().floor());
    let step = [1.0, 2.0, 4.0, 10.0].into_iter().find(|step| step * power >= value);
    power * step.unwrap_or(10.0)
}

fn short(value: f64) -> String {
    match value {
        1e6.. => format!("{}M", value / 1e6),
        1e3.. => format!("{}k", value / 1e3),
        _ => format!("{value}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_drawn_where_they_belong() {
        let points = [(1.0, 0.0), (10.0, 20.0), (100.0, 40.0)];
        let panel = Panel {
            title: "t",
            across: "a",
            up: "µs",
            points: &points,
        };
        let picture = svg(&[panel]);
        // Half way on a logarithmic axis, and half way up to 40.
        assert!(
            picture.contains("points=\"52.0,198.0 196.0,116.0 340.0,34.0\""),
            "{picture}"
        );
        assert_eq!(picture.matches("<g ").count(), picture.matches("</g>").count());
        for (value, wanted) in [
            (0.0, 1.0),
            (1.0, 1.0),
            (17.0, 20.0),
            (39.0, 40.0),
            (41.0, 100.0),
            (0.3, 0.4),
        ] {
            assert!((ceiling(value) / wanted - 1.0).abs() < 1e-9, "{value}");
        }
    }
}
