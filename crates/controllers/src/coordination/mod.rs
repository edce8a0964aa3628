//! Coordinated leader election: the server chooses among those who would hold a lease.
//!
//! Whoever would lead says so with a LeaseCandidate; the candidate of the oldest version gets the Lease, so that a rolling
//! upgrade does not move work to a new version before the old one is gone. [`decide`] says what a lease and its candidates
//! need next, and [`CoordinatedElection`] sees, asks and writes.
//!
//! The objects and what clients see of them are kube-apiserver's. The judgement is not:
//!
//! - Kubernetes compares the stamps of candidates, holders and server. Here what counts is when this process saw a stamp
//!   change. A candidate is asked with a `pingTime` one microsecond after its own last `renewTime`, never with our time: it
//!   answers only what is newer than that, and would answer again and again what lies ahead of its clock.
//! - A leader has stepped down when it has emptied the lease, which is then given to the next at once. Silence is not
//!   stepping down: it takes the lease's whole duration.
//! - Only those whose answer matters are asked: nobody at all while the best candidate leads. One that does not answer is
//!   asked ever less often.
//! - Clients that do not know `strategy` and `preferredHolder` wipe them; they are restored, ever less often too.

mod candidate;
mod controller;
mod decide;
mod figures;
mod rank;
mod term;

pub use controller::CoordinatedElection;
pub use figures::{ElectionFigures, ElectionOutcome};

use std::time::Duration;

/// The strategy that is carried out here. Others belong to whoever invented them.
const OLDEST_EMULATION_VERSION: &str = "OldestEmulationVersion";
/// How long a candidate may take to answer, and how long having been heard from is as good as an answer.
const ANSWER: Duration = Duration::from_secs(5);
/// How long a candidate is one without being heard from.
const VALID: Duration = Duration::from_secs(30 * 60);
/// How long a candidate is left in peace while nothing depends on it.
const QUIET: Duration = Duration::from_secs(15 * 60);

/// How long to leave something alone that has been tried in vain so often: doubling, from ten seconds to five minutes.
fn patience(times: u32) -> Duration {
    const MOST: Duration = Duration::from_secs(5 * 60);
    (ANSWER * 2_u32.saturating_pow(times.min(16))).min(MOST)
}
