//! Lists: pages and selectors.

use k8s_openapi::api::coordination::v1::Lease;
use kube::ResourceExt;
use kube::api::{DeleteParams, ListParams, ObjectList};

use crate::Outcome;
use crate::cluster::{Cluster, create, lease};

fn names(list: &ObjectList<Lease>) -> Vec<String> {
    list.iter().map(ResourceExt::name_any).collect()
}

/// All pages are of the moment of the first, whatever is written meanwhile.
pub(crate) async fn pages_are_of_one_moment(cluster: &Cluster) -> Outcome {
    let leases = cluster.leases();
    let wanted: Vec<_> = (0..50).map(|index| format!("l{index:02}")).collect();
    for name in &wanted {
        create(&leases, &lease(name, "one")).await?;
    }
    let mut page = leases.list(&ListParams::default().limit(20)).await?;
    let version = page.metadata.resource_version.clone();
    let (mut seen, mut left) = (names(&page), vec![page.metadata.remaining_item_count]);
    while let Some(token) = page.metadata.continue_.filter(|token| !token.is_empty()) {
        // One that was read and one that is still to be read, and one more.
        for name in [&seen[0], wanted.last().unwrap_or(&seen[0])] {
            leases.delete(name, &DeleteParams::default()).await.ok();
        }
        create(&leases, &lease(&format!("l30-{}", seen.len()), "new")).await?;
        page = leases
            .list(&ListParams::default().limit(20).continue_token(&token))
            .await?;
        assert_eq!(page.metadata.resource_version, version);
        seen.extend(names(&page));
        left.push(page.metadata.remaining_item_count);
    }
    assert_eq!(seen, wanted);
    assert_eq!(left, [Some(30), Some(10), None]);
    Ok(())
}

pub(crate) async fn selectors(cluster: &Cluster) -> Outcome {
    let leases = cluster.leases();
    for (name, label) in [("a", Some("x")), ("b", Some("y")), ("c", None)] {
        let mut wanted = lease(name, "one");
        wanted.metadata.labels = label.map(|value| [("app".to_owned(), value.to_owned())].into());
        create(&leases, &wanted).await?;
    }
    let all = ListParams::default();
    for (params, wanted) in [
        (all.clone().labels("app=x"), "a"),
        (all.clone().labels("app in (x, y)"), "a b"),
        (all.clone().labels("app!=x"), "b c"),
        (all.clone().labels("!app"), "c"),
        (all.clone().fields("metadata.name=b"), "b"),
        (all.clone().fields("metadata.name!=b").labels("app"), "a"),
        (all.clone().match_any(), "a b c"),
    ] {
        let found = names(&leases.list(&params).await?).join(" ");
        assert_eq!(found, wanted, "{params:?}");
    }
    let collection = leases
        .delete_collection(&DeleteParams::default(), &all.clone().labels("app"))
        .await?;
    assert!(collection.is_left() || collection.is_right_and(|status| status.is_success()));
    assert_eq!(names(&leases.list(&all).await?), ["c"]);
    Ok(())
}
