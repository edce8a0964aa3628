//! Writes and reads of a process that has not seen yet what others have written.
//!
//! Goal: what it has seen may make a write cheap, and never makes an answer wrong. Method: a registry whose store sees nothing
//! for a while, another one that changes things meanwhile, and a count of what the first one asks its store for.

use bytes::Bytes;
use leasehold_api::codec::{self, Format};
use leasehold_api::options::{DeleteOptions, ResourceVersion};
use leasehold_api::{ApiError, Object};
use leasehold_registry::resources::{LEASES, NAMESPACES};
use leasehold_registry::{Deleted, PatchKind, Place, Registry, WriteOptions, Written};
use leasehold_store::Error;
use serde_json::{Value, json};

use crate::harness::{as_json, lease, leases, list_options, names, options, version};
use crate::meddling::Scene;

fn at(name: &str) -> Place {
    leases().named(name)
}

fn decode(place: &Place, body: &Value) -> codec::Decoded {
    codec::decode(Format::Json, &place.target(), &Bytes::from(body.to_string())).expect("a good body")
}

async fn create_in(registry: &Registry, place: &Place, body: &Value) -> Result<Written, ApiError> {
    registry.create(place, decode(place, body), &options()).await
}

async fn create(registry: &Registry, name: &str, holder: &str) -> Box<dyn Object> {
    let written = create_in(registry, &leases(), &lease(name, holder)).await;
    written.expect("created").item.object().expect("readable")
}

async fn put(registry: &Registry, name: &str, body: &Value) -> Result<Written, ApiError> {
    registry.update(&at(name), decode(&at(name), body), &options()).await
}

async fn merge(registry: &Registry, name: &str, body: &Value) -> Result<Written, ApiError> {
    let body = Bytes::from(body.to_string());
    registry.patch(&at(name), PatchKind::Merge, &body, &options()).await
}

async fn delete(registry: &Registry, name: &str) -> Result<Deleted, ApiError> {
    registry.delete(&at(name), &DeleteOptions::default(), &options()).await
}

async fn read(registry: &Registry, name: &str) -> Result<Value, ApiError> {
    let item = registry.get(&at(name), ResourceVersion::Unset).await?;
    Ok(as_json(&*item.object()?))
}

fn holder(holder: &str) -> Value {
    json!({"spec": {"holderIdentity": holder}})
}

fn renewal(name: &str, version: u64, holder: &str) -> Value {
    json!({"metadata": {"name": name, "resourceVersion": version.to_string()}, "spec": {"holderIdentity": holder}})
}

fn code<T>(result: Result<T, ApiError>) -> (i32, String) {
    let error = result.err().expect("a refusal");
    (i32::from(error.code()), error.reason().to_owned())
}

fn refused(code: i32, reason: &str) -> (i32, String) {
    (code, reason.to_owned())
}

#[tokio::test]
async fn a_write_of_what_has_been_seen_asks_the_store_once() {
    let scene = Scene::shared().await;
    let created = create(&scene.registry, "a", "one").await;
    assert_eq!(
        scene.store.requests().0,
        0,
        "the namespace was seen to be open, before and after"
    );
    put(&scene.registry, "a", &renewal("a", version(&*created), "two"))
        .await
        .unwrap();
    assert_eq!(scene.store.requests(), (0, 1), "a PUT");
    merge(&scene.registry, "a", &holder("three")).await.unwrap();
    assert_eq!(scene.store.requests(), (0, 1), "a PATCH");
    delete(&scene.registry, "a").await.unwrap();
    assert_eq!(scene.store.requests(), (0, 1), "a DELETE");
    scene.close().await;
}

#[tokio::test]
async fn a_put_is_judged_by_the_version_that_is_there() {
    let scene = Scene::shared().await;
    let first = version(&*create(&scene.registry, "a", "one").await);
    scene.store.go_blind();
    let second = put(&scene.rival(), "a", &renewal("a", first, "two")).await.unwrap();
    let second = version(&*second.item.object().unwrap());

    // The version that was seen here is not the one that is there, and the other way round.
    let stale = put(&scene.registry, "a", &renewal("a", first, "stale")).await;
    assert_eq!(code(stale), refused(409, "Conflict"));
    let third = put(&scene.registry, "a", &renewal("a", second, "three")).await.unwrap();
    assert!(version(&*third.item.object().unwrap()) > second);
    assert_eq!(
        read(&scene.registry, "a").await.unwrap()["spec"]["holderIdentity"],
        "three"
    );
    scene.close().await;
}

