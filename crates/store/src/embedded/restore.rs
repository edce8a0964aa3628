//! From a backup, or from what another engine held, to a new store.
//!
//! Every revision of the backup, those of its objects too, is raised by a large number. Whatever was given out between
//! the backup and its restore, as a resourceVersion or as a fencing token, is then lower than anything the new store will
//! ever say: nothing goes back, no update is mistaken for one of a later object, and a watch from before is told that its
//! place is gone.
//!
//! The version file is written first, under a name that keeps the store closed, and gets its own name last. Until then
//! nothing of it is used, and another restore starts from nothing. An existing store is never touched.

use std::io;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use crate::{Entry, Revision};

use super::backup;
use super::disk::Disk;
use super::format::{self, RESTORING};
use super::lock;
use super::log::segment::{self, Head};
use super::log::{self, CreateError, remove};
use super::open_error::OpenError;
use super::snapshot::{self, WriteError};
use crate::view::state::{Item, State};

/// What a restore has made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restored {
    /// Of the last change in the backup.
    pub before: Revision,
    /// Where the new store starts.
    pub revision: Revision,
    /// How many objects it has.
    pub objects: usize,
}

/// Why there was no restore.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The backup cannot be used.
    #[error("{0}")]
    Backup(OpenError),
    /// The directory cannot be used.
    #[error("{0}")]
    Store(OpenError),
    /// There is a store already. It has not been changed.
    #[error("there is a store already")]
    NotEmpty,
    /// The revisions of the backup, raised by as much, are more than there can be.
    #[error("the revisions of this backup cannot be raised by so much")]
    TooHigh,
}

/// Creates the store in `directory` from the backup in `from`, with every revision raised by `by`.
///
/// # Errors
/// See [`RestoreError`]. After one, `directory` holds no store, or the one that it held before.
pub fn restore(from: &Path, directory: &Path, by: u64) -> Result<Restored, RestoreError> {
    let (state, _) = backup::read(from).map_err(RestoreError::Backup)?;
    let (disk, _lock) = lock::open(directory).map_err(RestoreError::Store)?;
    restore_on(&disk, &state, by)
}

/// Creates a store in `directory` that holds these entries, each at the revision it has, and goes on after `revision`: what
/// another engine held. The keys must differ, and no entry may be later than `revision`.
///
/// # Errors
/// As [`restore`].
pub fn create(
    directory: &Path,
    entries: impl IntoIterator<Item = Entry>,
    revision: Revision,
) -> Result<(), RestoreError> {
    let mut state = State::at(revision);
    for Entry { key, value, revision } in entries {
        if revision > state.revision {
            return Err(RestoreError::TooHigh);
        }
        state.set(&key, Some(Item { value, revision }));
    }
    let (disk, _lock) = lock::open(directory).map_err(RestoreError::Store)?;
    make_on(&disk, &state)
}

/// [`restore`] on a disk that is ours alone.
pub(crate) fn restore_on(disk: &dyn Disk, state: &State, by: u64) -> Result<Restored, RestoreError> {
    let raised = state.raised(by).ok_or(RestoreError::TooHigh)?;
    make_on(disk, &raised)?;
    Ok(Restored {
        before: state.revision,
        revision: raised.revision,
        objects: raised.len(),
    })
}

/// Makes a store of this state where there is none.
fn make_on(disk: &dyn Disk, state: &State) -> Result<(), RestoreError> {
    if i64::try_from(state.revision.0).is_err() {
        return Err(RestoreError::TooHigh);
    }
    clear(disk)?;
    fill(disk, state).map_err(|error| RestoreError::Store(OpenError::io("writing the store")(error)))
}

/// Makes sure that there is nothing, but for what an interrupted restore has left, which goes.
fn clear(disk: &dyn Disk) -> Result<(), RestoreError> {
    match format::is_ours(disk) {
        Ok(false) => {}
        Ok(true) | Err(OpenError::Newer { .. }) => return Err(RestoreError::NotEmpty),
        Err(error) => return Err(RestoreError::Store(error)),
    }
    match format::check_empty(disk) {
        Ok(()) => Ok(()),
        Err(OpenError::Unfinished) => {
            let cleared = remove_leftovers(disk);
            cleared.map_err(|error| RestoreError::Store(OpenError::io("removing an interrupted restore")(error)))
        }
        Err(error) => Err(RestoreError::Store(error)),
    }
}

/// The file that keeps the store closed goes only when nothing else is left.
fn remove_leftovers(disk: &dyn Disk) -> io::Result<()> {
    let mut names = disk.list()?;
    names.retain(|name| format::is_data(name) || snapshot::is_unfinished(name));
    names.iter().try_for_each(|name| disk.unlink(name))?;
    disk.sync()?;
    remove(disk, RESTORING)?;
    disk.sync()
}

fn fill(disk: &dyn Disk, state: &State) -> io::Result<()> {
    format::write(disk, RESTORING)?;
    disk.sync()?;
    // Not the first, which would say that the log is whole and needs no snapshot.
    let head = Head {
        sequence: segment::FIRST + 1,
        base: state.revision,
        salt: log::new_salt(),
    };
    log::create(disk, head, segment::HEADER as u64).map_err(|error| match error {
        CreateError::Full(error) | CreateError::Fatal(error) => error,
    })?;
    snapshot::write(disk, state, &AtomicBool::new(false)).map_err(|error| match error {
        WriteError::Full => io::ErrorKind::StorageFull.into(),
        WriteError::Cancelled => io::ErrorKind::Interrupted.into(),
        WriteError::Fatal(error) => error,
    })?;
    format::commit(disk, RESTORING)
}
