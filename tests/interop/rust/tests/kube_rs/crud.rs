//! A typed `Api<Lease>`, one object at a time.

use k8s_openapi::api::coordination::v1::Lease;
use kube::ResourceExt;
use kube::api::entry::Entry;
use kube::api::{DeleteParams, PostParams, Preconditions};

use crate::Outcome;
use crate::cluster::{Cluster, create, holder, lease, version};

pub(crate) async fn create_read_replace_delete(cluster: &Cluster) -> Outcome {
    let leases = cluster.leases();
    let wanted = lease("a", "one");
    let made = create(&leases, &wanted).await?;
    assert_eq!(made.spec, wanted.spec);
    assert!(made.uid().is_some() && made.creation_timestamp().is_some() && made.metadata.generation.is_none());
    assert_eq!(leases.get("a").await?, made);

    let mut changed = made.clone();
    changed.spec.get_or_insert_default().holder_identity = Some("two".to_owned());
    let replaced = leases.replace("a", &PostParams::default(), &changed).await?;
    assert_eq!((holder(&replaced), replaced.uid()), ("two", made.uid()));
    assert!(version(&replaced) > version(&made));
    let same = leases.replace("a", &PostParams::default(), &replaced).await?;
    assert_eq!(same, replaced, "a replacement that changes nothing");

    let other = Preconditions {
        resource_version: made.resource_version(),
        uid: None,
    };
    let refused = leases.delete("a", &DeleteParams::default().preconditions(other)).await;
    assert!(matches!(refused, Err(kube::Error::Api(status)) if status.is_conflict()));
    leases.delete("a", &DeleteParams::default()).await?;
    assert_eq!(leases.get_opt("a").await?, None);
    Ok(())
}

pub(crate) async fn entry_creates_and_modifies(cluster: &Cluster) -> Outcome {
    let leases = cluster.leases();
    for (wanted, is_new) in [("one", true), ("two", false)] {
        let entry = leases.entry("a").await?;
        assert_eq!(matches!(entry, Entry::Vacant(_)), is_new);
        let mut entry = entry.or_insert(|| lease("a", "")).and_modify(|lease| {
            lease.spec.get_or_insert_default().holder_identity = Some(wanted.to_owned());
        });
        entry.commit(&PostParams::default()).await?;
        assert_eq!(holder(&leases.get("a").await?), wanted);
    }
    Ok(())
}

pub(crate) async fn dry_run_writes_nothing(cluster: &Cluster) -> Outcome {
    let leases = cluster.leases();
    let dry = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    assert!(leases.create(&dry, &lease("a", "one")).await?.uid().is_some());
    assert_eq!(leases.get_opt("a").await?, None);
    let made = create(&leases, &lease("a", "one")).await?;
    let changed = leases.replace("a", &dry, &lease_of_two(&made)).await?;
    assert_eq!(holder(&changed), "two");
    leases.delete("a", &DeleteParams::default().dry_run()).await?;
    assert_eq!(leases.get("a").await?, made);
    Ok(())
}

fn lease_of_two(made: &Lease) -> Lease {
    let mut lease = lease("a", "two");
    lease.metadata = made.metadata.clone();
    lease
}
