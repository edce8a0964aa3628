//! The pure pieces of a renewal: read it, validate it, write the answer, and ask selectors about it.

use std::hint::black_box;

use bytes::Bytes;
use criterion::{Criterion, criterion_group, criterion_main};
use leasehold_api::codec::{self, Format, Target};
use leasehold_api::coordination::Lease;
use leasehold_api::meta::ManagedFieldsEntry;
use leasehold_api::selector::{fields, labels};
use leasehold_api::validation::{validate_lease_create, validate_lease_update};
use leasehold_api::{Encode, Gvk, MicroTime, TypeCodec};

const LEASE: Gvk = Gvk {
    group: "coordination.k8s.io",
    version: "v1",
    kind: "Lease",
};

/// A node's lease as a server answers it.
fn lease() -> Lease {
    let text = r#"{
        "metadata": {
            "name": "node-0001", "namespace": "kube-node-lease", "uid": "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
            "resourceVersion": "123456", "creationTimestamp": "2026-01-01T00:00:00Z",
            "labels": {"app.kubernetes.io/managed-by": "leasehold-bench"},
            "ownerReferences": [{"apiVersion": "v1", "kind": "Node", "name": "node-0001", "uid": "8d3c"}]
        },
        "spec": {
            "holderIdentity": "node-0001", "leaseDurationSeconds": 40, "renewTime": "2026-01-01T00:00:10.123456Z"
        }
    }"#;
    let mut lease: Lease = serde_json::from_str(text).expect("a lease");
    let entry = r#"{
        "manager": "kubelet", "operation": "Update", "apiVersion": "coordination.k8s.io/v1",
        "time": "2026-01-01T00:00:10Z", "fieldsType": "FieldsV1",
        "fieldsV1": {"f:metadata": {"f:ownerReferences": {".": {}, "k:{\"uid\":\"8d3c\"}": {}}},
            "f:spec": {"f:holderIdentity": {}, "f:leaseDurationSeconds": {}, "f:renewTime": {}}}
    }"#;
    let entry: ManagedFieldsEntry = serde_json::from_str(entry).expect("an entry");
    lease.metadata.managed_fields.push(entry);
    lease
}

fn encoded(format: Format, lease: &dyn Encode) -> Vec<u8> {
    let mut out = Vec::with_capacity(1024);
    match format {
        Format::Protobuf => codec::protobuf::write_object(LEASE, lease, &mut out),
        _ => codec::json::write_object(LEASE, lease, &mut out),
    }
    out
}

fn codecs(criterion: &mut Criterion) {
    let lease = lease();
    let target = Target {
        gvk: LEASE,
        codec: TypeCodec::of::<Lease>(),
    };
    for (name, format) in [("json", Format::Json), ("protobuf", Format::Protobuf)] {
        let body = Bytes::from(encoded(format, &lease));
        criterion.bench_function(&format!("decode/{name}"), |bencher| {
            bencher.iter(|| codec::decode(format, &target, black_box(&body)).expect("a lease"));
        });
        criterion.bench_function(&format!("encode/{name}"), |bencher| {
            bencher.iter(|| encoded(format, black_box(&lease)));
        });
    }
}

fn validation(criterion: &mut Criterion) {
    let old = lease();
    let mut new = old.clone();
    new.spec.renew_time = Some(MicroTime::new(1_800_000_000, 0));
    criterion.bench_function("validate/create", |bencher| {
        bencher.iter(|| validate_lease_create(black_box(&new)));
    });
    criterion.bench_function("validate/update", |bencher| {
        bencher.iter(|| validate_lease_update(black_box(&new), black_box(&old)));
    });
}

fn selectors(criterion: &mut Criterion) {
    let lease = lease();
    let one: labels::Selector = "app.kubernetes.io/managed-by in (kubelet, leasehold-bench),!gone"
        .parse()
        .expect("a selector");
    criterion.bench_function("select/labels", |bencher| {
        bencher.iter(|| one.matches(black_box(&lease.metadata.labels)));
    });
    let named = fields::Selector::by_name("node-0001");
    criterion.bench_function("select/name", |bencher| {
        bencher.iter(|| {
            let get = |field: &str| (field == "metadata.name").then(|| lease.metadata.name.as_str().into());
            named.matches(black_box(get))
        });
    });
}

criterion_group!(renewal, codecs, validation, selectors);
criterion_main!(renewal);
