//! The fenced resource: it takes a write whose token is not below the highest it has seen, and knows nothing else.

use super::state::State;
use super::{Rule, TermId};
use crate::time::Nanos;

/// The resource, and what the oracle knows of the writes that it took.
#[derive(Default)]
pub(super) struct Fence {
    /// All that the resource itself remembers.
    highest: u64,
    /// The latest acquisition of which it has taken a write.
    latest: usize,
}

impl State {
    /// Whether the resource takes it, and whether it should have.
    pub(super) fn write(&mut self, now: Nanos, term: TermId) -> bool {
        let (token, acquisition) = (self.terms[term.0].token, self.terms[term.0].acquisition);
        let accepted = token >= self.fence.highest;
        let stale = acquisition < self.fence.latest;
        if accepted {
            self.counts.writes += 1;
            self.fence.highest = token;
        } else {
            self.counts.refused += 1;
        }
        if accepted && stale {
            let what = format!(
                "token {token} of acquisition {acquisition} after acquisition {}",
                self.fence.latest
            );
            self.violation(now, Rule::StaleAccepted, what);
        }
        let latest = acquisition + 1 == self.acquisitions.len() && !stale;
        if !accepted && latest && self.highest_token_of(acquisition) == token {
            let what = format!("token {token} of the latest term, after {}", self.fence.highest);
            self.violation(now, Rule::FreshRefused, what);
        }
        if accepted {
            self.fence.latest = self.fence.latest.max(acquisition);
        }
        accepted
    }

    /// One acquisition may have several terms: a later one's token may be higher.
    fn highest_token_of(&self, acquisition: usize) -> u64 {
        let same = self.terms.iter().filter(|held| held.acquisition == acquisition);
        same.map(|held| held.token).max().unwrap_or(0)
    }
}
