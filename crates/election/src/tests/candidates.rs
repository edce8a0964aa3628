//! Candidates of a coordinated election. The test plays the server's part.

use std::sync::{Arc, Mutex};

use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt};
use leasehold_api::MicroTime;
use leasehold_api::coordination::{Lease, LeaseCandidate};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::world::{World, secs};
use crate::candidate::CandidateSights;
use crate::{ApiFailure, Candidate, CandidateApi, Ended, Leadership, Loss, OLDEST_EMULATION_VERSION};

/// A server of one candidate.
#[derive(Clone, Default)]
struct Candidates {
    object: Arc<watch::Sender<Option<LeaseCandidate>>>,
    version: Arc<Mutex<u64>>,
}

impl Candidates {
    fn get(&self) -> Option<LeaseCandidate> {
        self.object.borrow().clone()
    }

    fn put(&self, mut candidate: LeaseCandidate) -> LeaseCandidate {
        let mut version = self.version.lock().unwrap();
        *version += 1;
        candidate.metadata.resource_version = version.to_string();
        self.object.send_replace(Some(candidate.clone()));
        candidate
    }
}

impl CandidateApi for Candidates {
    fn get_candidate<'a>(
        &'a self,
        _namespace: &'a str,
        _name: &'a str,
    ) -> BoxFuture<'a, Result<Option<LeaseCandidate>, ApiFailure>> {
        std::future::ready(Ok(self.get())).boxed()
    }

    fn create_candidate(&self, candidate: LeaseCandidate) -> BoxFuture<'_, Result<LeaseCandidate, ApiFailure>> {
        let result = match self.get() {
            Some(_) => Err(ApiFailure::Conflict("it exists".to_owned())),
            None => Ok(self.put(candidate)),
        };
        std::future::ready(result).boxed()
    }

    fn update_candidate(&self, candidate: LeaseCandidate) -> BoxFuture<'_, Result<LeaseCandidate, ApiFailure>> {
        let same = |now: &LeaseCandidate| now.metadata.resource_version == candidate.metadata.resource_version;
        let result = match self.get().filter(same) {
            Some(_) => Ok(self.put(candidate)),
            None => Err(ApiFailure::Conflict("it changed".to_owned())),
        };
        std::future::ready(result).boxed()
    }

    fn delete_candidate<'a>(&'a self, _namespace: &'a str, _name: &'a str) -> BoxFuture<'a, Result<(), ApiFailure>> {
        self.object.send_replace(None);
        std::future::ready(Ok(())).boxed()
    }

    fn watch_candidate<'a>(
        &'a self,
        _namespace: &'a str,
        _name: &'a str,
    ) -> BoxFuture<'a, Result<CandidateSights, ApiFailure>> {
        let mut receiver = self.object.subscribe();
        receiver.mark_changed();
        let sights = futures_util::stream::unfold(receiver, |mut receiver| async move {
            receiver.changed().await.ok()?;
            let sight = receiver.borrow_and_update().clone();
            Some((Ok(sight), receiver))
        });
        std::future::ready(Ok(sights.boxed())).boxed()
    }
}

struct Stand {
    world: World,
    candidates: Candidates,
    stop: CancellationToken,
    terms: mpsc::UnboundedReceiver<Leadership>,
    run: tokio::task::JoinHandle<Result<Ended<()>, crate::RunError>>,
}

/// A candidate `one`, whose work stops when it is told to.
fn stand() -> Stand {
    let world = World::new();
    let candidates = Candidates::default();
    let (_, leases) = world.process();
    let candidate = Candidate::builder(&leases, Arc::new(candidates.clone()), "ns", "l", "1.36.0")
        .name("one")
        .seed(1);
    let (stop, (led, terms)) = (CancellationToken::new(), mpsc::unbounded_channel());
    let run = candidate.build().unwrap().run(stop.clone(), move |leadership| {
        led.send(leadership.clone()).unwrap();
        async move { drop(leadership.lost().await) }
    });
    let run = tokio::spawn(run);
    Stand {
        world,
        candidates,
        stop,
        terms,
        run,
    }
}

