//! A deterministic simulation of elections: the shipped electors, and the real registry and store below them, in a world of
//! which every moment is decided by a seed.
//!
//! Three to nine nodes campaign for one lease. Their clocks run fast and slow and their calendars step; messages are late,
//! lost and cut off; processes are killed, stopped and suspended; the server loses power; third parties meddle. An
//! [`oracle`] that knows true time judges what they believed and did. [`controls`] that are wrong on purpose show that it
//! notices. What is claimed is in docs/reliability.md.
//!
//! One seed gives one run, to the nanosecond: a single thread, no timers but the world's, no dice but seeded ones.

#[cfg(not(tokio_unstable))]
compile_error!("build in sim/, where .cargo/config.toml sets the flag that seeds the runtime's dice");

mod api;
mod clock;
mod contender;
pub mod controls;
mod event;
pub mod faults;
pub mod figures;
mod idle;
pub mod kept;
mod network;
mod oracle;
pub mod plan;
mod request;
pub mod run;
mod server;
mod simulation;
mod term;
pub mod time;
mod trace;
mod work;
mod world;

pub use network::Weather;
pub use oracle::{Counts, HandOvers, Rule, Violation};
pub use simulation::{Bounds, Report, simulate};
