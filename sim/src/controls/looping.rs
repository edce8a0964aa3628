//! The loop: look at the lease every retry period, take it when it is vacant, renew it, give it back.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Either, select};
use leasehold_api::MicroTime;
use leasehold_api::coordination::Lease;
use leasehold_clock::{Clock, Monotonic};
use leasehold_election::{ApiFailure, LeaseApi, Record, Timers};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::Flaw;
use super::term::LoopTerm;
use crate::api::NAMESPACE;
use crate::contender::{LEASE, Seat, timers};

/// Campaigns until told to stop.
pub(crate) async fn campaign(flaw: Flaw, seat: Seat) {
    let mut candidate = Candidate {
        flaw,
        timers: timers(seat.timing),
        dice: StdRng::seed_from_u64(seat.seed),
        seen: None,
        seat,
    };
    while !candidate.seat.stop.is_cancelled() {
        if let Some((lease, sent)) = candidate.acquire().await {
            candidate.lead(lease, sent).await;
        }
    }
}

/// One candidate.
struct Candidate {
    flaw: Flaw,
    timers: Timers,
    dice: StdRng,
    seat: Seat,
    /// The record seen last, and when it changed.
    seen: Option<(Record, Monotonic)>,
}

/// The lease as it was found, and as it is now if it was vacant and is ours.
type Tried = Result<(Option<Lease>, Option<Lease>), ApiFailure>;

/// What came of a try to renew.
enum Renewal {
    Done(Box<Lease>, Monotonic),
    Taken,
    Failed,
}

impl Candidate {
    /// One look at the lease, and a try to take it if it is vacant; then a rest.
    async fn acquire(&mut self) -> Option<(Lease, Monotonic)> {
        let sent = self.now();
        let taken = self.bounded(self.timers.request_timeout, self.try_to_take()).await;
        let (found, taken) = match taken {
            Some(Ok(outcome)) => outcome,
            _ => (None, None),
        };
        if let Some(lease) = taken {
            return Some((lease, sent));
        }
        found.iter().for_each(|lease| self.observe(lease));
        let rest = self.timers.retry_period.mul_f64(self.dice.random_range(1.0..2.2));
        self.rest(rest).await;
        None
    }

