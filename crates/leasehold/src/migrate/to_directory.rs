//! From an etcd to a data directory.

use leasehold_store::Revision;
use leasehold_store::embedded::{self, RestoreError};

use super::{Content, check_readable, directory, etcd_side, read};
use crate::cli::Migrate;
use crate::data_dir::{DataDir, store_in};
use crate::failure::{Failure, Kind};
use crate::{pki, printer};

/// By how much the new store's revision lies above etcd's: whatever etcd says while it is being read is below it.
const MARGIN: u64 = 1000;

/// Copies everything.
pub(super) async fn copy(wish: &Migrate) -> Result<String, Failure> {
    let path = wish.data_dir.display();
    let etcd = etcd_side::open(&wish.etcd, wish.scope).await?;
    let source = read(&etcd, wish.scope).await?;
    if source.entries.is_empty() {
        let prefix = &wish.etcd.prefix;
        let nothing = Failure::new(Kind::Runtime, format!("there is nothing under {prefix} in etcd"));
        return Err(nothing.hint("is --etcd-prefix right?"));
    }
    check_readable(&source.entries)?;
    let data_dir = DataDir::open(&wish.data_dir)?;
    if directory::has_store(data_dir.path()) {
        let there = directory::content(&data_dir, wish.scope).await?;
        etcd.close().await;
        return has_been_copied(wish, &source, &there);
    }
    let revision = Revision(source.revision.0.saturating_add(MARGIN));
    let store = store_in(data_dir.path());
    embedded::create(&store, source.entries.iter().cloned(), revision).map_err(|error| failure(&error, &data_dir))?;
    let again = read(&etcd, wish.scope).await?;
    etcd.close().await;
    let copy = directory::content(&data_dir, wish.scope).await?;
    if again.entries != source.entries || copy.entries != source.entries {
        return Err(
            Failure::new(Kind::Runtime, "what is in etcd has changed while it was copied").hint(format!(
                "stop every server on that etcd, remove {}, and run it again",
                store.display()
            )),
        );
    }
    if !pki::dir_in(data_dir.path()).join("ca.key").exists() {
        printer::note("there are no certificates: copy a server's pki/ here, or the first start makes new ones");
    }
    Ok(format!(
        "{} objects at resourceVersion {} are copied from etcd to {path}, which is at {revision}",
        source.entries.len(),
        source.revision
    ))
}

/// A copy that was made before is as good as one that is made now.
fn has_been_copied(wish: &Migrate, source: &Content, there: &Content) -> Result<String, Failure> {
    let path = wish.data_dir.display();
    if source.entries == there.entries && there.revision > source.revision {
        let (objects, revision) = (there.entries.len(), there.revision);
        return Ok(format!(
            "{objects} objects have been copied to {path} before; it is at {revision}"
        ));
    }
    Err(Failure::new(
        Kind::DataDir,
        format!("data directory {path} holds other objects already"),
    )
    .hint("copy into another directory, or move its store/ away"))
}

fn failure(error: &RestoreError, data_dir: &DataDir) -> Failure {
    let path = data_dir.path().display();
    Failure::new(Kind::DataDir, format!("data directory {path}: {error}"))
}
