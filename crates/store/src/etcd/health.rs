//! Whether the store can be used, judged by what was last heard of etcd. Pure.

use std::sync::Arc;
use std::time::Duration;

use leasehold_clock::Monotonic;

use crate::Error;

/// How old the last answer of a majority may be: with a question each second that is given up after two, silence is told
/// within five seconds.
const ANSWER_AGE: Duration = Duration::from_secs(4);
/// How long the watch may be away, as it is when it moves to another member.
const WATCH_AWAY: Duration = Duration::from_secs(2);
/// How long a full etcd keeps traffic away before a write may find out whether there is room.
const FULL: Duration = Duration::from_secs(5);

/// See the module.
#[derive(Debug)]
pub(super) struct Health {
    /// When the last question that a majority answered was asked.
    answered: Monotonic,
    /// Why the last question was not answered.
    unanswered: Option<Arc<str>>,
    /// Since when there is no watch, and why.
    lost: Option<(Monotonic, Arc<str>)>,
    /// When the watch last told anything.
    heard: Monotonic,
    full: Option<Monotonic>,
    closing: bool,
}

impl Health {
    /// Of a store that is being opened.
    pub(super) fn new(now: Monotonic) -> Self {
        Self {
            answered: now,
            unanswered: None,
            lost: Some((now, "the watch has not been opened yet".into())),
            heard: now,
            full: None,
            closing: false,
        }
    }

    pub(super) fn answered(&mut self, asked: Monotonic) {
        self.answered = self.answered.max(asked);
        self.unanswered = None;
    }

    pub(super) fn unanswered(&mut self, why: String) {
        self.unanswered = Some(why.into());
    }

    /// The watch is open, and has told what there was when it was opened.
    pub(super) fn watching(&mut self) {
        self.lost = None;
    }

    /// There is no watch; whether there was one until now.
    pub(super) fn lost(&mut self, now: Monotonic, why: &str) -> bool {
        let before = self.lost.take();
        let since = before.as_ref().map_or(now, |(since, _)| *since);
        self.lost = Some((since, why.into()));
        before.is_none()
    }

    pub(super) fn heard(&mut self, now: Monotonic) {
        self.heard = now;
    }

    pub(super) fn silence(&self, now: Monotonic) -> Duration {
        now.since(self.heard)
    }

    pub(super) fn full(&mut self, now: Monotonic) {
        self.full = Some(now);
    }

    pub(super) fn written(&mut self) {
        self.full = None;
    }

    pub(super) fn close(&mut self) {
        self.closing = true;
    }

    pub(super) fn is_closing(&self) -> bool {
        self.closing
    }

    /// Why the watch is not open, if it is not.
    pub(super) fn why_lost(&self) -> Option<Arc<str>> {
        self.lost.as_ref().map(|(_, why)| Arc::clone(why))
    }

    /// Why the watch has not been open for so long, if it has not.
    pub(super) fn lost_for(&self, now: Monotonic, long: Duration) -> Option<Arc<str>> {
        let (since, why) = self.lost.as_ref()?;
        (now.since(*since) >= long).then(|| Arc::clone(why))
    }

    pub(super) fn ready(&self, now: Monotonic) -> Result<(), Error> {
        if self.closing {
            return Err(Error::Closed);
        }
        if now.since(self.answered) >= ANSWER_AGE {
            let why = self.unanswered.clone();
            return Err(Error::Unavailable(why.unwrap_or_else(|| "etcd does not answer".into())));
        }
        if let Some(why) = self.lost_for(now, WATCH_AWAY) {
            return Err(Error::Unavailable(why));
        }
        match self.full {
            Some(since) if now.since(since) < FULL => Err(Error::Full),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Monotonic {
        Monotonic::default() + Duration::from_secs(seconds)
    }

    fn healthy() -> Health {
        let mut health = Health::new(at(0));
        health.watching();
        health
    }

    fn why(health: &Health, now: u64) -> String {
        health
            .ready(at(now))
            .map_or_else(|error| error.to_string(), |()| "ready".to_owned())
    }

    #[test]
    fn an_answer_counts_for_four_seconds_from_when_it_was_asked_for() {
        let mut health = healthy();
        assert_eq!(why(&health, 3), "ready");
        assert_eq!(why(&health, 4), "the store is unavailable: etcd does not answer");
        health.unanswered("no leader".to_owned());
        assert_eq!(why(&health, 4), "the store is unavailable: no leader");
        health.answered(at(4));
        assert_eq!(
            (why(&health, 7), why(&health, 8).contains("does not answer")),
            ("ready".to_owned(), true)
        );
    }

    #[test]
    fn a_watch_may_be_away_for_a_moment() {
        let mut health = healthy();
        health.answered(at(10));
        assert!(health.lost(at(10), "cut"));
        assert_eq!(why(&health, 11), "ready");
        // Trying again in vain does not make it younger.
        assert!(!health.lost(at(11), "refused"));
        assert_eq!(why(&health, 12), "the store is unavailable: refused");
        health.watching();
        assert_eq!(why(&health, 12), "ready");
    }

    #[test]
    fn a_full_etcd_is_tried_again_after_a_while() {
        let mut health = healthy();
        health.answered(at(10));
        health.full(at(8));
        assert_eq!(health.ready(at(12)), Err(Error::Full));
        assert_eq!(why(&health, 13), "ready");
        health.full(at(13));
        health.written();
        assert_eq!(why(&health, 13), "ready");
    }

    #[test]
    fn a_closing_store_says_so_first() {
        let mut health = healthy();
        health.full(at(0));
        health.close();
        assert_eq!(health.ready(at(9)), Err(Error::Closed));
    }
}
