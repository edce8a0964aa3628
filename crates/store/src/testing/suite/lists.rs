//! Promises about lists.
#![expect(missing_docs, reason = "the names are the sentences that they would repeat")]

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use super::{bounded, create, delete, key, lease, list, names, overwrite, update};
use crate::{Entry, Error, Page, Range, Revision, Snapshot, Store};

pub async fn a_list_is_in_key_order_and_only_of_its_range<S: Store>(store: &S) {
    for (namespace, name) in [("b", "2"), ("a", "1"), ("b", "10"), ("ab", "1"), ("", "x")] {
        create(store, &key("leases", namespace, name), "value").await;
    }
    let last = create(store, &key("leasecandidates", "b", "1"), "value").await;
    let all = list(store, &Range::Resource("leases"), Snapshot::Latest).await;
    assert_eq!(names(&all), ["/x", "a/1", "ab/1", "b/10", "b/2"]);
    assert_eq!((all.revision, all.remaining), (last, 0), "the revision is the store's");
    let namespace = list(store, &Range::Namespace("leases", "b".into()), Snapshot::Latest).await;
    assert_eq!(names(&namespace), ["b/10", "b/2"]);
    let name = list(store, &Range::Name(key("leases", "a", "1")), Snapshot::Latest).await;
    assert_eq!(names(&name), ["a/1"]);
    for empty in [
        Range::Resource("nodes"),
        Range::Namespace("leases", "c".into()),
        Range::Name(lease("none")),
    ] {
        let listing = list(store, &empty, Snapshot::Latest).await;
        assert_eq!((names(&listing).len(), listing.revision), (0, last));
    }
}

pub async fn a_list_in_pages_is_one_snapshot_whatever_happens_meanwhile<S: Store>(store: &S) {
    for number in 0..20 {
        create(store, &lease(&format!("{number:02}")), "before").await;
    }
    let range = Range::Resource("leases");
    let whole = list(store, &range, Snapshot::Latest).await;
    let (mut seen, mut page, mut snapshot) = (Vec::new(), page(3, None), Snapshot::Latest);
    loop {
        let listing = store.list(&range, snapshot, &page).await.expect("within the window");
        assert_eq!(listing.revision, whole.revision);
        seen.extend(listing.entries);
        assert_eq!(listing.remaining, 20 - seen.len());
        if listing.remaining == 0 {
            break;
        }
        // Between pages: a change before, one after, a new key and a removed one.
        for name in ["00", "19", &format!("1{}a", seen.len())] {
            overwrite(store, &lease(name), "meanwhile").await;
        }
        let last = seen.last().map(|entry: &Entry| entry.key.clone());
        remove(store, &format!("{:02}", seen.len() - 1)).await;
        (page, snapshot) = (self::page(3, last), Snapshot::At(listing.revision));
    }
    assert_eq!(seen, whole.entries);
}

fn page(limit: usize, after: Option<crate::Key>) -> Page {
    Page {
        limit: NonZeroUsize::new(limit),
        after,
    }
}

async fn remove<S: Store>(store: &S, name: &str) {
    let held = super::read(store, &lease(name)).await;
    if let Some((_, revision)) = held {
        delete(store, &lease(name), revision).await;
    }
}

pub async fn a_list_at_a_revision_is_as_it_was_then<S: Store>(store: &S) {
    let range = Range::Namespace("leases", "default".into());
    let mut history = vec![(store.revision(), Vec::new())];
    for step in 0..60u32 {
        let key = lease(&(step * 7 % 5).to_string());
        match super::read(store, &key).await {
            Some((_, held)) if step % 3 == 0 => delete(store, &key, held).await,
            Some((_, held)) => update(store, &key, &format!("at {step}"), held).await,
            None => create(store, &key, &format!("at {step}")).await,
        };
        // Another resource changes in between and must not show.
        overwrite(store, &super::key("namespaces", "", "x"), "y").await;
        let now = list(store, &range, Snapshot::Latest).await;
        history.push((now.revision, now.entries));
    }
    for (revision, entries) in history.iter().rev() {
        let then = list(store, &range, Snapshot::At(*revision)).await;
        assert_eq!((then.revision, &then.entries), (*revision, entries));
    }
}

pub async fn a_list_of_the_future_is_refused<S: Store>(store: &S) {
    let current = create(store, &lease("a"), "one").await;
    let future = Snapshot::At(Revision(current.0 + 1));
    let refused = store.list(&Range::Resource("leases"), future, &Page::default()).await;
    assert_eq!(refused.expect_err("that has not come yet"), Error::Future { current });
}

/// Writers move one token from key to key, create first and delete after; any exact snapshot holds one or two.
pub async fn a_list_under_load_is_a_state_that_there_was<S: Store>(store: &S) {
    let mut held = BTreeMap::from([(0, create(store, &lease("token-0"), "x").await)]);
    let mover = async {
        for step in 1..200 {
            let next = create(store, &lease(&format!("token-{}", step % 7)), &step.to_string()).await;
            let (before, revision) = held.pop_first().expect("one is held");
            delete(store, &lease(&format!("token-{}", before % 7)), revision).await;
            held.insert(step, next);
        }
    };
    let lister = async {
        for _ in 0..200 {
            let latest = list(store, &Range::Resource("leases"), Snapshot::Latest).await;
            assert!((1..=2).contains(&latest.entries.len()), "{:?}", names(&latest));
            let again = list(store, &Range::Resource("leases"), Snapshot::At(latest.revision)).await;
            assert_eq!(latest.entries, again.entries);
            assert!(latest.entries.iter().all(|entry| entry.revision <= latest.revision));
            tokio::task::yield_now().await;
        }
    };
    bounded("movers and listers", async { tokio::join!(mover, lister) }).await;
}

pub async fn a_list_of_what_is_held_shows_what_was_acknowledged<S: Store>(store: &S) {
    let range = Range::Namespace("leases", "default".into());
    for number in 0..20 {
        let written = overwrite(store, &lease(&format!("{}", number % 4)), &number.to_string()).await;
        let held = list(store, &range, Snapshot::Any).await;
        assert!(held.revision >= written);
        assert_eq!(held.entries, list(store, &range, Snapshot::Latest).await.entries);
        let first = store
            .list(&range, Snapshot::Any, &page(1, None))
            .await
            .expect("it is held");
        assert_eq!(
            (&first.entries[0], first.remaining),
            (&held.entries[0], held.entries.len() - 1)
        );
    }
}

pub async fn a_list_of_what_is_held_is_a_state_that_there_was_and_never_an_earlier_one<S: Store>(store: &S) {
    let range = Range::Resource("leases");
    let writer = async {
        for number in 0..200 {
            overwrite(store, &lease(&format!("{}", number % 5)), &number.to_string()).await;
        }
    };
    let lister = async {
        for _ in 0..100 {
            let before = store.revision();
            let held = list(store, &range, Snapshot::Any).await;
            assert!(held.revision >= before, "{} after {before}", held.revision);
            assert!(store.revision() >= held.revision);
            let again = list(store, &range, Snapshot::At(held.revision)).await;
            assert_eq!(held.entries, again.entries);
            tokio::task::yield_now().await;
        }
    };
    bounded("writer and lister", async { tokio::join!(writer, lister) }).await;
}
