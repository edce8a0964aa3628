//! How long things took: a histogram with three significant digits.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

/// The longest time that is told apart from longer ones.
const MAX: Duration = Duration::from_secs(3600);

/// Times, in nanoseconds, within a thousandth.
#[derive(Clone)]
pub(crate) struct Latencies(Histogram<u64>);

impl Default for Latencies {
    fn default() -> Self {
        let histogram = Histogram::new_with_bounds(1_000, MAX.as_nanos() as u64, 3);
        Self(histogram.expect("the bounds are in order and three digits are allowed"))
    }
}

impl Latencies {
    /// Adds one.
    pub(crate) fn record(&mut self, took: Duration) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.0.saturating_record(nanos);
    }

    /// Adds all of another's.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.0.add(&other.0).expect("all histograms here have the same bounds");
    }

    /// The figures of a report.
    pub(crate) fn summary(&self) -> Summary {
        let micros = |nanos: u64| nanos as f64 / 1e3;
        let at = |quantile| micros(self.0.value_at_quantile(quantile));
        Summary {
            count: self.0.len(),
            mean: self.0.mean() / 1e3,
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p99_9: at(0.999),
            max: micros(self.0.max()),
        }
    }
}

/// Latencies in microseconds.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Summary {
    /// How many were measured.
    pub count: u64,
    /// Their mean.
    pub mean: f64,
    /// Half of them are no longer than this.
    pub p50: f64,
    /// Nine of ten are no longer than this.
    pub p90: f64,
    /// 99 of a hundred are no longer than this.
    pub p99: f64,
    /// 999 of a thousand are no longer than this.
    #[serde(rename = "p99.9")]
    pub p99_9: f64,
    /// The longest.
    pub max: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_what_was_recorded() {
        let (mut low, mut high) = (Latencies::default(), Latencies::default());
        for ms in 1..=1000 {
            let half = if ms <= 500 { &mut low } else { &mut high };
            half.record(Duration::from_millis(ms));
        }
        low.merge(&high);
        let summary = low.summary();
        assert_eq!(summary.count, 1000);
        for (found, wanted_ms) in [
            (summary.p50, 500.0),
            (summary.p90, 900.0),
            (summary.p99, 990.0),
            (summary.p99_9, 999.0),
            (summary.max, 1000.0),
            (summary.mean, 500.5),
        ] {
            assert!((found / 1e3 / wanted_ms - 1.0).abs() < 0.002, "{found} for {wanted_ms}");
        }
    }

    #[test]
    fn what_is_beyond_the_bounds_counts_as_the_bound() {
        let mut latencies = Latencies::default();
        latencies.record(Duration::ZERO);
        latencies.record(Duration::MAX);
        let summary = latencies.summary();
        assert_eq!(summary.count, 2);
        assert!(summary.max >= MAX.as_secs_f64() * 1e6);
    }
}
