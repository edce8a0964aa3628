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
const PREFIX: &str = "leasehold-store ";

/// Checks the version of what is there, or marks an empty directory with ours. Touches nothing of another version.
pub(crate) fn check(disk: &dyn Disk) -> Result<(), OpenError> {
    let file = match disk.open(NAME) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return start(disk),
        Err(error) => return Err(OpenError::io(NAME)(error)),
    };
    let content = read_all(file.as_ref()).map_err(OpenError::io(NAME))?;
    match parse(&content) {
        Some(VERSION) => Ok(()),
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

/// Marks a directory that holds no data yet.
fn start(disk: &dyn Disk) -> Result<(), OpenError> {
    let names = disk.list().map_err(OpenError::io("listing the data directory"))?;
    if names
        .iter()
        .any(|name| segment::sequence(name).is_some() || snapshot::revision(name).is_some())
    {
        return Err(OpenError::corrupted(NAME, 0, "it is missing, but there is data"));
    }
    write(disk).map_err(OpenError::io(NAME))
}

fn write(disk: &dyn Disk) -> io::Result<()> {
    remove(disk, UNFINISHED)?;
    let mut file = disk.create(UNFINISHED)?;
    file.write_at(0, format!("{PREFIX}{VERSION}\n").as_bytes())?;
    file.sync()?;
    disk.rename(UNFINISHED, NAME)?;
    disk.sync()
}
