//! Leader election, coordinated candidates and heartbeats on Kubernetes Leases.
//!
//! Everything here speaks to leases through [`LeaseApi`], so that the same code runs against any Kubernetes API server,
//! inside Leasehold's own server, and in a simulation. No decision compares a time that someone else wrote with a clock
//! of this machine.

mod builder;
mod candidate;
mod driver;
mod elector;
mod events;
mod guards;
mod health;
mod heartbeat;
mod identity;
mod jitter;
#[cfg(feature = "kube")]
mod kube;
#[cfg(feature = "kube")]
mod kube_candidates;
mod leadership;
mod lease_api;
mod leases;
pub mod machine;
mod metrics;
mod names;
mod record;
mod requests;
mod stamps;
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
pub use candidate::{Candidate, CandidateApi, CandidateBuilder, CandidateSights, OLDEST_EMULATION_VERSION};
pub use elector::{Election, Elector, Ended, RunError};
pub use events::EventApi;
pub use guards::WorkGuard;
pub use health::{Health, Unhealthy};
pub use heartbeat::Heartbeat;
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
