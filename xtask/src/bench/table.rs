//! The table: each figure beside its budget.

use super::budgets::{ROWS, Row, Unit};
use super::figures::Figures;

/// The table in Markdown; with the figures of another server and the ratio to ours, if there are some.
pub(super) fn render(ours: &Figures, theirs: Option<&Figures>) -> String {
    let mut header = vec!["work", "budget", "measured", ""];
    if theirs.is_some() {
        header.extend(["the other server", "ratio"]);
    }
    let mut lines = vec![line(&header), line(&vec!["---"; header.len()])];
    for row in ROWS {
        let mut cells = cells(row, ours);
        if let Some(theirs) = theirs {
            cells.extend(compared(row, ours, theirs));
        }
        lines.push(line(&cells));
    }
    lines.join("\n")
}

fn cells(row: &Row, ours: &Figures) -> Vec<String> {
    let bound = row.budget.bound(ours);
    let budget = bound.map_or_else(String::new, |(bound, is_upper)| {
        format!("{} {}", if is_upper { "≤" } else { "≥" }, row.unit.show(bound))
    });
    let verdict = match (ours.median(row.id), bound) {
        (None, _) | (_, None) => "",
        (Some(value), Some((bound, true))) if value <= bound => "met",
        (Some(value), Some((bound, false))) if value >= bound => "met",
        _ => "**missed**",
    };
    vec![
        row.what.to_owned(),
        budget,
        measured(row.id, row.unit, ours),
        verdict.to_owned(),
    ]
}

fn measured(id: &str, unit: Unit, figures: &Figures) -> String {
    let Some(median) = figures.median(id) else {
        return "–".to_owned();
    };
    match figures.range(id) {
        Some((low, high)) => format!("{} ({} to {})", unit.show(median), unit.show(low), unit.show(high)),
        None => unit.show(median),
    }
}

fn compared(row: &Row, ours: &Figures, theirs: &Figures) -> [String; 2] {
    let ratio = match (ours.median(row.id), theirs.median(row.id)) {
        (Some(ours), Some(theirs)) if ours > 0.0 => format!("{:.1}", theirs / ours),
        _ => String::new(),
    };
    [measured(row.id, row.unit, theirs), ratio]
}

fn line(cells: &[impl AsRef<str>]) -> String {
    let cells: Vec<_> = cells.iter().map(AsRef::as_ref).collect();
    format!("| {} |", cells.join(" | ")).replace("|  |", "| |")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row_of(id: &str, table: &str) -> String {
        let row = ROWS.iter().find(|row| row.id == id).unwrap();
        let line = table
            .lines()
            .find(|line| line.starts_with(&format!("| {} |", row.what)));
        line.unwrap()
            .split_once(&format!("{} | ", row.what))
            .unwrap()
            .1
            .to_owned()
    }

    #[test]
    fn a_figure_stands_beside_its_budget_and_another_servers() {
        let (mut ours, mut theirs) = (Figures::default(), Figures::default());
        for cpu in [20e-6, 40e-6, 35e-6] {
            ours.add("closed.cpu", cpu);
        }
        ours.add("closed.rate", 30e3);
        ours.add("program.size", 12e6);
        theirs.add("closed.cpu", 700e-6);
        let table = render(&ours, Some(&theirs));
        assert_eq!(
            row_of("closed.cpu", &table),
            "≤ 30.0 µs | 35.0 µs (20.0 µs to 40.0 µs) | **missed** | 700 µs | 20.0 |"
        );
        assert_eq!(row_of("closed.rate", &table), "≥ 25000/s | 30000/s | met | – | |");
        assert_eq!(row_of("program.size", &table), "≤ 20.0 MB | 12.0 MB | met | – | |");
        assert_eq!(row_of("start.empty", &table), "≤ 0.050 s | – | | – | |");
        assert!(!render(&ours, None).contains("ratio"));
    }
}
