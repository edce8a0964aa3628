//! Files that are whole or absent, and private when they must be.
//!
//! A file is written beside its place, synced, and renamed over it, so a crash leaves the old one or the new one. Modes
//! are set on the open file, so the umask has no say. Symbolic links are not followed: nobody can make us read or
//! overwrite a file elsewhere.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

/// For directories that hold keys, and for keys.
pub(crate) const PRIVATE_DIR: u32 = 0o700;
pub(crate) const PRIVATE: u32 = 0o600;
/// For certificates.
pub(crate) const PUBLIC: u32 = 0o644;

/// No file of ours comes near this; a larger one is something else.
const MAX_BYTES: u64 = 1 << 20;

/// Creates the directory, and its parents, with mode 0700 if it is not there.
pub(crate) fn create_private_dir(path: &Path) -> io::Result<()> {
    match DirBuilder::new().recursive(true).mode(PRIVATE_DIR).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        other => other,
    }
}

/// Takes away all rights of group and others; true if there were any.
pub(crate) fn make_private(path: &Path) -> io::Result<bool> {
    let metadata = std::fs::symlink_metadata(path)?;
    let mode = metadata.mode();
    // A link's own mode says nothing, and what it points to is not ours; [`read`] refuses it.
    if metadata.is_symlink() || mode & 0o077 == 0 {
        return Ok(false);
    }
    std::fs::set_permissions(path, Permissions::from_mode(mode & 0o700))?;
    Ok(true)
}

/// The text of the file; `None` if there is none. Anything that is not text comes back as an error.
pub(crate) fn read(path: &Path) -> io::Result<Option<String>> {
    let file = match OpenOptions::new().read(true).custom_flags(no_follow()).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut text = String::new();
    file.take(MAX_BYTES).read_to_string(&mut text)?;
    Ok(Some(text))
}

/// Opens, or creates, a private file without changing what is in it.
pub(crate) fn open_private(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(PRIVATE)
        .custom_flags(no_follow())
        .open(path)
}

/// Replaces the file: afterwards it is there, whole, synced, and has exactly this mode.
///
/// The caller is the only writer: the data directory's lock sees to it. So the name beside it can be a fixed one, and
/// what an earlier crash left there is simply removed.
pub(crate) fn write(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    let beside = beside(path);
    match std::fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(PRIVATE)
        .open(&beside)?;
    file.set_permissions(Permissions::from_mode(mode))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&beside, path)?;
    sync_parent(path)
}

/// A private file that is written piece by piece beside its place, for any number of writers at once.
pub(crate) struct Draft {
    file: File,
    beside: PathBuf,
    path: PathBuf,
}

impl Draft {
    /// Begins one that shall become `path`, which is absolute.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let beside = path.with_file_name(format!(".{name}.{}.new", std::process::id()));
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(PRIVATE)
            .open(&beside)?;
        let path = path.to_owned();
        Ok(Self { file, beside, path })
    }

    /// Where it is for now.
    pub(crate) fn for_now(&self) -> &Path {
        &self.beside
    }

    /// Adds to its end.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    /// Makes its content durable.
    pub(crate) fn sync(&mut self) -> io::Result<()> {
        self.file.set_permissions(Permissions::from_mode(PRIVATE))?;
        self.file.sync_all()
    }

    /// Puts it into its place, replacing what was there.
    pub(crate) fn finish(self) -> io::Result<()> {
        std::fs::rename(&self.beside, &self.path)?;
        sync_parent(&self.path)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // Gone already where it was finished.
        let _ = std::fs::remove_file(&self.beside);
    }
}

fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.new"))
}

fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) => File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}

fn no_follow() -> i32 {
    OFlags::NOFOLLOW.bits().cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode_of(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().mode() & 0o7777
    }

    #[test]
    fn a_file_has_its_mode_whatever_was_there_before() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        std::fs::write(&path, "old").unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o666)).unwrap();
        std::fs::write(beside(&path), "left by a crash").unwrap();

        write(&path, "new", PRIVATE).unwrap();

        assert_eq!(mode_of(&path), 0o600);
        assert_eq!(read(&path).unwrap().as_deref(), Some("new"));
        assert!(!beside(&path).exists());
        write(&path, "public", PUBLIC).unwrap();
        assert_eq!(mode_of(&path), 0o644);
    }

    #[test]
    fn a_missing_file_is_not_an_error_and_a_symbolic_link_is() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(read(&dir.path().join("none")).unwrap(), None);
        std::fs::write(dir.path().join("real"), "x").unwrap();
        std::os::unix::fs::symlink(dir.path().join("real"), dir.path().join("link")).unwrap();
        assert!(read(&dir.path().join("link")).is_err());
        assert!(open_private(&dir.path().join("link")).is_err());
        std::fs::set_permissions(dir.path().join("real"), Permissions::from_mode(0o644)).unwrap();
        assert!(!make_private(&dir.path().join("link")).unwrap());
        assert_eq!(mode_of(&dir.path().join("real")), 0o644);
    }

    #[test]
    fn rights_of_others_are_taken_away_and_told() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b");
        create_private_dir(&path).unwrap();
        assert_eq!(mode_of(&path), 0o700);
        create_private_dir(&path).unwrap();
        assert!(!make_private(&path).unwrap());
        std::fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        assert!(make_private(&path).unwrap());
        assert_eq!(mode_of(&path), 0o700);
    }
}
