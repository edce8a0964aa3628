//! Chains of every kind, judged at chosen times.

use rcgen::string::BmpString;
use rcgen::{DnType, DnValue, ExtendedKeyUsagePurpose};

use super::super::test_pki::{Authority, Holder, LATE, Wish};
use super::*;

const NOW: i64 = 1_700_000_000;

fn cas(authorities: &[&Authority]) -> ClientCas {
    let pem: String = authorities.iter().map(|a| a.pem()).collect();
    ClientCas::from_pem(pem.as_bytes()).unwrap()
}

fn root() -> Authority {
    Authority::root("root", 0..=LATE)
}

fn judge(root: &Authority, holder: &Holder, now: i64) -> PeerCertificate {
    cas(&[root]).judge(&holder.chain, now)
}

/// Until when it is good.
fn end(judged: &PeerCertificate) -> Option<i64> {
    match judged {
        PeerCertificate::Good { not_after, .. } => Some(*not_after),
        PeerCertificate::Bad(_) => None,
    }
}

fn bad(judged: &PeerCertificate) -> bool {
    end(judged).is_none()
}

#[test]
fn the_common_name_is_the_user_and_organizations_are_groups() {
    let root = root();
    let holder = root.issue(Wish::client("system:node:n1", &["system:nodes", "rack 3"]));
    assert_eq!(
        judge(&root, &holder, NOW),
        PeerCertificate::Good {
            user: User::authenticated("system:node:n1", ["system:nodes", "rack 3"]),
            not_after: LATE,
        }
    );
}

#[test]
fn it_is_good_from_the_first_second_to_the_last() {
    let root = root();
    let holder = root.issue(Wish::client("a", &[]).valid(NOW - 10..=NOW + 10));
    for (now, good) in [(-11, false), (-10, true), (10, true), (11, false)] {
        assert_eq!(!bad(&judge(&root, &holder, NOW + now)), good, "{now}");
    }
}

#[test]
fn the_shortest_validity_in_the_chain_counts() {
    let short = NOW + 10;
    let root = root();
    let between = root.intermediate(0..=short);
    let holder = between.issue(Wish::client("a", &[]));
    assert_eq!(end(&judge(&root, &holder, NOW)), Some(short));
    assert!(bad(&judge(&root, &holder, short + 1)));

    let ending = Authority::root("ending", 0..=short);
    let holder = ending.issue(Wish::client("a", &[]));
    assert_eq!(end(&judge(&ending, &holder, NOW)), Some(short));
    assert!(bad(&judge(&ending, &holder, short + 1)));
}

#[test]
fn a_renewed_authority_takes_over_from_the_old_one() {
    let old = Authority::root("root", 0..=NOW + 10);
    let new = old.renewed("root", NOW..=LATE);
    let holder = old.issue(Wish::client("a", &[]));
    for both in [cas(&[&old, &new]), cas(&[&new, &old])] {
        assert_eq!(end(&both.judge(&holder.chain, NOW - 1)), Some(NOW + 10));
        assert_eq!(end(&both.judge(&holder.chain, NOW + 5)), Some(LATE));
        assert_eq!(end(&both.judge(&holder.chain, NOW + 20)), Some(LATE));
    }
}

#[test]
fn nobody_else_can_vouch() {
    let (root, stranger) = (root(), Authority::root("root", 0..=LATE));
    let holder = stranger.issue(Wish::client("root", &["system:masters"]));
    assert!(bad(&judge(&root, &holder, NOW)), "same name, other key");
    let mut with_root = stranger.issue(Wish::client("a", &[]));
    with_root.chain.push(stranger.der());
    assert!(bad(&judge(&root, &with_root, NOW)));
    let mut with_ours = stranger.issue(Wish::client("a", &[]));
    with_ours.chain.push(root.der());
    assert!(bad(&judge(&root, &with_ours, NOW)));
    assert!(!bad(&cas(&[&root, &stranger]).judge(&holder.chain, NOW)));
}

#[test]
fn a_client_cannot_vouch_for_another() {
    let root = root();
    let client = root.issue(Wish::client("a", &[]));
    let mut other = root.intermediate(0..=LATE).issue(Wish::client("b", &[]));
    other.chain[1] = client.chain[0].clone();
    assert!(bad(&judge(&root, &other, NOW)));
}

#[test]
fn a_missing_intermediate_or_an_empty_chain_is_bad() {
    let root = root();
    let mut holder = root.intermediate(0..=LATE).issue(Wish::client("a", &[]));
    assert!(!bad(&judge(&root, &holder, NOW)));
    holder.chain.truncate(1);
    assert!(bad(&judge(&root, &holder, NOW)));
    holder.chain.clear();
    assert!(bad(&judge(&root, &holder, NOW)));
    holder.chain.push(CertificateDer::from(vec![1, 2, 3]));
    assert!(bad(&judge(&root, &holder, NOW)));
}

#[test]
fn only_what_is_for_clients_or_for_anything_identifies_a_client() {
    let root = root();
    let usable = |usages| {
        let holder = root.issue(Wish::client("a", &[]).for_use(usages));
        !bad(&judge(&root, &holder, NOW))
    };
    use ExtendedKeyUsagePurpose::{ClientAuth, ServerAuth};
    assert!(usable(vec![ClientAuth]));
    assert!(usable(vec![ServerAuth, ClientAuth]));
    assert!(usable(vec![]));
    assert!(!usable(vec![ServerAuth]));
}

#[test]
fn a_name_that_is_missing_or_unreadable_is_bad() {
    let root = root();
    let bmp = || DnValue::BmpString(BmpString::try_from("a").unwrap());
    for names in [
        vec![],
        vec![(DnType::CommonName, "".into())],
        vec![(DnType::OrganizationName, "system:masters".into())],
        vec![(DnType::CommonName, bmp())],
        vec![(DnType::CommonName, "a".into()), (DnType::OrganizationName, bmp())],
    ] {
        let shown = format!("{names:?}");
        let mut wish = Wish::client("", &[]);
        wish.names = names;
        assert!(bad(&judge(&root, &root.issue(wish), NOW)), "{shown}");
    }
}

#[test]
fn a_bundle_without_certificates_is_an_error() {
    for text in ["", "no PEM here", "# a comment\n"] {
        assert!(matches!(
            ClientCas::from_pem(text.as_bytes()),
            Err(CertificateError::Empty)
        ));
    }
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert!(matches!(
        ClientCas::from_pem(broken.as_bytes()),
        Err(CertificateError::Unusable(1, _))
    ));
    let cut = "-----BEGIN CERTIFICATE-----\nAAAA\n";
    assert!(matches!(
        ClientCas::from_pem(cut.as_bytes()),
        Err(CertificateError::Pem(_))
    ));
}
