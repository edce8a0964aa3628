//! What is known of controllers, for whoever shows it.

use std::sync::{Arc, Mutex, PoisonError};

use leasehold_clock::Monotonic;

/// Why a controller was activated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cause {
    /// It had just been started.
    #[default]
    Start,
    /// Something that it watches changed.
    Change,
    /// The time it had asked for had come.
    Time,
    /// The last activation had failed.
    Retry,
    /// The last activation had made it watch something else.
    Watches,
}

impl Cause {
    /// One word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Change => "change",
            Self::Time => "time",
            Self::Retry => "retry",
            Self::Watches => "watches",
        }
    }
}

/// What is known of a controller.
#[derive(Clone, Debug, Default)]
pub struct Status {
    /// Its name.
    pub name: &'static str,
    /// Whether it runs in this process; if not, [`Status::why`] says why.
    pub is_on: bool,
    /// Whether it is acting right now.
    pub running: bool,
    /// How often it has been activated.
    pub activations: u64,
    /// Why it was activated last.
    pub cause: Cause,
    /// What the last activation did, or why it failed.
    pub last: Option<Result<String, String>>,
    /// When the last activation ended.
    pub ended: Option<Monotonic>,
    /// See [`Controller::explain`].
    pub why: String,
    /// When it looks again, unless a change comes first.
    pub next: Option<Monotonic>,
}

/// What each controller is doing, for as long as somebody wants to know.
#[derive(Clone, Debug, Default)]
pub struct Statuses(Vec<Slot>);

/// Where one controller's status is kept, whichever task runs it.
#[derive(Clone, Debug)]
pub(crate) struct Slot(Arc<Mutex<Status>>);

impl Slot {
    pub(crate) fn note(&self, change: impl FnOnce(&mut Status)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn read(&self) -> Status {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Statuses {
    /// Room for controllers of these names, which do not run yet.
    pub(crate) fn of(names: impl Iterator<Item = &'static str>) -> Self {
        let slot = |name| {
            let status = Status {
                name,
                ..Status::default()
            };
            Slot(Arc::new(Mutex::new(status)))
        };
        Self(names.map(slot).collect())
    }

    pub(crate) fn slots(&self) -> &[Slot] {
        &self.0
    }

    /// What each is doing now.
    #[must_use]
    pub fn read(&self) -> Vec<Status> {
        self.0.iter().map(Slot::read).collect()
    }

    /// These, and then those of others.
    #[must_use]
    pub fn and(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }

    /// None of them runs here, because of this.
    pub(crate) fn set_off(&self, why: &str) {
        for slot in &self.0 {
            slot.note(|status| {
                (status.is_on, status.running, status.next) = (false, false, None);
                why.clone_into(&mut status.why);
            });
        }
    }
}
