//! Electors as real processes against the real server: killed, stopped, and cut off from it.
//!
//! What the simulation shows by the million terms is shown here a few times on a real machine, with a real scheduler, sockets
//! and clocks. Each elector is a process (`elector`) that tells on stdout when its terms begin, until when they are valid and when
//! its work was told to stop, all by the machine's own clock that counts suspend, which all processes share. Between each of them
//! and the server there is a [`Proxy`](proxy::Proxy) that delays and cuts.

#![allow(
    clippy::disallowed_methods,
    reason = "a test harness of real processes measures real time"
)]

pub mod elector;
pub mod proxy;
pub mod terms;

/// What can go wrong with the harness itself.
pub type Error = leasehold_conformance::Error;

/// Nanoseconds on the machine's clock that counts suspend.
pub type Nanos = u64;

/// Now, on that clock.
#[must_use]
pub fn now() -> Nanos {
    use leasehold_clock::Clock;
    nanos(leasehold_clock::SystemClock.now())
}

/// A reading of that clock.
#[must_use]
pub fn nanos(at: leasehold_clock::Monotonic) -> Nanos {
    Nanos::try_from(at.0.as_nanos()).unwrap_or(Nanos::MAX)
}
