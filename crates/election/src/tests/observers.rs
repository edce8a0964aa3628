//! Figures, the health check, and Events.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use leasehold_api::core::Event;

use super::world::{World, leader, secs};
use crate::machine::Purpose;
use crate::testing::Link;
use crate::{ApiFailure, EventApi, Health, LeaseName, Loss, Metrics};

/// Notes what it is told, a line each.
#[derive(Clone, Debug, Default)]
struct Notes(Arc<Mutex<Vec<String>>>);

impl Notes {
    fn note(&self, line: String) {
        self.0.lock().unwrap().push(line);
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl Metrics for Notes {
    fn leading(&self, lease: &LeaseName, leading: bool) {
        self.note(format!("{lease} leading {leading}"));
    }

    fn term_ended(&self, _lease: &LeaseName, reason: &Loss) {
        self.note(format!("ended {}", reason.label()));
    }

    fn renewed(&self, _lease: &LeaseName, latency: Duration, left: Duration) {
        self.note(format!("renewed in {latency:?} with {} s left", left.as_secs()));
    }

    fn request_failed(&self, _lease: &LeaseName, purpose: Purpose) {
        self.note(format!("failed {purpose:?}"));
    }

    fn work_overran(&self, _lease: &LeaseName) {
        self.note("overran".to_owned());
    }
}

impl EventApi for Notes {
    fn create_event(&self, event: Event) -> BoxFuture<'_, Result<(), ApiFailure>> {
        let subject = &event.involved_object;
        assert_eq!(
            (&*subject.kind, &*subject.api_version),
            ("Lease", "coordination.k8s.io/v1")
        );
        assert_eq!(
            (&*event.metadata.namespace, &*subject.namespace, &*subject.name),
            ("ns", "ns", "l")
        );
        assert!(!subject.uid.is_empty(), "kubectl finds it by that");
        self.note(format!(
            "{} {}: {}",
            event.source.component, event.reason, event.message
        ));
        std::future::ready(Ok(())).boxed()
    }
}

#[tokio::test]
async fn figures_tell_of_terms_renewals_and_failures() {
    let world = World::new();
    let notes = Notes::default();
    let (link, elector) = world.elector("me");
    let election = elector.metrics(Arc::new(notes.clone())).build().unwrap().start();
    world.until(secs(1), || leader(&election.state())).await;
    assert_eq!(notes.take(), ["ns/l leading true"]);
    world.pass(secs(2)).await;
    assert_eq!(notes.take(), ["renewed in 0ns with 11 s left"]);
    link.set_link(Link::Down);
    world.pass(secs(2)).await;
    assert_eq!(notes.take(), ["failed Renew"]);
    link.set_link(Link::Up);
    world.pass(secs(2)).await;
    assert_eq!(notes.take(), ["renewed in 0ns with 9 s left"]);
    election.stop().await.unwrap();
    let last = notes.take();
    assert_eq!(last[last.len() - 2..], ["ns/l leading false", "ended stopped"]);
}

#[tokio::test]
async fn work_that_outlives_its_term_is_unhealthy_until_it_ends() {
    let world = World::new();
    let health = Health::default();
    let (link, elector) = world.elector("me");
    let mut election = elector.health(&health).build().unwrap().start();
    let (leadership, guard) = world.term(&mut election).await;
    world.pass(secs(100)).await;
    assert_eq!(health.check(Duration::ZERO), Ok(()));
    link.set_link(Link::Down);
    world.until(secs(20), || (!leadership.is_valid()).then_some(())).await;
    world.pass(secs(10)).await;
    let unhealthy = health.check(secs(8)).unwrap_err();
    assert_eq!(unhealthy.lease, *leadership.lease());
    assert!((secs(10)..secs(11)).contains(&unhealthy.over), "{unhealthy}");
    assert_eq!(health.check(secs(20)), Ok(()), "tolerated");
    drop(guard);
    assert_eq!(health.check(Duration::ZERO), Ok(()));
}

#[tokio::test]
async fn work_whose_leadership_was_taken_is_unhealthy_from_then_on() {
    let world = World::new();
    let health = Health::default();
    let mut election = world.elector("me").1.health(&health).build().unwrap().start();
    let (_leadership, _guard) = world.term(&mut election).await;
    let mut lease = world.server.lease("ns", "l").unwrap();
    lease.spec.holder_identity = Some("editor".to_owned());
    world.server.put(lease);
    world.pass(secs(5)).await;
    assert_eq!(health.check(secs(3)).unwrap_err().over.as_secs(), 5);
}

#[tokio::test]
async fn events_tell_who_leads_and_why_no_more() {
    let world = World::new();
    let notes = Notes::default();
    let elector = world.elector("me").1.events(Arc::new(notes.clone()), "app");
    let election = elector.build().unwrap().start();
    world.until(secs(1), || leader(&election.state())).await;
    world.settle().await;
    assert_eq!(notes.take(), ["app LeaderElection: me became leader"]);
    election.stop().await.unwrap();
    assert_eq!(notes.take(), ["app LeaderElection: me stopped leading: told to stop"]);
}
