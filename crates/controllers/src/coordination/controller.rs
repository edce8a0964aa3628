//! Sees leases and candidates, and carries out what is decided about them.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use leasehold_api::codec::protobuf;
use leasehold_api::coordination::{Lease, LeaseCandidate};
use leasehold_api::{ApiError, MicroTime};
use leasehold_clock::Monotonic;
use leasehold_registry::resources::{LEASE_CANDIDATES, LEASES};
use leasehold_registry::{Place, Registry};
use leasehold_store::{Change, ChangeKind, Key, Range, Revision};

use super::ANSWER;
use super::candidate::{Candidate, Chore};
use super::decide::{Failed, Group, Step, Verdict, decide};
use super::figures::{ElectionFigures, ElectionOutcome};
use super::term::{Seen, Term};
use crate::driver::{Controller, Outcome};
use crate::follow::{Follower, News};
use crate::writes::{self, Wrote};

const NAME: &str = "leader-election-controller";
/// How long a lease that was just given lasts until its holder renews it, as in Kubernetes.
const DURATION_SECONDS: i32 = 5;
/// How many leases are told of in the status.
const TOLD: usize = 8;

/// Namespace and name.
type Name = (Arc<str>, Arc<str>);

/// Elects among candidates, and deletes those that are gone.
pub struct CoordinatedElection {
    follower: Follower,
    /// Whether candidates have been listed once: what comes after that has just come.
    has_begun: bool,
    candidates: BTreeMap<Name, Candidate>,
    leases: BTreeMap<Name, Seen>,
    /// What was last said about each lease.
    told: BTreeMap<Name, String>,
    figures: Arc<ElectionFigures>,
}

/// What an activation has come to so far.
#[derive(Default)]
struct Sum {
    did: Vec<String>,
    wake: Option<Monotonic>,
}

impl Sum {
    fn wake(&mut self, at: Option<Monotonic>) {
        self.wake = [self.wake, at].into_iter().flatten().min();
    }
}

impl CoordinatedElection {
    /// Counts what it does in `figures`.
    #[must_use]
    pub fn new(figures: Arc<ElectionFigures>) -> Self {
        Self {
            follower: Follower::of(Range::Resource(LEASE_CANDIDATES.storage)),
            has_begun: false,
            candidates: BTreeMap::new(),
            leases: BTreeMap::new(),
            told: BTreeMap::new(),
            figures,
        }
    }

    async fn elect(&mut self, registry: &Registry) -> Result<Outcome, ApiError> {
        let now = registry.clock().now();
        self.look(registry, now).await?;
        let mut sum = Sum::default();
        self.chores(registry, now, &mut sum).await;
        let groups = self.groups();
        self.leases.retain(|name, _| groups.contains_key(name));
        self.told.retain(|name, _| groups.contains_key(name));
        self.figures.set(self.candidates.len(), groups.len());
        for (lease, candidates) in groups {
            if let Err(error) = self.step(registry, now, &lease, &candidates, &mut sum).await {
                self.give_up(now, &lease, &error, &mut sum);
            }
        }
        Ok(Outcome {
            did: sum.did.join("; "),
            again_in: sum.wake.map(|wake| wake.since(now)),
        })
    }

    /// Takes up what has happened to candidates.
    async fn look(&mut self, registry: &Registry, now: Monotonic) -> Result<(), ApiError> {
        match self.follower.look(&**registry.store()).await? {
            News::Everything(entries) => {
                let there: HashSet<_> = entries.iter().map(|entry| name(&entry.key)).collect();
                self.candidates.retain(|name, _| there.contains(name));
                for entry in entries {
                    self.candidate(&entry.key, &entry.value, entry.revision, now);
                }
            }
            News::Changes(changes) => changes.iter().for_each(|change| self.changed(change, now)),
        }
        self.has_begun = true;
        Ok(())
    }

    fn changed(&mut self, change: &Change, now: Monotonic) {
        match &change.kind {
            ChangeKind::Put(value) => self.candidate(&change.key, value, change.revision, now),
            ChangeKind::Delete => drop(self.candidates.remove(&name(&change.key))),
        }
    }

    fn candidate(&mut self, key: &Key, value: &Bytes, revision: Revision, now: Monotonic) {
        let object = protobuf::from_stored(&LEASE_CANDIDATES.stored.1, value);
        let object = object
            .ok()
            .and_then(|object| object.downcast_ref::<LeaseCandidate>().cloned());
        let Some(mut object) = object else {
            tracing::error!(candidate = %key.name, "what is stored is no candidate");
            return;
        };
        object.metadata.resource_version = revision.to_string();
        match self.candidates.get_mut(&name(key)) {
            Some(known) => known.changed(object, now),
            None => drop(
                self.candidates
                    .insert(name(key), Candidate::new(object, self.has_begun, now)),
            ),
        }
    }

