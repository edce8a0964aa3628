//! What leaders do: look at their leadership, and write to the fenced resource.
//!
//! Between looking and writing a moment passes, in which the node may fall asleep. When the work is told to stop, some of it
//! does so at once, some takes its time, and some goes on writing without looking: a fence has to hold against that, too.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Either, select};
use leasehold_clock::Clock;
use rand::RngExt;

use crate::clock::NodeClock;
use crate::event::Event;
use crate::oracle::{Oracle, TermId};
use crate::plan::Habits;
use crate::term::Term;
use crate::time::{Nanos, from_nanos};
use crate::world::{ProcessId, World};

/// What the work of one process needs.
#[derive(Clone)]
pub(crate) struct Workshop {
    pub(crate) world: Arc<World>,
    pub(crate) oracle: Arc<Oracle>,
    pub(crate) clock: Arc<NodeClock>,
    pub(crate) process: ProcessId,
    pub(crate) habits: Habits,
    /// The lease duration, which is the measure of everything here.
    pub(crate) duration: Nanos,
    /// The longest delay of a write on its way to the resource.
    pub(crate) write_delay_max: Nanos,
}

/// What the work of one term is going to do.
#[derive(Clone, Copy)]
struct Mood {
    leaves: Leaves,
    stops: Stops,
}

/// How it ends if nobody tells it to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Leaves {
    Never,
    StepsDown(Nanos),
    Finishes(Nanos),
    Panics(Nanos),
}

/// How it ends when it is told to.
#[derive(Clone, Copy)]
enum Stops {
    AtOnce,
    Slowly(Nanos),
    Carelessly(Nanos),
}

impl Workshop {
    /// The work of one term, from its beginning.
    pub(crate) fn work(&self, term: Arc<dyn Term>) -> BoxFuture<'static, ()> {
        let this = self.clone();
        async move {
            let working = this.oracle.work_begins(this.process, Arc::clone(&term));
            let mood = this.mood();
            let told = this.listen(&term, working.term);
            match select(told, this.lead(&term, working.term, mood.leaves).boxed()).await {
                Either::Left(_) => this.stop(working.term, mood.stops).await,
                Either::Right(_) => {}
            }
        }
        .boxed()
    }

    /// Comes when the work is told to stop, and lets the oracle know.
    fn listen(&self, term: &Arc<dyn Term>, id: TermId) -> BoxFuture<'static, ()> {
        let (lost, oracle) = (term.lost(), Arc::clone(&self.oracle));
        async move {
            lost.await;
            oracle.work_told(id);
        }
        .boxed()
    }

    async fn lead(&self, term: &Arc<dyn Term>, id: TermId, leaves: Leaves) {
        let begun = self.clock.now();
        let after = |stays| begun + from_nanos(stays);
        loop {
            self.use_leadership(&**term, id).await;
            self.rest().await;
            let now = self.clock.now();
            match leaves {
                Leaves::StepsDown(stays) if now >= after(stays) => {
                    term.step_down();
                    return std::future::pending().await;
                }
                Leaves::Finishes(stays) if now >= after(stays) => return,
                // Without the message that a panic prints.
                Leaves::Panics(stays) if now >= after(stays) => std::panic::resume_unwind(Box::new("a leader's work")),
                _ => {}
            }
        }
    }

    /// Looks, and acts a moment later.
    async fn use_leadership(&self, term: &dyn Term, id: TermId) {
        if !term.is_valid() {
            return;
        }
        self.fall_asleep();
        self.pass(self.duration / 1000).await;
        self.oracle.write_leaves(id);
        self.write(id);
    }

    async fn stop(&self, id: TermId, stops: Stops) {
        match stops {
            Stops::AtOnce => {}
            Stops::Slowly(takes) => self.pass(takes).await,
            Stops::Carelessly(takes) => {
                let until = self.clock.now() + from_nanos(takes);
                while self.clock.now() < until {
                    self.rest().await;
                    self.write(id);
                }
            }
        }
    }

    /// Sends a write on its way: it gets there even if the process dies.
    fn write(&self, id: TermId) {
        let mut inner = self.world.lock();
        let delay = inner.rng.random_range(0..=self.write_delay_max);
        let at = inner.now + delay;
        inner.schedule(at, Event::Writes(id));
    }

    /// The moment at which a node stops that was to do so between looking and acting.
    fn fall_asleep(&self) {
        let mut inner = self.world.lock();
        let node = inner.node_of(self.process);
        let length = inner.nodes[node].sleep_at_use.take();
        drop(inner);
        if let Some(length) = length {
            self.world.put_to_sleep(node, length, false);
        }
    }

    async fn rest(&self) {
        let span = self
            .world
            .lock()
            .rng
            .random_range(self.duration / 20..=self.duration / 5);
        self.pass(span).await;
    }

    async fn pass(&self, span: Nanos) {
        let deadline = self.clock.now() + from_nanos(span);
        self.clock.sleep_until(deadline).await;
    }

    fn mood(&self) -> Mood {
        let mut inner = self.world.lock();
        let rng = &mut inner.rng;
        let Habits {
            steps_down,
            finishes,
            panics,
            slow,
            careless,
            stays_max,
        } = self.habits;
        let stays = rng.random_range(0..=stays_max);
        let takes = rng.random_range(0..=self.duration * 3 / 2);
        let leaves = match rng.random_range(0..1000) {
            draw if draw < steps_down => Leaves::StepsDown(stays),
            draw if draw < steps_down + finishes => Leaves::Finishes(stays),
            draw if draw < steps_down + finishes + panics => Leaves::Panics(stays),
            _ => Leaves::Never,
        };
        let stops = match rng.random_range(0..1000) {
            draw if draw < slow => Stops::Slowly(takes),
            draw if draw < slow + careless => Stops::Carelessly(takes),
            _ => Stops::AtOnce,
        };
        Mood { leaves, stops }
    }
}
