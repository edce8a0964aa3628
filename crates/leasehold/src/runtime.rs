//! Where asynchronous work runs in commands that need no more than one thread.

use tokio::runtime::{Builder, Runtime};

use crate::failure::{Failure, Kind};

/// A runtime on this thread.
pub(crate) fn of_one_thread() -> Result<Runtime, Failure> {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Kind::Runtime, format!("cannot start: {error}")))
}
