//! Watchers, and writes for them to be told of: how soon each is told, and whether of every write once.

use std::sync::Arc;

use leasehold_clock::{Clock, SystemClock};

use crate::crew::{Crew, Station};
use crate::fleet::{self, Node};
use crate::journal::{Deliveries, Fate, Journal};
use crate::measure::{Load, measure};
use crate::pool::Failed;
use crate::posts::{Posts, Watches};
use crate::report::Measured;
use crate::schedule::Arrival;
use crate::tally::Outcome;
use crate::watcher::Filter;
use crate::{Error, Report, Run, Setup, body};

/// Watchers and writes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Watch {
    /// Those that are told of the writes.
    pub watches: Watches,
    /// Each watches one lease by its name, in place of all of the namespace.
    pub single_name: bool,
    /// Leases, written one after the other.
    pub nodes: u32,
    /// When they are written.
    pub load: Load,
    /// Leave the leases there afterwards.
    pub keep: bool,
}

/// Creates leases, opens watches, writes, and counts what the watches were told.
///
/// # Errors
/// When the plan makes no sense, the server cannot be reached, or it refuses to create leases or to open watches.
pub async fn watch(setup: &Setup, plan: Watch, run: &Run) -> Result<Report, Error> {
    let at_once = plan.load.pace.in_flight();
    setup.check(at_once)?;
    plan.load.check()?;
    plan.check(setup, at_once)?;
    let crew = Crew::gather(setup, run, setup.threads(at_once).min(plan.watches.connections)).await?;
    let watched = deliveries(&crew, setup, plan, run).await;
    let left_over = fleet::clean_up(&crew, setup, plan.nodes, plan.keep, run).await?;
    let (measured, deliveries) = watched?;
    let mut report = measured.report("watch", setup, run.stop.is_cancelled(), left_over);
    report.deliveries = Some(deliveries);
    Ok(report)
}

impl Watch {
    fn check(&self, setup: &Setup, at_once: usize) -> Result<(), Error> {
        if at_once > self.nodes as usize {
            let why = format!(
                "{at_once} writes in flight need as many leases; there are {}",
                self.nodes
            );
            return Err(Error::plan(why));
        }
        self.watches.check(setup.target.protocol)
    }

    fn filter(&self, prefix: &str, watcher: u32) -> Filter {
        if !self.single_name {
            return Filter::All;
        }
        let number = watcher % self.nodes;
        Filter::One(number, fleet::name(prefix, number))
    }
}

async fn deliveries(crew: &Crew, setup: &Setup, plan: Watch, run: &Run) -> Result<(Measured, Deliveries), Error> {
    run.meter.begin("creating leases", plan.nodes.into());
    fleet::create(crew, setup, plan.nodes, |_, _| body::mark::holder(0)).await?;
    let prefix = setup.prefix.clone();
    let filter = move |number| plan.filter(&prefix, number);
    let posts = Posts::open(crew, setup, plan.watches, filter, run).await?;
    if run.stop.is_cancelled() {
        return Err(Error::Stopped);
    }
    run.meter.begin("writing", 0);
    let journal = posts.journal();
    let write = move |station, arrival: Arrival| write(station, journal.clone(), arrival.measured);
    let measured = measure(crew, run, &setup.pids, plan.load, write).await?;
    run.meter.begin("waiting for events", 0);
    Ok((measured, posts.settle(crew).await?))
}

async fn write(station: Arc<Station>, journal: Arc<Journal>, measured: bool) -> Outcome {
    let node = station.idle.lock().pop_front();
    let mut node = node.expect("there are no more writes in flight than leases");
    let outcome = attempt(&station, &mut node, &journal, measured).await;
    station.idle.lock().push_back(node);
    outcome.unwrap_or_else(Outcome::from)
}

async fn attempt(station: &Station, node: &mut Node, journal: &Journal, measured: bool) -> Result<Outcome, Failed> {
    if node.lease.is_empty() {
        let status = fleet::get(station, node).await?;
        if status != 200 {
            return Ok(Outcome::Failed(status.to_string()));
        }
    }
    let number = journal.begin(node.number, SystemClock.now(), measured);
    let renewed = body::renewed(station.encoding, &node.lease, fleet::now());
    let marked = renewed.and_then(|mut lease| body::mark::write(&mut lease, number).then_some(lease));
    let Some(marked) = marked else {
        journal.end(number, Fate::Refused);
        node.lease.clear();
        return Ok(Outcome::Failed("a reply without what was written".to_owned()));
    };
    let status = fleet::send(station, node, station.api.put(&node.name, marked.into())).await?;
    let fate = match status {
        200 | 201 => Fate::Acknowledged,
        // What a server that failed has done is not known.
        500.. => Fate::Unknown,
        _ => Fate::Refused,
    };
    journal.end(number, fate);
    match status {
        200 | 201 => Ok(Outcome::Done),
        409 => fleet::get(station, node).await.map(|_| Outcome::Conflict),
        status => Ok(Outcome::Failed(status.to_string())),
    }
}
