use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Value, json};

use super::*;
use crate::codec::{self, Target};
use crate::{Gvk, Kind, coordination, core, events};

/// Both ways from a stored value to JSON and to protobuf, over an object and straight, come to the same. Returns the
/// protobuf form of both ways.
fn check(codec: TypeCodec, value: &[u8]) -> [Vec<u8>; 2] {
    let mut object = codec::protobuf::from_stored(&codec, &Bytes::copy_from_slice(value)).unwrap();
    object.metadata_mut().resource_version = "1234567".to_owned();
    let (mut json, mut protobuf) = (Vec::new(), Vec::new());
    object.write_json(&mut json);
    object.write_protobuf(&mut protobuf);

    let stored = Stored::new(&codec, value, 1_234_567).unwrap();
    let mut straight = Vec::new();
    stored.write_json(&mut straight).unwrap();
    assert_eq!(String::from_utf8(straight), String::from_utf8(json));
    let versioned = stored.protobuf().unwrap();
    let mut straight = Vec::new();
    versioned.write(&mut straight);
    assert_eq!(versioned.len(), straight.len());
    let back = (codec.from_protobuf)(&straight).unwrap();
    assert_eq!(format!("{back:?}"), format!("{object:?}"));
    [straight, protobuf]
}

fn stored<T: Kind>(object: &Value) -> Vec<u8> {
    const GVK: Gvk = Gvk {
        group: "g",
        version: "v1",
        kind: "K",
    };
    let target = Target {
        gvk: GVK,
        codec: TypeCodec::of::<T>(),
    };
    let object = codec::from_value(&target, object.clone()).unwrap().object;
    let mut value = Vec::new();
    codec::protobuf::write_object(GVK, object.as_encode(), &mut value);
    value
}

fn check_object<T: Kind>(object: &Value) {
    let [straight, protobuf] = check(TypeCodec::of::<T>(), &stored::<T>(object));
    assert_eq!(straight, protobuf);
}

fn metadata() -> Value {
    json!({
        "name": "a", "namespace": "n", "uid": "u", "generation": 3, "creationTimestamp": "2026-01-02T03:04:05Z",
        "deletionTimestamp": "1969-12-31T23:59:59Z", "deletionGracePeriodSeconds": 0,
        "labels": {"b": "", "a": "\"quoted\"\n"}, "annotations": {"é": "\u{1}\\"}, "finalizers": ["x", "y"],
        "ownerReferences": [
            {"apiVersion": "v1", "kind": "Node", "name": "n", "uid": "u", "controller": false},
            {"apiVersion": "", "kind": "", "name": "", "uid": ""},
        ],
        "managedFields": [
            {"manager": "m", "operation": "Update", "apiVersion": "v1", "time": "2026-01-02T03:04:05Z",
             "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {".": {}, "f:a": {}}}},
            {"manager": "m2", "time": null, "subresource": "status"},
        ],
    })
}

#[test]
fn an_object_with_everything_and_one_with_nothing() {
    let spec = json!({"holderIdentity": "", "leaseDurationSeconds": -1, "acquireTime": null,
        "renewTime": "2026-01-02T03:04:05.000006Z", "leaseTransitions": 0, "strategy": "s"});
    check_object::<coordination::Lease>(&json!({"metadata": metadata(), "spec": spec}));
    for object in [json!({}), json!({"metadata": metadata()})] {
        check_object::<coordination::Lease>(&object);
        check_object::<coordination::LeaseCandidate>(&object);
        check_object::<core::Namespace>(&object);
        check_object::<core::Node>(&object);
        check_object::<core::Event>(&object);
        check_object::<events::Event>(&object);
    }
}

#[test]
fn nested_lists_maps_and_quantities() {
    check_object::<core::Node>(&json!({
        "metadata": {"name": "n"},
        "spec": {"podCIDRs": ["10.0.0.0/24", ""], "unschedulable": true,
            "taints": [{"key": "k", "effect": "NoSchedule", "timeAdded": "2026-01-02T03:04:05Z"}]},
        "status": {"capacity": {"memory": "16Gi", "cpu": "0.1"}, "allocatable": {},
            "conditions": [{"type": "Ready", "status": "True", "lastHeartbeatTime": "2026-01-02T03:04:05Z"}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}}, "images": [{"names": ["a", "b"], "sizeBytes": 7}],
            "nodeInfo": {"machineID": "m"}},
    }));
}

