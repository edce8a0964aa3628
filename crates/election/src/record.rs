//! What a Lease says about who leads, as every known client writes it.
//!
//! Times in it are compared for equality only, never with a clock.

use std::time::Duration;

use leasehold_api::MicroTime;
use leasehold_api::coordination::{Lease, LeaseSpec};

/// The fields of a lease that an election is about. That one of them changed is what others see of a renewal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Who holds the lease; `None` when nobody does, however that was written: empty, `null` or absent.
    pub holder: Option<String>,
    /// How long others wait; `None` when the lease does not say, or says nothing above zero.
    pub duration: Option<Duration>,
    /// When the holder took it, by the holder's calendar.
    pub acquire_time: Option<MicroTime>,
    /// When the holder renewed it, by the holder's calendar.
    pub renew_time: Option<MicroTime>,
    /// How often it changed hands; 0 when the lease does not say, or says less.
    pub transitions: i32,
}

impl Record {
    /// Reads a lease, released forms of all clients included.
    #[must_use]
    pub fn of(lease: &Lease) -> Self {
        let spec = &lease.spec;
        Self {
            holder: spec.holder_identity.clone().filter(|holder| !holder.is_empty()),
            duration: spec
                .lease_duration_seconds
                .and_then(|seconds| u64::try_from(seconds).ok())
                .filter(|seconds| *seconds > 0)
                .map(Duration::from_secs),
            acquire_time: set(spec.acquire_time),
            renew_time: set(spec.renew_time),
            transitions: spec.lease_transitions.unwrap_or(0).max(0),
        }
    }

    /// Writes itself into a lease as client-go does, leaving alone whatever else is there.
    pub fn write_to(&self, spec: &mut LeaseSpec) {
        // Seconds beyond what the field holds cannot come from valid timers.
        let seconds = |duration: Duration| i32::try_from(duration.as_secs()).unwrap_or(i32::MAX).max(1);
        spec.holder_identity = Some(self.holder.clone().unwrap_or_default());
        spec.lease_duration_seconds = Some(self.duration.map_or(1, seconds));
        spec.acquire_time = self.acquire_time;
        spec.renew_time = self.renew_time;
        spec.lease_transitions = Some(self.transitions);
    }

    /// The record of `holder` taking over from this one; `now` is its own stamp.
    #[must_use]
    pub fn taken_by(&self, holder: &str, duration: Duration, now: MicroTime) -> Self {
        let changes_hands = self.holder.as_deref() != Some(holder);
        Self {
            holder: Some(holder.to_owned()),
            duration: Some(duration),
            acquire_time: Some(now),
            renew_time: Some(now),
            // At its maximum it stays there: it counts for people, and elections go on.
            transitions: self.transitions.saturating_add(i32::from(changes_hands)),
        }
    }

    /// The first record of a lease that is to be created.
    #[must_use]
    pub fn first(holder: &str, duration: Duration, now: MicroTime) -> Self {
        Self {
            transitions: 0,
            ..Self::default().taken_by(holder, duration, now)
        }
    }

    /// This one, renewed.
    #[must_use]
    pub fn renewed(&self, duration: Duration, now: MicroTime) -> Self {
        Self {
            duration: Some(duration),
            renew_time: Some(now),
            ..self.clone()
        }
    }

    /// This one, released as client-go does it: no holder, one second, both times now.
    #[must_use]
    pub fn released(&self, now: MicroTime) -> Self {
        Self {
            holder: None,
            duration: Some(Duration::from_secs(1)),
            acquire_time: Some(now),
            renew_time: Some(now),
            transitions: self.transitions,
        }
    }
}

/// Go's zero time means the same as none.
fn set(time: Option<MicroTime>) -> Option<MicroTime> {
    time.filter(|time| !time.is_zero())
}
