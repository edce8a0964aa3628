//! The server's lives, as its clients see them: it is up, with a number and an address, or down, or it is all over.

use leasehold_conformance::Target;
use tokio::sync::watch;

/// What the server is doing.
#[derive(Clone)]
pub(crate) enum State {
    /// Between two lives.
    Down,
    /// Ready.
    Up(Life),
    /// Ready, but nobody is to write any more.
    Quiet(Life),
    /// The run has ended.
    Over,
}

/// From one start of the server to its end.
#[derive(Clone)]
pub(crate) struct Life {
    /// The first is 0.
    pub(crate) number: usize,
    pub(crate) target: Target,
}

/// A client's view.
#[derive(Clone)]
pub(crate) struct Lives(pub(crate) watch::Receiver<State>);

impl Lives {
    /// The life to work in, waiting for one between two; `None` once the work is done.
    pub(crate) async fn for_work(&mut self) -> Option<Life> {
        match self.current().await? {
            State::Up(life) => Some(life),
            State::Down | State::Quiet(_) | State::Over => None,
        }
    }

    /// The life to watch, waiting for one between two; `None` once it is all over.
    pub(crate) async fn for_watch(&mut self) -> Option<Life> {
        match self.current().await? {
            State::Up(life) | State::Quiet(life) => Some(life),
            State::Down | State::Over => None,
        }
    }

    pub(crate) fn work_is_over(&self) -> bool {
        matches!(*self.0.borrow(), State::Quiet(_) | State::Over)
    }

    async fn current(&mut self) -> Option<State> {
        let state = self.0.wait_for(|state| !matches!(state, State::Down)).await;
        Some(state.ok()?.clone())
    }
}
