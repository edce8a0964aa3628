//! Who does a duty, for whoever shows it.

use std::sync::{Arc, Mutex, PoisonError};

use leasehold_clock::{Clock, Monotonic};
use leasehold_election::State;

use super::NAMESPACE;

/// Who does a duty, as far as this replica knows.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The name of the Lease that decides.
    pub lease: &'static str,
    /// Its controllers.
    pub controllers: Vec<&'static str>,
    /// As whom this replica campaigns.
    pub identity: String,
    /// Whether this replica leads, without any doubt.
    pub leads: bool,
    /// Who holds the Lease, as last seen.
    pub holder: Option<String>,
    /// For people.
    pub why: String,
    /// Since when it is so.
    pub since: Monotonic,
}

/// The standings of several duties, for as long as somebody wants to know.
#[derive(Clone, Default)]
pub struct Standings(pub(super) Vec<Arc<Watched>>);

impl Standings {
    /// How things stand now.
    #[must_use]
    pub fn read(&self) -> Vec<Standing> {
        self.0.iter().map(|watched| watched.read()).collect()
    }

    /// These, and then those of others.
    #[must_use]
    pub fn and(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }
}

/// What the election says, and since when.
pub(super) struct Watched {
    lease: &'static str,
    identity: String,
    controllers: Vec<&'static str>,
    clock: Arc<dyn Clock>,
    word: Mutex<(Word, Monotonic)>,
}

/// What was said last.
enum Word {
    Election(State),
    Broken(String),
}

impl Watched {
    pub(super) fn new(
        lease: &'static str,
        identity: &str,
        controllers: Vec<&'static str>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let word = Word::Election(State::Follower { holder: None });
        Self {
            lease,
            identity: identity.to_owned(),
            controllers,
            word: Mutex::new((word, clock.now())),
            clock,
        }
    }

    pub(super) fn note(&self, state: State) {
        self.say(Word::Election(state));
    }

    pub(super) fn note_broken(&self, why: &str) {
        self.say(Word::Broken(why.to_owned()));
    }

    fn say(&self, word: Word) {
        *self.word.lock().unwrap_or_else(PoisonError::into_inner) = (word, self.clock.now());
    }

    pub(super) fn read(&self) -> Standing {
        let word = self.word.lock().unwrap_or_else(PoisonError::into_inner);
        let (leads, holder, why) = self.judge(&word.0);
        Standing {
            lease: self.lease,
            controllers: self.controllers.clone(),
            identity: self.identity.clone(),
            leads,
            holder,
            why,
            since: word.1,
        }
    }

    fn judge(&self, word: &Word) -> (bool, Option<String>, String) {
        let (lease, own) = (format!("{NAMESPACE}/{}", self.lease), Some(self.identity.clone()));
        match word {
            Word::Election(State::Leader(term)) if term.is_valid() => {
                (true, own, format!("this replica holds {lease}"))
            }
            Word::Election(State::Leader(_)) => (false, own, format!("the term of this replica in {lease} is over")),
            Word::Election(State::Follower { holder: Some(holder) }) => {
                (false, Some(holder.clone()), format!("{holder} holds {lease}"))
            }
            Word::Election(State::Lost(loss)) => (false, own, format!("the term in {lease} ends: {loss}")),
            Word::Election(State::Stopped) => (false, None, "the server is shutting down".to_owned()),
            Word::Election(_) => (false, None, format!("it is not known yet who holds {lease}")),
            Word::Broken(why) => (false, None, why.clone()),
        }
    }
}
