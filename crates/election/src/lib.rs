//! Leader election, coordinated candidates and heartbeats on Kubernetes Leases.
//!
//! Everything here speaks to leases through [`LeaseApi`], so that the same code runs against any Kubernetes API server,
//! inside Leasehold's own server, and in a simulation. No decision compares a time that someone else wrote with a clock
//! of this machine.

mod builder;
mod driver;
mod elector;
mod guards;
mod heartbeat;
mod identity;
mod jitter;
#[cfg(feature = "kube")]
mod kube;
mod leadership;
mod lease_api;
mod leases;
pub mod machine;
mod metrics;
mod names;
mod record;
mod state;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;
pub mod timers;
mod token;
mod watch;
mod work;

#[cfg(feature = "kube")]
pub use self::kube::KubeLeases;
pub use builder::{ElectorBuilder, SetupError};
pub use elector::{Election, Elector, Ended, RunError};
pub use guards::WorkGuard;
pub use heartbeat::{Beat, Heartbeat, HeartbeatSettings};
pub use identity::{LeaseName, unique_identity};
pub use leadership::{Leadership, NotLeading};
pub use lease_api::{ApiFailure, LeaseApi, LeaseEvent, LeaseEvents};
pub use leases::Leases;
pub use metrics::{Metrics, NoMetrics};
pub use names::lease_name;
pub use record::Record;
pub use state::{Loss, ServerFault, State};
pub use timers::{HandOver, Timers, TimersError, TimersWarning};
pub use token::Token;
