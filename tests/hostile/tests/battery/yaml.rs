//! YAML: anchors, aliases, depth, size, tags, and everything else that it is known for.

use leasehold_hostile::{Arena, LEASES, Request, Row, refused, taken};

fn post(name: &str, body: &str) -> Row {
    refused(
        name,
        Request::post(LEASES, body).header("Content-Type", "application/yaml"),
        400,
    )
}

/// A lease with these lines at its end.
fn with(lines: &str) -> String {
    format!("apiVersion: coordination.k8s.io/v1\nkind: Lease\nmetadata:\n  name: x\n{lines}")
}

#[tokio::test]
async fn bombs_do_not_go_off() {
    let nine = |name: char| vec![format!("*{name}"); 9].join(",");
    let laughs: String = ('b'..='i')
        .zip('a'..)
        .map(|(name, of)| format!("{name}: &{name} [{}]\n", nine(of)))
        .collect();
    let laughs = format!("a: &a [lol]\n{laughs}");
    let keys: String = (0..100_000).map(|i| format!("k{i}: 1\n")).collect();
    let steps: String = (1..2000).map(|i| format!("{}-\n", " ".repeat(i))).collect();
    let arena = Arena::start().await;
    let within = [
        ("laughs", &*laughs),
        ("an anchor", "x: &a {}"),
        ("an alias of nothing", "x: *a"),
        ("itself", "x: &a [*a]"),
        ("merged", "x: &a {b: 1}\n<<: *a"),
        ("steps", &*format!("x:\n{steps}")),
    ];
    arena
        .withstand(within.map(|(name, lines)| post(name, &with(lines))))
        .await;
    let mut rows = Vec::new();
    for open in [
        "[", "{", "- ", "? ", "? - ", "{a: ", "[{a: ", "- a: ", ": ", "&a ", "!", "!!str ", "'", "\"", "|\n", "-\n",
        "[ ", "*",
    ] {
        rows.push(post(&format!("{open:?} for ever"), &open.repeat(50_001)));
        rows.push(post(
            &format!("{open:?} for ever, within"),
            &with(&format!("x: {}", open.repeat(50_001))),
        ));
    }
    for levels in [33, 60, 90, 100, 200] {
        for (open, close) in [("[", "]"), ("{a: ", "}"), ("{? ", "}"), ("[{a: ", "}]")] {
            let nested = format!("x: {}1{}", open.repeat(levels), close.repeat(levels));
            rows.push(post(&format!("{levels} of {open:?}"), &with(&nested)));
        }
    }
    rows.push(refused(
        "keys",
        Request::post(LEASES, &*keys).header("Content-Type", "application/yaml"),
        422,
    ));
    rows.push(post("a sequence", &with(&format!("x: [{}1]", "1,".repeat(500_000)))));
    rows.push(refused(
        "too large",
        Request::post(LEASES, " ".repeat((3 << 20) + 1)).header("Content-Type", "application/yaml"),
        413,
    ));
    arena.withstand(rows).await;
}

#[tokio::test]
async fn what_is_no_lease_is_400() {
    let arena = Arena::start().await;
    let bodies = [
        "",
        "~",
        "- a",
        "just text",
        "5",
        "---\n---\n",
        "%YAML 1.1",
        "a: b: c",
        "@",
        "`",
        "? [a]\n: b",
        "{a",
        "!!binary aGk=",
    ];
    let rows = bodies.map(|body| {
        let code = if matches!(body, "" | "~") { 422 } else { 400 };
        refused(
            body,
            Request::post(LEASES, body).header("Content-Type", "application/yaml"),
            code,
        )
    });
    arena.withstand(rows).await;
    let lines = [
        "spec:\n  leaseDurationSeconds: \"5\"",
        "spec:\n  leaseDurationSeconds: 1.5",
        "spec:\n  leaseDurationSeconds: 99999999999",
        "spec:\n  holderIdentity: 5",
        "spec:\n  holderIdentity: yes",
        "spec:\n  holderIdentity: \"\\ud800\"",
        "spec:\n  renewTime: yesterday",
        "spec: []",
        "x: .nan",
        "x: .inf",
        "---\nkind: Lease",
    ];
    arena.withstand(lines.map(|lines| post(lines, &with(lines)))).await;
    let invalid = Request::post(LEASES, b"metadata:\n  name: \"\xff\"").header("Content-Type", "application/yaml");
    arena.withstand([refused("not UTF-8", invalid, 400)]).await;
}

#[tokio::test]
async fn tags_call_nothing() {
    let arena = Arena::start().await;
    let tags = [
        "!foo bar",
        "!!python/object:os.system x",
        "!!binary aGk=",
        "!include /etc/passwd",
        "!<tag:evil> x",
    ];
    for (index, tag) in tags.into_iter().enumerate() {
        let body = format!("metadata:\n  name: tag-{index}\nx: {tag}");
        let request = Request::post(LEASES, body).header("Content-Type", "application/yaml");
        arena.withstand([taken(tag, request, 201)]).await;
    }
    let list = arena.ask(&Request::get(LEASES)).await.text();
    assert!(!list.contains("root:"), "{list}");
}
