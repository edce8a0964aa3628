//! True time, what is going to happen in it, and the nodes that live in it.
//!
//! A node is a machine with a clock of its own. On it runs one process at a time; a process that was killed is followed by
//! another one. Whatever reaches a process from outside (a timer, a reply, a step of a watch) is a [`Wakeup`], and comes
//! through here: while its node is asleep it waits, and when the process is dead it is dropped. So a process stands still
//! without knowing it, in the middle of whatever it was waiting for, while true time and its clock go on.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use leasehold_clock::Monotonic;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::event::{Event, Scheduled};
use crate::network::{Network, Weather};
use crate::time::{Nanos, Rate, SECOND};
use crate::trace::{Entry, Trace};

/// A machine, from 0.
pub(crate) type NodeId = usize;

/// A process, of any node; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ProcessId(pub(crate) usize);

/// What is done in a process when something reaches it: hand something over and wake a task.
pub(crate) type Wakeup = Box<dyn FnOnce() + Send>;

/// Readings of a clock at one moment after which a process counts as going round in a circle.
const READINGS_MAX: u32 = 100_000;
/// How late a timer fires, at most, on a machine that is awake.
const TIMER_LATE_MAX: Nanos = 5_000_000;
/// How long after a suspend a timer may take to notice: see `SystemClock`.
const TIMER_LATE_AFTER_SUSPEND: Nanos = SECOND;

/// See the module. Cheap to share; locked for moments only.
pub(crate) struct World(Mutex<Inner>);

/// What the lock protects.
pub(crate) struct Inner {
    pub(crate) now: Nanos,
    queue: BinaryHeap<Reverse<Scheduled>>,
    scheduled: u64,
    pub(crate) nodes: Vec<Node>,
    processes: Vec<Process>,
    pub(crate) network: Network,
    pub(crate) rng: StdRng,
    pub(crate) trace: Trace,
    /// Readings of clocks since time went on.
    readings: u32,
    /// Somebody reads the clock again and again, and waits for nothing.
    pub(crate) spinning: Option<ProcessId>,
}

/// A machine.
pub(crate) struct Node {
    pub(crate) rate: Rate,
    /// How far its calendar is from true time, in seconds.
    pub(crate) wall_offset: i64,
    asleep: Option<Sleep>,
    withheld: Vec<(ProcessId, Wakeup)>,
    /// When its last sleep ended.
    pub(crate) woke_at: Nanos,
    /// The next work that has looked at its leadership falls asleep before it acts, for so long.
    pub(crate) sleep_at_use: Option<Nanos>,
}

/// Why a node stands still.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sleep {
    until: Nanos,
    /// After a suspend, what has arrived and what time it is is noticed late.
    suspended: bool,
}

struct Process {
    node: NodeId,
    alive: bool,
}

impl World {
    pub(crate) fn new(seed: u64, rates: &[Rate], weather: Weather, verbose: bool) -> Arc<Self> {
        let node = |rate: &Rate| Node {
            rate: *rate,
            wall_offset: 0,
            asleep: None,
            withheld: Vec::new(),
            woke_at: 0,
            sleep_at_use: None,
        };
        Arc::new(Self(Mutex::new(Inner {
            now: 0,
            queue: BinaryHeap::new(),
            scheduled: 0,
            nodes: rates.iter().map(node).collect(),
            processes: Vec::new(),
            network: Network::new(rates.len(), weather),
            rng: StdRng::seed_from_u64(seed),
            trace: Trace::new(verbose),
            readings: 0,
            spinning: None,
        })))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now(&self) -> Nanos {
        self.lock().now
    }

    /// A new process on a node.
    pub(crate) fn start(&self, node: NodeId) -> ProcessId {
        let mut inner = self.lock();
        inner.processes.push(Process { node, alive: true });
        ProcessId(inner.processes.len() - 1)
    }

    /// Nothing reaches this process any more. What it has sent is on its way.
    pub(crate) fn kill(&self, process: ProcessId) {
        self.lock().processes[process.0].alive = false;
    }

    /// Does in a process what is due now, unless its node sleeps. Nothing may be locked.
    pub(crate) fn deliver(&self, process: ProcessId, wakeup: Wakeup) {
        if let Some(wakeup) = self.lock().admit(process, wakeup) {
            wakeup();
        }
    }

    /// Puts a node to sleep, or makes its sleep longer.
    pub(crate) fn put_to_sleep(&self, node: NodeId, length: Nanos, suspended: bool) {
        let mut inner = self.lock();
        let until = inner.now + length;
        if inner.nodes[node].asleep.is_none_or(|sleep| sleep.until < until) {
            inner.nodes[node].asleep = Some(Sleep { until, suspended });
            inner.note(Entry::FallsAsleep(node, length, suspended));
            inner.schedule(until, Event::NodeWakes(node));
        }
    }

    /// Wakes a node whose time has come, in a shuffled order of whatever has piled up. Nothing may be locked.
    pub(crate) fn wake_up(&self, node: NodeId) {
        let due = {
            let mut inner = self.lock();
            let now = inner.now;
            match inner.nodes[node].asleep {
                Some(sleep) if sleep.until <= now => {}
                _ => return,
            }
            inner.nodes[node].woke_at = now;
            inner.note(Entry::WakesUp(node));
            let slept = inner.nodes[node].asleep.take();
            let mut withheld = std::mem::take(&mut inner.nodes[node].withheld);
            inner.shuffle(&mut withheld);
            if slept.is_some_and(|sleep| sleep.suspended) {
                inner.spread(withheld);
                return;
            }
            withheld
        };
        for (process, wakeup) in due {
            self.deliver(process, wakeup);
        }
    }

    /// Ends a node's sleep now, whatever was planned. Nothing may be locked.
    pub(crate) fn rouse(&self, node: NodeId) {
        {
            let mut inner = self.lock();
            let now = inner.now;
            if let Some(sleep) = &mut inner.nodes[node].asleep {
                sleep.until = now;
            }
            inner.nodes[node].sleep_at_use = None;
        }
        self.wake_up(node);
    }

    /// The next event, and moves the world on to it.
    pub(crate) fn next(&self) -> Option<Event> {
        let mut inner = self.lock();
        let Reverse(next) = inner.queue.pop()?;
        inner.now = next.at;
        inner.readings = 0;
        Some(next.event)
    }
}

impl Inner {
    /// What a process's clock shows; false when it has been read so often that no time will ever pass.
    pub(crate) fn read_clock(&mut self, process: ProcessId) -> (Monotonic, bool) {
        self.readings += 1;
        let spins = self.readings > READINGS_MAX;
        if spins {
            self.readings = 0;
            self.spinning.get_or_insert(process);
        }
        (self.nodes[self.node_of(process)].rate.shows(self.now), !spins)
    }

