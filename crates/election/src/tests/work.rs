//! The work of a term: told to stop, waited for, aborted; and the lease is released after it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use leasehold_clock::{Clock, Monotonic, SimulatedClock, Sleep};
use tokio_util::sync::CancellationToken;

use super::world::{World, leader, secs};
use crate::testing::Link;
use crate::{Elector, Ended, Leadership, Leases, Loss, RunError, Token};

/// Set while work runs.
#[derive(Clone, Default)]
struct Running(Arc<AtomicBool>);

struct Runs(Running);

impl Running {
    fn begin(&self) -> Runs {
        assert!(!self.0.swap(true, Ordering::SeqCst), "two at once");
        Runs(self.clone())
    }

    fn is(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

impl Drop for Runs {
    fn drop(&mut self) {
        self.0.0.store(false, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn work_that_returns_ends_the_run_and_gives_the_lease_back() {
    let world = World::new();
    let elector = world.elector("me").1.build().unwrap();
    let run = tokio::spawn(elector.run(CancellationToken::new(), |leadership| async move {
        assert!(leadership.is_valid());
        leadership.token()
    }));
    world.until(secs(1), || run.is_finished().then_some(())).await;
    assert_eq!(run.await.unwrap(), Ok(Ended::Finished(Token(1))));
    assert_eq!(world.holder(), None);
    assert_eq!(world.record().unwrap().duration, Some(secs(1)));
}

#[tokio::test]
async fn told_to_stop_the_lease_is_held_and_renewed_until_the_work_has_ended() {
    let world = World::new();
    let elector = world.elector("me").1.build().unwrap();
    let (stop, running) = (CancellationToken::new(), Running::default());
    let (finish, inner) = (Arc::new(tokio::sync::Notify::new()), running.clone());
    let run = tokio::spawn(elector.run(stop.clone(), {
        let finish = Arc::clone(&finish);
        move |leadership: Leadership| {
            let (runs, finish) = (inner.begin(), Arc::clone(&finish));
            async move {
                let _runs = runs;
                assert_eq!(leadership.lost().await, Loss::Stopped);
                finish.notified().await;
                assert!(leadership.is_valid(), "held until the end");
            }
        }
    }));
    world.until(secs(1), || running.is().then_some(())).await;
    stop.cancel();
    let before = world.record().unwrap();
    world.pass(secs(18)).await;
    assert!(running.is() && world.holder().as_deref() == Some("me"));
    assert_ne!(world.record().unwrap(), before, "renewed meanwhile");
    finish.notify_one();
    world.settle().await;
    assert_eq!(run.await.unwrap(), Ok(Ended::Stopped));
    assert_eq!(world.holder(), None);
}

#[tokio::test]
async fn work_that_does_not_stop_is_aborted_before_another_can_lead() {
    let world = World::new();
    let (link, elector) = world.elector("me");
    let (elector, running) = (elector.build().unwrap(), Running::default());
    let inner = running.clone();
    let run = tokio::spawn(elector.run(CancellationToken::new(), move |_| {
        let runs = inner.begin();
        async move {
            let _runs = runs;
            std::future::pending::<()>().await;
        }
    }));
    world.until(secs(1), || running.is().then_some(())).await;
    let other = world.elector("other").1.build().unwrap().start();
    world.pass(secs(3)).await;
    link.set_link(Link::Down);
    world
        .until(secs(30), || {
            assert!(!(running.is() && leader(&other.state()).is_some()));
            leader(&other.state())
        })
        .await;
    assert!(!running.is());
    // It joins again when the server is back and the lease free.
    link.set_link(Link::Up);
    other.stop().await.unwrap();
    world.until(secs(60), || running.is().then_some(())).await;
    run.abort();
}

#[tokio::test]
async fn work_that_panics_gives_the_lease_back_and_is_run_again() {
    let world = World::new();
    let elector = world.elector("me").1.build().unwrap();
    let times = Arc::new(AtomicU32::new(0));
    let run = tokio::spawn(elector.run(CancellationToken::new(), {
        let times = Arc::clone(&times);
        move |_| {
            let times = times.fetch_add(1, Ordering::SeqCst);
            async move { if times < 2 { panic!("as asked") } else { times } }
        }
    }));
    world
        .until(secs(20), || (times.load(Ordering::SeqCst) == 3).then_some(()))
        .await;
    world.settle().await;
    assert_eq!(run.await.unwrap(), Ok(Ended::Finished(2)));
    assert_eq!(world.record().unwrap().transitions, 2);
}

#[tokio::test]
async fn stepping_down_lets_others_lead_and_joins_again() {
    let world = World::new();
    let elector = world.elector("me").1.build().unwrap();
    let terms = Arc::new(AtomicU32::new(0));
    let run = tokio::spawn(elector.run(CancellationToken::new(), {
        let terms = Arc::clone(&terms);
        move |leadership: Leadership| {
            terms.fetch_add(1, Ordering::SeqCst);
            async move {
                leadership.step_down();
                assert_eq!(leadership.lost().await, Loss::SteppedDown);
            }
        }
    }));
    world
        .until(secs(1), || (terms.load(Ordering::SeqCst) == 1).then_some(()))
        .await;
    world.settle().await;
    assert_eq!(world.holder(), None);
    world.pass(Duration::from_millis(1900)).await;
    assert_eq!(terms.load(Ordering::SeqCst), 1, "others come first");
    world
        .until(secs(5), || (terms.load(Ordering::SeqCst) == 2).then_some(()))
        .await;
    run.abort();
}

#[tokio::test]
async fn a_guard_that_is_kept_keeps_the_lease_and_then_lets_it_expire() {
    let world = World::new();
    let mut election = world.elector("me").1.stop_grace(secs(4)).build().unwrap().start();
    let (leadership, guard) = world.term(&mut election).await;
    let stop = tokio::spawn(election.stop());
    world.pass(secs(4)).await;
    assert_eq!(leadership.loss(), Some(Loss::Stopped));
    assert!(leadership.guard().is_err(), "too late to begin anything");
    assert!(leadership.is_valid() && world.holder().as_deref() == Some("me"));
    world.pass(secs(2)).await;
    assert_eq!(
        stop.await.unwrap(),
        Err(RunError::WorkStuck(leadership.lease().clone()))
    );
    assert!(!leadership.is_valid());
    assert_eq!(world.holder().as_deref(), Some("me"), "not released");
    drop(guard);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn work_that_blocks_its_thread_is_reported_and_finds_itself_not_valid() {
    let world = World::new();
    let (link, elector) = world.elector("me");
    let (blocked, free) = std::sync::mpsc::channel::<()>();
    let (seen, noted) = std::sync::mpsc::channel();
    let free = Arc::new(std::sync::Mutex::new(free));
    let stop = CancellationToken::new();
    let run = tokio::spawn(
        elector
            .build()
            .unwrap()
            .run(stop.clone(), move |leadership: Leadership| {
                let (free, seen) = (Arc::clone(&free), seen.clone());
                async move {
                    seen.send(leadership).unwrap();
                    // Blocks its thread, as it must not.
                    let _ = free.lock().unwrap().recv();
                }
            }),
    );
    let leadership = noted.recv_timeout(secs(10)).unwrap();
    link.set_link(Link::Down);
    world.clock.advance(secs(13));
    assert!(leadership.is_valid());
    world.clock.advance(secs(1));
    assert!(!leadership.is_valid());
    stop.cancel();
    let deadline = tokio::time::timeout(secs(60), async {
        // Real threads: time goes on until the driver has seen enough of it.
        while !run.is_finished() {
            world.clock.advance(secs(1));
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    deadline.await.expect("the run ends although the work does not");
    assert_eq!(run.await.unwrap(), Err(RunError::WorkStuck(leadership.lease().clone())));
    drop(blocked);
}

/// A clock that counts how often it is asked.
#[derive(Default)]
struct CountingClock {
    clock: Arc<SimulatedClock>,
    asked: AtomicU32,
}

impl Clock for CountingClock {
    fn now(&self) -> Monotonic {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.clock.now()
    }

    fn wall(&self) -> SystemTime {
        self.clock.wall()
    }

    fn sleep_until(&self, deadline: Monotonic) -> Sleep<'_> {
        self.clock.sleep_until(deadline)
    }
}

#[tokio::test]
async fn a_release_that_hangs_is_waited_for_without_haste_and_given_up() {
    let world = World::new();
    let clock = Arc::new(CountingClock {
        clock: world.clock.clone(),
        ..CountingClock::default()
    });
    let link = world.server.client();
    let leases = Leases::with_clock(Arc::new(link.clone()), clock.clone());
    let election = Elector::builder(&leases, "ns", "l")
        .identity("me")
        .build()
        .unwrap()
        .start();
    world.until(secs(1), || leader(&election.state())).await;
    link.set_link(Link::Hanging);
    let stop = tokio::spawn(election.stop());
    world.pass(secs(1)).await;
    let before = clock.asked.load(Ordering::SeqCst);
    world.pass(secs(3)).await;
    let asked = clock.asked.load(Ordering::SeqCst) - before;
    assert!(asked < 20, "the driver spins: {asked}");
    world.pass(secs(5)).await;
    assert!(!stop.is_finished(), "it tries for as long as the renew deadline");
    world.pass(secs(2)).await;
    assert_eq!(stop.await.unwrap(), Ok(()));
    assert_eq!(world.holder().as_deref(), Some("me"), "left to expire");
}
