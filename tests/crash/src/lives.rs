//! Where clients find the servers: each that is up has a number for this life of it, and an address; at the end it is all over.

use std::sync::Arc;

use leasehold_conformance::Target;
use tokio::sync::watch;

/// Which servers are there, and what clients are to do.
#[derive(Clone)]
pub enum State {
    /// These are ready. There may be none.
    Up(Arc<[Life]>),
    /// These are ready, but nobody is to write any more.
    Quiet(Arc<[Life]>),
    /// The run has ended.
    Over,
}

/// A server from one start to its end.
#[derive(Clone)]
pub struct Life {
    /// No other life of any server has it.
    pub number: usize,
    /// Which server, of several that share a store.
    pub server: usize,
    /// How to reach it.
    pub target: Target,
}

/// A client's view.
#[derive(Clone)]
pub struct Lives(pub watch::Receiver<State>);

impl Lives {
    /// The lives to work in, waiting while there are none; `None` once the work is done.
    pub(crate) async fn for_work(&mut self) -> Option<Arc<[Life]>> {
        match self.current().await? {
            State::Up(lives) => Some(lives),
            State::Quiet(_) | State::Over => None,
        }
    }

    /// The lives to watch, waiting while there are none; `None` once it is all over.
    pub(crate) async fn for_watch(&mut self) -> Option<Arc<[Life]>> {
        match self.current().await? {
            State::Up(lives) | State::Quiet(lives) => Some(lives),
            State::Over => None,
        }
    }

    async fn current(&mut self) -> Option<State> {
        let none = |state: &State| matches!(state, State::Up(lives) | State::Quiet(lives) if lives.is_empty());
        let state = self.0.wait_for(|state| !none(state)).await;
        Some(state.ok()?.clone())
    }
}
