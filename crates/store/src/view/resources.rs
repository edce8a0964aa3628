//! Names of resources as they come back from the disk.
//!
//! [`Key::resource`](crate::Key::resource) is one of a closed, small set of names that live as long as the program. What
//! is read from a file is turned into such a name once and kept; a checksum stands between this and arbitrary bytes.

use parking_lot::Mutex;

static KNOWN: Mutex<Vec<&'static str>> = Mutex::new(Vec::new());

/// The one name equal to `resource` that lives as long as the program.
pub(crate) fn intern(resource: &str) -> &'static str {
    let mut known = KNOWN.lock();
    if let Some(name) = known.iter().find(|name| **name == resource) {
        return name;
    }
    let name: &'static str = Box::leak(Box::from(resource));
    known.push(name);
    name
}
