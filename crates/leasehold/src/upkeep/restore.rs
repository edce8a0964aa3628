//! `leasehold restore`: makes the store of a new server from a backup.

use leasehold_store::embedded::{self, RestoreError, Restored};

use crate::cli::Restore;
use crate::data_dir::{self, DataDir};
use crate::failure::{Failure, Kind};
use crate::{pki, printer};

/// Makes the store, and says what is in it.
pub(crate) fn restore(wish: &Restore) -> Result<String, Failure> {
    // Before the directory is made: with a backup that cannot be used, nothing is.
    embedded::verify_backup(&wish.from).map_err(|error| Failure::new(Kind::Runtime, error.to_string()))?;
    let data_dir = DataDir::open(&wish.data_dir)?;
    let store = data_dir::store_in(data_dir.path());
    let restored = embedded::restore(&wish.from, &store, wish.raise_by);
    let Restored {
        before,
        revision,
        objects,
    } = restored.map_err(|error| failure(&error, &data_dir))?;
    if !pki::dir_in(data_dir.path()).join("ca.key").exists() {
        printer::note(
            "there are no certificates: copy pki/ here, or the first start makes new ones for new credentials",
        );
    }
    let path = data_dir.path().display();
    Ok(format!(
        "{objects} objects are restored to {path}; resourceVersion {before} became {revision}"
    ))
}

fn failure(error: &RestoreError, data_dir: &DataDir) -> Failure {
    let path = data_dir.path().display();
    match error {
        RestoreError::Backup(_) => Failure::new(Kind::Runtime, error.to_string()),
        RestoreError::TooHigh => Failure::new(Kind::Usage, error.to_string()),
        RestoreError::NotEmpty => Failure::new(Kind::DataDir, format!("data directory {path} has a store already"))
            .hint("restore into another directory, or move its store/ away"),
        RestoreError::Store(error) => Failure::new(Kind::DataDir, format!("data directory {path}: {error}")),
    }
}
