//! What goes in comes out, in every form; what does not fit is told in one clear line.

use bytes::Bytes;
use leasehold_api::codec::{self, Decoded, Format, Target};
use leasehold_api::coordination::Lease;
use leasehold_api::meta::{ListMeta, Status};
use leasehold_api::{ApiError, Gvk, TypeCodec};
use prost::Message as _;

const LEASE: Gvk = Gvk {
    group: "coordination.k8s.io",
    version: "v1",
    kind: "Lease",
};
const TARGET: Target = Target {
    gvk: LEASE,
    codec: TypeCodec::of::<Lease>(),
};

fn decode(format: Format, body: &str) -> Result<Decoded, ApiError> {
    codec::decode(format, &TARGET, &Bytes::copy_from_slice(body.as_bytes()))
}

fn lease(decoded: &Decoded) -> &Lease {
    decoded.object.downcast_ref().expect("a lease")
}

const FULL: &str = r#"{"kind":"Lease","apiVersion":"coordination.k8s.io/v1","metadata":{"name":"a","labels":{"x":"y"},
    "ownerReferences":[{"apiVersion":"v1","kind":"Node","name":"n","uid":"u"}],
    "managedFields":[{"manager":"m","operation":"Update","fieldsType":"FieldsV1","fieldsV1":{"f:spec":{"f:strategy":{}}}}]},
    "spec":{"holderIdentity":"h","leaseDurationSeconds":15,"renewTime":"2026-01-02T03:04:05.000006Z","leaseTransitions":0}}"#;

#[test]
fn every_form_reads_what_it_wrote() {
    let object = decode(Format::Json, FULL).unwrap().object;
    let mut json = Vec::new();
    codec::json::write_object(LEASE, object.as_encode(), &mut json);
    let expected: serde_json::Value = serde_json::from_str(FULL).unwrap();
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&json).unwrap(), expected);

    let mut protobuf = Vec::new();
    codec::protobuf::write_object(LEASE, object.as_encode(), &mut protobuf);
    let back = codec::decode(Format::Protobuf, &TARGET, &Bytes::from(protobuf)).unwrap();
    assert_eq!(lease(&back), object.downcast_ref::<Lease>().unwrap());

    let yaml = codec::yaml::write(&expected).unwrap();
    let back = decode(Format::Yaml, &yaml).unwrap();
    assert_eq!(lease(&back), object.downcast_ref::<Lease>().unwrap());
    assert_eq!(back.problems, Vec::<String>::new());
}

