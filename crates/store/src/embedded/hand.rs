//! A committer that runs where and when it is told to.
//!
//! The engine's own thread makes a group durable some time after a write has joined it. A simulation must decide that time
//! itself, and repeat it; so it takes the committer in its hand. What the committer does is the same either way.

use super::committer::{Committer, Farewell};

/// See the module. Dropping it is what a crash is to the thread: writes that have not been committed are not.
pub struct Hand {
    committer: Committer,
    /// Says that nothing more will be written, once the committer is gone.
    _farewell: Farewell,
    ended: bool,
}

impl Hand {
    pub(crate) fn new(committer: Committer, farewell: Farewell) -> Self {
        Self {
            committer,
            _farewell: farewell,
            ended: false,
        }
    }

    /// Makes durable and then visible whatever has joined the group by now, and answers it. Does nothing once the store
    /// has been closed or has failed for good.
    pub fn commit(&mut self) {
        if !self.ended {
            self.ended = !self.committer.run_out();
        }
    }
}