#[tokio::test]
async fn what_was_not_there_when_it_was_seen_last_is_changed_and_deleted_all_the_same() {
    let scene = Scene::shared().await;
    scene.store.go_blind();
    let rival = scene.rival();
    for name in ["patched", "put", "applied", "deleted", "unversioned"] {
        create(&rival, name, "one").await;
    }
    merge(&scene.registry, "patched", &holder("two")).await.unwrap();
    let there = rival.get(&at("put"), ResourceVersion::Unset).await.unwrap();
    let body = renewal("put", version(&*there.object().unwrap()), "two");
    assert!(!put(&scene.registry, "put", &body).await.unwrap().created);
    let body = json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "applied"},
        "spec": {"holderIdentity": "one"}});
    let body = Bytes::from(body.to_string());
    let applied = scene
        .registry
        .patch(&at("applied"), PatchKind::Apply, &body, &options())
        .await;
    assert!(!applied.unwrap().created);
    delete(&scene.registry, "deleted").await.unwrap();
    assert_eq!(code(read(&rival, "deleted").await), refused(404, "NotFound"));
    let unversioned = put(&scene.registry, "unversioned", &lease("unversioned", "two")).await;
    assert_eq!(
        code(unversioned),
        refused(422, "Invalid"),
        "a lease is not replaced without its version"
    );
    let again = create_in(&scene.registry, &leases(), &lease("put", "x")).await;
    assert_eq!(code(again), refused(409, "AlreadyExists"));
    scene.close().await;
}

#[tokio::test]
async fn what_is_gone_since_it_was_seen_is_not_found_or_made_anew() {
    let scene = Scene::shared().await;
    let mut versions = Vec::new();
    for name in ["patched", "deleted", "put"] {
        versions.push(version(&*create(&scene.registry, name, "one").await));
    }
    scene.store.go_blind();
    let rival = scene.rival();
    for name in ["patched", "deleted", "put"] {
        delete(&rival, name).await.unwrap();
    }
    assert_eq!(
        code(merge(&scene.registry, "patched", &holder("two")).await),
        refused(404, "NotFound")
    );
    assert_eq!(code(delete(&scene.registry, "deleted").await), refused(404, "NotFound"));
    let made = put(&scene.registry, "put", &renewal("put", versions[2], "two"))
        .await
        .unwrap();
    assert!(made.created, "as a PUT to a name that does not exist");
    scene.close().await;
}

#[tokio::test]
async fn nothing_to_write_is_said_of_what_is_there_and_not_of_what_was_seen() {
    let scene = Scene::shared().await;
    create(&scene.registry, "a", "one").await;
    scene.store.go_blind();
    merge(&scene.rival(), "a", &holder("two")).await.unwrap();
    // By what was seen, this changes nothing.
    let written = merge(&scene.registry, "a", &holder("one")).await.unwrap();
    assert_eq!(
        as_json(&*written.item.object().unwrap())["spec"]["holderIdentity"],
        "one"
    );
    let there = read(&scene.rival(), "a").await.unwrap();
    assert_eq!(there["spec"]["holderIdentity"], "one");
    scene.close().await;
}

#[tokio::test]
async fn a_mark_of_deletion_that_is_no_more_is_made_again() {
    let scene = Scene::shared().await;
    let held = json!({"metadata": {"name": "a", "finalizers": ["x.io/hold"]}});
    create_in(&scene.registry, &leases(), &held).await.unwrap();
    delete(&scene.registry, "a").await.unwrap();
    scene.store.go_blind();
    let rival = scene.rival();
    merge(&rival, "a", &json!({"metadata": {"finalizers": null}}))
        .await
        .unwrap();
    create(&rival, "a", "new").await;
    // What was seen is marked already, so that there would be nothing to do.
    assert!(matches!(delete(&scene.registry, "a").await.unwrap(), Deleted::Gone(_)));
    assert_eq!(code(read(&rival, "a").await), refused(404, "NotFound"));
    scene.close().await;
}

#[tokio::test]
async fn a_uid_is_compared_with_that_of_what_is_there() {
    let scene = Scene::shared().await;
    let old = create(&scene.registry, "a", "one").await.metadata().uid.clone();
    scene.store.go_blind();
    let rival = scene.rival();
    delete(&rival, "a").await.unwrap();
    let new = create(&rival, "a", "two").await.metadata().uid.clone();
    let this = |uid: &String| {
        let mut this = DeleteOptions::default();
        this.preconditions.uid = Some(uid.clone());
        this
    };
    let deleted = scene.registry.delete(&at("a"), &this(&old), &options()).await;
    assert_eq!(code(deleted), refused(409, "Conflict"), "the namesake stays");
    scene.registry.delete(&at("a"), &this(&new), &options()).await.unwrap();
    scene.close().await;
}