#[test]
fn null_means_absent() {
    let body =
        r#"{"metadata":{"name":"a","labels":null,"finalizers":null},"spec":{"renewTime":null,"holderIdentity":null}}"#;
    let decoded = decode(Format::Json, body).unwrap();
    assert!(lease(&decoded).metadata.labels.is_empty());
    assert_eq!(lease(&decoded).spec.renew_time, None);
    assert!(decode(Format::Json, "null").unwrap().object.metadata().name.is_empty());
    assert!(decode(Format::Json, r#"{"metadata":null,"spec":null}"#).is_ok());
}

#[test]
fn unknown_and_duplicate_fields_are_told_in_document_order() {
    let body = r#"{"spec":{"holder":"x","holderIdentity":"a","holderIdentity":"b"},"metadata":{"labels":{"a":"1","a":"2"},"bogus":1,
        "ownerReferences":[{"uid":"u","extra":{}}]}}"#;
    let decoded = decode(Format::Json, body).unwrap();
    assert_eq!(
        decoded.problems,
        [
            "unknown field \"spec.holder\"",
            "duplicate field \"spec.holderIdentity\"",
            "duplicate field \"metadata.labels.a\"",
            "unknown field \"metadata.bogus\"",
            "unknown field \"metadata.ownerReferences[0].extra\"",
        ]
    );
    assert_eq!(
        lease(&decoded).spec.holder_identity.as_deref(),
        Some("b"),
        "the last value wins"
    );
    assert_eq!(lease(&decoded).metadata.labels["a"], "2");

    let only_twice = decode(Format::Json, r#"{"metadata":{"labels":{"a":"1","a":"2"}}}"#).unwrap();
    assert_eq!(only_twice.problems, ["duplicate field \"metadata.labels.a\""]);
    let yaml = decode(
        Format::Yaml,
        "spec:\n  holder: x\n  holderIdentity: a\n  holderIdentity: b\n",
    )
    .unwrap();
    assert_eq!(
        yaml.problems,
        [
            "unknown field \"spec.holder\"",
            "duplicate field \"spec.holderIdentity\""
        ]
    );
}

#[test]
fn what_does_not_fit_is_refused_with_its_path() {
    for (format, body, message) in [
        (
            Format::Json,
            r#"{"spec":{"leaseDurationSeconds":"15"}}"#,
            "cannot unmarshal string into field spec.leaseDurationSeconds of type int32",
        ),
        (
            Format::Json,
            r#"{"spec":{"leaseDurationSeconds":3000000000}}"#,
            "spec.leaseDurationSeconds of type int32",
        ),
        (
            Format::Json,
            r#"{"spec":{"leaseDurationSeconds":1.5}}"#,
            "spec.leaseDurationSeconds of type int32",
        ),
        (
            Format::Json,
            r#"{"spec":{"holderIdentity":5}}"#,
            "spec.holderIdentity of type string",
        ),
        (
            Format::Json,
            r#"{"spec":{"renewTime":"yesterday"}}"#,
            "cannot parse \"yesterday\"",
        ),
        (
            Format::Json,
            r#"{"metadata":{"labels":{"a":1}}}"#,
            "metadata.labels.a of type string",
        ),
        (Format::Json, r#"{"metadata":[]}"#, "metadata of type object"),
        (Format::Json, "[]", "a JSON array is not an object"),
        (Format::Json, "", "couldn't get version/kind"),
        (Format::Json, "{} x", "couldn't get version/kind"),
        (
            Format::Json,
            r#"{"kind":"Secret","apiVersion":"v1"}"#,
            "Secret in version \"v1\" cannot be handled as a Lease",
        ),
        (
            Format::Json,
            r#"{"kind":"Lease","apiVersion":"v1"}"#,
            "Lease in version \"v1\" cannot be handled as a Lease",
        ),
        (Format::Yaml, "a: &x 1\nb: *x\n", "error decoding YAML"),
        (Format::Yaml, "- a\n", "array into a document of type object"),
        (Format::Yaml, "{", "error decoding YAML"),
        (
            Format::Yaml,
            "---\nkind: Lease\n---\nkind: Lease\n",
            "error decoding YAML",
        ),
        (Format::Protobuf, "nope", "expected prefix"),
        (Format::Protobuf, "k8s\0\u{12}\u{7f}", "unrecognized"),
    ] {
        let error = decode(format, body).expect_err(body);
        assert_eq!(error.code(), 400, "{body}");
        assert!(error.to_string().contains(message), "{body}: {error}");
    }
}

#[test]
fn deep_nesting_is_refused_without_using_up_the_stack() {
    let deep = |open: &str, close: &str| format!("{{\"spec\":{}{}}}", open.repeat(100_000), close.repeat(100_000));
    for format in [Format::Json, Format::Yaml] {
        assert_eq!(
            decode(format, &deep("[", "]")).expect_err("too deep").code(),
            400,
            "{format:?}"
        );
        assert_eq!(
            decode(format, &deep("{\"a\":", "}")).expect_err("too deep").code(),
            400,
            "{format:?}"
        );
    }
}

#[test]
fn what_is_stored_takes_no_more_memory_than_it_is_long() {
    let object = decode(Format::Json, FULL).unwrap().object;
    let mut out = Vec::new();
    codec::protobuf::write_object(LEASE, object.as_encode(), &mut out);
    assert_eq!(out.capacity(), out.len());
}

#[derive(prost::Message)]
struct Envelope {
    #[prost(bytes, tag = "2")]
    raw: Vec<u8>,
}

#[derive(prost::Message)]
struct Items {
    #[prost(bytes, repeated, tag = "2")]
    items: Vec<Vec<u8>>,
}

#[test]
fn lists_and_watch_frames_hold_their_objects() {
    let object = decode(Format::Json, FULL).unwrap().object;
    let list = Gvk {
        kind: "LeaseList",
        ..LEASE
    };
    let meta = ListMeta {
        resource_version: "7".to_owned(),
        ..ListMeta::default()
    };

    let mut writer = codec::json::ListWriter::new(list, &meta);
    writer.item(object.as_encode());
    writer.item(object.as_encode());
    let json: serde_json::Value = serde_json::from_slice(&writer.finish()).unwrap();
    assert_eq!(
        (&json["kind"], &json["metadata"]["resourceVersion"]),
        (&"LeaseList".into(), &"7".into())
    );
    assert_eq!(json["items"][1]["spec"]["holderIdentity"], "h");

    let items_len = codec::protobuf::ListWriter::item_len(object.as_encode());
    let mut writer = codec::protobuf::ListWriter::new(list, &meta, items_len);
    writer.item(object.as_encode());
    let mut written = writer.take(Vec::new());
    assert!(writer.is_empty());
    written.extend(writer.finish());
    let envelope = Envelope::decode(written.strip_prefix(codec::protobuf::MAGIC).unwrap()).unwrap();
    let items = Items::decode(&*envelope.raw).unwrap().items;
    let mut item = Vec::new();
    object.as_encode().write_protobuf(&mut item);
    assert_eq!(items, [item]);

    let mut frame = Vec::new();
    codec::protobuf::write_watch_event("ADDED", b"xyz", &mut frame);
    assert_eq!(
        frame,
        [&[0, 0, 0, 14, 0x0a, 5][..], b"ADDED", &[0x12, 5, 0x0a, 3], b"xyz"].concat()
    );
}

#[test]
fn a_status_is_written_as_kubernetes_writes_it() {
    let error = ApiError::not_found("coordination.k8s.io", "leases", "a");
    let mut json = Vec::new();
    codec::json::write_object(
        Gvk {
            group: "",
            version: "v1",
            kind: "Status",
        },
        error.status() as &Status,
        &mut json,
    );
    assert_eq!(
        String::from_utf8(json).unwrap(),
        r#"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"leases.coordination.k8s.io \"a\" not found","reason":"NotFound","details":{"name":"a","group":"coordination.k8s.io","kind":"leases"},"code":404}"#
    );
}
