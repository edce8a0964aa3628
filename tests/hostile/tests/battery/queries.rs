//! Queries: selectors, numbers, switches and continue tokens.

use leasehold_hostile::{Arena, LEASES, Request, lease, pages, refused, taken};
use serde_json::json;

const UNREADABLE_SELECTORS: [&str; 10] = [
    "labelSelector=!!",
    "labelSelector=a=,,",
    "labelSelector=a+in",
    "labelSelector=a+in+(",
    "labelSelector=a%3Db%3Dc",
    "labelSelector=a%00b",
    "labelSelector=%ff%fe",
    "fieldSelector=zz%3D1",
    "fieldSelector=metadata.name",
    "fieldSelector=metadata.name%3Da%5C",
];

fn of(query: &str) -> String {
    format!("{LEASES}?{query}")
}

#[tokio::test]
async fn what_cannot_be_read_is_400() {
    let arena = Arena::start().await;
    let others = [
        "limit=abc",
        "limit=",
        "limit=99999999999999999999",
        "limit=1.5",
        "resourceVersion=abc",
        "resourceVersion=-1",
        "resourceVersion=%2B5",
        "resourceVersion=1e3",
        "resourceVersion=18446744073709551616",
        "timeout=xyz",
        "timeoutSeconds=abc",
        "timeoutSeconds=99999999999999999999",
        "continue=junk",
        "continue=%00",
        "continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MSwic3RhcnQiOiIuLi8ifQ",
    ];
    let brackets = format!("labelSelector={}", "(".repeat(5000));
    let queries = UNREADABLE_SELECTORS
        .into_iter()
        .chain(others)
        .chain([brackets.as_str()]);
    arena
        .withstand(queries.map(|query| refused(query, Request::get(of(query)), 400)))
        .await;
}

#[tokio::test]
async fn what_makes_no_sense_is_422() {
    let arena = Arena::start().await;
    let queries = [
        "resourceVersionMatch=Exact",
        "resourceVersionMatch=zz&resourceVersion=1",
        "sendInitialEvents=true",
        "sendInitialEvents=true&watch=true",
    ];
    arena
        .withstand(queries.map(|query| refused(query, Request::get(of(query)), 422)))
        .await;
    let post = |query: &str| Request::post(of(query), lease("x", &json!({})));
    let long = format!("fieldManager={}", "m".repeat(200));
    let queries = [
        "dryRun=foo",
        "dryRun=All&dryRun=x",
        &long,
        "fieldManager=%0a",
        "fieldValidation=x",
    ];
    arena
        .withstand(queries.map(|query| refused(query, post(query), 422)))
        .await;
    arena.withstand([pages("dry", post("dryRun=All"), 201)]).await;
}

#[tokio::test]
async fn what_is_odd_but_harmless_is_answered() {
    let arena = Arena::start().await;
    let long = format!("labelSelector={}a", "a,".repeat(3000));
    let many = "x=1&".repeat(2000);
    let queries = [
        "limit=-1",
        "limit=9223372036854775807",
        "limit=1&limit=abc",
        "resourceVersion=1&resourceVersion=abc",
        "timeout=1ns&timeout=x",
        "timeoutSeconds=9223372036854775807",
        "watch=1&timeoutSeconds=-1",
        "%zz=1",
        "=",
        "&&&",
        "pretty=zzz",
        "%00=%00",
        &long,
        &many,
    ];
    arena
        .withstand(queries.map(|query| pages(query, Request::get(of(query)), 200)))
        .await;
}

#[tokio::test]
async fn a_version_of_the_future_is_waited_for_and_then_504() {
    let arena = Arena::start().await;
    let last = Request::get(of("resourceVersion=18446744073709551615"));
    let watch = Request::get(of("resourceVersion=999999999&watch=1"));
    let (list, watch) = tokio::join!(arena.ask(&last), arena.ask(&watch));
    for reply in [list, watch] {
        assert_eq!(reply.code, Some(504));
        assert_eq!(reply.header("retry-after"), Some("1"));
        assert_eq!(
            reply.json().expect("a Status")["details"]["causes"][0]["reason"],
            "ResourceVersionTooLarge"
        );
    }
    arena.must_serve("the future").await;
}

#[tokio::test]
async fn deleting_a_collection_by_what_cannot_be_read_deletes_nothing() {
    let arena = Arena::start().await;
    let others = [
        ("limit=x", 400),
        ("continue=junk", 400),
        ("resourceVersion=abc", 400),
        ("timeoutSeconds=x", 400),
        ("gracePeriodSeconds=x", 400),
        ("dryRun=foo", 422),
        ("propagationPolicy=x", 422),
    ];
    let queries = UNREADABLE_SELECTORS.map(|query| (query, 400)).into_iter().chain(others);
    arena
        .withstand(queries.map(|(query, code)| refused(query, Request::new("DELETE", of(query)), code)))
        .await;
    let with_body = |body: &str| Request::new("DELETE", LEASES).body("application/json", body);
    let bodies = ["{", "[]", r#"{"kind":"Lease"}"#, r#"{"preconditions":1}"#];
    arena
        .withstand(bodies.map(|body| refused(body, with_body(body), 400)))
        .await;
    let none = Request::new("DELETE", of("labelSelector=no-such-label"));
    arena
        .withstand([
            pages("selects nothing", none, 200),
            taken("everything", Request::new("DELETE", LEASES), 200),
        ])
        .await;
}

/// Which characters of a token say what process gave it.
const ISSUER: std::ops::RangeInclusive<usize> = 2..=11;

#[tokio::test]
async fn a_continue_token_is_good_only_where_and_as_it_was_given() {
    let arena = Arena::start().await;
    let create = |name: &str| taken(name, Request::post(LEASES, lease(name, &json!({}))), 201);
    arena.withstand(["b", "c"].map(create)).await;
    let page = arena.ask(&Request::get(of("limit=1"))).await.json().expect("a list");
    let token = page["metadata"]["continue"].as_str().expect("a token").to_owned();
    let at = |list: &str, token: &str| Request::get(format!("{list}?limit=1&continue={token}"));
    let elsewhere = [
        "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases",
        "/apis/coordination.k8s.io/v1/leases",
        "/apis/coordination.k8s.io/v1beta1/namespaces/default/leasecandidates",
        "/api/v1/namespaces",
    ];
    let mut rows: Vec<_> = elsewhere.map(|list| refused(list, at(list, &token), 400)).into();
    // The last characters of base64 have bits of no meaning: each other one is changed. Those near the start say which
    // process gave it: another one's is as good as expired.
    for place in (0..token.len() - 2).step_by(2) {
        let mut forged = token.clone().into_bytes();
        forged[place] = if forged[place] == b'A' { b'B' } else { b'A' };
        let forged = String::from_utf8(forged).expect("ASCII");
        let code = if ISSUER.contains(&place) { 410 } else { 400 };
        rows.push(refused(format!("forged at {place}"), at(LEASES, &forged), code));
    }
    rows.push(refused("cut", at(LEASES, &token[..token.len() - 4]), 400));
    rows.push(refused("longer", at(LEASES, &format!("{token}AAAA")), 400));
    rows.push(refused("long", at(LEASES, &"A".repeat(6000)), 400));
    rows.push(refused(
        "with a version",
        at(LEASES, &format!("{token}&resourceVersion=5")),
        400,
    ));
    rows.push(pages("as given", at(LEASES, &token), 200));
    arena.withstand(rows).await;
}
