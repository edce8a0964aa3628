//! The controllers under their driver, over the real registry and store, with a clock set by hand.

mod coordination;
mod harness;
mod identity;
mod leadership;
mod lease_ttl;
mod nodes;
mod owners;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use harness::Harness;
use leasehold_api::ApiError;
use leasehold_api::options::DeleteOptions;
use leasehold_controllers::{Cause, Controller, Controllers, EventExpiry, NamespaceDeletion, Outcome};
use leasehold_registry::resources::{CORE_EVENTS, LEASES, NAMESPACES};
use leasehold_registry::{PatchKind, Place, Registry, WriteOptions};
use leasehold_store::{Key, Range, Store as _};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

#[tokio::test]
async fn a_deleted_namespace_is_emptied_and_goes_when_nothing_holds_it() {
    let h = Harness::with(NamespaceDeletion).await;
    let team = Place::collection(&NAMESPACES, "").named("team");
    let leases = Place::collection(&LEASES, "team");
    h.create(
        &Place::collection(&NAMESPACES, ""),
        json!({"metadata": {"name": "team"}}),
    )
    .await;
    h.create(&leases, json!({"metadata": {"name": "plain"}})).await;
    h.create(
        &leases,
        json!({"metadata": {"name": "held", "finalizers": ["x.io/hold"]}}),
    )
    .await;
    h.registry
        .delete(&team, &DeleteOptions::default(), &WriteOptions::internal("test"))
        .await
        .expect("marked");

    let message = "Some resources are remaining: leases.coordination.k8s.io has 1 resource instances";
    let says = |namespace: &Option<Value>| {
        namespace
            .as_ref()
            .is_some_and(|namespace| namespace["status"]["conditions"][0]["message"] == message)
    };
    h.until(|| h.get(&team), says).await;
    assert_eq!(h.count(&leases).await, 1, "what a finalizer holds stays");

    let release = json!({"metadata": {"finalizers": null}}).to_string().into();
    let held = leases.named("held");
    h.registry
        .patch(&held, PatchKind::Merge, &release, &WriteOptions::internal("test"))
        .await
        .expect("released");
    h.until(|| h.get(&team), Option::is_none).await;
    assert_eq!(h.count(&leases).await, 0);
    h.end().await;
}

#[tokio::test]
async fn an_event_goes_when_its_time_has_come() {
    let ttl = Duration::from_secs(3600);
    let h = Harness::with(EventExpiry::new(ttl)).await;
    let events = Place::collection(&CORE_EVENTS, "default");
    let body = json!({"metadata": {"name": "e"}, "involvedObject": {"kind": "Lease", "namespace": "default"}});
    h.create(&events, body).await;
    // Seen once, it has its whole term.
    let looks = h.controllers.statuses()[0].activations;
    h.clock.advance(Duration::from_secs(61));
    h.until(|| async { h.controllers.statuses()[0].activations }, |now| *now > looks)
        .await;
    assert_eq!(h.count(&events).await, 1);
    h.clock.advance(ttl);
    h.until(|| h.count(&events), |count| *count == 0).await;
    h.end().await;
}

/// Bytes that are no object, where one should be.
async fn poison(h: &Harness, resource: &'static str, namespace: &str) {
    let key = Key {
        resource,
        namespace: namespace.into(),
        name: "bad".into(),
    };
    h.store.create(key, "no object".into()).await.expect("stored");
}

#[tokio::test]
async fn a_namespace_that_cannot_be_emptied_does_not_keep_the_others() {
    let h = Harness::with(NamespaceDeletion).await;
    let namespaces = Place::collection(&NAMESPACES, "");
    for name in ["a-bad", "team"] {
        h.create(&namespaces, json!({"metadata": {"name": name}})).await;
    }
    poison(&h, LEASES.storage, "a-bad").await;
    for name in ["a-bad", "team"] {
        h.registry
            .delete(
                &namespaces.named(name),
                &DeleteOptions::default(),
                &WriteOptions::internal("test"),
            )
            .await
            .expect("marked");
    }
    let team = namespaces.named("team");
    h.until(|| h.get(&team), Option::is_none).await;
    assert!(h.get(&namespaces.named("a-bad")).await.is_some());
    assert!(matches!(h.controllers.statuses()[0].last, Some(Err(_))));
    h.end().await;
}

#[tokio::test]
async fn an_event_that_cannot_be_read_does_not_keep_the_others() {
    let ttl = Duration::from_secs(3600);
    let h = Harness::with(EventExpiry::new(ttl)).await;
    poison(&h, CORE_EVENTS.storage, "default").await;
    let events = Place::collection(&CORE_EVENTS, "default");
    for number in 0..3 {
        let name = format!("e{number}");
        let body = json!({"metadata": {"name": name}, "involvedObject": {"kind": "Lease", "namespace": "default"}});
        h.create(&events, body).await;
    }
    let looks = h.controllers.statuses()[0].activations;
    h.clock.advance(Duration::from_secs(61));
    h.until(|| async { h.controllers.statuses()[0].activations }, |now| *now > looks)
        .await;
    h.clock.advance(ttl);
    h.until(|| h.count(&events), |count| *count == 1).await;
    h.end().await;
}

