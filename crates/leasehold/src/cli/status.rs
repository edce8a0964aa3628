//! The flags of `status`, and what they mean.

use std::path::PathBuf;

use clap::Args;

use super::settings::{Surroundings, data_dir};
use super::upkeep::Form;
use crate::failure::Failure;
use crate::kubeconfig;

/// The flags of `status`.
#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// Kubeconfig of someone in system:masters [default: DATA_DIR/admin.kubeconfig]
    #[arg(long, env = "LEASEHOLD_STATUS_KUBECONFIG", value_name = "FILE")]
    kubeconfig: Option<PathBuf>,

    /// Context of the kubeconfig [default: its current one]
    #[arg(long, env = "LEASEHOLD_STATUS_CONTEXT", value_name = "NAME")]
    context: Option<String>,

    /// Data directory of the server, for its admin.kubeconfig; the default is that of `serve`
    #[arg(long, env = "LEASEHOLD_DATA_DIR", value_name = "DIR")]
    pub(super) data_dir: Option<PathBuf>,

    /// Form of the answer
    #[arg(
        short,
        long,
        env = "LEASEHOLD_STATUS_OUTPUT",
        value_name = "FORM",
        default_value = "text"
    )]
    output: Form,
}

/// A server to ask what its controllers are doing.
#[derive(Debug, PartialEq)]
pub(crate) struct StatusWish {
    /// Where the server is, and who asks.
    pub(crate) kubeconfig: PathBuf,
    /// In place of the kubeconfig's current context.
    pub(crate) context: Option<String>,
    /// How to say what it answers.
    pub(crate) form: Form,
}

impl StatusWish {
    /// Applies the defaults.
    pub(crate) fn new(given: StatusArgs, in_dir: Option<PathBuf>, around: &Surroundings) -> Result<Self, Failure> {
        let kubeconfig = match given.kubeconfig {
            Some(path) => path,
            None => kubeconfig::admin_path(&data_dir(in_dir, around)?),
        };
        Ok(Self {
            kubeconfig,
            context: given.context,
            form: given.output,
        })
    }
}