    /// Candidates by the lease that they would hold.
    fn groups(&self) -> BTreeMap<Name, Vec<Name>> {
        let mut groups: BTreeMap<Name, Vec<Name>> = BTreeMap::new();
        for (name, candidate) in &self.candidates {
            let lease = (name.0.clone(), Arc::from(candidate.object.spec.lease_name.as_str()));
            groups.entry(lease).or_default().push(name.clone());
        }
        groups
    }

    /// What candidates need apart from any election.
    async fn chores(&mut self, registry: &Registry, now: Monotonic, sum: &mut Sum) {
        let due = self.candidates.iter();
        let due: Vec<_> = due
            .filter_map(|(name, candidate)| Some((name.clone(), candidate.chore(now)?)))
            .collect();
        for (name, chore) in due {
            let (object, place) = (self.candidates[&name].object.clone(), candidate_place(&name));
            let wrote = match chore {
                Chore::Delete => writes::delete(registry, &place, &object.metadata, NAME).await,
                Chore::ClearPing => {
                    let mut object = object;
                    object.spec.ping_time = None;
                    writes::update(registry, &place, object, NAME).await
                }
            };
            if matches!(wrote, Ok(Wrote::Done)) {
                self.figures.wrote();
            }
            match wrote {
                Ok(Wrote::Done) if chore == Chore::Delete => {
                    self.candidates.remove(&name);
                    sum.did
                        .push(format!("deleted candidate {}, not heard from for long", shown(&name)));
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(controller = NAME, candidate = shown(&name), %error, "will try again");
                    sum.wake(Some(now + ANSWER));
                }
            }
        }
    }

    /// Decides about one lease, and does it.
    async fn step(
        &mut self,
        registry: &Registry,
        now: Monotonic,
        name: &Name,
        candidates: &[Name],
        sum: &mut Sum,
    ) -> Result<(), ApiError> {
        if let Some(again) = self.leases.get(name).and_then(|seen| seen.failed_until(now)) {
            sum.wake(Some(again));
            return Ok(());
        }
        let lease = writes::get::<Lease>(registry, &lease_place(name)).await?;
        let seen = self.leases.entry(name.clone());
        let seen = seen.or_insert_with(|| Seen::new(lease.as_ref(), now));
        seen.look(lease.as_ref(), now);
        let verdict = decide(
            now,
            &Group {
                candidates: candidates.iter().map(|name| &self.candidates[name]).collect(),
                lease: lease.as_ref(),
                seen,
            },
        );
        seen.round = verdict.round;
        let outcome = outcome(&verdict, &seen.term(now));
        let before = self.told.insert(name.clone(), verdict.why.clone());
        sum.wake(verdict.wake);
        let has_written = self.carry_out(registry, now, name, lease, &verdict.step).await?;
        // A failure lasts for a while, and is one.
        let is_news = has_written || verdict.failed.is_some() && before.as_ref() != Some(&verdict.why);
        if let Some(outcome) = outcome.filter(|_| is_news) {
            self.figures.count(outcome);
        }
        if has_written {
            if !matches!(verdict.step, Step::Ping(_)) {
                sum.did.push(format!("{}: {}", shown(name), verdict.why));
            }
            // What was written changes what there is to wait for. It also wakes us, but only if it is watched already.
            sum.wake(Some(now));
        }
        Ok(())
    }

    /// What cannot be done for one lease, such as one in a namespace that is being deleted, does not keep the others.
    fn give_up(&mut self, now: Monotonic, name: &Name, error: &ApiError, sum: &mut Sum) {
        let lease = shown(name);
        tracing::warn!(controller = NAME, lease, %error, "will try again");
        self.told.insert(name.clone(), error.to_string());
        let seen = self.leases.entry(name.clone()).or_insert_with(|| Seen::new(None, now));
        seen.note_failure(now);
        sum.wake(seen.failed_until(now));
    }