    fn try_to_take(&self) -> BoxFuture<'static, Tried> {
        let api = Arc::clone(&self.seat.api);
        let (identity, duration) = (self.seat.identity.clone(), self.timers.lease_duration);
        let (seen, now, wall, flaw) = (self.seen.clone(), self.now(), self.wall(), self.flaw);
        async move {
            let Some(mut lease) = api.get(NAMESPACE, LEASE).await? else {
                let mut lease = Lease::default();
                lease.metadata.name = LEASE.to_owned();
                lease.metadata.namespace = NAMESPACE.to_owned();
                Record::first(&identity, duration, stamp(wall)).write_to(&mut lease.spec);
                return Ok((None, Some(api.create(lease).await?)));
            };
            let record = Record::of(&lease);
            if !is_vacant(&record, seen.as_ref(), now, wall, flaw) {
                return Ok((Some(lease), None));
            }
            record
                .taken_by(&identity, duration, stamp(wall))
                .write_to(&mut lease.spec);
            Ok((None, Some(api.update(lease).await?)))
        }
        .boxed()
    }

    fn observe(&mut self, lease: &Lease) {
        let record = Record::of(lease);
        if self.seen.as_ref().is_none_or(|(seen, _)| *seen != record) {
            self.seen = Some((record, self.now()));
        }
    }

    /// From the write that took the lease to the end of its work and the release.
    async fn lead(&mut self, lease: Lease, sent: Monotonic) {
        let valid_until = (self.flaw != Flaw::DeadlineFromReply).then(|| sent + self.timers.validity());
        if valid_until.is_some_and(|until| until <= self.now()) {
            // The reply came too late.
            return self.observe(&lease);
        }
        let term = LoopTerm::new(Arc::clone(&self.seat.clock), token(&lease, self.flaw), valid_until);
        let mut work = tokio::spawn(self.seat.workshop.work(term.clone()));
        let kept = self.keep(&term, lease, sent);
        let (kept, finished) = match select(std::pin::pin!(kept), &mut work).await {
            Either::Left((kept, _)) => (Some(kept), false),
            Either::Right(_) => (None, true),
        };
        self.give_up(&term, kept.flatten(), work, finished).await;
    }

    /// Renews until that fails for too long, or somebody asks for the end; returns the lease if it is still ours.
    async fn keep(&self, term: &LoopTerm, mut lease: Lease, sent: Monotonic) -> Option<Lease> {
        let mut deadline = self.deadline(sent);
        loop {
            let rested = Box::pin(self.rest(self.timers.retry_period));
            let asked = select(rested, Box::pin(term.stepped_down.cancelled())).await;
            if matches!(asked, Either::Right(_)) || self.seat.stop.is_cancelled() {
                return Some(lease);
            }
            if self.flaw == Flaw::DeadlineFromReply {
                // As client-go: each round of renewing has all of the deadline, from when it begins.
                deadline = deadline.max(self.now() + self.timers.renew_deadline);
            }
            loop {
                match self.renew(&lease, deadline).await {
                    Renewal::Taken => return None,
                    Renewal::Done(renewed, sent) => {
                        lease = *renewed;
                        deadline = self.deadline(sent);
                        self.extend(term, sent);
                        break;
                    }
                    Renewal::Failed if self.now() >= deadline => return Some(lease),
                    Renewal::Failed => self.rest_until(deadline).await,
                }
            }
            if self.now() >= deadline {
                // The reply is an old one: this machine has slept.
                return Some(lease);
            }
        }
    }

    fn extend(&self, term: &LoopTerm, sent: Monotonic) {
        if self.flaw != Flaw::DeadlineFromReply {
            term.extend(sent + self.timers.validity());
        }
    }

    fn deadline(&self, sent: Monotonic) -> Monotonic {
        let from = if self.flaw == Flaw::DeadlineFromReply {
            self.now()
        } else {
            sent
        };
        from + self.timers.renew_deadline
    }

    async fn renew(&self, lease: &Lease, deadline: Monotonic) -> Renewal {
        let sent = self.now();
        let left = deadline.since(sent);
        let timeout = match self.flaw {
            Flaw::DeadlineFromReply => left,
            _ => left.min(self.timers.request_timeout),
        };
        let mut renewed = lease.clone();
        let record = Record::of(lease).renewed(self.timers.lease_duration, stamp(self.wall()));
        record.write_to(&mut renewed.spec);
        match self.bounded(timeout, self.seat.api.update(renewed)).await {
            Some(Ok(lease)) => Renewal::Done(Box::new(lease), sent),
            Some(Err(ApiFailure::Conflict(_) | ApiFailure::NotFound(_))) => self.look_again(deadline).await,
            _ => Renewal::Failed,
        }
    }

    /// After a conflict: is it ours, by a write whose reply never came, and then renewed once more?
    async fn look_again(&self, deadline: Monotonic) -> Renewal {
        let found = self
            .bounded(deadline.since(self.now()), self.seat.api.get(NAMESPACE, LEASE))
            .await;
        let Some(Ok(found)) = found else { return Renewal::Failed };
        let Some(mut lease) = found.filter(|lease| self.is_ours(lease)) else {
            return Renewal::Taken;
        };
        let sent = self.now();
        let record = Record::of(&lease).renewed(self.timers.lease_duration, stamp(self.wall()));
        record.write_to(&mut lease.spec);
        match self.bounded(deadline.since(sent), self.seat.api.update(lease)).await {
            Some(Ok(lease)) => Renewal::Done(Box::new(lease), sent),
            _ => Renewal::Failed,
        }
    }

    fn is_ours(&self, lease: &Lease) -> bool {
        lease.spec.holder_identity.as_deref() == Some(&*self.seat.identity)
    }

    /// Ends the work and releases the lease, in the order that the flaw has.
    async fn give_up(
        &mut self,
        term: &LoopTerm,
        lease: Option<Lease>,
        work: tokio::task::JoinHandle<()>,
        finished: bool,
    ) {
        let lease = match self.flaw {
            // A cached belief, and a fresh record.
            Flaw::BlanksAnother => self.fresh().await,
            _ => lease,
        };
        let release = lease.map(|lease| self.release(lease));
        if self.flaw == Flaw::ReleaseBeforeCancel {
            release.into_iter().collect::<futures_util::future::JoinAll<_>>().await;
            term.revoke();
            term.lost.cancel();
            if !finished {
                let _ended = work.await;
            }
            return;
        }
        term.lost.cancel();
        if self.flaw != Flaw::ReleaseBeforeWorkEnds && !finished {
            let _ended = work.await;
        }
        term.revoke();
        release.into_iter().collect::<futures_util::future::JoinAll<_>>().await;
        self.seen = None;
    }

    async fn fresh(&self) -> Option<Lease> {
        let found = self
            .bounded(self.timers.request_timeout, self.seat.api.get(NAMESPACE, LEASE))
            .await;
        found?.ok()?
    }

    fn release(&self, mut lease: Lease) -> BoxFuture<'static, ()> {
        let record = Record::of(&lease).released(stamp(self.wall()));
        record.write_to(&mut lease.spec);
        let (api, clock) = (Arc::clone(&self.seat.api), Arc::clone(&self.seat.clock));
        let until = self.now() + self.timers.request_timeout;
        async move {
            let _whatever = select(api.update(lease), clock.sleep_until(until)).await;
        }
        .boxed()
    }

    fn now(&self) -> Monotonic {
        self.seat.clock.now()
    }

    fn wall(&self) -> SystemTime {
        self.seat.clock.wall()
    }

    async fn bounded<T>(&self, timeout: Duration, future: impl Future<Output = T> + Send) -> Option<T> {
        let late = self.seat.clock.sleep_until(self.now() + timeout);
        match select(std::pin::pin!(future), late).await {
            Either::Left((done, _)) => Some(done),
            Either::Right(_) => None,
        }
    }

    /// Sleeps, or ends sooner when told to stop.
    async fn rest(&self, span: Duration) {
        let over = self.seat.clock.sleep_until(self.now() + span);
        select(over, Box::pin(self.seat.stop.cancelled())).await;
    }

    /// A retry period, or less when the deadline comes before.
    async fn rest_until(&self, deadline: Monotonic) {
        let next = self.now() + self.timers.retry_period;
        self.seat.clock.sleep_until(next.min(deadline)).await;
    }
}

