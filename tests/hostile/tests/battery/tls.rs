//! TLS: what is not TLS, what is too old, and certificates of others.

use std::time::Duration;

use leasehold_hostile::{Arena, Authority, Holder, LEASES, Reply, Request, Wire, soon};

const DAY: Duration = Duration::from_secs(86400);

async fn ask_as(arena: &Arena, holder: Option<Holder>) -> Reply {
    let wire = Wire::tls(arena.tls_address(), arena.client_config(holder, &["http/1.1"])).await;
    // A certificate may be bad without the handshake being so, as in Kubernetes.
    let wire = wire.expect("a handshake");
    Reply::parse(&soon("a reply", wire.exchange(&Request::get(LEASES).anonymous().bytes())).await)
}

#[tokio::test]
async fn a_certificate_counts_only_if_our_authority_signed_it_for_a_client_of_today() {
    let arena = Arena::start().await;
    let (own, foreign) = (arena.authority(), Authority::foreign());
    let masters = Some("system:masters");
    let hour_ago = Duration::from_secs(3599);
    let cases = [
        ("a master's", Some(own.client("root", masters, DAY)), 200),
        ("none", None, 403),
        ("nobody's", Some(own.client("nobody", None, DAY)), 403),
        ("a foreign one", Some(foreign.client("root", masters, DAY)), 401),
        ("an expired one", Some(own.client("root", masters, hour_ago)), 401),
        ("one without a name", Some(own.client("", masters, DAY)), 401),
        ("a server's", Some(own.server("root", masters)), 401),
        (
            "one that claims to be anonymous",
            Some(own.client("system:anonymous", None, DAY)),
            403,
        ),
    ];
    for (name, holder, code) in cases {
        let reply = ask_as(&arena, holder).await;
        assert_eq!(reply.code, Some(code), "{name}: {}", reply.text());
    }
    arena.must_be_unharmed();
}

#[tokio::test]
async fn a_bad_certificate_does_not_keep_a_good_token_from_counting_nor_the_other_way() {
    let arena = Arena::start().await;
    let ask = async |holder: Holder, token: &str| {
        let config = arena.client_config(Some(holder), &["http/1.1"]);
        let wire = Wire::tls(arena.tls_address(), config).await.expect("a handshake");
        let reply = soon("a reply", wire.exchange(&Request::get(LEASES).token(token).bytes())).await;
        Reply::parse(&reply).code
    };
    let own = arena.authority();
    assert_eq!(
        ask(Authority::foreign().client("x", None, DAY), "admin-token").await,
        Some(200)
    );
    assert_eq!(
        ask(own.client("nobody", None, DAY), "wrong").await,
        Some(403),
        "the certificate comes first"
    );
    assert_eq!(
        ask(Authority::foreign().client("x", None, DAY), "wrong").await,
        Some(401)
    );
}

/// A hello that offers nothing newer than this version.
fn hello(version: [u8; 2]) -> Vec<u8> {
    let suites = [
        0xc0, 0x13, 0xc0, 0x14, 0xc0, 0x2f, 0xc0, 0x30, 0xc0, 0x2b, 0x00, 0x2f, 0x00, 0x35,
    ];
    let mut body = version.to_vec();
    body.extend([7; 32]);
    body.push(0);
    body.extend([0, suites.len() as u8]);
    body.extend(suites);
    body.extend([1, 0]);
    let length = |size: usize| (size as u16).to_be_bytes();
    let handshake = [&[1, 0], length(body.len()).as_slice(), &body].concat();
    [&[22, 3, 1], length(handshake.len()).as_slice(), &handshake].concat()
}

#[tokio::test]
async fn what_is_no_tls_of_today_gets_an_alert_or_nothing() {
    let arena = Arena::start().await;
    let first = [
        ("SSL 3.0", hello([3, 0])),
        ("TLS 1.0", hello([3, 1])),
        ("TLS 1.1", hello([3, 2])),
        ("plain HTTP", Request::get("/readyz").bytes()),
        ("plain HTTP/2", leasehold_hostile::frames::hello()),
        ("noise", vec![0xff; 50_000]),
        ("zeros", vec![0; 50_000]),
        ("an alert", vec![21, 3, 3, 0, 2, 2, 40]),
        (
            "a record too long",
            [&[22, 3, 3, 0xff, 0xff], [0; 70_000].as_slice()].concat(),
        ),
        (
            "a hello too long",
            [&[22, 3, 3, 0x40, 0, 1, 0xff, 0xff, 0xff], [0; 0x4000].as_slice()].concat(),
        ),
        ("empty records", [22, 3, 3, 0, 0].repeat(10_000)),
        ("SSH", b"SSH-2.0-x\r\n".to_vec()),
    ];
    for (name, bytes) in first {
        let wire = Wire::plain(arena.tls_address()).await;
        let answer = soon(name, wire.exchange(&bytes)).await;
        assert!(answer.is_empty() || answer[0] == 21, "{name}: {answer:?}");
        arena.must_serve(name).await;
    }
    let refused = Wire::tls(arena.tls_address(), arena.client_config(None, &["spdy/3"])).await;
    assert!(refused.is_err(), "no protocol in common");
    arena.must_be_unharmed();
}
