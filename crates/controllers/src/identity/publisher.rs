//! A Lease that this process keeps renewing to be seen by others.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use leasehold_api::coordination::{Lease, LeaseSpec};
use leasehold_api::meta::ObjectMeta;
use leasehold_api::validation::label_value;
use leasehold_api::{ApiError, MicroTime};
use leasehold_clock::Monotonic;
use leasehold_registry::resources::LEASES;
use leasehold_registry::{Place, Registry};
use leasehold_store::Range;

use super::rival::Rival;
use super::{COMPONENT, COMPONENT_LABEL, HOST_LABEL, NAMESPACE, name};
use crate::driver::{Controller, Outcome};
use crate::leadership;
use crate::writes::{self, Wrote};

/// How often a Lease is renewed, as in kube-apiserver, unless a third of its duration is less.
const PERIOD: Duration = Duration::from_secs(10);
/// The Lease that says which server runs the controllers.
const CONTROLLERS: &str = leadership::CONTROLLERS;
/// How long it is good: what client-go's electors use.
const CONTROLLERS_DURATION: Duration = Duration::from_secs(15);

/// Why a Lease is not renewed.
const RIVAL: &str = "another server has the same host name; give each its own with --identity-hostname";

/// Who a server process is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerIdentity {
    hostname: String,
    /// The same for every process on this host.
    name: String,
    /// Of this process alone.
    holder: String,
}

impl ServerIdentity {
    /// The identity of a process on this host; `unique` tells it from others there.
    #[must_use]
    pub fn new(hostname: &str, unique: &str) -> Self {
        let name = name::of_server(hostname, COMPONENT);
        Self {
            hostname: hostname.to_owned(),
            holder: format!("{name}_{unique}"),
            name,
        }
    }

    /// Names this process and no other: the holder of whatever it holds.
    #[must_use]
    pub fn holder(&self) -> &str {
        &self.holder
    }

    fn labels(&self) -> BTreeMap<String, String> {
        let mut labels = BTreeMap::from([(COMPONENT_LABEL.to_owned(), COMPONENT.to_owned())]);
        // A host may have a name that no label can have; the Lease is still worth having.
        if label_value(&self.hostname).is_empty() {
            labels.insert(HOST_LABEL.to_owned(), self.hostname.clone());
        }
        labels
    }
}

/// Keeps one Lease, and deletes it at the end.
#[derive(Debug)]
pub struct LeasePublisher {
    controller: &'static str,
    place: Place,
    holder: String,
    labels: BTreeMap<String, String>,
    duration: Duration,
    /// Whether it tells since when and how often it has changed hands, as a lock does.
    is_lock: bool,
    is_published: bool,
    rival: Rival,
}

/// What to write.
#[derive(Clone, Debug, PartialEq)]
enum Step {
    Create(Lease),
    /// Somebody else's Lease becomes ours: a process that was here before, as a rule.
    TakeOver(Lease),
    Renew(Lease),
}

impl LeasePublisher {
    /// The Lease that says that this server is there.
    #[must_use]
    pub fn of_server(identity: &ServerIdentity, duration: Duration) -> Self {
        Self {
            controller: "server-identity",
            place: Place::collection(&LEASES, NAMESPACE).named(&identity.name),
            holder: identity.holder.clone(),
            labels: identity.labels(),
            duration,
            is_lock: false,
            is_published: false,
            rival: Rival::default(),
        }
    }

    /// The Lease that says that this server runs the controllers. It is for show where only one process can have the store
    /// open.
    #[must_use]
    pub fn of_controllers(identity: &ServerIdentity) -> Self {
        Self {
            controller: "controllers-lease",
            place: Place::collection(&LEASES, NAMESPACE).named(CONTROLLERS),
            holder: identity.holder.clone(),
            labels: BTreeMap::new(),
            duration: CONTROLLERS_DURATION,
            is_lock: true,
            is_published: false,
            rival: Rival::default(),
        }
    }

    fn period(&self) -> Duration {
        PERIOD.min(self.duration / 3)
    }