fn is_vacant(
    record: &Record,
    seen: Option<&(Record, Monotonic)>,
    now: Monotonic,
    wall: SystemTime,
    flaw: Flaw,
) -> bool {
    if record.holder.is_none() {
        return true;
    }
    let duration = record.duration.unwrap_or(Duration::from_secs(1));
    if flaw == Flaw::WallClock {
        let expires = record.renew_time.map(|renewed| nanos_of(renewed) + duration.as_nanos());
        return expires.is_none_or(|expires| nanos_of(stamp(wall)) > expires);
    }
    seen.is_some_and(|(seen, at)| seen == record && now.since(*at) >= duration)
}

fn token(lease: &Lease, flaw: Flaw) -> u64 {
    match flaw {
        Flaw::TransitionsAsToken => u64::try_from(lease.spec.lease_transitions.unwrap_or(0)).unwrap_or(0),
        _ => lease.metadata.resource_version.parse().unwrap_or(0),
    }
}

fn stamp(wall: SystemTime) -> MicroTime {
    MicroTime::from_system(wall)
}

fn nanos_of(time: MicroTime) -> u128 {
    let seconds = u128::try_from(time.seconds).unwrap_or(0);
    seconds * 1_000_000_000 + u128::try_from(time.nanos).unwrap_or(0)
}
