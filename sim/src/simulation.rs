//! One run of a plan: the loop of events, and who lives on which node.

use std::sync::Arc;

use leasehold_api::coordination::Lease;
use rand::RngExt;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::api::NodeApi;
use crate::clock::NodeClock;
use crate::contender::{LEASE, Seat, campaign};
use crate::event::Event;
use crate::faults::{Fault, Meddling, Target};
use crate::idle::Idle;
use crate::network::Weather;
use crate::oracle::{Counts, HandOvers, Oracle, Rule, Violation};
use crate::plan::{Plan, RHO_PPM};
use crate::server::{Committed, Server};
use crate::time::{Nanos, SECOND};
use crate::trace::Entry;
use crate::work::Workshop;
use crate::world::{NodeId, ProcessId, World};

/// How long a process that has ended takes to be started again, at most.
const RESTART_MAX: Nanos = SECOND;

/// What came of a run.
pub struct Report {
    /// Broken promises.
    pub violations: Vec<Violation>,
    /// What happened.
    pub counts: Counts,
    /// How long hand-overs took; only of plans that are measured.
    pub hand_overs: HandOvers,
    /// Requests that reached the server.
    pub requests: u64,
    /// Over everything that happened, with its time.
    pub trace_hash: u64,
    /// How much that was.
    pub trace_entries: u64,
}

/// Runs a plan. `verbose` prints the trace to stderr.
///
/// # Panics
/// When the machine has no memory for another runtime.
#[must_use]
pub fn simulate(plan: &Plan, verbose: bool) -> Report {
    let idle = Idle::default();
    let runtime = idle.runtime(plan.seed).expect("a runtime without I/O can be made");
    runtime.block_on(async { Simulation::new(plan, idle, verbose).run().await })
}

/// Everything.
struct Simulation<'a> {
    plan: &'a Plan,
    idle: Idle,
    world: Arc<World>,
    oracle: Arc<Oracle>,
    server: Server,
    /// The lease as it was after the last change that was told of.
    known: Option<Lease>,
    /// Whose write was interrupted by the crash.
    torn_by: Option<ProcessId>,
    /// How long the server is away after its next crash.
    down_for: Nanos,
    residents: Vec<Option<Resident>>,
    requests: u64,
    over: bool,
}

/// The process on a node.
struct Resident {
    process: ProcessId,
    task: JoinHandle<()>,
    stop: CancellationToken,
    /// When another one is started after this one has ended.
    back_after: Option<Nanos>,
}

impl<'a> Simulation<'a> {
    fn new(plan: &'a Plan, idle: Idle, verbose: bool) -> Self {
        let rates: Vec<_> = plan.nodes.iter().map(|node| node.rate).collect();
        let world = World::new(plan.seed, &rates, plan.weather, verbose);
        {
            let mut inner = world.lock();
            for node in 0..rates.len() {
                inner.schedule(0, Event::Starts(node));
            }
            for (number, (at, _)) in plan.faults.iter().enumerate() {
                inner.schedule(*at, Event::Fault(number));
            }
            inner.schedule(plan.quiet_at, Event::Quiet);
            inner.schedule(plan.over_at, Event::Over);
        }
        Self {
            oracle: Oracle::new(Arc::clone(&world)),
            server: Server::new(Arc::clone(&world)),
            plan,
            idle,
            known: None,
            torn_by: None,
            down_for: 0,
            residents: rates.iter().map(|_| None).collect(),
            requests: 0,
            over: false,
            world,
        }
    }

    async fn run(mut self) -> Report {
        while !self.over
            && let Some(event) = self.world.next()
        {
            if self.handle(event) {
                self.idle.reached().await;
                self.oracle.look();
                self.look_for_spinning();
            }
        }
        for resident in self.residents.iter_mut().filter_map(Option::take) {
            resident.task.abort();
        }
        self.report()
    }

    fn look_for_spinning(&mut self) {
        let spinning = self.world.lock().spinning.take();
        if let Some(process) = spinning {
            let what = format!("{process:?} read its clock again and again and waited for nothing");
            self.oracle.complain(Rule::Spins, what);
            self.over = true;
        }
    }

    fn report(&self) -> Report {
        let measured = self.plan.measured;
        if measured {
            self.judge_hand_overs();
        }
        let (violations, counts, hand_overs) = self.oracle.verdict();
        let (trace_hash, trace_entries) = self.world.lock().trace.digest();
        Report {
            violations,
            counts,
            hand_overs: if measured { hand_overs } else { HandOvers::default() },
            requests: self.requests,
            trace_hash,
            trace_entries,
        }
    }

    /// Returns whether a process may have something to do now.
    fn handle(&mut self, event: Event) -> bool {
        match event {
            Event::Wake(process, wakeup) => self.world.deliver(process, wakeup),
            Event::NodeWakes(node) => self.world.wake_up(node),
            Event::Arrives(request) => {
                self.arrives(*request);
                return false;
            }
            Event::Writes(term) => {
                self.oracle.writes(term);
                return false;
            }
            Event::Fault(number) => self.strike(number),
            Event::Starts(node) => self.start(node),
            Event::Exits(process) => self.exits(process),
            Event::Mends(node) => self.mend(node),
            Event::ServerStarts => self.start_server(),
            Event::Quiet => self.quiet(),
            Event::Over => {
                self.oracle.somebody_led((self.plan.over_at - self.plan.quiet_at) / 2);
                self.over = true;
            }
        }
        true
    }