#[test]
fn what_a_kube_apiserver_stored() {
    let text = include_str!("../../../../../tests/conformance/stored-values.json");
    let samples: Value = serde_json::from_str(text).unwrap();
    for sample in samples["values"].as_array().unwrap() {
        let value = STANDARD.decode(sample["value_base64"].as_str().unwrap()).unwrap();
        let codec = match sample["key"].as_str().unwrap().split('/').nth(2).unwrap() {
            "leases" => TypeCodec::of::<coordination::Lease>(),
            "leasecandidates" => TypeCodec::of::<coordination::LeaseCandidate>(),
            "namespaces" => TypeCodec::of::<core::Namespace>(),
            "minions" => TypeCodec::of::<core::Node>(),
            "events" => TypeCodec::of::<core::Event>(),
            other => panic!("no type for {other}"),
        };
        // Go writes some empty fields that we do not: the bytes differ, the object does not.
        let _differ = check(codec, &value);
    }
}

#[test]
fn a_field_that_is_unknown_here_is_not_shown() {
    let mut message = stored::<coordination::Lease>(&json!({"metadata": {"name": "a"}}));
    let end = message.len() - 4;
    // Field 15 of the lease; the message is the last of the envelope but four bytes.
    message.splice(end..end, [0x78, 1]);
    let start = message.iter().position(|byte| *byte == 0x12).unwrap();
    assert!(message[start + 1] < 0x7e, "one byte of length");
    message[start + 1] += 2;
    let mut out = Vec::new();
    let codec = TypeCodec::of::<coordination::Lease>();
    Stored::new(&codec, &message, 1).unwrap().write_json(&mut out).unwrap();
    let shown: Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(
        shown,
        json!({"metadata": {"name": "a", "resourceVersion": "1"}, "spec": {}})
    );
}

#[test]
fn fields_in_any_order_are_shown_in_the_schemas() {
    let field = |number: u8, bytes: &[u8]| [&[number << 3 | 2, u8::try_from(bytes.len()).unwrap()], bytes].concat();
    // Finalizers with the name between them, a namespace that comes twice, and metadata after the spec.
    let metadata = [
        field(14, b"x"),
        field(3, b"old"),
        field(1, b"a"),
        field(14, b"y"),
        field(3, b"n"),
    ];
    let message = [field(2, &field(1, b"h")), field(1, &metadata.concat())].concat();
    let value = [&b"k8s\0"[..], &field(2, &message)].concat();
    let codec = TypeCodec::of::<coordination::Lease>();
    let mut out = Vec::new();
    Stored::new(&codec, &value, 1).unwrap().write_json(&mut out).unwrap();
    let shown = r#"{"metadata":{"name":"a","namespace":"n","resourceVersion":"1","finalizers":["x","y"]},"spec":{"holderIdentity":"h"}}"#;
    assert_eq!(String::from_utf8(out).unwrap(), shown);
}

#[test]
fn damage_is_an_error_wherever_it_is() {
    let whole = stored::<coordination::Lease>(&json!({"metadata": metadata(), "spec": {"holderIdentity": "h"}}));
    let codec = TypeCodec::of::<coordination::Lease>();
    for end in 0..whole.len() - 4 {
        let read = Stored::new(&codec, &whole[..end], 1);
        assert!(read.is_err(), "cut at {end}");
    }
    for at in 0..whole.len() {
        for bit in 0..8 {
            let mut bent = whole.clone();
            bent[at] ^= 1 << bit;
            let Ok(stored) = Stored::new(&codec, &bent, 1) else {
                continue;
            };
            let mut out = Vec::new();
            // Whatever it is taken for, what comes out is JSON.
            if stored.write_json(&mut out).is_ok() {
                serde_json::from_slice::<Value>(&out).unwrap();
            }
            let _no_panic = stored.protobuf().map(|versioned| versioned.write(&mut out));
        }
    }
}
