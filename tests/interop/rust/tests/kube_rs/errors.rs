//! Refusals, as kube's errors tell them apart.

use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::core::Status;
use kube::{Api, ResourceExt};
use libtest_mimic::Failed;
use serde_json::json;

use crate::Outcome;
use crate::cluster::{Cluster, create, lease};

/// The status that a request was refused with.
fn refused<T>(result: kube::Result<T>) -> Result<Status, Failed> {
    match result {
        Err(kube::Error::Api(status)) => Ok(*status),
        Err(other) => Err(other.into()),
        Ok(_) => Err("it was not refused".into()),
    }
}

pub(crate) async fn refusals_are_what_they_are(cluster: &Cluster) -> Outcome {
    let leases = cluster.leases();
    let made = create(&leases, &lease("a", "one")).await?;
    let missing = refused(leases.get("nobody").await)?;
    assert!(missing.is_not_found() && missing.code == 404, "{missing:?}");
    assert_eq!(missing.message, "leases.coordination.k8s.io \"nobody\" not found");
    let missing = refused(leases.delete("nobody", &DeleteParams::default()).await)?;
    assert!(missing.is_not_found(), "{missing:?}");
    let again = refused(create(&leases, &lease("a", "one")).await)?;
    assert!(again.is_already_exists() && again.code == 409, "{again:?}");

    let mut stale = made.clone();
    stale.metadata.resource_version = Some("1".to_owned());
    let conflict = refused(leases.replace("a", &PostParams::default(), &stale).await)?;
    assert!(conflict.is_conflict(), "{conflict:?}");

    let mut wrong = lease("b", "one");
    wrong.spec.get_or_insert_default().lease_duration_seconds = Some(0);
    let invalid = refused(create(&leases, &wrong).await)?;
    assert!(invalid.is_invalid() && invalid.code == 422, "{invalid:?}");
    let causes = invalid.details.ok_or("no details")?.causes;
    assert_eq!(causes.len(), 1);
    assert_eq!(causes[0].field, "spec.leaseDurationSeconds");

    let unknown = refused(leases.list(&ListParams::default().fields("spec.nothing=x")).await)?;
    assert_eq!((unknown.code, unknown.reason.as_str()), (400, "BadRequest"));
    let strict = PatchParams::default().validation_strict();
    let patch = Patch::Merge(json!({"spec": {"holder": "x"}}));
    let unknown = refused(leases.patch("a", &strict, &patch).await)?;
    assert!(unknown.message.contains("unknown field \"spec.holder\""), "{unknown:?}");
    assert_eq!(leases.get("a").await?.resource_version(), made.resource_version());
    Ok(())
}

pub(crate) async fn anonymous_is_forbidden(cluster: &Cluster) -> Outcome {
    let client = cluster.anonymous()?;
    assert_eq!(client.apiserver_version().await?.major, "1");
    let leases: Api<k8s_openapi::api::coordination::v1::Lease> = Api::namespaced(client, &cluster.namespace);
    let forbidden = refused(leases.list(&ListParams::default()).await)?;
    assert!(forbidden.is_forbidden() && forbidden.code == 403, "{forbidden:?}");
    let wanted = format!(
        "leases.coordination.k8s.io is forbidden: User \"system:anonymous\" cannot list resource \"leases\" \
         in API group \"coordination.k8s.io\" in the namespace \"{}\"",
        cluster.namespace
    );
    assert_eq!(forbidden.message, wanted);
    Ok(())
}
