//! Leader election, coordinated candidates and heartbeats on Kubernetes Leases.
//!
//! Everything here speaks to leases through [`LeaseApi`], so that the same code runs against any Kubernetes API server,
//! inside Leasehold's own server, and in a simulation. No decision compares a time that someone else wrote with a clock
//! of this machine.

mod builder;
mod driver;
mod elector;
mod guards;
mod identity;
mod jitter;
mod leadership;
mod lease_api;
mod leases;
pub mod machine;
mod metrics;
mod record;
mod state;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod timers;
mod token;
mod watch;
mod work;

pub use builder::{ElectorBuilder, SetupError};
pub use elector::{Election, Elector, Ended, RunError};
pub use guards::WorkGuard;
pub use identity::{LeaseName, unique_identity};
pub use leadership::{Leadership, NotLeading};
pub use lease_api::{ApiFailure, LeaseApi, LeaseEvent, LeaseEvents};
pub use leases::Leases;
pub use metrics::{Metrics, NoMetrics};
pub use record::Record;
pub use state::{Loss, ServerFault, State};
pub use timers::{HandOver, Timers, TimersError, TimersWarning};
pub use token::Token;
