//! Events, as a controller written with kube posts them.

use k8s_openapi::api::core::v1::Event;
use kube::api::ListParams;
use kube::runtime::events::{Event as Posted, EventType, Recorder, Reporter};
use kube::{Api, Resource};

use crate::Outcome;
use crate::cluster::{Cluster, create, lease};

pub(crate) async fn recorder_posts_and_counts(cluster: &Cluster) -> Outcome {
    let made = create(&cluster.leases(), &lease("a", "one")).await?;
    let reporter = Reporter {
        controller: "example.com/test".to_owned(),
        instance: Some("test-1".to_owned()),
    };
    let recorder = Recorder::new(cluster.client.clone(), reporter);
    let event = Posted {
        type_: EventType::Warning,
        reason: "Lost".to_owned(),
        note: Some("one lost it".to_owned()),
        action: "Renew".to_owned(),
        secondary: None,
    };
    let reference = made.object_ref(&());
    recorder.publish(&event, &reference).await?;
    recorder.publish(&event, &reference).await?;

    // By the older API, which shows the same objects.
    let events: Api<Event> = Api::namespaced(cluster.client.clone(), &cluster.namespace);
    let list = events
        .list(&ListParams::default().fields("involvedObject.name=a,reason=Lost"))
        .await?;
    assert_eq!(list.items.len(), 1, "{list:?}");
    let posted = &list.items[0];
    assert_eq!(posted.message.as_deref(), Some("one lost it"));
    assert_eq!(posted.type_.as_deref(), Some("Warning"));
    assert_eq!(posted.involved_object.uid, made.metadata.uid);
    assert_eq!(posted.series.as_ref().and_then(|series| series.count), Some(2));
    Ok(())
}
