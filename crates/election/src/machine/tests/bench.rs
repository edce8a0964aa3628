//! What the tests share: a machine, a server that answers only when told to, and the time.

use std::collections::VecDeque;
use std::time::{Duration, SystemTime};

use leasehold_api::coordination::Lease;
use leasehold_clock::Monotonic;

use crate::machine::{Action, Config, Input, Machine, Mode, Now, Request, RequestId, Sight};
use crate::{ApiFailure, LeaseName, Loss, Record, Timers, Token};

/// Where the test's time begins on the machine's clock.
const START: Duration = Duration::from_secs(1000);

pub(super) struct Bench {
    pub(super) machine: Machine,
    pub(super) at: Duration,
    /// By how much the calendar is ahead of where it began.
    pub(super) wall_ahead: Duration,
    pub(super) actions: VecDeque<Action>,
}

pub(super) fn config() -> Config {
    Config {
        lease: LeaseName::new("ns", "l"),
        identity: "me".into(),
        timers: Timers::default(),
        labels: [("app".to_owned(), "test".to_owned())].into(),
        release: true,
        stop_grace: Duration::from_secs(20),
        loss_grace: Duration::from_secs(3),
        mode: Mode::Classic,
        seed: 1,
    }
}

/// A lease with this holder, duration and resourceVersion; its stamps are those of another machine.
pub(super) fn lease(holder: &str, seconds: i32, version: u64) -> Lease {
    let mut lease = Lease::default();
    lease.metadata.namespace = "ns".to_owned();
    lease.metadata.name = "l".to_owned();
    lease.metadata.uid = "u1".to_owned();
    lease.metadata.resource_version = version.to_string();
    lease.spec.holder_identity = Some(holder.to_owned());
    lease.spec.lease_duration_seconds = Some(seconds);
    lease.spec.renew_time = Some(leasehold_api::MicroTime::new(i64::try_from(version).unwrap(), 0));
    lease.spec.lease_transitions = Some(7);
    lease
}

impl Bench {
    pub(super) fn new(config: Config) -> Self {
        let mut bench = Self {
            machine: Machine::new(config),
            at: Duration::ZERO,
            wall_ahead: Duration::ZERO,
            actions: VecDeque::new(),
        };
        bench.input(Input::Wake);
        bench
    }

    /// A machine that leads since second 0 with token 10, its first renewal not sent yet, and a working watch.
    pub(super) fn leading() -> Self {
        Self::leading_with(config())
    }

    pub(super) fn leading_with(config: Config) -> Self {
        let mut bench = Self::new(config);
        bench.see(None);
        bench.input(Input::Watching(true));
        let (id, lease) = bench.sent_create();
        bench.reply(id, Ok(stored(lease, 10)));
        assert_eq!(bench.lead().0, Token(10));
        bench.quiet();
        bench
    }

