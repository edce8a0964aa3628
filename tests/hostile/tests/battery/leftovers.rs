//! What attacks leave behind: nothing in the log that is secret, and next to nothing in memory.

use leasehold_hostile::{Arena, LEASES, Request, lease, soon};
use serde_json::json;

/// What a server may have grown by after thousands of large bad requests: what its allocator keeps.
const GROWTH_MAX: u64 = 50 << 20;

#[tokio::test]
async fn no_secret_is_in_the_log_at_any_level() {
    const CANARY: &str = "canary7f3a";
    let arena = Arena::start_logging("trace").await;
    let broken = format!(r#"{{"metadata":{{"name":"x","annotations":{{"a":"{CANARY}"}}}},"{CANARY}":"#);
    let annotated =
        json!({"metadata": {"name": "b", "annotations": {"a": CANARY}}, "spec": {"holderIdentity": CANARY}});
    let requests = [
        Request::get(LEASES).token(CANARY),
        Request::get(LEASES).header("Authorization", format!("Basic {CANARY}")),
        Request::get(LEASES)
            .header("Cookie", CANARY)
            .header("X-Api-Key", CANARY),
        Request::get(LEASES).header("Impersonate-User", CANARY),
        Request::get(format!("{LEASES}?token={CANARY}&labelSelector={CANARY},,")),
        Request::post(LEASES, &broken),
        Request::post(LEASES, annotated.to_string()),
        Request::post(LEASES, lease("c", &json!({"leaseDurationSeconds": CANARY}))),
        Request::post(LEASES, &broken).header("Content-Type", "application/yaml"),
        Request::post(LEASES, &broken).header("Content-Type", "application/vnd.kubernetes.protobuf"),
        Request::patch(
            "merge-patch+json",
            format!("{LEASES}/b"),
            format!(r#"{{"spec":{{"holderIdentity":"{CANARY}2"}}}}"#),
        ),
        Request::patch("apply-patch+yaml", format!("{LEASES}/b?fieldManager=m"), &broken),
        Request::get(format!("{LEASES}?watch=1&timeoutSeconds=1")),
    ];
    for request in requests {
        let bytes = request.bytes();
        arena.ask_raw("plain", &bytes).await;
        soon("within TLS", arena.connect_tls(&["http/1.1"]).await.exchange(&bytes)).await;
    }
    let h2 = leasehold_hostile::frames::header_block(&[
        (":method", "GET"),
        (":scheme", "https"),
        (":path", LEASES),
        ("authorization", &format!("Bearer {CANARY}")),
    ]);
    let h2 = [
        leasehold_hostile::frames::hello(),
        leasehold_hostile::frames::frame(1, 5, 1, &h2),
    ]
    .concat();
    soon("HTTP/2", arena.connect_tls(&["h2"]).await.exchange(&h2)).await;
    let log = arena.log();
    assert!(log.contains("TRACE") || log.contains("DEBUG"), "it logs everything");
    let told: Vec<_> = log
        .lines()
        .filter(|line| line.contains(CANARY) || line.contains("admin-token"))
        .collect();
    assert!(told.is_empty(), "{told:#?}");
    arena.must_be_unharmed();
}

#[tokio::test]
async fn nothing_in_the_log_can_pass_for_another_line() {
    let arena = Arena::start_logging("trace").await;
    let forged = "x\u{1b}[31m%0a2026-01-01T00:00:00Z ERROR leasehold: forged";
    let requests = [
        Request::get(LEASES).header("User-Agent", "a\u{1b}[2Jb\tERROR forged"),
        Request::get(format!("{LEASES}/%1b%5b31m")),
        Request::get(format!("{LEASES}/{}", forged.replace(' ', "%20"))),
        Request::get(format!("{LEASES}/%c2%9b31m%e2%80%ae")),
    ];
    for request in requests {
        arena.ask(&request).await;
    }
    let log = arena.log();
    let control = |c: char| c.is_control() && c != '\n';
    assert!(
        !log.contains(control),
        "{:?}",
        log.lines().find(|line| line.contains(control))
    );
    assert!(!log.lines().any(|line| line.starts_with("2026-01-01")), "{log}");
}

#[tokio::test]
async fn memory_is_given_back() {
    let arena = Arena::start().await;
    let large = vec![b' '; 3 << 20];
    let nested = "[".repeat(3 << 20);
    let keys = format!("{{{}", r#""k":{"a":[1,2,3]},"#.repeat(150_000));
    let copies: Vec<_> = (0..9_999)
        .map(|i| json!({"op": "copy", "from": "/z", "path": format!("/z{i}")}))
        .collect();
    let copies = json!(
        [
            &[json!({"op": "add", "path": "/z", "value": "x".repeat(300)})],
            copies.as_slice()
        ]
        .concat()
    )
    .to_string();
    let attacks = [
        Request::post(LEASES, &large),
        Request::post(LEASES, vec![b' '; 4 << 20]),
        Request::post(LEASES, &nested),
        Request::post(LEASES, &keys),
        Request::post(LEASES, &keys).header("Content-Type", "application/yaml"),
        Request::post(LEASES, [b"k8s\0".as_slice(), &large].concat())
            .header("Content-Type", "application/vnd.kubernetes.protobuf"),
        Request::patch("json-patch+json", format!("{LEASES}/a"), copies),
        Request::patch("merge-patch+json", format!("{LEASES}/a"), &nested),
    ]
    .map(|request| request.bytes());
    // Once, so that what is made on first use is there.
    for attack in &attacks {
        arena.ask_raw("an attack", attack).await;
    }
    let before = arena.resident();
    for _ in 0..3 {
        for attack in &attacks {
            arena.ask_raw("an attack", attack).await;
        }
    }
    let grown = arena.resident().saturating_sub(before);
    assert!(before > 0 && grown < GROWTH_MAX, "{grown} bytes more than {before}");
    arena.must_serve("all this").await;
    arena.must_be_unharmed();
}
