//! Figures that somebody else counts and this page only shows.

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

/// A metric and its series.
#[derive(Clone, Debug, PartialEq)]
pub struct Family {
    /// In full, but without `_total` at the end of a counter.
    pub name: &'static str,
    /// One line for people.
    pub help: &'static str,
    /// Whether it only ever grows.
    pub counter: bool,
    /// Its series. The values of labels must come from closed sets.
    pub series: Vec<Sample>,
}

/// One series now.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Names and values.
    pub labels: Vec<(&'static str, &'static str)>,
    /// The figure.
    pub value: f64,
}

/// Reads figures whenever the page is shown.
pub type Figures = Box<dyn Fn() -> Vec<Family> + Send + Sync>;

/// Shows what its function tells.
pub(super) struct FiguresCollector(pub(super) Figures);

impl std::fmt::Debug for FiguresCollector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FiguresCollector")
    }
}

impl Collector for FiguresCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        for family in (self.0)() {
            let kind = if family.counter {
                MetricType::Counter
            } else {
                MetricType::Gauge
            };
            let mut metric = encoder.encode_descriptor(family.name, family.help, None, kind)?;
            if let [only] = family.series.as_slice()
                && only.labels.is_empty()
            {
                value(only.value, family.counter, metric)?;
                continue;
            }
            for sample in family.series {
                let labels = sample.labels.as_slice();
                value(sample.value, family.counter, metric.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }
}

fn value(value: f64, counter: bool, metric: MetricEncoder<'_>) -> Result<(), std::fmt::Error> {
    if counter {
        ConstCounter::new(value).encode(metric)
    } else {
        ConstGauge::new(value).encode(metric)
    }
}
