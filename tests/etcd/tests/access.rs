//! TLS and authentication, against every etcd that is here.

use leasehold_etcd::{Client, Error, Op, Options, RangeRequest, TlsOptions, Txn, WatchOptions};
use leasehold_test_etcd::{Cluster, Pki, Setup, Version};

fn tls(ca: &Pki, client: Option<&Pki>) -> TlsOptions {
    let identity = client.map(|pki| pki.client("leasehold").unwrap());
    let part = |text: &str| Some(text.as_bytes().to_vec());
    TlsOptions {
        ca: part(&ca.ca()),
        cert: identity.as_ref().and_then(|identity| part(&identity.cert)),
        key: identity.as_ref().and_then(|identity| part(&identity.key)),
    }
}

fn client(cluster: &Cluster, tls: TlsOptions) -> Client {
    let mut options = cluster.options();
    options.tls = Some(tls);
    Client::new(options).unwrap()
}

fn put() -> Txn {
    Txn {
        success: vec![Op::put("k", "1")],
        ..Txn::default()
    }
}

#[tokio::test]
async fn with_the_right_certificates_all_is_well() {
    for version in Version::available() {
        let cluster = Cluster::start(Setup::new(version).with_tls()).await.unwrap();
        let client = cluster.client().unwrap();
        let written = client.txn(put()).await.unwrap();
        let options = WatchOptions {
            key: "k".into(),
            revision: written.revision,
            ..WatchOptions::default()
        };
        let mut watch = client.watch(options).await.unwrap();
        assert_eq!(watch.next().await.unwrap().revision, written.revision);
    }
}

#[tokio::test]
async fn with_the_wrong_ones_access_is_denied_with_a_reason() {
    for version in Version::available() {
        let cluster = Cluster::start(Setup::new(version).with_tls()).await.unwrap();
        let (ours, stranger) = (cluster.pki().unwrap(), Pki::new().unwrap());
        for (what, tls, why) in [
            ("no client certificate", tls(ours, None), "ertificate"),
            ("a stranger's client certificate", tls(ours, Some(&stranger)), "alert"),
            ("a stranger's authority", tls(&stranger, Some(ours)), "certificate"),
        ] {
            let client = client(&cluster, tls);
            let denied = [
                client.range(RangeRequest::key("k")).await.unwrap_err(),
                client.txn(put()).await.unwrap_err(),
                client.watch(WatchOptions::default()).await.unwrap_err(),
                client.status(&client.endpoints()[0]).await.unwrap_err(),
            ];
            for error in denied {
                let is_told = matches!(&error, Error::Denied(text) if text.contains("TLS") && text.contains(why));
                assert!(is_told, "{what}: {error:?}");
            }
        }
    }
}

#[tokio::test]
async fn plain_and_tls_do_not_understand_each_other() {
    let version = Version::newest();
    let with_tls = Cluster::start(Setup::new(version).with_tls()).await.unwrap();
    let plain = Cluster::start(Setup::new(version)).await.unwrap();
    for (cluster, from, to) in [(&with_tls, "https", "http"), (&plain, "http", "https")] {
        let mut options = Options::new([cluster.endpoints()[0].replacen(from, to, 1)]);
        options.request_timeout = std::time::Duration::from_secs(1);
        let error = Client::new(options).unwrap().txn(put()).await.unwrap_err();
        assert!(!error.is_unknown(), "{error:?}");
    }
}

#[test]
fn certificates_that_cannot_be_used_are_refused_at_once() {
    let good = Pki::new().unwrap();
    let other = Pki::new().unwrap();
    let broken = |change: fn(&mut TlsOptions, &Pki)| {
        let mut tls = tls(&good, Some(&good));
        change(&mut tls, &other);
        let mut options = Options::new(["https://localhost:1"]);
        options.tls = Some(tls);
        Client::new(options).unwrap_err()
    };
    for (change, why) in [
        (
            (|tls, _| tls.ca = Some(b"-".to_vec())) as fn(&mut TlsOptions, &Pki),
            "authority",
        ),
        (|tls, _| tls.cert = Some(Vec::new()), "certificate"),
        (|tls, _| tls.key = Some(b"-".to_vec()), "key"),
        (|tls, _| tls.key = None, "needs its key"),
        (
            |tls, other| tls.key = Some(other.client("x").unwrap().key.into_bytes()),
            "certificate and key",
        ),
    ] {
        let error = broken(change);
        assert!(
            matches!(&error, Error::Invalid(text) if text.contains(why)),
            "{error:?}"
        );
        assert!(!error.to_string().contains("-----"), "{error}");
    }
}

#[tokio::test]
async fn where_users_are_asked_for_nobody_is_denied() {
    for version in Version::available() {
        let cluster = Cluster::start(Setup::new(version)).await.unwrap();
        let client = cluster.client().unwrap();
        client.txn(put()).await.unwrap();
        cluster.enable_auth().await.unwrap();
        let options = WatchOptions {
            key: "k".into(),
            ..WatchOptions::default()
        };
        let denied = [
            client.range(RangeRequest::key("k")).await.unwrap_err(),
            client.txn(put()).await.unwrap_err(),
            client.watch(options).await.unwrap_err(),
        ];
        for error in denied {
            assert!(matches!(error, Error::Denied(_)), "{error:?}");
            assert!(!error.is_unknown() && !error.is_transient());
        }
    }
}