    fn arrives(&mut self, request: crate::request::Request) {
        self.requests += 1;
        let process = request.process;
        let outcome = self.server.arrives(request);
        if let Some(change) = outcome.committed {
            self.committed(change, Some(process));
        }
        if outcome.crashed {
            self.torn_by = Some(process);
            self.server_comes_back();
        }
    }

    fn committed(&mut self, change: Committed, by: Option<ProcessId>) {
        self.oracle.committed(&change, by);
        self.known = change.after;
    }

    fn start_server(&mut self) {
        self.server.start();
        // What was being written when the power went may have become durable without anybody having been told.
        let now = self.server.current(LEASE);
        let version = |lease: &Option<Lease>| lease.as_ref().map(|lease| lease.metadata.resource_version.clone());
        if version(&now) != version(&self.known) {
            let before = self.known.take();
            let by = self.torn_by;
            self.committed(Committed { before, after: now }, by);
        }
    }

    fn server_comes_back(&mut self) {
        let mut inner = self.world.lock();
        let at = inner.now + self.down_for;
        inner.schedule(at, Event::ServerStarts);
    }

    /// A process on a node that has none.
    fn start(&mut self, node: NodeId) {
        if self.residents[node].is_some() {
            return;
        }
        let process = self.world.start(node);
        let identity = format!("node-{node}-process-{}", process.0);
        self.oracle.process_starts(process, &identity);
        let stop = CancellationToken::new();
        let seat = self.seat(process, node, identity, stop.clone());
        let (kind, world) = (self.plan.elector, Arc::clone(&self.world));
        let life = campaign(kind, seat);
        let task = tokio::spawn(async move {
            life.await;
            let mut inner = world.lock();
            let now = inner.now;
            inner.schedule(now, Event::Exits(process));
        });
        self.residents[node] = Some(Resident {
            process,
            task,
            stop,
            back_after: None,
        });
    }

    fn seat(&self, process: ProcessId, node: NodeId, identity: String, stop: CancellationToken) -> Seat {
        let seed = {
            let mut inner = self.world.lock();
            inner.note(Entry::Starts(node));
            inner.rng.random()
        };
        let timing = self.plan.nodes[node].timing.unwrap_or(self.plan.timing);
        let (world, oracle) = (Arc::clone(&self.world), Arc::clone(&self.oracle));
        let clock = Arc::new(NodeClock::new(Arc::clone(&world), process));
        let api = NodeApi {
            world: Arc::clone(&world),
            oracle: Arc::clone(&oracle),
            process,
            may_watch: self.plan.nodes[node].watches,
        };
        Seat {
            api: Arc::new(api),
            clock: Arc::clone(&clock),
            identity,
            timing,
            seed,
            stop,
            workshop: Workshop {
                world,
                oracle,
                clock,
                process,
                habits: self.plan.habits,
                duration: self.plan.timing.duration(),
                write_delay_max: self.plan.weather.delay_worst,
            },
        }
    }

    /// A process has come to its end by itself: told to, or because of an error.
    fn exits(&mut self, process: ProcessId) {
        let node = self.world.lock().node_of(process);
        if self.residents[node]
            .as_ref()
            .is_some_and(|resident| resident.process == process)
        {
            let back_after = self.residents[node].as_ref().and_then(|resident| resident.back_after);
            self.end(node, back_after.unwrap_or(RESTART_MAX));
        }
    }

    /// Kills the process on a node.
    fn end(&mut self, node: NodeId, back_after: Nanos) {
        let Some(resident) = self.residents[node].take() else {
            return;
        };
        self.world.kill(resident.process);
        self.oracle.process_ends(resident.process);
        resident.task.abort();
        let mut inner = self.world.lock();
        let at = inner.now + back_after;
        inner.schedule(at, Event::Starts(node));
    }

    fn strike(&mut self, number: usize) {
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

    fn mend(&mut self, node: NodeId) {
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
    fn quiet(&mut self) {
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

    /// Where nothing but deaths and releases happens, hand-overs keep their bounds.
    fn judge_hand_overs(&self) {
        let (_, _, hand_overs) = self.oracle.verdict();
        let bounds = Bounds::of(self.plan);
        for (took, bound, cause) in [
            (hand_overs.after_crash.iter().max(), bounds.after_crash, "death"),
            (hand_overs.after_release.iter().max(), bounds.after_release, "release"),
        ] {
            if let Some(late) = took.filter(|took| **took > bound) {
                let what = format!("{late} ns after a {cause}, with a bound of {bound} ns");
                self.oracle.complain(Rule::HandOverLate, what);
            }
        }
    }
}

/// The longest times that a hand-over may take where nothing else goes wrong, in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// From a leader's death to the next one's work: the duration by the slowest clock allowed, a retry period, and two
    /// round trips.
    pub after_crash: Nanos,
    /// From sending a release to the next one's work: the same without the duration.
    pub after_release: Nanos,
}

impl Bounds {
    /// Those of a plan.
    #[must_use]
    pub fn of(plan: &Plan) -> Self {
        let million = 1_000_000;
        let rho = Nanos::from(RHO_PPM.unsigned_abs());
        let slowest = |span: Nanos| span * million / (million - rho);
        let round_trips = 4 * plan.weather.delay_max;
        let after_release = Nanos::from(plan.timing.retry) * (SECOND / 1000) + round_trips;
        Self {
            after_crash: slowest(plan.timing.duration()) + after_release,
            after_release,
        }
    }
}
