//! What is counted about requests, under Kubernetes' names, and the page that shows it.
//!
//! Label values come from closed sets only: a path that somebody made up cannot grow this. Each series is looked up by
//! position in an array, not by its labels, and made when it is first needed, so that the page shows no zeros.

mod figures;
mod plain;
mod series;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, AtomicU64};
use std::time::Duration;

use http::{Response, StatusCode};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, text};
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

use crate::in_flight::Kind;
use crate::{Body, reply};

use figures::FiguresCollector;
pub use figures::{Family as FigureFamily, Figures, Sample};
#[cfg(test)]
use series::Scope;
use series::{CODES, EventLabels, Labels, RequestLabels, SCOPES, VERBS, rows};
pub(crate) use series::{Series, Verb};

/// Kubernetes' buckets, with finer ones below: most requests here take less than the smallest of those.
const SECONDS: [f64; 20] = [
    0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 2.0, 5.0, 10.0, 20.0,
    30.0, 60.0,
];

/// A figure of the store.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figure {
    /// Without the `leasehold_store_` before it, and without `_total` after it.
    pub name: &'static str,
    /// One line for people.
    pub help: &'static str,
    /// The figure now.
    pub value: f64,
    /// Whether it only ever grows.
    pub counter: bool,
}

/// Reads the store's figures.
pub type StoreFigures = Box<dyn Fn() -> Vec<Figure> + Send + Sync>;

/// The metrics of a server.
pub struct Metrics {
    registry: Registry,
    /// What stands for the first row: everything that is not a resource.
    rows: Vec<Labels>,
    requests: Lazy<RequestLabels, Counter>,
    durations: Lazy<Labels, Histogram>,
    sizes: Lazy<Labels, Histogram>,
    long_running: Lazy<Labels, Gauge>,
    events: Lazy<EventLabels, Counter>,
    in_flight: [Gauge<i64, AtomicI64>; 3],
}

/// A family whose members are found by position.
struct Lazy<L, M> {
    family: Family<L, M, fn() -> M>,
    cells: Box<[OnceLock<M>]>,
}

impl<L, M> Lazy<L, M>
where
    L: Clone + std::hash::Hash + Eq,
    M: Clone,
{
    fn new(count: usize, make: fn() -> M) -> Self {
        let cells = std::iter::repeat_with(OnceLock::new).take(count).collect();
        Self {
            family: Family::new_with_constructor(make),
            cells,
        }
    }

    fn at(&self, position: usize, labels: impl FnOnce() -> L) -> &M {
        self.cells[position].get_or_init(|| self.family.get_or_create_owned(&labels()))
    }
}

impl Metrics {
    /// Metrics with nothing counted yet; `store` is asked whenever the page is shown.
    #[must_use]
    pub fn new(store: Option<StoreFigures>) -> Self {
        let rows = rows();
        let per_series = rows.len() * VERBS * SCOPES;
        let durations: fn() -> Histogram = || Histogram::new(SECONDS);
        let sizes: fn() -> Histogram = || Histogram::new(exponential_buckets(1000.0, 10.0, 7));
        let mut metrics = Self {
            registry: Registry::default(),
            requests: Lazy::new(per_series * CODES.len(), Counter::default),
            durations: Lazy::new(per_series, durations),
            sizes: Lazy::new(per_series, sizes),
            long_running: Lazy::new(rows.len() * SCOPES, Gauge::default),
            events: Lazy::new(rows.len(), Counter::default),
            in_flight: Default::default(),
            rows,
        };
        metrics.register(store);
        metrics
    }

