//! `leasehold heartbeat`: makes this machine a node and tells that it is alive, as a kubelet would.
//!
//! Two things go on side by side. A lease in `kube-node-lease` is renewed every few seconds
//! ([`leasehold_election::Heartbeat`]). And the Node is looked at as often, and its status posted when it is not what it
//! should be, or when the last post is a while ago ([`agent`]): what the machine is ([`facts`]), what it is short of
//! ([`pressure`]), and whether it is well ([`health`]). What is posted follows from these by pure functions ([`report`]).
//!
//! It never deletes anything: a machine that stops says that it is not ready and stays on the list until somebody deletes
//! its Node. A Node that was deleted under a running agent is not made anew, as with kubelet; start the agent again for
//! that.

mod agent;
mod api;
mod facts;
mod health;
mod pressure;
mod report;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use leasehold_clock::SystemClock;

use crate::cli::HeartbeatSettings;
use crate::failure::{Failure, Kind};
use crate::logging;
use crate::runtime;
use crate::shutdown::Signals;
use agent::Agent;
use api::Server;

/// How long the last post may take.
const FAREWELL: Duration = Duration::from_secs(5);

/// Keeps the node until a signal says otherwise.
pub(crate) fn main(settings: &HeartbeatSettings) -> Result<ExitCode, Failure> {
    logging::init(&settings.log)?;
    let runtime = runtime::of_one_thread()?;
    runtime.block_on(keep(settings))?;
    Ok(ExitCode::SUCCESS)
}

async fn keep(settings: &HeartbeatSettings) -> Result<(), Failure> {
    let mut signals =
        Signals::install().map_err(|error| Failure::new(Kind::Runtime, format!("cannot take signals: {error}")))?;
    let server = Server::connect(settings).await?;
    let mut agent = Agent::new(settings, server, Arc::new(SystemClock));
    tokio::select! {
        failure = agent.run() => return Err(failure),
        signal = signals.next() => tracing::info!(?signal, "stopping"),
    }
    tokio::select! {
        ended = tokio::time::timeout(FAREWELL, agent.farewell()) => {
            if ended.is_err() {
                tracing::warn!("the server did not take the last post; the node will be found silent");
            }
        }
        _ = signals.next() => {}
    }
    Ok(())
}
