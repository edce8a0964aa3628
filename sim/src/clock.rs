//! The clocks of nodes, and the server's.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::SystemTime;

use futures_util::future::poll_fn;
use futures_util::task::AtomicWaker;
use leasehold_clock::{Clock, Monotonic, Sleep};

use crate::time::Rate;
use crate::world::{NodeId, ProcessId, World, calendar};

/// A node's clock as one of its processes sees it: it runs at the node's own rate and goes on while the node sleeps, and its
/// calendar steps. Timers reach the process as everything does.
pub(crate) struct NodeClock {
    world: Arc<World>,
    node: NodeId,
    process: ProcessId,
}

impl NodeClock {
    pub(crate) fn new(world: Arc<World>, process: ProcessId) -> Self {
        let node = world.lock().node_of(process);
        Self { world, node, process }
    }
}

impl Clock for NodeClock {
    fn now(&self) -> Monotonic {
        let (reading, sane) = self.world.lock().read_clock(self.process);
        // Ends the task that spins, since nothing else would; the simulation reports it.
        assert!(sane, "{:?} goes round in a circle", self.process);
        reading
    }

    fn wall(&self) -> SystemTime {
        let world = self.world.lock();
        world.nodes[self.node].wall(world.now)
    }

    fn sleep_until(&self, deadline: Monotonic) -> Sleep<'_> {
        let mut alarm: Option<Arc<Alarm>> = None;
        Box::pin(poll_fn(move |cx| {
            if self.now() >= deadline {
                return Poll::Ready(());
            }
            let alarm = alarm.get_or_insert_with(|| self.set(deadline));
            alarm.waker.register(cx.waker());
            if alarm.rang.load(Ordering::Relaxed) {
                return Poll::Ready(());
            }
            Poll::Pending
        }))
    }
}

#[derive(Default)]
struct Alarm {
    rang: AtomicBool,
    waker: AtomicWaker,
}

impl NodeClock {
    fn set(&self, deadline: Monotonic) -> Arc<Alarm> {
        let alarm = Arc::new(Alarm::default());
        let ring = {
            let alarm = Arc::clone(&alarm);
            move || {
                alarm.rang.store(true, Ordering::Relaxed);
                alarm.waker.wake();
            }
        };
        self.world.lock().timer(self.process, deadline, Box::new(ring));
        alarm
    }
}

/// The server's clock, which is right. Nothing waits on it.
pub(crate) struct ServerClock(pub(crate) Arc<World>);

impl Clock for ServerClock {
    fn now(&self) -> Monotonic {
        Rate { ppm: 0 }.shows(self.0.now())
    }

    fn wall(&self) -> SystemTime {
        calendar() + std::time::Duration::from_nanos(self.0.now())
    }

    fn sleep_until(&self, _: Monotonic) -> Sleep<'_> {
        Box::pin(std::future::pending())
    }
}
