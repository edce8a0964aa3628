//! The one page that is not Kubernetes': everything there is, for those who may do everything.

use http::Method;

use crate::fixture::{LEASES, Server};

const PATH: &str = "/leasehold/backup";

#[tokio::test]
async fn a_backup_is_sent_to_those_who_may_do_everything() {
    let server = Server::start().await;
    let lease = r#"{"metadata":{"name":"kept"},"spec":{"holderIdentity":"who-holds-it"}}"#;
    let json = [("content-type", "application/json")];
    assert_eq!(server.ask(Method::POST, LEASES, &json, lease).await.code, 201);

    let backup = server.get(PATH, &[]).await;
    assert_eq!(
        (backup.code, backup.header("content-type")),
        (200, "application/octet-stream")
    );
    assert_eq!(backup.header("cache-control"), "no-cache, private");
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &backup.body).unwrap();
    let content = leasehold_store::embedded::verify_backup(file.path()).unwrap();
    assert_eq!(content.objects, 5, "the lease and the first four namespaces");
    assert!(backup.body.windows(12).any(|part| part == b"who-holds-it"));

    let post = server.ask(Method::POST, PATH, &json, "{}").await;
    assert_eq!(post.code, 405);
    assert!(server.get("/", &[]).await.text().contains(PATH));
}

#[tokio::test]
async fn nobody_else_gets_one() {
    let server = Server::start().await;
    for (token, code) in [("Bearer nobody", 403), ("Bearer wrong", 401)] {
        let refused = server.get(PATH, &[("authorization", token)]).await;
        assert_eq!(refused.code, code, "{token}: {}", refused.text());
        assert!(!refused.text().contains("kube-system"));
    }
}
