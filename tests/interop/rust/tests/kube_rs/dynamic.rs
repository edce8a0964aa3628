//! Discovery, objects without a type, and metadata alone.

use std::collections::BTreeSet;

use kube::api::{ApiResource, DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kube::core::GroupVersionKind;
use kube::discovery::{Discovery, Scope, verbs};
use kube::{Api, Client, ResourceExt};
use libtest_mimic::Failed;
use serde_json::json;

use crate::Outcome;
use crate::cluster::{Cluster, create, lease};

/// Every resource as `apiVersion plural Kind scope`.
fn resources(discovery: &Discovery) -> BTreeSet<String> {
    let groups = discovery.groups();
    let versions = groups.flat_map(|group| group.versions().map(move |version| (group, version)));
    let all = versions.flat_map(|(group, version)| group.versioned_resources(version));
    all.map(|(resource, capabilities)| {
        let scope = match capabilities.scope {
            Scope::Cluster => "cluster",
            Scope::Namespaced => "namespaced",
        };
        format!("{} {} {} {scope}", resource.api_version, resource.plural, resource.kind)
    })
    .collect()
}

pub(crate) async fn discovery_finds_the_same_both_ways(cluster: &Cluster) -> Outcome {
    let classic = resources(&Discovery::new(cluster.client.clone()).run().await?);
    let aggregated = resources(&Discovery::new(cluster.client.clone()).run_aggregated().await?);
    assert_eq!(classic, aggregated);
    for wanted in [
        "coordination.k8s.io/v1 leases Lease namespaced",
        "coordination.k8s.io/v1beta1 leasecandidates LeaseCandidate namespaced",
        "v1 namespaces Namespace cluster",
        "v1 nodes Node cluster",
        "events.k8s.io/v1 events Event namespaced",
    ] {
        assert!(classic.contains(wanted), "{wanted} is not among {classic:?}");
    }
    Ok(())
}

pub(crate) async fn what_discovery_lists_can_be_listed(cluster: &Cluster) -> Outcome {
    let discovery = Discovery::new(cluster.client.clone()).run_aggregated().await?;
    let mut kinds = BTreeSet::new();
    let groups = discovery.groups();
    for (resource, capabilities) in groups.flat_map(|group| group.resources_by_stability()) {
        if capabilities.supports_operation(verbs::LIST) {
            Api::<DynamicObject>::all_with(cluster.client.clone(), &resource)
                .list(&ListParams::default())
                .await?;
            kinds.insert(resource.kind);
        }
    }
    assert!(kinds.len() >= 5, "only {kinds:?}");
    Ok(())
}

async fn lease_resource(client: &Client) -> Result<ApiResource, Failed> {
    let kind = GroupVersionKind::gvk("coordination.k8s.io", "v1", "Lease");
    let (resource, capabilities) = kube::discovery::pinned_kind(client, &kind).await?;
    assert_eq!(
        (resource.plural.as_str(), capabilities.scope),
        ("leases", Scope::Namespaced)
    );
    Ok(resource)
}

pub(crate) async fn objects_without_a_type(cluster: &Cluster) -> Outcome {
    let resource = lease_resource(&cluster.client).await?;
    let leases = Api::<DynamicObject>::namespaced_with(cluster.client.clone(), &cluster.namespace, &resource);
    let spec = json!({"holderIdentity": "one", "leaseDurationSeconds": 15});
    let wanted = DynamicObject::new("a", &resource).data(json!({ "spec": spec }));
    let mut made = leases.create(&PostParams::default(), &wanted).await?;
    assert_eq!(made.data["spec"], spec);
    made.data["spec"]["holderIdentity"] = json!("two");
    let replaced = leases.replace("a", &PostParams::default(), &made).await?;
    assert_eq!(leases.list(&ListParams::default()).await?.items.len(), 1);
    assert_eq!(leases.get("a").await?.data, replaced.data);
    let merge = Patch::Merge(json!({"spec": {"leaseDurationSeconds": null}}));
    let patched = leases.patch("a", &PatchParams::default(), &merge).await?;
    assert_eq!(patched.data["spec"], json!({"holderIdentity": "two"}));
    leases.delete("a", &DeleteParams::default()).await?;
    assert!(leases.get_opt("a").await?.is_none());
    Ok(())
}

pub(crate) async fn metadata_alone(cluster: &Cluster) -> Outcome {
    let leases = cluster.leases();
    let made = create(&leases, &lease("a", "one")).await?;
    let read = leases.get_metadata("a").await?;
    assert_eq!(read.metadata, made.metadata);
    let list = leases.list_metadata(&ListParams::default()).await?;
    assert_eq!(list.items.len(), 1);
    assert_eq!(list.items[0].metadata.uid, made.uid());
    let patch = Patch::Merge(json!({"metadata": {"labels": {"app": "x"}}}));
    let patched = leases.patch_metadata("a", &PatchParams::default(), &patch).await?;
    assert_eq!(patched.labels().get("app").map(String::as_str), Some("x"));
    assert_eq!(leases.get("a").await?.spec, made.spec);
    Ok(())
}
