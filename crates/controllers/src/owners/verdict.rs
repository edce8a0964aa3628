//! What becomes of an object, given its owners and dependents: Kubernetes' rules.

use leasehold_api::codec::glance::Belonging;
use leasehold_api::options::PropagationPolicy;

use super::graph::Dependents;
use super::{FOREGROUND, ORPHAN};

/// What there is of an owner that an object names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// It is there.
    Solid,
    /// It is gone, or its name has passed to another object.
    Absent,
    /// It is there, and waits for its dependents to go.
    Waiting,
    /// It cannot be known.
    Unknowable,
}

/// What to do with an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Keep,
    /// It has owners left: it is to forget those that are not `Solid`.
    Disown,
    /// Nobody owns it any more.
    Delete(PropagationPolicy),
    /// The same in the foreground, but it is in a circle: it must not block its owners.
    DeleteUnblocked,
    /// Its dependents are to forget it; then its finalizer goes.
    Orphan,
    /// Nothing blocks it: its finalizer goes.
    Release,
}

/// Decides. `owners` are those that the object names, in that order.
pub(super) fn decide(object: &Belonging, owners: &[Owner], dependents: Dependents) -> Verdict {
    if object.is_being_deleted() {
        return leaving(object, dependents);
    }
    let has = |kind| owners.contains(&kind);
    if owners.is_empty() || has(Owner::Unknowable) {
        return Verdict::Keep;
    }
    match (has(Owner::Solid), has(Owner::Waiting)) {
        (true, waiting) if waiting || has(Owner::Absent) => Verdict::Disown,
        (true, _) => Verdict::Keep,
        (false, true) if dependents.waiting => Verdict::DeleteUnblocked,
        (false, true) if dependents.any => Verdict::Delete(PropagationPolicy::Foreground),
        (false, _) => Verdict::Delete(policy(object)),
    }
}

fn leaving(object: &Belonging, dependents: Dependents) -> Verdict {
    if object.has_finalizer(ORPHAN) {
        Verdict::Orphan
    } else if object.has_finalizer(FOREGROUND) && !dependents.blocking {
        Verdict::Release
    } else {
        Verdict::Keep
    }
}

/// What its finalizers ask for.
fn policy(object: &Belonging) -> PropagationPolicy {
    if object.has_finalizer(ORPHAN) {
        PropagationPolicy::Orphan
    } else if object.has_finalizer(FOREGROUND) {
        PropagationPolicy::Foreground
    } else {
        PropagationPolicy::Background
    }
}

#[cfg(test)]
mod tests {
    use leasehold_api::codec::{glance, protobuf};
    use leasehold_api::coordination::Lease;
    use leasehold_api::{Gvk, Time};

    use super::*;

    fn object(being_deleted: bool, finalizer: &str) -> Belonging {
        let mut lease = Lease::default();
        lease.metadata.uid = "u".into();
        lease.metadata.deletion_timestamp = being_deleted.then_some(Time::new(1, 0));
        lease.metadata.finalizers = vec![finalizer.to_owned()];
        let gvk = Gvk {
            group: "coordination.k8s.io",
            version: "v1",
            kind: "Lease",
        };
        let mut stored = Vec::new();
        protobuf::write_object(gvk, &lease, &mut stored);
        glance::belonging(&stored.into()).expect("an object")
    }

    const NONE: Dependents = Dependents {
        any: false,
        blocking: false,
        waiting: false,
    };
    const PLAIN: Dependents = Dependents { any: true, ..NONE };
    const BLOCKING: Dependents = Dependents {
        blocking: true,
        ..PLAIN
    };
    const CIRCLE: Dependents = Dependents {
        waiting: true,
        ..BLOCKING
    };

    #[test]
    fn an_object_goes_when_all_its_owners_have_gone() {
        use Owner::{Absent, Solid, Unknowable, Waiting};
        use PropagationPolicy::{Background, Foreground, Orphan};
        let cases = [
            (&[][..], "", NONE, Verdict::Keep),
            (&[Solid], "", NONE, Verdict::Keep),
            (&[Solid, Absent], "", NONE, Verdict::Disown),
            (&[Waiting, Solid], "", BLOCKING, Verdict::Disown),
            (&[Absent], "", NONE, Verdict::Delete(Background)),
            (&[Absent, Absent], "", BLOCKING, Verdict::Delete(Background)),
            (&[Absent], "orphan", PLAIN, Verdict::Delete(Orphan)),
            (&[Absent], "foregroundDeletion", PLAIN, Verdict::Delete(Foreground)),
            (&[Waiting], "", NONE, Verdict::Delete(Background)),
            (&[Waiting, Absent], "", PLAIN, Verdict::Delete(Foreground)),
            (&[Waiting], "", CIRCLE, Verdict::DeleteUnblocked),
            (&[Unknowable], "", NONE, Verdict::Keep),
            (&[Absent, Unknowable], "", NONE, Verdict::Keep),
            (&[Solid, Unknowable, Absent], "", NONE, Verdict::Keep),
        ];
        for (owners, finalizer, dependents, wanted) in cases {
            let decided = decide(&object(false, finalizer), owners, dependents);
            assert_eq!(decided, wanted, "{owners:?} {finalizer} {dependents:?}");
        }
    }

    #[test]
    fn an_object_that_is_being_deleted_waits_for_what_its_finalizer_says() {
        let cases = [
            ("orphan", NONE, Verdict::Orphan),
            ("orphan", BLOCKING, Verdict::Orphan),
            ("foregroundDeletion", NONE, Verdict::Release),
            ("foregroundDeletion", PLAIN, Verdict::Release),
            ("foregroundDeletion", BLOCKING, Verdict::Keep),
            ("example.com/mine", NONE, Verdict::Keep),
        ];
        for (finalizer, dependents, wanted) in cases {
            let decided = decide(&object(true, finalizer), &[Owner::Absent], dependents);
            assert_eq!(decided, wanted, "{finalizer} {dependents:?}");
        }
    }
}
