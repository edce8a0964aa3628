//! Fencing tokens.

use std::fmt;

/// A number that is higher in every later term of a lease, whoever holds it, also after the lease was deleted and created
/// again: the resourceVersion at which the holder first saw its own term.
///
/// Send it along with every side effect, and let whatever is affected refuse a lower one than it has seen. Restoring etcd
/// without `--bump-revision`, or moving to a fresh etcd, makes tokens go back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(pub u64);

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
