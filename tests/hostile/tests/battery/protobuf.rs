//! Protobuf: broken, endless, nested, and what it can bring in that JSON cannot.

use leasehold_hostile::protobuf::{bytes, envelope, enveloped, int, managed_fields, metadata, spec, varint};
use leasehold_hostile::{Arena, LEASES, Request, Row, refused, taken};
use serde_json::Value;

const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";

fn request(method: &str, path: &str, body: impl AsRef<[u8]>) -> Request {
    Request::new(method, path).body(PROTOBUF, body)
}

fn post(name: &str, body: impl AsRef<[u8]>) -> Row {
    refused(name, request("POST", LEASES, body), 400)
}

#[tokio::test]
async fn junk_is_400() {
    let good = envelope([metadata("x", []), spec(bytes(1, "h"))].concat());
    let raw = |what: &[u8]| envelope(what);
    let mut rows = vec![
        post("other magic", [b"k8s\x01", &good[4..]].concat()),
        post("half of the magic", b"k8"),
        post("no magic", &good[4..]),
        post("JSON", "{}"),
        post("a length of 2^63", [b"k8s\0\x0a".to_vec(), varint(1 << 63)].concat()),
        post("a length of 2^64-1", [b"k8s\0\x12".to_vec(), varint(u64::MAX)].concat()),
        post(
            "a length of 2^31 within",
            raw(&[b"\x0a".to_vec(), varint(1 << 31)].concat()),
        ),
        post("a number too long", raw(&[b"\x08".as_slice(), &[0xff; 11]].concat())),
        post("field 0", raw(b"\x00\x01")),
        post("wire type 6", raw(b"\x0e\x01")),
        post("wire type 7", raw(b"\x0f\x01")),
        post("groups without an end", raw(&[0x7b; 100_000])),
        post(
            "deep groups",
            raw(&[metadata("x", []), vec![0x7b; 3000], vec![0x7c; 3000]].concat()),
        ),
        post("the end of a group", raw(b"\x7c")),
        post("a number for metadata", raw(&int(1, 5))),
        post("a name that is not UTF-8", raw(&bytes(1, bytes(1, b"\xff")))),
        post(
            "a holder that is not UTF-8",
            raw(&[metadata("x", []), spec(bytes(1, b"\xff\xfe"))].concat()),
        ),
        post(
            "an annotation that is not UTF-8",
            raw(&metadata("x", bytes(12, [bytes(1, "a"), bytes(2, b"\xff")].concat()))),
        ),
        post("another kind", enveloped("v1", "Node", metadata("x", []))),
        post(
            "a kind that is not UTF-8",
            [b"k8s\0".to_vec(), bytes(1, bytes(2, b"\xff"))].concat(),
        ),
        post("compressed", [good.clone(), bytes(3, "gzip")].concat()),
        refused("nothing but magic", request("POST", LEASES, b"k8s\0"), 422),
        refused(
            "a negative duration",
            request("POST", LEASES, raw(&[metadata("x", []), spec(int(2, -1))].concat())),
            422,
        ),
    ];
    // Cut between its two parts it is a whole message without a lease.
    let parts = 4 + bytes(1, [bytes(1, "coordination.k8s.io/v1"), bytes(2, "Lease")].concat()).len();
    let cuts = (5..good.len()).filter(|end| *end != parts);
    rows.extend(cuts.map(|end| post(&format!("cut at {end}"), &good[..end])));
    rows.push(refused("without a lease", request("POST", LEASES, &good[..parts]), 422));
    let arena = Arena::start().await;
    arena.withstand(rows).await;
    let delete = |body: Vec<u8>| request("DELETE", &format!("{LEASES}/a"), body);
    let number = [b"\x08".as_slice(), &[0xff; 11]].concat();
    arena
        .withstand([
            refused(
                "junk to delete with",
                delete([b"k8s\0".as_slice(), &[0xff; 50]].concat()),
                400,
            ),
            refused(
                "a long number to delete with",
                delete(enveloped("v1", "DeleteOptions", number)),
                400,
            ),
            refused(
                "another uid",
                delete(enveloped("v1", "DeleteOptions", bytes(2, bytes(1, "x")))),
                409,
            ),
        ])
        .await;
}

