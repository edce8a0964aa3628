//! Several real servers over one real etcd, both of them hurt while clients write, read and watch; and the verdict on what the
//! clients saw.
//!
//! [`run()`] plays one round: a new etcd of one or three members, three servers, each with links of its own to every member,
//! clients that ask another server with every request, watchers that stay and watchers that hop, and every fault that there is
//! ([`Fault`]), once, in an order that the seed decides. Clients, history and checker are those of `leasehold-crash`; what is new
//! is judged in [`judge`]: what may not be answered while there is no majority, who says so, and how soon everything works again.
//!
//! It shares no code with the program. What is claimed is in docs/reliability.md.

#![allow(
    clippy::disallowed_methods,
    reason = "a test harness of real processes measures real time"
)]

mod faults;
pub mod figures;
mod health;
pub mod judge;
mod replica;
mod run;
mod stage;
mod stopped;

pub use faults::Fault;
pub use run::{Plan, Round, run};

/// What can go wrong with the harness itself.
pub type Error = leasehold_crash::Error;