    /// False when there was nothing to write, or somebody else's write came between: that one wakes us.
    async fn carry_out(
        &mut self,
        registry: &Registry,
        now: Monotonic,
        name: &Name,
        lease: Option<Lease>,
        step: &Step,
    ) -> Result<bool, ApiError> {
        let mut lease = lease.unwrap_or_default();
        let stamp = MicroTime::from_system(registry.clock().wall());
        let place = lease_place(name);
        let wrote = match step {
            Step::Rest => return Ok(false),
            Step::Ping(names) => return self.ping(registry, now, &name.0, names).await,
            Step::Create { strategy, holder } => {
                lease.metadata.name = name.1.to_string();
                assign(&mut lease, strategy, holder.as_deref(), stamp);
                let place = Place::collection(&LEASES, &name.0);
                writes::create(registry, &place, lease.clone(), NAME).await?
            }
            Step::Give { strategy, holder } => {
                assign(&mut lease, strategy, Some(holder), stamp);
                writes::update(registry, &place, lease.clone(), NAME).await?
            }
            Step::Correct { strategy, preferred } => {
                lease.spec.strategy = Some(strategy.clone());
                lease.spec.preferred_holder.clone_from(preferred);
                writes::update(registry, &place, lease.clone(), NAME).await?
            }
        };
        if wrote == Wrote::Outrun {
            return Ok(false);
        }
        self.figures.wrote();
        if let Some(seen) = self.leases.get_mut(name) {
            match step {
                Step::Correct { .. } => seen.note_correction(now),
                _ => seen.give(&lease, now),
            }
            seen.note_success();
        }
        Ok(true)
    }

    /// Asks candidates whether they are there.
    async fn ping(
        &mut self,
        registry: &Registry,
        now: Monotonic,
        namespace: &Arc<str>,
        names: &[String],
    ) -> Result<bool, ApiError> {
        let mut any = false;
        for name in names {
            let name = (namespace.clone(), Arc::from(name.as_str()));
            let Some(candidate) = self.candidates.get_mut(&name) else {
                continue;
            };
            let mut object = candidate.object.clone();
            object.spec.ping_time = Some(candidate.next_ping());
            if writes::update(registry, &candidate_place(&name), object, NAME).await? == Wrote::Done {
                candidate.note_ping(now);
                self.figures.wrote();
                any = true;
            }
        }
        Ok(any)
    }
}

/// What the election comes to, if the step can be taken.
fn outcome(verdict: &Verdict, term: &Term<'_>) -> Option<ElectionOutcome> {
    Some(match (&verdict.step, verdict.failed) {
        (Step::Create { .. }, _) => ElectionOutcome::Created,
        (Step::Give { .. }, _) if *term == Term::Expired => ElectionOutcome::Expired,
        (Step::Give { .. }, _) => ElectionOutcome::Vacant,
        (Step::Correct { preferred: Some(_), .. }, _) => ElectionOutcome::Preferred,
        (_, Some(Failed::Unanswered)) => ElectionOutcome::Unanswered,
        (_, Some(Failed::Conflict)) => ElectionOutcome::Conflict,
        _ => return None,
    })
}

/// Makes the lease a candidate's, or nobody's.
fn assign(lease: &mut Lease, strategy: &str, holder: Option<&str>, stamp: MicroTime) {
    let spec = &mut lease.spec;
    // Kubernetes leaves the count alone; it is what says how often the lease has changed hands.
    if spec.holder_identity.as_deref() != holder && !lease.metadata.uid.is_empty() {
        spec.lease_transitions = Some(spec.lease_transitions.unwrap_or(0).saturating_add(1));
    }
    spec.holder_identity = holder.map(str::to_owned);
    spec.strategy = Some(strategy.to_owned());
    spec.lease_duration_seconds = Some(DURATION_SECONDS);
    spec.renew_time = Some(stamp);
    spec.preferred_holder = None;
    spec.acquire_time = None;
}

fn name(key: &Key) -> Name {
    (key.namespace.clone(), key.name.clone())
}

fn shown(name: &Name) -> String {
    format!("{}/{}", name.0, name.1)
}

fn lease_place(name: &Name) -> Place {
    Place::collection(&LEASES, &name.0).named(&name.1)
}

fn candidate_place(name: &Name) -> Place {
    Place::collection(&LEASE_CANDIDATES, &name.0).named(&name.1)
}

impl Controller for CoordinatedElection {
    fn name(&self) -> &'static str {
        NAME
    }

    fn watches(&self) -> Vec<Range> {
        let leases = self.leases.keys().map(|(namespace, name)| {
            Range::Name(Key {
                resource: LEASES.storage,
                namespace: namespace.clone(),
                name: name.clone(),
            })
        });
        leases.chain([Range::Resource(LEASE_CANDIDATES.storage)]).collect()
    }

    fn activate<'a>(&'a mut self, registry: &'a Registry) -> BoxFuture<'a, Result<Outcome, ApiError>> {
        self.elect(registry).boxed()
    }

    fn explain(&self) -> String {
        let told = self.told.iter().take(TOLD);
        let told: Vec<_> = told.map(|(name, why)| format!("{}: {why}", shown(name))).collect();
        match (told.is_empty(), self.told.len().saturating_sub(TOLD)) {
            (true, _) => "there are no candidates".to_owned(),
            (_, 0) => told.join("; "),
            (_, more) => format!("{}; and {more} more", told.join("; ")),
        }
    }
}
