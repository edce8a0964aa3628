//! Leases that ask for it are deleted some time after they have expired.
//!
//! Workloads that come and go leave leases behind, and nobody but their owner knows when one will not be wanted again. A
//! lease says so with the annotation `leasehold.dev/ttl-after-expiry`, a duration such as `1h` or `90m`. It goes that long
//! after it expired, and an Event tells of it. Leases without the annotation are never touched.
//!
//! A lease expires when this process has seen its record unchanged for `leaseDurationSeconds`. No stamp in it is compared
//! with a clock, and after a restart every lease has its term again. One without a duration never expires.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use jiff::SignedDuration;
use leasehold_api::ApiError;
use leasehold_api::codec::protobuf;
use leasehold_api::coordination::{Lease, LeaseSpec};
use leasehold_api::core::ObjectReference;
use leasehold_api::meta::ObjectMeta;
use leasehold_clock::Monotonic;
use leasehold_registry::resources::LEASES;
use leasehold_registry::{Place, Registry};
use leasehold_store::{Entry, Key, Page, Range, Snapshot};
use memchr::memmem::Finder;

use crate::driver::{Controller, Outcome};
use crate::recorder::{Mood, Notice, record};
use crate::writes::{self, Wrote};

const NAME: &str = "lease-ttl";
/// Asks for it.
const ANNOTATION: &str = "leasehold.dev/ttl-after-expiry";
/// How often leases are looked at: watching all of them would cost more than being so exact is worth.
const PERIOD: Duration = Duration::from_secs(10);
/// How many leases are looked at in one piece.
const PIECE: NonZeroUsize = NonZeroUsize::new(1000).expect("not zero");

/// Deletes leases that ask for it.
#[derive(Debug, Default)]
pub struct LeaseTtl {
    asking: HashMap<Key, Asking>,
}

/// A lease that asks, and since when its record has been as it is.
#[derive(Clone, Debug, PartialEq)]
struct Asking {
    /// The record's bytes would do, but for labels and the like.
    spec: LeaseSpec,
    since: Monotonic,
    /// The value that made no sense, if one did not: it is told of once.
    told: Option<String>,
}

/// What a lease that asks needs.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Need {
    /// To be deleted.
    Delete,
    /// To be looked at again no sooner than then.
    Wait(Monotonic),
    /// Nothing: it never expires.
    Nothing,
    /// To be told that this is no duration.
    Tell(String),
}

impl LeaseTtl {
    async fn sweep(&mut self, registry: &Registry) -> Result<Outcome, ApiError> {
        let now = registry.clock().now();
        let leases = asking(registry).await?;
        let mut before = std::mem::take(&mut self.asking);
        let (mut deleted, mut next) = (Vec::new(), now + PERIOD);
        for (key, lease) in leases {
            let known = before.remove(&key);
            let (known, need) = decide(now, known, &lease);
            match need {
                Need::Delete => match delete(registry, &key, &lease).await {
                    Ok(Wrote::Done) => deleted.push(format!("{}/{}", key.namespace, key.name)),
                    Ok(Wrote::Outrun) => {}
                    // One that cannot be deleted does not keep the others.
                    Err(error) => tracing::warn!(controller = NAME, lease = %key.name, %error, "will try again"),
                },
                Need::Wait(until) => next = next.min(until),
                Need::Nothing => {}
                Need::Tell(value) => {
                    let message = format!("{ANNOTATION} is '{value}', which is no duration such as 1h or 90m");
                    record(
                        registry,
                        NAME,
                        notice(&lease.metadata, Mood::Warning, "InvalidTTL", message),
                    )
                    .await;
                }
            }
            self.asking.insert(key, known);
        }
        let did = if deleted.is_empty() {
            String::new()
        } else {
            format!("deleted leases long expired: {}", deleted.join(", "))
        };
        Ok(Outcome {
            did,
            again_in: Some(next.since(now)),
        })
    }
}

/// Every lease that has the annotation. The others, nodes' heartbeats as a rule, are not even decoded.
async fn asking(registry: &Registry) -> Result<Vec<(Key, Lease)>, ApiError> {
    let annotation = Finder::new(ANNOTATION);
    let range = Range::Resource(LEASES.storage);
    let (mut found, mut snapshot) = (Vec::new(), Snapshot::Latest);
    let mut page = Page {
        limit: Some(PIECE),
        after: None,
    };
    loop {
        let listing = registry.store().list(&range, snapshot, &page).await;
        let listing = listing.map_err(|error| ApiError::unavailable(error.to_string(), 1))?;
        snapshot = Snapshot::At(listing.revision);
        page.after = listing.entries.last().map(|entry| entry.key.clone());
        // The annotation's name stands in a stored value as it is.
        let mention = listing
            .entries
            .into_iter()
            .filter(|entry| annotation.find(&entry.value).is_some());
        found.extend(mention.filter_map(read));
        if listing.remaining == 0 {
            return Ok(found);
        }
        // A sweep over very many leases lets others run in between.
        tokio::task::yield_now().await;
    }
}

fn read(entry: Entry) -> Option<(Key, Lease)> {
    let object = protobuf::from_stored(&LEASES.stored.1, &entry.value).ok()?;
    let mut lease = object.downcast_ref::<Lease>()?.clone();
    lease.metadata.resource_version = entry.revision.to_string();
    lease
        .metadata
        .annotations
        .contains_key(ANNOTATION)
        .then_some((entry.key, lease))
}

