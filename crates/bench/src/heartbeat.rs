//! Renewals as kubelets send them: a PUT of the lease as the server answered it last, with another renewTime.
//!
//! On a conflict the lease is read again, as kubelet does, and the renewal counts as a conflict. After any other failure it
//! is read, or created, before it is renewed again.

use std::sync::Arc;

use crate::crew::{Crew, Station};
use crate::fleet::{self, Node};
use crate::journal::Deliveries;
use crate::measure::{Load, measure};
use crate::pool::Failed;
use crate::posts::{Posts, Watches};
use crate::report::Measured;
use crate::stalled::Stalled;
use crate::tally::Outcome;
use crate::watcher::Filter;
use crate::{Error, Report, Run, Setup, body};

/// Leases to renew.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Heartbeat {
    /// How many.
    pub nodes: u32,
    /// When.
    pub load: Load,
    /// Watches to hold open meanwhile, each of one name that nobody writes.
    pub idle: Option<Watches>,
    /// Watches to open beforehand, each of all leases, that are never read.
    pub stalled: Option<Watches>,
    /// Leave the leases there afterwards.
    pub keep: bool,
}

/// Creates leases, renews them, and deletes them.
///
/// # Errors
/// When the plan makes no sense, the server cannot be reached, or it refuses to create the leases.
pub async fn heartbeat(setup: &Setup, plan: Heartbeat, run: &Run) -> Result<Report, Error> {
    let at_once = plan.load.pace.in_flight();
    setup.check(at_once)?;
    plan.load.check()?;
    if at_once > plan.nodes as usize {
        let why = format!(
            "{at_once} renewals in flight need as many nodes; there are {}",
            plan.nodes
        );
        return Err(Error::plan(why));
    }
    let mut threads = setup.threads(at_once);
    for watches in plan.idle.iter().chain(&plan.stalled) {
        watches.check(setup.target.protocol)?;
        threads = threads.min(watches.connections);
    }
    let crew = Crew::gather(setup, run, threads).await?;
    let renewed = renewals(&crew, setup, plan, run).await;
    let left_over = fleet::clean_up(&crew, setup, plan.nodes, plan.keep, run).await?;
    let (measured, deliveries) = renewed?;
    let mut report = measured.report("heartbeat", setup, run.stop.is_cancelled(), left_over);
    report.deliveries = deliveries;
    Ok(report)
}

async fn renewals(
    crew: &Crew,
    setup: &Setup,
    plan: Heartbeat,
    run: &Run,
) -> Result<(Measured, Option<Deliveries>), Error> {
    run.meter.begin("creating leases", plan.nodes.into());
    fleet::create(crew, setup, plan.nodes, |_, name| name.to_owned()).await?;
    let mut idle = None;
    if let Some(watches) = plan.idle {
        let prefix = format!("{}-idle", setup.prefix);
        let filter = move |number| Filter::One(number, fleet::name(&prefix, number));
        idle = Some(Posts::open(crew, setup, watches, filter, run).await?);
    }
    let _stalled = match plan.stalled {
        Some(watches) => Some(Stalled::open(crew, setup, watches, run).await?),
        None => None,
    };
    if run.stop.is_cancelled() {
        return Err(Error::Stopped);
    }
    run.meter.begin("renewing", 0);
    let measured = measure(crew, run, &setup.pids, plan.load, |station, _| renew(station)).await?;
    let deliveries = match idle {
        Some(posts) => Some(posts.settle(crew).await?),
        None => None,
    };
    Ok((measured, deliveries))
}

async fn renew(station: Arc<Station>) -> Outcome {
    let node = station.idle.lock().pop_front();
    let mut node = node.expect("there are no more renewals in flight than leases");
    let outcome = attempt(&station, &mut node).await;
    station.idle.lock().push_back(node);
    outcome.unwrap_or_else(Outcome::from)
}

async fn attempt(station: &Station, node: &mut Node) -> Result<Outcome, Failed> {
    if node.lease.is_empty() {
        match fleet::get(station, node).await? {
            200 => {}
            404 => return create_again(station, node).await,
            status => return Ok(Outcome::Failed(status.to_string())),
        }
    }
    let Some(renewed) = body::renewed(station.encoding, &node.lease, fleet::now()) else {
        node.lease.clear();
        return Ok(Outcome::Failed("no renewTime in the reply".to_owned()));
    };
    let put = station.api.put(&node.name, renewed.into());
    match fleet::send(station, node, put).await? {
        200 | 201 => Ok(Outcome::Done),
        409 => fleet::get(station, node).await.map(|_| Outcome::Conflict),
        status => Ok(Outcome::Failed(status.to_string())),
    }
}

async fn create_again(station: &Station, node: &mut Node) -> Result<Outcome, Failed> {
    let lease = body::create(
        station.encoding,
        &station.namespace,
        &node.name,
        &node.name,
        fleet::now(),
    );
    let status = fleet::send(station, node, station.api.create(lease)).await?;
    Ok(if status == 201 {
        Outcome::Done
    } else {
        Outcome::Failed(status.to_string())
    })
}