#[tokio::test]
async fn a_dry_run_speaks_of_what_is_there() {
    let scene = Scene::shared().await;
    create(&scene.registry, "a", "one").await;
    scene.store.go_blind();
    let rival = scene.rival();
    let label = json!({"metadata": {"labels": {"seen": "no"}}});
    merge(&rival, "a", &label).await.unwrap();
    create(&rival, "b", "two").await;
    let dry = WriteOptions {
        dry_run: true,
        ..options()
    };
    let body = Bytes::from(holder("dry").to_string());
    let patched = scene
        .registry
        .patch(&at("a"), PatchKind::Merge, &body, &dry)
        .await
        .unwrap();
    assert_eq!(patched.item.object().unwrap().metadata().labels["seen"], "no");
    let deleted = scene.registry.delete(&at("b"), &DeleteOptions::default(), &dry).await;
    assert!(matches!(deleted.unwrap(), Deleted::Gone(_)));
    scene.close().await;
}

#[tokio::test]
async fn a_namespace_is_open_or_closed_as_it_is_and_not_as_it_was_seen() {
    let scene = Scene::shared().await;
    let (namespaces, rival) = (Place::collection(&NAMESPACES, ""), scene.rival());
    let team = |name: &str| json!({"metadata": {"name": name}});
    create_in(&rival, &namespaces, &team("going")).await.unwrap();
    scene.store.go_blind();
    create_in(&rival, &namespaces, &team("new")).await.unwrap();
    let going = namespaces.named("going");
    rival
        .delete(&going, &DeleteOptions::default(), &options())
        .await
        .unwrap();

    let new = Place::collection(&LEASES, "new");
    let created = create_in(&scene.registry, &new, &lease("a", "h")).await;
    created.expect("it has been there for a while");
    let going = Place::collection(&LEASES, "going");
    let created = create_in(&scene.registry, &going, &lease("a", "h")).await;
    assert_eq!(code(created), refused(403, "Forbidden"));
    let left = rival.list(&going, &list_options("")).await.unwrap();
    assert_eq!(names(&left), [""; 0], "what was created too late is taken back");
    scene.close().await;
}

#[tokio::test]
async fn a_failure_of_the_store_is_told_and_the_write_not_tried_again() {
    let scene = Scene::shared().await;
    create(&scene.registry, "a", "one").await;
    scene.store.requests();
    scene
        .store
        .fail_next_write(Error::Unavailable("it may or may not have been written".into()));
    assert_eq!(code(merge(&scene.registry, "a", &holder("two")).await).0, 503);
    assert_eq!(scene.store.requests(), (0, 1));
    scene.close().await;
}

#[tokio::test]
async fn reads_say_how_fresh_they_must_be() {
    let scene = Scene::shared().await;
    let first = version(&*create(&scene.registry, "a", "one").await);
    scene.store.go_blind();
    let rival = scene.rival();
    create(&rival, "b", "two").await;
    let registry = &scene.registry;
    for (versions, seen) in [
        ("", vec!["a", "b"]),
        ("resourceVersion=0", vec!["a"]),
        (&format!("resourceVersion={first}"), vec!["a"]),
    ] {
        let listed = registry.list(&leases(), &list_options(versions)).await.unwrap();
        assert_eq!(names(&listed), seen, "{versions}");
    }
    let get = async |at: ResourceVersion| registry.get(&leases().named("b"), at).await;
    assert!(get(ResourceVersion::Unset).await.is_ok());
    for seen in [ResourceVersion::Any, ResourceVersion::At(first)] {
        assert_eq!(code(get(seen).await), refused(404, "NotFound"), "{seen:?}");
    }
    scene.store.see();
    assert!(get(ResourceVersion::Any).await.is_ok());
    scene.close().await;
}

#[tokio::test]
async fn a_watch_begins_with_the_latest_state_unless_it_takes_any() {
    let scene = Scene::shared().await;
    create(&scene.registry, "a", "one").await;
    scene.store.go_blind();
    create(&scene.rival(), "b", "two").await;
    for (version, wanted) in [("", 3), ("&resourceVersion=0", 2)] {
        let mut watch = scene
            .registry
            .watch(&leases(), &list_options(&format!("watch=1{version}")))
            .await
            .unwrap();
        let mut items = Vec::new();
        watch.next(&mut items).await.unwrap();
        assert_eq!(items.len(), wanted, "with the end of what there is: {items:?}");
    }
    scene.close().await;
}