/// What a lease that asks needs, and what there is to remember of it.
fn decide(now: Monotonic, known: Option<Asking>, lease: &Lease) -> (Asking, Need) {
    let mut known = known
        .filter(|known| known.spec == lease.spec)
        .unwrap_or_else(|| Asking {
            spec: lease.spec.clone(),
            since: now,
            told: None,
        });
    let text = &lease.metadata.annotations[ANNOTATION];
    let Some(ttl) = duration(text) else {
        let is_news = known.told.as_ref() != Some(text);
        known.told = Some(text.clone());
        let need = if is_news {
            Need::Tell(text.clone())
        } else {
            Need::Nothing
        };
        return (known, need);
    };
    let seconds = lease
        .spec
        .lease_duration_seconds
        .and_then(|seconds| u64::try_from(seconds).ok());
    let Some(seconds) = seconds else {
        return (known, Need::Nothing);
    };
    let until = known.since + Duration::from_secs(seconds) + ttl;
    let need = if now >= until && lease.metadata.deletion_timestamp.is_none() {
        Need::Delete
    } else {
        Need::Wait(until.max(now + Duration::from_secs(1)))
    };
    (known, need)
}

/// As Go writes durations, such as `1h30m`. Not below zero.
fn duration(text: &str) -> Option<Duration> {
    let duration: SignedDuration = text.parse().ok()?;
    Duration::try_from(duration).ok()
}

async fn delete(registry: &Registry, key: &Key, lease: &Lease) -> Result<Wrote, ApiError> {
    let place = Place::collection(&LEASES, &key.namespace).named(&key.name);
    let wrote = writes::delete(registry, &place, &lease.metadata, NAME).await?;
    if wrote == Wrote::Done {
        let ttl = &lease.metadata.annotations[ANNOTATION];
        let message = format!("Deleted: it expired more than {ttl} ago, and {ANNOTATION} asked for it");
        record(
            registry,
            NAME,
            notice(&lease.metadata, Mood::Normal, "TTLExpired", message),
        )
        .await;
    }
    Ok(wrote)
}

fn notice(lease: &ObjectMeta, mood: Mood, reason: &'static str, message: String) -> Notice {
    let about = ObjectReference {
        api_version: "coordination.k8s.io/v1".to_owned(),
        kind: "Lease".to_owned(),
        namespace: lease.namespace.clone(),
        name: lease.name.clone(),
        uid: lease.uid.clone(),
        ..ObjectReference::default()
    };
    Notice {
        about,
        mood,
        reason,
        message,
    }
}

impl Controller for LeaseTtl {
    fn name(&self) -> &'static str {
        NAME
    }

    fn watches(&self) -> Vec<Range> {
        Vec::new()
    }

    fn activate<'a>(&'a mut self, registry: &'a Registry) -> BoxFuture<'a, Result<Outcome, ApiError>> {
        self.sweep(registry).boxed()
    }

    fn explain(&self) -> String {
        match self.asking.len() {
            0 => format!("no lease has the annotation {ANNOTATION}"),
            count => format!("{count} leases ask to be deleted some time after they expire"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Monotonic {
        Monotonic(Duration::from_secs(seconds))
    }

    fn lease(ttl: &str, seconds: Option<i32>, transitions: i32) -> Lease {
        let mut lease = Lease::default();
        lease.metadata.annotations.insert(ANNOTATION.to_owned(), ttl.to_owned());
        lease.spec.lease_duration_seconds = seconds;
        lease.spec.lease_transitions = Some(transitions);
        lease
    }

    #[test]
    fn a_lease_goes_its_time_after_its_term_was_over() {
        let (known, need) = decide(at(100), None, &lease("1m", Some(15), 0));
        assert_eq!(need, Need::Wait(at(175)));
        let (known, need) = decide(at(174), Some(known), &lease("1m", Some(15), 0));
        assert_eq!(need, Need::Wait(at(175)));
        let (_, need) = decide(at(175), Some(known.clone()), &lease("1m", Some(15), 0));
        assert_eq!(need, Need::Delete);
        let (_, need) = decide(at(175), Some(known.clone()), &lease("1m", Some(15), 1));
        assert_eq!(need, Need::Wait(at(250)), "it was renewed");
        let (_, need) = decide(at(175), Some(known), &lease("2m", Some(15), 0));
        assert_eq!(
            need,
            Need::Wait(at(235)),
            "a longer time was asked for; that is no renewal"
        );
    }

    #[test]
    fn what_cannot_expire_stays() {
        let (known, need) = decide(at(100), None, &lease("1m", None, 0));
        assert_eq!(need, Need::Nothing);
        assert_eq!(decide(at(100_000), Some(known), &lease("1m", None, 0)).1, Need::Nothing);
        let mut deleting = lease("0s", Some(1), 0);
        deleting.metadata.deletion_timestamp = Some(leasehold_api::Time::new(1, 0));
        let (known, _) = decide(at(100), None, &deleting);
        assert_eq!(
            decide(at(200), Some(known), &deleting).1,
            Need::Wait(at(201)),
            "finalizers hold it"
        );
    }

    #[test]
    fn what_is_no_duration_is_told_of_once() {
        for bad in ["", "soon", "-1h", "1x"] {
            let (known, need) = decide(at(100), None, &lease(bad, Some(15), 0));
            assert_eq!(need, Need::Tell(bad.to_owned()));
            let (known, need) = decide(at(100_000), Some(known), &lease(bad, Some(15), 0));
            assert_eq!(need, Need::Nothing);
            assert!(matches!(
                decide(at(100_000), Some(known), &lease("1h", Some(15), 0)).1,
                Need::Delete
            ));
        }
        for (good, seconds) in [("1h", 3600), ("90m", 5400), ("1h30m", 5400), ("0s", 0), ("1.5h", 5400)] {
            assert_eq!(duration(good), Some(Duration::from_secs(seconds)), "{good}");
        }
    }
}
