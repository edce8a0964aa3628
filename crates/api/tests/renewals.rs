//! The quick way of working out a renewal's managed fields gives what the thorough way gives.

use leasehold_api::apply::{Change, FieldSet, Reading, Request, track_change, track_update};
use leasehold_api::coordination::{Lease, LeaseSpec};
use leasehold_api::meta::ManagedFieldsEntry;
use leasehold_api::{MicroTime, Object, Time, TypeCodec};
use proptest::prelude::*;

fn spec() -> impl Strategy<Value = LeaseSpec> {
    let text = || proptest::option::weighted(0.9, prop_oneof![Just("a".to_owned()), Just("b".to_owned())]);
    let number = || proptest::option::weighted(0.9, 1..3);
    let time = || proptest::option::weighted(0.9, (1_i64..3).prop_map(|seconds| MicroTime::new(seconds, 0)));
    (text(), number(), time(), time(), number(), text(), text()).prop_map(
        |(holder, duration, acquired, renewed, transitions, strategy, preferred)| LeaseSpec {
            holder_identity: holder,
            lease_duration_seconds: duration,
            acquire_time: acquired,
            renew_time: renewed,
            lease_transitions: transitions,
            strategy,
            preferred_holder: preferred,
        },
    )
}

fn lease() -> impl Strategy<Value = Lease> {
    (spec(), 0..3_u8, 0..2_i64).prop_map(|(spec, version, created)| {
        let mut lease = Lease {
            spec,
            ..Lease::default()
        };
        lease.metadata.resource_version = version.to_string();
        lease.metadata.creation_timestamp = Time::new(created, 0);
        if version == 2 {
            lease.metadata.labels.insert("a".to_owned(), created.to_string());
        }
        lease
    })
}

fn request<'a>(codec: &'a TypeCodec, manager: &'a str, now: i64, ignored: &'a FieldSet<'a>) -> Request<'a> {
    Request {
        codec,
        manager,
        api_version: "coordination.k8s.io/v1",
        subresource: "",
        ignored,
        versions: &|_| Reading::Unknown,
        now: Time::new(now, 0),
    }
}

proptest! {
    #[test]
    fn the_quick_way_agrees_with_the_thorough_one(
        states in proptest::collection::vec((lease(), prop_oneof![Just("one"), Just("two")]), 2..6),
    ) {
        let (codec, ignored) = (TypeCodec::of::<Lease>(), FieldSet::new());
        let mut owners: Vec<ManagedFieldsEntry> = Vec::new();
        let mut live: Option<Lease> = None;
        let mut quick = 0;
        for (step, (new, manager)) in states.iter().enumerate() {
            let request = request(&codec, manager, step as i64, &ignored);
            let before = live.as_ref().map(Object::to_value);
            let thorough = track_update(&request, before.as_ref(), &new.to_value(), &owners, None);
            if let Some(paths) = live.as_ref().and_then(|live| Object::changed_values(new, live)) {
                quick += 1;
                let change = Change { modified: FieldSet::of_fields(&paths), ..Change::default() };
                prop_assert_eq!(&track_change(&request, &change, &owners), &thorough);
            }
            owners = thorough;
            live = Some(new.clone());
        }
        // Most pairs of states differ in labels or in which fields are set; see that some do not.
        prop_assume!(quick > 0);
    }
}
