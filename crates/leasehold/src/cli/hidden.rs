//! Commands that the program gives itself. They may change with every version, and are in no help.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::supervisor::{Charge, Limits};

/// The flags of `supervise`.
#[derive(Debug, Args)]
pub(crate) struct SuperviseArgs {
    #[arg(long)]
    kill_after_ms: u64,
    #[arg(long)]
    last_chance_ms: u64,
    #[arg(long)]
    reserve_ms: u64,
    #[arg(long)]
    remove: Option<PathBuf>,
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

/// The flags of `tied`.
#[derive(Debug, Args)]
pub(crate) struct TiedArgs {
    /// Process id of the parent.
    #[arg(long)]
    pub(crate) parent: i32,
    #[arg(last = true, required = true)]
    pub(crate) command: Vec<OsString>,
}

impl From<SuperviseArgs> for Charge {
    fn from(given: SuperviseArgs) -> Self {
        Self {
            limits: Limits {
                kill_after: Duration::from_millis(given.kill_after_ms),
                last_chance: Duration::from_millis(given.last_chance_ms),
                reserve: Duration::from_millis(given.reserve_ms),
            },
            remove: given.remove,
            command: given.command,
        }
    }
}
