//! Patches: too many operations, copies of copies, paths that lead nowhere, directives that do not exist, applies.

use leasehold_hostile::{Arena, LEASES, Request, Row, pages, refused, taken};
use serde_json::{Value, json};

fn object() -> String {
    format!("{LEASES}/a")
}

fn json_patch(name: &str, operations: &Value, code: u16) -> Row {
    refused(
        name,
        Request::patch("json-patch+json", object(), operations.to_string()),
        code,
    )
}

/// Operations of an array, of which the first is `first` and the others are `rest(1)`, `rest(2)`, and so on.
fn operations(first: Value, count: usize, rest: impl Fn(usize) -> Value) -> Value {
    std::iter::once(first).chain((1..count).map(rest)).collect()
}

#[tokio::test]
async fn json_patches_are_bounded() {
    let test = json!({"op": "test", "path": "/kind", "value": "Lease"});
    let add = |value: Value| json!({"op": "add", "path": "/z", "value": value});
    let copy = |from: &str, to: String| json!({"op": "copy", "from": from, "path": to});
    let arena = Arena::start().await;
    let deeper = |i: usize| match i % 3 {
        1 => json!({"op": "add", "path": "/y", "value": {}}),
        2 => json!({"op": "move", "from": "/z", "path": "/y/a"}),
        _ => json!({"op": "move", "from": "/y", "path": "/z"}),
    };
    let moved = |i: usize| match i % 2 {
        0 => json!({"op": "move", "from": "/z/b", "path": "/z/a"}),
        _ => json!({"op": "move", "from": "/z/a", "path": "/z/b"}),
    };
    arena
        .withstand([
            json_patch(
                "10,001 operations",
                &operations(test.clone(), 10_001, |_| test.clone()),
                413,
            ),
            json_patch(
                "copies of copies",
                &operations(add(json!({"a": "x".repeat(1000)})), 60, |i| {
                    copy("/z", format!("/z/c{i}"))
                }),
                422,
            ),
            json_patch(
                "an array of itself",
                &operations(add(json!(["x"])), 60, |_| copy("/z", "/z/-".to_owned())),
                422,
            ),
            json_patch(
                "many small copies",
                &operations(add(json!({"a": "x".repeat(1000)})), 10_000, |i| {
                    copy("/z/a", format!("/z/b{i}"))
                }),
                422,
            ),
            json_patch(
                "a large value moved to and fro",
                &operations(add(json!({"a": vec!["xxxxxxxxxx"; 50_000]})), 9_000, moved),
                422,
            ),
            json_patch("deeper and deeper", &operations(add(json!({})), 9_999, deeper), 422),
            pages(
                "10,000 operations",
                Request::patch(
                    "json-patch+json",
                    object(),
                    operations(test.clone(), 10_000, |_| test.clone()).to_string(),
                ),
                200,
            ),
        ])
        .await;
}

#[tokio::test]
async fn json_patches_that_lead_nowhere_are_422() {
    let arena = Arena::start().await;
    let paths = [
        "x",
        "/spec/nope/x",
        "/~2",
        "/~",
        "/metadata/annotations/a~1b/c",
        // -1 is the last one, as in Kubernetes; -9 is none.
        "/metadata/managedFields/-9",
        "/metadata/managedFields/01",
        "/metadata/managedFields/99999999999999999999",
    ];
    let mut rows = Vec::new();
    for path in paths {
        for op in ["add", "remove", "replace", "test", "copy", "move"] {
            let operation = json!([{"op": op, "path": path, "from": "/nope", "value": 1}]);
            rows.push(json_patch(&format!("{op} {path}"), &operation, 422));
        }
    }
    let others = [
        (
            "into itself",
            json!([{"op": "move", "from": "/spec", "path": "/spec/x"}]),
            422,
        ),
        ("the root away", json!([{"op": "remove", "path": ""}]), 422),
        (
            "null for the root",
            json!([{"op": "replace", "path": "", "value": null}]),
            422,
        ),
        (
            "a number for the root",
            json!([{"op": "add", "path": "", "value": 1}]),
            422,
        ),
        ("no operation", json!([{"path": "/x"}]), 422),
        ("an unknown operation", json!([{"op": "zz", "path": "/x"}]), 422),
        (
            "another uid",
            json!([{"op": "add", "path": "/metadata/uid", "value": "x"}]),
            422,
        ),
        (
            "another kind",
            json!([{"op": "add", "path": "/kind", "value": "Node"}]),
            422,
        ),
        (
            "another name",
            json!([{"op": "add", "path": "/metadata/name", "value": "x"}]),
            400,
        ),
        (
            "another namespace",
            json!([{"op": "add", "path": "/metadata/namespace", "value": "x"}]),
            400,
        ),
        ("an object", json!({}), 400),
    ];
    rows.extend(others.map(|(name, patch, code)| json_patch(name, &patch, code)));
    let raw = |name: &str, body: &str| refused(name, Request::patch("json-patch+json", object(), body), 400);
    rows.extend([
        raw("empty", ""),
        raw("deep", &"[".repeat(100_000)),
        raw("garbage", "xyz"),
    ]);
    arena.withstand(rows).await;
}

