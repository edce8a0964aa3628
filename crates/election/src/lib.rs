//! Leader election on Kubernetes Leases: one of several processes does the work, and stops before another begins.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use leasehold_election::{Elector, KubeLeases, Leases};
//! use tokio_util::sync::CancellationToken;
//!
//! let leases = Leases::new(KubeLeases::new(kube::Config::infer().await?)?);
//! let elector = Elector::builder(&leases, "default", "my-controller").build()?;
//! let stop = CancellationToken::new(); // cancel it when the program is told to end
//!
//! elector
//!     .run(stop, |leadership| async move {
//!         while leadership.is_valid() {
//!             // One piece of work. `leadership.check()?` right before each side effect; `leadership.token()` along with it.
//!             # tokio::task::yield_now().await;
//!         }
//!     })
//!     .await?;
//! # Ok(())
//! # }
//! ```
//!
//! [`Elector::run`] campaigns, runs the work in a task of its own while it leads, tells it to stop when the leadership ends
//! (and aborts it when it does not), gives the lease back *after* the work has ended, and campaigns again. Programs that
//! would rather do this themselves watch [`Election::state`]. Candidates written with client-go, and with every other client
//! that keeps to its rules, can contend for the same lease.
//!
//! # What is guaranteed
//!
//! At most one candidate's [`Leadership::is_valid`] is true at any moment, if every candidate's clock runs at a rate within
//! ρ of true time ([`Timers::clock_rate_bound`], 5 % unless told otherwise), if the server does compare-and-swap on
//! resourceVersion as Kubernetes does, and if nobody else edits or deletes the lease. How far clocks are apart, when they
//! are set, how slow the network is, whether requests, replies or watches are lost, whether machines are suspended: none of
//! that matters ([`timers`] has the proof). What no lease can give is that a side effect *ends* while the leadership is valid: a
//! process can be stopped between looking and acting, for longer than any margin. Where that must not happen, let whatever is
//! affected compare [`Leadership::token`], a number that is higher in every later term: see [`fencing`]. Candidates of other
//! libraries keep to their own rules, which promise less: client-go's counts its deadline from the server's reply.
//!
//! # How it goes about it
//!
//! - Validity counts from *before* the renewal was sent. The expiry of another's lease counts from when its record was seen to
//!   change, for the duration that the record names. No decision compares a time that someone else wrote with a clock here.
//! - Every decision is by a clock that goes on while the machine sleeps.
//! - Another holder, a deleted lease or a foreign write under our own name ends the term at once; a conflict is first looked
//!   into. Another's record is never blanked.
//! - A released lease is taken as soon as the watch tells of it. A follower with a working watch sends no requests; without
//!   one it looks every 1 to 2.2 retry periods. Electors on clones of one [`Leases`] share a watch for each namespace.
//!
//! A process that dies without releasing is waited for as long as its lease says; a newcomer cannot tell how long ago that
//! was, and waits for the whole of it.
//!
//! # What it needs
//!
//! A tokio runtime. On leases of its namespace, the rights to `get`, `create` and `update`, and `list` and `watch` if it is not
//! to poll. With [`KubeLeases`], an application that chooses a Kubernetes version by a feature of `k8s-openapi`, such as
//! `latest`, as every user of kube does; this crate forces none.
//!
//! # Further
//!
//! [`Replicas`] goes on through other servers when one is lost; [`Candidate`] stands in elections that the server decides; [`Heartbeat`] keeps a lease alive as kubelet does; [`Metrics`],
//! [`Health`] and [`ElectorBuilder::events`] show what is going on; [`machine`] is the rules by themselves, without I/O;
//! [`migration`] is for users of other crates. `examples/` has a controller, a service and many leases in one process.

mod builder;
mod candidate;
mod driver;
mod elector;
mod events;
pub mod fencing;
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
pub mod migration;
mod names;
mod record;
mod replicas;
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
pub use fencing::{Fence, StaleToken};
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
pub use replicas::Replicas;
pub use state::{Loss, ServerFault, State};
pub use timers::{HandOver, Timers, TimersError, TimersWarning};
pub use token::Token;