    pub(crate) fn schedule(&mut self, at: Nanos, event: Event) {
        self.scheduled += 1;
        let scheduled = Scheduled {
            at: at.max(self.now),
            order: self.scheduled,
            event,
        };
        self.queue.push(Reverse(scheduled));
    }

    /// Wakes a process at a moment, if it lives then and its node is awake, or when that wakes up.
    pub(crate) fn wake_at(&mut self, at: Nanos, process: ProcessId, wakeup: Wakeup) {
        self.schedule(at, Event::Wake(process, wakeup));
    }

    /// A timer of a process: it never fires early, and mostly a little late.
    pub(crate) fn timer(&mut self, process: ProcessId, deadline: Monotonic, wakeup: Wakeup) {
        let rate = self.nodes[self.processes[process.0].node].rate;
        let late = self.rng.random_range(0..=TIMER_LATE_MAX);
        self.wake_at(rate.when(deadline).saturating_add(late), process, wakeup);
    }

    pub(crate) fn node_of(&self, process: ProcessId) -> NodeId {
        self.processes[process.0].node
    }

    pub(crate) fn is_alive(&self, process: ProcessId) -> bool {
        self.processes[process.0].alive
    }

    pub(crate) fn is_asleep(&self, node: NodeId) -> bool {
        self.nodes[node].asleep.is_some()
    }

    pub(crate) fn note(&mut self, entry: Entry) {
        self.trace.note(self.now, entry);
    }

    /// Gives a wakeup back if it may happen now.
    fn admit(&mut self, process: ProcessId, wakeup: Wakeup) -> Option<Wakeup> {
        let Process { node, alive } = self.processes[process.0];
        if !alive {
            return None;
        }
        if self.is_asleep(node) {
            self.nodes[node].withheld.push((process, wakeup));
            return None;
        }
        self.note(Entry::Wakes(process));
        Some(wakeup)
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.rng.random_range(0..=last));
        }
    }

    /// After a suspend everything is noticed in time, but not at once.
    fn spread(&mut self, wakeups: Vec<(ProcessId, Wakeup)>) {
        for (process, wakeup) in wakeups {
            let at = self.now + self.rng.random_range(0..=TIMER_LATE_AFTER_SUSPEND);
            self.wake_at(at, process, wakeup);
        }
    }
}

impl Node {
    /// What the node's calendar shows at a moment.
    pub(crate) fn wall(&self, now: Nanos) -> SystemTime {
        let since = Duration::from_nanos(now);
        let shown = calendar() + since;
        let offset = Duration::from_secs(self.wall_offset.unsigned_abs());
        if self.wall_offset < 0 {
            shown - offset
        } else {
            shown + offset
        }
    }
}

/// The date on which every world begins: 2026-01-01T00:00:00Z.
pub(crate) fn calendar() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600)
}
