//! How often a write looks at what is there, and how well.
//!
//! A process that shares its store with others may be a little behind. A write starts from a glance at what this process holds,
//! which asks nobody: where that is how things are, the compare-and-swap proves it, and one request to the store was enough. It
//! proves nothing else. A refusal, and an answer that nothing needs to be written, is judged again from what is there now
//! before anyone hears of it.

use leasehold_api::ApiError;

use crate::registry::Registry;

/// How often a write that carries no version of its own is tried again after somebody else's came between.
const ATTEMPTS: usize = 64;

/// Where an attempt starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// What this process has seen, perhaps overtaken.
    Glance,
    /// What is there now.
    Latest,
}

/// What came of an attempt.
pub(crate) enum Attempt<T> {
    /// Written: what it started from is proven.
    Written(T),
    /// There was nothing to write.
    Unwritten(T),
    /// Somebody else's write came between.
    Overtaken,
}

/// The looks of one write, in order.
pub(crate) struct Looks {
    next: Look,
    left: usize,
}

impl Registry {
    /// For one write. A dry run never writes, so a glance would prove nothing.
    pub(crate) fn looks(&self, dry_run: bool) -> Looks {
        let next = if dry_run || !self.store.glances_lag() {
            Look::Latest
        } else {
            Look::Glance
        };
        Looks { next, left: ATTEMPTS }
    }
}

impl Looks {
    /// How to look for the next attempt; `None` after too many.
    pub(crate) fn next(&mut self) -> Option<Look> {
        self.left = self.left.checked_sub(1)?;
        Some(self.next)
    }

    /// The answer that an attempt comes to, if any.
    pub(crate) fn judge<T>(&mut self, attempt: Result<Attempt<T>, ApiError>) -> Option<Result<T, ApiError>> {
        let from = std::mem::replace(&mut self.next, Look::Latest);
        match attempt {
            Ok(Attempt::Written(done)) => Some(Ok(done)),
            // Not about what is there. It may even have been written, so that another attempt could write it twice.
            Err(error) if error.code() >= 500 => Some(Err(error)),
            #[cfg(not(leasehold_mutant = "judged-from-a-glance"))]
            _ if from == Look::Glance => None,
            Ok(Attempt::Unwritten(done)) => Some(Ok(done)),
            Ok(Attempt::Overtaken) => None,
            Err(error) => Some(Err(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looks(next: Look) -> Looks {
        Looks { next, left: 2 }
    }

    #[test]
    fn a_glance_is_good_for_a_write_and_for_a_store_that_fails_and_for_nothing_else() {
        let refusal = || Err(ApiError::bad_request("no"));
        let failure = || Err(ApiError::unavailable("later", 1));
        let judge = |from: Look, attempt| {
            looks(from)
                .judge::<u8>(attempt)
                .map(|answer| answer.map_err(|e| e.code()))
        };
        for (attempt, glance, latest) in [
            (Ok(Attempt::Written(1)), Some(Ok(1)), Some(Ok(1))),
            (failure(), Some(Err(503)), Some(Err(503))),
            (Ok(Attempt::Unwritten(1)), None, Some(Ok(1))),
            (refusal(), None, Some(Err(400))),
            (Ok(Attempt::Overtaken), None, None),
        ] {
            let again = match &attempt {
                Ok(Attempt::Written(n)) => Ok(Attempt::Written(*n)),
                Ok(Attempt::Unwritten(n)) => Ok(Attempt::Unwritten(*n)),
                Ok(Attempt::Overtaken) => Ok(Attempt::Overtaken),
                Err(error) if error.code() == 400 => refusal(),
                Err(_) => failure(),
            };
            assert_eq!(judge(Look::Glance, attempt), glance);
            assert_eq!(judge(Look::Latest, again), latest);
        }
    }

    #[test]
    fn after_a_glance_every_look_is_at_what_is_there() {
        let mut looks = looks(Look::Glance);
        assert_eq!(looks.next(), Some(Look::Glance));
        assert!(looks.judge::<()>(Ok(Attempt::Overtaken)).is_none());
        assert_eq!(looks.next(), Some(Look::Latest));
        assert!(looks.judge::<()>(Ok(Attempt::Overtaken)).is_none());
        assert_eq!(looks.next(), None);
    }
}
