//! What elections come to, counted.

use std::sync::atomic::{AtomicU64, Ordering};

/// How an election ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ElectionOutcome {
    /// There was no lease, and now there is one.
    Created,
    /// The lease was given to a candidate because nobody held it.
    Vacant,
    /// The lease was given to a candidate because its holder had been silent for too long.
    Expired,
    /// The holder was told of a better candidate.
    Preferred,
    /// Nobody answered.
    Unanswered,
    /// The newest candidates want different strategies.
    Conflict,
}

impl ElectionOutcome {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Created,
        Self::Vacant,
        Self::Expired,
        Self::Preferred,
        Self::Unanswered,
        Self::Conflict,
    ];

    /// One word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Vacant => "vacant",
            Self::Expired => "expired",
            Self::Preferred => "preferred",
            Self::Unanswered => "unanswered",
            Self::Conflict => "conflict",
        }
    }
}

/// Figures of coordinated elections, for whoever shows them. They start at zero with the process.
#[derive(Debug, Default)]
pub struct ElectionFigures {
    outcomes: [AtomicU64; ElectionOutcome::ALL.len()],
    candidates: AtomicU64,
    leases: AtomicU64,
    writes: AtomicU64,
}

impl ElectionFigures {
    /// How often elections ended so.
    #[must_use]
    pub fn outcomes(&self, outcome: ElectionOutcome) -> u64 {
        self.outcomes[outcome as usize].load(Ordering::Relaxed)
    }

    /// How many candidates there are.
    #[must_use]
    pub fn candidates(&self) -> u64 {
        self.candidates.load(Ordering::Relaxed)
    }

    /// How many leases they would hold.
    #[must_use]
    pub fn leases(&self) -> u64 {
        self.leases.load(Ordering::Relaxed)
    }

    /// How many writes all this took.
    #[must_use]
    pub fn writes(&self) -> u64 {
        self.writes.load(Ordering::Relaxed)
    }

    pub(super) fn count(&self, outcome: ElectionOutcome) {
        self.outcomes[outcome as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn wrote(&self) {
        self.writes.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn set(&self, candidates: usize, leases: usize) {
        self.candidates.store(candidates as u64, Ordering::Relaxed);
        self.leases.store(leases as u64, Ordering::Relaxed);
    }
}
