//! Whatever a lease says, the machine neither panics nor wraps nor spins.

use std::time::Duration;

use leasehold_api::MicroTime;
use leasehold_api::coordination::{Lease, LeaseSpec};
use proptest::option::of;
use proptest::prelude::*;

use super::bench::{Bench, config, conflict, stored, unknown};
use crate::machine::{Action, Input, Request, Sight};
use crate::{Loss, Record};

fn numbers() -> impl Strategy<Value = i32> {
    prop_oneof![
        Just(i32::MIN),
        Just(-1),
        Just(0),
        Just(1),
        Just(15),
        Just(i32::MAX - 1),
        Just(i32::MAX),
        any::<i32>()
    ]
}

fn times() -> impl Strategy<Value = MicroTime> {
    prop_oneof![
        Just(MicroTime::default()),
        (any::<i64>(), any::<i32>()).prop_map(|(seconds, nanos)| MicroTime::new(seconds, nanos)),
        (any::<i64>(), any::<i32>()).prop_map(|(seconds, nanos)| MicroTime { seconds, nanos }),
    ]
}

fn names() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        Just("me".to_owned()),
        Just("other".to_owned()),
        any::<String>()
    ]
}

prop_compose! {
    fn specs()(
        holder_identity in of(names()),
        lease_duration_seconds in of(numbers()),
        acquire_time in of(times()),
        renew_time in of(times()),
        lease_transitions in of(numbers()),
        strategy in of(names()),
        preferred_holder in of(names()),
    ) -> LeaseSpec {
        LeaseSpec {
            holder_identity,
            lease_duration_seconds,
            acquire_time,
            renew_time,
            lease_transitions,
            strategy,
            preferred_holder,
        }
    }
}

prop_compose! {
    fn leases()(spec in specs(), version in prop_oneof![
        any::<u64>().prop_map(|version| version.to_string()),
        (0..100_u64).prop_map(|version| version.to_string()),
        any::<String>(),
    ], uid in 0..3) -> Lease {
        let mut lease = Lease { spec, ..Lease::default() };
        lease.metadata.namespace = "ns".to_owned();
        lease.metadata.name = "l".to_owned();
        lease.metadata.resource_version = version;
        lease.metadata.uid = format!("u{uid}");
        lease
    }
}

/// What may happen next to a machine.
#[derive(Clone, Debug)]
enum Step {
    Pass(Duration),
    See(Box<Lease>),
    Deleted(Box<Lease>),
    Absent,
    Watching(bool),
    GiveUp,
    WorkEnded,
    /// Answers the last request: as asked, refused, lost, with another lease, with none.
    Done,
    Conflict,
    Unknown,
    Other(Box<Lease>),
    None,
}

fn steps() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..20_000_u64).prop_map(|millis| Step::Pass(Duration::from_millis(millis))),
        1 => any::<u64>().prop_map(|seconds| Step::Pass(Duration::from_secs(seconds >> 30))),
        3 => leases().prop_map(|lease| Step::See(Box::new(lease))),
        1 => leases().prop_map(|lease| Step::Deleted(Box::new(lease))),
        1 => Just(Step::Absent),
        1 => any::<bool>().prop_map(Step::Watching),
        1 => Just(Step::GiveUp),
        2 => Just(Step::WorkEnded),
        6 => Just(Step::Done),
        2 => Just(Step::Conflict),
        2 => Just(Step::Unknown),
        2 => leases().prop_map(|lease| Step::Other(Box::new(lease))),
        1 => Just(Step::None),
    ]
}

/// The last request, if any, as an input that answers it.
fn last_request(bench: &mut Bench) -> Option<(crate::machine::RequestId, Request)> {
    let mut last = None;
    while let Some(action) = bench.actions.pop_front() {
        if let Action::Send(id, request) = action {
            last = Some((id, request));
        }
    }
    last
}