/// What may stand in `fieldsV1`, which is bytes in protobuf and JSON everywhere else.
fn fields() -> Vec<Vec<u8>> {
    let nested = |levels: usize| format!("{}{{}}{}", r#"{"f:a":"#.repeat(levels), "}".repeat(levels)).into_bytes();
    let short = [
        b"".as_slice(),
        b"{",
        b"not json",
        b"\xff\xfe",
        b"5",
        b"null",
        b"\"s\"",
        b"[]",
        b"{}x",
        b"{}\n{\"type\":\"ADDED\",\"object\":{}}",
        b"{\"f:a\":\n{}}",
        b"{\"f:a\":1}",
        br#"{"f:\ud800":{}}"#,
        b"{\"v:\xff\":{}}",
        b"{\"f:a\":{\0}}",
    ];
    short
        .into_iter()
        .map(<[u8]>::to_vec)
        .chain([nested(60), nested(500), nested(100_000)])
        .collect()
}

#[tokio::test]
async fn what_protobuf_brings_in_can_be_read_as_json_by_all() {
    let arena = Arena::start().await;
    let times = [(1, -5), (1, i64::from(i32::MAX)), (i64::MAX, 0), (i64::MIN, 0)];
    let times_len = times.len();
    let times = times
        .map(|(seconds, nanos)| spec([bytes(1, "h"), bytes(3, [int(1, seconds), int(2, nanos)].concat())].concat()));
    let unknown = (0..1000).fold(Vec::new(), |inner, _| bytes(15, inner));
    let create = |name: &str, body: Vec<u8>| taken(name, request("POST", LEASES, envelope(body)), 201);
    arena
        .withstand([create("unknown fields", [metadata("unknown", []), unknown].concat())])
        .await;
    arena
        .withstand((0..).zip(times).map(|(i, time)| {
            create(
                &format!("time {i}"),
                [metadata(&format!("time-{i}"), []), time].concat(),
            )
        }))
        .await;
    let fields = fields();
    let count = 2 + times_len + fields.len();
    for (index, fields) in fields.into_iter().enumerate() {
        bring_in(&arena, &format!("fields-{index}"), &fields).await;
    }
    must_be_readable(&arena, count).await;
}

/// Creates a lease with these `fieldsV1`, and then gives them to it once more in each way that keeps them.
async fn bring_in(arena: &Arena, name: &str, fields: &[u8]) {
    let path = format!("{LEASES}/{name}");
    let body = |holder: &str, version: &str| {
        let version = bytes(6, version);
        envelope(
            [
                metadata(name, [version, managed_fields(fields)].concat()),
                spec(bytes(1, holder)),
            ]
            .concat(),
        )
    };
    arena
        .withstand([taken(name, request("POST", LEASES, body("1", "")), 201)])
        .await;
    let stored = arena.ask(&Request::get(&path)).await.json().expect("JSON");
    let version = stored["metadata"]["resourceVersion"].as_str().expect("a version");
    arena
        .withstand([
            taken(name, request("PUT", &path, body("2", version)), 200),
            taken(
                name,
                Request::patch("merge-patch+json", &path, r#"{"spec":{"leaseTransitions":1}}"#),
                200,
            ),
        ])
        .await;
}

/// Reads all leases in each of the ways there are.
async fn must_be_readable(arena: &Arena, count: usize) {
    let list = arena.ask(&Request::get(LEASES)).await;
    assert_eq!(items(&list.json().expect("a list in JSON"), "items"), count);
    for kind in ["Table", "PartialObjectMetadataList"] {
        let accept = format!("application/json;as={kind};g=meta.k8s.io;v=v1");
        let reply = arena.ask(&Request::get(LEASES).header("Accept", accept)).await;
        assert!(reply.json().is_some(), "{kind}");
    }
    for accept in ["application/yaml", PROTOBUF] {
        assert_eq!(
            arena.ask(&Request::get(LEASES).header("Accept", accept)).await.code,
            Some(200),
            "{accept}"
        );
    }
    let watch = arena
        .ask(&Request::get(format!("{LEASES}?watch=1&timeoutSeconds=1")))
        .await;
    let events: Vec<Value> = watch
        .text()
        .lines()
        .map(|line| serde_json::from_str(line).expect("an event"))
        .collect();
    assert_eq!(events.len(), count);
    assert!(
        events
            .iter()
            .all(|event| event["type"] == "ADDED" && event["object"]["kind"] == "Lease")
    );
}

fn items(list: &Value, name: &str) -> usize {
    list[name].as_array().map_or(0, Vec::len)
}
