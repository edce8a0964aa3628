//! Figures by name, each from one run or several.

use std::collections::BTreeMap;

/// What was measured: in seconds, bytes or counts.
#[derive(Default)]
pub(super) struct Figures(BTreeMap<&'static str, Vec<f64>>);

impl Figures {
    /// Adds what one run found.
    pub(super) fn add(&mut self, id: &'static str, value: f64) {
        self.0.entry(id).or_default().push(value);
    }

    /// The middle one of all runs.
    pub(super) fn median(&self, id: &str) -> Option<f64> {
        let sorted = self.sorted(id)?;
        Some(sorted[sorted.len() / 2])
    }

    /// The smallest and the largest, if there were several runs.
    pub(super) fn range(&self, id: &str) -> Option<(f64, f64)> {
        let sorted = self.sorted(id)?;
        (sorted.len() > 1).then(|| (sorted[0], sorted[sorted.len() - 1]))
    }

    fn sorted(&self, id: &str) -> Option<Vec<f64>> {
        let mut values = self.0.get(id)?.clone();
        values.sort_by(f64::total_cmp);
        Some(values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_and_the_range_are_those_of_all_runs() {
        let mut figures = Figures::default();
        assert_eq!(figures.median("a"), None);
        figures.add("a", 3.0);
        assert_eq!((figures.median("a"), figures.range("a")), (Some(3.0), None));
        figures.add("a", 9.0);
        figures.add("a", 1.0);
        assert_eq!((figures.median("a"), figures.range("a")), (Some(3.0), Some((1.0, 9.0))));
    }
}
