//! Events are kept for a while and in bounded number, then deleted.
//!
//! An event's age counts from when this process saw it last change, not from any time in it: a client's clock decides
//! nothing, and after a restart every event gets its full term again.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, StreamExt as _, stream};
use leasehold_api::ApiError;
use leasehold_api::meta::Preconditions;
use leasehold_api::options::DeleteOptions;
use leasehold_clock::Monotonic;
use leasehold_registry::resources::CORE_EVENTS;
use leasehold_registry::{Place, Registry, WriteOptions};
use leasehold_store::{Key, Page, Range, Revision, Snapshot};

use crate::driver::{Controller, Outcome};

/// How many events are kept at most, whatever their age: a flood of them must not fill the disk.
const KEPT_MAX: usize = 50_000;

/// How often their number is looked at when half as many as are kept are there.
const IN_A_FLOOD: Duration = Duration::from_secs(2);

/// How many are deleted at once, so that they share the store's commit groups: one after the other they could come faster
/// than they go.
const AT_ONCE: usize = 64;

/// Deletes old events.
pub struct EventExpiry {
    ttl: Duration,
    seen: Seen,
}

/// Which version of each event was seen first, and when.
type Seen = HashMap<Key, (Revision, Monotonic)>;

impl EventExpiry {
    /// Keeps each event for `ttl` after its last change.
    #[must_use]
    pub fn new(ttl: Duration) -> Self {
        Self { ttl, seen: Seen::new() }
    }

    async fn expire(&mut self, registry: &Registry) -> Result<Outcome, ApiError> {
        let range = Range::Resource(CORE_EVENTS.storage);
        let listing = registry.store().list(&range, Snapshot::Latest, &Page::default()).await;
        let listing = listing.map_err(|e| ApiError::unavailable(e.to_string(), 1))?;
        let events = listing.entries.into_iter().map(|entry| (entry.key, entry.revision));
        let old = decide(registry.clock().now(), self.ttl, KEPT_MAX, &mut self.seen, events);
        let deletions = old.into_iter().map(|(key, revision)| delete(registry, key, revision));
        let outcomes: Vec<_> = stream::iter(deletions).buffer_unordered(AT_ONCE).collect().await;
        // One that cannot be deleted does not keep the others.
        let mut deleted = 0;
        for outcome in outcomes {
            deleted += usize::from(outcome?);
        }
        let did = if deleted == 0 {
            String::new()
        } else {
            format!("deleted {deleted} old events")
        };
        Ok(Outcome {
            did,
            again_in: Some(again_in(self.ttl, KEPT_MAX, self.seen.len())),
        })
    }
}

impl Controller for EventExpiry {
    fn name(&self) -> &'static str {
        "event-expiry"
    }

    fn watches(&self) -> Vec<Range> {
        // Looking every so often is enough; waking for each event would only cost.
        Vec::new()
    }

    fn activate<'a>(&'a mut self, registry: &'a Registry) -> BoxFuture<'a, Result<Outcome, ApiError>> {
        self.expire(registry).boxed()
    }
}

/// When to look again, after `found` events were found: a tenth of their life is as exact as events need, but not when they
/// come so fast that their number matters.
fn again_in(ttl: Duration, kept_max: usize, found: usize) -> Duration {
    let usual = (ttl / 10).clamp(Duration::from_secs(1), Duration::from_secs(60));
    if found > kept_max / 2 {
        usual.min(IN_A_FLOOD)
    } else {
        usual
    }
}

/// Which events to delete: those unchanged for `ttl`, and the longest unchanged of those beyond `kept_max`. `seen` is
/// brought up to what exists.
fn decide(
    now: Monotonic,
    ttl: Duration,
    kept_max: usize,
    seen: &mut Seen,
    events: impl Iterator<Item = (Key, Revision)>,
) -> Vec<(Key, Revision)> {
    let mut current = Seen::new();
    for (key, revision) in events {
        let since = match seen.get(&key) {
            Some((seen_revision, since)) if *seen_revision == revision => *since,
            _ => now,
        };
        current.insert(key, (revision, since));
    }
    *seen = current;
    let mut by_age: Vec<_> = seen
        .iter()
        .map(|(key, (revision, since))| (*since, *revision, key))
        .collect();
    by_age.sort_unstable();
    let surplus = by_age.len().saturating_sub(kept_max);
    let is_old = |(index, (since, ..)): &(usize, &(Monotonic, Revision, &Key))| *index < surplus || *since + ttl <= now;
    by_age
        .iter()
        .enumerate()
        .take_while(is_old)
        .map(|(_, (_, revision, key))| ((*key).clone(), *revision))
        .collect()
}

/// True when it was there and is gone now. One that was changed meanwhile stays.
async fn delete(registry: &Registry, key: Key, revision: Revision) -> Result<bool, ApiError> {
    let place = Place::collection(&CORE_EVENTS, &key.namespace).named(&key.name);
    let preconditions = Preconditions {
        resource_version: Some(revision.to_string()),
        ..Preconditions::default()
    };
    let options = DeleteOptions {
        preconditions,
        ..DeleteOptions::default()
    };
    match registry
        .delete(&place, &options, &WriteOptions::internal("event-expiry"))
        .await
    {
        Ok(_) => Ok(true),
        Err(error) if matches!(error.code(), 404 | 409) => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TTL: Duration = Duration::from_secs(3600);

    fn at(seconds: u64) -> Monotonic {
        Monotonic(Duration::from_secs(seconds))
    }

    fn event(name: &str, revision: u64) -> (Key, Revision) {
        (
            Key {
                resource: "events",
                namespace: "default".into(),
                name: name.into(),
            },
            Revision(revision),
        )
    }

    #[test]
    fn an_event_goes_a_full_term_after_its_last_change() {
        let mut seen = Seen::new();
        let look = |now, revision, seen: &mut Seen| decide(at(now), TTL, 10, seen, [event("a", revision)].into_iter());
        assert_eq!(look(100, 1, &mut seen), []);
        assert_eq!(look(3699, 1, &mut seen), []);
        assert_eq!(look(3700, 1, &mut seen), [event("a", 1)]);
        assert_eq!(look(3700, 2, &mut seen), [], "a change starts a new term");
        assert_eq!(look(7300, 2, &mut seen), [event("a", 2)]);
    }

    #[test]
    fn beyond_the_bound_the_longest_unchanged_go_first() {
        let mut seen = Seen::new();
        decide(at(1), TTL, 2, &mut seen, [event("z", 1)].into_iter());
        let events = || [event("a", 2), event("b", 3), event("z", 1)].into_iter();
        assert_eq!(decide(at(2), TTL, 2, &mut seen, events()), [event("z", 1)]);
        assert_eq!(
            decide(at(2), TTL, 1, &mut seen, events()),
            [event("z", 1), event("a", 2)]
        );
    }

    #[test]
    fn a_flood_is_looked_at_more_often() {
        assert_eq!(again_in(TTL, 10, 5), Duration::from_secs(60));
        assert_eq!(again_in(TTL, 10, 6), IN_A_FLOOD);
        assert_eq!(again_in(Duration::from_secs(5), 10, 11), Duration::from_secs(1));
    }

    #[test]
    fn what_is_gone_is_forgotten() {
        let mut seen = Seen::new();
        decide(at(1), TTL, 2, &mut seen, [event("a", 1)].into_iter());
        decide(at(2), TTL, 2, &mut seen, std::iter::empty());
        assert!(seen.is_empty());
    }
}
