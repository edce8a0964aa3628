//! A load generator for the lease endpoints of any Kubernetes API server: what `leasehold bench` runs.
//!
//! It measures a server from outside, as its clients see it, and costs little enough (some fifteen microseconds of processor
//! time for a renewal) not to be what is measured. [`heartbeat`] renews leases as kubelets do, [`watch`] counts what
//! watchers are told of writes and how soon, [`list`] reads whole lists.
//!
//! A measurement goes through phases: connect, create leases, measure, delete them. Each thread has a runtime, connections
//! and leases of its own ([`crew`]); between phases all of them meet. Nothing is shared while it is measured but counters.
//!
//! It knows nothing about how the server works, prints nothing, and never writes to a lease that it has not made.

mod api;
mod body;
mod connection;
mod crew;
mod error;
mod events;
mod fleet;
mod heartbeat;
mod journal;
mod latency;
mod list;
mod measure;
mod meter;
mod pool;
mod posts;
mod process;
mod protobuf;
mod report;
mod schedule;
mod setup;
mod stalled;
mod tally;
mod target;
mod ticker;
mod watch;
mod watcher;

pub use api::Encoding;
pub use error::Error;
pub use heartbeat::{Heartbeat, heartbeat};
pub use journal::Deliveries;
pub use latency::Summary;
pub use list::{List, list};
pub use measure::Load;
pub use meter::{Meter, Reading};
pub use posts::Watches;
pub use process::Cost;
pub use report::{Generator, Report};
pub use schedule::{Pace, Until};
pub use setup::{Run, Setup};
pub use target::{Protocol, Target};
pub use watch::{Watch, watch};
