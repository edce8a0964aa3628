//! What a fault does to the world.

use super::Simulation;
use crate::contender::LEASE;
use crate::event::Event;
use crate::faults::{Fault, Meddling, Target};
use crate::network::Weather;
use crate::plan::Plan;
use crate::time::Nanos;
use crate::trace::Entry;
use crate::world::NodeId;

impl Simulation<'_> {
    /// The fault with this number strikes.
    pub(super) fn strike(&mut self, number: usize) {
        self.world.lock().note(Entry::Strikes(number));
        match self.plan.faults[number].1 {
            Fault::Kill { who, back_after } => {
                let node = self.target(who);
                self.end(node, back_after);
            }
            Fault::Stop { who, back_after } => self.stop(who, back_after),
            Fault::Pause { who, length } => self.world.put_to_sleep(self.target(who), length, false),
            Fault::Suspend { who, length } => self.world.put_to_sleep(self.target(who), length, true),
            Fault::PauseAtUse { who, length } => {
                let node = self.target(who);
                self.world.lock().nodes[node].sleep_at_use = Some(length);
            }
            Fault::Cut { who, to, from, length } => {
                let node = self.target(who);
                let mut inner = self.world.lock();
                let until = inner.now + length;
                inner.network.cut(node, to, from, until);
                inner.schedule(until, Event::Mends(node));
            }
            Fault::BreakWatches { who } => {
                let node = self.target(who);
                self.server.break_watches(node);
            }
            Fault::CrashServer { down_for, in_commit } => self.crash_server(down_for, in_commit),
            Fault::StepWall { who, seconds } => {
                let node = self.target(who);
                self.world.lock().nodes[node].wall_offset = seconds;
            }
            Fault::Meddle(meddling) => self.meddle(meddling, number),
        }
    }

    fn target(&self, who: Target) -> NodeId {
        match who {
            Target::Node(node) => node,
            Target::Leader => self
                .oracle
                .leader()
                .map_or(0, |process| self.world.lock().node_of(process)),
        }
    }

    fn stop(&mut self, who: Target, back_after: Nanos) {
        let node = self.target(who);
        if let Some(resident) = &mut self.residents[node] {
            resident.back_after = Some(back_after);
            let stop = resident.stop.clone();
            self.world.deliver(resident.process, Box::new(move || stop.cancel()));
        }
    }

    fn crash_server(&mut self, down_for: Nanos, in_commit: bool) {
        self.down_for = down_for;
        if in_commit {
            self.server.crashes_at_next_write = true;
        } else if self.server.crash() {
            self.torn_by = None;
            self.server_comes_back();
        }
    }

    fn meddle(&mut self, meddling: Meddling, round: usize) {
        let change = if meddling == Meddling::Delete {
            self.server.delete(LEASE)
        } else {
            self.server.meddle(|lease| meddling.write(lease, round), LEASE)
        };
        if let Some(change) = change {
            self.committed(change, None);
        }
    }

    /// A cut may be over.
    pub(super) fn mend(&mut self, node: NodeId) {
        let whole = {
            let mut inner = self.world.lock();
            let now = inner.now;
            inner.network.mend(node, now)
        };
        if whole {
            self.server.flush(node);
        }
    }

    /// Everything is mended, everybody is woken, and the network is fast.
    pub(super) fn quiet(&mut self) {
        self.server.crashes_at_next_write = false;
        self.start_server();
        {
            let mut inner = self.world.lock();
            let calm = Weather::calm(Plan::calm_delay(self.plan.timing));
            inner.network.set_weather(calm);
        }
        for node in 0..self.residents.len() {
            self.world.lock().network.heal(node);
            self.server.flush(node);
            self.server.break_watches(node);
            self.world.rouse(node);
            self.start(node);
        }
    }
}
