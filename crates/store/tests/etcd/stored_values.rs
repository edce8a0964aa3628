//! Bit by bit what a kube-apiserver keeps in etcd: recorded keys and values, both ways.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use leasehold_etcd::{Op, RangeRequest};
use leasehold_store::etcd::{Etcd, Options};
use leasehold_store::{Key, Page, Range, Snapshot, Store};

use crate::harness::{World, open, read, revision};

/// The key as Kubernetes has it, and the value.
fn recorded() -> Vec<(String, Bytes)> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/conformance/stored-values.json");
    let text = std::fs::read_to_string(file).expect("the recording is part of the repository");
    let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let values = json["values"].as_array().expect("a list of values").iter();
    let text = |value: &serde_json::Value| value.as_str().expect("a text").to_owned();
    values
        .map(|value| {
            let bytes = STANDARD.decode(text(&value["value_base64"])).expect("base64");
            (text(&value["key"]), bytes.into())
        })
        .collect()
}

/// The part of a key after `/registry/`, taken apart as the registry names things.
fn taken_apart(path: &str) -> Key {
    let rest = path.strip_prefix("/registry/").expect("Kubernetes' prefix");
    let parts: Vec<_> = rest.split('/').collect();
    let resource = RESOURCES
        .into_iter()
        .find(|resource| *resource == parts[0])
        .expect("one of ours");
    let (namespace, name) = if parts.len() == 3 {
        (parts[1], parts[2])
    } else {
        ("", parts[1])
    };
    crate::harness::key(resource, namespace, name)
}

const RESOURCES: [&str; 5] = ["leases", "leasecandidates", "namespaces", "minions", "events"];

/// With all resources, at Kubernetes' own prefix.
async fn store(world: &World) -> Etcd {
    let mut options: Options = world.options();
    options.resources = RESOURCES.to_vec();
    "/registry".clone_into(&mut options.prefix);
    open(options).await
}

async fn clear(world: &World) {
    let old = world
        .client
        .range(RangeRequest::prefix("/registry/").keys_only())
        .await
        .expect("etcd serves");
    for kv in old.kvs {
        world.txn(vec![Op::delete(kv.key)]).await;
    }
}

#[tokio::test]
async fn what_a_kube_apiserver_stored_is_served_byte_for_byte_and_under_its_names() {
    let world = World::new().await;
    clear(&world).await;
    let recorded = recorded();
    assert!(recorded.len() >= 4, "there is something to compare");
    let early = store(&world).await;
    let mut written = Vec::new();
    for (path, value) in &recorded {
        written.push(world.txn(vec![Op::put(path.clone(), value.clone())]).await);
    }
    let late = store(&world).await;
    early.reached(*written.last().unwrap()).await.unwrap();
    for ((path, value), at) in recorded.iter().zip(&written) {
        let key = taken_apart(path);
        for store in [&early, &late] {
            assert_eq!(read(store, &key).await, Some((value.clone(), *at)), "{path}");
            let listed = store
                .list(&Range::Name(key.clone()), Snapshot::Any, &Page::default())
                .await
                .unwrap();
            assert_eq!(
                (&listed.entries[0].value, listed.entries[0].revision),
                (value, *at),
                "{path}"
            );
        }
    }
    early.close().await;
    late.close().await;
    clear(&world).await;
}

#[tokio::test]
async fn what_is_stored_here_is_where_a_kube_apiserver_looks_for_it() {
    let world = World::new().await;
    clear(&world).await;
    let store = store(&world).await;
    for (path, value) in recorded() {
        let written = store.create(taken_apart(&path), value.clone()).await.unwrap();
        let found = world
            .client
            .range(RangeRequest::key(path.clone()))
            .await
            .unwrap()
            .kvs
            .pop()
            .expect("it is there");
        assert_eq!((found.value, revision(found.mod_revision)), (value, written), "{path}");
    }
    store.close().await;
    clear(&world).await;
}