    pub(super) fn input(&mut self, input: Input) {
        let now = Now {
            mono: Monotonic(START + self.at),
            wall: SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000) + self.wall_ahead + self.at,
        };
        self.machine.handle(now, input);
        while let Some(action) = self.machine.next_action() {
            self.actions.push_back(action);
        }
        if let Some(wake) = self.machine.wake_at() {
            assert!(wake > now.mono, "would spin: {wake:?} at {now:?}: {:?}", self.machine);
        }
    }

    /// Goes on to `seconds`, waking the machine whenever it wants to.
    pub(super) fn until(&mut self, seconds: f64) {
        let end = Duration::from_secs_f64(seconds);
        while let Some(wake) = self
            .machine
            .wake_at()
            .map(|wake| wake.0 - START)
            .filter(|wake| *wake <= end)
        {
            self.at = wake;
            self.input(Input::Wake);
        }
        self.at = end;
    }

    /// Jumps to `seconds` as after a suspend, and wakes the machine once.
    pub(super) fn jump(&mut self, seconds: f64) {
        self.at = Duration::from_secs_f64(seconds);
        self.input(Input::Wake);
    }

    pub(super) fn see(&mut self, lease: Option<Lease>) {
        let sight = lease.map_or(Sight::Absent, |lease| Sight::Present(Box::new(lease)));
        self.input(Input::Seen(sight));
    }

    pub(super) fn reply(&mut self, request: RequestId, reply: Result<Lease, ApiFailure>) {
        let reply = reply.map(Some);
        self.input(Input::Reply { request, reply });
    }

    pub(super) fn reply_none(&mut self, request: RequestId) {
        let reply = Ok(None);
        self.input(Input::Reply { request, reply });
    }

    /// The next action that is not about whom we follow.
    pub(super) fn next(&mut self) -> Action {
        loop {
            match self.actions.pop_front().expect("an action is due") {
                Action::Follow { .. } | Action::Failed { .. } => {}
                action => return action,
            }
        }
    }

    /// Nothing was done, but for telling whom we follow and what failed.
    #[track_caller]
    pub(super) fn quiet(&mut self) {
        self.actions
            .retain(|action| !matches!(action, Action::Follow { .. } | Action::Failed { .. }));
        assert!(self.actions.is_empty(), "{:?}", self.actions);
    }

    #[track_caller]
    pub(super) fn sent_get(&mut self) -> RequestId {
        match self.next() {
            Action::Send(id, Request::Get) => id,
            other => panic!("not a get: {other:?}"),
        }
    }

    #[track_caller]
    pub(super) fn sent_create(&mut self) -> (RequestId, Lease) {
        match self.next() {
            Action::Send(id, Request::Create(lease)) => (id, *lease),
            other => panic!("not a create: {other:?}"),
        }
    }

    #[track_caller]
    pub(super) fn sent_update(&mut self) -> (RequestId, Lease) {
        match self.next() {
            Action::Send(id, Request::Update(lease)) => (id, *lease),
            other => panic!("not an update: {other:?}"),
        }
    }

    /// The term that began, and until when it is valid, in seconds of the test.
    #[track_caller]
    pub(super) fn lead(&mut self) -> (Token, f64) {
        match self.next() {
            Action::Lead { token, valid_until, .. } => (token, seconds(valid_until)),
            other => panic!("does not lead: {other:?}"),
        }
    }

    #[track_caller]
    pub(super) fn extended(&mut self) -> f64 {
        match self.next() {
            Action::Extend { valid_until, .. } => seconds(valid_until),
            other => panic!("not extended: {other:?}"),
        }
    }

    /// Work was told to stop: why, and by when it must have.
    #[track_caller]
    pub(super) fn stop_work(&mut self) -> (Loss, f64) {
        match self.next() {
            Action::StopWork { reason, end_by } => (reason, seconds(end_by)),
            other => panic!("work may go on: {other:?}"),
        }
    }

    #[track_caller]
    pub(super) fn revoked(&mut self) {
        let next = self.next();
        assert!(matches!(next, Action::Revoke), "{next:?}");
    }

    #[track_caller]
    pub(super) fn ended(&mut self) -> (Loss, bool) {
        match self.next() {
            Action::End { reason, released } => (reason, released),
            other => panic!("not ended: {other:?}"),
        }
    }

    #[track_caller]
    pub(super) fn finished(&mut self) {
        let next = self.next();
        assert!(matches!(next, Action::Finish(Ok(()))), "{next:?}");
    }

    /// Sends the renewal that is due now and has it done with this resourceVersion.
    #[track_caller]
    pub(super) fn renewal(&mut self, version: u64) {
        let (id, lease) = self.sent_update();
        self.reply(id, Ok(stored(lease, version)));
        self.extended();
    }
}

/// The lease as the server stores it.
pub(super) fn stored(mut lease: Lease, version: u64) -> Lease {
    lease.metadata.resource_version = version.to_string();
    if lease.metadata.uid.is_empty() {
        lease.metadata.uid = "u1".to_owned();
    }
    lease
}

pub(super) fn conflict() -> ApiFailure {
    ApiFailure::Conflict("changed".to_owned())
}

pub(super) fn unknown() -> ApiFailure {
    ApiFailure::Unknown("no answer".to_owned())
}

pub(super) fn seconds(at: Monotonic) -> f64 {
    (at.0 - START).as_secs_f64()
}

pub(super) fn record(lease: &Lease) -> Record {
    Record::of(lease)
}
