//! `coordination.k8s.io`: leases and candidates for them.

use crate::meta::ObjectMeta;
use crate::{ChangedValues, MicroTime};

object! {
    /// Lease says who holds something, since when, and until when that was promised.
    pub struct Lease = "io.k8s.api.coordination.v1.Lease" (top_level) {
        /// Standard object metadata.
        #[prost(message, required, tag = "1")]
        metadata: ObjectMeta as "metadata",
        /// Who holds the lease and how.
        #[prost(message, required, tag = "2")]
        spec: LeaseSpec as "spec",
    }
}
kind!(Lease, changed_values: renewed_fields);

object! {
    /// LeaseSpec says who holds a lease and how.
    pub struct LeaseSpec = "io.k8s.api.coordination.v1.LeaseSpec" {
        /// The holder; empty or absent when nobody holds the lease. Under coordinated leader election, the name of the
        /// elected LeaseCandidate.
        #[prost(string, optional, tag = "1")]
        holder_identity: Option<String> as "holderIdentity",
        /// Seconds that others must wait, from when they saw the lease renewed last, before they may take it.
        #[prost(int32, optional, tag = "2")]
        lease_duration_seconds: Option<i32> as "leaseDurationSeconds",
        /// When the present holder took the lease, by the holder's clock.
        #[prost(message, optional, tag = "3")]
        acquire_time: Option<MicroTime> as "acquireTime",
        /// When the present holder renewed it last, by the holder's clock.
        #[prost(message, optional, tag = "4")]
        renew_time: Option<MicroTime> as "renewTime",
        /// How often the lease has changed hands.
        #[prost(int32, optional, tag = "5")]
        lease_transitions: Option<i32> as "leaseTransitions",
        /// How the holder is chosen under coordinated leader election.
        #[prost(string, optional, tag = "6")]
        strategy: Option<String> as "strategy",
        /// The candidate that the holder should give the lease to; needs a strategy.
        #[prost(string, optional, tag = "7")]
        preferred_holder: Option<String> as "preferredHolder",
    }
}

object! {
    /// LeaseCandidate says that somebody would hold a lease, for the server to choose among those who would.
    pub struct LeaseCandidate = "io.k8s.api.coordination.v1beta1.LeaseCandidate" (top_level) {
        /// Standard object metadata.
        #[prost(message, required, tag = "1")]
        metadata: ObjectMeta as "metadata",
        /// Which lease, and what the choice rests on.
        #[prost(message, required, tag = "2")]
        spec: LeaseCandidateSpec as "spec",
    }
}
kind!(LeaseCandidate);

object! {
    /// LeaseCandidateSpec says which lease a candidate is for, and what the choice rests on.
    pub struct LeaseCandidateSpec = "io.k8s.api.coordination.v1beta1.LeaseCandidateSpec" {
        /// The lease in the same namespace. It cannot be changed.
        #[prost(string, required, tag = "1")]
        lease_name: String => "leaseName",
        /// When the server last asked whether the candidate is there; a live one answers by renewing.
        #[prost(message, optional, tag = "2")]
        ping_time: Option<MicroTime> as "pingTime",
        /// When the candidate last said that it is there, by its own clock.
        #[prost(message, optional, tag = "3")]
        renew_time: Option<MicroTime> as "renewTime",
        /// The version of the candidate's program, such as `1.36.0`.
        #[prost(string, required, tag = "4")]
        binary_version: String => "binaryVersion",
        /// The version that it behaves as; not above its binary version.
        #[prost(string, required, tag = "5")]
        emulation_version: String as "emulationVersion",
        /// How to choose among candidates.
        #[prost(string, required, tag = "6")]
        strategy: String as "strategy",
    }
}

/// Leases are renewed all the time, and mostly nothing but values of the spec changes.
fn renewed_fields(new: &Lease, old: &Lease) -> Option<ChangedValues> {
    fn changed<T: PartialEq>(new: &Option<T>, old: &Option<T>) -> Option<bool> {
        match (new, old) {
            (Some(new), Some(old)) => Some(new != old),
            (None, None) => Some(false),
            // A field comes or goes: not for the quick way.
            _ => None,
        }
    }
    if !new.metadata.same_owned(&old.metadata) {
        return None;
    }
    let LeaseSpec {
        holder_identity,
        lease_duration_seconds,
        acquire_time,
        renew_time,
        lease_transitions,
        strategy,
        preferred_holder,
    } = &new.spec;
    let old = &old.spec;
    let fields: [(Option<bool>, &'static [&'static str]); 7] = [
        (
            changed(holder_identity, &old.holder_identity),
            &["spec", "holderIdentity"],
        ),
        (
            changed(lease_duration_seconds, &old.lease_duration_seconds),
            &["spec", "leaseDurationSeconds"],
        ),
        (changed(acquire_time, &old.acquire_time), &["spec", "acquireTime"]),
        (changed(renew_time, &old.renew_time), &["spec", "renewTime"]),
        (
            changed(lease_transitions, &old.lease_transitions),
            &["spec", "leaseTransitions"],
        ),
        (changed(strategy, &old.strategy), &["spec", "strategy"]),
        (
            changed(preferred_holder, &old.preferred_holder),
            &["spec", "preferredHolder"],
        ),
    ];
    let mut paths = ChangedValues::new();
    for (changed, path) in fields {
        if changed? {
            paths.push(path);
        }
    }
    Some(paths)
}
