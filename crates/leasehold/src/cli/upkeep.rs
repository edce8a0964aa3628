//! The flags of `backup`, `restore` and `check`, and what they mean.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::settings::{Surroundings, data_dir};
use crate::failure::{Failure, Kind};
use crate::kubeconfig;

/// By how much a restore raises every resourceVersion. No server gives out as many between a backup and its restore.
const RAISE: u64 = 1_000_000_000;

/// The flags of `backup`.
#[derive(Debug, Args)]
pub(crate) struct BackupArgs {
    /// File to write, with mode 0600; replaced only by a whole backup
    #[arg(long, env = "LEASEHOLD_BACKUP_TO", value_name = "FILE")]
    to: PathBuf,

    /// Kubeconfig of someone in system:masters [default: DATA_DIR/admin.kubeconfig]
    #[arg(long, env = "LEASEHOLD_BACKUP_KUBECONFIG", value_name = "FILE")]
    kubeconfig: Option<PathBuf>,

    /// Data directory of the server, for its admin.kubeconfig; the default is that of `serve`
    #[arg(long, env = "LEASEHOLD_DATA_DIR", value_name = "DIR")]
    pub(super) data_dir: Option<PathBuf>,
}

/// The flags of `restore`.
#[derive(Debug, Args)]
pub(crate) struct RestoreArgs {
    /// Backup to restore from
    #[arg(long, env = "LEASEHOLD_RESTORE_FROM", value_name = "FILE")]
    from: PathBuf,

    /// Data directory to make a store in; the default is that of `serve`
    #[arg(long, env = "LEASEHOLD_DATA_DIR", value_name = "DIR")]
    pub(super) data_dir: Option<PathBuf>,

    /// By how much every resourceVersion is raised; more than the default where the same backup is restored again
    #[arg(
        long,
        env = "LEASEHOLD_RESTORE_RAISE_BY",
        value_name = "NUMBER",
        default_value_t = RAISE,
        value_parser = clap::value_parser!(u64).range(RAISE..)
    )]
    raise_by: u64,
}

/// The flags of `check`.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Data directory to look at; the default is that of `serve`
    #[arg(env = "LEASEHOLD_DATA_DIR", value_name = "DIR")]
    pub(super) data_dir: Option<PathBuf>,

    /// Form of the answer
    #[arg(
        short,
        long,
        env = "LEASEHOLD_CHECK_OUTPUT",
        value_name = "FORM",
        default_value = "text"
    )]
    output: Form,
}

/// How an answer is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// Lines for people.
    Text,
    /// One JSON object.
    Json,
}

/// A backup to make.
#[derive(Debug, PartialEq)]
pub(crate) struct Backup {
    /// The file to write: an absolute path.
    pub(crate) to: PathBuf,
    /// Where the server is, and who asks.
    pub(crate) kubeconfig: PathBuf,
}

/// A store to make.
#[derive(Debug, PartialEq)]
pub(crate) struct Restore {
    /// The backup.
    pub(crate) from: PathBuf,
    /// It may not exist yet.
    pub(crate) data_dir: PathBuf,
    /// Added to every revision.
    pub(crate) raise_by: u64,
}

/// A data directory to look at.
#[derive(Debug, PartialEq)]
pub(crate) struct Check {
    /// Where it is.
    pub(crate) data_dir: PathBuf,
    /// How to say what was found.
    pub(crate) form: Form,
}

impl Backup {
    /// Applies the defaults.
    pub(crate) fn new(given: BackupArgs, in_dir: Option<PathBuf>, around: &Surroundings) -> Result<Self, Failure> {
        let kubeconfig = match given.kubeconfig {
            Some(path) => path,
            None => kubeconfig::admin_path(&data_dir(in_dir, around)?),
        };
        Ok(Self {
            to: absolute(&given.to)?,
            kubeconfig,
        })
    }
}

impl Restore {
    /// Applies the defaults.
    pub(crate) fn new(given: RestoreArgs, in_dir: Option<PathBuf>, around: &Surroundings) -> Result<Self, Failure> {
        Ok(Self {
            from: given.from,
            data_dir: data_dir(in_dir, around)?,
            raise_by: given.raise_by,
        })
    }
}

impl Check {
    /// Applies the defaults.
    pub(crate) fn new(given: &CheckArgs, in_dir: Option<PathBuf>, around: &Surroundings) -> Result<Self, Failure> {
        Ok(Self {
            data_dir: data_dir(in_dir, around)?,
            form: given.output,
        })
    }
}

fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    let usage = |why: String| Failure::new(Kind::Usage, format!("--to '{}': {why}", path.display()));
    if path.file_name().is_none() {
        return Err(usage("it is not the name of a file".to_owned()));
    }
    std::path::absolute(path).map_err(|error| usage(error.to_string()))
}
