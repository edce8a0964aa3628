//! A registry over a store in a scratch directory, with a controller running over it.

use std::sync::Arc;
use std::time::Duration;

use leasehold_api::codec;
use leasehold_api::options::{DeleteOptions, ListOptions, ResourceVersion};
use leasehold_clock::{Clock as _, SimulatedClock};
use leasehold_controllers::{Controller, Controllers};
use leasehold_registry::{PatchKind, Place, Registry, Scope, WriteOptions};
use leasehold_store::embedded::{Embedded, Options};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

pub(crate) struct Harness {
    pub(crate) registry: Arc<Registry>,
    pub(crate) store: Arc<Embedded>,
    pub(crate) clock: Arc<SimulatedClock>,
    pub(crate) controllers: Controllers,
    stop: CancellationToken,
    _directory: tempfile::TempDir,
}

impl Harness {
    pub(crate) async fn with(controller: impl Controller) -> Self {
        Self::over(controller, |_| ()).await
    }

    /// The same, over a store with other options.
    pub(crate) async fn over(controller: impl Controller, change: impl FnOnce(&mut Options)) -> Self {
        Self::serving(Scope::Everything, controller, change).await
    }

    /// The same, beside a cluster that has namespaces, nodes and events of its own.
    pub(crate) async fn beside_a_cluster(controller: impl Controller) -> Self {
        Self::serving(Scope::Coordination, controller, |_| ()).await
    }

    async fn serving(scope: Scope, controller: impl Controller, change: impl FnOnce(&mut Options)) -> Self {
        let directory = tempfile::tempdir().expect("a scratch directory");
        let clock = Arc::new(SimulatedClock::default());
        let mut options = Options::new(directory.path().join("store"));
        change(&mut options);
        let store = Embedded::open(&options, clock.clone()).expect("a new store");
        let store = Arc::new(store);
        let registry = Arc::new(Registry::new(store.clone(), clock.clone()).with_scope(scope));
        registry.bootstrap().await.expect("the first namespaces");
        let stop = CancellationToken::new();
        let controllers = Controllers::start(&registry, vec![Box::new(controller)], &stop);
        Self {
            registry,
            store,
            clock,
            controllers,
            stop,
            _directory: directory,
        }
    }

    pub(crate) async fn create(&self, place: &Place, body: Value) {
        let body = codec::from_value(&place.target(), body).expect("a good body");
        self.registry
            .create(place, body, &WriteOptions::internal("test"))
            .await
            .expect("created");
    }

    /// Patches an object as somebody else.
    pub(crate) async fn patch(&self, place: &Place, kind: PatchKind, body: Value) {
        let body = body.to_string().into();
        let written = self
            .registry
            .patch(place, kind, &body, &WriteOptions::internal("test"))
            .await;
        written.expect("patched");
    }

    pub(crate) async fn delete(&self, place: &Place, options: &DeleteOptions) {
        let deleted = self
            .registry
            .delete(place, options, &WriteOptions::internal("test"))
            .await;
        deleted.expect("deleted");
    }

    /// Everything in a collection.
    pub(crate) async fn list(&self, place: &Place) -> Vec<Value> {
        let list = self
            .registry
            .list(place, &ListOptions::default())
            .await
            .expect("a list");
        let values = list
            .items
            .iter()
            .map(|item| item.object().expect("readable").to_value());
        values.collect()
    }

    /// Waits, with a bound, until the controller has done what there was to do and waits for a time to come.
    pub(crate) async fn quiet(&self) {
        for _ in 0..10_000 {
            let [status] = &self.controllers.statuses()[..] else {
                panic!("one controller at a time");
            };
            if !status.running && status.next.is_some_and(|next| next > self.clock.now()) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        panic!("never quiet: {:?}", self.controllers.statuses());
    }

    /// Lets time pass, step by step, with the controller keeping up.
    pub(crate) async fn pass(&self, duration: Duration, step: Duration) {
        let end = self.clock.now() + duration;
        while self.clock.now() < end {
            self.quiet().await;
            self.clock.advance(step.min(end.since(self.clock.now())));
        }
        self.quiet().await;
    }

    pub(crate) async fn count(&self, place: &Place) -> usize {
        self.registry
            .list(place, &ListOptions::default())
            .await
            .expect("a list")
            .items
            .len()
    }

    pub(crate) async fn get(&self, place: &Place) -> Option<Value> {
        let item = self.registry.get(place, ResourceVersion::Unset).await.ok()?;
        Some(item.object().expect("readable").to_value())
    }

    /// Waits, with a bound, until `value` is what `good` wants.
    pub(crate) async fn until<T: std::fmt::Debug, F: Future<Output = T>>(
        &self,
        value: impl Fn() -> F,
        good: impl Fn(&T) -> bool,
    ) {
        for _ in 0..1000 {
            if good(&value().await) {
                return;
            }
            // The controller may be waiting for the clock.
            self.clock.advance(Duration::from_millis(10));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!(
            "still {:?}; controllers: {:?}",
            value().await,
            self.controllers.statuses()
        );
    }

    /// Another controller over the same store, as after a restart.
    pub(crate) async fn restart(self, controller: impl Controller) -> Self {
        let again = self.restart_after(controller, async |_| ()).await;
        again.quiet().await;
        again
    }

    /// The same, with something happening while no controller runs.
    pub(crate) async fn restart_after(self, controller: impl Controller, meanwhile: impl AsyncFnOnce(&Self)) -> Self {
        self.stop.cancel();
        self.controllers.join().await.expect("no controller panicked");
        let stopped = Self {
            controllers: Controllers::start(&self.registry, Vec::new(), &self.stop),
            ..self
        };
        meanwhile(&stopped).await;
        let stop = CancellationToken::new();
        let controllers = Controllers::start(&stopped.registry, vec![Box::new(controller)], &stop);
        Self {
            controllers,
            stop,
            ..stopped
        }
    }

    pub(crate) async fn end(self) {
        self.stop.cancel();
        self.controllers.join().await.expect("no controller panicked");
        self.store.close().await.expect("a clean end");
    }
}
