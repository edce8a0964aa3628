//! Sockets, TLS and HTTP connections, each with its limits and deadlines.
//!
//! A connection is accepted if there is a slot for it, does its handshake, has its client certificate judged, and then
//! hands its requests to a [`Handler`] until it is closed by the client, for doing nothing, by a response, or by the
//! drain. A client that is slow, silent or hostile costs only itself: every wait for it has a bound in [`Limits`].
//!
//! Nothing here looks into a request, beyond its being one.

#![allow(
    clippy::disallowed_methods,
    reason = "bounds on sockets are in the runtime's own time, which its timers keep"
)]

mod activity;
mod client_cert;
mod connection;
mod handler;
mod limits;
mod listener;
mod peer;
mod proof;
mod server;
mod slots;
mod stall;
#[cfg(test)]
mod test_client;
mod tls;
mod watchdog;

pub use handler::Handler;
pub use limits::Limits;
pub use listener::Listener;
pub use peer::{Peer, PeerCertificate};
pub use server::{ConnectionCounts, Connections, Drained, Server};
pub use tls::{Identity, Tls, TlsError};
