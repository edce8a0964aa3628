//! Time, as the rest of the workspace sees it: the clock that counts suspend, and a simulated one.
//!
//! A lease that was valid when the lid was closed is not valid when it is opened again, so every deadline here is
//! measured on a clock that goes on while the machine sleeps. Everything asks a [`Clock`]; the lints forbid the rest, so
//! that a test or a simulation decides what time it is.
//!
//! Two kinds of time are kept apart by type. [`Monotonic`] is what decisions are made with: it never steps and means
//! nothing outside this process. [`Clock::wall`] is for stamps that people and other programs read; no decision may
//! compare it with a stamp that someone else wrote.

mod monotonic;
mod simulated;
mod system;

use std::pin::Pin;
use std::time::SystemTime;

pub use monotonic::Monotonic;
pub use simulated::SimulatedClock;
pub use system::SystemClock;

/// A wait that a [`Clock`] hands out.
pub type Sleep<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// Where the time comes from.
pub trait Clock: Send + Sync {
    /// Now, on a clock that never steps and that goes on while the machine sleeps.
    fn now(&self) -> Monotonic;

    /// Now, on the calendar: may step in either direction at any moment.
    fn wall(&self) -> SystemTime;

    /// Returns once [`Clock::now`] is `deadline` or later; at once when it already is. Cancel safe.
    fn sleep_until(&self, deadline: Monotonic) -> Sleep<'_>;
}