    fn register(&mut self, store: Option<StoreFigures>) {
        let registry = &mut self.registry;
        let help = "Requests by what they asked for and how they were answered";
        registry.register("apiserver_request", help, self.requests.family.clone());
        let help = "Time from a request to its reply";
        registry.register(
            "apiserver_request_duration_seconds",
            help,
            self.durations.family.clone(),
        );
        registry.register(
            "apiserver_response_sizes",
            "Size of replies in bytes",
            self.sizes.family.clone(),
        );
        registry.register(
            "apiserver_longrunning_requests",
            "Watches under way",
            self.long_running.family.clone(),
        );
        registry.register(
            "apiserver_watch_events",
            "Events sent to watchers",
            self.events.family.clone(),
        );
        let in_flight = Family::<[(&'static str, &'static str); 1], Gauge>::default();
        for (kind, gauge) in Kind::ALL.iter().zip(&mut self.in_flight) {
            *gauge = in_flight.get_or_create_owned(&[("request_kind", kind.name())]);
        }
        registry.register(
            "apiserver_current_inflight_requests",
            "Requests being served",
            in_flight,
        );
        if let Some(figures) = store {
            registry.register_collector(Box::new(StoreCollector(figures)));
        }
    }

    /// The same, showing these figures too.
    #[must_use]
    pub fn with(mut self, figures: Figures) -> Self {
        self.registry.register_collector(Box::new(FiguresCollector(figures)));
        self
    }

    /// Counts an answered request.
    pub(crate) fn answered(&self, series: Series, code: StatusCode, took: Duration) {
        let position = series.position();
        let (slot, name) = series::code(code);
        let labels = || series.labels(&self.rows);
        self.requests
            .at(position * CODES.len() + slot, || RequestLabels::new(&labels(), name))
            .inc();
        if series.verb != Verb::Watch {
            self.durations.at(position, labels).observe(took.as_secs_f64());
        }
    }

    /// Where the sizes of replies to such a request are counted, if they are.
    pub(crate) fn sizes(&self, series: Series) -> Option<&Histogram> {
        let counted = matches!(series.verb, Verb::Get | Verb::List);
        counted.then(|| self.sizes.at(series.position(), || series.labels(&self.rows)))
    }

    /// The position of what a request names; that of no resource where there is none such.
    pub(crate) fn row(&self, group: &str, version: &str, resource: &str, subresource: &str) -> usize {
        let same = |row: &Labels| {
            row.resource == resource && row.group == group && row.version == version && row.subresource == subresource
        };
        self.rows.iter().position(same).unwrap_or(0)
    }

    /// The count of requests of a kind being served.
    pub(crate) fn in_flight(&self, kind: Kind) -> &Gauge<i64, AtomicI64> {
        &self.in_flight[kind as usize]
    }

    /// The count of events sent to watchers of a resource.
    pub(crate) fn watch_events(&self, series: Series) -> Counter<u64, AtomicU64> {
        self.events
            .at(series.row, || EventLabels::new(&series.labels(&self.rows)))
            .clone()
    }

    /// Counts a watch until it is dropped.
    pub(crate) fn long_running(&self, series: Series) -> LongRunning {
        let position = series.row * SCOPES + series.scope as usize;
        let gauge = self.long_running.at(position, || series.labels(&self.rows)).clone();
        gauge.inc();
        LongRunning(gauge)
    }

    /// The page.
    pub(crate) fn reply(&self) -> Response<Body> {
        let mut page = String::new();
        match text::encode(&mut page, &self.registry) {
            Ok(()) => reply::new(
                StatusCode::OK,
                plain::CONTENT_TYPE,
                plain::from_open_metrics(&page).into_bytes(),
            ),
            Err(std::fmt::Error) => reply::text(StatusCode::INTERNAL_SERVER_ERROR, "the metrics cannot be written\n"),
        }
    }
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Metrics")
    }
}

/// A watch that is counted.
#[derive(Debug)]
pub(crate) struct LongRunning(Gauge);

impl Drop for LongRunning {
    fn drop(&mut self) {
        self.0.dec();
    }
}

struct StoreCollector(StoreFigures);

impl std::fmt::Debug for StoreCollector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StoreCollector")
    }
}

impl Collector for StoreCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        for Figure {
            name,
            help,
            value,
            counter,
        } in (self.0)()
        {
            let name = format!("leasehold_store_{name}");
            if counter {
                let metric = ConstCounter::new(value);
                metric.encode(encoder.encode_descriptor(&name, help, None, metric.metric_type())?)?;
            } else {
                let metric = ConstGauge::new(value);
                metric.encode(encoder.encode_descriptor(&name, help, None, metric.metric_type())?)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
