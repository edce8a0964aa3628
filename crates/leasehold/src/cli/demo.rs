//! The flags of `demo`.

use clap::Args;

/// The flags of `demo`.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// End when everything has been shown, in place of waiting for Enter or Ctrl-C
    #[arg(long, env = "LEASEHOLD_DEMO_NO_WAIT")]
    pub(crate) no_wait: bool,
}
