//! The contract's test suite: one function per promise of [`Store`], for any engine.
//!
//! Each function is given a store that holds nothing yet. [`store_suite!`](crate::store_suite) makes a test of each.

mod lists;
mod watches;
mod writes;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::{Change, ChangeKind, Error, Key, Listing, Page, Range, Revision, Snapshot, Store, Watch};

pub use lists::*;
pub use watches::*;
pub use writes::*;

/// Far above what anything here takes.
const BOUND: Duration = Duration::from_secs(30);

/// Makes one test of every function of the suite. The argument is an expression that opens an empty store, evaluated in
/// an async function; it comes to a value that dereferences to the store and keeps alive what the store needs.
#[macro_export]
macro_rules! store_suite {
    ($open:expr) => {
        $crate::store_suite!(@each $open;
            a_write_gives_the_key_its_revision_and_a_read_finds_it,
            revisions_rise_with_every_change_of_any_key,
            a_create_is_refused_where_something_is,
            an_update_needs_the_revision_that_the_key_is_at,
            a_delete_needs_the_revision_that_the_key_is_at,
            a_deleted_key_can_be_created_again,
            of_many_writers_of_one_revision_exactly_one_wins,
            a_refusal_names_a_revision_that_can_be_read,
            increments_by_many_writers_are_all_counted,
            an_abandoned_write_is_carried_out,
            a_glance_shows_what_was_acknowledged,
            reached_waits_for_a_revision,
            a_list_is_in_key_order_and_only_of_its_range,
            a_list_in_pages_is_one_snapshot_whatever_happens_meanwhile,
            a_list_at_a_revision_is_as_it_was_then,
            a_list_of_the_future_is_refused,
            a_list_under_load_is_a_state_that_there_was,
            a_list_of_what_is_held_shows_what_was_acknowledged,
            a_list_of_what_is_held_is_a_state_that_there_was_and_never_an_earlier_one,
            a_watch_delivers_every_change_of_its_range_in_order,
            a_watch_resumes_after_any_revision,
            a_watch_of_the_future_is_refused,
            a_change_carries_what_was_there_before,
            a_watch_loses_nothing_when_its_future_is_dropped,
            progress_of_a_quiet_range_follows_the_store,
            what_a_watch_delivers_can_be_read,
            many_watches_under_load_all_see_the_same,
        );
    };
    (@each $open:expr; $($name:ident,)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let store = $open;
                $crate::testing::suite::$name(&*store).await;
            }
        )*
    };
}

async fn bounded<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(BOUND, future).await {
        Ok(value) => value,
        Err(_elapsed) => panic!("waited too long for {what}"),
    }
}

fn key(resource: &'static str, namespace: &str, name: &str) -> Key {
    Key {
        resource,
        namespace: namespace.into(),
        name: name.into(),
    }
}

fn lease(name: &str) -> Key {
    key("leases", "default", name)
}

fn text<T: ToString + ?Sized>(value: &T) -> Bytes {
    Bytes::from(value.to_string())
}

async fn create<S: Store>(store: &S, key: &Key, value: &str) -> Revision {
    bounded("a create", store.create(key.clone(), text(value)))
        .await
        .expect("nothing is there yet")
}

async fn update<S: Store>(store: &S, key: &Key, value: &str, expected: Revision) -> Revision {
    bounded("an update", store.update(key.clone(), text(value), expected))
        .await
        .expect("the revision is right")
}

async fn delete<S: Store>(store: &S, key: &Key, expected: Revision) -> Revision {
    bounded("a delete", store.delete(key.clone(), expected))
        .await
        .expect("the revision is right")
}

/// The value and revision of a key.
async fn read<S: Store>(store: &S, key: &Key) -> Option<(Bytes, Revision)> {
    let entry = store.get(key).await.expect("reads go on");
    entry.map(|entry| {
        assert_eq!(entry.key, *key);
        (entry.value, entry.revision)
    })
}

async fn list<S: Store>(store: &S, range: &Range, snapshot: Snapshot) -> Listing {
    store
        .list(range, snapshot, &Page::default())
        .await
        .expect("within the window")
}

fn names(listing: &Listing) -> Vec<String> {
    listing
        .entries
        .iter()
        .map(|entry| format!("{}/{}", entry.key.namespace, entry.key.name))
        .collect()
}

/// The next `count` changes of a watch, checking that its progress covers them and never falls.
async fn changes(watch: &mut dyn Watch, count: usize) -> Vec<Arc<Change>> {
    let (mut seen, mut progress) = (Vec::new(), watch.progress());
    while seen.len() < count {
        let batch = bounded("a change", watch.next()).await.expect("the watch goes on");
        assert!(
            batch.progress >= progress,
            "progress fell from {progress} to {}",
            batch.progress
        );
        progress = batch.progress;
        seen.extend(batch.changes);
        assert!(seen.last().is_none_or(|change| change.revision <= progress));
    }
    assert_eq!(seen.len(), count, "more changes than there were");
    seen
}

/// What a change says, in brief.
fn brief(change: &Change) -> (u64, String, Option<Bytes>) {
    let value = match &change.kind {
        ChangeKind::Put(value) => Some(value.clone()),
        ChangeKind::Delete => None,
    };
    (change.revision.0, change.key.name.to_string(), value)
}

/// Updates a key without regard to what is there, as often as it takes.
async fn overwrite<S: Store>(store: &S, key: &Key, value: &str) -> Revision {
    loop {
        let result = match read(store, key).await {
            None => store.create(key.clone(), text(value)).await,
            Some((_, revision)) => store.update(key.clone(), text(value), revision).await,
        };
        match result {
            Ok(revision) => return revision,
            Err(Error::Conflict(_) | Error::Exists(_) | Error::NotFound) => {}
            Err(error) => panic!("{error}"),
        }
    }
}
