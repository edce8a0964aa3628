//! Which endpoint to ask: the one that served last, and after a failure the next in the list, round and round.

use std::sync::atomic::{AtomicUsize, Ordering};

/// The preference that all calls of a client share.
#[derive(Debug)]
pub(crate) struct Rotation {
    preferred: AtomicUsize,
    /// How many endpoints there are: one or more.
    count: usize,
}

impl Rotation {
    pub(crate) fn new(count: usize) -> Self {
        Self {
            preferred: AtomicUsize::new(0),
            count,
        }
    }

    /// Where to begin.
    pub(crate) fn preferred(&self) -> usize {
        self.preferred.load(Ordering::Relaxed)
    }

    /// Where the attempt of this number goes, counted from 0, of a call that began with `first`.
    pub(crate) fn turn(&self, first: usize, attempt: usize) -> usize {
        first.wrapping_add(attempt) % self.count
    }

    /// Whether that attempt was the last of a round: all endpoints have been tried.
    pub(crate) fn ends_round(&self, attempt: usize) -> bool {
        (attempt + 1).is_multiple_of(self.count)
    }

    /// Whether there is another endpoint to go to.
    pub(crate) fn has_others(&self) -> bool {
        self.count > 1
    }

    /// This one failed: others begin with the next, unless somebody has turned away from it already.
    pub(crate) fn turn_away(&self, index: usize) {
        let next = (index + 1) % self.count;
        let _ = self
            .preferred
            .compare_exchange(index, next, Ordering::Relaxed, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(rotation: &Rotation) -> Vec<usize> {
        let first = rotation.preferred();
        (0..4).map(|attempt| rotation.turn(first, attempt)).collect()
    }

    #[test]
    fn endpoints_are_tried_round_and_round_from_the_preferred() {
        let rotation = Rotation::new(3);
        assert_eq!(order(&rotation), [0, 1, 2, 0]);
        rotation.turn_away(0);
        rotation.turn_away(1);
        assert_eq!(order(&rotation), [2, 0, 1, 2]);
        rotation.turn_away(2);
        assert_eq!(order(&rotation), [0, 1, 2, 0]);
    }

    #[test]
    fn many_calls_that_fail_together_turn_away_once() {
        let rotation = Rotation::new(3);
        rotation.turn_away(0);
        rotation.turn_away(0);
        assert_eq!(rotation.preferred(), 1);
    }

    #[test]
    fn a_round_is_every_endpoint_once() {
        let ends = |count| {
            (0..6)
                .filter(|attempt| Rotation::new(count).ends_round(*attempt))
                .collect::<Vec<_>>()
        };
        assert_eq!(ends(3), [2, 5]);
        assert_eq!(ends(1), [0, 1, 2, 3, 4, 5]);
    }
}
