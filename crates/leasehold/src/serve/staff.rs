//! The controllers at work: at once where this process has the store for itself, else each set where it leads.

use std::sync::Arc;

use leasehold_controllers::leadership::RegistryLeases;
use leasehold_controllers::{Controllers, Duty, LeasePublisher, Led, ServerIdentity, Standings, Statuses};
use leasehold_registry::Registry;
use tokio_util::sync::CancellationToken;

use super::controllers::Chosen;
use crate::failure::{Failure, Kind};

/// All controllers of this process, running or waiting to lead.
pub(super) struct Staff {
    own: Controllers,
    led: Vec<Led>,
}

impl Staff {
    /// Starts all of them: whoever holds the lock of a data directory has the store for itself, and only says so.
    pub(super) fn alone(
        registry: &Arc<Registry>,
        chosen: Chosen,
        identity: &ServerIdentity,
        stop: &CancellationToken,
    ) -> Self {
        let mut controllers = chosen.own;
        controllers.push(Box::new(LeasePublisher::of_controllers(identity)));
        controllers.extend(chosen.duties.iter().flat_map(|duty| (duty.crew)()));
        Self {
            own: Controllers::start(registry, controllers, stop),
            led: Vec::new(),
        }
    }

    /// Starts those of each server, and campaigns for the rest.
    pub(super) fn among_others(
        registry: &Arc<Registry>,
        chosen: Chosen,
        identity: &ServerIdentity,
        stop: &CancellationToken,
    ) -> Result<Self, Failure> {
        let leases = RegistryLeases::shared(registry.clone());
        let campaign = |duty: Duty| Led::start(registry, &leases, identity.holder(), duty, stop);
        let led = chosen.duties.into_iter().map(campaign).collect::<Result<_, _>>();
        Ok(Self {
            own: Controllers::start(registry, chosen.own, stop),
            led: led.map_err(|e| Failure::new(Kind::Runtime, e.to_string()))?,
        })
    }

    /// What each controller is doing, here or not.
    pub(super) fn statuses(&self) -> Statuses {
        let own = self.own.watch_statuses();
        self.led.iter().fold(own, |all, led| all.and(led.statuses()))
    }

    /// Who leads, for each set.
    pub(super) fn standings(&self) -> Standings {
        let none = Standings::default();
        self.led.iter().fold(none, |all, led| all.and(led.standings()))
    }

    /// Waits for all of them to stop, and for what was held to be given back.
    pub(super) async fn join(self) -> Result<(), Failure> {
        let mut joined = self.own.join().await;
        for led in self.led {
            joined = led.join().await.and(joined);
        }
        joined.map_err(|e| Failure::new(Kind::Runtime, format!("a controller ended early: {e}")))
    }
}