fn answer(bench: &mut Bench, request: (crate::machine::RequestId, Request), step: Step, version: &mut u64) {
    let (id, request) = request;
    *version += 1;
    match (step, request) {
        (Step::Done, Request::Get) => {
            let seen = bench.machine.view.seen().map(|seen| seen.lease.clone());
            bench.input(Input::Reply {
                request: id,
                reply: Ok(seen),
            });
        }
        (Step::Done, Request::Create(lease) | Request::Update(lease)) => bench.reply(id, Ok(stored(*lease, *version))),
        (Step::Conflict, _) => bench.reply(id, Err(conflict())),
        (Step::Other(lease), _) => bench.reply(id, Ok(*lease)),
        (Step::None, _) => bench.reply_none(id),
        _ => bench.reply(id, Err(unknown())),
    }
}

fn take(bench: &mut Bench, step: Step, version: &mut u64, open: &mut Option<(crate::machine::RequestId, Request)>) {
    match step {
        Step::Pass(time) => {
            bench.at = bench.at.saturating_add(time).min(Duration::from_secs(u64::MAX >> 8));
            bench.input(Input::Wake);
        }
        Step::See(lease) => bench.input(Input::Seen(Sight::Present(lease))),
        Step::Deleted(lease) => bench.input(Input::Seen(Sight::Deleted(lease))),
        Step::Absent => bench.input(Input::Seen(Sight::Absent)),
        Step::Watching(watching) => bench.input(Input::Watching(watching)),
        Step::GiveUp => bench.input(Input::StepDown(Loss::SteppedDown)),
        Step::WorkEnded => bench.input(Input::WorkEnded),
        step => {
            if let Some(request) = open.take() {
                answer(bench, request, step, version);
            }
        }
    }
}

proptest! {
    #[test]
    fn any_record_is_read_and_written_back_in_client_go_s_form(spec in specs(), now in times()) {
        let record = Record::of(&Lease { spec: spec.clone(), ..Lease::default() });
        prop_assert!(record.holder.as_deref() != Some(""));
        prop_assert!(record.duration != Some(Duration::ZERO));
        prop_assert!(record.transitions >= 0);
        let taken = record.taken_by("me", Duration::from_secs(15), now);
        prop_assert!(taken.transitions >= record.transitions, "it never wraps");
        for next in [taken.clone(), taken.renewed(Duration::from_secs(15), now), record.released(now)] {
            let mut written = spec.clone();
            next.write_to(&mut written);
            prop_assert!(written.holder_identity.is_some());
            prop_assert!(written.lease_duration_seconds.is_some_and(|seconds| seconds >= 1));
            prop_assert!(written.lease_transitions.is_some_and(|count| count >= 0));
            prop_assert_eq!(&written.strategy, &spec.strategy);
            let read = Record::of(&Lease { spec: written, ..Lease::default() });
            prop_assert_eq!(read.holder, next.holder);
            prop_assert_eq!(read.transitions, next.transitions);
        }
    }

    #[test]
    fn any_course_of_events_keeps_the_rules(steps in prop::collection::vec(steps(), 1..60)) {
        let mut bench = Bench::new(config());
        let (mut version, mut open) = (1000, None);
        let mut course = Course::default();
        for step in steps {
            course.work_ended |= matches!(step, Step::WorkEnded) && course.stopping;
            take(&mut bench, step, &mut version, &mut open);
            course.follow(&bench);
            if let Some(request) = last_request(&mut bench) {
                open = Some(request);
            }
        }
    }
}

/// What must be true of the actions of any course.
#[derive(Default)]
struct Course {
    leading: bool,
    /// Work was told to stop.
    stopping: bool,
    /// And it did.
    work_ended: bool,
    highest: u64,
}

impl Course {
    fn follow(&mut self, bench: &Bench) {
        for action in &bench.actions {
            match action {
                Action::Lead { token, .. } => {
                    assert!(
                        !self.leading && token.0 > self.highest,
                        "{token} after {}",
                        self.highest
                    );
                    let highest = token.0;
                    *self = Self {
                        leading: true,
                        highest,
                        ..Self::default()
                    };
                }
                Action::StopWork { .. } => {
                    assert!(self.leading);
                    self.stopping = true;
                }
                Action::Send(_, Request::Create(lease) | Request::Update(lease)) => {
                    let released = Record::of(lease).holder.is_none();
                    assert!(
                        !released || !self.leading || self.work_ended,
                        "released while work may run"
                    );
                }
                Action::End { .. } => {
                    assert!(self.leading && self.work_ended, "ended while work may run");
                    self.leading = false;
                }
                _ => {}
            }
        }
    }
}