    async fn publish(&mut self, registry: &Registry) -> Result<Outcome, ApiError> {
        let found = writes::get::<Lease>(registry, &self.place).await?;
        if found
            .as_ref()
            .is_some_and(|lease| self.gives_way(lease, registry.clock().now()))
        {
            return Ok(Outcome {
                did: String::new(),
                again_in: Some(self.period()),
            });
        }
        let step = self.decide(found, MicroTime::from_system(registry.clock().wall()));
        let (did, wrote) = match step {
            Step::Create(lease) => {
                let place = Place::collection(&LEASES, NAMESPACE);
                let did = format!("published {NAMESPACE}/{}", lease.metadata.name);
                (did, writes::create(registry, &place, lease, self.controller).await?)
            }
            Step::TakeOver(lease) => {
                let did = format!("took over {NAMESPACE}/{}", lease.metadata.name);
                (
                    did,
                    writes::update(registry, &self.place, lease, self.controller).await?,
                )
            }
            Step::Renew(lease) => {
                let wrote = writes::update(registry, &self.place, lease, self.controller).await?;
                (String::new(), wrote)
            }
        };
        self.is_published |= wrote == Wrote::Done;
        Ok(match wrote {
            Wrote::Done => Outcome {
                did,
                again_in: Some(self.period()),
            },
            Wrote::Outrun => Outcome {
                did: String::new(),
                again_in: Some(Duration::ZERO),
            },
        })
    }

    /// Whether a Lease that was ours is another live process's now.
    fn gives_way(&mut self, lease: &Lease, now: Monotonic) -> bool {
        let is_ours = lease.spec.holder_identity.as_ref() == Some(&self.holder);
        let (was_known, period) = (self.rival.is_known(), self.period());
        if !self.is_published || is_ours || !self.rival.is_alive(&lease.metadata.resource_version, now, period) {
            self.rival.forget();
            return false;
        }
        if !was_known {
            tracing::warn!(controller = self.controller, lease = %self.place.name, "{RIVAL}");
        }
        true
    }

    /// What the Lease should be, given what it is.
    fn decide(&self, found: Option<Lease>, now: MicroTime) -> Step {
        let Some(mut lease) = found else {
            let metadata = ObjectMeta {
                name: self.place.name.to_string(),
                labels: self.labels.clone(),
                ..ObjectMeta::default()
            };
            let spec = self.spec(&LeaseSpec::default(), now);
            return Step::Create(Lease { metadata, spec });
        };
        let is_ours = lease.spec.holder_identity.as_ref() == Some(&self.holder);
        lease.metadata.labels.extend(self.labels.clone());
        lease.spec = self.spec(&lease.spec, now);
        if is_ours {
            Step::Renew(lease)
        } else {
            Step::TakeOver(lease)
        }
    }

    fn spec(&self, old: &LeaseSpec, now: MicroTime) -> LeaseSpec {
        let is_ours = old.holder_identity.as_ref() == Some(&self.holder);
        let transitions = old.lease_transitions.map(|count| count.saturating_add(1));
        let mut spec = LeaseSpec {
            holder_identity: Some(self.holder.clone()),
            lease_duration_seconds: Some(i32::try_from(self.duration.as_secs().max(1)).unwrap_or(i32::MAX)),
            renew_time: Some(now),
            ..old.clone()
        };
        if self.is_lock && !is_ours {
            spec.acquire_time = Some(now);
            spec.lease_transitions = Some(transitions.unwrap_or(0));
        }
        spec
    }

    /// Deletes the Lease, unless it has become another process's.
    async fn withdraw(&self, registry: &Registry) -> Result<(), ApiError> {
        while let Some(lease) = writes::get::<Lease>(registry, &self.place).await?
            && lease.spec.holder_identity.as_ref() == Some(&self.holder)
        {
            if writes::delete(registry, &self.place, &lease.metadata, self.controller).await? == Wrote::Done {
                break;
            }
        }
        Ok(())
    }
}

