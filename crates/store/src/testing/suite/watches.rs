//! Promises about watches.
#![expect(missing_docs, reason = "the names are the sentences that they would repeat")]

use futures_util::FutureExt;
use futures_util::future::join_all;

use super::{bounded, brief, changes, create, delete, key, lease, overwrite, read, text, update};
use crate::{ChangeKind, Error, Range, Revision, Store};

pub async fn a_watch_delivers_every_change_of_its_range_in_order<S: Store>(store: &S) {
    let start = store.revision();
    let a = create(store, &lease("a"), "one").await;
    let other = create(store, &key("leases", "other", "a"), "one").await;
    let namespace = create(store, &key("namespaces", "", "default"), "one").await;
    let mut everything = store
        .watch(Range::Resource("leases"), start)
        .expect("within the window");
    let mut one_namespace = store
        .watch(Range::Namespace("leases", "default".into()), start)
        .expect("within the window");
    let mut one_name = store.watch(Range::Name(lease("b")), start).expect("within the window");
    let b = create(store, &lease("b"), "one").await;
    let a = (a, update(store, &lease("a"), "two", a).await);
    let b = (b, delete(store, &lease("b"), b).await);
    let put = |revision: Revision, name: &str, value: &'static str| (revision.0, name.to_owned(), Some(text(value)));
    let (a1, a2, b1, b2) = (
        put(a.0, "a", "one"),
        put(a.1, "a", "two"),
        put(b.0, "b", "one"),
        (b.1.0, "b".into(), None),
    );
    assert!(namespace > other);
    let seen: Vec<_> = changes(&mut *everything, 5)
        .await
        .iter()
        .map(|change| brief(change))
        .collect();
    assert_eq!(
        seen,
        [a1.clone(), put(other, "a", "one"), b1.clone(), a2.clone(), b2.clone()]
    );
    let seen: Vec<_> = changes(&mut *one_namespace, 4)
        .await
        .iter()
        .map(|change| brief(change))
        .collect();
    assert_eq!(seen, [a1, b1.clone(), a2, b2.clone()]);
    let seen: Vec<_> = changes(&mut *one_name, 2)
        .await
        .iter()
        .map(|change| brief(change))
        .collect();
    assert_eq!(seen, [b1, b2]);
    assert!(everything.next().now_or_never().is_none(), "there is nothing more");
}

pub async fn a_watch_resumes_after_any_revision<S: Store>(store: &S) {
    let mut revisions = vec![store.revision()];
    for number in 0..30 {
        revisions.push(overwrite(store, &lease(&(number % 3).to_string()), &number.to_string()).await);
    }
    for (position, after) in revisions.iter().enumerate().take(30) {
        let mut watch = store
            .watch(Range::Resource("leases"), *after)
            .expect("within the window");
        let seen: Vec<_> = changes(&mut *watch, 30 - position)
            .await
            .iter()
            .map(|change| change.revision)
            .collect();
        assert_eq!(seen, revisions[position + 1..]);
    }
}

pub async fn a_watch_of_the_future_is_refused<S: Store>(store: &S) {
    let current = create(store, &lease("a"), "one").await;
    let refused = store.watch(Range::Resource("leases"), Revision(current.0 + 1)).err();
    assert_eq!(refused, Some(Error::Future { current }));
}

pub async fn a_change_carries_what_was_there_before<S: Store>(store: &S) {
    let mut watch = store
        .watch(Range::Resource("leases"), store.revision())
        .expect("the present");
    let created = create(store, &lease("a"), "one").await;
    let updated = update(store, &lease("a"), "two", created).await;
    let deleted = delete(store, &lease("a"), updated).await;
    create(store, &lease("a"), "three").await;
    let previous: Vec<_> = changes(&mut *watch, 4)
        .await
        .iter()
        .map(|change| change.previous.clone())
        .collect();
    assert_eq!(
        previous,
        [None, Some((text("one"), created)), Some((text("two"), updated)), None]
    );
    assert!(deleted > updated);
}

