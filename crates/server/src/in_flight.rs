//! How much happens at once: a count and a limit for each kind of work, so that none can take the place of another.

use std::sync::atomic::AtomicI64;

use leasehold_api::ApiError;
use prometheus_client::metrics::gauge::Gauge;

use crate::request_info::Verb;

/// How many requests of each kind are served at the same time.
///
/// Writes that wait for their group's fsync count, so that the limit must be well above throughput times the length of a
/// commit cycle: 13,000 per second at 50 ms are 650.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Creates, updates, patches and deletes.
    pub mutating: u32,
    /// Everything else that ends by itself.
    pub read_only: u32,
    /// Watches.
    pub watches: u32,
    /// Watches of one user, whatever he may do. All who share a credential are one user.
    pub watches_per_user: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            mutating: 4_000,
            read_only: 4_000,
            watches: 100_000,
            watches_per_user: 50_000,
        }
    }
}

/// The kinds of work that are counted apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Mutating,
    ReadOnly,
    Watch,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Mutating, Self::ReadOnly, Self::Watch];

    pub(crate) const fn of(verb: Verb) -> Self {
        match verb {
            Verb::Create | Verb::Update | Verb::Patch | Verb::Delete | Verb::DeleteCollection => Self::Mutating,
            Verb::Watch => Self::Watch,
            Verb::Get | Verb::List | Verb::Other(_) => Self::ReadOnly,
        }
    }

    /// Its name in metrics.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Mutating => "mutating",
            Self::ReadOnly => "readOnly",
            Self::Watch => "watch",
        }
    }

    const fn limit(self, limits: &Limits) -> i64 {
        match self {
            Self::Mutating => limits.mutating as i64,
            Self::ReadOnly => limits.read_only as i64,
            Self::Watch => limits.watches as i64,
        }
    }
}

/// One counted request; dropping it makes room.
#[derive(Debug)]
pub(crate) struct Slot(Gauge<i64, AtomicI64>);

impl Slot {
    /// Takes a slot. Who is `exempt` always gets one, and counts all the same.
    ///
    /// # Errors
    /// 429 when there is none.
    pub(crate) fn take(
        gauge: &Gauge<i64, AtomicI64>,
        kind: Kind,
        limits: &Limits,
        exempt: bool,
    ) -> Result<Self, ApiError> {
        let before = gauge.inc();
        let slot = Self(gauge.clone());
        if before < kind.limit(limits) || exempt {
            return Ok(slot);
        }
        Err(ApiError::too_many_requests(
            "too many requests, please try again later",
            1,
        ))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_free_again_when_it_is_dropped() {
        let gauge = Gauge::default();
        let limits = Limits {
            mutating: 2,
            ..Limits::default()
        };
        let take = |exempt| Slot::take(&gauge, Kind::Mutating, &limits, exempt);
        let (first, _second) = (take(false).unwrap(), take(false).unwrap());
        let refused = take(false).unwrap_err();
        assert_eq!(
            (
                refused.code(),
                refused.status().details.as_ref().unwrap().retry_after_seconds
            ),
            (429, 1)
        );
        assert_eq!(gauge.get(), 2);
        let exempt = take(true).unwrap();
        assert_eq!(gauge.get(), 3);
        drop(first);
        assert_eq!(take(false).unwrap_err().code(), 429);
        drop(exempt);
        take(false).unwrap();
    }

    #[test]
    fn kinds_do_not_share_a_limit() {
        let limits = Limits {
            mutating: 0,
            read_only: 1,
            watches: 1,
            ..Limits::default()
        };
        let refused = Slot::take(&Gauge::default(), Kind::Mutating, &limits, false);
        assert!(refused.is_err());
        for kind in [Kind::ReadOnly, Kind::Watch] {
            assert!(Slot::take(&Gauge::default(), kind, &limits, false).is_ok());
        }
    }
}
