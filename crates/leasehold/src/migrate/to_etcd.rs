//! From a data directory to an etcd.

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use leasehold_etcd::Client;
use leasehold_store::etcd::Etcd;
use leasehold_store::{Entry, Revision, Store as _};

use super::burn;
use super::compare::{Foreign, Plan, plan};
use super::{Content, check_readable, directory, etcd_side, read};
use crate::cli::Migrate;
use crate::data_dir::DataDir;
use crate::etcd_access;
use crate::failure::{Failure, Kind};

/// How many objects are written at once.
const AT_ONCE: usize = 64;

/// Copies everything.
pub(super) async fn copy(wish: &Migrate) -> Result<String, Failure> {
    let path = wish.data_dir.display();
    if !directory::has_store(&wish.data_dir) {
        return Err(Failure::new(
            Kind::DataDir,
            format!("data directory {path} has no store"),
        ));
    }
    // Held to the end: no server may go on writing what is being copied.
    let data_dir = DataDir::open(&wish.data_dir)?;
    let source = directory::content(&data_dir, wish.scope).await?;
    check_readable(&source.entries)?;
    let store = etcd_side::open(&wish.etcd, wish.scope).await?;
    let copied = fill(wish, &source, &store).await;
    store.close().await;
    let now = copied?;
    Ok(format!(
        "{} objects at resourceVersion {} are copied from {path} to etcd, which is at {now}",
        source.entries.len(),
        source.revision
    ))
}

/// Raises, copies and reads back; etcd's revision in the end.
async fn fill(wish: &Migrate, source: &Content, store: &Etcd) -> Result<Revision, Failure> {
    let there = read(store, wish.scope).await?;
    let plan = plan(&source.entries, &there.entries, source.revision).map_err(|error| foreign(&error))?;
    if burn::needed(source.revision, there.revision, wish.burn_at_most)? > 0 {
        let client = Client::new(etcd_access::options(&wish.etcd)?).map_err(|error| etcd_access::failure(&error))?;
        burn::burn(&client, &wish.etcd.prefix, source.revision).await?;
    }
    write(store, plan).await?;
    let copy = read(store, wish.scope).await?;
    verify(source, &copy)?;
    Ok(copy.revision)
}

async fn write(store: &Etcd, plan: Plan) -> Result<(), Failure> {
    let create = plan.create.into_iter().map(|entry| (entry, None));
    let rewrite = plan.rewrite.into_iter().map(|(entry, at)| (entry, Some(at)));
    let writes = create
        .chain(rewrite)
        .map(async |(Entry { key, value, .. }, at)| match at {
            None => store.create(key, value).await,
            Some(at) => store.update(key, value, at).await,
        });
    let written = stream::iter(writes)
        .buffer_unordered(AT_ONCE)
        .try_for_each(|_| std::future::ready(Ok(())))
        .await;
    written.map_err(|error| {
        Failure::new(Kind::Runtime, format!("the copy was interrupted: {error}"))
            .hint("run it again: it goes on where it was")
    })
}

/// Both hold the same, and nothing in etcd is where the directory has been.
fn verify(source: &Content, copy: &Content) -> Result<(), Failure> {
    match plan(&source.entries, &copy.entries, source.revision) {
        Ok(Plan { create, rewrite, done }) if create.is_empty() && rewrite.is_empty() => {
            debug_assert_eq!(done, source.entries.len());
            Ok(())
        }
        _ => Err(Failure::new(
            Kind::Runtime,
            "what is in etcd now is not what was copied: somebody else writes there",
        )
        .hint("stop every server on that etcd, then begin anew with an empty one")),
    }
}

fn foreign(Foreign(key): &Foreign) -> Failure {
    let name = format!("{}/{}/{}", key.resource, key.namespace, key.name);
    Failure::new(
        Kind::Runtime,
        format!("etcd holds other objects already, such as {name}"),
    )
    .hint("copy into an empty etcd, or under another --etcd-prefix")
}