/// Panics at first, and then never comes to an end.
struct Troubled {
    activations: Arc<AtomicUsize>,
}

impl Controller for Troubled {
    fn name(&self) -> &'static str {
        "troubled"
    }

    fn watches(&self) -> Vec<Range> {
        Vec::new()
    }

    fn activate<'a>(&'a mut self, _registry: &'a Registry) -> BoxFuture<'a, Result<Outcome, ApiError>> {
        Box::pin(async {
            assert!(self.activations.fetch_add(1, Ordering::Relaxed) > 0, "a planted bug");
            std::future::pending().await
        })
    }
}

#[tokio::test]
async fn a_controller_survives_a_panic_and_stops_in_the_middle_of_its_work() {
    let activations = Arc::new(AtomicUsize::new(0));
    let h = Harness::with(Troubled {
        activations: activations.clone(),
    })
    .await;
    h.until(|| async { activations.load(Ordering::Relaxed) }, |count| *count == 2)
        .await;
    let failed = h.controllers.statuses()[0]
        .last
        .clone()
        .expect("an activation that ended");
    assert!(failed.unwrap_err().contains("panicked"));
    tokio::time::timeout(Duration::from_secs(30), h.end())
        .await
        .expect("it stops though its work never ends");
}

/// Watches one lease after it has seen it, and says goodbye.
struct Curious {
    key: Key,
    found: bool,
    left: Arc<AtomicUsize>,
}

impl Controller for Curious {
    fn name(&self) -> &'static str {
        "curious"
    }

    fn watches(&self) -> Vec<Range> {
        let after = if self.found {
            vec![Range::Name(self.key.clone())]
        } else {
            Vec::new()
        };
        [vec![Range::Resource(CORE_EVENTS.storage)], after].concat()
    }

    fn activate<'a>(&'a mut self, registry: &'a Registry) -> BoxFuture<'a, Result<Outcome, ApiError>> {
        Box::pin(async {
            let entry = registry.store().get(&self.key).await;
            self.found = entry.is_ok_and(|entry| entry.is_some());
            Ok(Outcome::default())
        })
    }

    fn explain(&self) -> String {
        format!("found: {}", self.found)
    }

    fn finish<'a>(&'a mut self, _registry: &'a Registry) -> BoxFuture<'a, Result<(), ApiError>> {
        Box::pin(async {
            self.left.fetch_add(1, Ordering::Relaxed);
            Ok(())
        })
    }
}

#[tokio::test]
async fn what_is_watched_follows_from_what_was_found_and_the_status_says_why() {
    let left = Arc::new(AtomicUsize::new(0));
    let key = Key {
        resource: LEASES.storage,
        namespace: "default".into(),
        name: "job".into(),
    };
    let h = Harness::with(Curious {
        key,
        found: false,
        left: left.clone(),
    })
    .await;
    let status = || async { h.controllers.statuses().remove(0) };
    h.until(status, |it| it.activations == 1 && it.why == "found: false")
        .await;
    assert_eq!(status().await.cause, Cause::Start);
    let lease = Place::collection(&LEASES, "default");
    h.create(&lease, json!({"metadata": {"name": "job"}})).await;
    let event = json!({"metadata": {"name": "e"}, "involvedObject": {"kind": "Lease", "namespace": "default"}});
    h.create(&Place::collection(&CORE_EVENTS, "default"), event).await;
    // Once for the event, and once more since it now watches the lease.
    h.until(status, |it| it.activations == 3 && it.why == "found: true")
        .await;
    assert_eq!(status().await.cause, Cause::Watches);
    h.registry
        .delete(
            &lease.named("job"),
            &DeleteOptions::default(),
            &WriteOptions::internal("test"),
        )
        .await
        .expect("deleted");
    h.until(status, |it| it.activations == 5 && it.why == "found: false")
        .await;
    h.end().await;
    assert_eq!(left.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_controller_that_cannot_watch_does_not_act_and_tries_again() {
    let h = Harness::with(EventExpiry::new(Duration::from_secs(3600))).await;
    let cut = Arc::new(AtomicBool::new(true));
    let store = leadership::cut::Cut {
        store: h.store.clone(),
        cut: cut.clone(),
    };
    let registry = Arc::new(Registry::new(Arc::new(store), h.clock.clone()));
    let stop = CancellationToken::new();
    let curious = Curious {
        key: Key {
            resource: LEASES.storage,
            namespace: "default".into(),
            name: "job".into(),
        },
        found: false,
        left: Arc::default(),
    };
    let controllers = Controllers::start(&registry, vec![Box::new(curious)], &stop);
    let status = || async { controllers.statuses().remove(0) };
    h.until(status, |it| it.cause == Cause::Retry && matches!(it.last, Some(Err(_))))
        .await;
    cut.store(false, Ordering::Relaxed);
    h.until(status, |it| matches!(it.last, Some(Ok(_)))).await;
    let looks = status().await.activations;
    let event = json!({"metadata": {"name": "e"}, "involvedObject": {"kind": "Lease", "namespace": "default"}});
    h.create(&Place::collection(&CORE_EVENTS, "default"), event).await;
    h.until(status, |it| it.activations > looks).await;
    stop.cancel();
    controllers.join().await.expect("no controller panicked");
    h.end().await;
}
