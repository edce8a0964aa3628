use std::fs::Permissions;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::time::Duration;

use jiff::SignedDuration;

use super::*;
use crate::cli::{Credentials, Identity};

const LISTEN: &str = "127.0.0.1:6443";

/// A data directory with the certificates of a server in it.
struct Fixture {
    root: tempfile::TempDir,
    pki: Pki,
}

impl Fixture {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let pki = pki_in(root.path(), ServingCertificate::Own(vec![]), LISTEN);
        Self { root, pki }
    }

    fn started() -> Self {
        let fixture = Self::new();
        fixture.pki.ensure(today()).unwrap();
        fixture
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    fn mode(&self, name: &str) -> u32 {
        self.path(name).metadata().unwrap().mode() & 0o7777
    }
}

fn pki_in(root: &Path, certificate: ServingCertificate, listen: &str) -> Pki {
    let data_dir = DataDir::open(root).unwrap();
    let settings = Settings {
        certificate,
        ..Settings::for_tests(root)
    };
    Pki::new(&data_dir, &settings, listen.parse().unwrap(), "box")
}

fn today() -> Timestamp {
    "2026-06-01T00:00:00Z".parse().unwrap()
}

fn in_days(days: i64) -> Timestamp {
    today() + SignedDuration::from_hours(24 * days)
}