pub async fn a_watch_loses_nothing_when_its_future_is_dropped<S: Store>(store: &S) {
    let mut watch = store
        .watch(Range::Resource("leases"), store.revision())
        .expect("the present");
    assert!(watch.next().now_or_never().is_none());
    let mut written = Vec::new();
    for number in 0..20 {
        written.push(overwrite(store, &lease("a"), &number.to_string()).await);
    }
    let seen: Vec<_> = changes(&mut *watch, 20)
        .await
        .iter()
        .map(|change| change.revision)
        .collect();
    assert_eq!(seen, written);
    assert!(watch.next().now_or_never().is_none());
}

pub async fn progress_of_a_quiet_range_follows_the_store<S: Store>(store: &S) {
    let start = store.revision();
    let mut watch = store.watch(Range::Name(lease("quiet")), start).expect("the present");
    assert_eq!(watch.progress(), start);
    let other = create(store, &lease("busy"), "one").await;
    assert_eq!(watch.progress(), other, "nothing of the range lies between");
    let quiet = create(store, &lease("quiet"), "one").await;
    create(store, &lease("another"), "one").await;
    assert!(
        watch.progress() < quiet,
        "a bookmark must not run ahead of what was handed out"
    );
    changes(&mut *watch, 1).await;
    assert_eq!(watch.progress(), store.revision());
}

pub async fn what_a_watch_delivers_can_be_read<S: Store>(store: &S) {
    let mut watch = store
        .watch(Range::Name(lease("a")), store.revision())
        .expect("the present");
    let writer = async {
        let mut last = Revision(0);
        for number in 0..200 {
            last = overwrite(store, &lease("a"), &number.to_string()).await;
        }
        overwrite(store, &lease("a"), "end").await.max(last)
    };
    let reader = async {
        loop {
            let batch = watch.next().await.expect("the watch goes on");
            let Some(change) = batch.changes.last() else { continue };
            assert!(store.revision() >= change.revision);
            assert!(
                read(store, &lease("a"))
                    .await
                    .is_some_and(|(_, revision)| revision >= change.revision)
            );
            if change.kind == ChangeKind::Put(text("end")) {
                return change.revision;
            }
        }
    };
    let (written, seen) = bounded("writer and reader", async { tokio::join!(writer, reader) }).await;
    assert_eq!(written, seen);
}

pub async fn many_watches_under_load_all_see_the_same<S: Store>(store: &S) {
    const WRITERS: usize = 8;
    const WRITES: usize = 40;
    let start = store.revision();
    let watches: Vec<_> = (0..10)
        .map(|_| store.watch(Range::Resource("leases"), start).expect("the present"))
        .collect();
    let writer = |writer: usize| async move {
        for number in 0..WRITES {
            overwrite(
                store,
                &lease(&format!("{}", (writer + number) % 5)),
                &format!("{writer}/{number}"),
            )
            .await;
        }
    };
    let reader = |mut watch: Box<dyn crate::Watch>| async move { changes(&mut *watch, WRITERS * WRITES).await };
    let (_, seen) = bounded("writers and watchers", async {
        tokio::join!(
            join_all((0..WRITERS).map(writer)),
            join_all(watches.into_iter().map(reader))
        )
    })
    .await;
    for pair in seen.windows(2) {
        assert!(
            pair[0]
                .iter()
                .zip(&pair[1])
                .all(|(one, other)| brief(one) == brief(other))
        );
    }
    let revisions: Vec<_> = seen[0].iter().map(|change| change.revision).collect();
    assert!(revisions.is_sorted_by(|one, other| one < other), "{revisions:?}");
    check_chain(&seen[0]);
}

/// Every change must start from what the one before it on the same key led to.
fn check_chain(changes: &[std::sync::Arc<crate::Change>]) {
    let mut held = std::collections::HashMap::new();
    for change in changes {
        assert_eq!(change.previous.as_ref(), held.get(&change.key), "{change:?}");
        let (_, _, value) = brief(change);
        match value {
            Some(value) => held.insert(change.key.clone(), (value, change.revision)),
            None => held.remove(&change.key),
        };
    }
}
