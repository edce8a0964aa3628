//! Bodies in JSON that are too much, broken, or not what they should be.

use leasehold_hostile::{Arena, LEASES, Request, Row, Want, lease, pages, refused, taken};
use serde_json::{Value, json};

const MIB: usize = 1 << 20;

fn post(name: &str, body: impl AsRef<[u8]>, code: u16) -> Row {
    refused(name, Request::post(LEASES, body), code)
}

/// A lease with this text within its specification.
fn spec(text: &str) -> String {
    format!(r#"{{"metadata":{{"name":"x"}},"spec":{{{text}}}}}"#)
}

/// A lease with these bytes for the value of `holderIdentity`, quotes included.
fn holder(value: &[u8]) -> Vec<u8> {
    [br#"{"metadata":{"name":"x"},"spec":{"holderIdentity":"#, value, b"}}"].concat()
}

fn nested(open: &str, inner: &str, close: &str, levels: usize) -> String {
    format!("{}{inner}{}", open.repeat(levels), close.repeat(levels))
}

#[tokio::test]
async fn a_body_that_is_too_large_is_413() {
    let chunk = [b"100000\r\n".as_slice(), &vec![b' '; MIB], b"\r\n"].concat();
    let chunked = Request::new("POST", LEASES).header("Transfer-Encoding", "chunked");
    let declared = |length: &str| Request::new("POST", LEASES).header("Content-Length", length);
    let arena = Arena::start().await;
    arena
        .withstand([
            post("one byte too many", vec![b' '; 3 * MIB + 1], 413),
            post("just not too large, but empty", vec![b' '; 3 * MIB], 400),
            post("ten MiB", vec![b' '; 10 * MIB], 413),
            refused("only said to be large", declared("9999999999"), 413),
            Row::raw(
                "a length beyond numbers",
                declared("99999999999999999999999").bytes(),
                Want::Cut(400),
            ),
            Row::raw("a negative length", declared("-1").bytes(), Want::Cut(400)),
            Row::raw(
                "chunks without an end",
                [chunked.bytes(), chunk.repeat(4)].concat(),
                Want::Refused(413),
            ),
            Row::raw(
                "a chunk of 2^64",
                [chunked.bytes(), b"ffffffffffffffffff\r\n".to_vec()].concat(),
                Want::Cut(400),
            ),
            Row::raw(
                "a chunk of no number",
                [chunked.bytes(), b"zz\r\n".to_vec()].concat(),
                Want::Cut(400),
            ),
            Row::raw(
                "a chunk that goes on",
                [chunked.bytes(), b"1\r\nabc\r\n0\r\n\r\n".to_vec()].concat(),
                Want::Cut(400),
            ),
            refused(
                "gzip",
                Request::post(LEASES, b"\x1f\x8b\x08").header("Content-Encoding", "gzip"),
                415,
            ),
            refused(
                "gzip twice",
                Request::post(LEASES, "{}")
                    .header("Content-Encoding", "identity")
                    .also("Content-Encoding", "gzip"),
                415,
            ),
            refused(
                "delete with gzip",
                Request::new("DELETE", format!("{LEASES}/a"))
                    .body("application/json", "{}")
                    .header("Content-Encoding", "br"),
                415,
            ),
        ])
        .await;
}

#[tokio::test]
async fn a_body_that_is_no_object_is_400() {
    let arena = Arena::start().await;
    let many = |item: &str, count: usize| vec![item; count].join(",");
    arena
        .withstand([
            post("empty", "", 400),
            post("truncated", r#"{"metadata":{"name":"x""#, 400),
            post("no JSON", "xyz", 400),
            post("trailing", [lease("x", &json!({})), b" {}".to_vec()].concat(), 400),
            post("array", "[]", 400),
            post("null", "null", 422),
            post("number", "1", 400),
            post("string", "\"x\"", 400),
            post("a million elements", format!("[{}]", many("1", 1_000_000)), 400),
            post("very many keys", format!("{{{}}}", many(r#""k":1"#, 400_000)), 422),
            post("arrays without an end", "[".repeat(100_000), 400),
            post("objects without an end", r#"{"a":"#.repeat(100_000), 400),
            post(
                "arrays in an unknown field",
                spec(&format!(r#""x":{}"#, nested("[", "", "]", 100_000))),
                400,
            ),
            post(
                "objects in an unknown field",
                spec(&format!(r#""x":{}"#, nested(r#"{"a":"#, "1", "}", 100_000))),
                400,
            ),
            post(
                "arrays in a known field",
                spec(&format!(r#""holderIdentity":{}"#, nested("[", "", "]", 100_000))),
                400,
            ),
            post(
                "a long number",
                spec(&format!(r#""leaseDurationSeconds":{}"#, "1".repeat(10_000))),
                400,
            ),
            post("a large exponent", spec(r#""leaseDurationSeconds":1e99999"#), 400),
            post("a byte order mark", b"\xef\xbb\xbf{}", 400),
            post("UTF-16", b"{\0}\0", 400),
        ])
        .await;
}

#[tokio::test]
async fn text_that_is_none_is_400() {
    let arena = Arena::start().await;
    arena
        .withstand([
            post("not UTF-8", holder(b"\"\xff\xfe\""), 400),
            post("overlong UTF-8", holder(b"\"\xc0\x80\""), 400),
            post("a surrogate in UTF-8", holder(b"\"\xed\xa0\x80\""), 400),
            post("a lone surrogate", holder(br#""\ud800""#), 400),
            post("a lone low surrogate", holder(br#""\udc00""#), 400),
            post("surrogates in the wrong order", holder(br#""\udc00\ud800""#), 400),
            post("half an escape", holder(br#""\u12""#), 400),
            post("an unknown escape", holder(br#""\x""#), 400),
            post("a control character", holder(b"\"\x01\""), 400),
            post("a NUL as it is", holder(b"\"\0\""), 400),
            post("not UTF-8 in a key", b"{\"\xff\":1}", 400),
            post("a NUL in a name", r#"{"metadata":{"name":"x\u0000"}}"#, 422),
            post(
                "a NUL in a label",
                r#"{"metadata":{"name":"x","labels":{"a":"\u0000"}}}"#,
                422,
            ),
            // As Kubernetes does, and it comes back escaped.
            taken(
                "an escaped NUL in free text",
                Request::post(LEASES, holder(br#""a\u0000b""#)),
                201,
            ),
        ])
        .await;
    let list = arena.ask(&Request::get(LEASES)).await;
    assert!(list.text().contains(r"a\u0000b"), "{}", list.text());
    assert!(list.json().is_some());
}

fn with(field: &str, value: &Value) -> Vec<u8> {
    let mut lease = json!({"metadata": {"name": "x"}, "spec": {}});
    *lease.pointer_mut("/spec").expect("it is there") = json!({ field: value });
    lease.to_string().into_bytes()
}

fn meta(metadata: &Value) -> String {
    json!({ "metadata": metadata }).to_string()
}

#[tokio::test]
async fn values_of_the_wrong_type_are_400() {
    let arena = Arena::start().await;
    let rows = [
        ("a string for an int", "leaseDurationSeconds", json!("5")),
        ("a float for an int", "leaseDurationSeconds", json!(1.5)),
        ("beyond int32", "leaseDurationSeconds", json!(2_147_483_648_u64)),
        ("beyond int32 below", "leaseTransitions", json!(-2_147_483_649_i64)),
        ("beyond u64", "leaseTransitions", json!(1e30)),
        ("a number for a string", "holderIdentity", json!(5)),
        ("a bool for a string", "holderIdentity", json!(true)),
        ("no time", "renewTime", json!("yesterday")),
        ("a number for a time", "renewTime", json!(5)),
        ("a time of year 10000", "renewTime", json!("10000-01-01T00:00:00Z")),
        ("a time without a zone", "acquireTime", json!("2026-01-01T00:00:00")),
    ];
    let rows = rows.map(|(name, field, value)| post(name, with(field, &value), 400));
    let kinds = [
        post("metadata of text", r#"{"metadata":"x"}"#, 400),
        post("spec of a list", r#"{"metadata":{"name":"x"},"spec":[]}"#, 400),
        post(
            "labels of numbers",
            meta(&json!({"name": "x", "labels": {"a": 1}})),
            400,
        ),
        post(
            "another kind",
            r#"{"apiVersion":"v1","kind":"Node","metadata":{"name":"x"}}"#,
            400,
        ),
        post(
            "another version",
            r#"{"apiVersion":"v1","kind":"Lease","metadata":{"name":"x"}}"#,
            400,
        ),
        post(
            "another namespace",
            meta(&json!({"name": "x", "namespace": "kube-system"})),
            400,
        ),
        post(
            "a resourceVersion",
            meta(&json!({"name": "x", "resourceVersion": "5"})),
            400,
        ),
        post(
            "a time of a number",
            meta(&json!({"name": "x", "creationTimestamp": 5})),
            400,
        ),
        refused(
            "another name",
            Request::put(format!("{LEASES}/a"), lease("b", &json!({}))),
            400,
        ),
    ];
    arena.withstand(rows.into_iter().chain(kinds)).await;
}

#[tokio::test]
async fn values_that_cannot_be_are_422() {
    let arena = Arena::start().await;
    let values = [
        ("no duration", "leaseDurationSeconds", json!(0)),
        ("a negative duration", "leaseDurationSeconds", json!(-1)),
        ("negative transitions", "leaseTransitions", json!(-1)),
        ("a preferred holder without a strategy", "preferredHolder", json!("b")),
        ("an unknown strategy", "strategy", json!("zzz")),
    ];
    let values = values.map(|(name, field, value)| post(name, with(field, &value), 422));
    let long = "a".repeat(254);
    let names = [
        "A_b", "", &long, "é", "a.", ".", "..", "../a", "a/b", "a%2fb", "a\u{0}", "a\nb",
    ];
    let names = names.map(|name| post(&format!("the name {name:?}"), meta(&json!({"name": name})), 422));
    let metadata = [
        ("no name", json!({})),
        ("a generateName with dots", json!({"generateName": "../"})),
        ("a bad label", json!({"name": "x", "labels": {"a b": "c"}})),
        ("a long label", json!({"name": "x", "labels": {"a": "b".repeat(64)}})),
        (
            "large annotations",
            json!({"name": "x", "annotations": {"a": "b".repeat(256 << 10)}}),
        ),
        ("an empty finalizer", json!({"name": "x", "finalizers": [""]})),
        ("an empty owner", json!({"name": "x", "ownerReferences": [{}]})),
    ];
    let metadata = metadata.map(|(name, metadata)| post(name, meta(&metadata), 422));
    arena.withstand(values.into_iter().chain(names).chain(metadata)).await;
}

#[tokio::test]
async fn extreme_values_are_kept_as_they_are() {
    let arena = Arena::start().await;
    let rows = [
        ("leaseTransitions", json!(i32::MAX)),
        ("leaseDurationSeconds", json!(i32::MAX)),
        ("renewTime", json!("0001-01-01T00:00:01.000000Z")),
        ("renewTime", json!("9999-12-31T23:59:59.999999Z")),
        ("holderIdentity", json!("\u{1f980}\u{202e}\r\n\u{7f}<script>")),
    ];
    for (index, (field, value)) in rows.into_iter().enumerate() {
        let name = format!("extreme-{index}");
        let body = lease(&name, &json!({ field: value }));
        arena.withstand([taken(&name, Request::post(LEASES, body), 201)]).await;
        let read = arena
            .ask(&Request::get(format!("{LEASES}/{name}")))
            .await
            .json()
            .expect("JSON");
        assert_eq!(read["spec"][field], value, "{name}");
    }
}

#[tokio::test]
async fn unknown_and_duplicate_fields_are_told_of_in_bounds() {
    let arena = Arena::start().await;
    let body = |name: &str| {
        format!(r#"{{"metadata":{{"name":"{name}"}},"spec":{{"a":1,"holderIdentity":"x","holderIdentity":"y"}}}}"#)
    };
    let validation = |level: &str| format!("{LEASES}?fieldValidation={level}");
    arena
        .withstand([
            taken("ignored", Request::post(validation("Ignore"), body("i")), 201),
            taken("warned of", Request::post(validation("Warn"), body("w")), 201),
            refused("strict", Request::post(validation("Strict"), body("s")), 400),
            refused("no such level", Request::post(validation("zzz"), body("z")), 422),
        ])
        .await;
    let unknown: String = (0..100_000).map(|i| format!(r#","k{i}":1"#)).collect();
    let evil = r#","\r\nX-Evil: 1\u0000é":1"#;
    let many = format!(r#"{{"metadata":{{"name":"many"}}{evil}{unknown}}}"#);
    let reply = arena.ask(&Request::post(LEASES, many)).await;
    assert_eq!(reply.code, Some(201));
    let warnings = reply.headers.iter().filter(|(name, _)| name == "warning");
    let size: usize = warnings.map(|(_, value)| value.len()).sum();
    assert!(size > 0 && size < 8 << 10, "{size} bytes of warnings");
    assert_eq!(reply.header("x-evil"), None);
}

#[tokio::test]
async fn delete_options_are_read_as_carefully() {
    let arena = Arena::start().await;
    let delete = |body: &str| Request::new("DELETE", format!("{LEASES}/a")).body("application/json", body);
    let rows = [
        ("[]", 400),
        ("\"x\"", 400),
        ("{", 400),
        (r#"{"apiVersion":"v1","kind":"Node"}"#, 400),
        (r#"{"preconditions":5}"#, 400),
        (r#"{"gracePeriodSeconds":-99999999999999999999}"#, 400),
        (r#"{"dryRun":["x"]}"#, 422),
        (r#"{"propagationPolicy":"x"}"#, 422),
        (r#"{"orphanDependents":true,"propagationPolicy":"Background"}"#, 422),
        (r#"{"preconditions":{"uid":"x"}}"#, 409),
        (r#"{"preconditions":{"resourceVersion":"1"}}"#, 409),
    ];
    arena
        .withstand(rows.map(|(body, code)| refused(body, delete(body), code)))
        .await;
    let deep = nested(r#"{"a":"#, "1", "}", 100_000);
    arena
        .withstand([
            refused("deep", delete(&deep), 400),
            pages("dry", delete(r#"{"dryRun":["All"]}"#), 200),
        ])
        .await;
}