fn facts_of(certificate: &str, key: &str, ca: &str) -> decide::Facts {
    let ca = inspect::certificates(ca).unwrap().remove(0);
    match inspect::look_at(certificate, key, &ca) {
        decide::Existing::Certificate(facts) => facts,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_first_start_makes_everything_and_the_second_nothing() {
    let fixture = Fixture::new();
    let missing = Some(Reason::Missing);
    let first = Changed {
        ca: true,
        serving: missing,
        admin: missing,
        kubeconfig: true,
    };
    assert_eq!(fixture.pki.ensure(today()).unwrap(), first);
    assert_eq!(fixture.pki.ensure(today()).unwrap(), Changed::default());
    assert_eq!(fixture.pki.material().unwrap().client_cas.len(), 1);
}

#[test]
fn keys_are_private_and_are_made_so_again() {
    let fixture = Fixture::started();
    let private = ["pki/ca.key", "pki/serving.key", "pki/admin.key", "admin.kubeconfig"];
    for name in private {
        assert_eq!(fixture.mode(name), 0o600, "{name}");
        std::fs::set_permissions(fixture.path(name), Permissions::from_mode(0o644)).unwrap();
    }
    assert_eq!(fixture.mode("pki"), 0o700);
    std::fs::set_permissions(fixture.path("pki"), Permissions::from_mode(0o755)).unwrap();

    assert_eq!(fixture.pki.ensure(today()).unwrap(), Changed::default());
    for name in private {
        assert_eq!(fixture.mode(name), 0o600, "{name}");
    }
    assert_eq!(fixture.mode("pki"), 0o700);
}

#[test]
fn certificates_are_renewed_in_time_and_the_ca_stays() {
    let fixture = Fixture::started();
    let ca = fixture.text("pki/ca.crt");
    assert_eq!(fixture.pki.ensure(in_days(334)).unwrap(), Changed::default());

    let expiring = Some(Reason::Expiring);
    let wanted = Changed {
        ca: false,
        serving: expiring,
        admin: expiring,
        kubeconfig: true,
    };
    assert_eq!(fixture.pki.ensure(in_days(336)).unwrap(), wanted);
    assert_eq!(fixture.text("pki/ca.crt"), ca);
    assert_eq!(fixture.pki.ensure(in_days(336)).unwrap(), Changed::default());
}

#[test]
fn at_the_end_of_the_ca_certificates_end_with_it_and_are_not_issued_each_time() {
    let fixture = Fixture::started();
    let last_year = in_days(3650 - 20);
    fixture.pki.ensure(last_year).unwrap();
    assert_eq!(fixture.pki.ensure(last_year).unwrap(), Changed::default());
    let facts = facts_of(
        &fixture.text("pki/serving.crt"),
        &fixture.text("pki/serving.key"),
        &fixture.text("pki/ca.crt"),
    );
    assert_eq!(facts.not_after, in_days(3650));

    let failure = fixture.pki.ensure(in_days(3651)).unwrap_err();
    assert!(failure.message().contains("ca.crt expired"), "{failure:?}");
}

#[test]
fn another_name_means_another_serving_certificate_only() {
    let fixture = Fixture::started();
    let more = pki_in(
        fixture.root.path(),
        ServingCertificate::Own(vec!["lease.example".parse().unwrap()]),
        LISTEN,
    );
    let wanted = Changed {
        serving: Some(Reason::OtherNames),
        ..Changed::default()
    };
    assert_eq!(more.ensure(today()).unwrap(), wanted);

    let facts = facts_of(
        &fixture.text("pki/serving.crt"),
        &fixture.text("pki/serving.key"),
        &fixture.text("pki/ca.crt"),
    );
    assert!(facts.names.contains(&"lease.example".parse().unwrap()));
    assert!(facts.names.contains(&"box".parse().unwrap()));
    assert_eq!(facts.usages, [Usage::Server]);
}

#[test]
fn another_port_rewrites_the_kubeconfig_only() {
    let fixture = Fixture::started();
    let moved = pki_in(fixture.root.path(), ServingCertificate::Own(vec![]), "127.0.0.1:7443");
    assert_eq!(
        moved.ensure(today()).unwrap(),
        Changed {
            kubeconfig: true,
            ..Changed::default()
        }
    );
    assert!(fixture.text("admin.kubeconfig").contains("https://127.0.0.1:7443"));
}

#[test]
fn a_broken_certificate_or_key_is_replaced() {
    let fixture = Fixture::started();
    let other = Fixture::started();
    let take = |name: &str| std::fs::copy(other.path(name), fixture.path(name)).map(drop).unwrap();
    let garble = |name: &str| std::fs::write(fixture.path(name), [0xff, 0xfe, b'x']).unwrap();

    garble("pki/serving.crt");
    garble("pki/admin.key");
    let changed = fixture.pki.ensure(today()).unwrap();
    assert_eq!(
        (changed.serving, changed.admin),
        (Some(Reason::Unreadable), Some(Reason::Unreadable))
    );

    take("pki/serving.key");
    take("pki/admin.key");
    take("pki/admin.crt");
    let changed = fixture.pki.ensure(today()).unwrap();
    assert_eq!(
        (changed.serving, changed.admin),
        (Some(Reason::KeyDoesNotFit), Some(Reason::OtherCa))
    );

    std::fs::remove_file(fixture.path("pki/serving.key")).unwrap();
    assert_eq!(fixture.pki.ensure(today()).unwrap().serving, Some(Reason::Missing));
    assert_eq!(fixture.pki.ensure(today()).unwrap(), Changed::default());
}

/// Naming our CA as the issuer is not enough: the signature has to be its.
#[test]
fn a_certificate_with_a_forged_signature_is_replaced() {
    let fixture = Fixture::started();
    let mut der = inspect::certificates(&fixture.text("pki/admin.crt"))
        .unwrap()
        .remove(0)
        .to_vec();
    *der.last_mut().unwrap() ^= 1;
    std::fs::write(fixture.path("pki/admin.crt"), inspect::pem(&der)).unwrap();
    assert_eq!(fixture.pki.ensure(today()).unwrap().admin, Some(Reason::OtherCa));
}

#[test]
fn a_ca_that_cannot_be_used_is_an_error_and_stays_as_it_is() {
    let other = Fixture::started();
    let (other_key, leaf) = (other.text("pki/ca.key"), other.text("pki/admin.crt"));
    for (file, contents, about) in [
        ("pki/ca.crt", "garbage", "ca.crt holds no certificate"),
        (
            "pki/ca.crt",
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "not an X.509 certificate",
        ),
        ("pki/ca.key", "garbage", "ca.key is not a private key"),
        ("pki/ca.key", &other_key, "ca.key does not belong"),
        ("pki/ca.crt", &leaf, "ca.key does not belong"),
    ] {
        let fixture = Fixture::started();
        std::fs::write(fixture.path(file), contents).unwrap();
        let failure = fixture.pki.ensure(today()).unwrap_err();
        assert!(failure.message().contains(about), "{failure:?}");
        assert!(!failure.message().contains('\n'));
        assert_eq!(fixture.text(file), contents);
    }
}

#[test]
fn a_ca_without_its_key_is_an_error_and_a_key_without_its_ca_is_used() {
    let fixture = Fixture::started();
    let key = fixture.text("pki/ca.key");
    std::fs::remove_file(fixture.path("pki/ca.key")).unwrap();
    let failure = fixture.pki.ensure(today()).unwrap_err();
    assert!(failure.message().contains("ca.key is missing"), "{failure:?}");
    assert!(failure.advice().is_some());

    std::fs::write(fixture.path("pki/ca.key"), &key).unwrap();
    std::fs::remove_file(fixture.path("pki/ca.crt")).unwrap();
    assert!(fixture.pki.ensure(today()).unwrap().ca);
    assert_eq!(fixture.text("pki/ca.key"), key);
}

#[test]
fn a_clock_that_was_never_set_makes_nothing() {
    let fixture = Fixture::new();
    let failure = fixture.pki.ensure("1970-01-01T00:01:00Z".parse().unwrap()).unwrap_err();
    assert!(failure.advice().unwrap().contains("clock"), "{failure:?}");
    assert!(!fixture.path("pki").exists());

    fixture.pki.ensure(today()).unwrap();
    let failure = fixture.pki.ensure(in_days(-1)).unwrap_err();
    assert!(failure.message().contains("is valid from"), "{failure:?}");
}

#[test]
fn certificates_have_what_verifiers_look_for() {
    let fixture = Fixture::started();
    let read = |name: &str| inspect::certificates(&fixture.text(name)).unwrap().remove(0);
    let (ca, leaf) = (read("pki/ca.crt"), read("pki/serving.crt"));
    let (ca, leaf) = (inspect::parse(&ca).unwrap(), inspect::parse(&leaf).unwrap());
    let identifiers = |certificate: &x509_parser::prelude::X509Certificate<'_>| {
        use x509_parser::extensions::ParsedExtension::{AuthorityKeyIdentifier, SubjectKeyIdentifier};
        let mut found = (None, None);
        for extension in certificate.extensions() {
            match extension.parsed_extension() {
                SubjectKeyIdentifier(id) => found.0 = Some(id.0.to_vec()),
                AuthorityKeyIdentifier(id) => found.1 = id.key_identifier.as_ref().map(|id| id.0.to_vec()),
                _ => {}
            }
        }
        found
    };
    let (ca_subject, leaf_ids) = (identifiers(&ca).0, identifiers(&leaf));
    assert!(ca_subject.is_some());
    assert!(leaf_ids.0.is_some() && leaf_ids.0 != ca_subject);
    assert_eq!(leaf_ids.1, ca_subject);
    assert!(leaf.raw_serial().len() >= 8 && leaf.raw_serial() != ca.raw_serial());
    assert!(!leaf.is_ca());
}

#[test]
fn a_certificate_of_someone_else_is_used_as_it_is() {
    let (fixture, other) = (Fixture::started(), Fixture::started());
    let chain = other.text("pki/serving.crt") + &other.text("pki/ca.crt");
    std::fs::write(fixture.path("chain.pem"), &chain).unwrap();
    let files = |key: PathBuf| ServingCertificate::Files {
        cert: fixture.path("chain.pem"),
        key,
    };
    let wanted = Changed {
        kubeconfig: true,
        ..Changed::default()
    };

    let pki = pki_in(fixture.root.path(), files(other.path("pki/serving.key")), LISTEN);
    assert_eq!(pki.ensure(today()).unwrap(), wanted);
    assert_eq!(pki.material().unwrap().serving.cert.len(), 2);
    let cluster = kubeconfig::read_cluster(&fixture.path("admin.kubeconfig"))
        .unwrap()
        .unwrap();
    assert_eq!(cluster.ca, Some(other.text("pki/ca.crt")), "the root of the chain");
    assert_eq!(cluster.tls_server_name, None, "the address is among the names");

    let elsewhere = pki_in(
        fixture.root.path(),
        files(other.path("pki/serving.key")),
        "192.0.2.1:6443",
    );
    elsewhere.ensure(today()).unwrap();
    let cluster = kubeconfig::read_cluster(&fixture.path("admin.kubeconfig"))
        .unwrap()
        .unwrap();
    assert_eq!(cluster.tls_server_name.as_deref(), Some("box"));

    let failure = pki_in(fixture.root.path(), files(other.path("pki/ca.key")), LISTEN)
        .material()
        .unwrap_err();
    assert!(
        failure.message().ends_with("ca.key does not belong to the certificate"),
        "{failure:?}"
    );
}

#[test]
fn credentials_carry_the_user_and_every_group() {
    let fixture = Fixture::started();
    for groups in [vec![], vec!["one"], vec!["b", "a", "system:masters"], vec!["x"; 40]] {
        let groups: Vec<String> = groups.into_iter().map(str::to_owned).collect();
        let wish = Credentials {
            data_dir: fixture.root.path().to_owned(),
            identity: Identity {
                user: "ada".to_owned(),
                groups: groups.clone(),
            },
            server: Some("https://lease.example:443".to_owned()),
            expiry: Duration::from_secs(3600),
        };
        let text = crate::credentials::issue(&wish, today()).unwrap();
        let value: serde_json::Value = serde_saphyr::from_str(text.expose()).unwrap();
        let data = |of: &serde_json::Value| {
            use base64::Engine;
            String::from_utf8(base64::prelude::BASE64_STANDARD.decode(of.as_str().unwrap()).unwrap()).unwrap()
        };
        let user = &value["users"][0]["user"];
        let cluster = &value["clusters"][0]["cluster"];
        assert_eq!(cluster["server"], "https://lease.example:443");
        assert_eq!(data(&cluster["certificate-authority-data"]), fixture.text("pki/ca.crt"));

        let certificate = data(&user["client-certificate-data"]);
        let facts = facts_of(
            &certificate,
            &data(&user["client-key-data"]),
            &fixture.text("pki/ca.crt"),
        );
        assert_eq!(
            facts.subject,
            Subject {
                common_name: "ada".to_owned(),
                organizations: groups
            }
        );
        assert!(facts.key_fits && facts.signed_by_ca);
        assert_eq!(facts.usages, [Usage::Client]);
        assert_eq!(facts.not_after, today() + SignedDuration::from_hours(1));
    }
}

#[test]
fn credentials_need_a_server_that_was_started_once() {
    let empty = tempfile::tempdir().unwrap();
    let wish = Credentials {
        data_dir: empty.path().to_owned(),
        identity: Identity {
            user: "ada".to_owned(),
            groups: vec![],
        },
        server: None,
        expiry: Duration::from_secs(3600),
    };
    let Err(failure) = crate::credentials::issue(&wish, today()) else {
        panic!("nothing is there to sign with")
    };
    assert!(failure.message().contains("holds no server's data"), "{failure:?}");
}
