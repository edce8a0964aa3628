//! `leasehold elect` as a user meets it: real candidates, a real server, real signals.

mod endings;
mod environment;
pub(crate) mod stage;
mod takeover;

use stage::{Candidate, Stage, eventually};
