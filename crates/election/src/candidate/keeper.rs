//! Keeps a LeaseCandidate: creates it, answers pings, renews it now and then, and deletes it in the end.
//!
//! A ping is a `pingTime` that was not answered yet. Nothing is concluded from what time it says: upstream's controller
//! writes its own clock there, Leasehold's a little more than the candidate's. The answer is a `renewTime` that is not
//! before it, which both take for one.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use leasehold_api::MicroTime;
use leasehold_api::coordination::{LeaseCandidate, LeaseCandidateSpec};
use leasehold_clock::{Clock, Monotonic};
use tokio_util::sync::CancellationToken;

use super::{CandidateApi, CandidateSights};
use crate::jitter::Jitter;
use crate::machine::Now;
use crate::requests::{REQUEST_TIMEOUT, within};
use crate::stamps::Stamps;
use crate::{ApiFailure, LeaseName};

/// How often a candidate says unasked that it is there. The server forgets those it has not heard of for 30 minutes.
const RENEW_EVERY: Duration = Duration::from_secs(300);
/// How long to wait after a failure, and between two looks while there is no watch. The server waits 5 s for an answer.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How much longer than that it may be, so that candidates do not ask together.
const SPREAD: f64 = 0.2;

/// What a candidate says of itself.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    pub(super) name: LeaseName,
    pub(super) lease_name: String,
    pub(super) binary_version: String,
    pub(super) emulation_version: String,
    pub(super) strategy: String,
}

pub(super) struct Keeper {
    api: Arc<dyn CandidateApi>,
    clock: Arc<dyn Clock>,
    facts: Facts,
    jitter: Jitter,
    stamps: Stamps,
    /// The object as it was seen last; `None` when there is none.
    known: Option<LeaseCandidate>,
    /// The ping that was answered last.
    answered: Option<MicroTime>,
    renew_at: Monotonic,
}

impl Keeper {
    pub(super) fn new(api: Arc<dyn CandidateApi>, clock: Arc<dyn Clock>, facts: Facts, seed: u64) -> Self {
        Self {
            api,
            clock,
            facts,
            jitter: Jitter(seed),
            stamps: Stamps::default(),
            known: None,
            answered: None,
            renew_at: Monotonic::default(),
        }
    }

    /// Keeps it until told to stop.
    pub(super) async fn keep(mut self, stop: CancellationToken) {
        tokio::select! {
            biased;
            () = stop.cancelled() => {}
            () = self.stand() => {}
        }
        let LeaseName { namespace, name } = &self.facts.name;
        let delete = self.api.delete_candidate(namespace, name);
        if let Err(failure) = within(&*self.clock, REQUEST_TIMEOUT, delete).await {
            tracing::warn!(candidate = %self.facts.name, %failure, "the candidate was not deleted; the server forgets it in time");
        }
    }

    async fn stand(&mut self) {
        loop {
            let failure = match self.watch().await {
                Ok(sights) => self.attend(sights).await,
                Err(failure) => self.look().await.err().or(Some(failure)),
            };
            // A watch that merely ends is begun again at once.
            if let Some(failure) = failure {
                let name = &self.facts.name;
                match failure {
                    ApiFailure::Unknown(_) => tracing::debug!(candidate = %name, %failure, "keeping it failed"),
                    _ => tracing::warn!(candidate = %name, %failure, "keeping the candidate failed"),
                }
                let pause = self.jitter.stretch(LOOK_EVERY, SPREAD);
                self.clock.sleep_until(self.clock.now() + pause).await;
            }
        }
    }

    async fn watch(&self) -> Result<CandidateSights, ApiFailure> {
        let LeaseName { namespace, name } = &self.facts.name;
        within(&*self.clock, REQUEST_TIMEOUT, self.api.watch_candidate(namespace, name)).await
    }

    /// Answers what the watch tells, until it ends or something fails.
    async fn attend(&mut self, mut sights: CandidateSights) -> Option<ApiFailure> {
        loop {
            let clock = Arc::clone(&self.clock);
            tokio::select! {
                biased;
                sight = sights.next() => match sight {
                    Some(Ok(sight)) => self.see(sight),
                    Some(Err(failure)) => return Some(failure),
                    None => return None,
                },
                () = clock.sleep_until(self.renew_at), if self.known.is_some() => {}
            }
            if let Err(failure) = self.act().await {
                return Some(failure);
            }
        }
    }

    fn see(&mut self, sight: Option<LeaseCandidate>) {
        let version = |candidate: &LeaseCandidate| candidate.metadata.resource_version.parse::<u64>().ok();
        let known = self.known.as_ref().and_then(version);
        // A watch may lag behind the replies to our own writes.
        let is_old = sight
            .as_ref()
            .and_then(version)
            .is_some_and(|seen| known.is_some_and(|known| seen < known));
        if !is_old {
            self.known = sight;
        }
    }

    /// The same for one look, where there is no watch.
    async fn look(&mut self) -> Result<(), ApiFailure> {
        let LeaseName { namespace, name } = &self.facts.name;
        self.known = within(&*self.clock, REQUEST_TIMEOUT, self.api.get_candidate(namespace, name)).await?;
        self.act().await
    }

    /// Writes what there is to be said, if anything.
    async fn act(&mut self) -> Result<(), ApiFailure> {
        if !self.is_due() {
            return Ok(());
        }
        let ping = self.known.as_ref().and_then(|known| known.spec.ping_time);
        let candidate = self.next();
        let written = match &self.known {
            Some(_) => self.api.update_candidate(candidate),
            None => self.api.create_candidate(candidate),
        };
        self.known = Some(within(&*self.clock, REQUEST_TIMEOUT, written).await?);
        self.answered = ping.or(self.answered);
        self.renew_at = self.clock.now() + RENEW_EVERY;
        Ok(())
    }

    fn is_due(&self) -> bool {
        let Some(known) = &self.known else {
            return true;
        };
        let spec = &known.spec;
        let asked = spec
            .ping_time
            .is_some_and(|ping| !ping.is_zero() && Some(ping) != self.answered);
        asked || self.clock.now() >= self.renew_at || !self.facts.are_told_by(spec)
    }

    /// The object with what is to be said now.
    fn next(&mut self) -> LeaseCandidate {
        let stamp = self.stamps.next(Now::on(&*self.clock));
        let mut candidate = self.known.clone().unwrap_or_default();
        let Facts {
            name: LeaseName { namespace, name },
            lease_name,
            binary_version,
            emulation_version,
            strategy,
        } = self.facts.clone();
        candidate.metadata.managed_fields.clear();
        (candidate.metadata.namespace, candidate.metadata.name) = (namespace, name);
        let ping_time = candidate.spec.ping_time;
        candidate.spec = LeaseCandidateSpec {
            lease_name,
            ping_time,
            renew_time: Some(ping_time.map_or(stamp, |ping| ping.max(stamp))),
            binary_version,
            emulation_version,
            strategy,
        };
        candidate
    }
}

impl Facts {
    fn are_told_by(&self, spec: &LeaseCandidateSpec) -> bool {
        spec.lease_name == self.lease_name
            && spec.binary_version == self.binary_version
            && spec.emulation_version == self.emulation_version
            && spec.strategy == self.strategy
    }
}

impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keeper")
            .field("facts", &self.facts)
            .finish_non_exhaustive()
    }
}