impl Stand {
    /// As the controller does when it elects.
    fn elect(&self, holder: &str) {
        let mut lease = self.world.server.lease("ns", "l").unwrap_or_else(|| {
            let mut lease = Lease::default();
            lease.metadata.namespace = "ns".to_owned();
            lease.metadata.name = "l".to_owned();
            lease.spec.strategy = Some(OLDEST_EMULATION_VERSION.to_owned());
            lease
        });
        lease.spec.holder_identity = Some(holder.to_owned());
        lease.spec.lease_duration_seconds = Some(5);
        lease.spec.acquire_time = None;
        lease.spec.preferred_holder = None;
        self.world.server.put(lease);
    }
}

#[tokio::test]
async fn it_stands_answers_pings_and_says_now_and_then_that_it_is_there() {
    let stand = stand();
    stand.world.settle().await;
    let first = stand.candidates.get().unwrap();
    assert_eq!((&*first.metadata.name, &*first.spec.lease_name), ("one", "l"));
    assert_eq!(
        (&*first.spec.binary_version, &*first.spec.emulation_version),
        ("1.36.0", "1.36.0")
    );
    assert_eq!(first.spec.strategy, OLDEST_EMULATION_VERSION);
    stand.world.pass(secs(299)).await;
    assert_eq!(stand.candidates.get().unwrap(), first, "it has nothing to say");
    stand.world.pass(secs(2)).await;
    let second = stand.candidates.get().unwrap();
    assert!(second.spec.renew_time > first.spec.renew_time);

    // Another's clock may be far ahead of ours, or behind: it is answered with what is not before it, and once.
    for ping in [MicroTime::new(4_000_000_000, 0), MicroTime::new(1_000_000_000, 0)] {
        let mut asked = stand.candidates.get().unwrap();
        asked.spec.ping_time = Some(ping);
        stand.candidates.put(asked.clone());
        stand.world.settle().await;
        let answer = stand.candidates.get().unwrap();
        assert!(answer.spec.renew_time.is_some_and(|renewed| renewed >= ping));
        assert_ne!(answer.spec.renew_time, asked.spec.renew_time);
        stand.world.pass(secs(10)).await;
        assert_eq!(stand.candidates.get().unwrap(), answer);
    }
}

#[tokio::test]
async fn a_candidate_that_was_collected_stands_again() {
    let stand = stand();
    stand.world.settle().await;
    stand.candidates.object.send_replace(None);
    stand.world.settle().await;
    assert!(stand.candidates.get().is_some());
}

#[tokio::test]
async fn it_leads_when_it_is_elected_and_hands_over_to_whom_the_server_prefers() {
    let mut stand = stand();
    stand.world.pass(secs(60)).await;
    assert!(
        stand.terms.try_recv().is_err() && stand.world.record().is_none(),
        "it takes nothing"
    );
    stand.elect("other");
    stand.world.pass(secs(60)).await;
    assert!(stand.terms.try_recv().is_err(), "not even an expired lease");
    stand.elect("one");
    stand.world.settle().await;
    let leadership = stand.terms.try_recv().unwrap();
    assert!(leadership.is_valid());
    stand.world.pass(secs(20)).await;
    assert!(leadership.is_valid(), "it renews");

    let mut lease = stand.world.server.lease("ns", "l").unwrap();
    assert_eq!(lease.spec.strategy.as_deref(), Some(OLDEST_EMULATION_VERSION), "kept");
    lease.spec.preferred_holder = Some("better".to_owned());
    stand.world.server.put(lease);
    stand.world.settle().await;
    assert_eq!(leadership.loss(), Some(Loss::Preferred("better".to_owned())));
    assert!(!leadership.is_valid());
    let lease = stand.world.server.lease("ns", "l").unwrap();
    assert_eq!(lease.spec.holder_identity.as_deref(), Some(""));
    assert_eq!(
        lease.spec.preferred_holder.as_deref(),
        Some("better"),
        "for the server to see"
    );

    stand.elect("one");
    stand.world.pass(secs(5)).await;
    assert!(stand.terms.try_recv().unwrap().token() > leadership.token());
}

#[tokio::test]
async fn in_the_end_it_does_not_stand_any_more_and_gives_back_what_it_holds() {
    let mut stand = stand();
    stand.world.settle().await;
    stand.elect("one");
    stand.world.settle().await;
    let leadership = stand.terms.try_recv().unwrap();
    stand.stop.cancel();
    stand.world.settle().await;
    assert_eq!(stand.run.await.unwrap(), Ok(Ended::Stopped));
    assert!(!leadership.is_valid());
    assert_eq!(stand.world.holder(), None);
    assert_eq!(stand.candidates.get(), None);
}
