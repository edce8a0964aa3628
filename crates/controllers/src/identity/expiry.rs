//! Identity Leases of servers that are gone are deleted.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use leasehold_api::ApiError;
use leasehold_api::coordination::Lease;
use leasehold_api::meta::ObjectMeta;
use leasehold_api::options::ListOptions;
use leasehold_clock::Monotonic;
use leasehold_registry::resources::LEASES;
use leasehold_registry::{Place, Registry};
use leasehold_store::Range;

use super::{COMPONENT, COMPONENT_LABEL, NAMESPACE};
use crate::driver::{Controller, Outcome};
use crate::writes::{self, Wrote};

/// How long a Lease without a duration counts as good: what it would be if it had one.
const UNSAID: Duration = Duration::from_secs(3600);

/// Deletes identity Leases that nobody renews.
///
/// A Lease goes when it has not changed for its duration between two looks of this process. After a start each one has its
/// whole term again.
#[derive(Debug)]
pub struct IdentityExpiry {
    period: Duration,
    seen: Seen,
    figures: Arc<IdentityFigures>,
}

/// What is known of servers, for whoever shows it.
#[derive(Debug, Default)]
pub struct IdentityFigures {
    leases: AtomicU64,
}

impl IdentityFigures {
    /// How many identity Leases there were at the last look.
    #[must_use]
    pub fn leases(&self) -> u64 {
        self.leases.load(Ordering::Relaxed)
    }
}

/// Which version of each Lease was seen first, and when.
type Seen = HashMap<String, (String, Monotonic)>;

impl IdentityExpiry {
    /// Looks every `period`, and counts in `figures`.
    #[must_use]
    pub fn new(period: Duration, figures: Arc<IdentityFigures>) -> Self {
        Self {
            period,
            seen: Seen::new(),
            figures,
        }
    }

    async fn sweep(&mut self, registry: &Registry) -> Result<Outcome, ApiError> {
        let leases = list(registry).await?;
        let expired = decide(registry.clock().now(), &mut self.seen, &leases);
        let there = leases.len();
        let mut gone = Vec::new();
        for metadata in expired {
            let place = Place::collection(&LEASES, NAMESPACE).named(&metadata.name);
            // Deletes what was judged, or nothing: a server that has come back since keeps its Lease.
            if writes::delete(registry, &place, metadata, self.name()).await? == Wrote::Done {
                gone.push(metadata.name.as_str());
            }
        }
        self.figures
            .leases
            .store((there - gone.len()) as u64, Ordering::Relaxed);
        let did = if gone.is_empty() {
            String::new()
        } else {
            format!("deleted the leases of servers that are gone: {}", gone.join(", "))
        };
        Ok(Outcome {
            did,
            again_in: Some(self.period),
        })
    }
}

async fn list(registry: &Registry) -> Result<Vec<Lease>, ApiError> {
    let options = ListOptions {
        label_selector: format!("{COMPONENT_LABEL}={COMPONENT}").parse()?,
        ..ListOptions::default()
    };
    let listed = registry.list(&Place::collection(&LEASES, NAMESPACE), &options).await?;
    let mut leases = Vec::with_capacity(listed.items.len());
    for item in listed.items {
        leases.extend(item.stored()?.downcast_ref::<Lease>().cloned());
    }
    Ok(leases)
}

/// Which Leases have been seen unchanged for their whole duration. `seen` is brought up to what exists.
fn decide<'a>(now: Monotonic, seen: &mut Seen, leases: &'a [Lease]) -> Vec<&'a ObjectMeta> {
    let mut current = Seen::new();
    let mut expired = Vec::new();
    for lease in leases {
        let Lease { metadata, spec } = lease;
        let since = match seen.get(&metadata.name) {
            Some((version, since)) if *version == metadata.resource_version => *since,
            _ => now,
        };
        let seconds = spec
            .lease_duration_seconds
            .and_then(|seconds| u64::try_from(seconds).ok());
        if now.since(since) >= seconds.map_or(UNSAID, Duration::from_secs) {
            expired.push(metadata);
        }
        current.insert(metadata.name.clone(), (metadata.resource_version.clone(), since));
    }
    *seen = current;
    expired
}

impl Controller for IdentityExpiry {
    fn name(&self) -> &'static str {
        "identity-expiry"
    }

    fn watches(&self) -> Vec<Range> {
        // A Lease that is renewed every few seconds would wake it for nothing.
        Vec::new()
    }

    fn activate<'a>(&'a mut self, registry: &'a Registry) -> BoxFuture<'a, Result<Outcome, ApiError>> {
        self.sweep(registry).boxed()
    }

    fn explain(&self) -> String {
        let (servers, period) = (self.seen.len(), self.period);
        format!("knows {servers} servers; looks every {period:?} for those that are gone")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lease(name: &str, version: &str, seconds: Option<i32>) -> Lease {
        let mut lease = Lease::default();
        lease.metadata.name = name.to_owned();
        lease.metadata.resource_version = version.to_owned();
        lease.spec.lease_duration_seconds = seconds;
        lease
    }

    #[test]
    fn a_lease_goes_when_it_was_seen_unchanged_for_its_duration() {
        let mut seen = Seen::new();
        let mut look = |at: u64, leases: &[Lease]| {
            let gone = decide(Monotonic(Duration::from_secs(at)), &mut seen, leases);
            gone.iter().map(|metadata| metadata.name.clone()).collect::<Vec<_>>()
        };
        let live = |version| lease("live", version, Some(100));
        let dead = || lease("dead", "1", Some(100));
        let unsaid = || lease("unsaid", "1", None);
        assert_eq!(
            look(1000, &[live("1"), dead(), unsaid()]),
            [""; 0],
            "a first look gives everybody a whole term"
        );
        assert_eq!(look(1099, &[live("2"), dead(), unsaid()]), [""; 0]);
        assert_eq!(look(1100, &[live("2"), dead(), unsaid()]), ["dead"]);
        assert_eq!(
            look(1198, &[live("2"), unsaid()]),
            [""; 0],
            "it changed between the looks"
        );
        assert_eq!(
            look(1199, &[live("2"), unsaid(), dead()]),
            ["live"],
            "one that came back has its term again"
        );
        assert_eq!(look(4600, &[unsaid(), dead()]), ["unsaid", "dead"]);
    }
}