#[tokio::test]
async fn merge_patches_that_make_no_sense_are_refused() {
    let arena = Arena::start().await;
    let deep = r#"{"a":"#.repeat(100_000);
    let of_both = [
        ("", 400),
        ("[]", 400),
        ("\"x\"", 400),
        (&*deep, 400),
        (r#"{"metadata":null}"#, 400),
        (r#"{"metadata":{"name":null}}"#, 400),
        (r#"{"metadata":{"resourceVersion":"abc"}}"#, 400),
        (r#"{"metadata":{"resourceVersion":"1"}}"#, 409),
        (r#"{"metadata":{"resourceVersion":5}}"#, 422),
        (r#"{"metadata":{"uid":"x"}}"#, 422),
        (r#"{"metadata":{"annotations":{"a":1}}}"#, 422),
        (r#"{"metadata":{"ownerReferences":[5]}}"#, 422),
        (r#"{"metadata":{"ownerReferences":[{"uid":null}]}}"#, 422),
        (r#"{"spec":{"leaseDurationSeconds":-1}}"#, 422),
    ];
    let of_strategic = [
        (r#"{"$patch":5}"#, 400),
        (r#"{"$patch":"zzz"}"#, 400),
        (r#"{"$patch":"delete"}"#, 400),
        (r#"{"$retainKeys":5}"#, 400),
        (r#"{"$setElementOrder":[]}"#, 400),
        (r#"{"$setElementOrder/":[]}"#, 400),
        (r#"{"metadata":{"$patch":"replace"}}"#, 400),
        (r#"{"metadata":{"$deleteFromPrimitiveList/finalizers":5}}"#, 400),
    ];
    let mut rows = Vec::new();
    for kind in ["merge-patch+json", "strategic-merge-patch+json"] {
        rows.extend(
            of_both
                .map(|(body, code)| refused(format!("{kind} {body:.60}"), Request::patch(kind, object(), body), code)),
        );
    }
    rows.extend(
        of_strategic
            .map(|(body, code)| refused(body, Request::patch("strategic-merge-patch+json", object(), body), code)),
    );
    rows.extend(["json", "", "zz", "merge-patch"].map(|kind| refused(kind, Request::patch(kind, object(), "{}"), 415)));
    let absent = |kind: &str, body: &str| refused(kind, Request::patch(kind, format!("{LEASES}/absent"), body), 404);
    rows.extend([
        absent("merge-patch+json", "{}"),
        absent("json-patch+json", "[]"),
        absent("strategic-merge-patch+json", "{}"),
    ]);
    // No patch at all changes nothing, but of a merge, where null would be the whole result.
    let nothing = |kind: &str| Request::patch(kind, object(), "null");
    rows.push(refused("merge null", nothing("merge-patch+json"), 400));
    rows.extend(["json-patch+json", "strategic-merge-patch+json"].map(|kind| taken(kind, nothing(kind), 200)));
    arena.withstand(rows).await;
}

#[tokio::test]
async fn applies_that_make_no_sense_are_refused() {
    let apply = |query: &str, body: &str| Request::patch("apply-patch+yaml", format!("{LEASES}/b{query}"), body);
    let with = |metadata: &str, rest: &str| {
        format!(r#"{{"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{{"name":"b"{metadata}}}{rest}}}"#)
    };
    let owner = r#"{"uid":"a","name":"x","kind":"K","apiVersion":"v1"}"#;
    let bodies = [
        ("", 400),
        ("null", 400),
        ("- a", 400),
        ("{}", 400),
        ("a: &a 1", 400),
        ("--- {}\n--- {}", 400),
        (&*"{a: ".repeat(5000), 400),
        (&*with("", r#","zz":1"#), 400),
        (&*with(r#","managedFields":[{}]"#, ""), 400),
        (&*with(r#","name":"c""#, ""), 400),
        (&*with(r#","finalizers":["a/b","a/b"]"#, ""), 400),
        (&*with(&format!(r#","ownerReferences":[{owner},{owner}]"#), ""), 400),
        (&*with(r#","ownerReferences":[{"name":"x"}]"#, ""), 400),
        (&*with("", r#","spec":{"leaseDurationSeconds":"x"}"#), 400),
        (&*with("", r#","spec":{"leaseDurationSeconds":-1}"#), 422),
    ];
    let arena = Arena::start().await;
    let rows = bodies.map(|(body, code)| refused(format!("{body:.60}"), apply("?fieldManager=m", body), code));
    arena.withstand(rows).await;
    let (one, other) = (
        with("", r#","spec":{"holderIdentity":"1"}"#),
        with("", r#","spec":{"holderIdentity":"2"}"#),
    );
    let stale = with(r#","resourceVersion":"1""#, "");
    let foreign = with(r#","uid":"x""#, "");
    arena
        .withstand([
            refused("no manager", apply("", &one), 422),
            refused(
                "a manager too long",
                apply(&format!("?fieldManager={}", "m".repeat(129)), &one),
                422,
            ),
            refused("a manager of no name", apply("?fieldManager=%0a", &one), 422),
            taken("the first", apply("?fieldManager=m", &one), 201),
            refused("a conflict", apply("?fieldManager=n", &other), 409),
            refused("stale", apply("?fieldManager=m", &stale), 409),
            refused("another uid", apply("?fieldManager=m", &foreign), 422),
            refused(
                "force without apply",
                Request::patch("merge-patch+json", format!("{LEASES}/b?force=true"), "{}"),
                422,
            ),
        ])
        .await;
}
