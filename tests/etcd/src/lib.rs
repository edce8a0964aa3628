//! Real etcd clusters for tests, and ways to hurt them.
//!
//! A [`Cluster`] runs on free ports of loopback with its data in a temporary directory, and is gone, killed, when it is dropped,
//! also by a test that fails. Its members can be killed, stopped, restarted and isolated from each other; a [`Proxy`] in front of
//! one can delay, hold or cut what goes through.
//!
//! The programs come from `cargo xtask test`, which builds or fetches them: see [`Version`]. This crate fetches nothing, and
//! knows nothing of what is kept in etcd.

mod cluster;
mod gateway;
mod member;
mod peers;
mod pki;
mod proxy;
mod version;

pub use cluster::{Cluster, Setup};
pub use member::Member;
pub use pki::{Identity, Pki};
pub use proxy::{Mode, Proxy};
pub use version::Version;

/// What can go wrong around a test: files, processes, sockets.
pub type Error = Box<dyn std::error::Error + Send + Sync>;
