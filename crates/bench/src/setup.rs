//! What all measurements need to know.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::{Encoding, Error, Meter, Protocol, Target};

/// How the server is spoken to, and which leases are used.
#[derive(Clone)]
pub struct Setup {
    /// The server, and who asks.
    pub target: Target,
    /// The form of bodies.
    pub encoding: Encoding,
    /// Where the leases are. It must exist.
    pub namespace: String,
    /// Leases are named `PREFIX-NUMBER`.
    pub prefix: String,
    /// Connections, over all threads.
    pub connections: usize,
    /// Threads; none is without a connection.
    pub threads: usize,
    /// How long one request may take.
    pub timeout: Duration,
    /// Processes whose use of processor, memory and disk is measured.
    pub pids: Vec<u32>,
}

/// A measurement in progress, as seen from outside.
#[derive(Clone, Default)]
pub struct Run {
    /// Shows how far it is.
    pub meter: Arc<Meter>,
    /// Ends it early: it stops measuring, cleans up and reports.
    pub stop: CancellationToken,
}

impl Setup {
    /// Whether this can be carried out with so many requests at once.
    pub(crate) fn check(&self, at_once: usize) -> Result<(), Error> {
        if self.connections == 0 || self.threads == 0 || at_once == 0 {
            return Err(Error::plan(
                "connections, threads and requests in flight are at least one",
            ));
        }
        if self.target.protocol == Protocol::Http1 && at_once > self.connections {
            let why = format!(
                "over HTTP/1.1 each request in flight needs a connection: {at_once} requests, {} connections",
                self.connections
            );
            return Err(Error::plan(why));
        }
        for (what, name) in [("namespace", &self.namespace), ("prefix", &self.prefix)] {
            if !is_label(name) {
                let why = format!("'{name}' is not fit for a {what}: lower-case letters, digits and '-'");
                return Err(Error::plan(why));
            }
        }
        Ok(())
    }

    /// Threads, where there are connections and requests for each.
    pub(crate) fn threads(&self, at_once: usize) -> usize {
        self.threads.min(self.connections).min(at_once)
    }
}

/// The part of `total` that falls to `index` of `parts`: they differ by one at the most, the first ones get more.
pub(crate) const fn share(total: usize, parts: usize, index: usize) -> usize {
    total / parts + (index < total % parts) as usize
}

fn is_label(name: &str) -> bool {
    let fit = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (1..=50).contains(&name.len()) && name.chars().all(fit) && !name.starts_with('-') && !name.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_make_up_the_whole_and_keep_the_order() {
        for total in 0..40 {
            for parts in 1..8 {
                let of = |total| (0..parts).map(move |index| share(total, parts, index));
                assert_eq!(of(total).sum::<usize>(), total);
                assert!(of(total).zip(of(total + 1)).all(|(less, more)| less <= more));
            }
        }
    }
}
