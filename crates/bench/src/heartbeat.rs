//! Renewals as kubelets send them: a PUT of the lease as the server answered it last, with another renewTime.
//!
//! On a conflict the lease is read again, as kubelet does, and the renewal counts as a conflict. After any other failure it
//! is read, or created, before it is renewed again.

use std::sync::Arc;

use crate::crew::{Crew, Station};
use crate::fleet::{self, Node};
use crate::measure::{Load, measure};
use crate::pool::Failed;
use crate::tally::Outcome;
use crate::{Error, Report, Run, Setup, body};

/// Leases to renew.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Heartbeat {
    /// How many.
    pub nodes: u32,
    /// When.
    pub load: Load,
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
    let crew = Crew::gather(setup, run, setup.threads(at_once)).await?;
    let renewed = renewals(&crew, setup, plan, run).await;
    let left_over = if plan.keep {
        0
    } else {
        clean_up(&crew, setup, plan, run).await?
    };
    Ok(renewed?.report("heartbeat", setup, run.stop.is_cancelled(), left_over))
}

async fn renewals(crew: &Crew, setup: &Setup, plan: Heartbeat, run: &Run) -> Result<crate::report::Measured, Error> {
    run.meter.begin("creating leases", plan.nodes.into());
    fleet::create(crew, setup, plan.nodes, |_, name| name.to_owned()).await?;
    if run.stop.is_cancelled() {
        return Err(Error::Stopped);
    }
    run.meter.begin("renewing", 0);
    measure(crew, run, &setup.pids, plan.load, renew).await
}

async fn clean_up(crew: &Crew, setup: &Setup, plan: Heartbeat, run: &Run) -> Result<u64, Error> {
    run.meter.begin("deleting leases", plan.nodes.into());
    fleet::delete(crew, setup).await
}

async fn renew(station: Arc<Station>) -> Outcome {
    let node = station.idle.lock().pop_front();
    let mut node = node.expect("there are no more renewals in flight than leases");
    let outcome = attempt(&station, &mut node).await;
    station.idle.lock().push_back(node);
    outcome.unwrap_or_else(|failed| match failed {
        Failed::TimedOut => Outcome::TimedOut,
        Failed::Broken(why) => Outcome::Failed(why),
    })
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
    match put_lease(station, node, put).await? {
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
    let status = put_lease(station, node, station.api.create(lease)).await?;
    Ok(if status == 201 {
        Outcome::Done
    } else {
        Outcome::Failed(status.to_string())
    })
}

/// Sends a write; what the server answered takes the place of what was known, unless it refused.
async fn put_lease(station: &Station, node: &mut Node, call: crate::connection::Call) -> Result<u16, Failed> {
    let sent = station.pool.exchange(call, &mut node.lease).await;
    if !sent.as_ref().is_ok_and(http::StatusCode::is_success) {
        node.lease.clear();
    }
    sent.map(|status| status.as_u16())
}
