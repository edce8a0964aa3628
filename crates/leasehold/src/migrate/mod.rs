//! `leasehold migrate`: all objects from a data directory to an etcd, or back.
//!
//! Whatever was said before must not be said again of something else: resourceVersions, and the fencing tokens made of them,
//! only grow. A new directory goes on above etcd's revision. etcd's own cannot be set, and is used up, by writes of nothing, until
//! it has passed the directory's. Nothing is written before it is known that all of it can be, and nothing that is there is
//! overwritten or deleted. A copy that was interrupted is gone on with when it is run again; each is read back in the end.

mod burn;
mod compare;
mod directory;
mod etcd_side;
mod to_directory;
mod to_etcd;

use leasehold_registry::Scope;
use leasehold_store::{Entry, Page, Range, Revision, Snapshot, Store};

use crate::cli::{Direction, Migrate};
use crate::failure::{Failure, Kind};
use crate::runtime;
use crate::upkeep::judge;

/// Copies, and says what was copied.
pub(crate) fn migrate(wish: &Migrate) -> Result<String, Failure> {
    let runtime = runtime::of_one_thread()?;
    runtime.block_on(async {
        match wish.direction {
            Direction::ToEtcd => to_etcd::copy(wish).await,
            Direction::ToDirectory => to_directory::copy(wish).await,
        }
    })
}

/// All that a store holds at one revision.
struct Content {
    /// By key.
    entries: Vec<Entry>,
    /// Of the whole store.
    revision: Revision,
}

/// Everything of this scope, as it is now.
async fn read(store: &dyn Store, scope: Scope) -> Result<Content, Failure> {
    let (mut entries, mut snapshot, mut revision) = (Vec::new(), Snapshot::Latest, store.revision());
    for resource in scope.stored() {
        let listing = store.list(&Range::Resource(resource), snapshot, &Page::default()).await;
        let listing = listing.map_err(|error| Failure::new(Kind::Runtime, format!("cannot read: {error}")))?;
        (revision, snapshot) = (listing.revision, Snapshot::At(listing.revision));
        entries.extend(listing.entries);
    }
    Ok(Content { entries, revision })
}

/// Nothing is copied that could not be served afterwards.
fn check_readable(entries: &[Entry]) -> Result<(), Failure> {
    for Entry { key, value, .. } in entries {
        judge(key, value).map_err(|why| {
            let name = format!("{}/{}/{}", key.resource, key.namespace, key.name);
            Failure::new(Kind::Runtime, format!("{name} cannot be read: {why}"))
        })?;
    }
    Ok(())
}
