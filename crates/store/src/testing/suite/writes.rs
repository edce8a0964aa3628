//! Promises about writes.
#![expect(missing_docs, reason = "the names are the sentences that they would repeat")]

use futures_util::FutureExt;
use futures_util::future::join_all;

use super::{bounded, create, delete, key, lease, read, text, update};
use crate::{Error, Revision, Store};

pub async fn a_write_gives_the_key_its_revision_and_a_read_finds_it<S: Store>(store: &S) {
    assert_eq!(read(store, &lease("a")).await, None);
    let created = create(store, &lease("a"), "one").await;
    assert_eq!(read(store, &lease("a")).await, Some((text("one"), created)));
    let updated = update(store, &lease("a"), "two", created).await;
    assert_eq!(read(store, &lease("a")).await, Some((text("two"), updated)));
    delete(store, &lease("a"), updated).await;
    assert_eq!(read(store, &lease("a")).await, None);
}

pub async fn revisions_rise_with_every_change_of_any_key<S: Store>(store: &S) {
    let mut last = store.revision();
    for resource in ["leases", "namespaces"] {
        for name in ["a", "b"] {
            let key = key(resource, "default", name);
            let created = create(store, &key, "one").await;
            let updated = update(store, &key, "two", created).await;
            let deleted = delete(store, &key, updated).await;
            assert!(
                last < created && created < updated && updated < deleted,
                "a deletion has a revision of its own"
            );
            assert!(
                store.revision() >= deleted,
                "what was acknowledged is part of the durable state"
            );
            last = deleted;
        }
    }
}

pub async fn a_create_is_refused_where_something_is<S: Store>(store: &S) {
    let created = create(store, &lease("a"), "one").await;
    assert_eq!(store.create(lease("a"), text("two")).await, Err(Error::Exists(created)));
    assert_eq!(read(store, &lease("a")).await, Some((text("one"), created)));
    assert_eq!(store.revision(), created, "a refusal changes nothing");
}

pub async fn an_update_needs_the_revision_that_the_key_is_at<S: Store>(store: &S) {
    assert_eq!(
        store.update(lease("a"), text("one"), Revision(1)).await,
        Err(Error::NotFound)
    );
    let first = create(store, &lease("a"), "one").await;
    let second = update(store, &lease("a"), "two", first).await;
    assert_eq!(
        store.update(lease("a"), text("three"), first).await,
        Err(Error::Conflict(second))
    );
    let other = create(store, &lease("b"), "one").await;
    assert_eq!(
        store.update(lease("a"), text("three"), other).await,
        Err(Error::Conflict(second))
    );
    assert_eq!(read(store, &lease("a")).await, Some((text("two"), second)));
}

pub async fn a_delete_needs_the_revision_that_the_key_is_at<S: Store>(store: &S) {
    assert_eq!(store.delete(lease("a"), Revision(1)).await, Err(Error::NotFound));
    let first = create(store, &lease("a"), "one").await;
    let second = update(store, &lease("a"), "two", first).await;
    assert_eq!(store.delete(lease("a"), first).await, Err(Error::Conflict(second)));
    delete(store, &lease("a"), second).await;
    assert_eq!(store.delete(lease("a"), second).await, Err(Error::NotFound));
}

pub async fn a_deleted_key_can_be_created_again<S: Store>(store: &S) {
    let first = create(store, &lease("a"), "one").await;
    let deleted = delete(store, &lease("a"), first).await;
    let again = create(store, &lease("a"), "two").await;
    assert!(again > deleted);
    assert_eq!(
        store.update(lease("a"), text("three"), first).await,
        Err(Error::Conflict(again))
    );
}

pub async fn of_many_writers_of_one_revision_exactly_one_wins<S: Store>(store: &S) {
    let mut held = create(store, &lease("a"), "start").await;
    for round in 0..20 {
        let writers = (0..16).map(|writer| store.update(lease("a"), text(&format!("{round}/{writer}")), held));
        let results = bounded("the writers", join_all(writers)).await;
        let won: Vec<_> = results.iter().filter_map(|result| result.as_ref().ok()).collect();
        assert_eq!(won.len(), 1, "{results:?}");
        held = *won[0];
        let refused = results
            .iter()
            .filter(|result| **result == Err(Error::Conflict(held)))
            .count();
        assert_eq!(refused, 15, "{results:?}");
    }
}

/// A refusal may rest on a write that is still on its way; it must not be heard before that write can be seen.
pub async fn a_refusal_names_a_revision_that_can_be_read<S: Store>(store: &S) {
    let mut held = create(store, &lease("a"), "start").await;
    for _ in 0..50 {
        let writer = |number: usize| async move {
            let result = store.update(lease("a"), text(&number), held).await;
            (result, store.revision(), read(store, &lease("a")).await)
        };
        for (result, revision, seen) in bounded("the writers", join_all((0..4).map(writer))).await {
            let (Ok(named) | Err(Error::Conflict(named))) = result else {
                panic!("{result:?}")
            };
            assert!(
                revision >= named,
                "the store was at {revision} after an answer that names {named}"
            );
            assert!(seen.is_some_and(|(_, at)| at >= named));
            held = held.max(named);
        }
    }
}

pub async fn increments_by_many_writers_are_all_counted<S: Store>(store: &S) {
    create(store, &lease("counter"), "0").await;
    let writer = |_| async {
        for _ in 0..50 {
            loop {
                let (value, revision) = read(store, &lease("counter")).await.expect("never deleted");
                let count: u32 = std::str::from_utf8(&value).expect("digits").parse().expect("digits");
                match store.update(lease("counter"), text(&(count + 1)), revision).await {
                    Ok(_) => break,
                    Err(Error::Conflict(_)) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        }
    };
    bounded("the writers", join_all((0..8).map(writer))).await;
    let (value, _) = read(store, &lease("counter")).await.expect("never deleted");
    assert_eq!(value, text(&400));
}

pub async fn an_abandoned_write_is_carried_out<S: Store>(store: &S) {
    let before = store.revision();
    {
        let write = store.create(lease("a"), text("one"));
        let _polled_once = write.now_or_never();
    }
    bounded("the abandoned write", store.reached(Revision(before.0 + 1)))
        .await
        .expect("the store goes on");
    assert!(read(store, &lease("a")).await.is_some());
}

pub async fn a_glance_shows_what_was_acknowledged<S: Store>(store: &S) {
    let glance = async || {
        let entry = bounded("a glance", store.glance(&lease("a")))
            .await
            .expect("reads go on");
        entry.map(|entry| (entry.key, entry.value, entry.revision))
    };
    assert_eq!(glance().await, None);
    let created = create(store, &lease("a"), "one").await;
    assert_eq!(glance().await, Some((lease("a"), text("one"), created)));
    let updated = update(store, &lease("a"), "two", created).await;
    assert_eq!(glance().await, Some((lease("a"), text("two"), updated)));
    delete(store, &lease("a"), updated).await;
    assert_eq!(glance().await, None);
}

pub async fn reached_waits_for_a_revision<S: Store>(store: &S) {
    let first = create(store, &lease("a"), "one").await;
    assert_eq!(bounded("the present", store.reached(first)).await, Ok(()));
    let next = Revision(first.0 + 1);
    assert!(store.reached(next).now_or_never().is_none(), "that has not come yet");
    let (reached, _) = bounded("the future", async {
        tokio::join!(store.reached(next), async {
            update(store, &lease("a"), "two", first).await
        })
    })
    .await;
    assert_eq!(reached, Ok(()));
    assert!(store.revision() >= next);
}
