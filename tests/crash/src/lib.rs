//! A real server, killed again and again while clients write, read and watch; and a checker of everything they saw.
//!
//! [`run()`] plays one round: faults of the server's process, clients and watchers that take what comes, and a
//! [`History`](history::History) of it, which [`check::check`] judges. The harness knows the server's API only: nothing of
//! the program is linked in, so that it cannot share a mistake with it. What is claimed, and what each rule means, is in
//! docs/reliability.md.
//!
//! A seed decides who does what and when a fault comes. It does not make a run repeat exactly, since the processes' own
//! timing does not; it tells what kind of run it was.

#![allow(
    clippy::disallowed_methods,
    reason = "a test harness of real processes measures real time"
)]

pub mod check;
pub mod client;
pub mod clock;
mod faults;
pub mod figures;
pub mod history;
mod lease;
pub mod lives;
mod run;
pub mod watcher;

pub use run::{Plan, Round, run};

/// What can go wrong with the harness itself.
pub type Error = leasehold_conformance::Error;
