//! `watcher` and `reflector`, with both ways to begin: list and watch, and streaming lists.

use std::collections::BTreeMap;
use std::pin::pin;

use futures_util::{Stream, StreamExt};
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::{DeleteParams, ListParams};
use kube::runtime::reflector::{self, reflector as reflect};
use kube::runtime::watcher::{self, Event};
use kube::{Api, ResourceExt};
use libtest_mimic::Failed;

use crate::Outcome;
use crate::cluster::{Cluster, create, lease, soon};
use crate::history::{Change, History, WRITES, write};

fn both_ways() -> [watcher::Config; 2] {
    // Pages of two, so that listing takes several.
    let listing = watcher::Config::default().page_size(2);
    [listing, watcher::Config::default().streaming_lists()]
}

async fn next(
    events: &mut (impl Stream<Item = watcher::Result<Event<Lease>>> + Unpin),
) -> Result<Event<Lease>, Failed> {
    let event = soon("event", events.next()).await?;
    Ok(event.ok_or("the watch ended")??)
}

pub(crate) async fn watchers_tell_what_was_done(cluster: &Cluster) -> Outcome {
    let leases = cluster.leases();
    for (round, config) in both_ways().into_iter().enumerate() {
        let mut before = History::default();
        for index in 0..5 {
            before.applied(&create(&leases, &lease(&format!("before-{round}-{index}"), "one")).await?);
        }
        let mut events = pin!(watcher::watcher(leases.clone(), config.clone()));
        assert_eq!(initial(&mut events).await?, before, "{config:?}");
        // It is read while they write, as a controller would.
        let (done, told) = tokio::join!(write(&leases), told(&mut events));
        assert_eq!(told?, done?, "{config:?}");
        delete_all(&leases).await?;
    }
    Ok(())
}

/// What a watch begins with.
async fn initial(events: &mut (impl Stream<Item = watcher::Result<Event<Lease>>> + Unpin)) -> Result<History, Failed> {
    assert!(matches!(next(events).await?, Event::Init));
    let mut seen = History::default();
    loop {
        match next(events).await? {
            Event::InitApply(lease) => seen.applied(&lease),
            Event::InitDone => return Ok(seen),
            other => return Err(format!("{other:?} among the initial events").into()),
        }
    }
}

/// As many changes as the writers make.
async fn told(events: &mut (impl Stream<Item = watcher::Result<Event<Lease>>> + Unpin)) -> Result<History, Failed> {
    let mut seen = History::default();
    while seen.len() < WRITES {
        match next(events).await? {
            Event::Apply(lease) => seen.applied(&lease),
            Event::Delete(lease) => seen.add(lease.name_any(), Change::Deleted),
            other => return Err(format!("the watch had to begin again: {other:?}").into()),
        }
    }
    Ok(seen)
}

pub(crate) async fn reflector_equals_a_list(cluster: &Cluster) -> Outcome {
    let leases = cluster.leases();
    for (round, config) in both_ways().into_iter().enumerate() {
        create(&leases, &lease(&format!("before-{round}"), "one")).await?;
        let (store, writer) = reflector::store();
        let mut following = pin!(reflect(writer, watcher::watcher(leases.clone(), config)).for_each(|_| async {}));
        let last = format!("last-{round}");
        let writing = async {
            store.wait_until_ready().await?;
            write(&leases).await?;
            create(&leases, &lease(&last, "one")).await?;
            leases.list(&ListParams::default()).await.map_err(Failed::from)
        };
        let list = tokio::select! {
            list = soon("end of the writing", writing) => list??,
            () = &mut following => return Err("the watch ended".into()),
        };
        // The last write is seen last.
        let seen = async {
            while store.find(|lease| lease.name_any() == last).is_none() {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            seen = soon("last write in the store", seen) => seen?,
            () = &mut following => return Err("the watch ended".into()),
        }
        let stored = store.state();
        assert_eq!(versions(stored.iter().map(AsRef::as_ref)), versions(list.iter()));
        delete_all(&leases).await?;
    }
    Ok(())
}

/// For the next round, whose writers begin with nothing.
async fn delete_all(leases: &Api<Lease>) -> Outcome {
    leases
        .delete_collection(&DeleteParams::default(), &ListParams::default())
        .await?;
    Ok(())
}

fn versions<'a>(leases: impl Iterator<Item = &'a Lease>) -> BTreeMap<String, Option<String>> {
    leases
        .map(|lease| (lease.name_any(), lease.resource_version()))
        .collect()
}
