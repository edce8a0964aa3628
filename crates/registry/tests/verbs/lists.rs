//! Lists: selectors, pages, versions.

use serde_json::json;

use crate::harness::{Harness, lease, leases, names, place};

async fn five() -> Harness {
    let h = Harness::new().await;
    for (name, app) in [("a", "x"), ("b", "y"), ("c", "x"), ("d", "x"), ("e", "y")] {
        h.create(&leases(), json!({"metadata": {"name": name, "labels": {"app": app}}}))
            .await
            .unwrap();
    }
    h
}

#[tokio::test]
async fn pages_show_one_snapshot_whatever_is_written_between() {
    let h = five().await;
    let first = h.list(&leases(), "limit=2").await.unwrap();
    assert_eq!(names(&first), ["a", "b"]);
    assert_eq!(first.metadata.remaining_item_count, Some(3));
    h.create(&leases(), lease("bb", "new")).await.unwrap();
    h.delete(&leases().named("d")).await.unwrap();
    let second = h
        .list(&leases(), &format!("limit=2&continue={}", first.metadata.r#continue))
        .await
        .unwrap();
    assert_eq!(names(&second), ["c", "d"], "as it was");
    assert_eq!(second.metadata.resource_version, first.metadata.resource_version);
    let third = h
        .list(&leases(), &format!("limit=2&continue={}", second.metadata.r#continue))
        .await
        .unwrap();
    assert_eq!(
        (names(&third), third.metadata.r#continue.as_str()),
        (vec!["e".to_owned()], "")
    );
    assert_eq!(names(&h.list(&leases(), "").await.unwrap()), ["a", "b", "bb", "c", "e"]);
    h.close().await;
}

#[tokio::test]
async fn selected_pages_are_full_pages() {
    let h = five().await;
    let first = h
        .list(&leases(), "labelSelector=app%3Dx&limit=2".replace("%3D", "=").as_str())
        .await
        .unwrap();
    assert_eq!(
        (names(&first), first.metadata.remaining_item_count),
        (vec!["a".to_owned(), "c".to_owned()], None)
    );
    let next = format!("labelSelector=app=x&limit=2&continue={}", first.metadata.r#continue);
    let second = h.list(&leases(), &next).await.unwrap();
    assert_eq!(
        (names(&second), second.metadata.r#continue.as_str()),
        (vec!["d".to_owned()], "")
    );
    h.close().await;
}

#[tokio::test]
async fn a_token_is_good_for_its_own_list_only() {
    let h = five().await;
    let token = h.list(&leases(), "limit=1").await.unwrap().metadata.r#continue;
    let elsewhere = place("coordination.k8s.io", "v1", "leases", "kube-system");
    for bad in [
        token.clone(),
        String::new() + "junk",
        token[..token.len() - 1].to_owned(),
    ] {
        let error = h
            .list(&elsewhere, &format!("limit=1&continue={bad}"))
            .await
            .unwrap_err();
        assert_eq!(error.code(), 400, "{bad}");
    }
    h.close().await;
}

#[tokio::test]
async fn a_past_version_is_shown_exactly_and_a_future_one_times_out() {
    let h = five().await;
    let then = h.list(&leases(), "").await.unwrap().metadata.resource_version;
    h.delete(&leases().named("a")).await.unwrap();
    let exact = h
        .list(&leases(), &format!("resourceVersion={then}&resourceVersionMatch=Exact"))
        .await
        .unwrap();
    assert_eq!(names(&exact), ["a", "b", "c", "d", "e"]);
    let error = h.list(&leases(), "resourceVersion=99999999").await.unwrap_err();
    assert_eq!((error.code(), error.reason()), (504, "Timeout"));
    h.close().await;
}

#[tokio::test]
async fn unknown_fields_cannot_be_selected_by() {
    let h = five().await;
    assert_eq!(
        names(&h.list(&leases(), "fieldSelector=metadata.name=c").await.unwrap()),
        ["c"]
    );
    assert_eq!(
        names(&h.list(&leases(), "fieldSelector=metadata.name!=c").await.unwrap()).len(),
        4
    );
    let everywhere = place("coordination.k8s.io", "v1", "leases", "");
    assert_eq!(
        names(&h.list(&everywhere, "fieldSelector=metadata.name=c").await.unwrap()),
        ["c"]
    );
    let error = h
        .list(&leases(), "fieldSelector=spec.holderIdentity=x")
        .await
        .unwrap_err();
    assert_eq!(error.code(), 400);
    h.close().await;
}

#[tokio::test]
async fn a_token_of_an_earlier_process_has_expired() {
    let h = five().await;
    let token = h.list(&leases(), "limit=1").await.unwrap().metadata.r#continue;
    let query = crate::harness::list_options(&format!("limit=1&continue={token}"));
    let error = h.restarted().list(&leases(), &query).await.unwrap_err();
    assert_eq!((error.code(), error.reason()), (410, "Expired"), "{error}");
    h.close().await;
}

#[tokio::test]
async fn a_token_goes_on_at_whoever_shares_the_secret() {
    let h = five().await;
    let replica = |secret: u8| h.restarted().with_token_secret([secret; 32]);
    let first = replica(1)
        .list(&leases(), &crate::harness::list_options("limit=2"))
        .await
        .unwrap();
    let query = crate::harness::list_options(&format!("limit=2&continue={}", first.metadata.r#continue));
    let second = replica(1).list(&leases(), &query).await.unwrap();
    assert_eq!(names(&second), ["c", "d"]);
    assert_eq!(replica(2).list(&leases(), &query).await.unwrap_err().code(), 410);
    h.close().await;
}
