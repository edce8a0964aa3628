//! The four kinds of patch.

use k8s_openapi::api::coordination::v1::Lease;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use crate::Outcome;
use crate::cluster::{Cluster, create, holder, lease, version};

pub(crate) async fn four_kinds(cluster: &Cluster) -> Outcome {
    let leases = cluster.leases();
    let mut last = create(&leases, &lease("a", "none")).await?;
    let operations = json!([
        {"op": "test", "path": "/spec/holderIdentity", "value": "strategic"},
        {"op": "replace", "path": "/spec/holderIdentity", "value": "json"},
    ]);
    let patches: [(&str, Patch<Value>); 4] = [
        ("merge", Patch::Merge(json!({"spec": {"holderIdentity": "merge"}}))),
        (
            "strategic",
            Patch::Strategic(json!({"spec": {"holderIdentity": "strategic"}})),
        ),
        ("json", Patch::Json(serde_json::from_value(operations)?)),
        ("apply", Patch::Apply(applied("apply"))),
    ];
    for (wanted, patch) in patches {
        let params = match patch {
            Patch::Apply(_) => PatchParams::apply("test").force(),
            _ => PatchParams::default(),
        };
        let patched: Lease = leases.patch("a", &params, &patch).await?;
        assert_eq!(holder(&patched), wanted);
        assert!(version(&patched) > version(&last));
        assert_eq!(
            patched.spec.as_ref().and_then(|spec| spec.lease_duration_seconds),
            Some(15)
        );
        let again = leases.patch("a", &params, &patch).await;
        if wanted != "json" {
            assert_eq!(version(&again?), version(&patched), "the same {wanted} patch again");
        }
        last = patched;
    }
    Ok(())
}

fn applied(holder: &str) -> Value {
    json!({
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": "a"},
        "spec": {"holderIdentity": holder},
    })
}

pub(crate) async fn apply_conflicts(cluster: &Cluster) -> Outcome {
    let leases = cluster.leases();
    let (one, two) = (PatchParams::apply("one"), PatchParams::apply("two"));
    leases.patch("a", &one, &Patch::Apply(applied("first"))).await?;
    let Err(kube::Error::Api(status)) = leases.patch("a", &two, &Patch::Apply(applied("second"))).await else {
        return Err("the other manager's value was overwritten, or something else went wrong".into());
    };
    assert!(status.is_conflict(), "{status:?}");
    assert!(
        status.message.contains("conflict with \"one\": .spec.holderIdentity"),
        "{status:?}"
    );
    let causes = status.details.ok_or("no details")?.causes;
    assert_eq!(causes.len(), 1);
    assert_eq!(
        (causes[0].reason.as_str(), causes[0].field.as_str()),
        ("FieldManagerConflict", ".spec.holderIdentity")
    );

    let forced = leases
        .patch("a", &two.clone().force(), &Patch::Apply(applied("second")))
        .await?;
    assert_eq!(holder(&forced), "second");
    let mut empty = applied("");
    empty.as_object_mut().expect("an object").remove("spec");
    let dropped = leases.patch("a", &two, &Patch::Apply(empty)).await?;
    assert_eq!(holder(&dropped), "", "its last owner no longer applies it");
    Ok(())
}
