//! The version of everything in the data directory, in a file that says only that.

use std::io;

use super::disk::{Disk, read_all};
use super::log::{remove, segment};
use super::open_error::OpenError;
use super::snapshot;

/// The version that this program writes, and the only one so far.
pub(crate) const VERSION: u32 = 1;
const NAME: &str = "format";
const UNFINISHED: &str = "format.tmp";
/// The version of a store that is being restored, until all of it is there.
pub(crate) const RESTORING: &str = "restoring";
const PREFIX: &str = "leasehold-store ";

/// Checks the version of what is there, or marks an empty directory with ours. Touches nothing of another version.
pub(crate) fn check(disk: &dyn Disk) -> Result<(), OpenError> {
    if is_ours(disk)? {
        // Whoever named it may have been killed before that was durable, and data must not outlive it.
        return disk.sync().map_err(OpenError::io(NAME));
    }
    check_empty(disk)?;
    write(disk, UNFINISHED)
        .and_then(|()| commit(disk, UNFINISHED))
        .map_err(OpenError::io(NAME))
}

/// Whether there is a store, which is then of our version. Changes nothing.
pub(crate) fn is_ours(disk: &dyn Disk) -> Result<bool, OpenError> {
    let file = match disk.open(NAME) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(OpenError::io(NAME)(error)),
    };
    let content = read_all(file.as_ref()).map_err(OpenError::io(NAME))?;
    match parse(&content) {
        Some(VERSION) => Ok(true),
        Some(found) if found > VERSION => Err(OpenError::Newer {
            found,
            supported: VERSION,
        }),
        _ => Err(OpenError::corrupted(NAME, 0, "not the version of a store")),
    }
}

fn parse(content: &[u8]) -> Option<u32> {
    let version = std::str::from_utf8(content)
        .ok()?
        .strip_prefix(PREFIX)?
        .strip_suffix('\n')?;
    version
        .bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| version.parse().ok())?
}

/// A directory without a version must have nothing that could be data.
pub(crate) fn check_empty(disk: &dyn Disk) -> Result<(), OpenError> {
    let names = disk.list().map_err(OpenError::io("listing the data directory"))?;
    if names.iter().any(|name| name == RESTORING) {
        return Err(OpenError::Unfinished);
    }
    if names.iter().any(|name| is_data(name)) {
        return Err(OpenError::corrupted(NAME, 0, "it is missing, but there is data"));
    }
    Ok(())
}

/// Whether a file of this name holds data.
pub(crate) fn is_data(name: &str) -> bool {
    segment::sequence(name).is_some() || snapshot::revision(name).is_some()
}

/// Writes our version to a new file of this name, durable but for the name.
pub(crate) fn write(disk: &dyn Disk, name: &str) -> io::Result<()> {
    remove(disk, name)?;
    let mut file = disk.create(name)?;
    file.write_at(0, format!("{PREFIX}{VERSION}\n").as_bytes())?;
    file.sync()
}

/// Makes what [`write`] has written the version of the directory: from here on it holds a store.
pub(crate) fn commit(disk: &dyn Disk, name: &str) -> io::Result<()> {
    disk.rename(name, NAME)?;
    disk.sync()
}
