//! The exit codes of `elect` besides the command's own and those of [`crate::failure::Kind`]. docs/elect.md has the whole
//! table.

use rustix::process::Signal;

/// The lease was lost, and `--once` forbids to wait for it again.
pub(super) const LOST: u8 = 123;
/// This candidate did not lead within `--timeout`.
pub(super) const TIMED_OUT: u8 = 124;

/// 128 + the signal's number, as a shell reports a process that a signal ended.
pub(super) fn by_signal(signal: Signal) -> u8 {
    u8::try_from(128 + signal.as_raw()).unwrap_or(u8::MAX)
}