impl Controller for LeasePublisher {
    fn name(&self) -> &'static str {
        self.controller
    }

    fn watches(&self) -> Vec<Range> {
        // It would wake for its own renewals. One that somebody deletes is back at the next of them.
        Vec::new()
    }

    fn activate<'a>(&'a mut self, registry: &'a Registry) -> BoxFuture<'a, Result<Outcome, ApiError>> {
        self.publish(registry).boxed()
    }

    fn explain(&self) -> String {
        let (name, period) = (&self.place.name, self.period());
        if self.rival.is_known() {
            return format!("gives way in {NAMESPACE}/{name}: {RIVAL}");
        }
        format!("renews {NAMESPACE}/{name} every {period:?}")
    }

    fn finish<'a>(&'a mut self, registry: &'a Registry) -> BoxFuture<'a, Result<(), ApiError>> {
        async {
            if self.is_published {
                self.withdraw(registry).await?;
            }
            Ok(())
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: MicroTime = MicroTime::new(1_700_000_000, 0);
    const LATER: MicroTime = MicroTime::new(1_700_000_010, 0);
    const HOUR: Duration = Duration::from_secs(3600);

    fn identity(unique: &str) -> ServerIdentity {
        ServerIdentity::new("vm", unique)
    }

    fn server(unique: &str) -> LeasePublisher {
        LeasePublisher::of_server(&identity(unique), HOUR)
    }

    fn lease_of(step: Step) -> Lease {
        match step {
            Step::Create(lease) | Step::TakeOver(lease) | Step::Renew(lease) => lease,
        }
    }

    #[test]
    fn a_new_lease_has_the_form_of_kube_apiservers() {
        let Step::Create(lease) = server("1").decide(None, NOW) else {
            panic!("there was none")
        };
        let name = "apiserver-wlv32tlttr4jl3gtroqexyxapa";
        assert_eq!(lease.metadata.name, name);
        let labels = [(COMPONENT_LABEL, "kube-apiserver"), ("kubernetes.io/hostname", "vm")];
        assert_eq!(
            lease.metadata.labels,
            labels.map(|(k, v)| (k.to_owned(), v.to_owned())).into()
        );
        let wanted = LeaseSpec {
            holder_identity: Some(format!("{name}_1")),
            lease_duration_seconds: Some(3600),
            renew_time: Some(NOW),
            ..LeaseSpec::default()
        };
        assert_eq!(lease.spec, wanted);
    }

    #[test]
    fn a_new_process_takes_over_the_lease_of_the_one_before() {
        let mut old = lease_of(server("1").decide(None, NOW));
        old.metadata.uid = "u".to_owned();
        old.metadata.labels.insert("mine".to_owned(), "stays".to_owned());
        let Step::TakeOver(new) = server("2").decide(Some(old.clone()), LATER) else {
            panic!("it was another's")
        };
        assert_eq!(
            (new.metadata.uid.as_str(), new.metadata.labels["mine"].as_str()),
            ("u", "stays")
        );
        assert!(new.spec.holder_identity.as_ref().unwrap().ends_with("_2"));
        let Step::Renew(renewed) = server("1").decide(Some(old.clone()), LATER) else {
            panic!("it was ours")
        };
        old.spec.renew_time = Some(LATER);
        assert_eq!(renewed, old);
    }

    #[test]
    fn the_lease_of_the_controllers_counts_its_transitions() {
        let publisher = |unique| LeasePublisher::of_controllers(&identity(unique));
        let first = lease_of(publisher("1").decide(None, NOW));
        assert_eq!(
            (first.spec.lease_transitions, first.spec.acquire_time),
            (Some(0), Some(NOW))
        );
        let same = lease_of(publisher("1").decide(Some(first.clone()), LATER));
        assert_eq!(
            (same.spec.lease_transitions, same.spec.acquire_time),
            (Some(0), Some(NOW))
        );
        let second = lease_of(publisher("2").decide(Some(first), LATER));
        assert_eq!(
            (second.spec.lease_transitions, second.spec.acquire_time),
            (Some(1), Some(LATER))
        );
        assert_eq!(second.spec.renew_time, Some(LATER));
    }

    #[test]
    fn a_host_name_that_cannot_be_a_label_is_left_out() {
        let long = "h".repeat(64);
        let lease = lease_of(LeasePublisher::of_server(&ServerIdentity::new(&long, "1"), HOUR).decide(None, NOW));
        assert_eq!(lease.metadata.labels.len(), 1);
    }

    #[test]
    fn a_short_lease_is_renewed_more_often() {
        assert_eq!(server("1").period(), PERIOD);
        let short = LeasePublisher::of_server(&identity("1"), Duration::from_secs(3));
        assert_eq!(short.period(), Duration::from_secs(1));
    }
}
